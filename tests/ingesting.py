"""Another platform's program: it signs what it sends, and keeps what it is pushed."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.channels.base import Capabilities
from bot.channels.signing import headers, signature
from bot.channels.waiting import WaitingChannel
from bot.channels.wire import Spot
from bot.desk import Desk, Inbound
from bot.passage import Passage
from bot.server import HttpServer
from handlers.api import IngestSite, Source
from knowledge.catalog import Entry
from storage.db import Database
from storage.models import Account
from tests.support import ENTRIES, Town, build_town
from tests.website import Website

SECRET = "k3Jd8sLq0ZpXw7VbN2mRt5YcUe9GhAf1"
SITE = IngestSite({"weibo": Source("1", SECRET, fetches=True)}, max_waiting=100, window=300)
CAN = Capabilities(
    max_length=140, buttons=False, edits=False, links=False, awaits="program", wait="", per_second=0
)


def fetched(**changes: Any) -> dict[str, WaitingChannel]:
    """The way out of an account whose answers are fetched."""
    can = {name: getattr(CAN, name) for name in Capabilities.__dataclass_fields__}
    return {"weibo": WaitingChannel(Capabilities(**{**can, **changes}), "由对方来取答复")}


def post(number: int = 1, text: str = "身份证丢了怎么办", **changes: Any) -> dict[str, Any]:
    """A comment as JSON."""
    return {
        "external_id": f"c{number}",
        "kind": "comment",
        "citizen_id": "u7",
        "citizen_name": "小李",
        "text": text,
        "sent_at": "2026-03-02T09:30:00+08:00",
        "post_id": "p1",
        **changes,
    }


@dataclass
class Platform:
    """One platform's program."""

    client: httpx.AsyncClient
    source: str = "weibo"
    secret: str = SECRET
    key_id: str = "1"

    async def call(
        self, method: str, path: str, body: Any = None, **changed: str
    ) -> httpx.Response:
        target = f"/api/v1/sources/{self.source}/{path}"
        raw = b"" if body is None else body if isinstance(body, bytes) else _json(body)
        signed = headers(self.key_id, self.secret, method, target, raw)
        return await self.client.request(method, target, content=raw, headers={**signed, **changed})

    async def send(self, body: Any, **changed: str) -> httpx.Response:
        return await self.call("POST", "messages", body, **changed)

    async def batch(self, rows: Any) -> httpx.Response:
        return await self.call("POST", "messages:batch", {"messages": rows})

    async def replies(self, after: int = 0) -> dict[str, Any]:
        answer = await self.call("GET", f"replies?after={after}" if after else "replies")
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def reply(self) -> dict[str, Any]:
        """The first thing there is to post, once there is any."""
        return (await self._once(lambda found: bool(found)))[0]

    async def whole_reply(self) -> list[dict[str, Any]]:
        """All there is to post, once the last part of an answer is among it."""
        return await self._once(lambda found: any(one["purpose"] == "reply" for one in found))

    async def _once(self, ready: Callable[[list[dict[str, Any]]], bool]) -> list[dict[str, Any]]:
        async with asyncio.timeout(20):
            while True:
                found: list[dict[str, Any]] = (await self.replies())["replies"]
                if ready(found):
                    return found
                await asyncio.sleep(0.02)


def platform_of(website: Website, **changes: str) -> Platform:
    return Platform(website.browser(), **changes)


def _json(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False).encode()


@dataclass
class Receiver:
    """A platform's server that answers are pushed to; ``answers`` are given one a push."""

    url: str = ""
    pushed: list[dict[str, Any]] = field(default_factory=list)
    answers: list[Callable[[], Response]] = field(default_factory=list)

    async def take(self, request: Request) -> Response:
        body = await request.body()
        given = request.headers
        right = signature(SECRET, given["x-wenban-timestamp"], "POST", "/push?for=wenban", body)
        assert given["x-wenban-signature"] == right
        self.pushed.append(json.loads(body))
        if self.answers:
            return self.answers.pop(0)()
        return Response('{"external_id": "w99"}', media_type="application/json")


@asynccontextmanager
async def receiving() -> AsyncIterator[Receiver]:
    """Serve until the block ends."""
    receiver = Receiver()
    app = Starlette(routes=[Route("/push", receiver.take, methods=["POST"])])
    server = HttpServer(app, "127.0.0.1", 0)
    await server.start()
    receiver.url = f"http://127.0.0.1:{server.port}/push?for=wenban"
    try:
        yield receiver
    finally:
        await server.stop()


async def town_with_platform(
    database: Database,
    known: Sequence[Entry] = ENTRIES,
    passage: Passage | None = None,
    **changes: Any,
) -> Town:
    """A town with an account on a platform whose answers others post."""
    async with database.write() as session:
        session.add(Account(key="weibo", platform="微博", name="云川发布"))
    town = await build_town(database, known=known)
    ways = fetched(**changes)
    office = replace(
        town.desk.office,
        capabilities={
            **town.desk.office.capabilities,
            **{key: channel.capabilities for key, channel in ways.items()},
        },
        passage=passage,
    )
    town.desk = Desk(office, {"telegram": town.channel, **ways})
    return town


async def comments(
    town: Town, text: str, number: int = 1, kind: str = "comment", days: int = 0
) -> int:
    """A citizen of the platform writes, so many days ago; the case once all is settled."""
    spot = Spot(kind, "u7", "p1")
    inbound = Inbound(
        account="weibo",
        citizen="u7",
        name="小李",
        kind=kind,
        place=spot.place,
        thread=spot.place,
        external_id=f"c{number}",
        text=text,
        sent_at=datetime.now(UTC) - timedelta(days=days),
        reply_to=f"c{number}",
    )
    case_id = (await town.desk.intake.receive(inbound)).case_id
    await town.settle()
    return case_id
