"""A real platform behind every channel, and the trouble that each of them can make.

A new channel adds its stage here and passes tests/channels/test_contract.py.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlmodel import select
from starlette.responses import Response

from bot.channels.base import (
    Channel,
    Outgoing,
    RateLimitedError,
    RejectedError,
    SendError,
    UnreachableError,
    WindowClosedError,
)
from bot.channels.telegram import TelegramChannel, build_bot
from bot.channels.web import WebChannel
from bot.channels.wechat import WechatChannel, article_place
from bot.channels.wechatapi import WechatApi
from bot.desk.office import account_by_key, key_of
from handlers.webchat.door import Visitor
from storage import outbox
from storage.coordination import LocalCoordination
from storage.db import Database
from storage.models import Delivery
from storage.terms import Purpose
from tests.botapi import BotApi
from tests.e2e.harness import until
from tests.website import lines, open_website, visitor_of
from tests.wechatapi import APP_ID, SECRET, WechatServer

Trouble = Callable[[], Awaitable[object]]
ARTICLE = "2247483660_1"


@dataclass
class Stage:
    """One channel before its platform.

    ``shown`` is what the citizen of ``place`` has before them, oldest first, an edited message
    as it is now; buttons that the platform shows beside a text are part of it. ``troubles``
    makes the platform answer the next send with what must become the error named.
    """

    channel: Channel
    place: str
    shown: Callable[[], Awaitable[list[str]]]
    send: Callable[[Outgoing], Awaitable[str]]
    troubles: dict[type[SendError], Trouble] = field(default_factory=dict)
    reply_to: str = ""
    secret: str = ""


Opening = Callable[[Database], AbstractAsyncContextManager[Stage]]


@asynccontextmanager
async def telegram(_: Database) -> AsyncIterator[Stage]:
    async with BotApi() as api:
        user = api.user("小李")
        await api.meet(user)
        channel = TelegramChannel(build_bot(api.token, api.url))
        place = str(user.id)

        async def shown() -> list[str]:
            standing: dict[int, str] = {}
            for one in await api.sent(user):
                titles = [
                    f"{button['text']} {button.get('url', '')}"
                    for row in one.keyboard
                    for button in row
                ]
                standing[one.id] = "\n".join([one.text, *titles])
            return list(standing.values())

        troubles: dict[type[SendError], Trouble] = {
            SendError: lambda: api.fail_next("*", 502),
            RateLimitedError: lambda: api.fail_next("*", 429, retry_after=7),
            RejectedError: lambda: api.fail_next("*", 400),
            UnreachableError: lambda: api.blocks(user),
        }
        yield Stage(
            channel, place, shown, lambda out: channel.send(place, out), troubles, "", api.token
        )
        await channel.close()


@asynccontextmanager
async def web(database: Database) -> AsyncIterator[Stage]:
    async with open_website(database) as website:
        client = website.browser()
        await client.post("/chat/messages", json={"id": _UUID, "text": "谢谢"})
        place, office = Visitor(visitor_of(client)).id, website.desk.office
        numbers = iter(range(1_000))

        async def shown() -> list[str]:
            standing: dict[str, str] = {}
            for line in await lines(client):
                if not line["mine"]:
                    standing[line["edits"] or line["key"]] = _line(line)
            return list(standing.values())[1:]  # the first is the answer to 谢谢

        async def send(outgoing: Outgoing) -> str:
            async with office.db.write() as session:
                account = await account_by_key(session, "web")
                dedupe = f"contract:{next(numbers)}"
                assert await outbox.enqueue(
                    session,
                    account_id=key_of(account),
                    place=place,
                    purpose=Purpose.NOTICE,
                    payload=outgoing.to_json(),
                    dedupe=dedupe,
                )
            return await _delivered(office.db, dedupe)

        await _until_answered(shown, lambda: lines(client))
        yield Stage(WebChannel(), place, shown, send)


@asynccontextmanager
async def wechat(_: Database) -> AsyncIterator[Stage]:
    async with _account() as (server, channel):
        openid = "oLVPpjqs9BhvzwPj5A-vTYAX3GLc"
        server.heard(openid)
        server.quota[openid] = 1000

        async def shown() -> list[str]:
            return server.texts(openid)

        async def left() -> None:
            server.followers.discard(openid)

        async def closed() -> None:
            server.close_window(openid)

        yield Stage(
            channel,
            openid,
            shown,
            lambda out: channel.send(openid, out),
            {**_refusals(server, _SEND), UnreachableError: left, WindowClosedError: closed},
            secret=SECRET,
        )


@asynccontextmanager
async def wechat_comments(_: Database) -> AsyncIterator[Stage]:
    async with _account() as (server, channel):
        comment = server.comment(ARTICLE, "oCommenter", "身份证丢了怎么办", 1_700_000_000)
        place = article_place(ARTICLE)

        async def shown() -> list[str]:
            return [comment.reply] if comment.reply else []

        yield Stage(
            channel,
            place,
            shown,
            lambda out: channel.send(place, out),
            _refusals(server, _REPLY),
            str(comment.number),
            SECRET,
        )


STAGES: dict[str, Opening] = {
    "telegram": telegram,
    "web": web,
    "wechat": wechat,
    "wechat_comments": wechat_comments,
}
TROUBLES: dict[str, tuple[type[SendError], ...]] = {
    "telegram": (SendError, RateLimitedError, RejectedError, UnreachableError),
    "web": (),
    "wechat": (SendError, RateLimitedError, RejectedError, UnreachableError, WindowClosedError),
    "wechat_comments": (SendError, RateLimitedError, RejectedError),
}

_UUID = "7e57d004-2b97-4e7a-b45f-5387367791cd"
_SEND = "/cgi-bin/message/custom/send"
_REPLY = "/cgi-bin/comment/reply/add"


@asynccontextmanager
async def _account() -> AsyncIterator[tuple[WechatServer, WechatChannel]]:
    async with WechatServer(APP_ID) as server:
        api = WechatApi(APP_ID, SECRET, server.url, LocalCoordination(), 5.0)
        channel = WechatChannel(api)
        await channel.probe()
        yield server, channel
        await channel.close()


def _refusals(server: WechatServer, path: str) -> dict[type[SendError], Trouble]:
    async def broken() -> None:
        server.broken.append(Response(status_code=502))

    async def refuse(code: int) -> None:
        server.fail(path, code)

    return {
        SendError: broken,
        RateLimitedError: lambda: refuse(45009),
        RejectedError: lambda: refuse(48001),
    }


def _line(line: dict[str, Any]) -> str:
    titles = [f"{one['title']} {one['url']}" for row in line["rows"] for one in row]
    return "\n".join([line["text"], *titles])


async def _delivered(database: Database, dedupe: str) -> str:
    query = select(Delivery.external_id).where(Delivery.dedupe == dedupe)

    async def external_id() -> str:
        async with database.read() as session:
            return (await session.exec(query)).one()

    return await until(external_id, what="delivered")


async def _until_answered(
    shown: Callable[[], Awaitable[list[str]]], everything: Callable[[], Awaitable[list[Any]]]
) -> None:
    async def answered() -> bool:
        return any(not line["mine"] for line in await everything())

    await until(answered, what="the visitor known")
    assert await shown() == []
