"""The platform's API of a WeChat Official Account: one call, its token, its refusals."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from bot.channels.base import (
    RateLimitedError,
    RejectedError,
    SendError,
    UnreachableError,
    WindowClosedError,
)
from storage.coordination import Coordination

TIMEOUT = 10.0
LARGEST = 10 * 1024 * 1024
_MEDIA = "/cgi-bin/media/get"
ALREADY_REPLIED = 88005
_STALE_TOKEN = {40001, 40014, 42001}
_FORCE_SECONDS = 30.0
_EARLY = 300.0
_LIMITS = {45009: 600.0, 45011: 60.0}
_CLOSED = {
    45015: "超过微信的 48 小时回复时限",
    45047: "微信限定群众每来一次消息最多回 5 条，已经用完",
}
_GONE = {
    40003: "这个群众编号（openid）不属于本公众号",
    43004: "群众已取消关注",
    43019: "群众在公众号的黑名单里",
}
_REFUSED = {
    40007: "微信不再保存这个文件",
    40013: "AppID 不对，请核对 wechat.app_id",
    40125: "AppSecret 不对，请核对 WENBAN_WECHAT__APP_SECRET",
    40164: "服务器的 IP 不在公众号的 IP 白名单里，请到公众平台后台添加",
    40243: "AppSecret 已被冻结，请到公众平台后台解冻",
    45002: "内容太长，请缩短后再发",
    48001: "公众号没有这项接口权限，请到公众平台后台核对（未认证的账号不能主动发消息）",
    48004: "接口被封禁，请到公众平台后台查看原因",
    50002: "群众的账号受限，收不到消息",
    87009: "内容没有通过微信的检查，请修改后再发",
    88000: "公众号没有留言权限",
    88001: "找不到这篇文章",
    88004: "群众已经删除这条留言",
    88007: "留言的回复太长，请缩短后再发",
    88008: "找不到这条留言",
}
_CONFIGURATION = {40013, 40125, 40164, 40243}


class CodeError(RejectedError):
    """A refusal for good; ``code`` is the platform's errcode."""

    def __init__(self, code: int, words: str) -> None:
        super().__init__(words)
        self.code = code


class WechatApi:
    """Calls to the platform's API in the name of one account.

    Every process asks for the token by ``stable_token``, which gives all of them the same one
    while it is valid, so none takes away another's. A token that the platform refuses is
    renewed by force, in one process at a time.
    """

    def __init__(
        self, app_id: str, secret: str, url: str, coordination: Coordination, timeout: float
    ) -> None:
        self._app_id = app_id
        self._secret = secret
        self._coordination = coordination
        self._client = httpx.AsyncClient(base_url=url, timeout=timeout, trust_env=False)
        self._lock = asyncio.Lock()
        self._token, self._until = "", 0.0

    async def call(self, path: str, payload: dict[str, Any] | None) -> dict[str, Any]:
        """POST ``payload`` to ``/cgi-bin/…`` or ``/datacube/…``, GET without one; the answer.

        Raises what :meth:`bot.channels.base.Channel.send` raises.
        """
        return await self._named(lambda query: self._post(path, payload, query))

    async def media(self, number: str) -> bytes:
        """What a citizen sent beside words; the platform keeps it for three days.

        Raises RejectedError when it is not to be had any more, else SendError.
        """
        answer = await self._named(lambda query: self._download({**query, "media_id": number}))
        content = answer.get("content")
        if not isinstance(content, bytes):
            raise RejectedError("微信没有给出文件")
        return content

    async def close(self) -> None:
        await self._client.aclose()

    async def _named(
        self, ask: Callable[[dict[str, str]], Awaitable[dict[str, Any]]]
    ) -> dict[str, Any]:
        """The answer to what is asked in the account's name; a stale token is renewed once."""
        token = await self._valid_token()
        answer = await ask({"access_token": token})
        if _code(answer) in _STALE_TOKEN:
            answer = await ask({"access_token": await self._new_token(token)})
        _check(answer)
        return answer

    async def _valid_token(self) -> str:
        async with self._lock:
            if time.monotonic() >= self._until:
                await self._ask(force=False)
            return self._token

    async def _new_token(self, refused: str) -> str:
        """Another token than the one that was refused, if there is one to be had."""
        async with self._lock:
            if self._token == refused:
                await self._ask(force=False)
            if self._token == refused:
                line = {f"wechat:token:{self._app_id}": (_FORCE_SECONDS, 0.0)}
                if await self._coordination.reserve(line) > 0:
                    raise SendError("微信的接口凭证正在更新，稍后重试")
                await self._ask(force=True)
            return self._token

    async def _ask(self, *, force: bool) -> None:
        answer = await self._post(
            "/cgi-bin/stable_token",
            {
                "grant_type": "client_credential",
                "appid": self._app_id,
                "secret": self._secret,
                "force_refresh": force,
            },
            {},
        )
        _check(answer)
        try:
            self._token, seconds = str(answer["access_token"]), float(answer["expires_in"])
        except (KeyError, ValueError, TypeError):
            raise SendError("微信的应答无法识别") from None
        # The platform makes the next token five minutes before this one ends.
        self._until = time.monotonic() + max(seconds - _EARLY, seconds / 2)

    async def _post(
        self, path: str, payload: dict[str, Any] | None, query: dict[str, str]
    ) -> dict[str, Any]:
        # The platform shows \u escapes as they are written.
        body = json.dumps(payload, ensure_ascii=False).encode()
        headers = {"content-type": "application/json; charset=utf-8"}
        sent = {"method": "POST", "content": body, "headers": headers}
        how: dict[str, Any] = {"method": "GET"} if payload is None else sent
        with _no_connection():
            response = await self._client.request(url=path, params=query, **how)
        return _read(response, response.content)

    async def _download(self, query: dict[str, str]) -> dict[str, Any]:
        """A file as ``content``, or the platform's refusal."""
        content = b""
        with _no_connection():
            async with self._client.stream("GET", _MEDIA, params=query) as response:
                async for piece in response.aiter_bytes():
                    content += piece
                    if len(content) > LARGEST:
                        raise RejectedError("文件太大")
        if response.is_error or content.startswith(b"{"):
            return _read(response, content)
        return {"content": content}


@contextmanager
def _no_connection() -> Iterator[None]:
    try:
        yield
    except httpx.HTTPError as error:
        # The error's text holds the address, and that the token.
        raise SendError(f"连不上微信接口（{type(error).__name__}）") from None


def _read(response: httpx.Response, content: bytes) -> dict[str, Any]:
    try:
        answer = json.loads(content)
    except ValueError:
        raise SendError("微信的应答无法识别") from None
    if response.is_error or not isinstance(answer, dict):
        raise SendError(f"微信接口暂时不可用（{response.status_code}）")
    return answer


def _code(answer: dict[str, Any]) -> int:
    code = answer.get("errcode", 0)
    return code if isinstance(code, int) else -1


def _check(answer: dict[str, Any]) -> None:
    """The platform's refusals as the channel's; never with what it says itself."""
    code = _code(answer)
    if code == 0:
        return
    if code in _LIMITS:
        raise RateLimitedError(_LIMITS[code])
    if code in _CLOSED:
        raise WindowClosedError(_CLOSED[code])
    if code in _GONE:
        raise UnreachableError(_GONE[code])
    if code == -1:
        raise SendError("微信系统繁忙，稍后重试")
    if code in _STALE_TOKEN:
        raise SendError(f"微信不认接口凭证，请核对 AppID 和 AppSecret（{code}）")
    words = f"{_REFUSED.get(code, '微信拒收')}（{code}）"
    # What an administrator can set right is tried again: nothing is wrong with the message.
    raise SendError(words) if code in _CONFIGURATION else CodeError(code, words)
