"""Server-sent events: a visitor's lines as they appear, resumable, ended in order."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from prometheus_client import Gauge
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from storage.coordination import Coordination, Signal

HEARTBEAT = 15.0
MAX_STREAMS = 2000
MAX_PER_VISITOR = 8
OPEN = Gauge("wenban_webchat_streams", "Open event streams of the web page")

Event = tuple[str, Mapping[str, Any]]
Fetch = Callable[[], Awaitable[list[Event]]]


class Streams:
    """The open streams of this process."""

    def __init__(self, coordination: Coordination, heartbeat: float = HEARTBEAT) -> None:
        self._coordination = coordination
        self.heartbeat = heartbeat
        self.closed = False
        self._open: dict[Signal, str] = {}

    def full(self, visitor: str) -> bool:
        """Whether another stream for this visitor would be too many."""
        own = sum(1 for holder in self._open.values() if holder == visitor)
        return self.closed or own >= MAX_PER_VISITOR or len(self._open) >= MAX_STREAMS

    def enter(self, visitor: str, topic: str) -> Signal:
        signal = self._coordination.listen(topic)
        self._open[signal] = visitor
        OPEN.set(len(self._open))
        return signal

    def leave(self, signal: Signal) -> None:
        self._open.pop(signal, None)
        OPEN.set(len(self._open))

    def close(self) -> None:
        """End every stream within a moment."""
        self.closed = True
        for signal in self._open:
            signal.set()


class EventStream(Response):
    """One visitor's stream: ``fetch`` returns the events since it was last called.

    A broken connection ends the loop between two steps instead of cancelling it: a query cut
    off half-way would cost a database connection.
    """

    media_type = "text/event-stream"

    def __init__(self, streams: Streams, visitor: str, topic: str, fetch: Fetch) -> None:
        super().__init__(headers={"cache-control": "no-store", "x-accel-buffering": "no"})
        del self.headers["content-length"]
        self._streams = streams
        self._visitor = visitor
        self._topic = topic
        self._fetch = fetch
        self._gone = False

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        signal = self._streams.enter(self._visitor, self._topic)
        watch = asyncio.create_task(self._watch(receive, signal))
        try:
            await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
            await self._run(signal, send)
            await _write(send, "", more=False)
        finally:
            self._streams.leave(signal)
            watch.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await watch

    async def _run(self, signal: Signal, send: Send) -> None:
        await _write(send, "retry: 2000\n\n")
        while not (self._gone or self._streams.closed):
            events = "".join(_line(*event) for event in await self._fetch())
            # The heartbeat is an event, so that the page can tell a dead line from a quiet one.
            await _write(send, events or "event: ping\ndata: 1\n\n")
            await signal.wait(self._streams.heartbeat)

    async def _watch(self, receive: Receive, signal: Signal) -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        self._gone = True
        signal.set()


async def _write(send: Send, text: str, *, more: bool = True) -> None:
    await send({"type": "http.response.body", "body": text.encode(), "more_body": more})


def _line(identity: str, data: Mapping[str, Any]) -> str:
    return f"id: {identity}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
