"""知识库: the list of entries in pages, and what a sentence would be matched with."""

from __future__ import annotations

from dataclasses import replace
from urllib.parse import urlencode

from fastapi import Request
from nicegui import Client, ui

from bot.desk.catalogue import Line, Shelf
from bot.desk.countdown import ago
from handlers.console.pages.asking import AskBox
from handlers.console.pages.parts import Rows, button, pick, show_keys, tag, word
from handlers.console.pages.shelf import address, changed, chip, edits, shelf
from handlers.console.visit import PATIENCE, Visit, on_page, visit_of
from storage.models import Staff
from storage.shelf import PAGE, Wanted

_TABS = {
    "": "在用",
    "soon": "将到期",
    "expired": "已过期",
    "review": "要复核",
    "retired": "已停用",
}
_AUTOMATIC = {"": "自动和人工", "yes": "批准自动答复", "no": "人工审核"}
_ORDERS = {"": "最近改的在前", "used": "用得多的在前", "id": "按编号"}
_KEYS = {
    "j": "下一条",
    "k": "上一条",
    "Enter": "打开",
    "/": "搜索",
    "w": "查一句会匹配到什么",
    "n": "新建条目",
    "Esc": "离开输入框",
    "?": "这张表",
}


@ui.page("/knowledge", response_timeout=PATIENCE)
async def knowledge(request: Request, client: Client) -> None:
    params = dict(request.query_params)
    start = params.pop("start", "0")
    page = KnowledgePage(visit_of(request, client), Wanted.from_json(params))
    await page.start(int(start) if start.isdecimal() and len(start) < 8 else 0)


class KnowledgePage:
    """The list of one browser tab; its address says what it shows."""

    def __init__(self, visit: Visit, wanted: Wanted) -> None:
        self.visit = visit
        self._wanted = wanted
        self._start = 0
        self._shelf = Shelf([], 0)
        self._rows = Rows()
        with shelf(visit, "条目", "kb-split"):
            with tag("section", "kb-list").props('aria-label="条目"'):
                self._tabs = tag("div", "tabs").props('role="tablist"')
                self._bar = tag("div", "kb-bar search")
                self._list = tag("div", "kb-rows").props('role="list"')
                self._foot = tag("div", "pager")
            with tag("aside", "kb-ask").props('id="ask" tabindex="-1" aria-label="查一句"'):
                AskBox(visit)
        ui.on("console-key", lambda event: self._key(str(event.args)))

    async def start(self, start: int) -> None:
        self._start = start - start % PAGE
        catalogue = self.visit.desk.catalogue
        departments = await self.visit.ask(lambda _: catalogue.departments(), acting=False)
        self._build_bar(departments or [])
        await self.refresh()

    def _build_bar(self, departments: list[str]) -> None:
        wanted = self._wanted
        with self._bar:
            search = ui.input(placeholder="搜问法、答案、依据、编号（/）", value=wanted.text)
            search.props('outlined dense clearable debounce="300" aria-label="搜索"')
            search.on_value_change(lambda event: self._set(text=event.value or ""))
            places = {"": "全部单位", **{one: one for one in departments}}
            for title, name, options in (
                ("承办单位", "department", places),
                ("答复方式", "automatic", _AUTOMATIC),
                ("排列", "order", _ORDERS),
            ):
                made = pick(title, options, getattr(wanted, name)).classes("kb-pick")
                made.on_value_change(lambda event, name=name: self._set(**{name: event.value}))
            if edits(self.visit):
                new = button("新建", "n", strong=True)
                new.on_click(lambda: ui.navigate.to("/knowledge/new"))

    @on_page
    async def refresh(self) -> None:
        """Look again, and show what there is."""
        catalogue, wanted, start = self.visit.desk.catalogue, self._wanted, self._start

        async def look(_: Staff) -> tuple[Shelf, dict[str, int]]:
            return await catalogue.page(wanted, start), await catalogue.counts()

        seen = await self.visit.latest("shelf", look)
        if seen is None:
            return
        found, counts = seen
        if not found.lines and start:
            self._start = 0
            await self.refresh()
            return
        self._shelf = found
        self._show_tabs(counts)
        self._show_rows()

    @on_page
    async def _set(self, /, **values: str) -> None:
        self._wanted, self._start = replace(self._wanted, **values), 0
        await self.refresh()
        self._keep_address()

    def _keep_address(self) -> None:
        values = self._wanted.to_json()
        if self._start:
            values["start"] = str(self._start)
        tail = f"?{urlencode(values)}" if values else ""
        ui.navigate.history.replace(f"/console/knowledge{tail}")

    def _show_tabs(self, counts: dict[str, int]) -> None:
        self._tabs.clear()
        with self._tabs:
            for state, title in _TABS.items():
                here = state == self._wanted.state
                made = tag("button", "tab" + (" here" if here else ""))
                made.props(f'role="tab" aria-selected="{str(here).lower()}"')
                made.on("click", lambda state=state: self._set(state=state))
                late = " late" if state == "expired" else ""
                with made:
                    word(title)
                    word(f"{counts[state]:,}", f"count{late}") if counts[state] else None

    def _show_rows(self) -> None:
        self._list.clear()
        with self._list:
            if self._shelf.lines:
                with tag("div", "kb-row kb-head").props('aria-hidden="true"'):
                    for title, classes in (
                        ("标准问", "kb-question"),
                        ("承办单位", "kb-department"),
                        ("状态", "kb-chips"),
                        ("排第一", "kb-number"),
                        ("采用", "kb-number"),
                        ("改动", "kb-when"),
                    ):
                        word(title, classes)
            else:
                _nothing(self._wanted)
            self._rows.show([self._row(line) for line in self._shelf.lines])
        self._foot.clear()
        with self._foot:
            self._pager()

    def _row(self, line: Line) -> ui.element:
        row, used = line.row, line.used
        made = tag("a", "kb-row").props('role="listitem"')
        made.props["href"] = address(row.id)
        made.props["data-entry"] = row.id
        with made:
            with tag("span", "kb-question"):
                word(row.question, "kb-title")
                word(row.id, "soft kb-id")
            word(row.department or "承办未定", "kb-department soft")
            with tag("span", "kb-chips"):
                chip(line)
                if row.automatic:
                    word("自动", "kb-state auto", "已批准自动答复")
            hits = f"近一年有 {used.hits:,} 个问题首选这一条"
            _number(used.hits, hits).props('data-name="排第一"')
            taken = f"近一年 {used.adopted:,} 件用它答复，其中自动 {used.automatic:,} 件"
            _number(used.adopted, taken).props('data-name="采用"')
            now = self.visit.desk.office.now()
            word(ago(row.changed_at, now), "kb-when soft", changed(row))
        return made

    def _pager(self) -> None:
        total, start = self._shelf.total, self._start
        if total <= PAGE:
            word(f"共 {total:,} 条")
            return
        word(f"第 {start + 1:,}–{min(start + PAGE, total):,} 条，共 {total:,} 条")
        button("上一页").on_click(lambda: self._turn(-PAGE)).set_enabled(start > 0)
        button("下一页").on_click(lambda: self._turn(PAGE)).set_enabled(start + PAGE < total)

    @on_page
    async def _turn(self, step: int) -> None:
        self._start = max(0, self._start + step)
        await self.refresh()
        self._keep_address()

    @on_page
    async def _key(self, key: str) -> None:
        if key in ("j", "k"):
            self._rows.move(key)
        elif key == "n" and edits(self.visit):
            ui.navigate.to("/knowledge/new")
        elif key == "?":
            show_keys(_KEYS)


def _number(count: int, exact: str) -> ui.element:
    return word(f"{count:,}", "kb-number" + ("" if count else " soft"), exact)


def _nothing(wanted: Wanted) -> None:
    with tag("div", "nothing"):
        if wanted == Wanted():
            word("知识库还是空的。", "nothing-title")
            word("新建一条，或从表格导入。")
        else:
            word("没有符合条件的条目。", "nothing-title")
            word("换个条件，或取消筛选看看。")
