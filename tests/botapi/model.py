"""What tests hold in their hands: people, chats, messages, answers, calls."""

from __future__ import annotations

import zlib
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]


class ControlError(Exception):
    """A test asked for something that cannot happen (no such message, no such button…)."""


class ApiError(Exception):
    """A refusal in the Bot API's own form."""

    def __init__(self, code: int, description: str, retry_after: int | None = None) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.retry_after = retry_after

    def envelope(self) -> Json:
        body: Json = {"ok": False, "error_code": self.code, "description": self.description}
        if self.retry_after is not None:
            body["parameters"] = {"retry_after": self.retry_after}
        return body


class DroppedError(Exception):
    """The connection is to be cut without an answer."""


def bad_request(what: str) -> ApiError:
    return ApiError(400, f"Bad Request: {what}")


@dataclass(frozen=True)
class User:
    """A person; the id follows from the name unless given, so it is the same in every run."""

    name: str
    id: int
    username: str | None = None
    language_code: str = "zh-hans"

    @classmethod
    def named(cls, name: str, user_id: int | None = None, username: str | None = None) -> User:
        return cls(name, user_id or 1_000_000_000 + zlib.crc32(name.encode()), username)

    def json(self) -> Json:
        known = {"username": self.username} if self.username else {}
        return {
            "id": self.id,
            "is_bot": False,
            "first_name": self.name,
            "language_code": self.language_code,
            **known,
        }


@dataclass(frozen=True)
class Chat:
    """A group, supergroup or channel; `linked` is the other half of channel and discussion."""

    id: int
    type: str
    title: str
    linked: int | None = None


@dataclass(frozen=True)
class Message:
    """A message as the Bot API shows it (`raw`)."""

    raw: Json = field(repr=False)

    @property
    def id(self) -> int:
        return int(self.raw["message_id"])

    @property
    def chat_id(self) -> int:
        return int(self.raw["chat"]["id"])

    @property
    def text(self) -> str:
        """Text, or the caption of a file."""
        return str(self.raw.get("text") or self.raw.get("caption") or "")

    @property
    def thread_id(self) -> int | None:
        return self.raw.get("message_thread_id")

    @property
    def reply_to(self) -> int | None:
        return (self.raw.get("reply_to_message") or {}).get("message_id")

    def __str__(self) -> str:
        return f"{self.chat_id}/{self.id} {self.text!r}"


@dataclass(frozen=True)
class Sent(Message):
    """One thing the bot did: kind is send, edit, markup, delete or action."""

    seq: int
    at: float
    kind: str
    markup: Json

    @property
    def keyboard(self) -> list[list[Json]]:
        """Rows of buttons, inline or below the input field."""
        rows = self.markup.get("inline_keyboard") or self.markup.get("keyboard") or []
        return [[b if isinstance(b, dict) else {"text": b} for b in row] for row in rows]

    @property
    def buttons(self) -> list[str]:
        """Labels of all buttons, row by row."""
        return [button["text"] for row in self.keyboard for button in row]

    def data(self, label: str) -> str:
        """The callback data of the button with this label. Raises ControlError."""
        return find_button(self.keyboard, label)


@dataclass(frozen=True)
class Post:
    """A channel post and its automatic forward in the discussion group, if there is one."""

    message: Message
    forward: Message | None

    @property
    def thread(self) -> Message:
        if self.forward is None:
            raise ControlError("the channel has no discussion group")
        return self.forward


@dataclass(frozen=True)
class Answer:
    """What the presser of a button is shown."""

    text: str = ""
    show_alert: bool = False
    url: str = ""


@dataclass(frozen=True)
class Call:
    """A request of the bot, or (method `webhook`) a delivery to it.

    status: None while under way, 0 after a cut connection, 499 when the caller went away.
    """

    seq: int
    at: float
    method: str
    params: Json
    status: int | None
    description: str = ""


def find_button(keyboard: list[list[Json]], wanted: str) -> str:
    """Callback data of the one button whose data or label is (or else contains) `wanted`."""
    buttons = [b for row in keyboard for b in row if "callback_data" in b]
    exact = [b for b in buttons if wanted in (b["callback_data"], b["text"])]
    found = exact or [b for b in buttons if wanted in b["text"]]
    if len(found) != 1:
        labels = [b["text"] for b in buttons]
        raise ControlError(f"{len(found)} buttons match {wanted!r} among {labels}")
    return str(found[0]["callback_data"])
