"""The actions on the open case: each asks what it needs, makes one call to the desk, moves on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import TYPE_CHECKING

from bot.desk import placeholders
from bot.desk.cards import (
    CATEGORY_REASONS,
    CLOSE_REASONS,
    EXTENSION_REASONS,
    OVERRULE_REASONS,
    RESUME_REASONS,
    TRANSFER_REASONS,
)
from bot.desk.desktop import CONSOLE
from bot.desk.drafting import basis
from bot.desk.inbox import Item
from bot.desk.review import NOT_SENT
from handlers.console.pages.bulk import pick_cases, tell_outcomes
from handlers.console.pages.deciding import decide
from handlers.console.pages.parts import choose, sheet, tag, to_shut, word
from handlers.console.pages.picking import put_phrase
from handlers.console.visit import on_page
from storage.models import Staff, Task
from storage.terms import CaseState, ExclusionCode

if TYPE_CHECKING:
    from handlers.console.pages.item import Panel

Act = Callable[[], Awaitable[None]]
Call = Callable[[Staff, int, int], Awaitable[str]]


class Work:
    """What can be done with the case of a panel, by button or by key."""

    def __init__(self, panel: Panel) -> None:
        self._panel = panel
        self.visit = panel.visit
        self.sent: int | None = None
        self._busy = False

    @property
    def keys(self) -> dict[str, tuple[str, Act]]:
        """Every key with its name and what it does."""
        return {
            "a": ("采用，或发送改后的答复", self.send),
            "b": ("给相似的诉求一起答复", self.bulk),
            "r": ("换一条", self.other),
            "y": ("插入常用语", self.phrase),
            "t": ("转办", self.transfer),
            "d": ("申请延期", self.extend),
            "m": ("合并", self.merge),
            "g": ("改类别", self.recategorise),
            "q": ("请群众补充", self.supplement),
            "p": ("结束等待补充", self.resume),
            "x": ("无需答复", self.close),
            "s": ("稍后再办", self.later),
            "c": ("认领、放回", self.claim),
            "i": ("提出剔除、恢复计入", self.exclude),
            "o": ("上一条算作答复", self.overrule),
            "v": ("看原文（留记录）", self.reveal),
            "u": ("撤销刚发的答复", self.take_back),
            "l": ("看最新的", self._renew),
        }

    def shown(self, item: Item) -> list[tuple[str, str, Act]]:
        """The buttons beside the main one, the common ones first."""
        mine = item.case.assignee_id == self.visit.seat.staff.id
        found: list[tuple[str, str, Act]] = [
            ("转办", "t", self.transfer),
            ("无需答复", "x", self.close),
            ("稍后", "s", self.later),
            ("放回" if mine else "认领", "c", self.claim),
            ("延期", "d", self.extend),
            ("请群众补充", "q", self.supplement),
            ("改类别", "g", self.recategorise),
            ("批量", "b", self.bulk),
        ]
        found.insert(0, ("常用语", "y", self.phrase))
        if item.case.paused_at is not None:
            found.insert(0, ("结束等待", "p", self.resume))
        if len(item.proposals) > 1:
            found.insert(0, ("换一条", "r", self.other))
        if item.view.others:
            found.append(("合并", "m", self.merge))
        if item.view.evaded:
            found.append(("上一条算作答复", "o", self.overrule))
        return [*found, self.counting(item), ("看原文", "v", self.reveal)]

    def counting(self, item: Item) -> tuple[str, str, Act]:
        """The button about whether the case counts in the assessment."""
        return "恢复计入" if item.case.excluded else "剔除", "i", self.exclude

    @on_page
    async def send(self) -> None:
        """采用 the draft as it stands, or send what was written in its place."""
        item, review = self._panel.item, self.visit.desk.review
        if item is None:
            return
        text = await self._panel.typed()
        draft = item.view.draft
        if draft is not None and draft.text and draft.text == text:
            said = await self._do(lambda s, n, v: review.adopt(s, n, v, CONSOLE))
        else:
            said = await self._do(lambda s, n, v: review.send(s, n, v, CONSOLE, text))
        if said is None:
            return
        if said.startswith(NOT_SENT):
            self.visit.tell(said, bad=True)
            await self._panel.renew()
            return
        self.sent = item.case.id
        self._undo_bar(item.case.id or 0, said)
        await self._panel.finished()

    @on_page
    async def bulk(self) -> None:
        """One answer for this case and those like it, each by itself."""
        item, bulk = self._panel.item, self.visit.desk.bulk
        if item is None or self._busy:
            return
        text, case_id = await self._panel.typed(), item.case.id or 0
        found = await self.visit.ask(lambda s: bulk.alike(s, case_id))
        if not found:
            if found is not None:
                self.visit.tell("没有相似的待办诉求。")
            return
        picked = await pick_cases(self.visit, text, (case_id, item.case.version), found)
        if picked is None:
            return
        (said, cases), rests = picked, basis(item.view.draft) if item.view.draft else []
        entry_id = rests[0] if len(rests) == 1 else ""
        done = await self.visit.ask(lambda s: bulk.answer(s, cases, said, entry_id))
        if done is not None:
            await tell_outcomes(self.visit, done)
            await self._panel.finished()

    @on_page
    async def phrase(self) -> None:
        """Put a 常用语 into the answer, at the cursor."""
        item = self._panel.item
        if item is not None and item.case.state == CaseState.WAITING:
            fill = partial(
                placeholders.fill,
                case=item.case,
                citizen=item.view.citizen,
                screen=self.visit.desk.office.library.screen,
            )
            await put_phrase(self.visit, ".reply-box textarea", fill, item.case.department)

    @on_page
    async def other(self) -> None:
        review = self.visit.desk.review
        if await self._do(lambda s, n, v: review.other(s, n, v, CONSOLE)):
            await self._panel.renew()

    @on_page
    async def transfer(self) -> None:
        desk = self.visit.desk
        known = await self.visit.errands.run(desk.review.departments())
        department = await choose("转办给哪个单位？", {one: one for one in known}, words="别的单位")
        if not department:
            return
        reason = await self._reason("为什么转办？", TRANSFER_REASONS)
        if reason:
            target = department.removeprefix("=").strip()
            await self._and_next(
                lambda s, n, v: desk.transfer.ask(s, n, v, CONSOLE, target, reason)
            )

    @on_page
    async def extend(self) -> None:
        extension = self.visit.desk.extension
        most = self.visit.desk.office.rules.extension_workdays
        offered = sorted({*(days for days in (1, 2, 3, 5, 10, 15) if days < most), most})
        days = await choose("延长多少个工作日？", {str(one): f"{one} 个工作日" for one in offered})
        if not days:
            return
        reason = await self._reason("为什么延期？（会告诉群众）", EXTENSION_REASONS)
        if reason:
            number = int(days)
            await self._and_stay(lambda s, n, v: extension.ask(s, n, v, CONSOLE, number, reason))

    @on_page
    async def recategorise(self) -> None:
        """改类别: the due time follows."""
        desk = self.visit.desk
        known = await self.visit.errands.run(desk.recategorising.options(self._panel.case_id or 0))
        category = await choose("改成哪一类？", known)
        if not category:
            return
        reason = await self._reason("为什么改类别？", CATEGORY_REASONS)
        if reason:
            await self._and_stay(
                lambda s, n, v: desk.recategorising.change(s, n, v, CONSOLE, category, reason)
            )

    @on_page
    async def supplement(self) -> None:
        """请群众补充; the clock stands still once the request arrived."""
        desk = self.visit.desk
        text = await self._reason("要群众补充什么？（原话发给群众）", {})
        if text:
            await self._and_next(lambda s, n, v: desk.supplement.ask(s, n, v, CONSOLE, text))

    @on_page
    async def resume(self) -> None:
        desk = self.visit.desk
        reason = await self._reason("为什么结束等待？", RESUME_REASONS)
        if reason:
            await self._and_stay(lambda s, n, v: desk.supplement.resume(s, n, v, CONSOLE, reason))

    @on_page
    async def merge(self) -> None:
        merging = self.visit.desk.merging
        known = await self.visit.errands.run(merging.repeats(self._panel.case_id or 0))
        if not known:
            self.visit.tell("这位群众没有别的在办诉求，不用合并。", bad=True)
            return
        other = await choose(
            "和哪一件合并？", {str(number): title for number, title in known.items()}
        )
        if other:
            number = int(other)
            await self._and_next(lambda s, n, v: merging.merge(s, n, v, CONSOLE, number))

    @on_page
    async def unmerge(self, merged_id: int) -> None:
        """撤销合并: the other case goes its own way again."""
        merging = self.visit.desk.merging
        if await choose(f"把 #{merged_id} 分开？", {"yes": "分开，按自己的时间办理，告诉群众"}):
            await self._and_stay(lambda s, n, v: merging.undo(s, n, v, CONSOLE, merged_id))

    @on_page
    async def exclude(self) -> None:
        """提出剔除 for a second person to decide, or 恢复计入."""
        item, exclusion = self._panel.item, self.visit.desk.exclusion
        if item is None:
            return
        if item.case.excluded:
            reason = await self._reason("为什么恢复计入？", {})
            if reason:
                await self._and_stay(lambda s, n, v: exclusion.revoke(s, n, v, CONSOLE, reason))
            return
        codes = {str(code): code.label for code in ExclusionCode}
        code = await choose("为什么剔除？（另一位主管或管理员确认才算）", codes)
        evidence = await self._reason("证据是什么？", {}) if code else ""
        if code and evidence:
            kind = code
            await self._and_stay(
                lambda s, n, v: exclusion.propose(s, n, v, CONSOLE, kind, evidence)
            )

    @on_page
    async def close(self) -> None:
        review = self.visit.desk.review
        reason = await self._reason("为什么不用答复？", CLOSE_REASONS)
        if reason:
            await self._and_next(lambda s, n, v: review.close(s, n, v, CONSOLE, reason))

    @on_page
    async def overrule(self) -> None:
        review = self.visit.desk.review
        reason = await self._reason("为什么算作答复？", OVERRULE_REASONS)
        if reason:
            await self._and_next(lambda s, n, v: review.overrule(s, n, v, CONSOLE, reason))

    @on_page
    async def later(self) -> None:
        review = self.visit.desk.review
        await self._and_next(lambda s, n, v: review.later(s, n, v, CONSOLE))

    @on_page
    async def claim(self) -> None:
        bench = self.visit.desk.workbench
        await self._and_stay(bench.claim)

    @on_page
    async def reveal(self) -> None:
        """The conversation with nothing hidden, in a sheet of its own."""
        case_id, visit = self._panel.case_id or 0, self.visit
        lines = await visit.ask(lambda s: visit.desk.inbox.reveal(s, case_id))
        if lines is None:
            return
        with sheet("原文（查看已留记录）") as dialog:
            for one in lines:
                with tag("div", "said mine" if one.mine else "said"):
                    word(one.text, "said-text", name="div")
            to_shut(dialog)
        dialog.open()

    @on_page
    async def take_back(self) -> None:
        """撤销: the reply sent last, while it waits to leave."""
        case_id = self.sent or self._panel.case_id
        if case_id is None:
            return
        visit = self.visit
        number = case_id
        said = await visit.ask(lambda s: visit.desk.workbench.take_back(s, number))
        if said:
            self.sent = None
            self.visit.tell(said)
            await self._panel.reopen(case_id)

    @on_page
    async def decide(self, task: Task, verb: str) -> None:
        """Decide about a task of the case, or do it."""
        if await decide(self.visit, task, verb):
            await self._panel.renew(keep_text=True)

    @on_page
    async def _renew(self) -> None:
        await self._panel.renew()

    async def _reason(self, title: str, known: dict[str, str]) -> str:
        """One of the usual reasons, or own words; "" when called off."""
        found = await choose(title, known, words="自己写理由")
        if not found:
            return ""
        return found[1:].strip() if found.startswith("=") else known[found]

    async def _and_next(self, call: Call) -> None:
        said = await self._do(call)
        if said:
            self.visit.tell(said)
            await self._panel.finished()

    async def _and_stay(self, call: Call) -> None:
        said = await self._do(call)
        if said:
            self.visit.tell(said)
            await self._panel.renew(keep_text=True)

    async def _do(self, call: Call) -> str | None:
        """One call at a time: a second key pressed in haste does nothing."""
        item = self._panel.item
        if item is None or self._busy:
            return None
        self._busy = True
        try:
            number, version = item.case.id or 0, item.case.version
            said = await self.visit.ask(lambda s: call(s, number, version))
        finally:
            self._busy = False
        if said is None:
            await self._panel.heard()
        return said

    def _undo_bar(self, case_id: int, said: str) -> None:
        seconds = int(self.visit.desk.office.rules.undo.total_seconds())
        text = f"#{case_id} {said}"
        if "已发送" in said and seconds:
            self.visit.tell(f"{text}，{seconds} 秒内可按 u 撤销", seconds=seconds)
        else:
            self.visit.tell(text)
