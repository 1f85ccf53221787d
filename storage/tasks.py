"""事项: what waits for a second person, for the citizen or for somebody's work."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from storage.models import Account, Case, Delivery, Staff, Task, utcnow
from storage.terms import DeliveryState, Purpose, Role, TaskKind, TaskState


async def standing(
    session: AsyncSession, case_ids: Iterable[int], kinds: Iterable[TaskKind] = TaskKind
) -> list[Task]:
    """The open tasks of some cases, oldest first."""
    query = select(Task).where(
        col(Task.case_id).in_(tuple(case_ids)),
        Task.state == TaskState.OPEN,
        col(Task.kind).in_(tuple(kinds)),
    )
    return list(await session.exec(query.order_by(col(Task.id))))


async def waiting(
    session: AsyncSession, kinds: Iterable[TaskKind]
) -> list[tuple[Task, Case, Account]]:
    """Open tasks of these kinds with what they are about, the most urgent first."""
    query = (
        select(Task, Case, Account)
        .join(Case, col(Case.id) == Task.case_id)
        .join(Account, col(Account.id) == Case.account_id)
        .where(Task.state == TaskState.OPEN, col(Task.kind).in_(tuple(kinds)))
        .order_by(col(Task.due_at).asc().nulls_last(), col(Task.id))
    )
    return list(await session.exec(query))


async def ended(session: AsyncSession, kind: TaskKind, now: datetime) -> list[Task]:
    """Open tasks of a kind whose time is over."""
    query = select(Task).where(
        Task.state == TaskState.OPEN, Task.kind == kind, col(Task.due_at) <= now
    )
    return list(await session.exec(query.order_by(col(Task.id))))


async def of_case(session: AsyncSession, case_id: int) -> list[Task]:
    """Every task a case ever had, oldest first."""
    query = select(Task).where(Task.case_id == case_id).order_by(col(Task.id))
    return list(await session.exec(query))


async def locked(session: AsyncSession, task_id: int) -> Task | None:
    """The task, held against other writers until the transaction ends."""
    query = select(Task).where(col(Task.id) == task_id).with_for_update()
    return (await session.exec(query.execution_options(populate_existing=True))).first()


def close(task: Task, state: TaskState, by: int | None = None, outcome: str = "") -> None:
    """Decide a task; ``by`` is the person's number, None for the program."""
    task.state, task.decided_by, task.decided_at = state, by, utcnow()
    task.outcome = outcome


async def people(session: AsyncSession, roles: Iterable[Role] = Role) -> list[Staff]:
    """The active staff with one of these roles."""
    query = select(Staff).where(col(Staff.active), col(Staff.role).in_(tuple(roles)))
    return list(await session.exec(query.order_by(col(Staff.id))))


async def shown(session: AsyncSession, task: Task) -> list[Delivery]:
    """The messages in which a task stands before people, sent or about to be."""
    query = select(Delivery).where(
        Delivery.case_id == task.case_id,
        Delivery.purpose == Purpose.TASK,
        col(Delivery.state).in_((DeliveryState.SENT, DeliveryState.PENDING)),
    )
    return [one for one in await session.exec(query) if one.context.get("task") == task.id]
