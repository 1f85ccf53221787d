"""Signals and rate limits shared by the tasks of one process, or through Redis by several."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable
from typing import Protocol, cast
from weakref import WeakSet

from redis.asyncio import Redis

_RESERVE = """
local now = redis.call('TIME')
local t = now[1] + now[2] / 1000000
local wait = 0
for i, key in ipairs(KEYS) do
  local at = tonumber(redis.call('GET', key) or '0') - tonumber(ARGV[2 * i])
  if at - t > wait then wait = at - t end
end
if wait > 0 then return tostring(wait) end
for i, key in ipairs(KEYS) do
  local at = math.max(tonumber(redis.call('GET', key) or '0'), t) + tonumber(ARGV[2 * i - 1])
  redis.call('SET', key, string.format('%.6f', at), 'PX', math.ceil((at - t + 1) * 1000))
end
return '0'
"""


class Signal:
    """One listener's ear on a topic; a notification between two waits is not lost."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def set(self) -> None:
        self._event.set()

    async def wait(self, seconds: float) -> bool:
        """True when notified since the last wait, False after ``seconds``."""
        try:
            async with asyncio.timeout(seconds):
                await self._event.wait()
        except TimeoutError:
            return False
        self._event.clear()
        return True


class Coordination(Protocol):
    """What the parts of a running office need of one another."""

    def notify(self, topic: str) -> None:
        """Wake everyone who listens to ``topic``; never blocks, lost with the process."""
        ...

    def listen(self, topic: str) -> Signal:
        """An ear on ``topic``, for as long as the caller keeps it."""
        ...

    async def reserve(self, slots: dict[str, tuple[float, float]]) -> float:
        """Take one place in every line, or none; returns the seconds to wait first, 0 if taken.

        ``slots`` maps a line's name to (interval, tolerance) in seconds: one message per
        interval, with bursts until the line is ``tolerance`` ahead (GCRA).
        """
        ...

    async def close(self) -> None: ...


class LocalCoordination:
    """Signals and limits inside one process."""

    def __init__(self) -> None:
        self._listeners: dict[str, WeakSet[Signal]] = {}
        self._lines: dict[str, float] = {}

    def notify(self, topic: str) -> None:
        for signal in self._listeners.get(topic, ()):
            signal.set()

    def listen(self, topic: str) -> Signal:
        self._listeners = {key: ears for key, ears in self._listeners.items() if ears}
        signal = Signal()
        self._listeners.setdefault(topic, WeakSet()).add(signal)
        return signal

    async def reserve(self, slots: dict[str, tuple[float, float]]) -> float:
        now = time.monotonic()
        wait = max(
            (self._lines.get(key, 0.0) - tolerance - now for key, (_, tolerance) in slots.items()),
            default=0.0,
        )
        if wait > 0:
            return wait
        for key, (interval, _) in slots.items():
            self._lines[key] = max(self._lines.get(key, 0.0), now) + interval
        if len(self._lines) > 10_000:
            self._lines = {key: at for key, at in self._lines.items() if at > now}
        return 0.0

    async def close(self) -> None:
        self._listeners.clear()


class RedisCoordination(LocalCoordination):
    """The same, with signals and limits that reach every process on one Redis."""

    def __init__(self, url: str, prefix: str = "wenban") -> None:
        super().__init__()
        self._redis = Redis.from_url(url, decode_responses=True)
        self._prefix = prefix
        self._script = self._redis.register_script(_RESERVE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._listener: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Check that Redis answers and begin to listen. Raises redis.RedisError."""
        await cast(Awaitable[bool], self._redis.ping())
        self._listener = asyncio.create_task(self._listen())

    def notify(self, topic: str) -> None:
        super().notify(topic)
        task = asyncio.create_task(self._publish(topic))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def reserve(self, slots: dict[str, tuple[float, float]]) -> float:
        keys = [f"{self._prefix}:line:{key}" for key in slots]
        arguments = [str(number) for pair in slots.values() for number in pair]
        return float(await self._script(keys=keys, args=arguments))

    async def close(self) -> None:
        if self._listener:
            self._listener.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listener
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._redis.aclose()

    async def _publish(self, topic: str) -> None:
        # A lost signal costs a poll interval, not a message: workers also look by the clock.
        with contextlib.suppress(Exception):
            await self._redis.publish(f"{self._prefix}:signals", topic)

    async def _listen(self) -> None:
        while True:
            try:
                async with self._redis.pubsub() as pubsub:
                    await pubsub.subscribe(f"{self._prefix}:signals")
                    async for message in pubsub.listen():
                        if message["type"] == "message":
                            super().notify(message["data"])
            except Exception:  # the network comes back or will; try again
                await asyncio.sleep(1)
