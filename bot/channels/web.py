"""The web page as a channel: what the outbox marks as sent is what the page shows."""

from __future__ import annotations

from uuid import uuid4

from bot.channels.base import Capabilities, Outgoing


class WebChannel:
    """The web account's mailbox; a place is one visitor.

    Nothing leaves the program here: the visitor's stream reads the delivery once it is marked
    as sent, so the id is all there is to give.
    """

    capabilities = Capabilities(
        max_length=20_000,
        per_second=0,
        per_place_seconds=0,
        per_group_minute=0,
        own_pages=True,
    )

    async def send(self, place: str, outgoing: Outgoing) -> str:
        return outgoing.edits or uuid4().hex

    async def probe(self) -> str:
        return "网页咨询就在本程序里"

    async def close(self) -> None: ...
