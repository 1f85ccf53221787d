"""What stands around every page: the bar with the ways to the others."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from nicegui import ui

from bot.desk.desktop import DECIDERS
from bot.desk.supervision import LOOKERS
from handlers.console.pages.parts import tag, word
from handlers.console.visit import Visit
from storage.terms import Role

_STYLE = '<link rel="stylesheet" href="/console/assets/console.css">'
_PAGES = (
    ("待办", "/console/", ()),
    ("看板", "/console/figures", LOOKERS),
    ("审计", "/console/audit", DECIDERS),
    ("人员", "/console/staff", (Role.ADMIN,)),
    ("管理", "/console/admin", (Role.ADMIN,)),
)
_SCRIPT = '<script defer src="/console/assets/console.js"></script>'


@contextmanager
def frame(visit: Visit, here: str) -> Iterator[None]:
    """The page with its bar; what is built inside stands under it."""
    ui.add_head_html(_STYLE + _SCRIPT)
    ui.colors(primary="#1f4e79", negative="#a61b1b", warning="#8a5a00", positive="#2d6a3e")
    ui.query(".nicegui-content").classes("shell")
    staff = visit.seat.staff
    with tag("header", "bar"):
        word("问办", "brand")
        with tag("nav", "ways").props('aria-label="页面"'):
            for title, path, roles in _PAGES:
                if not roles or staff.role in roles:
                    link = tag("a", "way" + (" here" if title == here else ""))
                    link.props(f'href="{path}"')
                    with link:
                        word(title)
        tag("span", "grow")
        with (
            ui.button(f"{staff.display_name} · {staff.role}", color=None)
            .props("flat dense no-caps")
            .classes("person"),
            ui.menu().props('aria-label="我的"'),
        ):
            ui.menu_item("改密码", lambda: ui.navigate.to("/password"))
            ui.menu_item("动态口令", lambda: ui.navigate.to("/codes"))
            ui.menu_item("退出登录", lambda: _sign_out(visit))
    yield


async def _sign_out(visit: Visit) -> None:
    await visit.errands.run(visit.signin.sign_out(visit.token))
    visit.leave()
