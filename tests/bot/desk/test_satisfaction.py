"""Grades asked for once, a comment and one 追评; a poor grade is called back by somebody else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.assessment import Assessment
from bot.clock import Limit, Unit, due
from bot.desk import DeskError
from bot.desk.retention import ERASED
from bot.desk.wording import spoken_day
from bot.ledger import facts
from storage.models import Case, Delivery, Task
from tests.support import STAFF_PLACE, Town

WORDS = "等了三天，电话 13812341234 也没人打"


async def _answered(town: Town, citizen: str = "7001", by: int = 0) -> int:
    """A case that a member of staff answered."""
    case_id, version = await town.waiting(citizen=citizen)
    await town.desk.review.adopt(await town.staff(by), case_id, version, STAFF_PLACE)
    await town.settle()
    return case_id


async def _poor(town: Town, grade: int = 4) -> tuple[int, int]:
    """A case with a poor grade, and the number of its 回访."""
    case_id = await _answered(town)
    await town.desk.satisfaction.rate("telegram", "7001", case_id, grade)
    await town.settle()
    (task,) = await town.rows(Task)
    return case_id, task.id or 0


def _asked(town: Town, citizen: str = "7001") -> int:
    return len([one for one in town.to(citizen) if "满意吗" in one.text])


async def _unopposed(town: Town, case_id: int) -> None:
    async with town.db.write() as session:
        row = await session.get_one(Case, case_id)
        row.answered_at = datetime.now(UTC) - timedelta(days=8)
    await town.desk.duties.resolve_unopposed()
    await town.settle()


async def test_who_never_objected_is_asked_too(town: Town) -> None:
    case_id = await _answered(town)
    await _unopposed(town, case_id)
    assert (await town.case(case_id)).state == "resolved"
    assert "没有提出异议" in town.to("7001")[-1].text and _asked(town) == 1
    assert len(await town.events("rating_asked")) == 1


async def test_a_case_is_asked_about_once_ever(town: Town) -> None:
    case_id = await town.ask("身份证丢了怎么补办？")
    await town.desk.citizens.helpful("telegram", "7001", case_id)
    await town.settle()
    await town.ask("还是不行")
    version = (await town.case(case_id)).version
    await town.desk.review.send(
        await town.staff(),
        case_id,
        version,
        STAFF_PLACE,
        "带户口簿到桥东派出所 3 号窗口办，当天可取。",
    )
    await town.settle()
    await town.desk.citizens.helpful("telegram", "7001", case_id)
    await town.settle()
    assert (await town.case(case_id)).state == "resolved"
    assert _asked(town) == 1 and len(await town.events("rating_asked")) == 1
    await town.agrees()


async def test_the_citizen_may_want_to_grade_at_any_time(town: Town) -> None:
    assert "没有可以评价" in await town.desk.satisfaction.ask("telegram", "7001")
    case_id = await _answered(town)
    for asked in (1, 2):
        assert "低保怎么申请" in await town.desk.satisfaction.ask("telegram", "7001")
        await town.settle()
        assert _asked(town) == asked
    await town.desk.citizens.helpful("telegram", "7001", case_id)
    await town.settle()
    assert _asked(town) == 2 and len(await town.events("rating_asked")) == 1


async def test_whoever_graded_already_is_not_asked(town: Town) -> None:
    case_id = await _answered(town)
    await town.desk.satisfaction.rate("telegram", "7001", case_id, 2)
    await _unopposed(town, case_id)
    assert _asked(town) == 0


@pytest.mark.parametrize("grade", [1, 2, 3])
async def test_a_good_grade_asks_for_no_callback(town: Town, grade: int) -> None:
    case_id = await _answered(town)
    told = await town.desk.satisfaction.rate("telegram", "7001", case_id, grade)
    assert told.endswith("谢谢！")
    assert await town.rows(Task) == []


async def test_a_poor_grade_is_called_back_in_time(town: Town) -> None:
    case_id = await _answered(town)
    told = await town.desk.satisfaction.rate("telegram", "7001", case_id, 5)
    await town.settle()
    (task,), (event,) = await town.rows(Task), await town.events("callback_opened")
    calendar = town.desk.office.rules.calendar
    until = due(event.at, Limit(5, Unit.WORKDAY), calendar).at
    assert (task.kind, task.due_at, event.data["due"]) == ("callback", until, until.isoformat())
    assert told == f"已记下您的评价：非常不满意。我们会在{spoken_day(until)}前派人回访。"
    card = town.to(STAFF_PLACE)[-1]
    assert card.text.startswith("王五：差评回访 · 诉求 #") and "评价：非常不满意" in card.text
    assert f"回访时限：{spoken_day(until)}" in card.text
    assert [row[0].title for row in card.buttons] == [
        "联系上，已整改",
        "联系上，未整改",
        "联系不上",
    ]
    await town.agrees()


async def test_it_is_closed_with_an_outcome_and_words(town: Town) -> None:
    _, task = await _poor(town)
    wang = await town.staff(2)
    with pytest.raises(DeskError, match="写明整改情况"):
        await town.desk.tasks.act(wang, task, "rectified", "", "")
    text = await town.desk.tasks.act(wang, task, "rectified", "", "已上门道歉并补办")
    await town.settle()
    assert text == "联系上，已整改"
    assert "差评回访：联系上，已整改（王五）" in town.to(STAFF_PLACE)[-1].text
    (event,) = await town.events("callback_done")
    assert (event.actor, event.data) == ("staff:3", {"outcome": "rectified", "task": task})
    assert [row.outcome for row in await town.rows(Task)] == ["已上门道歉并补办"]
    rules, now = town.desk.office.rules, datetime.now(UTC)
    counted = Assessment(await facts(town.db), rules.profile, rules.calendar, now).figures(())
    callback = counted["satisfaction"]["callback"]
    assert (callback["rate"], callback["rectified_rate"], callback["in_time"]) == (1.0, 1.0, 1)
    await town.agrees()


async def test_nobody_calls_about_their_own_answer(town: Town) -> None:
    case_id = await _answered(town, by=2)
    await town.desk.satisfaction.rate("telegram", "7001", case_id, 4)
    await town.settle()
    (task,) = await town.rows(Task)
    assert not town.to(STAFF_PLACE)[-1].text.startswith("王五")
    with pytest.raises(DeskError, match="经过您的手"):
        await town.desk.tasks.act(await town.staff(2), task.id or 0, "explained", "", "说明了")
    assert "没有待处理" in await town.desk.tasks.listed(await town.staff(2), "902")
    assert "共 1 项" in await town.desk.tasks.listed(await town.staff(0), "900")
    await town.desk.tasks.act(await town.staff(0), task.id or 0, "unreachable", "", "打了三次")
    assert [one.data["outcome"] for one in await town.events("callback_done")] == ["unreachable"]


async def test_it_belongs_to_the_answer_that_was_graded(town: Town) -> None:
    case_id = await town.say("低保怎么申请", external_id="7001:first")
    await town.settle()
    version = (await town.case(case_id)).version
    await town.desk.review.adopt(await town.staff(), case_id, version, STAFF_PLACE)
    await town.settle()
    await town.desk.satisfaction.rate("telegram", "7001", case_id, 5)
    await town.edit("残疾人低保有没有补助，多少钱", "7001:first")
    await town.settle()
    (task,) = await town.rows(Task)
    await town.desk.tasks.act(await town.staff(2), task.id or 0, "rectified", "", "已说明")
    rules, now = town.desk.office.rules, datetime.now(UTC)
    counted = Assessment(await facts(town.db), rules.profile, rules.calendar, now).figures(())
    assert counted["counts"]["later_turns"] == 1
    assert counted["satisfaction"]["callback"]["rectified"] == 1
    await town.agrees()


async def test_a_comment_and_one_more_later(town: Town) -> None:
    case_id, _ = await _poor(town)
    comment = town.desk.satisfaction.comment
    assert "追评一次" in await comment("telegram", "7001", case_id, f" {WORDS} ")
    assert "已记下" in await comment("telegram", "7001", case_id, WORDS)
    await town.settle()
    _, retired, card = [one for one in town.to(STAFF_PLACE) if "差评回访" in one.text]
    assert retired.edits and "群众写了意见" in retired.text
    assert "意见：等了三天，电话 138****1234 也没人打" in card.text
    assert "追评" in await comment("telegram", "7001", case_id, "后来来了")
    with pytest.raises(DeskError, match="已经追评过"):
        await comment("telegram", "7001", case_id, "再说一句")
    case = await town.case(case_id)
    assert (case.comment, case.follow_up, case.grade) == (WORDS, "后来来了", 4)
    (first,), (second,) = await town.events("commented"), await town.events("follow_up_commented")
    assert first.data == second.data == {}
    assert "追评：后来来了" in (await town.desk.review.show(case_id)).text
    await town.agrees()


@pytest.mark.parametrize(
    ("text", "told"), [(" ", "意见是空的"), ("长" * 501, "最多写 500 字"), ("好", "先选满意程度")]
)
async def test_what_is_no_comment_is_refused(town: Town, text: str, told: str) -> None:
    case_id = await _answered(town)
    with pytest.raises(DeskError, match=told):
        await town.desk.satisfaction.comment("telegram", "7001", case_id, text)


async def test_nobody_comments_for_another(town: Town) -> None:
    case_id, _ = await _poor(town)
    await town.say("你好", "7002")
    with pytest.raises(DeskError, match="不是您的诉求"):
        await town.desk.satisfaction.comment("telegram", "7002", case_id, "很好")


async def _rating_message(town: Town) -> str:
    return next(row.external_id for row in await town.rows(Delivery) if row.purpose == "rating")


async def test_an_answer_to_the_question_for_a_grade_is_understood(town: Town) -> None:
    case_id = await _answered(town)
    await town.desk.citizens.helpful("telegram", "7001", case_id)
    await town.settle()
    number, said = await _rating_message(town), town.desk.satisfaction.said
    assert await said("telegram", "7001", "7001", "none", "满意") is None
    assert await said("telegram", "7001", "7001", number, "还行吧") is None
    assert "已记下您的评价：满意" in (await said("telegram", "7001", "7001", number, "满意") or "")
    for other in ("社保卡丢了怎么补？", "没解决", "有人晕倒了快救人"):
        assert await said("telegram", "7001", "7001", number, other) is None
    assert "意见" in (await said("telegram", "7001", "7001", number, "态度很好") or "")
    assert "追评" in (await said("telegram", "7001", "7001", number, "半年了一直挺好") or "")
    assert await said("telegram", "7001", "7001", number, "又来了") is None
    assert (await town.case(case_id)).follow_up == "半年了一直挺好"
    await town.say("你好", "7002")
    assert await said("telegram", "7002", "7001", number, "满意") is None


async def test_while_the_case_is_worked_on_again_words_are_about_the_matter(town: Town) -> None:
    case_id = await _answered(town)
    await town.desk.citizens.helpful("telegram", "7001", case_id)
    await town.settle()
    number = await _rating_message(town)
    await town.desk.satisfaction.rate("telegram", "7001", case_id, 5)
    await town.desk.citizens.unhelpful("telegram", "7001", case_id)
    assert await town.desk.satisfaction.said("telegram", "7001", "7001", number, "太慢") is None


async def test_erasure_takes_the_words_and_the_callback_along(town: Town) -> None:
    case_id, task = await _poor(town)
    await town.desk.satisfaction.comment("telegram", "7001", case_id, WORDS)
    await town.settle()
    await town.desk.citizens.erase("telegram", "7001")
    case = await town.case(case_id)
    assert (case.comment, case.follow_up, case.grade) == (ERASED, "", 4)
    assert [row.state for row in await town.rows(Task)] == ["withdrawn"]
    assert all("没人打" not in str(row) for row in await town.rows(Delivery))
    with pytest.raises(DeskError, match="已经结束"):
        await town.desk.tasks.act(await town.staff(2), task, "explained", "", "说明了")
    await town.agrees()
