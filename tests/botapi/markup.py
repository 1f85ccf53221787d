"""Message text and keyboards, as strictly as Telegram reads them."""

from __future__ import annotations

import itertools
import re
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import urlsplit

from tests.botapi.model import ApiError, Json, bad_request

TEXT_LIMIT = 4096
CAPTION_LIMIT = 1024

_KINDS = {
    "b": "bold",
    "strong": "bold",
    "i": "italic",
    "em": "italic",
    "u": "underline",
    "ins": "underline",
    "s": "strikethrough",
    "strike": "strikethrough",
    "del": "strikethrough",
    "tg-spoiler": "spoiler",
    "span": "spoiler",
    "tg-emoji": "custom_emoji",
    "a": "text_link",
    "code": "code",
    "pre": "pre",
    "blockquote": "blockquote",
}
_CHARACTER = re.compile(r"&(?:(lt|gt|amp|quot)(?![A-Za-z])|#([0-9]+)|#x([0-9A-Fa-f]+));?")
_NAMED = {"lt": "<", "gt": ">", "amp": "&", "quot": '"'}
_NAME = re.compile(r"[^\s>]*")
_ATTRIBUTE = re.compile(
    r"""\s+([^\s=>"'/]+)(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([A-Za-z0-9.\-]+)(?=[\s>])))?"""
)
_CLOSE = re.compile(r"\s*>")


def units(text: str) -> int:
    """Length in UTF-16 units, in which Telegram counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def unescape(text: str) -> str:
    def character(match: re.Match[str]) -> str:
        name, decimal, hexadecimal = match.groups()
        if name:
            return _NAMED[name]
        code = int(decimal) if decimal else int(hexadecimal, 16)
        return chr(code) if 0 < code < 0x110000 else match[0]

    return _CHARACTER.sub(character, text)


@dataclass
class _Open:
    name: str
    attributes: dict[str, str]
    offset: int
    start: int


class _Html:
    def __init__(self, source: str) -> None:
        self.source = source
        self.text = ""
        self.entities: list[Json] = []
        self.stack: list[_Open] = []

    def parse(self) -> tuple[str, list[Json]]:
        position = 0
        while position < len(self.source):
            tag = self.source.find("<", position)
            end = len(self.source) if tag < 0 else tag
            self.text += unescape(self.source[position:end])
            position = self._tag(tag) if tag >= 0 else end
        if self.stack:
            self._fail(f'Can\'t find end tag corresponding to start tag "{self.stack[-1].name}"')
        self.entities.sort(key=lambda e: (e["offset"], -e["length"]))
        return self.text, self.entities

    def _tag(self, begin: int) -> int:
        if self.source.startswith("</", begin):
            return self._end(begin)
        return self._start(begin)

    def _start(self, begin: int) -> int:
        name_match = _NAME.match(self.source, begin + 1)
        assert name_match
        name, position = name_match[0].lower(), name_match.end()
        if position == len(self.source):
            self._fail("Unclosed start tag", begin)
        if name not in _KINDS:
            self._fail(f'Unsupported start tag "{name}"', begin)
        attributes: dict[str, str] = {}
        while match := _ATTRIBUTE.match(self.source, position):
            attributes[match[1].lower()] = unescape(match[2] or match[3] or match[4] or "")
            position = match.end()
        close = _CLOSE.match(self.source, position)
        if close is None:
            at_end = ">" not in self.source[position:]
            self._fail("Unclosed start tag" if at_end else "Unexpected end of name token", begin)
        if name == "span" and attributes.get("class") != "tg-spoiler":
            self._fail('Tag "span" must have class "tg-spoiler"', begin)
        self.stack.append(_Open(name, attributes, units(self.text), len(self.text)))
        return close.end()

    def _end(self, begin: int) -> int:
        if not self.stack:
            self._fail("Unexpected end tag", begin)
        name_match = _NAME.match(self.source, begin + 2)
        assert name_match
        name = name_match[0].lower()
        close = _CLOSE.match(self.source, name_match.end())
        if close is None:
            self._fail("Unclosed end tag", begin)
        expected = self.stack[-1].name
        if name and name != expected:
            self._fail("Unmatched end tag", begin, f', expected "</{expected}>", found "</{name}>"')
        self._entity(self.stack.pop())
        return close.end()

    def _entity(self, opened: _Open) -> None:
        inside = self.text[opened.start :]
        if not inside:
            return
        kind = _KINDS[opened.name]
        entity: Json = {"type": kind, "offset": opened.offset, "length": units(inside)}
        if kind == "text_link":
            url = opened.attributes.get("href") or inside
            if not valid_url(url):  # Telegram drops such links without a word
                return
            entity["url"] = url
        elif kind == "custom_emoji":
            entity["custom_emoji_id"] = opened.attributes.get("emoji-id", "")
        elif kind == "blockquote" and "expandable" in opened.attributes:
            entity["type"] = "expandable_blockquote"
        self.entities.append(entity)

    def _fail(self, what: str, begin: int | None = None, more: str = "") -> NoReturn:
        where = "" if begin is None else f" at byte offset {len(self.source[:begin].encode())}"
        raise bad_request(f"can't parse entities: {what}{where}{more}")


def parse_html(source: str) -> tuple[str, list[Json]]:
    """Text and entities of HTML markup. Raises ApiError 400 for what Telegram refuses."""
    return _Html(source).parse()


def _trimmed(text: str, entities: list[Json]) -> tuple[str, list[Json]]:
    lead = units(text) - units(text.lstrip())
    text = text.strip()
    size = units(text)
    kept: list[Json] = []
    for entity in entities:
        start = max(entity["offset"] - lead, 0)
        end = min(entity["offset"] - lead + entity["length"], size)
        if end > start:
            kept.append({**entity, "offset": start, "length": end - start})
    return text, kept


def formatted(
    text: str, parse_mode: str, entities: list[Json], limit: int = TEXT_LIMIT
) -> tuple[str, list[Json]]:
    """Text as stored and its entities. Raises ApiError 400 when too long or malformed."""
    if parse_mode.lower() == "html":
        text, entities = parse_html(text)
    elif parse_mode:
        raise bad_request(f"unsupported parse_mode {parse_mode} (this test server reads HTML only)")
    text, entities = _trimmed(text, entities)
    if units(text) > limit:
        raise bad_request(
            "message is too long" if limit == TEXT_LIMIT else "message caption is too long"
        )
    return text, entities


def valid_url(url: str) -> bool:
    """Whether Telegram takes this address: a known scheme and a host with a dot in it."""
    parts = urlsplit(url if "://" in url or url.startswith("tg:") else f"http://{url}")
    if parts.scheme == "tg":
        return True
    return parts.scheme in {"http", "https"} and "." in (parts.hostname or "")


def _check_button(button: Any, private: bool) -> None:
    if not isinstance(button, dict) or not isinstance(button.get("text"), str):
        raise bad_request(
            'can\'t parse inline keyboard button: Field "text" must be of type String'
        )
    if not button["text"]:
        raise bad_request("inline keyboard button text must not be empty")
    if "callback_data" in button:
        if not 1 <= len(str(button["callback_data"]).encode()) <= 64:
            raise bad_request("BUTTON_DATA_INVALID")
    elif "url" in button:
        if not valid_url(button["url"]):
            raise bad_request(
                f"inline keyboard button URL '{button['url']}' is invalid: Wrong HTTP URL"
            )
    elif "web_app" in button:
        if not private or not str(button["web_app"].get("url", "")).startswith("https://"):
            raise bad_request("BUTTON_TYPE_INVALID")
    elif not button.keys() & {"copy_text", "switch_inline_query", "login_url", "pay"}:
        raise bad_request("text buttons are unallowed in the inline keyboard")


def checked_markup(markup: Any, *, private: bool) -> Json:
    """A reply_markup as given, or {}. Raises ApiError 400."""
    if not markup:
        return {}
    if not isinstance(markup, dict):
        raise bad_request("object expected as reply markup")
    if "inline_keyboard" in markup:
        rows = _rows(markup["inline_keyboard"])
        for button in itertools.chain(*rows):
            _check_button(button, private)
        return {"inline_keyboard": rows} if rows else {}
    if "keyboard" in markup:
        for button in itertools.chain(*_rows(markup["keyboard"])):
            label = button.get("text") if isinstance(button, dict) else button
            if not isinstance(label, str) or not label:
                raise bad_request("keyboard button text must be non-empty")
    elif not markup.keys() & {"force_reply", "remove_keyboard"}:
        raise bad_request("can't parse reply keyboard markup JSON object")
    return markup


def _rows(rows: Any) -> list[list[Any]]:
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise bad_request("field of the keyboard must be an Array of Arrays")
    if sum(len(row) for row in rows) > 100:
        raise ApiError(400, "Bad Request: reply markup is too long")
    return [row for row in rows if row]
