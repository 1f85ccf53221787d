"""请群众补充: staff ask for what they lack, in words reviewed like a reply; the clock waits."""

from __future__ import annotations

import re

from bot.channels.base import Outgoing
from bot.desk import approving, pauses, posting, tasks, wording
from bot.desk.desktop import DECIDERS, Desktop, acting, finish, reason_given
from bot.desk.drafting import decide
from bot.desk.office import DeskError, Office, key_of, storable
from bot.evasion import Kind, find
from storage import outbox, queries
from storage import tasks as store
from storage.models import Draft, Staff
from storage.terms import DraftKind, DraftState, Purpose, TaskKind, TaskState

_LONGEST = 500
_ASKS = re.compile(r"[?？吗呢]|请|告知|补充|提供|说明|发来|哪")


class Supplement:
    """A request to the citizen, its withdrawal before it left, and the end of the waiting."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def ask(self, staff: Staff, case_id: int, version: int, place: str, text: str) -> str:
        """Ask the citizen for something; the clock stands still once the request arrived."""
        async with acting(self._office, "supplement", staff, case_id, version, place) as desk:
            said = storable(text).strip()
            await self._check(desk)
            check_words(said, await queries.said(desk.session, case_id))
            # The reply that is proposed stands behind the request until that is through.
            draft = Draft(case_id=case_id, kind=DraftKind.REQUEST, text=said, original=said)
            desk.session.add(draft)
            return await step(self._office, desk, draft, said)

    async def take_back(self, staff: Staff, case_id: int, version: int, place: str) -> str:
        """A request that is still under review is not made."""
        async with acting(self._office, "unask", staff, case_id, version, place) as desk:
            if desk.draft is None or desk.draft.kind != DraftKind.REQUEST:
                raise DeskError("没有待审的补充请求。")
            decide(desk.draft, DraftState.DISCARDED, desk.actor)
            desk.case.version += 1
            await desk.session.flush()
            await posting.card(self._office, desk.session, desk.case)
            return "已撤回补充请求"

    async def resume(
        self, staff: Staff, case_id: int, version: int, place: str, reason: str
    ) -> str:
        """结束等待: the clock runs on without what was asked for."""
        async with acting(self._office, "resume", staff, case_id, version, place) as desk:
            if desk.case.paused_at is None:
                raise DeskError("计时没有暂停。")
            said = reason_given(reason)
            await pauses.end(self._office, desk.session, desk.case, said, actor=desk.actor)
            desk.case.version += 1
            await desk.session.flush()
            await posting.card(self._office, desk.session, desk.case)
            return "已恢复计时"

    async def _check(self, desk: Desktop) -> None:
        case = desk.case
        if case.due_at is None or self._office.now() >= case.due_at:
            raise DeskError("时限已过，不能再暂停计时；要问群众，请点“编辑”直接回复。")
        if desk.draft is not None and desk.draft.kind == DraftKind.REQUEST:
            raise DeskError("已有一条补充请求待审，请先通过或撤回。")
        known = await store.of_case(desk.session, key_of(case))
        waiting = {one.kind for one in known if one.state == TaskState.OPEN}
        if TaskKind.SUPPLEMENT in waiting:
            raise DeskError("已请群众补充，正在等回复。")
        if TaskKind.TRANSFER in waiting:
            raise DeskError("正在等对方单位签收，签收后再请群众补充。")
        asked = [one for one in known if one.kind == TaskKind.SUPPLEMENT and one.due_at]
        if not asked or asked[-1].state == TaskState.DONE:
            return
        # Nobody stops the clock again and again by asking what the citizen does not answer.
        if desk.staff.role not in DECIDERS or desk.staff.id in {one.asked_by for one in asked}:
            raise DeskError("上次请群众补充没有等到回复，再次暂停要由另一位主管或管理员来请。")


def check_words(text: str, asked: str) -> None:
    """Raises DeskError unless the text asks for something that can be told."""
    if not text:
        raise DeskError("请写明要群众补充什么。")
    if len(text) > _LONGEST:
        raise DeskError(f"最多写 {_LONGEST} 字，现在有 {len(text)} 字，请精简。")
    found = find(text, asked)
    questions = found is not None and found.kind is Kind.DETAILS and found.words[0].endswith("?")
    if (found and not questions) or not _ASKS.search(text):
        raise DeskError("没有说清要补充什么，请写成具体的问题，例如“路灯在哪个路口？”。")


async def step(office: Office, desk: Desktop, draft: Draft, text: str) -> str:
    """One review step of a request; the last one sends it."""
    if left := await approving.approve(desk, draft, text):
        await desk.session.flush()
        await posting.card(office, desk.session, desk.case)
        return f"补充请求已通过第 {len(draft.approvals)} 步审核，还需 {left} 步"
    decide(draft, DraftState.SENT, desk.actor)
    await _send(office, desk, draft)
    await finish(office, desk, f"已请群众补充（{desk.staff.display_name}），送达后暂停计时")
    return "已发送，送达后暂停计时，等群众补充"


async def _send(office: Office, desk: Desktop, draft: Draft) -> None:
    session, case = desk.session, desk.case
    asker = await session.get(Staff, draft.approvals[0]["staff"])
    task = await tasks.begin(
        office, session, case, TaskKind.SUPPLEMENT, asked_by=asker, text=draft.text
    )
    days, public = office.rules.supplement_workdays, case.kind == "comment"
    text = wording.supplement(key_of(case), draft.text, days, in_public=public)
    await outbox.enqueue(
        session,
        account_id=case.account_id,
        place=case.place,
        purpose=Purpose.SUPPLEMENT,
        payload=Outgoing(text, reply_to=case.reply_to).to_json(),
        dedupe=f"supplement:{task.id}",
        case_id=case.id,
        context={"task": task.id},
    )
