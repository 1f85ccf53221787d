"""The clock standing still while the citizen is asked for more: since when, until when, why."""

from __future__ import annotations

from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.clock import Limit, Unit, due
from bot.desk import posting, tasks
from bot.desk.office import Office, key_of
from bot.desk.turns import set_due
from storage import tasks as store
from storage.ledger import record
from storage.models import Case, Delivery
from storage.terms import CaseState, EventKind, TaskKind, TaskState

WHY = "supplement"
_LATE = "补充请求送达时已过时限，计时没有暂停"
_SILENT = "群众没有在期限内补充"
_UNDELIVERED = "补充请求没有送达，计时没有暂停"


async def begin(office: Office, session: AsyncSession, case: Case, delivery: Delivery) -> None:
    """The request has reached the citizen: the clock stands still from that moment."""
    task = await store.locked(session, delivery.context["task"])
    at = delivery.sent_at
    if task is None or task.state != TaskState.OPEN or at is None:
        return
    if case.state != CaseState.WAITING or case.due_at is None or at >= case.due_at:
        store.close(task, TaskState.WITHDRAWN, outcome=_LATE)
        await _show(office, session, case, _LATE)
        return
    limit = Limit(office.rules.supplement_workdays, Unit.WORKDAY)
    task.due_at = due(at, limit, office.rules.calendar.of(case.department)).at
    case.paused_at = at
    record(
        session,
        case,
        EventKind.PAUSED,
        at=at,
        actor=f"staff:{task.asked_by}",
        why=WHY,
        until=task.due_at.isoformat(),
        task=task.id,
    )


async def end(
    office: Office,
    session: AsyncSession,
    case: Case,
    cause: str,
    *,
    at: datetime | None = None,
    actor: str = "system",
) -> None:
    """Let the clock run on; nothing happens to a case whose clock runs.

    It never stood still for longer than the request's limit, whenever that is noticed.
    """
    if case.paused_at is None:
        return
    moment = at or office.now()
    for task in await store.standing(session, [key_of(case)], [TaskKind.SUPPLEMENT]):
        moment = min(moment, task.due_at or moment)
        answered = actor == "citizen"
        store.close(task, TaskState.DONE if answered else TaskState.WITHDRAWN, outcome=cause)
    moment = max(moment, case.paused_at)
    record(session, case, EventKind.UNPAUSED, at=moment, actor=actor, why=WHY, cause=cause)
    case.paused_at = None
    case.reason = "" if actor == "citizen" else case.reason
    await set_due(office, session, case)


async def resume_due(office: Office) -> int:
    """End the pauses whose limit has passed without a word; returns how many."""
    async with office.db.read() as session:
        over = await store.ended(session, TaskKind.SUPPLEMENT, office.now())
    for one in over:
        async with office.db.write() as session:
            case, task = await tasks.hold(session, one.id or 0)
            if task.state == TaskState.OPEN:
                await end(office, session, case, _SILENT)
                await _show(office, session, case, f"{_SILENT}，计时已恢复")
    return len(over)


async def undelivered(office: Office, session: AsyncSession, case: Case) -> None:
    """The request did not reach the citizen: nothing has stood still."""
    for task in await store.standing(session, [key_of(case)], [TaskKind.SUPPLEMENT]):
        store.close(task, TaskState.WITHDRAWN, outcome=_UNDELIVERED)
    await _show(office, session, case, _UNDELIVERED)


async def _show(office: Office, session: AsyncSession, case: Case, reason: str) -> None:
    """Put the case before staff again, if it waits for them."""
    if case.state != CaseState.WAITING:
        return
    case.reason = reason
    case.version += 1
    await session.flush()
    await posting.card(office, session, case)
