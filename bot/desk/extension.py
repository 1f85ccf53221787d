"""延期: more time, asked for before the due time by one person and approved by another."""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from bot.channels.base import Outgoing
from bot.clock import Unit
from bot.deadlines import extended
from bot.desk import posting, tasks, wording
from bot.desk.desktop import Desktop, acting, reason_given
from bot.desk.office import DeskError, Office, key_of
from bot.desk.tasks import Decision, decides, second_person
from bot.desk.turns import set_due, stand
from storage import tasks as store
from storage.ledger import record
from storage.models import Staff, Task
from storage.terms import CaseState, EventKind, TaskKind, TaskState


class Extension:
    """延期 of a case that waits for staff; the original due time is kept beside the new one."""

    verbs: ClassVar[Mapping[str, str]] = {"approve": "", "refuse": "不同意的理由"}

    def __init__(self, office: Office) -> None:
        self._office = office

    async def ask(
        self, staff: Staff, case_id: int, version: int, place: str, workdays: int, reason: str
    ) -> str:
        """Ask for ``workdays`` more 工作日. The citizen reads the reason once it is approved."""
        async with acting(self._office, "extend", staff, case_id, version, place) as desk:
            said = reason_given(reason)
            await self._check(desk, workdays, said)
            task = await tasks.begin(
                self._office,
                desk.session,
                desk.case,
                TaskKind.EXTENSION,
                asked_by=staff,
                text=said,
                amount=workdays,
            )
            record(
                desk.session,
                desk.case,
                EventKind.EXTENSION_REQUESTED,
                actor=desk.actor,
                reason=said,
                amount=workdays,
                unit=Unit.WORKDAY,
                task=task.id,
            )
            await tasks.show(self._office, desk.session, task)
            return "已申请延期，等另一位主管或管理员批准；批准前时限不变。"

    async def _check(self, desk: Desktop, workdays: int, reason: str) -> None:
        rules, case = self._office.rules, desk.case
        if case.due_at is None:
            raise DeskError("这件诉求还没有时限，不用延期。")
        if case.paused_at is not None:
            raise DeskError("计时正暂停等群众补充，收到补充或结束等待后再申请。")
        if self._office.now() >= case.due_at:
            due = wording.spoken_day(case.due_at)
            raise DeskError(f"时限是{due}，已经过了，不能再申请延期，请尽快答复群众。")
        if not 1 <= workdays <= rules.extension_workdays:
            raise DeskError(f"一次最多延长 {rules.extension_workdays} 个工作日，请重新选择。")
        if findings := self._office.library.screen.blocking(reason):
            raise DeskError(f"理由要告诉群众，不能这样写：{findings[0]}。")
        known = await store.of_case(desk.session, key_of(case))
        asked = [one for one in known if one.kind == TaskKind.EXTENSION]
        if any(one.state == TaskState.OPEN for one in asked):
            raise DeskError("已有人申请延期，等主管或管理员决定。")
        granted = sum(one.state == TaskState.APPROVED for one in asked)
        if granted >= rules.extensions:
            raise DeskError(f"每件最多延期 {rules.extensions} 次，已经用完，请尽快答复群众。")

    def concerns(self, staff: Staff, task: Task) -> bool:
        return decides(staff, task)

    async def allow(self, decision: Decision, verb: str) -> None:
        second_person(decision)
        if decision.case.state != CaseState.WAITING:
            state = CaseState(decision.case.state).label
            raise DeskError(f"这件诉求现在是“{state}”，不用再决定延期。")

    async def carry_out(self, decision: Decision, verb: str, words: str) -> str:
        session, case, task = decision.session, decision.case, decision.task
        if verb == "refuse":
            store.close(task, TaskState.REFUSED, decision.staff.id, words)
            record(
                session,
                case,
                EventKind.EXTENSION_REFUSED,
                actor=decision.actor,
                reason=words,
                requested_by=decision.asker,
                task=task.id,
            )
            return "不同意延期"
        store.close(task, TaskState.APPROVED, decision.staff.id)
        due = await self._grant(decision)
        return f"同意延期到{due}"

    async def _grant(self, decision: Decision) -> str:
        """Move the due time, and tell the citizen; returns it as it is spoken."""
        session, case, task = decision.session, decision.case, decision.task
        stands = await stand(self._office, session, case)
        calendar = self._office.rules.calendar.of(stands.department)
        until = extended(stands.due.at, task.data["amount"], calendar)
        record(
            session,
            case,
            EventKind.EXTENSION_APPROVED,
            actor=decision.actor,
            until=until.isoformat(),
            amount=task.data["amount"],
            unit=Unit.WORKDAY,
            requested_by=decision.asker,
            reason=task.text,
            task=task.id,
        )
        await set_due(self._office, session, case)
        case.version += 1
        text = wording.extended(key_of(case), until, task.text)
        await posting.notice(session, case, Outgoing(text, reply_to=case.reply_to))
        await session.flush()
        await posting.card(self._office, session, case)
        return wording.spoken_day(until)
