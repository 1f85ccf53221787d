"""Who may pass to the console's pages and sockets: only a browser somebody signed in with."""

from __future__ import annotations

from collections.abc import Callable

from starlette.datastructures import MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from bot.desk.signin import Seat, Signin
from handlers.origin import foreign
from storage.sessions import Stage

COOKIE = "wenban_console"
# NiceGUI's pages carry inline scripts and compile templates; nothing comes from elsewhere.
_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; "
    "style-src 'self' 'unsafe-inline'; img-src 'self' data:; font-src 'self' data:; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_STEPS = {
    Stage.CODE: "/console/code",
    Stage.PASSWORD: "/console/password",
    Stage.ENROL: "/console/codes",
}


def step_of(stage: Stage) -> str:
    """Where a session that stands at this stage belongs."""
    return _STEPS.get(stage, "/console/")


class Gate:
    """ASGI wrapper: a request passes with its session, or is sent to the page it needs first.

    ``visit`` makes of a token and its seat what the pages find as ``request.state.visit``.
    """

    def __init__(
        self,
        app: ASGIApp,
        signin: Signin,
        visit: Callable[[str, Seat], object],
        public_url: str = "",
    ) -> None:
        self._app = app
        self._signin = signin
        self._visit = visit
        self._public_url = public_url

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return
        connection = HTTPConnection(scope)
        token = connection.cookies.get(COOKIE, "")
        seat = await self._signin.who(token, acting=scope["type"] == "http")
        if seat is None or seat.stage != Stage.OPEN:
            target = step_of(seat.stage) if seat else "/console/login"
            await self._refuse(scope, receive, send, target)
            return
        if scope.get("method") not in ("GET", "HEAD") and foreign(connection, self._public_url):
            await self._refuse(scope, receive, send, "/console/")
            return
        scope.setdefault("state", {})["visit"] = self._visit(token, seat)
        await self._app(scope, receive, _guarded(send))

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, target: str) -> None:
        if scope["type"] == "websocket":
            await _close(receive, send)
            return
        wants_page = "text/html" in HTTPConnection(scope).headers.get("accept", "")
        response: Response = JSONResponse({"error": "请先登录。"}, 401)
        if scope["method"] == "GET" and wants_page:
            response = RedirectResponse(target, 303)
        await response(scope, receive, send)


async def _close(receive: Receive, send: Send) -> None:
    await receive()
    await send({"type": "websocket.close", "code": 4401})


def _guarded(send: Send) -> Send:
    async def guarded(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            headers["content-security-policy"] = _POLICY
            headers["x-frame-options"] = "DENY"
            if headers.get("content-type", "").startswith("text/html"):
                headers["cache-control"] = "no-store"
        await send(message)

    return guarded
