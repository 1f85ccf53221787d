"""From the platform's XML to the desk's messages."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from xml.parsers import expat

from bot.channels.base import Attachment
from bot.channels.wechat import ACCOUNT
from bot.desk import Inbound

_DEEPEST = 8
_KINDS = {
    "image": "photo",
    "voice": "voice",
    "video": "video",
    "shortvideo": "video",
    "location": "location",
    "link": "link",
}
_DETAILS = {"MediaId": "media_id", "PicUrl": "url", "Format": "format", "Url": "url"}

Fields = Mapping[str, str]


class MalformedError(ValueError):
    """This is no message of the platform."""


def read_xml(body: bytes) -> dict[str, str]:
    """The texts of the root's children, of those without children of their own.

    Documents with a DTD, and so every entity, are refused before anything is expanded.
    Raises MalformedError.
    """
    reader = _Reader()
    try:
        reader.parser.Parse(body, True)
    except (expat.ExpatError, ValueError, LookupError):
        raise MalformedError("no XML of the platform") from None
    return reader.fields


class _Reader:
    def __init__(self) -> None:
        self.fields: dict[str, str] = {}
        self._path: list[str] = []
        self._text: list[str] = []
        self._leaf = False
        parser = self.parser = expat.ParserCreate()
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._text.append
        parser.StartDoctypeDeclHandler = self._refuse

    def _refuse(self, *_: object) -> None:
        raise MalformedError("a DTD")

    def _start(self, name: str, _: object) -> None:
        if len(self._path) >= _DEEPEST:
            raise MalformedError("too deep")
        self._path.append(name)
        self._text.clear()
        self._leaf = True

    def _end(self, name: str) -> None:
        if self._leaf and len(self._path) == 2:
            self.fields[name] = "".join(self._text)
        self._path.pop()
        self._leaf = False


def identity(fields: Fields) -> str:
    """What the platform's repetitions of a message have in common. Raises MalformedError."""
    sender, moment = fields.get("FromUserName", ""), fields.get("CreateTime", "")
    if not (sender and fields.get("MsgType") and moment.isdecimal() and len(moment) <= 11):
        raise MalformedError("no sender or no time")
    if number := fields.get("MsgId", ""):
        return f"{sender}:{number}"
    return f"{sender}:{moment}:{fields.get('Event', '')}:{fields.get('EventKey', '')}"


def inbound(fields: Fields) -> Inbound:
    """A message of the conversation with one citizen."""
    sender = fields["FromUserName"]
    return Inbound(
        account=ACCOUNT,
        citizen=sender,
        name=citizen_name(sender),
        kind="direct",
        place=sender,
        thread=sender,
        external_id=identity(fields),
        text=_text(fields),
        sent_at=datetime.fromtimestamp(int(fields["CreateTime"]), UTC),
        attachments=_attachments(fields),
    )


def citizen_name(openid: str) -> str:
    """The platform tells no names any more: something by which staff tell people apart."""
    return f"微信用户 {hashlib.sha256(openid.encode()).hexdigest()[:4]}"


def _text(fields: Fields) -> str:
    match fields["MsgType"]:
        case "text":
            return fields.get("Content", "").strip()
        case "voice":
            return fields.get("Recognition", "").strip()
        case "link":
            parts = (fields.get(name, "").strip() for name in ("Title", "Description", "Url"))
            return "\n".join(part for part in parts if part)
    return ""


def _attachments(fields: Fields) -> tuple[Attachment, ...]:
    kind = fields["MsgType"]
    if kind == "text":
        return ()
    details: dict[str, Any] = {
        name: fields[field] for field, name in _DETAILS.items() if fields.get(field)
    }
    details |= _position(fields)
    title = fields.get("Label") or fields.get("Title") or ""
    return (Attachment(_KINDS.get(kind, "other"), fields.get("MediaId", ""), title, details),)


def _position(fields: Fields) -> dict[str, float]:
    try:
        return {
            "latitude": float(fields["Location_X"]),
            "longitude": float(fields["Location_Y"]),
        }
    except (KeyError, ValueError):
        return {}
