"""回访: a poor grade is followed up by somebody who had no part in the answer, by a date."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.clock import Limit, Unit, due
from bot.desk import perfunctory, tasks, wording
from bot.desk.desktop import DECIDERS
from bot.desk.office import DeskError, Office, key_of
from bot.desk.tasks import Decision
from storage import tasks as store
from storage.ledger import events, record
from storage.models import Case, Staff, Task
from storage.terms import EventKind, TaskKind, TaskState

POOR = 4
"""The best of the grades that are 差评."""


class Callback:
    """Opened by the grade, closed by a person who says what came of it."""

    verbs: ClassVar[Mapping[str, str]] = {
        "rectified": "整改情况",
        "explained": "回访情况",
        "unreachable": "联系经过",
    }

    def __init__(self, office: Office) -> None:
        self._office = office

    async def open(self, session: AsyncSession, case: Case) -> Task:
        """Follow a poor grade up."""
        limit = Limit(self._office.rules.callback_workdays, Unit.WORKDAY)
        calendar = self._office.rules.calendar.of(case.department)
        until = due(self._office.now(), limit, calendar).at
        answerers = await _answerers(session, case)
        task = await tasks.begin(
            self._office,
            session,
            case,
            TaskKind.CALLBACK,
            due_at=until,
            grade=case.grade,
            answerers=sorted(answerers),
        )
        record(session, case, EventKind.CALLBACK_OPENED, due=until.isoformat(), task=task.id)
        await tasks.show(self._office, session, task, await callers(session, case, task))
        return task

    async def heard(self, session: AsyncSession, case: Case) -> None:
        """The citizen said more of their grade: whoever calls must know it."""
        for task in await store.standing(session, [key_of(case)], [TaskKind.CALLBACK]):
            await tasks.retire(session, task, f"{TaskKind.CALLBACK.label}：群众写了意见，看下面。")
            people = await callers(session, case, task)
            await tasks.show(self._office, session, task, people, again=True)

    def concerns(self, staff: Staff, task: Task) -> bool:
        return f"staff:{staff.id}" not in task.data["answerers"]

    async def allow(self, decision: Decision, verb: str) -> None:
        if decision.actor in await _answerers(decision.session, decision.case):
            raise DeskError("这件诉求的答复经过您的手，请换一位同事回访。")

    async def carry_out(self, decision: Decision, verb: str, words: str) -> str:
        """``words`` stay with the task, where an erasure finds them."""
        task = decision.task
        store.close(task, TaskState.DONE, decision.staff.id, words)
        record(
            decision.session,
            decision.case,
            EventKind.CALLBACK_DONE,
            actor=decision.actor,
            outcome=verb,
            task=task.id,
        )
        return wording.OUTCOMES[verb]


async def callers(session: AsyncSession, case: Case, task: Task) -> list[Staff]:
    """Who is asked to call: the department's people without a part in the answer, or those who
    decide, or anybody else."""
    everyone = await store.people(session)
    free = [one for one in everyone if f"staff:{one.id}" not in task.data["answerers"]]
    own = [one for one in free if case.department and one.department == case.department]
    return own or [one for one in free if one.role in DECIDERS] or free


async def _answerers(session: AsyncSession, case: Case) -> set[str]:
    """Everybody who wrote or reviewed a reply of the case."""
    told = await events(session, key_of(case))
    return {one.actor for one in told if perfunctory.wrote_reply(one)} - {"system"}
