"""请群众补充: the clock stands still from the delivery of a specific request until an answer."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.channels.base import UnreachableError
from bot.clock import Limit, Unit, due
from bot.deadlines import Standing
from bot.desk import DeskError
from bot.desk.pauses import resume_due
from bot.desk.turns import stand
from storage import queries
from storage.db import Database
from storage.models import Draft, Task
from tests.support import STAFF_PLACE, Town, build_town

WHAT = "请告知您家的门牌号和哪一天停的水。"


async def _ask(town: Town, case_id: int, text: str = WHAT, by: int = 0) -> str:
    version = (await town.case(case_id)).version
    told = await town.desk.supplement.ask(await town.staff(by), case_id, version, STAFF_PLACE, text)
    await town.settle()
    return told


async def _paused(town: Town) -> int:
    case_id, _ = await town.waiting()
    await _ask(town, case_id)
    assert (await town.case(case_id)).paused_at is not None
    return case_id


async def _run_out(town: Town) -> None:
    """As if the days that a citizen has were over."""
    async with town.db.write() as session:
        for task in await town.rows(Task):
            row = await session.get_one(Task, task.id)
            row.due_at = task.created_at + timedelta(milliseconds=1)
    assert await resume_due(town.desk.office) == 1
    await town.settle()


async def _stands(town: Town, case_id: int) -> Standing:
    async with town.db.read() as session:
        return await stand(town.desk.office, session, await town.case(case_id))


async def test_the_clock_stands_still_from_the_delivery_on(town: Town) -> None:
    case_id, _ = await town.waiting()
    before = await town.case(case_id)
    assert "等群众补充" in await _ask(town, case_id)
    case = await town.case(case_id)
    asked = town.to("7001")[-1].text
    assert WHAT in asked and "最多 5 个工作日" in asked
    (event,) = await town.events("paused")
    (task,) = await town.rows(Task)
    calendar = town.desk.office.rules.calendar
    until = due(event.at, Limit(5, Unit.WORKDAY), calendar).at
    assert (case.state, case.paused_at, event.actor) == ("waiting", event.at, "staff:1")
    assert (task.state, task.due_at, event.data["until"]) == ("open", until, until.isoformat())
    assert case.due_at == before.due_at
    assert "等您补充" in await town.desk.citizens.cases("telegram", "7001")
    assert "时限：已暂停" in (await town.desk.review.show(case_id)).text
    assert WHAT not in str(event.data)
    await town.agrees()


async def test_it_runs_on_when_the_citizen_writes(town: Town) -> None:
    case_id = await _paused(town)
    written = datetime.now(UTC) + timedelta(hours=30)
    assert await town.say("门牌 12 号，周二停的", at=written) == case_id
    await town.settle()
    case = await town.case(case_id)
    (event,) = await town.events("unpaused")
    assert (event.at, event.actor, event.data["cause"]) == (written, "citizen", "群众已补充")
    assert (case.paused_at, [one.state for one in await town.rows(Task)]) == (None, ["done"])
    assert "门牌 12 号" in town.to(STAFF_PLACE)[-1].text
    await town.agrees()


async def test_it_never_stands_still_beyond_the_limit_however_late_one_looks(town: Town) -> None:
    case_id = await _paused(town)
    (task,) = await town.rows(Task)
    await town.say("刚看到", at=datetime.now(UTC) + timedelta(days=90))
    (event,) = await town.events("unpaused")
    assert event.at == task.due_at
    assert (await town.case(case_id)).paused_at is None


async def test_at_the_limit_it_runs_on_by_itself(town: Town) -> None:
    case_id = await _paused(town)
    assert await resume_due(town.desk.office) == 0
    await _run_out(town)
    assert await resume_due(town.desk.office) == 0
    case = await town.case(case_id)
    (event,) = await town.events("unpaused")
    assert (case.paused_at, event.actor) == (None, "system")
    assert "没有在期限内补充，计时已恢复" in town.to(STAFF_PLACE)[-1].text
    await town.agrees()


async def test_staff_may_end_it_with_a_reason(town: Town) -> None:
    case_id = await _paused(town)
    version = (await town.case(case_id)).version
    staff, resume = await town.staff(1), town.desk.supplement.resume
    with pytest.raises(DeskError, match="写明理由"):
        await resume(staff, case_id, version, STAFF_PLACE, "")
    assert await resume(staff, case_id, version, STAFF_PLACE, "已从物业了解") == "已恢复计时"
    (event,) = await town.events("unpaused")
    assert (event.actor, event.data["cause"]) == ("staff:2", "已从物业了解")
    with pytest.raises(DeskError, match="没有暂停"):
        await resume(staff, case_id, version + 1, STAFF_PLACE, "再来")
    await town.agrees()


async def test_what_it_took_is_given_back_and_the_original_due_time_kept(town: Town) -> None:
    case_id = await _paused(town)
    original = (await _stands(town, case_id)).original.at
    await town.say("门牌 12 号")
    await town.settle()
    stands = await _stands(town, case_id)
    case = await town.case(case_id)
    assert stands.paused_natural > timedelta(0)
    assert stands.original.at == original and case.due_at == stands.due.at
    await town.agrees()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "写明要群众补充什么"),
        ("请补充详细情况。", "没有说清"),
        ("正在核实，请耐心等待。", "没有说清"),
        ("已经修好了。", "没有说清"),
        ("请问" + "长" * 500, "最多写 500 字"),
        ("请把材料发到 13812341234", "没有发送"),
        ("请{姓名}告知门牌号", "没有发送"),
    ],
)
async def test_only_a_specific_request_that_may_be_published_leaves(
    town: Town, text: str, told: str
) -> None:
    case_id, _ = await town.waiting()
    with pytest.raises(DeskError, match=told):
        await _ask(town, case_id, text)
    assert (await town.case(case_id)).paused_at is None
    assert await town.rows(Task) == []


@pytest.mark.parametrize("text", ["您家在哪个小区、几号楼？", "请提供路灯的杆号和具体位置。"])
async def test_questions_are_specific(town: Town, text: str) -> None:
    case_id, _ = await town.waiting()
    await _ask(town, case_id, text)
    assert (await town.case(case_id)).paused_at is not None


async def test_after_the_due_time_nothing_pauses(town: Town) -> None:
    case_id = await town.say("低保怎么申请", at=datetime.now(UTC) - timedelta(days=60))
    await town.settle()
    with pytest.raises(DeskError, match="时限已过"):
        await _ask(town, case_id)


async def test_a_request_that_arrives_after_the_due_time_pauses_nothing(town: Town) -> None:
    case_id, version = await town.waiting()
    staff = await town.staff()
    await town.desk.supplement.ask(staff, case_id, version, STAFF_PLACE, WHAT)
    async with town.db.write() as session:
        case = await session.get_one(type(await town.case(case_id)), case_id)
        due_at, case.due_at = case.due_at, datetime.now(UTC) - timedelta(seconds=1)
    await town.settle()
    assert await town.events("paused") == []
    assert "已过时限，计时没有暂停" in town.to(STAFF_PLACE)[-1].text
    assert due_at is not None


async def test_a_request_that_does_not_arrive_pauses_nothing(town: Town) -> None:
    case_id, version = await town.waiting()
    staff = await town.staff()
    await town.desk.supplement.ask(staff, case_id, version, STAFF_PLACE, WHAT)
    town.channel.failures.append(UnreachableError("blocked"))
    await town.settle()
    case = await town.case(case_id)
    assert (case.paused_at, await town.events("paused")) == (None, [])
    assert "没有送达" in town.to(STAFF_PLACE)[-1].text
    await town.agrees()


async def test_once_at_a_time_and_unanswered_only_by_another_decider(town: Town) -> None:
    case_id = await _paused(town)
    with pytest.raises(DeskError, match="正在等回复"):
        await _ask(town, case_id)
    await _run_out(town)
    for by in (0, 1):
        with pytest.raises(DeskError, match="另一位主管或管理员"):
            await _ask(town, case_id, by=by)
    await _ask(town, case_id, by=2)
    assert len(await town.events("paused")) == 2
    await _run_out(town)
    with pytest.raises(DeskError, match="另一位主管或管理员"):
        await _ask(town, case_id, by=2)


async def test_an_answered_request_may_be_followed_by_another(town: Town) -> None:
    case_id = await _paused(town)
    await town.ask("门牌 12 号")
    await _ask(town, case_id, "请告知哪一天停的水。")
    assert len(await town.events("paused")) == 2


async def test_a_reply_ends_it(town: Town) -> None:
    case_id = await _paused(town)
    version = (await town.case(case_id)).version
    await town.desk.review.adopt(await town.staff(), case_id, version, STAFF_PLACE)
    await town.settle()
    case = await town.case(case_id)
    assert (case.state, case.paused_at) == ("answered", None)
    (event,) = await town.events("unpaused")
    assert event.at == case.answered_at
    await town.agrees()


async def test_closing_and_erasing_end_it(town: Town) -> None:
    case_id = await _paused(town)
    version = (await town.case(case_id)).version
    await town.desk.review.close(await town.staff(), case_id, version, STAFF_PLACE, "重复提交")
    await town.agrees()
    other, _ = await town.waiting(citizen="7002")
    await _ask(town, other)
    await town.desk.citizens.erase("telegram", "7002")
    assert (await town.case(other)).paused_at is None
    assert all(WHAT not in task.text for task in await town.rows(Task) if task.case_id == other)
    await town.agrees()


async def test_a_paused_case_stands_behind_the_others_and_is_not_overdue(town: Town) -> None:
    case_id = await _paused(town)
    other, _ = await town.waiting(citizen="7002")
    now = datetime.now(UTC)
    async with town.db.read() as session:
        following = await queries.next_waiting(session, now)
        late = await queries.overdue_count(session, now + timedelta(days=90))
    assert following is not None and following.id == other
    assert late == 1
    assert "前面 1 件" in (await town.desk.review.show(case_id)).text
    assert await town.desk.duties.remind() == 0


async def test_every_review_step_sees_the_request_and_one_may_take_it_back(
    database: Database,
) -> None:
    town = await build_town(database, review_steps=2)
    case_id, _ = await town.waiting()
    assert "还需 1 步" in await _ask(town, case_id)
    card = town.to(STAFF_PLACE)[-1]
    assert "请群众补充（待审）" in card.text and WHAT in card.text and "初审 张三" in card.text
    titles = [button.title for row in card.buttons for button in row]
    assert titles[:3] == ["复审通过并发送", "编辑", "撤回请求"]
    with pytest.raises(DeskError, match="待审"):
        await _ask(town, case_id, by=1)
    version = (await town.case(case_id)).version
    with pytest.raises(DeskError, match="换一位同事"):
        await town.desk.review.adopt(await town.staff(0), case_id, version, STAFF_PLACE)
    text = await town.desk.supplement.take_back(await town.staff(0), case_id, version, STAFF_PLACE)
    await town.settle()
    assert text == "已撤回补充请求" and "拟答（把握" in town.to(STAFF_PLACE)[-1].text
    assert WHAT not in str(town.to("7001"))
    await _ask(town, case_id)
    version = (await town.case(case_id)).version
    li = await town.staff(1)
    edited = "请告知您家的门牌号。"
    assert "已发送" in await town.desk.review.send(li, case_id, version, STAFF_PLACE, edited)
    await town.settle()
    assert edited in town.to("7001")[-1].text
    assert (await town.case(case_id)).paused_at is not None
    reviewed = [one.data.get("request") for one in await town.events("reviewed")]
    assert reviewed == [True, True, True]
    (open_,) = [one for one in await town.rows(Draft) if one.state == "open"]
    assert open_.kind == "reply"
    await town.agrees()


async def test_in_public_nobody_is_led_to_write_what_is_private(town: Town) -> None:
    case_id = await town.say("低保怎么申请", kind="comment", place="-5", thread="-5/1")
    await town.settle()
    await _ask(town, case_id, "请告知是哪个街道的事？")
    assert "不要写电话、住址" in town.to("-5")[-1].text


async def test_while_it_stands_still_no_extension_is_asked_for(town: Town) -> None:
    case_id = await _paused(town)
    version = (await town.case(case_id)).version
    with pytest.raises(DeskError, match="正暂停"):
        await town.desk.extension.ask(await town.staff(), case_id, version, "", 3, "情况复杂")
