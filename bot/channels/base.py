"""What every channel offers the desk: capabilities, and a way to send."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import Any, Literal, Protocol


@dataclass(frozen=True, slots=True)
class Button:
    """A choice under a message: opens ``url``, or sends ``action`` back to the door."""

    title: str
    url: str = ""
    action: str = ""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message in no platform's markup; ``text`` is always plain text.

    ``key`` is our own name of the message, so that a platform that keeps it apart shows nothing
    twice. ``reply_to`` and ``edits`` are the platform's ids of the message answered or replaced;
    ``copy_text`` is shown so that a person can copy it whole; ``ask_reply`` asks for an answer
    to be typed, by the ``person`` (platform id) with whose name the text begins, if one is named.
    """

    text: str
    buttons: tuple[tuple[Button, ...], ...] = ()
    reply_to: str = ""
    edits: str = ""
    copy_text: str = ""
    ask_reply: bool = False
    person: str = ""
    person_name: str = ""
    key: str = ""

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Outgoing:
        rows = tuple(tuple(Button(**button) for button in row) for row in data["buttons"])
        return cls(**{**data, "buttons": rows})


PRESS_OR_TYPE = "点一下，或回复数字"
"""How a numbered choice is asked for; a channel without buttons says :data:`TYPE`."""
TYPE = "回复数字"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a platform can carry: lengths in characters, rates in messages.

    Without ``buttons``, choices are put into words before they reach the channel; one that
    words them itself, as they can be typed there, has them. Without ``links``, addresses are left
    out. ``mentions``: an answer in public begins with @ and the citizen's name. ``awaits``: what
    is handed over counts as delivered only when whoever posts it says so. ``wait`` is what a
    citizen is told when a person takes over ("{due}" stands for the day): "" for nothing, None
    for the office's own words. ``own_pages`` says that this program's own pages show the messages.
    ``reply_window`` is how long after their last message a citizen may be written to, None
    for ever. ``one_per_comment`` says that a comment carries one reply: a later one replaces it.
    ``post_limit`` is how many messages may go under one post within ``post_window``, 0 for any
    number; ``beyond`` is what becomes of the answers beyond it: they wait for the next window, are
    sent in private, or one 置顶答复 (pin) is posted for all who ask the same. ``elsewhere`` tells
    staff where to look at what was sent beside words and is not kept here.
    """

    max_length: int
    buttons: bool = True
    edits: bool = True
    links: bool = True
    mentions: bool = False
    awaits: Literal["", "program", "person"] = ""
    wait: str | None = None
    per_second: float = 25.0
    per_place_seconds: float = 1.0
    per_group_minute: int = 20
    own_pages: bool = False
    reply_window: timedelta | None = None
    one_per_comment: bool = False
    post_limit: int = 0
    post_window: timedelta = timedelta(hours=1)
    beyond: Literal["wait", "private", "pin"] = "wait"
    elsewhere: str = ""


class SendError(Exception):
    """A delivery that did not reach its platform; may be tried again."""


@dataclass
class RateLimitedError(SendError):
    """The platform asks to wait ``after`` seconds."""

    after: float


class UnreachableError(SendError):
    """The citizen cannot be written to any more (blocked, left, deleted)."""


class WindowClosedError(SendError):
    """The platform lets nobody write to this citizen before they write again; the text says why."""


class RejectedError(SendError):
    """The platform will never take this message as it is."""


class Channel(Protocol):
    """One account's way out."""

    capabilities: Capabilities

    async def send(self, place: str, outgoing: Outgoing) -> str:
        """Send or edit, and return the platform's id of the message.

        Raises RateLimitedError, UnreachableError, WindowClosedError, RejectedError, or SendError
        when trying again may help.
        """
        ...

    async def probe(self) -> str:
        """Ask the platform whether this account can be used: what it says of itself.

        Raises SendError with the reason.
        """
        ...

    async def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Attachment:
    """Something sent that is not text, kept by the platform's reference."""

    kind: str
    reference: str
    title: str = ""
    details: dict[str, Any] = field(default_factory=dict)
