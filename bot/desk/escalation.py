"""督办: the owner of a case, and from its due time on the supervisor, told of each point once.

What is told stands in the ledger in the same transaction as the message itself, so that a
process that dies in between neither forgets nor repeats it.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.channels.base import Outgoing
from bot.clock import Calendar, Due
from bot.deadlines import escalation_points, next_point, overdue_points
from bot.desk import posting
from bot.desk.callback import callers
from bot.desk.office import Office, key_of, locked_case
from bot.desk.turns import set_due
from storage import handed, queries
from storage import tasks as store
from storage.ledger import record
from storage.models import Case, CaseEvent, Staff, Task
from storage.terms import CaseState, EventKind, Purpose, Role, TaskKind, TaskState

_AT_ONCE = 200
_LISTED = 10
_OPEN_CASE: tuple[Any, ...] = (
    # A reply that nobody has confirmed yet has not reached the citizen.
    col(Case.state).in_((CaseState.WAITING, CaseState.CLARIFYING, CaseState.REPLYING)),
    col(Case.due_at).is_not(None),
    col(Case.paused_at).is_(None),
)
_OPEN_CALL: tuple[Any, ...] = (Task.state == TaskState.OPEN, Task.kind == TaskKind.CALLBACK)
_POINTS = {"half": "时限过半", "last_day": "只剩最后 1 个工作日", "due": "已到时限"}


@dataclass(frozen=True, slots=True)
class _Clock:
    """What is counted down to: an answer, or the 回访 that ``task`` is."""

    case: Case
    start: datetime
    due: Due
    task: Task | None = None

    @property
    def mark(self) -> int:
        return 0 if self.task is None else self.task.id or 0

    def key(self, point: str) -> str:
        """The same point of another turn or due time is another one."""
        moment = self.start if point == "half" else self.due.at
        return f"{self.mark}:{point}:{moment.timestamp():.0f}"


@dataclass(frozen=True, slots=True)
class _News:
    """A line for some people."""

    key: str
    line: str
    people: tuple[Staff, ...]


async def escalate(office: Office) -> int:
    """Tell of every point passed since it was last looked; returns of how many."""
    now, told = office.now(), 0
    await _watch_handed(office, now)
    for look, take in ((_cases_due, _cases), (_callbacks_due, _callbacks)):
        while True:
            async with office.db.read() as session:
                due = await look(session, now)
            if not due:
                break
            async with office.db.write() as session:
                clocks = await take(session, due)
                told += await _tell(office, session, clocks, now)
            if not clocks:  # somebody else holds them
                break
    return told


async def _watch_handed(office: Office, now: datetime) -> None:
    """Automatic answers have no due time; those that nobody confirmed for long are given one."""
    async with office.db.read() as session:
        found = await handed.without_due(session, now - handed.PATIENCE, _AT_ONCE)
    if not found:
        return
    async with office.db.write() as session:
        for number in found:
            case = await locked_case(session, number)
            if case is not None and case.state == CaseState.REPLYING:
                await set_due(office, session, case)


async def _cases_due(session: AsyncSession, now: datetime) -> list[int]:
    return await _due(session, col(Case.id), col(Case.remind_at), now, _OPEN_CASE)


async def _callbacks_due(session: AsyncSession, now: datetime) -> list[int]:
    return await _due(session, col(Task.id), col(Task.remind_at), now, _OPEN_CALL)


async def _due(
    session: AsyncSession, number: Any, moment: Any, now: datetime, open_: Sequence[Any]
) -> list[int]:
    """What comes to a point by now, or was never looked at. Asked for apart: both at once,
    SQLite would go through everything that is open."""
    found: list[int] = []
    for due in (moment.is_(None), moment <= now):
        found += await session.exec(select(number).where(due, *open_).limit(_AT_ONCE))
    return found[:_AT_ONCE]


async def _held(session: AsyncSession, numbers: Iterable[int]) -> dict[int, Case]:
    """These cases, but for those that another process holds."""
    query = select(Case).where(col(Case.id).in_(tuple(numbers))).order_by(col(Case.due_at))
    found = await session.exec(query.with_for_update(skip_locked=True))
    return {key_of(case): case for case in found}


async def _cases(session: AsyncSession, numbers: Sequence[int]) -> list[_Clock]:
    held = await _held(session, numbers)
    query = select(Case).where(col(Case.id).in_(tuple(held)), *_OPEN_CASE)
    return [
        _Clock(case, case.opened_at, Due(case.due_at, case.due_provisional, ""))
        for case in await session.exec(query.order_by(col(Case.due_at)))
        if case.due_at is not None
    ]


async def _callbacks(session: AsyncSession, numbers: Sequence[int]) -> list[_Clock]:
    known = select(Task.case_id).where(col(Task.id).in_(numbers))
    # The case is locked before its tasks, everywhere.
    held = await _held(session, await session.exec(known))
    query = select(Task).where(
        col(Task.id).in_(numbers), col(Task.case_id).in_(tuple(held)), *_OPEN_CALL
    )
    return [
        _Clock(held[task.case_id], task.created_at, Due(task.due_at, False, ""), task)
        for task in await session.exec(query.order_by(col(Task.due_at)).with_for_update())
        if task.due_at is not None
    ]


async def _tell(
    office: Office, session: AsyncSession, clocks: Sequence[_Clock], now: datetime
) -> int:
    """Note the latest new point of each clock, with those before it that were missed."""
    known = await _announced(session, [key_of(one.case) for one in clocks])
    staff = await store.people(session) if clocks else []
    news: list[_News] = []
    for one in clocks:
        calendar = office.rules.calendar.of(one.case.department)
        passed = _passed(one, calendar, now)
        new = [point for point in passed if one.key(point) not in known]
        if new and new[-1] == passed[-1]:
            people = await _people(office, session, one, new[-1], staff)
            _note(session, one, new, people)
            news.append(_News(one.key(new[-1]), _line(one, new[-1]), tuple(people)))
        (one.task or one.case).remind_at = next_point(one.start, one.due, calendar, now)
    await _post(office, session, news)
    return len(news)


async def _announced(session: AsyncSession, case_ids: Sequence[int]) -> set[str]:
    query = select(CaseEvent).where(
        col(CaseEvent.case_id).in_(case_ids), CaseEvent.kind == EventKind.ESCALATED
    )
    found = await session.exec(query)
    return {key for one in found for key in one.data.get("keys", ())}


def _passed(clock: _Clock, calendar: Calendar, now: datetime) -> list[str]:
    points = [
        *escalation_points(clock.start, clock.due, calendar),
        *overdue_points(clock.due, now, calendar),
    ]
    return [name for name, at in points if at <= now]


def _note(session: AsyncSession, clock: _Clock, new: Sequence[str], people: list[Staff]) -> None:
    about: dict[str, Any] = {"task": clock.mark} if clock.task else {}
    record(
        session,
        clock.case,
        EventKind.ESCALATED,
        point=new[-1],
        missed=list(new[:-1]),
        keys=[clock.key(point) for point in new],
        told=[one.id for one in people],
        **about,
    )


async def _people(
    office: Office, session: AsyncSession, clock: _Clock, point: str, staff: Sequence[Staff]
) -> list[Staff]:
    """The owner; from the due time on the supervisors too.

    What nobody owns is everybody's: in the group without a name, else in every private chat.
    """
    if clock.task is not None:
        owners = await callers(session, clock.case, clock.task)
    else:
        owners = _owners(clock.case, staff)
    if not owners and not office.rules.staff_place:
        return list(staff)
    if point in ("half", "last_day"):
        return owners
    chiefs = [one for one in staff if one.role == Role.SUPERVISOR]
    chiefs = chiefs or [one for one in staff if one.role == Role.ADMIN]
    return [*owners, *(one for one in chiefs if one not in owners)]


def _owners(case: Case, staff: Iterable[Staff]) -> list[Staff]:
    """Whoever took the case up, or else the people of its department."""
    everyone = list(staff)
    assigned = [one for one in everyone if one.id == case.assignee_id]
    return assigned or [one for one in everyone if case.department == one.department != ""]


def _line(clock: _Clock, point: str) -> str:
    what = "差评回访" if clock.task else clock.case.category
    return f"诉求 #{clock.case.id}（{what}）{spoken_point(point)}"


def spoken_point(point: str) -> str:
    """A point of the clock in words."""
    if point.startswith("overdue_"):
        return f"已超期 {point.removeprefix('overdue_')} 个工作日"
    return _POINTS.get(point, point)


async def _post(office: Office, session: AsyncSession, news: Sequence[_News]) -> None:
    """One message for the same people, however many cases it is about."""
    waiting = await queries.waiting_count(session) if news else 0
    for people, lines in _by_reader(office, news):
        dedupe = hashlib.sha256("\n".join(one.key + one.line for one in lines).encode())
        text = _text([one.line for one in lines], waiting)
        mark = f"remind:{dedupe.hexdigest()[:32]}"
        if people:
            await posting.to_people(office, session, people, Outgoing(text), Purpose.REMINDER, mark)
        else:
            await posting.to_staff(office, session, Outgoing(text), Purpose.REMINDER, mark)


def _by_reader(office: Office, news: Sequence[_News]) -> list[tuple[list[Staff], list[_News]]]:
    """Lines for one message each: by those named in the group, or by person in private."""
    found: dict[tuple[int, ...], list[_News]] = defaultdict(list)
    everybody: dict[int, Staff] = {}
    for one in news:
        everybody |= {person.id or 0: person for person in one.people}
        numbers = tuple(person.id or 0 for person in one.people)
        apart = not office.rules.staff_place and numbers
        for reader in [(number,) for number in numbers] if apart else [numbers]:
            found[reader].append(one)
    return [([everybody[one] for one in reader], lines) for reader, lines in found.items()]


def _text(lines: Sequence[str], waiting: int) -> str:
    more = f"\n……共 {len(lines)} 件" if len(lines) > _LISTED else ""
    told = lines[0] if len(lines) == 1 else "\n" + "\n".join(lines[:_LISTED]) + more
    return f"督办：{told}\n待人工共 {waiting} 件。发 /next 取下一件，发 /case 编号 看一件。"
