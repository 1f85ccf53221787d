"""The real HTTP application on a port of its own, with a real desk that works behind it."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
from fastapi import FastAPI
from sqlmodel import select

from bot.channels.base import Channel
from bot.channels.web import WebChannel
from bot.config import read_scorecards
from bot.desk import Desk, Library, Office
from bot.desk.office import TOPIC_CONSIDER
from bot.desk.premises import Premises
from bot.desk.signin import Signin
from bot.passage import Passage
from bot.server import HttpServer
from bot.settings import AssessmentSettings
from handlers.api import IngestSite, Webhook, build_app, close_streams
from handlers.console import ConsoleSite
from handlers.webchat.door import COOKIE, Site
from handlers.wechat.door import WechatSite
from knowledge.bundles import Bundle
from knowledge.matcher import Policy
from storage import entries
from storage.coordination import LocalCoordination
from storage.db import Database
from storage.files import FileStore
from storage.models import Account
from tests.support import ENTRIES, office_rules

SECRET = "0123456789abcdef" * 3
SITE = Site(name="云川市政务服务（示例）", greeting="您好，请直接说您要办的事。")


@dataclass
class Website:
    """A running website; ``desk`` is what works behind it."""

    app: FastAPI
    desk: Desk
    server: HttpServer
    signin: Signin | None = None
    clients: list[httpx.AsyncClient] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server.port}"

    def browser(self, **headers: str) -> httpx.AsyncClient:
        """A visitor's browser: keeps cookies, closed with the website."""
        client = httpx.AsyncClient(base_url=self.url, headers=headers, trust_env=False, timeout=10)
        self.clients.append(client)
        return client


@asynccontextmanager
async def open_website(
    database: Database,
    site: Site | None = SITE,
    *,
    webhook: Webhook | None = None,
    working: bool = True,
    console: bool = False,
    port: int = 0,
    premises: Premises | None = None,
    ingest: IngestSite | None = None,
    sources: Mapping[str, Channel] | None = None,
    bundles: Sequence[Bundle] = (),
    attic: Path | None = None,
    wechat: WechatSite | None = None,
) -> AsyncIterator[Website]:
    """Serve until the block ends; with ``working`` the desk answers by itself.

    ``sources`` are the ways out of more accounts, by their keys.
    """
    ways = {**(sources or {}), **({"wechat": wechat.channel} if wechat else {})}
    desk = await _desk(database, premises or Premises(), ways, bundles, attic)
    signin = Signin(desk.office, SECRET) if console else None
    staff_site = ConsoleSite(signin) if signin else None
    app = build_app(desk, site, webhook=webhook, console=staff_site, ingest=ingest, wechat=wechat)
    server = HttpServer(app, "127.0.0.1", port)
    await server.start()
    website = Website(app, desk, server, signin)
    worker = asyncio.create_task(_work(desk)) if working else None
    try:
        yield website
    finally:
        if worker:
            worker.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await worker
        for client in website.clients:
            await client.aclose()
        close_streams(app)
        await server.stop()


async def _desk(
    database: Database,
    premises: Premises,
    sources: Mapping[str, Channel],
    bundles: Sequence[Bundle],
    attic: Path | None,
) -> Desk:
    async with database.write() as session:
        if (await session.exec(select(Account))).first() is None:
            session.add(Account(key="web", platform="网站", name=SITE.name))
            session.add(Account(key="telegram", platform="Telegram", name="云川发布"))
            await entries.save(session, ENTRIES, "os:li")
            for key in sources:
                platform = "微信公众号" if key == "wechat" else "微博"
                session.add(Account(key=key, platform=platform, name="云川发布"))
    library = Library(database, Policy(), bundles=bundles)
    await library.refresh()
    channels: dict[str, Channel] = {"web": WebChannel(), **sources}
    quick = replace(
        office_rules(),
        burst=timedelta(0),
        settle=timedelta(0),
        scorecards=tuple(read_scorecards(AssessmentSettings())),
    )
    office = Office(
        db=database,
        library=library,
        coordination=LocalCoordination(),
        rules=quick,
        capabilities={key: channel.capabilities for key, channel in channels.items()},
        premises=premises,
        passage=Passage(SECRET),
        files=FileStore(attic) if attic else None,
    )
    return Desk(office, channels)


async def _work(desk: Desk) -> None:
    signal = desk.office.coordination.listen(TOPIC_CONSIDER)
    while True:
        await asyncio.shield(_round(desk))
        await signal.wait(0.05)


async def _round(desk: Desk) -> None:
    await desk.answering.consider_due()
    await desk.dispatch.deliver_due()


async def write(client: httpx.AsyncClient, text: str, identity: str = "") -> httpx.Response:
    """Send one message as the page does."""
    return await client.post("/chat/messages", json={"id": identity or str(uuid4()), "text": text})


async def lines(client: httpx.AsyncClient) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await client.get("/chat/history")).json()["lines"]
    return found


async def answers(client: httpx.AsyncClient, number: int = 1) -> list[dict[str, Any]]:
    """The office's lines once there are ``number`` of them."""
    async with asyncio.timeout(10):
        while True:
            found = [line for line in await lines(client) if not line["mine"]]
            if len(found) >= number:
                return found
            await asyncio.sleep(0.02)


def visitor_of(client: httpx.AsyncClient) -> str:
    return client.cookies.get(COOKIE) or ""


@asynccontextmanager
async def streaming(
    client: httpx.AsyncClient, after: str = "", last: str = ""
) -> AsyncIterator[AsyncIterator[tuple[str, dict[str, Any]]]]:
    """The visitor's event stream as (event id, line) pairs; heartbeats are left out."""
    headers = {"last-event-id": last} if last else {}
    params = {"after": after} if after else {}
    async with client.stream("GET", "/chat/events", headers=headers, params=params) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        yield _events(response)


async def _events(response: httpx.Response) -> AsyncIterator[tuple[str, dict[str, Any]]]:
    identity = ""
    async for row in response.aiter_lines():
        if row.startswith("id: "):
            identity = row[4:]
        elif row.startswith("data: {"):
            yield identity, json.loads(row[6:])
