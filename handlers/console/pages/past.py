"""How an entry came to be what it is, and where it was used."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nicegui import ui

from bot.desk.catalogue import Opened, Version
from bot.desk.countdown import ago, exact_moment
from handlers.console.pages.parts import button, fold, tag, word
from handlers.console.pages.side import difference
from handlers.console.visit import Visit, on_page
from handlers.console.words import actor
from knowledge.masking import mask
from storage.inbox import PAGE
from storage.terms import CaseState

_VERSIONS = 20
_SUBJECT = 40
Restore = Callable[[int], Awaitable[None]]


def past(visit: Visit, root: ui.element, opened: Opened, restore: Restore) -> None:
    """The versions of an entry and the cases it answered, in place of what ``root`` held."""
    root.clear()
    with root:
        with tag("section", "part"):
            word(f"版本 {len(opened.versions)}", "part-title", name="h2")
            for one in opened.versions[:_VERSIONS]:
                _version(visit, one, opened, restore)
            if len(opened.versions) > _VERSIONS:
                word(f"更早的 {len(opened.versions) - _VERSIONS} 版没有列出。", "soft")
        with tag("section", "part") as part:
            Uses(visit, opened, part)


def _version(visit: Visit, one: Version, opened: Opened, restore: Restore) -> None:
    now = visit.desk.office.now()
    names = "、".join(change.name for change in one.changes) if one.number > 1 else "新建"
    if one.retired:
        names = "停用"
    current = one.number == opened.version
    with fold().classes("kb-version") as row:
        with row.add_slot("header"), tag("div", "kb-version-head"):
            word(f"第 {one.number} 版", "who")
            word(actor(one.actor, opened.names))
            word(ago(one.at, now), "soft", exact_moment(one.at))
            word(names or "没有改内容", "soft kb-version-what")
        for change in one.changes:
            word(change.name, "soft", name="div")
            difference(change.before, change.after)
        if not current and not one.retired and opened.editable and opened.standing != "retired":
            number = one.number
            button("恢复到这一版").on_click(lambda: restore(number))


class Uses:
    """The cases that an entry answers, in pages."""

    def __init__(self, visit: Visit, opened: Opened, root: ui.element) -> None:
        self.visit = visit
        self._entry_id, self._start = opened.entry.id, 0
        used = opened.used
        with root:
            word("用到它的诉求", "part-title", name="h2")
            told = f"近一年：{used.hits:,} 个问题首选它，{used.adopted:,} 件用它答复"
            word(f"{told}，其中自动 {used.automatic:,} 件。", "soft", name="div")
            self._list = tag("div")
            if used.adopted:
                button("看是哪些").on_click(lambda: self._turn(0))

    @on_page
    async def _turn(self, step: int) -> None:
        self._start = max(0, self._start + step)
        catalogue, entry_id, start = self.visit.desk.catalogue, self._entry_id, self._start
        page = await self.visit.ask(lambda s: catalogue.cases(s, entry_id, start))
        if page is None:
            return
        self._list.clear()
        with self._list:
            for line in page.lines:
                with tag("a", "earlier").props(f'href="/console/case/{line.case.id}"'):
                    word(f"#{line.case.id}", "number")
                    word(mask(line.case.subject[:_SUBJECT]) or "（没有文字）", "subject")
                    word("自动" if line.case.automatic else "人工", "soft")
                    word(CaseState(line.case.state).label, "soft")
            word(f"归您办理的共 {page.total:,} 件（不限时间）", "soft", name="div")
            if start:
                button("上一页").on_click(lambda: self._turn(-PAGE))
            if start + PAGE < page.total:
                button("下一页").on_click(lambda: self._turn(PAGE))
