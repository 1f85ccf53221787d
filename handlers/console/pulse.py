"""Live updates: one look at the database for all open pages of this process."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable

from nicegui import Client

from bot.desk import Desk
from bot.desk.inbox import TOPIC_PRESENCE
from bot.desk.office import TOPIC_OUTBOX

log = logging.getLogger(__name__)
_LOOK = 2.0
_CALM = 0.4
Hear = Callable[[], Awaitable[None]]


class Pulse:
    """Calls every page that listens when something in the queue changed.

    Signals make it quick; looking every two seconds makes up for those of other processes that
    were lost.
    """

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._pages: dict[Client, Hear] = {}
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    def listen(self, client: Client, hear: Hear) -> None:
        """Call ``hear`` on the page of this client for as long as it is open."""
        self._pages[client] = hear
        client.on_delete(lambda: self._pages.pop(client, None))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name="console-pulse")

    async def stop(self) -> None:
        """Look no more."""
        self._stopping = True
        if self._task is not None:
            self._desk.office.notify(TOPIC_OUTBOX)
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        events = self._desk.office.coordination.listen(TOPIC_OUTBOX)
        presence = self._desk.office.coordination.listen(TOPIC_PRESENCE)
        known = await self._desk.inbox.stamp()
        while self._pages and not self._stopping:
            heard = await events.wait(_LOOK)
            seen = await presence.wait(0.001)
            with contextlib.suppress(Exception):  # a lost database comes back
                stamp = await self._desk.inbox.stamp()
                if stamp != known or seen:
                    known = stamp
                    await self._tell()
            if heard:
                await asyncio.sleep(_CALM)

    async def _tell(self) -> None:
        for client, hear in list(self._pages.items()):
            try:
                with client:
                    await hear()
            except Exception as error:  # one page's trouble is not another's
                log.error("page not refreshed: %s", type(error).__name__)
