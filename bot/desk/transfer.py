"""转办: handed to another department, which answers for it once it has signed (签收) for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.clock import Limit, Unit, due
from bot.desk import posting, tasks, wording
from bot.desk.desktop import DECIDERS, Desktop, acting, reason_given
from bot.desk.office import DeskError, Office, key_of
from bot.desk.tasks import Decision
from bot.desk.turns import set_due
from storage import tasks as store
from storage.ledger import record
from storage.models import Case, Staff, Task
from storage.terms import CaseState, EventKind, TaskKind, TaskState

_SILENT = "逾期未签收"


class Transfer:
    """Until it is signed for, the case and its clock stay where they are."""

    verbs: ClassVar[Mapping[str, str]] = {"accept": "", "return": "退件的理由"}

    def __init__(self, office: Office) -> None:
        self._office = office

    async def ask(
        self, staff: Staff, case_id: int, version: int, place: str, department: str, reason: str
    ) -> str:
        """Offer the case to a department, whose people are told."""
        async with acting(self._office, "transfer", staff, case_id, version, place) as desk:
            said = reason_given(reason)
            await self._check(desk, department)
            people = await _receivers(desk.session, department, staff)
            if not people:
                raise DeskError(f"{department}没有能签收的人员，请管理员先登记。")
            limit = Limit(self._office.rules.transfer_workdays, Unit.WORKDAY)
            calendar = self._office.rules.calendar.of(department)
            task = await tasks.begin(
                self._office,
                desk.session,
                desk.case,
                TaskKind.TRANSFER,
                asked_by=staff,
                text=said,
                due_at=due(self._office.now(), limit, calendar).at,
                department=department,
            )
            move = {"before": desk.case.department, "after": department}
            record(
                desk.session,
                desk.case,
                EventKind.TRANSFERRED,
                actor=desk.actor,
                at=task.created_at,
                reason=said,
                pending=True,
                task=task.id,
                **move,
            )
            await tasks.show(self._office, desk.session, task, people)
            until = wording.spoken_day(task.due_at) if task.due_at else ""
            return f"已转给{department}，等对方签收（{until}前）；签收前仍由原单位负责，时限照算。"

    async def _check(self, desk: Desktop, department: str) -> None:
        if department == desk.case.department:
            raise DeskError(f"这件诉求本来就由{department}承办。")
        open_ = await store.standing(desk.session, [key_of(desk.case)])
        if any(one.kind == TaskKind.TRANSFER for one in open_):
            raise DeskError("已经转办，正在等对方单位签收或退件。")
        if any(one.kind == TaskKind.SUPPLEMENT for one in open_):
            raise DeskError("正在等群众补充，收到补充或结束等待后再转办。")

    def concerns(self, staff: Staff, task: Task) -> bool:
        """Those of the department, and those who decide and belong to no other one."""
        department = task.data["department"]
        own = staff.department == department
        return task.asked_by != staff.id and (
            own or (staff.role in DECIDERS and not staff.department)
        )

    async def allow(self, decision: Decision, verb: str) -> None:
        if decision.task.asked_by == decision.staff.id:
            raise DeskError("这是您自己转出的，要由接收单位签收或退件。")
        if not self.concerns(decision.staff, decision.task):
            department = decision.task.data["department"]
            raise DeskError(f"要由{department}的人员签收或退件，您的操作没有执行。")
        if decision.case.state != CaseState.WAITING:
            state = CaseState(decision.case.state).label
            raise DeskError(f"这件诉求现在是“{state}”，不用再签收。")

    async def carry_out(self, decision: Decision, verb: str, words: str) -> str:
        session, case, task = decision.session, decision.case, decision.task
        if verb == "return":
            store.close(task, TaskState.REFUSED, decision.staff.id, words)
            await _returned(self._office, session, case, task, decision.actor, words)
            return f"{task.data['department']}退件"
        await self._hand_over_time(session, case, task)
        store.close(task, TaskState.APPROVED, decision.staff.id)
        move = {"before": case.department, "to": task.data["department"]}
        record(session, case, EventKind.ACCEPTED, actor=decision.actor, task=task.id, **move)
        case.department, case.assignee_id, case.reason = move["to"], None, ""
        case.version += 1
        await set_due(self._office, session, case)
        await session.flush()
        await posting.card(self._office, session, case)
        return f"{move['to']}已签收"

    async def _hand_over_time(self, session: AsyncSession, case: Case, task: Task) -> None:
        """The time that the first accepted 转办 of a case took is no one's: it is a pause.

        Sent to and fro a case gains nothing more, and after its due time nothing at all.
        """
        known = await store.of_case(session, key_of(case))
        before = [one for one in known if one.kind == TaskKind.TRANSFER]
        if any(one.state == TaskState.APPROVED for one in before):
            return
        if case.due_at is None or task.created_at >= case.due_at:
            return
        about: dict[str, Any] = {"why": "transfer", "task": task.id}
        actor = f"staff:{task.asked_by}"
        record(session, case, EventKind.PAUSED, at=task.created_at, actor=actor, **about)
        record(session, case, EventKind.UNPAUSED, actor=actor, cause="已签收", **about)

    async def expire(self) -> int:
        """What nobody signed for in time goes back; returns how many."""
        async with self._office.db.read() as session:
            over = await store.ended(session, TaskKind.TRANSFER, self._office.now())
        for one in over:
            async with self._office.db.write() as session:
                case, task = await tasks.hold(session, one.id or 0)
                if task.state == TaskState.OPEN:
                    store.close(task, TaskState.REFUSED, outcome=_SILENT)
                    await _returned(self._office, session, case, task, "system", _SILENT)
                    line = f"{TaskKind.TRANSFER.label}：{_SILENT}，已退回"
                    await tasks.retire(session, task, line)
        return len(over)


async def _returned(
    office: Office, session: AsyncSession, case: Case, task: Task, actor: str, reason: str
) -> None:
    record(
        session,
        case,
        EventKind.RETURNED,
        actor=actor,
        reason=reason,
        to=case.department,
        task=task.id,
        **{"from": task.data["department"]},
    )
    case.reason = f"{task.data['department']}退件：{reason}"
    case.version += 1
    await session.flush()
    if case.state == CaseState.WAITING:
        await posting.card(office, session, case)


async def _receivers(session: AsyncSession, department: str, asker: Staff) -> list[Staff]:
    """Who can sign for the department: its own people, or those who decide for all."""
    everyone = await store.people(session)
    others = [one for one in everyone if one.id != asker.id]
    own = [one for one in others if one.department == department]
    return own or [one for one in others if one.role in DECIDERS and not one.department]
