"""The HTTP server as a part of the program that starts and stops on request."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import Iterator

import uvicorn
from starlette.types import ASGIApp

from bot.config import ConfigError

_GRACE = 3


class _Server(uvicorn.Server):
    """uvicorn would take the process's signals; the program owns them."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class HttpServer:
    """Serves one ASGI application; ``port`` is the real one after ``start``."""

    def __init__(self, app: ASGIApp, host: str, port: int) -> None:
        config = uvicorn.Config(
            app,
            host=host,
            port=port,
            log_level="error",
            access_log=False,
            server_header=False,
            proxy_headers=False,
            timeout_graceful_shutdown=_GRACE,
        )
        self._server = _Server(config)
        self._task: asyncio.Task[None] | None = None
        self.host = host
        self.port = port

    async def start(self) -> None:
        """Listen: who connects now is served. Raises ConfigError for an address not to be had."""
        sockets = [self._listen()]
        self.port = sockets[0].getsockname()[1]
        self._task = asyncio.create_task(self._server.serve(sockets), name="http")

    def _listen(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        try:
            return socket.create_server((self.host, self.port), family=family, backlog=2048)
        except OSError as error:
            raise ConfigError(
                f"http.port：{self.host}:{self.port} 已被占用或不可用，请换一个端口"
            ) from error

    async def stop(self) -> None:
        """Take no new requests, let running ones end."""
        self._server.should_exit = True
        if self._task is not None:
            await self._task
