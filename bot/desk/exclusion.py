"""剔除: taking a case out of the assessment, proposed by one person, confirmed by another."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import ClassVar

from bot.desk import tasks
from bot.desk.desktop import DECIDERS, acting, reason_given
from bot.desk.office import DeskError, Office, key_of
from bot.desk.tasks import Decision, decides, second_person
from storage import tasks as store
from storage.ledger import record
from storage.models import Staff, Task
from storage.terms import CaseState, EventKind, ExclusionCode, TaskKind, TaskState

_STATES = tuple(state for state in CaseState if state != CaseState.MERGED)


class Exclusion:
    """剔除 and its revocation. An excluded case is worked on and answered like any other."""

    verbs: ClassVar[Mapping[str, str]] = {"approve": "", "refuse": "不同意的理由"}

    def __init__(self, office: Office) -> None:
        self._office = office

    async def propose(
        self, staff: Staff, case_id: int, version: int, place: str, code: str, evidence: str
    ) -> str:
        """Ask a second person to take the case out of the figures."""
        if code not in tuple(ExclusionCode):
            raise DeskError("没有这种剔除原因，请重新选择。")
        async with acting(self._office, "exclude", staff, case_id, version, place, _STATES) as desk:
            if desk.case.excluded:
                raise DeskError("这件诉求已经剔除，不用再提。")
            if await store.standing(desk.session, [case_id], [TaskKind.EXCLUSION]):
                raise DeskError("已有人提出剔除，等主管或管理员决定。")
            said = reason_given(evidence, "证据")
            task = await tasks.begin(
                self._office,
                desk.session,
                desk.case,
                TaskKind.EXCLUSION,
                asked_by=staff,
                text=said,
                code=code,
            )
            record(
                desk.session,
                desk.case,
                EventKind.EXCLUSION_PROPOSED,
                actor=desk.actor,
                code=code,
                evidence_sha256=_digest(said),
                task=task.id,
            )
            await tasks.show(self._office, desk.session, task)
            return "已提出剔除，等另一位主管或管理员确认；诉求照常办理。"

    def concerns(self, staff: Staff, task: Task) -> bool:
        return decides(staff, task)

    async def allow(self, decision: Decision, verb: str) -> None:
        second_person(decision)

    async def carry_out(self, decision: Decision, verb: str, words: str) -> str:
        case, task = decision.case, decision.task
        told = {"code": task.data["code"], "proposed_by": decision.asker, "task": task.id}
        if verb == "approve":
            case.excluded = task.data["code"]
            kind, state, text = EventKind.EXCLUDED, TaskState.APPROVED, "已剔除"
            told["evidence_sha256"] = _digest(task.text)
        else:
            kind, state, text = EventKind.EXCLUSION_REFUSED, TaskState.REFUSED, "不同意剔除"
            told["reason"] = words
        store.close(task, state, decision.staff.id, words)
        record(decision.session, case, kind, actor=decision.actor, **told)
        return text

    async def revoke(
        self, staff: Staff, case_id: int, version: int, place: str, reason: str
    ) -> str:
        """恢复计入: the case counts again."""
        if staff.role not in DECIDERS:
            raise DeskError("要由主管或管理员恢复，您的操作没有执行。")
        async with acting(self._office, "include", staff, case_id, version, place, _STATES) as desk:
            case = desk.case
            if not case.excluded:
                raise DeskError("这件诉求没有剔除。")
            said = reason_given(reason)
            record(
                desk.session,
                case,
                EventKind.EXCLUSION_REVOKED,
                actor=desk.actor,
                code=case.excluded,
                reason=said,
            )
            case.excluded = ""
            return f"诉求 #{key_of(case)} 已恢复计入考核"


def _digest(evidence: str) -> str:
    """What ties the ledger to an evidence that it must not hold: it outlives an erasure."""
    return hashlib.sha256(evidence.encode()).hexdigest()
