"""学习建议: what decided questions could teach, worked through by keyboard."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import TypeVar

from fastapi import Request
from nicegui import Client, ui

from bot.desk.countdown import ago, exact_moment
from bot.desk.learning import Proposal
from bot.desk.suggesting import Suggested
from handlers.console.pages.parts import Rows, button, show_keys, tag, waiting, word
from handlers.console.pages.shelf import edits, shelf
from handlers.console.visit import PATIENCE, Visit, on_page, visit_of

T = TypeVar("T")
_KEYS = {"j": "下一个", "k": "上一个", "a": "记下", "x": "不要，以后不再提", "?": "这张表"}


@ui.page("/knowledge/learning", response_timeout=PATIENCE)
async def learning(request: Request, client: Client) -> None:
    page = LearningPage(visit_of(request, client))
    await client.connected()
    await page.look()


class LearningPage:
    """One proposal after the other; what is decided is gone from the list."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self._found: list[Proposal] = []
        self._rows = Rows()
        self._busy = False
        with shelf(visit, "学习建议", "kb-plain"):
            self._told = word("", "kb-why soft", name="div")
            self._list = tag("div", "kb-rows")
            with self._list:
                waiting("正在从办过的问题里找…")
            self._mine = tag("section", "kb-mine").props('aria-label="我提的"')
        ui.on("console-key", lambda event: self._key(str(event.args)))

    @on_page
    async def look(self) -> None:
        desk = self.visit.desk.learning
        found = await self.visit.ask(lambda _: desk.proposals())
        if found is not None:
            self._found = found
            self._show()
        mine = await self.visit.ask(self.visit.desk.suggesting.mine, acting=False)
        self._show_mine(mine or ())

    def _show_mine(self, mine: Sequence[Suggested]) -> None:
        """What this person proposed, and what came of it."""
        now = self.visit.desk.office.now()
        self._mine.clear()
        with self._mine:
            if mine:
                word("我提的", "part-title", name="h2")
            for one in mine:
                with tag("div", "kb-trouble"):
                    state, tone = _state(one)
                    word(state, f"kb-state {tone}")
                    word(f"{one.suggestion.wording} → {one.question}", "who grow")
                    when = one.decision.at if one.decision else one.suggestion.at
                    told = f"{one.by}，{ago(when, now)}" if one.by else f"提于{ago(when, now)}"
                    word(told, "soft", exact_moment(when))

    def _show(self) -> None:
        may = "" if edits(self.visit) else "；要由审核、主管或管理员来记"
        told = (
            f"从最近一年办过的问题里找到、同事提出的共 {len(self._found):,} 个，人看过才算数{may}。"
        )
        self._told.set_text(told if self._found else "")
        self._list.clear()
        with self._list:
            if not self._found:
                with tag("div", "nothing"):
                    word("没有等着看的建议。", "nothing-title")
                    word(
                        "工作人员换一条、群众按有帮助之后，这里会提出相似问和同义词；办件时也可以自己提。"
                    )
            self._rows.show([self._row(one) for one in self._found])

    def _row(self, one: Proposal) -> ui.element:
        with tag("div", "kb-trouble kb-lesson").props('tabindex="0"') as row:
            row.props["data-key"] = one.key
            word(one.kind, "kb-state")
            word(one.text, "who grow")
            if edits(self.visit):
                button("记下", "a").on_click(lambda: self._accept(one))
                button("不要", "x").on_click(lambda: self._reject(one))
            with tag("div", "kb-trouble-why soft"):
                now = self.visit.desk.office.now()
                asked = f"{one.proposer}提出" if one.proposer else f"{one.citizens} 人这样问"
                word(asked)
                word(f"最近 {ago(one.latest, now)}", hover=exact_moment(one.latest))
                word(one.effect)
                for example in one.examples:
                    word(f"例：{example}")
        return row

    @on_page
    async def _accept(self, one: Proposal) -> None:
        desk = self.visit.desk.learning
        done = await self._once(lambda: self.visit.ask(lambda s: desk.accept(s, [one.key])))
        if done:
            refused = done[0].refused
            self.visit.tell(refused or f"已记下：{done[0].text}", bad=bool(refused))
            if not refused:
                self._gone(one)

    @on_page
    async def _reject(self, one: Proposal) -> None:
        desk = self.visit.desk.learning
        if await self._once(lambda: self.visit.ask(lambda s: desk.reject(s, [one.key]))):
            self.visit.tell("不再提这一个")
            self._gone(one)

    async def _once(self, call: Callable[[], Awaitable[T | None]]) -> T | None:
        """One decision at a time: a second key pressed in haste does nothing."""
        if self._busy:
            return None
        self._busy = True
        try:
            return await call()
        finally:
            self._busy = False

    def _gone(self, one: Proposal) -> None:
        """Show the rest, and stand where the one decided stood."""
        at = self._found.index(one)
        self._found.remove(one)
        self._show()
        self._rows.stand(at)

    @on_page
    async def _key(self, key: str) -> None:
        if key in ("j", "k"):
            self._rows.move(key)
        elif key in ("a", "x") and 0 <= self._rows.at < len(self._found):
            chosen = self._found[self._rows.at]
            await (self._accept(chosen) if key == "a" else self._reject(chosen))
        elif key == "?":
            show_keys(_KEYS)


def _state(one: Suggested) -> tuple[str, str]:
    if one.decision is None:
        return "等审核看", "soon"
    return ("已记下", "auto") if one.decision.accepted else ("没有要", "")
