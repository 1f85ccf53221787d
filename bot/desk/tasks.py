"""事项: what one person asks for another decides, or does, once; with a card of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.channels.base import Outgoing
from bot.desk import posting, prompts, taskcards
from bot.desk.desktop import DECIDERS, in_scope, reason_given
from bot.desk.office import TOPIC_OUTBOX, DeskError, Office, key_of, locked_case
from storage import tasks
from storage.ledger import audit
from storage.models import Account, Case, Staff, Task
from storage.terms import Purpose, TaskKind, TaskState

ABOUT_THE_CLOCK = (TaskKind.EXTENSION, TaskKind.TRANSFER, TaskKind.SUPPLEMENT)
_LISTED = 10


@dataclass(frozen=True, slots=True)
class Pending:
    """An open task with the case it is about."""

    task: Task
    case: Case
    account: Account


@dataclass(frozen=True, slots=True)
class Decision:
    """One person at work on one task, in one transaction."""

    session: AsyncSession
    staff: Staff
    case: Case
    task: Task

    @property
    def actor(self) -> str:
        return f"staff:{self.staff.id}"

    @property
    def asker(self) -> str:
        return f"staff:{self.task.asked_by}"


class Decider(Protocol):
    """What can be done with one kind of task; the verbs are those of its card's buttons.

    Each may raise DeskError, and returns a short text for the person.
    """

    @property
    def verbs(self) -> Mapping[str, str]:
        """What must be typed for each verb, "" for nothing."""
        ...

    def concerns(self, staff: Staff, task: Task) -> bool:
        """Whether the task is for this person to see to."""
        ...

    async def allow(self, decision: Decision, verb: str) -> None:
        """Raises DeskError when this person may not."""
        ...

    async def carry_out(self, decision: Decision, verb: str, words: str) -> str:
        """Do it; ``words`` are what was typed."""
        ...


class Tasks:
    """The desk's way to every task, whatever its kind."""

    def __init__(self, office: Office, deciders: Mapping[TaskKind, Decider]) -> None:
        self._office = office
        self._deciders = deciders

    async def act(self, staff: Staff, task_id: int, verb: str, place: str, words: str = "") -> str:
        """Do what a button of the task's card says; asks in ``place`` for words it needs."""
        async with self._deciding(staff, task_id) as decision:
            kind = TaskKind(decision.task.kind)
            needed = self._deciders[kind].verbs.get(verb)
            if needed is None:
                raise DeskError("这个按钮已经不能用了，请看最新的卡片。")
            await self._deciders[kind].allow(decision, verb)
            if needed and not words.strip() and place:
                await self._ask(decision, verb, place, needed)
                return f"请在下面写{needed}"
            said = reason_given(words, needed) if needed else ""
            text = await self._deciders[kind].carry_out(decision, verb, said)
            case_id = decision.case.id
            audit(decision.session, decision.actor, f"task.{verb}", str(task_id), case=case_id)
            if decision.task.state != TaskState.OPEN:
                line = f"{kind.label}：{text}（{staff.display_name}）"
                await retire(decision.session, decision.task, line)
            return text

    async def listed(self, staff: Staff, place: str) -> str:
        """Put the tasks this person can decide or do before them again, the most urgent first."""
        async with self._office.db.write() as session:
            found = [one.task for one in await self._mine(session, staff)]
            for task in found[:_LISTED]:
                await show(self._office, session, task, [staff], place)
            audit(session, f"staff:{staff.id}", "task.list")
        self._office.notify(TOPIC_OUTBOX)
        if not found:
            return "没有待处理的事项。"
        more = f"，先看前 {_LISTED} 项" if len(found) > _LISTED else ""
        return f"待处理的事项在下面，共 {len(found)} 项{more}。"

    async def pending(self, staff: Staff) -> list[Pending]:
        """The tasks this person can decide or do, the most urgent first."""
        async with self._office.db.read() as session:
            return await self._mine(session, staff)

    def words_for(self, kind: TaskKind, verb: str) -> str:
        """What must be written for a verb, "" for nothing."""
        return self._deciders[kind].verbs.get(verb, "")

    async def _mine(self, session: AsyncSession, staff: Staff) -> list[Pending]:
        known = [Pending(*one) for one in await tasks.waiting(session, self._deciders)]
        return [
            one
            for one in known
            if self._deciders[TaskKind(one.task.kind)].concerns(staff, one.task)
            and within(staff, one.task, one.case, one.account)
        ]

    async def _ask(self, decision: Decision, verb: str, place: str, needed: str) -> None:
        await prompts.ask(
            self._office,
            decision.session,
            decision.staff,
            place,
            decision.case,
            f"请回复本消息，写上诉求 #{decision.case.id} 的{needed}。",
            verb=f"t:{verb}",
            argument=str(decision.task.id),
        )

    @asynccontextmanager
    async def _deciding(self, staff: Staff, task_id: int) -> AsyncIterator[Decision]:
        try:
            async with self._office.db.write() as session:
                case, task = await hold(session, task_id)
                account = await session.get_one(Account, case.account_id)
                if not within(staff, task, case, account):
                    raise DeskError("这个事项不归您处理，您的操作没有执行。")
                if task.state != TaskState.OPEN:
                    raise DeskError(await _who_decided(session, task))
                yield Decision(session, staff, case, task)
        finally:
            self._office.notify(TOPIC_OUTBOX)


async def hold(session: AsyncSession, task_id: int) -> tuple[Case, Task]:
    """A task with its case, both held against other writers. Raises DeskError for none."""
    known = await session.get(Task, task_id)
    # The case is locked before its tasks, everywhere.
    case = await locked_case(session, known.case_id) if known else None
    task = await tasks.locked(session, task_id)
    if case is None or task is None:
        raise DeskError("找不到这个事项。")
    return case, task


def within(staff: Staff, task: Task, case: Case, account: Account) -> bool:
    """Whether a task is of this person's accounts and departments; a 转办 is of its receiver's."""
    return in_scope(staff, task.data.get("department", case.department), account.key)


def decides(staff: Staff, task: Task) -> bool:
    """Whether this person may be the second one about a task."""
    return staff.role in DECIDERS and task.asked_by != staff.id


def second_person(decision: Decision) -> None:
    """Raises DeskError unless a 主管 or 管理员 other than the one who asked decides."""
    if decision.staff.role not in DECIDERS:
        raise DeskError("要由主管或管理员决定，您的操作没有执行。")
    if decision.task.asked_by == decision.staff.id:
        raise DeskError("这是您自己提出的，请换一位主管或管理员决定。")


async def begin(
    office: Office,
    session: AsyncSession,
    case: Case,
    kind: TaskKind,
    *,
    asked_by: Staff | None = None,
    text: str = "",
    due_at: datetime | None = None,
    **data: Any,
) -> Task:
    """Open a task; :func:`show` puts it before people."""
    task = Task(
        case_id=key_of(case),
        kind=kind,
        text=text,
        data=data,
        asked_by=asked_by.id if asked_by else None,
        due_at=due_at,
    )
    session.add(task)
    await session.flush()
    return task


async def show(
    office: Office,
    session: AsyncSession,
    task: Task,
    people: list[Staff] | None = None,
    place: str = "",
    *,
    again: bool = False,
) -> None:
    """The task's card for these people (the 主管 and 管理员 when None), or in one ``place``.

    It is shown once, but for ``again``, and where somebody asked to see it.
    """
    case = await session.get_one(Case, task.case_id)
    account = await session.get_one(Account, case.account_id)
    asker = await session.get(Staff, task.asked_by) if task.asked_by else None
    outgoing = taskcards.card(task, case, account, asker.display_name if asker else "")
    if people is None:
        people = await tasks.people(session, DECIDERS)
    dedupe = f"task:{task.id}"
    if place or again:
        dedupe += f":{office.now().timestamp()}"
    await posting.to_people(
        office, session, people, outgoing, Purpose.TASK, dedupe, case, {"task": task.id}, place
    )


async def retire(session: AsyncSession, task: Task, line: str) -> None:
    """A closing line in the place of the task's cards."""
    for delivery in await tasks.shown(session, task):
        await posting.retire(session, delivery, Outgoing(f"诉求 #{task.case_id} {line}"))


async def withdraw(
    session: AsyncSession, case: Case, kinds: Iterable[TaskKind], why: str
) -> list[Task]:
    """End the open tasks of a case that went on without them; returns them."""
    found = await tasks.standing(session, [case.id or 0], kinds)
    for task in found:
        tasks.close(task, TaskState.WITHDRAWN, outcome=why)
        await retire(session, task, f"{TaskKind(task.kind).label}：{why}，不用再处理。")
    return found


async def _who_decided(session: AsyncSession, task: Task) -> str:
    other = await session.get(Staff, task.decided_by) if task.decided_by else None
    if other is None:
        return "这个事项已经结束，您的操作没有执行。"
    return f"{other.display_name}已经处理过这个事项，您的操作没有执行。"
