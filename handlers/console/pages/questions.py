"""测试问题: the saved questions as the running program answers them now."""

from __future__ import annotations

from fastapi import Request
from nicegui import Client, ui

from handlers.console.pages.parts import button, choose, field, sheet, tag, waiting, word
from handlers.console.pages.shelf import address, edits, shelf
from handlers.console.visit import PATIENCE, Visit, on_page, visit_of
from knowledge.gold import Verdict
from knowledge.matcher import Decision

_AT_ONCE = 100
_DECISIONS = {
    Decision.ANSWER: "直接答复",
    Decision.CLARIFY: "请群众选",
    Decision.DRAFT: "给人工拟答",
    Decision.NONE: "无",
}


@ui.page("/knowledge/questions", response_timeout=PATIENCE)
async def questions(request: Request, client: Client) -> None:
    page = QuestionsPage(visit_of(request, client))
    await client.connected()
    await page.look()


class QuestionsPage:
    """What goes wrong stands first; editors add and delete."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        with shelf(visit, "测试问题", "kb-plain"):
            with tag("div", "kb-bar"):
                self._told = word("", "grow")
                button("再测一遍").on_click(self.look)
                if edits(visit):
                    button("新增", "n", strong=True).on_click(self._add)
            self._list = tag("div", "kb-rows")
        ui.on("console-key", lambda event: self._key(str(event.args)))

    @on_page
    async def look(self) -> None:
        self._list.clear()
        with self._list:
            waiting("正在逐个测试…")
        upkeep = self.visit.desk.upkeep
        found = await self.visit.ask(lambda _: upkeep.verdicts())
        if found is None:
            return
        failed = sum(not one.passed for one in found)
        told = "" if failed else f"共 {len(found):,} 个，全部通过"
        if failed:
            rate = f"{1 - failed / len(found):.1%}"
            told = f"共 {len(found):,} 个，{failed:,} 个没有通过，通过 {rate}"
        self._told.set_text(told if found else "")
        self._list.clear()
        with self._list:
            if not found:
                with tag("div", "nothing"):
                    word("还没有测试问题。", "nothing-title")
                    word("把群众常问、不能答错的话记在这里，改知识库时会先检验。")
            for one in found[:_AT_ONCE]:
                self._row(one)
            if len(found) > _AT_ONCE:
                rest = f"其余 {len(found) - _AT_ONCE:,} 个没有列出，没有通过的都在前面。"
                word(rest, "kb-why soft", name="div")

    def _row(self, one: Verdict) -> None:
        with tag("div", "kb-trouble kb-tested"):
            word(
                "通过" if one.passed else "没通过",
                "kb-state plain" if one.passed else "kb-state late",
            )
            word(one.gold.query, "who grow")
            word(_DECISIONS[one.decision], "soft")
            if edits(self.visit):
                query = one.gold.query
                button("删除").on_click(lambda: self._drop(query))
            with tag("div", "kb-trouble-why"):
                word("应为", "soft")
                self._entry(one.gold.entry_id, "不该自动答")
                if one.found != one.gold.entry_id:
                    word("得到", "soft")
                    self._entry(one.found, "什么也没有")
                    word(f"把握 {one.probability:.0%}", "soft", f"{one.probability:.4f}")

    def _entry(self, entry_id: str, otherwise: str) -> None:
        entry = self.visit.desk.office.library.get(entry_id) if entry_id else None
        if not entry_id:
            word(otherwise)
            return
        made = tag("a", "kb-link")
        made.props["href"] = address(entry_id)
        with made:
            word(entry.question if entry else f"{entry_id}（不在用）", hover=entry_id)

    @on_page
    async def _add(self) -> None:
        with sheet("新增测试问题") as dialog:
            query = field("群众会怎样问").props("autofocus maxlength=500")
            entry_id = field("应得到的条目编号（空为不该自动答）").props("maxlength=100")
            with tag("div", "sheet-foot"):
                button("取消", "Esc").on_click(lambda: dialog.submit(False))
                button("保存", strong=True).on_click(lambda: dialog.submit(True))
        agreed = await dialog
        asked, wanted = query.value or "", entry_id.value or ""
        upkeep = self.visit.desk.upkeep
        if agreed:
            said = await self.visit.ask(lambda s: upkeep.keep_question(s, asked, wanted))
            await self._after(said)

    @on_page
    async def _drop(self, query: str) -> None:
        if await choose(f"删除“{query[:40]}”？", {"yes": "删除这个测试问题"}):
            upkeep = self.visit.desk.upkeep
            await self._after(await self.visit.ask(lambda s: upkeep.drop_question(s, query)))

    async def _after(self, said: str | None) -> None:
        if said:
            self.visit.tell(said)
            await self.look()

    @on_page
    async def _key(self, key: str) -> None:
        if key == "n" and edits(self.visit):
            await self._add()
