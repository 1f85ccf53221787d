"""Read models: what doors and cards show, gathered in few queries."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_
from sqlalchemy import case as sql_case
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from storage import tasks
from storage.ledger import evasive_reply
from storage.models import Account, Case, Citizen, Draft, Message, MessageVersion, Staff, Task
from storage.terms import OPEN_STATES, CaseState, DraftKind, DraftState


@dataclass(frozen=True, slots=True)
class CaseView:
    """One case as staff see it; ``before`` and ``after`` count the queue around it.

    ``others`` are the numbers and words of the citizen's other open cases; ``evaded`` when the
    last reply was perfunctory and nobody overruled that; ``together`` is how many ask the same.
    """

    case: Case
    account: Account
    citizen: Citizen
    messages: list[Message]
    draft: Draft | None
    tasks: list[Task]
    absorbed: list[Case]
    others: list[tuple[int, str]]
    before: int = 0
    after: int = 0
    evaded: bool = False
    together: int = 0

    @property
    def text(self) -> str:
        return "\n".join(message.text for message in self.messages if message.text)


async def case_view(session: AsyncSession, case_id: int, now: datetime) -> CaseView:
    """Everything about one case. Raises sqlalchemy.exc.NoResultFound when there is none."""
    case = await session.get_one(Case, case_id)
    before, after = await _around(session, case, now)
    return CaseView(
        case=case,
        account=await session.get_one(Account, case.account_id),
        citizen=await session.get_one(Citizen, case.citizen_id),
        messages=await messages(session, case_id),
        draft=await open_draft(session, case_id),
        tasks=await tasks.standing(session, [case_id]),
        absorbed=await absorbed(session, case_id),
        others=[
            (one.id or 0, await said(session, one.id or 0)) for one in await siblings(session, case)
        ],
        before=before,
        after=after,
        evaded=await evasive_reply(session, case_id) is not None,
        together=await together(session, case.crowd_id) if case.crowd_id else 0,
    )


async def together(session: AsyncSession, crowd_id: int, but: Collection[int] = ()) -> int:
    """How many cases of those that ask the same wait for a person, ``but`` for some."""
    query = select(func.count()).where(
        col(Case.crowd_id) == crowd_id,
        col(Case.state) == CaseState.WAITING,
        col(Case.id).not_in(but),
    )
    return (await session.exec(query)).one()


async def messages(session: AsyncSession, case_id: int) -> list[Message]:
    """A case's messages, and those of the cases merged into it, in the order of writing."""
    return (await messages_of(session, [case_id]))[case_id]


async def messages_of(session: AsyncSession, case_ids: Collection[int]) -> dict[int, list[Message]]:
    """For each of these cases, as :func:`messages`."""
    query = select(Message, Case.merged_into).join(Case, col(Case.id) == Message.case_id)
    wanted = or_(col(Case.id).in_(case_ids), col(Case.merged_into).in_(case_ids))
    found: dict[int, list[Message]] = {one: [] for one in case_ids}
    ordered = query.where(wanted).order_by(col(Message.sent_at), col(Message.id))
    for message, merged_into in await session.exec(ordered):
        for number in (message.case_id, merged_into):
            if number in found:
                found[number].append(message)
    return found


async def said(session: AsyncSession, case_id: int) -> str:
    """All that was written in a case."""
    return "\n".join(one.text for one in await messages(session, case_id) if one.text)


async def absorbed(session: AsyncSession, case_id: int) -> list[Case]:
    """The cases merged into this one."""
    query = select(Case).where(Case.merged_into == case_id).order_by(col(Case.id))
    return list(await session.exec(query))


async def siblings(session: AsyncSession, case: Case) -> list[Case]:
    """The same citizen's other cases that nobody has answered yet."""
    query = select(Case).where(
        Case.citizen_id == case.citizen_id,
        col(Case.id) != case.id,
        col(Case.state).in_((CaseState.RECEIVED, CaseState.CLARIFYING, CaseState.WAITING)),
    )
    return list(await session.exec(query.order_by(col(Case.id))))


async def versions(session: AsyncSession, message_id: int) -> list[MessageVersion]:
    """Every wording a message had, the first one first."""
    query = select(MessageVersion).where(MessageVersion.message_id == message_id)
    return list(await session.exec(query.order_by(col(MessageVersion.number))))


async def open_draft(session: AsyncSession, case_id: int) -> Draft | None:
    """The draft or clarification that stands for a decision."""
    return (await open_drafts(session, [case_id])).get(case_id)


async def open_drafts(session: AsyncSession, case_ids: Collection[int]) -> dict[int, Draft]:
    """What stands for a decision in these cases, where anything does."""
    query = select(Draft).where(col(Draft.case_id).in_(case_ids), Draft.state == DraftState.OPEN)
    return {one.case_id: one for one in await session.exec(query.order_by(col(Draft.id)))}


async def sent_draft(session: AsyncSession, case_id: int) -> Draft | None:
    """The reply that was approved last."""
    query = select(Draft).where(
        Draft.case_id == case_id,
        Draft.kind == DraftKind.REPLY,
        Draft.state == DraftState.SENT,
    )
    return (await session.exec(query.order_by(col(Draft.id).desc()).limit(1))).first()


async def next_waiting(session: AsyncSession, now: datetime) -> Case | None:
    """The case a person should take up next."""
    query = select(Case).where(Case.state == CaseState.WAITING).order_by(*queue_order(now))
    return (await session.exec(query.limit(1))).first()


async def waiting_count(session: AsyncSession) -> int:
    """How many cases wait for a person."""
    query = select(func.count()).select_from(Case).where(Case.state == CaseState.WAITING)
    return (await session.exec(query)).one()


async def overdue_count(session: AsyncSession, now: datetime) -> int:
    """How many of the desk's open cases are past their due time."""
    return await _open_due(session, col(Case.due_at) < now)


async def due_before(session: AsyncSession, now: datetime, moment: datetime) -> int:
    """How many of the desk's open cases fall due between now and a moment."""
    return await _open_due(session, col(Case.due_at) >= now, col(Case.due_at) < moment)


async def _open_due(session: AsyncSession, *due: ColumnElement[bool]) -> int:
    # Imported history has no place to answer to: it is assessed, but nobody can work it off.
    # While a clock stands still, its due time is not known.
    mine = (col(Case.state).in_(OPEN_STATES), col(Case.place) != "", col(Case.paused_at).is_(None))
    query = select(func.count()).select_from(Case).where(*mine, *due)
    return (await session.exec(query)).one()


async def cases_of(session: AsyncSession, citizen_id: int, limit: int = 10) -> list[Case]:
    """A citizen's cases, the newest first."""
    query = select(Case).where(Case.citizen_id == citizen_id).order_by(col(Case.id).desc())
    return list(await session.exec(query.limit(limit)))


async def staff_by_telegram(session: AsyncSession, telegram_id: str) -> Staff | None:
    """The active member of staff with this Telegram id."""
    query = select(Staff).where(Staff.telegram_id == telegram_id, col(Staff.active))
    return (await session.exec(query)).first()


def _snoozed(now: datetime) -> ColumnElement[int]:
    """Whether a case stands behind the others: put off, or waiting for the citizen."""
    behind = or_(col(Case.snoozed_until) > now, col(Case.paused_at).is_not(None))
    return sql_case((behind, 1), else_=0)


def queue_order(now: datetime) -> tuple[ColumnElement[Any], ...]:
    return (
        _snoozed(now).asc(),
        col(Case.urgency).desc(),
        col(Case.due_at).asc().nulls_last(),
        col(Case.id).asc(),
    )


async def _around(session: AsyncSession, case: Case, now: datetime) -> tuple[int, int]:
    """How many waiting cases come before and after this one in the queue."""
    snoozed = int(bool(case.paused_at or (case.snoozed_until and case.snoozed_until > now)))
    waiting = and_(col(Case.state) == CaseState.WAITING, col(Case.id) != case.id)
    same = _snoozed(now) == snoozed
    urgency, due, never = col(Case.urgency), col(Case.due_at), case.due_at is None
    ahead = or_(
        _snoozed(now) < snoozed,
        and_(same, urgency > case.urgency),
        and_(same, urgency == case.urgency, due.is_not(None) if never else due < case.due_at),
        and_(same, urgency == case.urgency, due == case.due_at, col(Case.id) < case.id),
    )
    counted = select(func.count(), func.count(sql_case((ahead, 1)))).where(waiting)
    total, before = (await session.exec(counted)).one()
    return before, total - before


async def opened_since(session: AsyncSession, moment: datetime) -> int:
    """How many cases were opened since a moment."""
    query = select(func.count()).select_from(Case).where(col(Case.opened_at) >= moment)
    return (await session.exec(query)).one()
