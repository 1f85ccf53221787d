"""改类别: the due time follows, the first one stays visible, nothing leaves the assessment."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.desk import DeskError
from bot.desk.wording import spoken_day
from tests.support import STAFF_PLACE, Town

WHY = "研判有误"


async def _change(town: Town, case_id: int, key: str, by: int = 0, reason: str = WHY) -> str:
    version = (await town.case(case_id)).version
    text = await town.desk.recategorising.change(
        await town.staff(by), case_id, version, STAFF_PLACE, key, reason
    )
    await town.settle()
    return text


async def test_the_due_time_follows_and_the_first_one_stays(town: Town) -> None:
    case_id, _ = await town.waiting()
    before = await town.case(case_id)
    told = await _change(town, case_id, "complaint")
    after = await town.case(case_id)
    assert (before.category, after.category) == ("咨询", "投诉")
    assert after.due_at is not None and before.due_at is not None
    assert after.due_at > before.due_at and after.original_due_at == before.due_at
    assert told == f"已改为“投诉”，时限改为{spoken_day(after.due_at)}。"
    (event,) = await town.events("category_changed")
    assert event.data == {"from": "咨询", "to": "投诉", "reason": WHY}
    card = town.to(STAFF_PLACE)[-1].text
    assert f"（原时限 {spoken_day(before.due_at)}）" in card
    assert town.to("7001")[-1].text == (
        f"您的诉求 #{case_id} 按“投诉”办理，最晚{spoken_day(after.due_at)}前回复。"
    )
    await town.agrees()


async def test_back_again_the_first_due_time_holds(town: Town) -> None:
    case_id, _ = await town.waiting()
    first = (await town.case(case_id)).due_at
    await _change(town, case_id, "complaint")
    await _change(town, case_id, "consult")
    case = await town.case(case_id)
    assert (case.due_at, case.original_due_at, case.category) == (first, None, "咨询")
    await town.agrees()


@pytest.mark.parametrize("key", ["thanks", "ad", "chat", "invalid", "nonsense", ""])
async def test_nothing_is_made_into_what_needs_no_answer(town: Town, key: str) -> None:
    case_id, _ = await town.waiting()
    with pytest.raises(DeskError, match="提出剔除"):
        await _change(town, case_id, key)
    assert (await town.case(case_id)).category == "咨询"
    assert key not in await town.desk.recategorising.options(case_id)


async def test_after_the_due_time_it_moves_nothing(town: Town) -> None:
    case_id = await town.say("低保怎么申请", at=datetime.now(UTC) - timedelta(days=60))
    await town.settle()
    due, told = (await town.case(case_id)).due_at, len(town.to("7001"))
    assert await _change(town, case_id, "complaint") == "已改为“投诉”，时限没有变化。"
    case = await town.case(case_id)
    assert (case.due_at, case.original_due_at) == (due, None)
    assert len(town.to("7001")) == told
    await town.agrees()


async def test_a_reason_and_a_change_are_needed(town: Town) -> None:
    case_id, _ = await town.waiting()
    with pytest.raises(DeskError, match="写明理由"):
        await _change(town, case_id, "help", reason=" ")
    with pytest.raises(DeskError, match="本来就是"):
        await _change(town, case_id, "consult")


async def test_what_a_person_said_triage_does_not_take_back(town: Town) -> None:
    case_id, version = await town.waiting()
    await _change(town, case_id, "complaint")
    version = (await town.case(case_id)).version
    await town.desk.review.adopt(await town.staff(), case_id, version, STAFF_PLACE)
    await town.settle()
    await town.desk.citizens.unhelpful("telegram", "7001", case_id)
    await town.settle()
    case = await town.case(case_id)
    assert (case.state, case.category) == ("waiting", "投诉")
    await town.agrees()


async def test_a_matter_taken_for_small_talk_is_one_from_its_start(town: Town) -> None:
    asked = datetime.now(UTC) - timedelta(days=40)
    case_id = await town.say("你好呀", at=asked)
    await town.settle()
    closed = await town.case(case_id)
    assert (closed.state, closed.category) == ("closed", "闲聊")
    assert "转入待办" in await _change(town, case_id, "help")
    case = await town.case(case_id)
    assert (case.state, case.category, case.reason) == ("waiting", "求助", "")
    assert case.opened_at == asked and case.due_at is not None
    assert "最晚" in town.to("7001")[-1].text
    await town.agrees()


async def test_what_staff_closed_is_not_opened_this_way(town: Town) -> None:
    case_id, version = await town.waiting()
    await town.desk.review.close(await town.staff(), case_id, version, STAFF_PLACE, "重复提交")
    with pytest.raises(DeskError, match="不能改类别"):
        await _change(town, case_id, "help")
