"""改类别: a person corrects what a case is about; the due time follows, the first one is kept."""

from __future__ import annotations

from typing import Any

from bot.channels.base import Outgoing
from bot.desk import posting, wording
from bot.desk.answering import Answering
from bot.desk.cards import changeable
from bot.desk.desktop import Desktop, acting, reason_given
from bot.desk.office import DeskError, Office, key_of
from bot.desk.turns import set_due
from bot.triage import Category
from knowledge.matcher import Match
from storage.ledger import record
from storage.models import Case, Staff
from storage.terms import CaseState, EventKind

CHOICES = {one.name.lower(): one for one in Category if one.must_answer}
"""What a case can be changed to, by key: nothing that would take it out of the assessment."""


class Recategorising:
    """Only to categories that must be answered; what is none of those goes by 剔除."""

    def __init__(self, office: Office, answering: Answering) -> None:
        self._office = office
        self._answering = answering

    async def options(self, case_id: int) -> dict[str, str]:
        """What the case can be changed to: titles by key."""
        async with self._office.db.read() as session:
            case = await session.get_one(Case, case_id)
        return {key: str(one) for key, one in CHOICES.items() if one != case.category}

    async def change(
        self, staff: Staff, case_id: int, version: int, place: str, key: str, reason: str
    ) -> str:
        """Set the category; before the due time that moves it, afterwards it moves nothing."""
        category = CHOICES.get(key)
        if category is None:
            raise DeskError("只能改成咨询、求助、建议、投诉或举报；不该考核的，请提出剔除。")
        match = await self._answering.look_up(case_id)
        states = (CaseState.WAITING, CaseState.CLOSED)
        async with acting(self._office, "category", staff, case_id, version, place, states) as desk:
            case = desk.case
            if not changeable(case):
                raise DeskError("已关闭的诉求不能改类别。")
            if case.category == category:
                raise DeskError(f"本来就是“{category}”，不用改。")
            said = reason_given(reason)
            change: dict[str, Any] = {"from": case.category, "to": category, "reason": said}
            record(desk.session, case, EventKind.CATEGORY_CHANGED, actor=desk.actor, **change)
            case.category, case.crowd_id = category, None
            return await self._go_on(desk, match)

    async def _go_on(self, desk: Desktop, match: Match) -> str:
        session, case, before = desk.session, desk.case, desk.case.due_at
        case.version += 1
        if case.state == CaseState.CLOSED:
            case.reason = ""
            await self._answering.hand_over(session, case, match)
            return f"已改为“{case.category}”，转入待办，从群众留言时起算。"
        await set_due(self._office, session, case)
        if case.due_at is not None and case.due_at != before:
            text = wording.recategorised(key_of(case), case.category, case.due_at)
            await posting.notice(session, case, Outgoing(text, reply_to=case.reply_to))
        await session.flush()
        await posting.card(self._office, session, case)
        if case.due_at is None or case.due_at == before:
            return f"已改为“{case.category}”，时限没有变化。"
        return f"已改为“{case.category}”，时限改为{wording.spoken_day(case.due_at)}。"
