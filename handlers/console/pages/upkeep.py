"""体检 and 办事入口: what of the knowledge base should be repaired, each leading to its entries."""

from __future__ import annotations

from collections import Counter

from fastapi import Request
from nicegui import Client, ui

from bot.desk.countdown import ago, exact_moment
from bot.desk.upkeep import KINDS, LinkState, Trouble
from handlers.console.pages.openings import usage_table
from handlers.console.pages.parts import Rows, button, tag, waiting, word
from handlers.console.pages.shelf import address, edits, entry_link, shelf
from handlers.console.visit import PATIENCE, Visit, on_page, visit_of

_AT_ONCE = 60
_WHY = {
    "矛盾": "问法相同、答案不同：群众问到哪条算哪条，请合并或改写得能区分。",
    "重复": "问法相同、答案也相同，留一条就够。",
    "已过期": "过了失效日，不再用来自动答复；请更新答案和失效日，或停用。",
    "该复核": "到了复核日，请核对内容，填新的复核日。",
    "缺项、写错": "缺问法、答案，日期颠倒，太长，或网址不完整。",
    "很像": "两条问得很像，看看是不是一回事；数字不一样的在前。",
}


@ui.page("/knowledge/upkeep", response_timeout=PATIENCE)
async def upkeep(request: Request, client: Client) -> None:
    page = UpkeepPage(visit_of(request, client))
    await client.connected()
    await page.look()


@ui.page("/knowledge/links", response_timeout=PATIENCE)
async def links(request: Request, client: Client) -> None:
    page = LinksPage(visit_of(request, client))
    await client.connected()
    await page.look()


class UpkeepPage:
    """Troubles of one kind at a time, as many as fit on a page."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self._found: list[Trouble] = []
        self._kind, self._shown = "", _AT_ONCE
        self._rows = Rows()
        with shelf(visit, "体检", "kb-plain"):
            self._tabs = tag("div", "tabs").props('role="tablist"')
            self._list = tag("div", "kb-rows")
            with self._list:
                waiting("正在检查全部条目…")
        ui.on("console-key", lambda event: self._key(str(event.args)))

    @on_page
    async def look(self) -> None:
        upkeep = self.visit.desk.upkeep
        found = await self.visit.ask(lambda _: upkeep.troubles())
        if found is None:
            return
        self._found = found
        counts = Counter(one.kind for one in self._found)
        self._kind = next((kind for kind in KINDS if counts[kind]), KINDS[0])
        self._show()

    def _show(self) -> None:
        counts = Counter(one.kind for one in self._found)
        self._tabs.clear()
        with self._tabs:
            for kind in KINDS:
                here = kind == self._kind
                made = tag("button", "tab" + (" here" if here else ""))
                made.props(f'role="tab" aria-selected="{str(here).lower()}"')
                made.on("click", lambda kind=kind: self._turn_to(kind))
                with made:
                    word(kind)
                    word(f"{counts[kind]:,}", "count")
        self._list.clear()
        with self._list:
            self._show_list([one for one in self._found if one.kind == self._kind])

    def _show_list(self, found: list[Trouble]) -> None:
        if not found:
            with tag("div", "nothing"):
                word(f"没有{self._kind}的条目。", "nothing-title")
            self._rows.show([])
            return
        word(_WHY[self._kind], "kb-why soft", name="div")
        self._rows.show([_trouble(one) for one in found[: self._shown]])
        if len(found) > self._shown:
            more = button(f"再看 {min(_AT_ONCE, len(found) - self._shown)} 处")
            more.on_click(self._more)

    @on_page
    async def _turn_to(self, kind: str) -> None:
        self._kind, self._shown = kind, _AT_ONCE
        self._show()

    @on_page
    async def _more(self) -> None:
        self._shown += _AT_ONCE
        self._show()

    @on_page
    async def _key(self, key: str) -> None:
        if key in ("j", "k"):
            self._rows.move(key)


def _trouble(one: Trouble) -> ui.element:
    with tag("div", "kb-trouble"):
        first = tag("a", "kb-link who")
        first.props["href"] = address(one.entries[0].id)
        with first:
            word(one.entries[0].question, hover=one.entries[0].id)
        for other in one.entries[1:]:
            word("和", "soft")
            entry_link(other)
        word(one.text, "soft kb-trouble-why", name="div")
    return first


class LinksPage:
    """Every service link and what came of opening it."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        with shelf(visit, "办事入口", "kb-plain"):
            with tag("div", "kb-bar"):
                self._told = word("", "grow")
                if edits(visit):
                    self._open = button("现在检查一遍", strong=True)
                    self._open.on_click(self._open_all)
            self._list = tag("div", "kb-rows")
            with self._list:
                waiting("正在读取…")

    @on_page
    async def look(self) -> None:
        upkeep = self.visit.desk.upkeep
        found = await self.visit.ask(lambda _: upkeep.links())
        if found is None:
            return
        entrances = self.visit.desk.entrances
        usage = await self.visit.ask(lambda _: entrances.usage()) or []
        self._told.set_text(self._summary(found))
        self._list.clear()
        with self._list:
            shown = [one for one in found if one.problem or one.checked_at is None]
            for one in shown[:_AT_ONCE]:
                self._row(one)
            if len(shown) > _AT_ONCE:
                word(f"还有 {len(shown) - _AT_ONCE:,} 个，先改前面的。", "kb-why soft", name="div")
            if not shown:
                with tag("div", "nothing"):
                    word("办事入口都打得开。" if found else "条目里没有办事入口。", "nothing-title")
            usage_table(usage)

    def _summary(self, found: list[LinkState]) -> str:
        dead = sum(bool(one.problem) for one in found)
        tried = [one.checked_at for one in found if one.checked_at is not None]
        if not tried:
            return f"共 {len(found):,} 个办事入口，还没有检查过。"
        when = ago(max(tried), self.visit.desk.office.now())
        never = len(found) - len(tried)
        rest = f"，{never:,} 个没有检查过" if never else ""
        return f"共 {len(found):,} 个办事入口，{dead:,} 个打不开{rest}；最近一次检查：{when}。"

    def _row(self, one: LinkState) -> None:
        now = self.visit.desk.office.now()
        with tag("div", "kb-trouble"):
            word(one.url, "who kb-url")
            if one.problem:
                word(one.problem, "bad")
                if one.failing_since:
                    since = f"{ago(one.failing_since, now)}起"
                    word(since, "soft", exact_moment(one.failing_since))
            else:
                word("没有检查过", "soft")
            with tag("div", "kb-trouble-why"):
                for entry in one.entries[:6]:
                    entry_link(entry)
                if len(one.entries) > 6:
                    word(f"等 {len(one.entries)} 条", "soft")

    @on_page
    async def _open_all(self) -> None:
        self._told.set_text("正在逐个打开，每个最多等 20 秒…")
        self._open.set_enabled(False)
        said = await self.visit.ask(self.visit.desk.upkeep.open_links)
        self._open.set_enabled(True)
        if said:
            self.visit.tell(said)
        await self.look()
