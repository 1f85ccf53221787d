"""Places and answers as the ingest API speaks of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, unquote

from bot.channels.base import Outgoing
from bot.channels.cutting import split_at_sense


@dataclass(frozen=True, slots=True)
class Spot:
    """Where an answer belongs: who it is for, and in public under which post and thread.

    What is ``pinned`` is for all who read a post.
    """

    kind: str
    citizen: str
    post: str = ""
    thread: str = ""

    @property
    def place(self) -> str:
        """As it is stored; no id can be taken for another."""
        where = (self.post, self.thread) if self.kind != "direct" else ()
        return "/".join((self.kind, *(quote(part, safe="") for part in (self.citizen, *where))))

    @classmethod
    def of(cls, place: str) -> Spot:
        kind, *parts = place.split("/")
        return cls(kind, *(unquote(part) for part in parts))


def wire(key: str, place: str, outgoing: Outgoing, limit: int) -> dict[str, Any]:
    """An answer as the other side gets it; ``parts`` is its text in as many posts as it takes."""
    spot = Spot.of(place)
    return {
        "id": key,
        "kind": spot.kind,
        "citizen_id": spot.citizen,
        "post_id": spot.post,
        "thread_id": spot.thread,
        "reply_to": outgoing.reply_to,
        "text": outgoing.text,
        "parts": split_at_sense(outgoing.text, limit),
    }
