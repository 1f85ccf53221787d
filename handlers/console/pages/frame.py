"""What stands around every page: the bar with the ways to the others."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sized
from contextlib import contextmanager

from nicegui import Client, ui

from bot.desk.desktop import DECIDERS
from bot.desk.supervision import LOOKERS
from handlers.console.pages.parts import tag, word
from handlers.console.visit import Visit
from storage.models import Staff
from storage.terms import Role

_STYLES = ("console", "knowledge")
_STYLE = "".join(f'<link rel="stylesheet" href="/console/assets/{one}.css">' for one in _STYLES)
_TASKS = "/console/tasks"
_POSTING = "/console/posting"
_INTAKE = "/console/intake"
_COUNT = 60.0
# On a phone the ways may be wider than the page: the one that is here is put in sight.
_TO_SIGHT = """for (const one of document.querySelectorAll('nav .here'))
  one.scrollIntoView({inline: 'center', block: 'nearest'})"""
_PAGES = (
    ("待办", "/console/", ()),
    ("事项", _TASKS, ()),
    ("待发布", _POSTING, ()),
    ("导入留言", _INTAKE, DECIDERS),
    ("知识库", "/console/knowledge", ()),
    ("看板", "/console/figures", LOOKERS),
    ("审计", "/console/audit", DECIDERS),
    ("人员", "/console/staff", (Role.ADMIN,)),
    ("管理", "/console/admin", (Role.ADMIN,)),
)
_SCRIPT = '<script defer src="/console/assets/console.js"></script>'


@contextmanager
def frame(visit: Visit, here: str, classes: str = "", heading: str = "") -> Iterator[ui.element]:
    """The page with its bar; what is built inside is its main part, which is yielded.

    ``heading`` names the page to those who do not see it, where no h1 of its own does.
    """
    only_one_main(visit.page)
    ui.add_head_html(_STYLE + _SCRIPT)
    ui.colors(primary="#1f4e79", negative="#a61b1b", warning="#8a5a00", positive="#2d6a3e")
    ui.query(".nicegui-content").classes("shell")
    staff, used = visit.seat.staff, _used(visit)
    with tag("a", "skip").props('href="#main"'):
        word("跳到正文")
    with tag("header", "bar"):
        word("问办", "brand")
        with tag("nav", "ways").props('aria-label="页面"'):
            for title, path, roles in _PAGES:
                if not used.get(path, True):
                    continue
                if not roles or staff.role in roles:
                    link = tag("a", "way" + (" here" if title == here else ""))
                    link.props(f'href="{path}"')
                    with link:
                        word(title)
                        if path == _TASKS:
                            _count(visit, visit.desk.tasks.pending)
                        elif path == _POSTING:
                            _count(visit, visit.desk.handing.for_staff)
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
    ui.timer(0.1, lambda: ui.run_javascript(_TO_SIGHT), once=True)
    with main_part(classes) as main:
        word(heading, "unseen", name="h1") if heading else None
        yield main


def _used(visit: Visit) -> dict[str, bool]:
    """Pages that some offices have no use for."""
    return {_POSTING: visit.desk.handing.used, _INTAKE: visit.desk.exports.used}


def main_part(classes: str) -> ui.element:
    """What the page is about, where the way past the bar leads."""
    return tag("main", classes).props('id="main" tabindex="-1"')


def only_one_main(page: Client) -> None:
    """Quasar's page is a <main> around everything; the bar is none of it, so ours stands alone."""
    outer = page.content.parent_slot
    if outer is not None and outer.parent is not page.page_container:
        page.content.move(page.page_container)
        outer.parent.delete()


def _count(visit: Visit, waiting: Callable[[Staff], Awaitable[Sized]]) -> None:
    """How many things wait for this person, beside the way to them."""
    badge = word("", "count")

    async def look() -> None:
        found = await visit.ask(waiting, acting=False)
        badge.set_text(f"{len(found):,}" if found else "")

    ui.timer(_COUNT, look)


async def _sign_out(visit: Visit) -> None:
    await visit.errands.run(visit.signin.sign_out(visit.token))
    visit.leave()
