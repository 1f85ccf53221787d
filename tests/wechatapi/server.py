"""The platform's API: tokens, customer-service messages, menu, comments; refusals on demand."""

from __future__ import annotations

import itertools
from collections import defaultdict, deque
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.server import HttpServer

SECRET = "0123456789abcdef" * 2
QUOTA = 5
_MESSAGES = {
    -1: "system error",
    40001: "invalid credential, access_token is invalid or not latest",
    40003: "invalid openid",
    40007: "invalid media_id",
    40013: "invalid appid",
    40125: "invalid appsecret",
    41001: "access_token missing",
    43004: "require subscribe",
    44004: "empty content",
    45002: "content size out of limit",
    45015: "response out of time limit or subscription is canceled",
    45047: "out of response count limit",
    88001: "msg_data is not exists",
    88005: "already reply",
    88008: "comment is not exists",
}


@dataclass
class Comment:
    openid: str
    content: str
    number: int
    create_time: int
    comment_type: int = 0
    reply: str = ""

    def shown(self) -> dict[str, Any]:
        known = {
            "user_comment_id": self.number,
            "openid": self.openid,
            "create_time": self.create_time,
            "content": self.content,
            "comment_type": self.comment_type,
        }
        return (
            {**known, "reply": {"content": self.reply, "create_time": 1}} if self.reply else known
        )


class Refused(Exception):  # noqa: N818
    """An answer with an errcode."""

    def __init__(self, code: int) -> None:
        self.code = code


@dataclass
class WechatServer:
    """One account on the platform. ``followers`` may be written to while they have quota left."""

    app_id: str
    secret: str = SECRET
    sent: list[tuple[str, str]] = field(default_factory=list)
    calls: list[str] = field(default_factory=list)
    forced: int = 0
    menu: dict[str, Any] = field(default_factory=dict)
    articles: dict[str, list[Comment]] = field(default_factory=dict)
    published: dict[str, list[str]] = field(default_factory=dict)
    faults: defaultdict[str, deque[int]] = field(default_factory=lambda: defaultdict(deque))
    broken: deque[Response] = field(default_factory=deque)
    followers: set[str] = field(default_factory=set)
    quota: dict[str, int] = field(default_factory=dict)
    media: dict[str, bytes] = field(default_factory=dict)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))
    _token: str = "token-0"
    _server: HttpServer | None = None

    async def __aenter__(self) -> WechatServer:
        routes = [
            Route("/{path:path}", self._serve, methods=["GET", "POST"]),
        ]
        self._server = HttpServer(Starlette(routes=routes), "127.0.0.1", 0)
        await self._server.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._server is not None
        await self._server.stop()

    @property
    def url(self) -> str:
        assert self._server is not None
        return f"http://127.0.0.1:{self._server.port}"

    def fail(self, path: str, *codes: int) -> None:
        """Answer the next calls of this path with these errcodes, one each; 0 is no error."""
        self.faults[path].extend(codes)

    def expire_token(self) -> None:
        """What every process holds is refused; the ordinary way still gives it out."""
        self._token += "-expired"

    def heard(self, openid: str) -> None:
        """A citizen wrote: they may be written to again."""
        self.followers.add(openid)
        self.quota[openid] = QUOTA

    def close_window(self, openid: str) -> None:
        """48 hours pass."""
        self.quota[openid] = -1

    def texts(self, openid: str) -> list[str]:
        return [text for where, text in self.sent if where == openid]

    def comment(self, article: str, openid: str, content: str, at: int) -> Comment:
        """Somebody comments on an article (``msg_data_id_index``)."""
        made = Comment(openid, content, next(self._numbers), at)
        self.articles.setdefault(article, []).append(made)
        return made

    async def _serve(self, request: Request) -> Response:
        path = request.url.path
        self.calls.append(path)
        if self.broken:
            return self.broken.popleft()
        try:
            payload = await request.json() if request.method == "POST" else {}
            answer = self._answer(request, path, payload)
            if isinstance(answer, bytes):
                return Response(answer, media_type="image/jpeg")
        except Refused as refused:
            code = refused.code
            answer = {"errcode": code, "errmsg": f"{_MESSAGES.get(code, 'error')} rid: 65-0"}
        return JSONResponse(answer)

    def _answer(
        self, request: Request, path: str, payload: dict[str, Any]
    ) -> dict[str, Any] | bytes:
        if self.faults[path] and (code := self.faults[path].popleft()):
            raise Refused(code)
        if path == "/cgi-bin/stable_token":
            return self._give_token(payload)
        given = request.query_params.get("access_token")
        if given != self._token:
            raise Refused(40001 if given else 41001)
        if path == "/cgi-bin/media/get":
            return self._media(request.query_params["media_id"])
        handler = {
            "/cgi-bin/get_api_domain_ip": lambda _: {"ip_list": ["127.0.0.1"]},
            "/cgi-bin/message/custom/send": self._send,
            "/cgi-bin/menu/create": self._make_menu,
            "/datacube/getarticletotal": self._articles_of,
            "/cgi-bin/comment/list": self._comments,
            "/cgi-bin/comment/reply/add": self._reply,
            "/cgi-bin/comment/reply/delete": self._unreply,
            "/cgi-bin/comment/markelect": self._elect,
        }[path]
        return handler(payload)

    def _media(self, number: str) -> bytes:
        if number not in self.media:
            raise Refused(40007)
        return self.media[number]

    def _give_token(self, payload: dict[str, Any]) -> dict[str, Any]:
        if payload["appid"] != self.app_id:
            raise Refused(40013)
        if payload["secret"] != self.secret:
            raise Refused(40125)
        given = self._token.removesuffix("-expired")
        if payload["force_refresh"]:
            self.forced += 1
            given = self._token = f"token-{self.forced}"
        return {"access_token": given, "expires_in": 7200}

    def _send(self, payload: dict[str, Any]) -> dict[str, Any]:
        openid, text = payload["touser"], payload["text"]["content"]
        assert payload["msgtype"] == "text"
        if openid not in self.quota:
            raise Refused(40003)
        if openid not in self.followers:
            raise Refused(43004)
        if self.quota[openid] < 0:
            raise Refused(45015)
        if self.quota[openid] == 0:
            raise Refused(45047)
        if not text:
            raise Refused(44004)
        if len(text.encode()) > 2048:
            raise Refused(45002)
        self.quota[openid] -= 1
        self.sent.append((openid, text))
        return {"errcode": 0, "errmsg": "ok"}

    def _make_menu(self, payload: dict[str, Any]) -> dict[str, Any]:
        buttons = payload["button"]
        if not 1 <= len(buttons) <= 3 or any(len(one["name"].encode()) > 16 for one in buttons):
            raise Refused(40018)
        for one in buttons:
            for sub in (subs := one.get("sub_button", [])):
                if (
                    len(subs) > 5
                    or len(sub["name"].encode()) > 60
                    or len(sub["key"].encode()) > 128
                ):
                    raise Refused(40025)
        self.menu = payload
        return {"errcode": 0, "errmsg": "ok"}

    def _articles_of(self, payload: dict[str, Any]) -> dict[str, Any]:
        assert payload["begin_date"] == payload["end_date"]
        found = self.published.get(payload["begin_date"], [])
        return {"list": [{"ref_date": payload["begin_date"], "msgid": one} for one in found]}

    def _comments(self, payload: dict[str, Any]) -> dict[str, Any]:
        known = self._under(payload)
        assert 0 < payload["count"] < 50
        page = known[payload["begin"] : payload["begin"] + payload["count"]]
        shown = [one.shown() for one in page]
        return {"errcode": 0, "errmsg": "ok", "total": len(known), "comment": shown}

    def _reply(self, payload: dict[str, Any]) -> dict[str, Any]:
        comment = self._one(payload)
        if comment.reply:
            raise Refused(88005)
        comment.reply = payload["content"]
        return {"errcode": 0, "errmsg": "ok"}

    def _unreply(self, payload: dict[str, Any]) -> dict[str, Any]:
        self._one(payload).reply = ""
        return {"errcode": 0, "errmsg": "ok"}

    def _elect(self, payload: dict[str, Any]) -> dict[str, Any]:
        self._one(payload).comment_type = 1
        return {"errcode": 0, "errmsg": "ok"}

    def _under(self, payload: dict[str, Any]) -> list[Comment]:
        article = f"{payload['msg_data_id']}_{payload['index']}"
        if article not in self.articles:
            raise Refused(88001)
        return self.articles[article]

    def _one(self, payload: dict[str, Any]) -> Comment:
        number = payload["user_comment_id"]
        found = [one for one in self._under(payload) if one.number == number]
        if not found:
            raise Refused(88008)
        return found[0]
