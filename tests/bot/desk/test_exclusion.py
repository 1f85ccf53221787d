"""剔除: two people, a reason and evidence; the citizen is answered all the same."""

from __future__ import annotations

import hashlib

import pytest

from bot.desk import DeskError
from storage.models import AuditRecord, CaseEvent, Task
from tests.support import STAFF_PLACE, Town

EVIDENCE = "属邻市管辖，对方电话 13812341234 已确认"


async def _proposed(town: Town, by: int = 0) -> tuple[int, int]:
    """A case whose exclusion somebody proposed, and the task's number."""
    case_id, version = await town.waiting()
    await town.desk.exclusion.propose(
        await town.staff(by), case_id, version, STAFF_PLACE, "out_of_jurisdiction", EVIDENCE
    )
    await town.settle()
    return case_id, (await town.rows(Task))[-1].id or 0


async def _event(town: Town, kind: str) -> CaseEvent:
    return next(one for one in await town.rows(CaseEvent) if one.kind == kind)


async def test_a_second_person_confirms(town: Town) -> None:
    case_id, task = await _proposed(town)
    asked = town.to(STAFF_PLACE)[-1]
    assert asked.text.startswith("王五：剔除申请 · 诉求 #1")
    assert "超辖区" in asked.text and "提出：张三" in asked.text
    assert "138****1234" in asked.text and "13812341234" not in asked.text
    assert await town.desk.tasks.act(await town.staff(2), task, "approve", STAFF_PLACE) == "已剔除"
    event = await _event(town, "excluded")
    assert (event.actor, event.data["code"], event.data["proposed_by"]) == (
        "staff:3",
        "out_of_jurisdiction",
        "staff:1",
    )
    assert "邻市" not in str(event.data)
    evidence = (await town.rows(Task))[0].text
    assert event.data["evidence_sha256"] == hashlib.sha256(evidence.encode()).hexdigest()
    assert (await town.case(case_id)).excluded == "out_of_jurisdiction"
    kept = [(row.actor, row.action) for row in await town.rows(AuditRecord)]
    assert {("staff:1", "case.exclude"), ("staff:3", "task.approve")} <= set(kept)
    await town.settle()
    closed = town.to(STAFF_PLACE)[-1]
    assert closed.edits and "已剔除（王五）" in closed.text


async def test_an_excluded_case_stays_in_the_queue_and_is_answered(town: Town) -> None:
    case_id, task = await _proposed(town)
    await town.desk.tasks.act(await town.staff(2), task, "approve", STAFF_PLACE)
    card = await town.desk.review.show(case_id)
    assert "已剔除：超辖区（照常答复，不计入考核）" in card.text
    assert "待人工 1 件" in await town.desk.review.summary()
    case = await town.case(case_id)
    await town.desk.review.adopt(await town.staff(), case_id, case.version, STAFF_PLACE)
    await town.settle()
    assert (await town.case(case_id)).state == "answered"


async def test_refused_with_a_reason_it_counts_and_may_be_proposed_again(town: Town) -> None:
    case_id, task = await _proposed(town)
    wang = await town.staff(2)
    shown = await town.desk.tasks.act(wang, task, "refuse", STAFF_PLACE)
    assert shown == "请在下面写不同意的理由"
    text = await town.desk.tasks.act(wang, task, "refuse", STAFF_PLACE, "属我市管辖")
    assert text == "不同意剔除"
    assert (await _event(town, "exclusion_refused")).data["reason"] == "属我市管辖"
    case = await town.case(case_id)
    assert case.excluded == ""
    await town.desk.exclusion.propose(
        await town.staff(), case_id, case.version, "", "unfounded", "现场核实过"
    )
    assert [row.state for row in await town.rows(Task)] == ["refused", "open"]


async def test_nobody_decides_alone_or_without_the_role(town: Town) -> None:
    case_id, task = await _proposed(town, by=2)
    with pytest.raises(DeskError, match="换一位"):
        await town.desk.tasks.act(await town.staff(2), task, "approve", STAFF_PLACE)
    for number in (0, 1):
        with pytest.raises(DeskError, match="主管或管理员"):
            await town.desk.tasks.act(await town.staff(number), task, "approve", STAFF_PLACE)
    assert (await town.case(case_id)).excluded == ""
    assert (await town.rows(Task))[0].state == "open"


async def test_a_decision_is_made_once(town: Town) -> None:
    _, task = await _proposed(town)
    wang = await town.staff(2)
    await town.desk.tasks.act(wang, task, "approve", STAFF_PLACE)
    with pytest.raises(DeskError, match="王五已经处理过"):
        await town.desk.tasks.act(wang, task, "refuse", STAFF_PLACE, "不行")
    kinds = [one.kind for one in await town.rows(CaseEvent)]
    assert (kinds.count("excluded"), kinds.count("exclusion_refused")) == (1, 0)


@pytest.mark.parametrize(
    ("code", "evidence", "told"),
    [
        ("duplicate", "有据", "没有这种剔除原因"),
        ("unfounded", "  \n ", "请写明证据"),
        ("unfounded", "长" * 301, "最多写 300 字"),
    ],
)
async def test_what_is_no_proposal_is_refused(
    town: Town, code: str, evidence: str, told: str
) -> None:
    case_id, version = await town.waiting()
    with pytest.raises(DeskError, match=told):
        await town.desk.exclusion.propose(
            await town.staff(), case_id, version, STAFF_PLACE, code, evidence
        )
    assert await town.rows(Task) == []


async def test_it_is_proposed_once_at_a_time(town: Town) -> None:
    case_id, task = await _proposed(town)
    exclusion, zhang = town.desk.exclusion, await town.staff()
    version = (await town.case(case_id)).version
    with pytest.raises(DeskError, match="已有人提出"):
        await exclusion.propose(zhang, case_id, version, STAFF_PLACE, "malicious", "刷屏")
    await town.desk.tasks.act(await town.staff(2), task, "approve", STAFF_PLACE)
    with pytest.raises(DeskError, match="已经剔除"):
        await exclusion.propose(zhang, case_id, version, STAFF_PLACE, "malicious", "刷屏")


async def test_revoked_it_counts_again(town: Town) -> None:
    case_id, task = await _proposed(town)
    wang = await town.staff(2)
    await town.desk.tasks.act(wang, task, "approve", STAFF_PLACE)
    version = (await town.case(case_id)).version
    exclusion = town.desk.exclusion
    with pytest.raises(DeskError, match="主管或管理员"):
        await exclusion.revoke(await town.staff(), case_id, version, STAFF_PLACE, "弄错了")
    with pytest.raises(DeskError, match="写明理由"):
        await exclusion.revoke(wang, case_id, version, STAFF_PLACE, "")
    await exclusion.revoke(wang, case_id, version, STAFF_PLACE, "弄错了")
    assert (await town.case(case_id)).excluded == ""
    assert (await _event(town, "exclusion_revoked")).data == {
        "code": "out_of_jurisdiction",
        "reason": "弄错了",
    }
    with pytest.raises(DeskError, match="没有剔除"):
        await exclusion.revoke(wang, case_id, version, STAFF_PLACE, "再来")


async def test_an_answered_case_can_be_excluded_too(town: Town) -> None:
    case_id = await town.ask("身份证丢了怎么补办？")
    case = await town.case(case_id)
    text = await town.desk.exclusion.propose(
        await town.staff(), case_id, case.version, STAFF_PLACE, "not_a_request", "内部测试"
    )
    assert "等另一位" in text


async def test_erasure_takes_the_evidence_along(town: Town) -> None:
    await _proposed(town)
    await town.desk.citizens.erase("telegram", "7001")
    (task,) = await town.rows(Task)
    assert "邻市" not in task.text + task.outcome


async def test_open_tasks_are_listed_for_who_may_decide(town: Town) -> None:
    await _proposed(town)
    assert "没有待处理" in await town.desk.tasks.listed(await town.staff(), "900")
    assert "共 1 项" in await town.desk.tasks.listed(await town.staff(2), "902")
    await town.settle()
    assert "剔除申请" in town.to("902")[-1].text
    assert [button.title for row in town.to("902")[-1].buttons for button in row] == [
        "同意剔除",
        "不同意",
    ]
