"""The queue of updates and the long poll that empties it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from tests.botapi.model import ApiError, Json

T = TypeVar("T")

# Kinds a bot gets only when it asks for them by name.
ON_REQUEST = {"chat_member", "message_reaction", "message_reaction_count"}
MAX_POLL_SECONDS = 50


class Signal:
    """Wakes everyone who waits for something to change."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def fire(self) -> None:
        self._event.set()
        self._event = asyncio.Event()

    async def until(self, check: Callable[[], T], within: float) -> T:
        """Call `check` now and after each change until true or time is up; its last value."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + within
        while not (value := check()):
            left = deadline - loop.time()
            if left <= 0:
                return value
            # Not wait_for: on Python 3.11 it loses a cancellation that comes with the wake-up.
            with suppress(TimeoutError):
                async with asyncio.timeout(left):
                    await self._event.wait()
        return value


@dataclass
class Hook:
    """Where updates are delivered, and how the last delivery went."""

    url: str
    secret: str
    max_connections: int
    last_error_date: int = 0
    last_error: str = ""


class Updates:
    """Updates the bot has not confirmed yet, oldest first."""

    def __init__(self, changed: Signal, first_id: int = 700_000_001) -> None:
        self.queue: list[Json] = []
        self.allowed: list[str] = []
        self.hook: Hook | None = None
        self._changed = changed
        self._next_id = first_id
        self._waiter: asyncio.Future[None] | None = None

    def push(self, kind: str, payload: Json) -> int | None:
        """Queue an update; None when the bot did not ask for this kind."""
        if kind not in self.allowed and (self.allowed or kind in ON_REQUEST):
            return None
        update_id = self._next_id
        self._next_id += 1
        self.queue.append({"update_id": update_id, kind: payload})
        if self._waiter and not self._waiter.done():
            self._waiter.set_result(None)
        self._changed.fire()
        return update_id

    def forget(self, update_id: int) -> None:
        self.queue = [u for u in self.queue if u["update_id"] != update_id]
        self._changed.fire()

    def drop_all(self) -> None:
        self.queue.clear()
        self._changed.fire()

    async def poll(self, offset: int, limit: int, within: float) -> list[Json]:
        """getUpdates. Raises ApiError 409 when another long poll or a webhook takes over."""
        if self.hook:
            raise ApiError(
                409,
                "Conflict: can't use getUpdates method while webhook is active;"
                " use deleteWebhook to delete the webhook first",
            )
        self._confirm(offset)
        size = limit if 1 <= limit <= 100 else 100
        if self.queue or within <= 0:
            return self._batch(offset, size)
        self.end_poll(
            ApiError(
                409,
                "Conflict: terminated by other getUpdates request;"
                " make sure that only one bot instance is running",
            )
        )
        await self._sleep(min(within, MAX_POLL_SECONDS))
        return self._batch(offset, size)

    def end_poll(self, error: Exception) -> None:
        """Fail the long poll that is waiting, if any."""
        if self._waiter and not self._waiter.done():
            self._waiter.set_exception(error)

    async def _sleep(self, within: float) -> None:
        waiter = self._waiter = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(within):
                await waiter
        except TimeoutError:
            return
        finally:
            if self._waiter is waiter:
                self._waiter = None

    def _confirm(self, offset: int) -> None:
        before = len(self.queue)
        if offset > 0:
            self.queue = [u for u in self.queue if u["update_id"] >= offset]
        elif offset < 0:
            self.queue = self.queue[offset:]
        if len(self.queue) != before:
            self._changed.fire()

    def _batch(self, offset: int, size: int) -> list[Json]:
        return [u for u in self.queue if u["update_id"] >= max(offset, 0)][:size]
