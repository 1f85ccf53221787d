"""导入导出: a file is looked at row by row before anything of it is kept."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from fastapi import Request
from nicegui import Client, ui
from nicegui.events import UploadEventArguments

from bot.desk.catalogue import changes
from bot.desk.desktop import DECIDERS
from bot.desk.importing import FORMATS, MAX_ROWS, Plan
from bot.desk.uploads import MAX_BYTES
from handlers.console.pages.gold import confirm_broken, verdict_line
from handlers.console.pages.parts import button, pick, tag, upload, waiting, word
from handlers.console.pages.shelf import edits, entry_link, shelf
from handlers.console.pages.side import difference
from handlers.console.visit import PATIENCE, Visit, on_page, visit_of
from knowledge.catalog import Entry, Problem

_AT_ONCE = 30
_NAMES = {".xlsx": "Excel", ".csv": "CSV", ".tsv": "TSV", ".jsonl": "JSONL"}
_APPROVALS: dict[str, bool | None] = {"file": None, "no": False, "yes": True}


@ui.page("/knowledge/exchange", response_timeout=PATIENCE)
async def exchange(request: Request, client: Client) -> None:
    ExchangePage(visit_of(request, client))


class ExchangePage:
    """One file at a time: read, looked at, kept or thrown away."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self._plan: Plan | None = None
        self._file: tuple[str, bytes] | None = None
        self._kind, self._shown = "changed", _AT_ONCE
        with shelf(visit, "导入导出", "kb-plain"):
            with tag("div", "kb-bar"):
                if edits(visit):
                    self._source()
                tag("span", "grow")
                word("导出在用的全部条目：", "soft")
                for suffix in FORMATS:
                    button(_NAMES[suffix]).on_click(lambda suffix=suffix: self._export(suffix))
            self._root = tag("div", "kb-rows").props('aria-live="polite"')
        self._invite()

    def _source(self) -> None:
        """Where the file comes from, and how its entries are approved."""
        upload(FORMATS, self._uploaded, self.visit)
        options = {"file": "按表里写的", "no": "全部由人工审核"}
        if self.visit.seat.staff.role in DECIDERS:
            options["yes"] = "全部批准自动答复"
        self._approval = pick("自动答复", options, "file").classes("kb-pick")
        self._approval.on_value_change(lambda: self._look())

    def _invite(self) -> None:
        self._root.clear()
        with self._root, tag("div", "nothing"):
            if not edits(self.visit):
                word("导入要由审核、主管或管理员来做。", "nothing-title")
                return
            word("先看会改什么，确认了才导入。", "nothing-title")
            limit = f"最大 {MAX_BYTES // 1_000_000} MB、{MAX_ROWS:,} 行"
            word(f"csv、tsv、xlsx、jsonl，第一行是列名，至少有编号、标准问、答案；{limit}。")

    @on_page
    async def _uploaded(self, event: UploadEventArguments) -> None:
        self._file = event.file.name, await event.file.read()
        event.sender.reset()  # type: ignore[attr-defined]
        await self._look()

    @on_page
    async def _look(self) -> None:
        """Say what the file would do."""
        if self._file is None:
            return
        self._root.clear()
        with self._root:
            waiting("正在逐行比较…")
        (name, content), automatic = self._file, _APPROVALS[self._approval.value]
        importing = self.visit.desk.importing
        self._plan = await self.visit.ask(lambda s: importing.plan(s, name, content, automatic))
        if self._plan is None:
            self._file = None
            self._invite()
            return
        plan = self._plan
        kinds = ("changed", plan.changed), ("added", plan.added), ("problems", plan.problems)
        self._kind, self._shown = next((kind for kind, some in kinds if some), "changed"), _AT_ONCE
        self._show(plan)

    def _show(self, plan: Plan) -> None:
        self._root.clear()
        with self._root:
            with tag("div", "kb-bar"):
                told = f"{plan.name}：{plan.rows:,} 行，其中 {plan.unchanged:,} 行没有变化"
                word(told, "who")
                tag("span", "grow")
                button("不导入了").on_click(self._drop)
                count = len(plan.wanted)
                if count:
                    button(f"导入这 {count:,} 条", strong=True).on_click(self._apply)
            self._warn(plan)
            with tag("div", "tabs").props('role="tablist"'):
                for kind, title, found in (
                    ("changed", "有改动", plan.changed),
                    ("added", "新增", plan.added),
                    ("problems", "有误、提醒", plan.problems),
                    ("broken", "会答错的测试问题", plan.broken),
                ):
                    self._tab(kind, title, len(found))
            self._show_kind(plan)

    def _warn(self, plan: Plan) -> None:
        if plan.ignored:
            word(f"没有用到的列：{'、'.join(plan.ignored[:10])}", "kb-why soft", name="div")
        if plan.withdrawn:
            told = f"{plan.withdrawn:,} 条要主管或管理员批准后才自动答复，先按人工审核导入。"
            word(told, "kb-why warn", name="div")
        if plan.back:
            told = f"{len(plan.back):,} 条已停用，导入后重新启用。"
            word(told, "kb-why warn", name="div")

    def _tab(self, kind: str, title: str, count: int) -> None:
        here = kind == self._kind
        made = tag("button", "tab" + (" here" if here else ""))
        made.props(f'role="tab" aria-selected="{str(here).lower()}"')
        made.on("click", lambda: self._turn_to(kind))
        late = " late" if kind == "broken" and count else ""
        with made:
            word(title)
            word(f"{count:,}", f"count{late}")

    def _show_kind(self, plan: Plan) -> None:
        rows: dict[str, list[Callable[[], None]]] = {
            "changed": [partial(_changed, *one) for one in plan.changed],
            "added": [partial(_added, one) for one in plan.added],
            "problems": [partial(_problem, one) for one in plan.problems],
            "broken": [partial(verdict_line, one) for one in plan.broken],
        }
        found = rows[self._kind]
        if not found:
            with tag("div", "nothing"):
                word("没有。", "soft")
        for show in found[: self._shown]:
            show()
        if len(found) > self._shown:
            rest = len(found) - self._shown
            button(f"再看 {min(rest, _AT_ONCE)} 条，还有 {rest:,} 条").on_click(self._more)

    @on_page
    async def _turn_to(self, kind: str) -> None:
        self._kind, self._shown = kind, _AT_ONCE
        if self._plan is not None:
            self._show(self._plan)

    @on_page
    async def _more(self) -> None:
        self._shown += _AT_ONCE
        if self._plan is not None:
            self._show(self._plan)

    @on_page
    async def _drop(self) -> None:
        self._plan = self._file = None
        self._invite()

    @on_page
    async def _apply(self) -> None:
        plan, importing = self._plan, self.visit.desk.importing
        if plan is None or (plan.broken and not await confirm_broken(plan.broken, "导入")):
            return
        said = await self.visit.ask(
            lambda s: importing.apply(s, plan, accept_broken=bool(plan.broken))
        )
        if said:
            self.visit.tell(said)
            await self._drop()

    @on_page
    async def _export(self, suffix: str) -> None:
        importing = self.visit.desk.importing
        content = await self.visit.ask(lambda s: importing.export(s, suffix))
        if content is not None:
            day = self.visit.desk.office.today()
            ui.download.content(content, f"知识库-{day:%Y%m%d}{suffix}")


def _changed(before: Entry, after: Entry) -> None:
    with tag("div", "kb-trouble"):
        entry_link(before)
        word(before.id, "soft")
        with tag("div", "kb-differences"):
            for one in changes(before, after):
                word(one.name, "soft")
                with tag("div"):
                    difference(one.before, one.after)


def _added(entry: Entry) -> None:
    with tag("div", "kb-trouble"):
        word(entry.question, "who")
        word(entry.id, "soft")
        word(entry.department or "承办未定", "soft")
        word("自动答复" if entry.automatic else "人工审核", "soft")
        word(entry.answer[:160], "kb-trouble-why soft", name="div")


def _problem(one: Problem) -> None:
    with tag("div", "kb-trouble"):
        word(f"第 {one.line} 行" if one.line else "", "who")
        word(one.entry_id, "soft")
        word(one.reason, "warn")
