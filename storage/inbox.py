"""Read models of the console: the queue in pages, and everything around one case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, or_, true
from sqlalchemy.orm import aliased
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from storage.models import (
    Account,
    Case,
    CaseEvent,
    CaseNote,
    Citizen,
    Delivery,
    Draft,
    Message,
    SavedView,
    Staff,
    StaffSession,
)
from storage.queries import queue_order
from storage.terms import CaseState, DraftState, EventKind, Purpose, Role

PAGE = 50
MENTIONED = "mentioned"
ESCALATED = "escalated"
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
_DONE = (CaseState.REPLYING, CaseState.ANSWERED, CaseState.RESOLVED, CaseState.CLOSED)
_OPEN = (CaseState.WAITING, CaseState.CLARIFYING)
_AGES = {"1d": timedelta(days=1), "3d": timedelta(days=3), "7d": timedelta(days=7)}


@dataclass(frozen=True, slots=True)
class Filters:
    """What of the queue is wanted; empty means everything.

    ``state`` is waiting, review (one step is done), clarifying, done, mentioned (in a note,
    lately), escalated (open, and this person was told of its time) or all. ``age`` is overdue,
    soon (due within a day), or how long it waits at least: 1d, 3d, 7d. ``assignee`` is none or
    somebody's number; ``entry`` the entry that answers.
    """

    state: str = "waiting"
    account: str = ""
    department: str = ""
    category: str = ""
    kind: str = ""
    age: str = ""
    assignee: str = ""
    text: str = ""
    entry: str = ""

    def to_json(self) -> dict[str, str]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Filters:
        known = {one.name for one in fields(cls)}
        return cls(**{name: str(value) for name, value in data.items() if name in known})


@dataclass(frozen=True, slots=True)
class Scope:
    """The accounts (keys) and departments whose cases may be seen; empty for all."""

    accounts: Sequence[str] = ()
    departments: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Line:
    """One case in the queue; ``present`` are colleagues who have it on their screen.

    ``escalated`` is the last point of this turn's clock that was told, "" before the first.
    """

    case: Case
    account: str
    citizen: str
    assignee: str
    present: tuple[str, ...] = ()
    escalated: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    lines: list[Line]
    total: int


async def page(
    session: AsyncSession, filters: Filters, scope: Scope, now: datetime, start: int, me: Staff
) -> Page:
    """``PAGE`` lines of the queue from ``start`` on, in the order they should be taken up."""
    wanted = _wanted(filters, scope, now)
    if filters.state == MENTIONED:
        wanted.append(col(Case.id).in_(await mentioned(session, me.id or 0, now)))
    if filters.state == ESCALATED:
        wanted.append(_told_to(me, now))
    total = await _count(session, wanted)
    query = (
        select(Case, Account.name, Citizen.display_name, Staff.display_name)
        .join(Account, col(Account.id) == Case.account_id)
        .join(Citizen, col(Citizen.id) == Case.citizen_id)
        .outerjoin(Staff, col(Staff.id) == Case.assignee_id)
        .where(*wanted)
        .order_by(*_order(filters, now))
        .offset(start)
        .limit(PAGE)
    )
    rows = list(await session.exec(query))
    watched = await _watchers(session, [row[0].id or 0 for row in rows], now, me.id or 0)
    points = await _points(session, [row[0] for row in rows])
    lines = [
        Line(
            case,
            account,
            citizen,
            assignee or "",
            tuple(watched.get(case.id or 0, ())),
            points.get(case.id or 0, ""),
        )
        for case, account, citizen, assignee in rows
    ]
    return Page(lines, total)


async def waiting(session: AsyncSession, scope: Scope, limit: int) -> list[tuple[Case, str, str]]:
    """Cases that wait for a person, with the account's name and the entry of the open draft."""
    query = (
        select(Case, Account.name, Draft.entry_id)
        .join(Account, col(Account.id) == Case.account_id)
        .outerjoin(Draft, (col(Draft.case_id) == Case.id) & (col(Draft.state) == DraftState.OPEN))
        .where(col(Case.state) == CaseState.WAITING, *_within(scope))
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
        wanted = _wanted(filters, scope, now)
        found[name] = await _count(session, wanted)
    told = [*_wanted(Filters(state=ESCALATED), scope, now), _told_to(me, now)]
    found[ESCALATED] = await _count(session, told)
    found[MENTIONED] = len(await mentioned(session, me.id or 0, now))
    return found


async def _count(session: AsyncSession, wanted: list[ColumnElement[bool]]) -> int:
    query = (
        select(func.count())
        .select_from(Case)
        .join(Account, col(Account.id) == Case.account_id)
        .join(Citizen, col(Citizen.id) == Case.citizen_id)
    )
    return (await session.exec(query.where(*wanted))).one()


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
    """What was sent to the citizen in these cases, or is about to be."""
    query = select(Delivery).where(
        col(Delivery.case_id).in_(case_ids), col(Delivery.purpose).in_(_TO_CITIZENS)
    )
    return list(await session.exec(query.order_by(col(Delivery.id))))


async def notes(session: AsyncSession, case_id: int) -> list[CaseNote]:
    query = select(CaseNote).where(CaseNote.case_id == case_id).order_by(col(CaseNote.id))
    return list(await session.exec(query))


async def views(session: AsyncSession, staff_id: int) -> list[SavedView]:
    query = select(SavedView).where(SavedView.staff_id == staff_id).order_by(col(SavedView.id))
    return list(await session.exec(query))


def _wanted(filters: Filters, scope: Scope, now: datetime) -> list[ColumnElement[bool]]:
    """Conditions on Case joined with Account and Citizen."""
    found = [_state(filters.state), *_within(scope), *_age(filters.age, now)]
    for column, value in (
        (Account.key, filters.account),
        (Case.department, filters.department),
        (Case.category, filters.category),
        (Case.kind, filters.kind),
        (Case.entry_id, filters.entry),
    ):
        if value:
            found.append(col(column) == value)
    if filters.assignee == "none":
        found.append(col(Case.assignee_id).is_(None))
    elif filters.assignee.isdigit():
        found.append(col(Case.assignee_id) == int(filters.assignee))
    if filters.text.strip():
        found.append(_mentions(filters.text.strip()))
    return found


def _state(state: str) -> ColumnElement[bool]:
    if state == "review":
        begun = exists().where(
            col(Draft.case_id) == Case.id,
            col(Draft.state) == DraftState.OPEN,
            func.json_array_length(col(Draft.approvals)) > 0,
        )
        return (col(Case.state) == CaseState.WAITING) & begun
    if state == "done":
        return col(Case.state).in_(_DONE)
    if state in ("all", MENTIONED):
        return true()
    if state == ESCALATED:
        return col(Case.state).in_(_OPEN) & exists().where(*_escalation())
    return col(Case.state) == (state if state in tuple(CaseState) else CaseState.WAITING)


def _escalation() -> tuple[ColumnElement[bool], ...]:
    """An event of the turn that the case is in."""
    return (
        col(CaseEvent.case_id) == Case.id,
        col(CaseEvent.kind) == EventKind.ESCALATED,
        col(CaseEvent.at) >= Case.opened_at,
    )


def _told_to(me: Staff, now: datetime) -> ColumnElement[bool]:
    """Before the due time the owner is told, or all who may be; from then on supervisors too."""
    nobody = col(Case.assignee_id).is_(None)
    mine = and_(nobody, col(Case.department) == me.department) if me.department else nobody
    told = or_(col(Case.assignee_id) == me.id, mine)
    if me.role in (Role.SUPERVISOR, Role.ADMIN):
        return or_(told, col(Case.due_at) <= now)
    return told


async def _points(session: AsyncSession, cases: Sequence[Case]) -> dict[int, str]:
    """The last point told of each case that is open."""
    numbers = [one.id for one in cases if one.state in _OPEN]
    query = (
        select(CaseEvent.case_id, CaseEvent.data)
        .join(Case, col(Case.id) == CaseEvent.case_id)
        .where(col(Case.id).in_(numbers), *_escalation())
        .order_by(col(CaseEvent.id))
    )
    return {number: str(data.get("point", "")) for number, data in await session.exec(query)}


def _within(scope: Scope) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if scope.accounts:
        found.append(col(Account.key).in_(scope.accounts))
    if scope.departments:
        found.append(col(Case.department).in_(["", *scope.departments]))
    return found


def _age(age: str, now: datetime) -> list[ColumnElement[bool]]:
    if age == "overdue":
        return [col(Case.due_at) < now]
    if age == "soon":
        return [col(Case.due_at) >= now, col(Case.due_at) < now + timedelta(days=1)]
    if age in _AGES:
        return [col(Case.opened_at) < now - _AGES[age]]
    return []


def _mentions(text: str) -> ColumnElement[bool]:
    """The number of a case, or words in its messages, its answers, or the citizen's name."""
    number = text.removeprefix("#")
    if number.isdigit() and len(number) <= 9:
        return col(Case.id) == int(number)
    messages, drafts = aliased(Message), aliased(Draft)
    said = exists().where(
        col(messages.case_id) == Case.id, col(messages.text).contains(text, autoescape=True)
    )
    answered = exists().where(
        col(drafts.case_id) == Case.id,
        col(drafts.state) == DraftState.SENT,
        col(drafts.text).contains(text, autoescape=True),
    )
    named = col(Citizen.display_name).contains(text, autoescape=True)
    return or_(said, answered, named)


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
