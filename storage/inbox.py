"""Read models of the console: the queue in pages, and everything around one case."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, func, or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from storage import crowds
from storage.models import (
    Account,
    Case,
    CaseEvent,
    CaseNote,
    Citizen,
    Delivery,
    Draft,
    SavedView,
    Staff,
    StaffSession,
)
from storage.narrowing import (
    ESCALATED,
    MENTIONED,
    OPEN,
    Filters,
    Scope,
    escalation,
    in_queue,
    told_to,
    wanted,
    within,
)
from storage.queries import queue_order
from storage.terms import CaseState, DraftState, EventKind, Purpose

PAGE = 50
PRESENT = timedelta(seconds=60)
"""How long after its last sign of life a page counts as open."""
_TO_CITIZENS = (
    Purpose.REPLY,
    Purpose.REPLY_PART,
    Purpose.SUPPLEMENT,
    Purpose.ACKNOWLEDGEMENT,
    Purpose.CLARIFICATION,
    Purpose.NOTICE,
    Purpose.RATING,
)


@dataclass(frozen=True, slots=True)
class Line:
    """One case in the queue; ``present`` are colleagues who have it on their screen.

    ``escalated`` is the last point of this turn's clock that was told, "" before the first.
    ``crowd`` is what the case stands for where several ask the same.
    """

    case: Case
    account: str
    citizen: str
    assignee: str
    present: tuple[str, ...] = ()
    escalated: str = ""
    crowd: crowds.Together | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Lines of the queue, of how many, and how many cases those are."""

    lines: list[Line]
    total: int
    cases: int


async def page(
    session: AsyncSession, filters: Filters, scope: Scope, now: datetime, start: int, me: Staff
) -> Page:
    """``PAGE`` lines of the queue from ``start`` on, in the order they should be taken up."""
    asked = wanted(filters, scope, now)
    if filters.state == MENTIONED:
        asked.append(col(Case.id).in_(await mentioned(session, me.id or 0, now)))
    if filters.state == ESCALATED:
        asked.append(told_to(me, now))
    if not filters.in_crowds:
        total = await _count(session, asked)
        rows = await _rows(session, asked, _order(filters, now), start)
        return Page(await _lines(session, rows, {}, now, me), total, total)
    total, cases = await crowds.count(session, asked)
    units = await crowds.units(session, asked, now, start, PAGE)
    chosen = col(Case.id).in_([one.case_id for one in units])
    rows = await _rows(session, [chosen], _order(filters, now))
    together = await crowds.together(session, units)
    return Page(await _lines(session, rows, together, now, me), total, cases)


async def _rows(
    session: AsyncSession,
    asked: Sequence[ColumnElement[bool]],
    order: Sequence[ColumnElement[Any]],
    start: int = 0,
) -> list[tuple[Case, str, str, str]]:
    """Cases with the names of the account, of the citizen and of who took them up."""
    query = (
        select(Case, Account.name, Citizen.display_name, Staff.display_name)
        .select_from(Case)
        .outerjoin(Staff, col(Staff.id) == Case.assignee_id)
        .order_by(*order)
        .offset(start)
        .limit(PAGE)
    )
    rows = await session.exec(in_queue(asked, query))
    return [(case, account, citizen, taker or "") for case, account, citizen, taker in rows]


async def _lines(
    session: AsyncSession,
    rows: Sequence[tuple[Case, str, str, str]],
    together: Mapping[int, crowds.Together],
    now: datetime,
    me: Staff,
) -> list[Line]:
    watched = await _watchers(session, [row[0].id or 0 for row in rows], now, me.id or 0)
    points = await _points(session, [row[0] for row in rows])
    return [
        Line(
            case,
            account,
            citizen,
            assignee,
            tuple(watched.get(case.id or 0, ())),
            points.get(case.id or 0, ""),
            together.get(case.id or 0),
        )
        for case, account, citizen, assignee in rows
    ]


async def waiting(session: AsyncSession, scope: Scope, limit: int) -> list[tuple[Case, str, str]]:
    """Cases that wait for a person, with the account's name and the entry of the open draft."""
    query = (
        select(Case, Account.name, Draft.entry_id)
        .join(Account, col(Account.id) == Case.account_id)
        .outerjoin(Draft, (col(Draft.case_id) == Case.id) & (col(Draft.state) == DraftState.OPEN))
        .where(col(Case.state) == CaseState.WAITING, *within(scope))
        .order_by(col(Case.id).desc())
        .limit(limit)
    )
    return [(case, name, entry or "") for case, name, entry in await session.exec(query)]


async def counts(session: AsyncSession, scope: Scope, now: datetime, me: Staff) -> dict[str, int]:
    """How many cases each standing view of the queue has for this person."""
    views = {
        "waiting": Filters(),
        "overdue": Filters(age="overdue"),
        "mine": Filters(assignee=str(me.id)),
        "review": Filters(state="review"),
    }
    found = {}
    for name, filters in views.items():
        found[name] = await _count(session, wanted(filters, scope, now))
    told = [*wanted(Filters(state=ESCALATED), scope, now), told_to(me, now)]
    found[ESCALATED] = await _count(session, told)
    found[MENTIONED] = len(await mentioned(session, me.id or 0, now))
    return found


async def _count(session: AsyncSession, asked: list[ColumnElement[bool]]) -> int:
    query = select(func.count()).select_from(Case)
    return (await session.exec(in_queue(asked, query))).one()


async def mentioned(session: AsyncSession, me: int, now: datetime) -> list[int]:
    """The cases in whose notes of the last month this person was named."""
    query = (
        select(CaseNote.case_id, CaseNote.mentions)
        .where(col(CaseNote.at) > now - timedelta(days=30))
        .order_by(col(CaseNote.id).desc())
        .limit(2000)
    )
    return sorted({case_id for case_id, called in await session.exec(query) if me in called})


async def stamp(session: AsyncSession) -> tuple[int, int]:
    """Changes whenever an event was recorded or a note written."""
    event = (await session.exec(select(func.max(col(CaseEvent.id))))).one()
    note = (await session.exec(select(func.max(col(CaseNote.id))))).one()
    return event or 0, note or 0


async def accounts(session: AsyncSession) -> dict[str, str]:
    """Every account's name by its key."""
    query = select(Account.key, Account.name).order_by(col(Account.id))
    return dict((await session.exec(query)).all())


async def departments(session: AsyncSession) -> list[str]:
    """The 承办单位 of cases."""
    query = select(Case.department).where(Case.department != "").distinct()
    return sorted(await session.exec(query))


async def colleagues(session: AsyncSession) -> dict[int, str]:
    """The names of the active staff by number."""
    query = select(Staff.id, Staff.display_name).where(col(Staff.active)).order_by(Staff.login)
    return {number: name for number, name in await session.exec(query) if number}


async def everyone(session: AsyncSession) -> dict[int, str]:
    """The names of all staff there ever were, by number."""
    query = select(Staff.id, Staff.display_name)
    return {number: name for number, name in await session.exec(query) if number}


async def told(session: AsyncSession, case_ids: Sequence[int]) -> list[Delivery]:
    """What was sent to the citizen in these cases, or is about to be; what answered them in
    public for all too."""
    own = col(Delivery.case_id).in_(case_ids) & col(Delivery.purpose).in_(_TO_CITIZENS)
    pins = await _pins(session, case_ids)
    query = select(Delivery).where(or_(own, col(Delivery.id).in_(pins)))
    return list(await session.exec(query.order_by(col(Delivery.id))))


async def _pins(session: AsyncSession, case_ids: Sequence[int]) -> list[int]:
    """The 置顶答复 that these cases wait behind or were answered by."""
    waiting = select(Case.pinned_id).where(col(Case.id).in_(case_ids))
    served = select(CaseEvent.data).where(
        col(CaseEvent.case_id).in_(case_ids), CaseEvent.kind == EventKind.REPLIED
    )
    found = [number for number in await session.exec(waiting) if number is not None]
    replies = await session.exec(served)
    return found + [int(data["delivery"]) for data in replies if data.get("pinned")]


async def notes(session: AsyncSession, case_id: int) -> list[CaseNote]:
    query = select(CaseNote).where(CaseNote.case_id == case_id).order_by(col(CaseNote.id))
    return list(await session.exec(query))


async def views(session: AsyncSession, staff_id: int) -> list[SavedView]:
    query = select(SavedView).where(SavedView.staff_id == staff_id).order_by(col(SavedView.id))
    return list(await session.exec(query))


async def _points(session: AsyncSession, cases: Sequence[Case]) -> dict[int, str]:
    """The last point told of each case that is open."""
    numbers = [one.id for one in cases if one.state in OPEN]
    query = (
        select(CaseEvent.case_id, CaseEvent.data)
        .join(Case, col(Case.id) == CaseEvent.case_id)
        .where(col(Case.id).in_(numbers), *escalation())
        .order_by(col(CaseEvent.id))
    )
    return {number: str(data.get("point", "")) for number, data in await session.exec(query)}


def _order(filters: Filters, now: datetime) -> tuple[ColumnElement[Any], ...]:
    if filters.state in ("done", "all", MENTIONED):
        return (col(Case.updated_at).desc(), col(Case.id).desc())
    return queue_order(now)


async def _watchers(
    session: AsyncSession, case_ids: list[int], now: datetime, me: int
) -> dict[int, list[str]]:
    query = (
        select(StaffSession.case_id, Staff.display_name)
        .join(Staff, col(Staff.id) == StaffSession.staff_id)
        .where(
            col(StaffSession.case_id).in_(case_ids),
            col(StaffSession.seen_at) > now - PRESENT,
            col(Staff.id) != me,
        )
        .distinct()
    )
    found: dict[int, list[str]] = {}
    for case_id, name in await session.exec(query):
        found.setdefault(case_id or 0, []).append(name)
    return found
