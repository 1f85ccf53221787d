"""提相似问: anybody on the staff proposes a wording of an entry; 审核 and above decide about it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from bot.desk.office import DeskError, Office, storable
from knowledge.proposals import LONGEST, SHORTEST, objection, similar_key, similar_wording
from storage import gold, inbox, proposals
from storage.models import ProposalDecision, Staff, Suggestion

_SHOWN = 30
_MOST_OPEN = 50


@dataclass(frozen=True, slots=True)
class Suggested:
    """What a person proposed, for what question, and what became of it; ``by`` decided."""

    suggestion: Suggestion
    question: str
    decision: ProposalDecision | None
    by: str = ""


class Suggesting:
    """Proposals go to the list that :class:`Learning` puts before those who decide."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def propose(self, staff: Staff, entry_id: str, text: str) -> str:
        """Propose a wording for an entry. Raises DeskError when it could not be kept anyway."""
        wording = similar_wording(storable(text))
        if not wording:
            raise DeskError(
                f"没有提：要写一句 {SHORTEST} 到 {LONGEST} 个字的问话，不带姓名、电话、网址。"
            )
        key = similar_key(wording, entry_id)
        async with self._office.db.read() as session:
            questions = await gold.load(session)
        library, today = self._office.library, self._office.today()
        reason = await asyncio.to_thread(
            objection, library.matcher, wording, entry_id, questions, today
        )
        if reason:
            raise DeskError(f"没有提：{reason}")
        async with self._office.db.write_alone() as session:
            if await proposals.decided(session, [key]):
                raise DeskError("没有提：这个问法已经有人决定过，不再提了。")
            if await proposals.suggested(session, key):
                raise DeskError("没有提：这个问法已经有人提过，等着看。")
            waiting = await proposals.suggested_by(session, staff.id or 0, 2 * _MOST_OPEN)
            if sum(decision is None for _, decision in waiting) >= _MOST_OPEN:
                raise DeskError(f"您提的还有 {_MOST_OPEN} 个没人看，请先等一等。")
            row = Suggestion(key=key, wording=wording, entry_id=entry_id, staff_id=staff.id or 0)
            await proposals.suggest(session, row)
        return "已提给审核，结果在“学习建议”里看"

    async def mine(self, staff: Staff) -> list[Suggested]:
        """What this person proposed last, with what came of it."""
        async with self._office.db.read() as session:
            found = await proposals.suggested_by(session, staff.id or 0, _SHOWN)
            names = await inbox.everyone(session)
        return [self._told(one, decision, names) for one, decision in found]

    def _told(
        self, one: Suggestion, decision: ProposalDecision | None, names: dict[int, str]
    ) -> Suggested:
        entry = self._office.library.get(one.entry_id)
        number = decision.actor.removeprefix("staff:") if decision else ""
        by = names.get(int(number), "同事") if number.isdigit() else "命令行"
        question = entry.question if entry else f"{one.entry_id}（已停用）"
        return Suggested(one, question, decision, by if decision else "")
