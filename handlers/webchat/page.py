"""The page's files, read once and served from memory."""

from __future__ import annotations

import gzip
import hashlib
import html
import re
from dataclasses import dataclass
from pathlib import Path

from fastapi import Response

_SLOT = re.compile(r"\{\{([\w.]+)\}\}")
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

    def response(self, encodings: str, cache: str) -> Response:
        headers = {"cache-control": cache, "vary": "accept-encoding"}
        if "gzip" not in encodings:
            return Response(self.body, media_type=self.media_type, headers=headers)
        headers["content-encoding"] = "gzip"
        return Response(self.packed, media_type=self.media_type, headers=headers)


class Page:
    """The citizen's page with the account's own words in it."""

    def __init__(self, name: str, greeting: str, max_text: int) -> None:
        self._assets = {
            path.name: _asset(path.read_bytes(), _TYPES[path.suffix])
            for path in STATIC.iterdir()
            if path.suffix in _TYPES
        }
        words = {"name": name, "greeting": greeting, "max": str(max_text)}
        # A new version has a new address: some built-in browsers never look again.
        marks = {file: asset.mark for file, asset in self._assets.items()}
        source = (STATIC / "index.html").read_text(encoding="utf-8")
        values = {**words, **marks}
        source = _SLOT.sub(lambda slot: html.escape(values[slot[1]]), source)
        self._index = _asset(source.encode(), "text/html; charset=utf-8")

    def index(self, encodings: str) -> Response:
        return self._index.response(encodings, "no-cache")

    def asset(self, name: str, encodings: str) -> Response | None:
        asset = self._assets.get(name)
        if asset is None:
            return None
        return asset.response(encodings, "public, max-age=31536000, immutable")


def _asset(body: bytes, media_type: str) -> _Asset:
    return _Asset(body, gzip.compress(body, mtime=0), media_type)
