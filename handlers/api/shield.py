"""What stands around every request: security headers, a size limit, a calm last resort."""

from __future__ import annotations

import json
import logging
import traceback
from collections.abc import Mapping

from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from handlers.errors import BROKEN, TOO_LARGE
from handlers.policy import HEADERS

log = logging.getLogger(__name__)


class TooLargeError(HTTPException):
    """A request body beyond the limit."""

    def __init__(self) -> None:
        # An HTTPException, because reading a body turns every other error into status 400.
        super().__init__(413)


class Shield:
    """ASGI middleware; a response that sets one of the headers itself keeps its own,
    and an empty one is left out.

    ``max_body`` is in bytes; paths that begin with a key of ``larger`` have another limit.
    """

    def __init__(
        self, app: ASGIApp, max_body: int, larger: Mapping[str, int] | None = None
    ) -> None:
        self._app = app
        self._max_body = max_body
        self._larger = larger or {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        exchange = _Exchange(receive, send, self._limit(scope["path"]))
        try:
            exchange.check_length(scope)
            await self._app(scope, exchange.receive, exchange.send)
        except TooLargeError:
            await exchange.refuse(413, TOO_LARGE)
        except Exception as error:
            _note(scope, error)
            if exchange.started:
                raise
            await exchange.refuse(500, BROKEN)

    def _limit(self, path: str) -> int:
        own = (limit for start, limit in self._larger.items() if path.startswith(start))
        return next(own, self._max_body)


def _note(scope: Scope, error: Exception) -> None:
    """Log where it failed; neither query nor error text, which may hold what a citizen wrote."""
    trace = "".join(traceback.format_tb(error.__traceback__))
    name = type(error).__name__
    log.error("request failed: %s %s: %s\n%s", scope["method"], scope["path"], name, trace)


class _Exchange:
    """One request and its response, watched."""

    def __init__(self, receive: Receive, send: Send, max_body: int) -> None:
        self._receive = receive
        self._send = send
        self._left = max_body
        self.started = False

    def check_length(self, scope: Scope) -> None:
        for name, value in scope["headers"]:
            if name == b"content-length" and value.isdigit() and int(value) > self._left:
                raise TooLargeError

    async def receive(self) -> Message:
        message = await self._receive()
        self._left -= len(message.get("body", b""))
        if self._left < 0:
            raise TooLargeError
        return message

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self.started = True
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
                if not headers[name]:
                    del headers[name]
        await self._send(message)

    async def refuse(self, status: int, error: str) -> None:
        if self.started:
            return
        body = json.dumps({"error": error}, ensure_ascii=False).encode()
        headers = [
            (b"content-type", b"application/json"),
            (b"content-length", str(len(body)).encode()),
            # The rest of an oversized body is not read, so the connection cannot be reused.
            (b"connection", b"close"),
        ]
        await self.send({"type": "http.response.start", "status": status, "headers": headers})
        await self.send({"type": "http.response.body", "body": body})
