"""合并 of repeats: one citizen's same matter in several cases, answered as one; and its undoing."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.channels.base import Outgoing
from bot.desk import cards, pauses, posting, tasks, wording
from bot.desk.desktop import Desktop, acting
from bot.desk.drafting import supersede
from bot.desk.office import DeskError, Office, key_of
from bot.desk.repeats import alike
from bot.desk.turns import set_due
from knowledge.masking import mask
from storage import queries
from storage.ledger import record
from storage.models import Case, Draft, Staff
from storage.terms import CaseState, DraftKind, DraftState, EventKind

_OPEN = (CaseState.RECEIVED, CaseState.CLARIFYING, CaseState.WAITING)
_UNMERGEABLE = tuple(state for state in CaseState if state != CaseState.MERGED)
_TITLE = 24


class Merging:
    """Only cases of one citizen are merged, and only while both are open."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def repeats(self, case_id: int) -> dict[int, str]:
        """The citizen's other open cases by number, titled, the most alike first."""
        async with self._office.db.read() as session:
            case = await session.get_one(Case, case_id)
            text = await queries.said(session, case_id)
            others = [
                (other, alike(text, await queries.said(session, key_of(other))))
                for other in await queries.siblings(session, case)
            ]
        others.sort(key=lambda one: -one[1])
        return {
            key_of(other): f"#{other.id} {mask(other.subject[:_TITLE])}（相似 {likeness}%）"
            for other, likeness in others
        }

    async def absorbed(self, case_id: int) -> list[int]:
        """The numbers of the cases merged into this one."""
        async with self._office.db.read() as session:
            return [key_of(one) for one in await queries.absorbed(session, case_id)]

    async def merge(
        self, staff: Staff, case_id: int, version: int, place: str, other_id: int
    ) -> str:
        """Work on both as one: the case that began first stays, with its start."""
        async with acting(self._office, "merge", staff, case_id, version, place) as desk:
            other = await self._other(desk, other_id)
            kept, merged = sorted((desk.case, other), key=_began)
            if await queries.absorbed(desk.session, key_of(merged)):
                raise DeskError(f"诉求 #{merged.id} 里已并入别的诉求，请先撤销那次合并。")
            await self._take_over(desk.session, kept, merged)
            await self._close(desk, kept, merged)
            opened_at = merged.opened_at.isoformat()
            record(
                desk.session,
                kept,
                EventKind.ABSORBED,
                actor=desk.actor,
                case=merged.id,
                opened_at=opened_at,
            )
            await set_due(self._office, desk.session, kept)
            await desk.session.flush()
            await posting.card(self._office, desk.session, kept)
            return f"已把 #{merged.id} 并入 #{kept.id}，从最早的时间计时，只答复一次。"

    async def _other(self, desk: Desktop, other_id: int) -> Case:
        if other_id == desk.case.id:
            raise DeskError("不能和自己合并，请选另一件。")
        query = select(Case).where(col(Case.id) == other_id).with_for_update(skip_locked=True)
        other = (await desk.session.exec(query)).first()
        if other is None:
            raise DeskError(f"诉求 #{other_id} 找不到，或正有人处理，请稍后再试。")
        if other.citizen_id != desk.case.citizen_id:
            raise DeskError("不是同一位群众的诉求，不能合并。")
        if other.state not in _OPEN:
            state = CaseState(other.state).label
            raise DeskError(f"诉求 #{other_id} 现在是“{state}”，只有在办的才能合并。")
        return other

    async def _take_over(self, session: AsyncSession, kept: Case, merged: Case) -> None:
        """Put the kept case before staff, with a draft if either has one."""
        kept.urgency = max(kept.urgency, merged.urgency)
        kept.department = kept.department or merged.department
        kept.subject = kept.subject or merged.subject
        kept.consider_at = kept.snoozed_until = None
        kept.version += 1
        if kept.state != CaseState.WAITING:
            await supersede(session, kept)
            kept.state, kept.category = CaseState.WAITING, merged.category
            draft = await queries.open_draft(session, key_of(merged))
            if draft is not None and draft.kind == DraftKind.REPLY:
                draft.case_id = key_of(kept)
        for message in await queries.messages(session, key_of(kept)):
            message.considered = True

    async def _close(self, desk: Desktop, kept: Case, merged: Case) -> None:
        """Retire the merged case and tell the citizen where the answer will come."""
        session, line = desk.session, f"已并入 #{kept.id}（{desk.staff.display_name}）"
        await pauses.end(self._office, session, merged, "已合并")
        await supersede(session, merged)
        await tasks.withdraw(session, merged, tasks.ABOUT_THE_CLOCK, "已合并")
        for message in await queries.messages(session, key_of(merged)):
            message.considered = True
        merged.state, merged.merged_into = CaseState.MERGED, kept.id
        merged.consider_at = merged.snoozed_until = None
        merged.version += 1
        record(session, merged, EventKind.MERGED, actor=desk.actor, into=kept.id)
        await posting.retire_cards(session, merged, cards.done(merged, line))
        text = wording.MERGED.format(case=merged.id, kept=kept.id)
        await posting.notice(session, merged, Outgoing(text, reply_to=merged.reply_to))

    async def undo(
        self, staff: Staff, case_id: int, version: int, place: str, merged_id: int
    ) -> str:
        """撤销合并: the merged case is open again, with its own start."""
        async with acting(
            self._office, "unmerge", staff, case_id, version, place, _UNMERGEABLE
        ) as desk:
            absorbed = await queries.absorbed(desk.session, case_id)
            merged = next((one for one in absorbed if one.id == merged_id), None)
            if merged is None:
                raise DeskError(f"诉求 #{merged_id} 没有并入这件诉求。")
            merged.state, merged.merged_into = CaseState.WAITING, None
            merged.version += 1
            desk.case.version += 1
            kept: dict[str, Any] = {"from": case_id}
            record(desk.session, merged, EventKind.UNMERGED, actor=desk.actor, **kept)
            record(desk.session, desk.case, EventKind.UNMERGED, actor=desk.actor, case=merged_id)
            await _bring_back_draft(desk.session, merged)
            for case in (desk.case, merged):
                await set_due(self._office, desk.session, case)
            text = wording.unmerged(merged_id, merged.due_at)
            await posting.notice(desk.session, merged, Outgoing(text, reply_to=merged.reply_to))
            await desk.session.flush()
            for case in (desk.case, merged):
                await posting.card(self._office, desk.session, case)
            return f"诉求 #{merged_id} 已分开，按自己的时间办理。"


def _began(case: Case) -> tuple[datetime, int]:
    return case.opened_at, key_of(case)


async def _bring_back_draft(session: AsyncSession, case: Case) -> None:
    query = select(Draft).where(
        Draft.case_id == case.id,
        Draft.kind == DraftKind.REPLY,
        Draft.state == DraftState.SUPERSEDED,
    )
    draft = (await session.exec(query.order_by(col(Draft.id).desc()).limit(1))).first()
    if draft is not None:
        draft.state, draft.decided_by, draft.decided_at = DraftState.OPEN, "", None
