"""NiceGUI as a part of the application: set up once a process, started and stopped with it."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path

import nicegui
from fastapi import FastAPI, Request
from fastapi.responses import HTMLResponse
from nicegui import ui
from nicegui.translations import translations
from starlette.responses import Response

from bot.desk import Desk
from bot.desk.signin import Signin
from handlers.console import pages  # noqa: F401  (registers the pages)
from handlers.console.errands import Errands
from handlers.console.forms import STATIC, message
from handlers.console.gate import Gate
from handlers.console.pulse import Pulse
from handlers.console.signin import signin_router
from handlers.console.visit import Visit

log = logging.getLogger(__name__)
_PATH = "/console"
_RECONNECT = 30.0

# NiceGUI is one for the process. It is bound to a carrier that serves nothing, so that its pages
# can stand behind the gate of whichever application this process serves.
_carrier = FastAPI()
translations["zh-CN"].update(
    connection_lost="连不上服务器",
    trying_to_reconnect="正在重新连接，写的内容还在。",
    message_too_long="内容太长",
    message_too_long_body="没有发出去，请分几次。",
)
ui.run_with(
    _carrier,
    mount_path=_PATH,
    title="问办工作台",
    favicon=Path(STATIC / "icon.svg"),
    dark=None,
    language="zh-CN",
    tailwind=False,
    reconnect_timeout=_RECONNECT,
    binding_refresh_interval=None,
    show_welcome_message=False,
)
nicegui.app.add_static_files("/assets", STATIC, max_cache_age=0)


class Stage:
    """One application's console."""

    def __init__(self, desk: Desk, signin: Signin, public_url: str) -> None:
        self._pulse, self._errands = Pulse(desk), Errands()
        visit = partial(Visit, desk, signin, self._pulse, self._errands)
        self._gate = Gate(nicegui.app, signin, visit, public_url)
        self._forms = signin_router(signin, public_url)

    def mount(self, app: FastAPI) -> None:
        """Add the pages under /console."""
        app.include_router(self._forms)
        app.mount(_PATH, self._gate)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """NiceGUI on the loop that serves; on leaving, what pages asked for is finished."""
        async with _carrier.router.lifespan_context(_carrier):
            yield
            await self._pulse.stop()
            await self._errands.settle()


async def _missing(request: Request, error: Exception) -> Response:
    return HTMLResponse(message("没有这个页面", "请核对网址，或回到待办。"), 404)


async def _broken(request: Request, error: Exception) -> Response:
    _note(error)
    return HTMLResponse(message("出了点问题", "请刷新再试；还不行请告诉管理员。"), 500)


def _note(error: Exception) -> None:
    """Log where a page failed; not the error's text, which may hold what a citizen wrote."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = f"{place.tb_frame.f_code.co_filename}:{place.tb_lineno}" if place else "?"
    log.error("console page failed: %s at %s", type(error).__name__, where)


nicegui.app.add_exception_handler(404, _missing)
nicegui.app.add_exception_handler(Exception, _broken)
nicegui.app.on_exception(_note)
logging.getLogger("nicegui").setLevel(logging.CRITICAL)
