"""The HTTP application: everything this program serves over the web."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, nullcontext

from fastapi import FastAPI

from bot.desk import Desk
from handlers import errors
from handlers.api.entrances import entrances_router
from handlers.api.ingest import LARGER, IngestDoor, IngestSite
from handlers.api.ingest import router as ingest_router
from handlers.api.shield import Shield
from handlers.api.system import Webhook, system_router
from handlers.console import UPLOADS, ConsoleSite
from handlers.console import build as build_console
from handlers.webchat.door import FILES, Site, WebDoor
from handlers.webchat.routes import router as webchat_router
from handlers.wechat.door import WechatDoor, WechatSite
from handlers.wechat.routes import router as wechat_router

MAX_BODY = 256 * 1024


def build_app(
    desk: Desk,
    site: Site | None,
    *,
    webhook: Webhook | None = None,
    console: ConsoleSite | None = None,
    ingest: IngestSite | None = None,
    wechat: WechatSite | None = None,
    max_body: int = MAX_BODY,
) -> FastAPI:
    """The application; without a ``site`` there is no citizens' page, without ``console`` none
    for staff, without ``ingest`` no way in for other programs, without ``wechat`` no address for
    WeChat to call.

    ``max_body`` is in bytes. Call :func:`close_streams` before the server is told to stop:
    it waits for open responses, and event streams end only when told to.
    """

    stage = build_console(desk, console) if console else None

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        async with stage.running() if stage else nullcontext():
            yield

    larger = (UPLOADS if stage else {}) | (FILES if site else {}) | (LARGER if ingest else {})
    app = FastAPI(title="问办", docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.add_middleware(Shield, max_body=max_body, larger=larger)
    errors.install(app)
    app.include_router(system_router(desk.office, webhook))
    app.include_router(entrances_router(desk))
    if ingest is not None:
        app.state.ingest = IngestDoor(desk, ingest)
        app.include_router(ingest_router)
    app.state.webchat = None
    if site is not None:
        app.state.webchat = WebDoor(desk, site)
        app.include_router(webchat_router)
    if wechat is not None:
        app.state.wechat = WechatDoor(desk, wechat)
        app.include_router(wechat_router)
    if stage is not None:
        stage.mount(app)
    return app


def close_streams(app: FastAPI) -> None:
    """End every open event stream; the pages reconnect when the program is back."""
    if app.state.webchat is not None:
        app.state.webchat.streams.close()
