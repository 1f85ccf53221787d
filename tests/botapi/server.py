"""The HTTP side: requests to Bot API methods, files, and /control/… ."""

from __future__ import annotations

import asyncio
import inspect
import json
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

from aiohttp import web

import tests.botapi.account
import tests.botapi.methods  # noqa: F401  (both fill METHODS)
from tests.botapi.client import Control
from tests.botapi.control import Operations
from tests.botapi.faults import Fault
from tests.botapi.model import ApiError, ControlError, DroppedError, Json
from tests.botapi.registry import METHODS, Params, Upload
from tests.botapi.state import TOKEN, State
from tests.botapi.webhook import HookDelivery

MAX_BODY = 60 * 1024 * 1024


async def read_params(request: web.Request) -> Params:
    """Parameters from the query and from a JSON, urlencoded or multipart body."""
    values: Json = dict(request.query)
    files: dict[str, Upload] = {}
    if request.content_type == "application/json":
        try:
            values |= await request.json()
        except (ValueError, TypeError):
            raise ApiError(400, "Bad Request: can't parse request JSON object") from None
    elif request.method == "POST":
        for name, value in (await request.post()).items():
            if isinstance(value, web.FileField):
                with value.file as file:
                    files[name] = Upload(value.filename, value.content_type, file.read())
            elif isinstance(value, bytes | bytearray):
                files[name] = Upload(name, "", bytes(value))
            else:
                values[name] = value
    return Params(values, files)


class Server:
    """Routes over one State."""

    def __init__(self, state: State) -> None:
        self.state = state
        self.operations = Operations(state)
        self.delivery = HookDelivery(state, self._from_hook)

    def app(self) -> web.Application:
        app = web.Application(client_max_size=MAX_BODY)
        app.router.add_route("*", "/bot{token}/{method}", self._method)
        app.router.add_get("/file/bot{token}/{path:.+}", self._file)
        app.router.add_post("/control/{operation}", self._control)
        return app

    async def _method(self, request: web.Request) -> web.StreamResponse:
        try:
            if self.state.faults.offline:
                raise DroppedError
            if request.match_info["token"] != self.state.token:
                raise ApiError(401, "Unauthorized")
            params = await read_params(request)
            result = await self.execute(request.match_info["method"], params)
            return web.json_response({"ok": True, "result": result})
        except ApiError as error:
            return web.json_response(error.envelope(), status=error.code)
        except DroppedError:
            if request.transport:
                request.transport.abort()
            return web.Response()

    async def execute(self, name: str, params: Params) -> Any:
        """Log and run one method call. Raises ApiError or DroppedError."""
        call = self.state.log_call(name, params.readable())
        try:
            result = await self._run(name.lower(), params)
        except ApiError as error:
            self.state.close_call(call, error.code, error.description)
            raise
        except DroppedError:
            self.state.close_call(call, 0)
            raise
        except asyncio.CancelledError:
            self.state.close_call(call, 499)
            raise
        self.state.close_call(call, 200)
        return result

    async def _run(self, name: str, params: Params) -> Any:
        handler = METHODS.get(name)
        if handler is None:
            raise ApiError(404, "Not Found: method not found")
        fault = self.state.faults.take(name, _number(params.text("chat_id")))
        if fault and not fault.after_effect:
            await _strike(fault)
        self._admit(name, params)
        result = handler(self.state, params)
        if inspect.isawaitable(result):
            result = await result
        if fault and fault.after_effect:
            await _strike(fault)
        return result

    def _admit(self, name: str, params: Params) -> None:
        sends = name.startswith(("send", "copy", "forward")) and name != "sendchataction"
        chat_id = _number(params.text("chat_id"))
        if self.state.limits is None or chat_id is None or not sends:
            return
        if wait := self.state.limits.admit(chat_id):
            raise ApiError(429, f"Too Many Requests: retry after {wait}", wait)

    async def _from_hook(self, answer: Json) -> None:
        with suppress(ApiError, DroppedError):
            await self.execute(str(answer.pop("method")), Params(answer))

    async def _file(self, request: web.Request) -> web.StreamResponse:
        if request.match_info["token"] != self.state.token:
            return web.json_response(ApiError(401, "Unauthorized").envelope(), status=401)
        for stored in self.state.files.values():
            if stored.path == request.match_info["path"]:
                return web.Response(body=stored.data)
        return web.json_response(ApiError(404, "Not Found").envelope(), status=404)

    async def _control(self, request: web.Request) -> web.StreamResponse:
        try:
            args = json.loads(await request.text() or "{}")
            result = await self.operations.run(request.match_info["operation"], args)
        except (ControlError, ValueError) as error:
            return web.json_response({"error": str(error)}, status=400)
        return web.json_response({"result": result})


def _number(text: str) -> int | None:
    return int(text) if text.lstrip("-").isdigit() else None


async def _strike(fault: Fault) -> None:
    await asyncio.sleep(fault.delay)
    if fault.code == 0:
        raise DroppedError
    if fault.code != 200:
        raise ApiError(fault.code, fault.wording(), fault.retry_after)


class BotApi(Control):
    """The server in the test's own event loop. Use with `async with`."""

    def __init__(
        self, port: int = 0, *, token: str = TOKEN, callback_lifetime: float = 60.0
    ) -> None:
        super().__init__()
        self.token = token
        self.url = ""
        self.state = State(token, callback_lifetime)
        self._server = Server(self.state)
        self._port = port

    async def __aenter__(self) -> Self:
        self._runner = web.AppRunner(
            self._server.app(), access_log=None, handler_cancellation=True, shutdown_timeout=0.2
        )
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", self._port)
        await site.start()
        host, port = self._runner.addresses[0][:2]
        self.url = f"http://{host}:{port}"
        self._delivery = asyncio.create_task(self._server.delivery.run())
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._delivery.cancel()
        with suppress(asyncio.CancelledError):
            await self._delivery
        self.state.updates.end_poll(DroppedError())
        await self._runner.cleanup()

    async def call(self, operation: str, **args: Any) -> Any:
        # Through JSON as over HTTP, so that both ways behave alike and nothing is shared.
        result = await self._server.operations.run(operation, json.loads(json.dumps(args)))
        return json.loads(json.dumps(result))
