"""Platforms without a connector of their own whose answers others fetch or post."""

from __future__ import annotations

from bot.channels.base import Capabilities, Outgoing


class WaitingChannel:
    """Nothing leaves here: what is handed over waits to be fetched, or posted by hand."""

    def __init__(self, capabilities: Capabilities, way: str) -> None:
        self.capabilities = capabilities
        self._way = way

    async def send(self, place: str, outgoing: Outgoing) -> str:
        return ""

    async def probe(self) -> str:
        return self._way

    async def close(self) -> None: ...
