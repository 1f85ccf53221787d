"""延期: asked for in time, approved by another, original due time kept, the citizen told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.deadlines import extended
from bot.desk import Desk, DeskError
from bot.desk.turns import stand
from bot.desk.wording import spoken_day
from storage.models import CaseEvent, Delivery, Task
from tests.support import STAFF_PLACE, Town

REASON = "情况复杂，需要现场核实"


async def _asked(town: Town, by: int = 0, days: int = 3) -> tuple[int, int]:
    case_id, version = await town.waiting()
    await town.desk.extension.ask(await town.staff(by), case_id, version, STAFF_PLACE, days, REASON)
    await town.settle()
    return case_id, (await town.rows(Task))[-1].id or 0


async def _approve(town: Town, task: int) -> str:
    text = await town.desk.tasks.act(await town.staff(2), task, "approve", STAFF_PLACE)
    await town.settle()
    return text


async def _event(town: Town, kind: str) -> CaseEvent:
    return [one for one in await town.rows(CaseEvent) if one.kind == kind][-1]


async def test_approved_it_moves_the_due_time_and_keeps_the_original(town: Town) -> None:
    case_id, task = await _asked(town)
    before = await town.case(case_id)
    assert before.due_at is not None and before.original_due_at is None
    text = await _approve(town, task)
    after = await town.case(case_id)
    until = extended(before.due_at, 3, town.desk.office.rules.calendar)
    assert (after.due_at, after.original_due_at) == (until, before.due_at)
    assert text == f"同意延期到{spoken_day(until)}"
    event = await _event(town, "extension_approved")
    assert (event.actor, event.data["requested_by"]) == ("staff:3", "staff:1")
    assert event.data["until"] == until.isoformat()
    assert (await town.kinds(case_id))[-2:] == ["extension_approved", "due_set"]
    assert (await _event(town, "due_set")).data["due"] == until.isoformat()
    async with town.db.read() as session:
        stands = await stand(town.desk.office, session, after)
    assert (stands.due.at, stands.original.at) == (after.due_at, after.original_due_at)


async def test_the_citizen_is_told_the_new_date_and_why(town: Town) -> None:
    case_id, task = await _asked(town)
    told = len(town.to("7001"))
    await _approve(town, task)
    due = (await town.case(case_id)).due_at
    assert due is not None
    (news,) = town.to("7001")[told:]
    assert news.text == (
        f"您的诉求 #{case_id} 需要更多时间办理，最晚{spoken_day(due)}前回复。原因：{REASON}"
    )
    assert spoken_day(due) in await town.desk.citizens.cases("telegram", "7001")
    card = [one for one in town.to(STAFF_PLACE) if "拟答" in one.text][-1]
    assert f"时限：{spoken_day(due)}（原时限" in card.text


async def test_asking_moves_nothing(town: Town) -> None:
    case_id, _ = await _asked(town)
    case = await town.case(case_id)
    assert (case.original_due_at, "extension_approved" in await town.kinds(case_id)) == (
        None,
        False,
    )
    assert "延长 3 个工作日" in town.to(STAFF_PLACE)[-1].text
    assert "延期申请" in (await town.desk.review.show(case_id)).text


async def test_what_the_citizen_writes_later_does_not_undo_it(town: Town) -> None:
    case_id, task = await _asked(town)
    await _approve(town, task)
    due = (await town.case(case_id)).due_at
    assert await town.ask("补充一下，我家三口人") == case_id
    assert (await town.case(case_id)).due_at == due


async def test_after_the_due_time_it_is_refused(town: Town) -> None:
    case_id = await town.say("低保怎么申请", at=datetime.now(UTC) - timedelta(days=60))
    await town.settle()
    case = await town.case(case_id)
    with pytest.raises(DeskError, match="已经过了，不能再申请延期"):
        await town.desk.extension.ask(
            await town.staff(), case_id, case.version, STAFF_PLACE, 3, REASON
        )
    assert "extension_requested" not in await town.kinds(case_id)


async def test_refused_the_due_time_stays(town: Town) -> None:
    case_id, task = await _asked(town)
    due = (await town.case(case_id)).due_at
    wang = await town.staff(2)
    assert await town.desk.tasks.act(wang, task, "refuse", "", "材料已齐") == "不同意延期"
    case = await town.case(case_id)
    assert (case.due_at, case.original_due_at) == (due, None)
    event = await _event(town, "extension_refused")
    assert (event.actor, event.data["reason"]) == ("staff:3", "材料已齐")
    await town.desk.extension.ask(await town.staff(), case_id, case.version, "", 2, REASON)


async def test_nobody_approves_their_own_or_without_the_role(town: Town) -> None:
    case_id, task = await _asked(town, by=2)
    due = (await town.case(case_id)).due_at
    with pytest.raises(DeskError, match="换一位"):
        await town.desk.tasks.act(await town.staff(2), task, "approve", STAFF_PLACE)
    with pytest.raises(DeskError, match="主管或管理员"):
        await town.desk.tasks.act(await town.staff(1), task, "approve", STAFF_PLACE)
    assert (await town.case(case_id)).due_at == due


@pytest.mark.parametrize(
    ("days", "reason", "told"),
    [
        (0, REASON, "最多延长 15 个工作日"),
        (16, REASON, "最多延长 15 个工作日"),
        (3, " ", "请写明理由"),
        (3, "等{姓名}回来", "要告诉群众"),
    ],
)
async def test_what_is_no_request_is_refused(town: Town, days: int, reason: str, told: str) -> None:
    case_id, version = await town.waiting()
    with pytest.raises(DeskError, match=told):
        await town.desk.extension.ask(
            await town.staff(), case_id, version, STAFF_PLACE, days, reason
        )
    assert await town.rows(Task) == []


async def test_it_is_asked_for_once_at_a_time_and_granted_as_often_as_set(town: Town) -> None:
    case_id, task = await _asked(town)
    zhang, ask = await town.staff(), town.desk.extension.ask
    version = (await town.case(case_id)).version
    with pytest.raises(DeskError, match="已有人申请"):
        await ask(zhang, case_id, version, STAFF_PLACE, 1, REASON)
    await _approve(town, task)
    version = (await town.case(case_id)).version
    with pytest.raises(DeskError, match="最多延期 1 次"):
        await ask(zhang, case_id, version, STAFF_PLACE, 1, REASON)
    office = town.desk.office
    town.desk = Desk(
        replace(office, rules=replace(office.rules, extensions=0)), {"telegram": town.channel}
    )
    other, version = await town.waiting(citizen="7002")
    with pytest.raises(DeskError, match="最多延期 0 次"):
        await town.desk.extension.ask(zhang, other, version, STAFF_PLACE, 1, REASON)


async def test_an_answer_ends_the_request(town: Town) -> None:
    case_id, task = await _asked(town)
    case = await town.case(case_id)
    await town.desk.review.adopt(await town.staff(), case_id, case.version, STAFF_PLACE)
    with pytest.raises(DeskError, match="不用再决定延期"):
        await town.desk.tasks.act(await town.staff(2), task, "approve", STAFF_PLACE)
    await town.settle()
    assert [row.state for row in await town.rows(Task)] == ["withdrawn"]
    assert "已答复，不用再处理" in town.to(STAFF_PLACE)[-1].text
    with pytest.raises(DeskError, match="已经结束"):
        await town.desk.tasks.act(await town.staff(2), task, "approve", STAFF_PLACE)


async def test_of_two_who_decide_at_once_one_does(town: Town) -> None:
    case_id, task = await _asked(town)
    wang = await town.staff(2)
    await town.desk.tasks.act(wang, task, "approve", STAFF_PLACE)
    with pytest.raises(DeskError, match="王五已经处理过"):
        await town.desk.tasks.act(wang, task, "approve", STAFF_PLACE)
    assert (await town.kinds(case_id)).count("extension_approved") == 1
    notices = [row for row in await town.rows(Delivery) if row.purpose == "notice"]
    assert len(notices) == 1
