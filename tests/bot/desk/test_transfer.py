"""转办: offered, signed for or returned; only what is signed for moves."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta

import pytest

from bot.clock import Calendar
from bot.desk import Desk, DeskError
from bot.desk.turns import stand
from storage.models import Staff, Task
from tests.support import STAFF_PLACE, Town

TO, WHY = "市教育局", "职责归口"


async def _teacher(town: Town) -> Staff:
    """Somebody of the receiving department."""
    async with town.db.write() as session:
        session.add(
            Staff(login="t", display_name="赵六", role="坐席", telegram_id="950", department=TO)
        )
    staff = await town.desk.review.staff_by_telegram("950")
    assert staff is not None
    return staff


async def _offered(town: Town, by: int = 0, to: str = TO) -> tuple[int, int]:
    case_id, version = await town.waiting()
    await town.desk.transfer.ask(await town.staff(by), case_id, version, STAFF_PLACE, to, WHY)
    await town.settle()
    return case_id, (await town.rows(Task))[-1].id or 0


async def test_offered_it_moves_nothing(town: Town) -> None:
    await _teacher(town)
    case_id, version = await town.waiting()
    before = await town.case(case_id)
    told = await town.desk.transfer.ask(await town.staff(), case_id, version, STAFF_PLACE, TO, WHY)
    await town.settle()
    assert told.startswith(f"已转给{TO}，等对方签收") and "仍由原单位负责" in told
    after = await town.case(case_id)
    assert (after.department, after.due_at) == (before.department, before.due_at)
    (event,) = await town.events("transferred")
    assert (event.data["before"], event.data["after"]) == (before.department, TO)
    request = town.to(STAFF_PLACE)[-1]
    assert request.text.startswith("赵六：转办待接收") and f"理由：{WHY}" in request.text
    assert [row[0].title for row in request.buttons] == ["签收", "退件"]
    assert "转办待接收：转给：市教育局" in (await town.desk.review.show(case_id)).text
    await town.agrees()


async def test_signed_for_the_department_answers_for_it_and_the_way_there_is_a_pause(
    town: Town,
) -> None:
    teacher = await _teacher(town)
    case_id, task = await _offered(town)
    assert await town.desk.tasks.act(teacher, task, "accept", "") == f"{TO}已签收"
    await town.settle()
    case = await town.case(case_id)
    assert (case.department, case.state) == (TO, "waiting")
    (paused,), (unpaused,) = await town.events("paused"), await town.events("unpaused")
    (offered,), (accepted,) = await town.events("transferred"), await town.events("accepted")
    assert (paused.at, paused.actor, accepted.actor) == (offered.at, "staff:1", "staff:4")
    assert unpaused.at <= accepted.at
    async with town.db.read() as session:
        stands = await stand(town.desk.office, session, case)
    assert stands.department == TO and stands.paused_natural > timedelta(0)
    assert f"承办：{TO}" in [one for one in town.to(STAFF_PLACE) if "拟答" in one.text][-1].text
    await town.agrees()


async def test_returned_it_stays_where_it_was_and_nothing_paused(town: Town) -> None:
    teacher = await _teacher(town)
    case_id, task = await _offered(town)
    due, before = (await town.case(case_id)).due_at, (await town.case(case_id)).department
    text = await town.desk.tasks.act(teacher, task, "return", "", "不属教育")
    await town.settle()
    case = await town.case(case_id)
    assert text == f"{TO}退件"
    assert (case.department, case.due_at, case.reason) == (before, due, f"{TO}退件：不属教育")
    (event,) = await town.events("returned")
    assert (event.actor, event.data["from"], event.data["reason"]) == ("staff:4", TO, "不属教育")
    assert await town.events("paused") == []
    assert f"注意：{TO}退件：不属教育" in town.to(STAFF_PLACE)[-2].text
    await town.agrees()


async def test_what_nobody_signs_for_goes_back(town: Town) -> None:
    await _teacher(town)
    case_id, task = await _offered(town)
    assert await town.desk.transfer.expire() == 0
    async with town.db.write() as session:
        (await session.get_one(Task, task)).due_at = datetime.now(UTC) - timedelta(seconds=1)
    assert await town.desk.transfer.expire() == 1
    assert await town.desk.transfer.expire() == 0
    await town.settle()
    case = await town.case(case_id)
    assert (case.department, case.reason) != (TO, "") and "逾期未签收" in case.reason
    (event,) = await town.events("returned")
    assert event.actor == "system"
    await town.agrees()


async def test_only_the_receiving_side_decides(town: Town) -> None:
    await _teacher(town)
    _, task = await _offered(town, by=2)
    for by, told in ((2, "您自己转出"), (0, "要由市教育局"), (1, "要由市教育局")):
        with pytest.raises(DeskError, match=told):
            await town.desk.tasks.act(await town.staff(by), task, "accept", "")
    with pytest.raises(DeskError, match="您自己转出"):
        await town.desk.tasks.act(await town.staff(2), task, "return", "", "x")


async def test_without_people_there_who_decides_for_all_signs(town: Town) -> None:
    case_id, task = await _offered(town)
    assert town.to(STAFF_PLACE)[-1].text.startswith("王五：")
    assert "共 1 项" in await town.desk.tasks.listed(await town.staff(2), "902")
    assert "没有待处理" in await town.desk.tasks.listed(await town.staff(1), "901")
    await town.desk.tasks.act(await town.staff(2), task, "accept", "")
    assert (await town.case(case_id)).department == TO


async def test_where_nobody_could_sign_nothing_is_sent(town: Town) -> None:
    case_id, version = await town.waiting()
    with pytest.raises(DeskError, match="没有能签收的人员"):
        await town.desk.transfer.ask(await town.staff(2), case_id, version, STAFF_PLACE, TO, WHY)


async def test_it_is_one_thing_at_a_time(town: Town) -> None:
    case_id, _ = await _offered(town)
    version, zhang = (await town.case(case_id)).version, await town.staff()
    with pytest.raises(DeskError, match="等对方单位签收"):
        await town.desk.transfer.ask(zhang, case_id, version, STAFF_PLACE, "市残联", WHY)
    with pytest.raises(DeskError, match="等对方单位签收"):
        await town.desk.supplement.ask(zhang, case_id, version, STAFF_PLACE, "请告知门牌号。")
    other, version = await town.waiting(citizen="7002")
    own = (await town.case(other)).department
    with pytest.raises(DeskError, match="本来就由"):
        await town.desk.transfer.ask(zhang, other, version, STAFF_PLACE, own, WHY)
    await town.desk.supplement.ask(zhang, other, version, STAFF_PLACE, "请告知门牌号。")
    version = (await town.case(other)).version
    with pytest.raises(DeskError, match="正在等群众补充"):
        await town.desk.transfer.ask(zhang, other, version, STAFF_PLACE, TO, WHY)


async def test_sent_to_and_fro_it_gains_no_second_pause(town: Town) -> None:
    case_id, task = await _offered(town)
    await town.desk.tasks.act(await town.staff(2), task, "accept", "")
    version = (await town.case(case_id)).version
    await town.desk.transfer.ask(await town.staff(), case_id, version, STAFF_PLACE, "市民政局", WHY)
    task = (await town.rows(Task))[-1].id or 0
    await town.desk.tasks.act(await town.staff(2), task, "accept", "")
    assert len(await town.events("accepted")) == 2
    assert len(await town.events("paused")) == 1
    await town.agrees()


async def test_after_the_due_time_it_moves_the_work_and_not_the_blame(town: Town) -> None:
    case_id = await town.say("低保怎么申请", at=datetime.now(UTC) - timedelta(days=60))
    await town.settle()
    before = await town.case(case_id)
    await town.desk.transfer.ask(await town.staff(), case_id, before.version, STAFF_PLACE, TO, WHY)
    task = (await town.rows(Task))[-1].id or 0
    await town.desk.tasks.act(await town.staff(2), task, "accept", "")
    after = await town.case(case_id)
    async with town.db.read() as session:
        stands = await stand(town.desk.office, session, after)
    assert (after.department, stands.department) == (TO, before.department)
    assert (after.due_at, await town.events("paused")) == (before.due_at, [])
    await town.agrees()


async def test_an_answer_ends_the_offer(town: Town) -> None:
    case_id, task = await _offered(town)
    version = (await town.case(case_id)).version
    await town.desk.review.adopt(await town.staff(), case_id, version, STAFF_PLACE)
    with pytest.raises(DeskError, match="不用再签收"):
        await town.desk.tasks.act(await town.staff(2), task, "accept", "")
    await town.settle()
    assert [one.state for one in await town.rows(Task)] == ["withdrawn"]
    await town.agrees()


async def test_the_new_departments_hours_hold(town: Town) -> None:
    office = town.desk.office
    hours = Calendar(departments={TO: ((time(9), time(12)),)})
    town.desk = Desk(
        replace(office, rules=replace(office.rules, calendar=hours)), {"telegram": town.channel}
    )
    case_id, task = await _offered(town)
    await town.desk.tasks.act(await town.staff(2), task, "accept", "")
    case = await town.case(case_id)
    assert case.due_at is not None and case.due_at.astimezone(UTC).hour in range(1, 5)
    assert case.calendar_version == hours.of(TO).version
    await town.agrees()
