"""The page's files, read once and served from memory."""

from __future__ import annotations

import gzip
import hashlib
import html
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fastapi import Response

from bot.channels.base import Button
from handlers.webchat import theme

_SLOT = re.compile(r"\{\{([\w.]+)\}\}")
_CURRENT = "以您打开这一页时的内容为准。"
_HTML = "text/html; charset=utf-8"
STATIC = Path(__file__).parent / "static"
_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}


@dataclass(frozen=True, slots=True)
class _Asset:
    body: bytes
    packed: bytes
    media_type: str

    @property
    def mark(self) -> str:
        return hashlib.sha256(self.body).hexdigest()[:12]

    def response(
        self, encodings: str, cache: str, more: Mapping[str, str] | None = None
    ) -> Response:
        headers = {"cache-control": cache, "vary": "accept-encoding", **(more or {})}
        if "gzip" not in encodings:
            return Response(self.body, media_type=self.media_type, headers=headers)
        headers["content-encoding"] = "gzip"
        return Response(self.packed, media_type=self.media_type, headers=headers)


class Page:
    """The citizen's page and its widget, with the account's own words and colour in them.

    ``origins`` are the websites that may embed the page.
    """

    def __init__(
        self,
        name: str,
        greeting: str,
        max_text: int,
        color: str = theme.DEFAULT,
        origins: Sequence[str] = (),
    ) -> None:
        files = {
            path.name: path.read_text(encoding="utf-8")
            for path in STATIC.iterdir()
            if path.suffix in _TYPES
        }
        files["chat.css"] = theme.stylesheet(files["chat.css"], color)
        files["icon.svg"] = files["icon.svg"].replace(theme.DEFAULT, color)
        widget = theme.script(files.pop("widget.js"), name, color)
        self._widget = _asset(widget.encode(), _TYPES[".js"])
        self._framing = theme.headers(origins)
        self._assets = {
            file: _asset(text.encode(), _TYPES[Path(file).suffix]) for file, text in files.items()
        }
        words = {"name": name, "greeting": greeting, "max": str(max_text), "color": color}
        # A new version has a new address: some built-in browsers never look again.
        marks = {file: asset.mark for file, asset in self._assets.items()}
        self._values = {**words, **marks}
        self._answer = (STATIC / "answer.html").read_text(encoding="utf-8")
        source = (STATIC / "index.html").read_text(encoding="utf-8")
        self._index = _asset(_filled(source, self._values).encode(), _HTML)

    def index(self, encodings: str) -> Response:
        return self._index.response(encodings, "no-cache", self._framing)

    def answer(
        self, question: str, text: str, links: Sequence[Button] = (), status: int = 200
    ) -> Response:
        """One answer whole, for those who were shown the beginning of it elsewhere."""
        made = "".join(
            f'<a href="{html.escape(one.url)}" rel="noopener">{html.escape(one.title)}</a>'
            for one in links
        )
        note = _CURRENT if status == 200 else ""
        values = {**self._values, "question": question, "text": text, "note": note}
        headers = {"cache-control": "no-cache", "x-robots-tag": "noindex"}
        return Response(
            _filled(self._answer, values, links=made), status, headers, media_type=_HTML
        )

    def widget(self, encodings: str) -> Response:
        """The script other websites load; they must see changes within the hour."""
        more = {"cross-origin-resource-policy": "cross-origin"}
        return self._widget.response(encodings, "public, max-age=3600", more)

    def asset(self, name: str, encodings: str) -> Response | None:
        asset = self._assets.get(name)
        if asset is None:
            return None
        return asset.response(encodings, "public, max-age=31536000, immutable")


def _filled(source: str, values: Mapping[str, str], **markup: str) -> str:
    """The template with values as text, and ``markup`` as it is. Raises KeyError."""

    def fill(slot: re.Match[str]) -> str:
        return markup[slot[1]] if slot[1] in markup else html.escape(values[slot[1]])

    return _SLOT.sub(fill, source)


def _asset(body: bytes, media_type: str) -> _Asset:
    return _Asset(body, gzip.compress(body, mtime=0), media_type)
