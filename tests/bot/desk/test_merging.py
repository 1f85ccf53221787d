"""合并: one citizen's repeats become one case, with the earliest start and an answer everywhere."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from bot.desk import DeskError
from bot.desk.repeats import LIKELY, alike
from storage.models import Case, CaseEvent, Task
from tests.support import STAFF_PLACE, Town

GROUP = "-500"
ASKED = "低保怎么申请"
AGAIN = "请问低保要怎么申请"


async def _twice(town: Town) -> tuple[Case, Case]:
    """The same question in private and, a day earlier, in a group."""
    earlier = datetime.now(UTC) - timedelta(days=1)
    second = await town.ask(ASKED)
    first = await town.say(AGAIN, kind="comment", place=GROUP, thread=f"{GROUP}/7", at=earlier)
    await town.settle()
    return await town.case(first), await town.case(second)


async def _merge(town: Town, case: Case, other: Case, by: int = 0) -> str:
    text = await town.desk.merging.merge(
        await town.staff(by), case.id or 0, case.version, STAFF_PLACE, other.id or 0
    )
    await town.settle()
    return text


async def _of(town: Town, kind: str) -> list[CaseEvent]:
    return [one for one in await town.rows(CaseEvent) if one.kind == kind]


async def test_repeats_are_proposed_by_likeness(town: Town) -> None:
    first, second = await _twice(town)
    found = await town.desk.merging.repeats(second.id or 0)
    assert list(found) == [first.id]
    assert AGAIN in found[first.id or 0]
    assert alike(ASKED, AGAIN) >= LIKELY
    assert alike(ASKED, "路灯坏了三天没人修") < LIKELY
    assert alike("", "") == 0
    card = await town.desk.review.show(second.id or 0)
    assert f"疑似重复：#{first.id}（同一位群众" in card.text
    assert f"与 #{first.id} 合并" in [row[0].title for row in card.buttons]


async def test_the_earliest_start_stays_whichever_card_was_pressed(town: Town) -> None:
    first, second = await _twice(town)
    assert "从最早的时间计时" in await _merge(town, second, first)
    kept, merged = await town.case(first.id or 0), await town.case(second.id or 0)
    assert (kept.state, kept.opened_at, kept.due_at) == ("waiting", first.opened_at, first.due_at)
    assert (merged.state, merged.merged_into) == ("merged", kept.id)
    (event,) = await _of(town, "merged")
    assert (event.case_id, event.actor, event.data) == (second.id, "staff:1", {"into": first.id})
    (event,) = await _of(town, "absorbed")
    assert (event.case_id, event.data["case"]) == (first.id, second.id)
    assert event.data["opened_at"] == second.opened_at.isoformat()
    card = town.to(STAFF_PLACE)[-1]
    assert "已并入：#1（答复会同时发到那边）" in card.text
    assert ASKED in card.text and AGAIN in card.text
    assert "待人工 1 件" in await town.desk.review.summary()


async def test_one_answer_reaches_every_thread(town: Town) -> None:
    first, second = await _twice(town)
    await _merge(town, first, second)
    kept = await town.case(first.id or 0)
    await town.desk.review.send(
        await town.staff(), kept.id or 0, kept.version, STAFF_PLACE, "请到街道民政窗口申请低保。"
    )
    await town.settle()
    for place in (GROUP, "7001"):
        assert [one.text for one in town.to(place)].count("请到街道民政窗口申请低保。") == 1
    copy = next(one for one in town.to("7001") if one.text.startswith("请到街道"))
    assert copy.buttons[-1][0].action == f"c:helpful:{kept.id}"
    assert (await town.case(first.id or 0)).state == "answered"
    assert len(await _of(town, "replied")) == 1
    await town.desk.citizens.helpful("telegram", "7001", kept.id or 0)
    assert (await town.case(first.id or 0)).state == "resolved"


async def test_the_citizen_is_told_and_sees_it(town: Town) -> None:
    first, second = await _twice(town)
    await _merge(town, first, second)
    assert town.to("7001")[-1].text.startswith(f"您的诉求 #{second.id} 和 #{first.id} 是同一件事")
    assert f"已合并到 #{first.id}" in await town.desk.citizens.cases("telegram", "7001")


async def test_what_is_written_in_either_thread_joins_the_kept_case(town: Town) -> None:
    first, second = await _twice(town)
    await _merge(town, first, second)
    before = await town.case(first.id or 0)
    assert await town.say("补充一下，低保是给我妈申请的") == first.id
    assert (await town.case(first.id or 0)).reply_to == before.reply_to
    await town.settle()
    assert len(await town.rows(Case)) == 2


async def test_an_unhelpful_answer_reopens_the_kept_case_from_either_thread(town: Town) -> None:
    first, second = await _twice(town)
    await _merge(town, first, second)
    kept = await town.case(first.id or 0)
    await town.desk.review.adopt(await town.staff(), kept.id or 0, kept.version, STAFF_PLACE)
    await town.settle()
    assert await town.say("没解决") == first.id
    await town.settle()
    assert (await town.case(first.id or 0)).state == "waiting"


async def test_cases_of_different_citizens_are_never_merged(town: Town) -> None:
    mine, _ = await town.waiting()
    theirs, version = await town.waiting(citizen="7002")
    with pytest.raises(DeskError, match="不是同一位群众"):
        await town.desk.merging.merge(await town.staff(), theirs, version, STAFF_PLACE, mine)
    assert [case.state for case in await town.rows(Case)] == ["waiting", "waiting"]
    assert await town.desk.merging.repeats(theirs) == {}
    assert "疑似重复" not in (await town.desk.review.show(theirs)).text


async def test_only_open_cases_are_merged(town: Town) -> None:
    answered = await town.ask("身份证丢了怎么补办？")
    waiting, version = await town.waiting()
    merge, zhang = town.desk.merging.merge, await town.staff()
    with pytest.raises(DeskError, match="已答复"):
        await merge(zhang, waiting, version, STAFF_PLACE, answered)
    with pytest.raises(DeskError, match="和自己合并"):
        await merge(zhang, waiting, version, STAFF_PLACE, waiting)
    with pytest.raises(DeskError, match="找不到"):
        await merge(zhang, waiting, version, STAFF_PLACE, 99)
    assert await _of(town, "merged") == []


async def test_undone_each_goes_its_own_way_again(town: Town) -> None:
    first, second = await _twice(town)
    await _merge(town, first, second)
    kept = await town.case(first.id or 0)
    undo, zhang = town.desk.merging.undo, await town.staff()
    text = await undo(zhang, kept.id or 0, kept.version, STAFF_PLACE, second.id or 0)
    assert "已分开" in text
    await town.settle()
    again = await town.case(second.id or 0)
    assert (again.state, again.merged_into) == ("waiting", None)
    assert (again.opened_at, again.due_at) == (second.opened_at, second.due_at)
    assert {(one.case_id, *one.data.items()) for one in await _of(town, "unmerged")} == {
        (second.id, ("from", first.id)),
        (first.id, ("case", second.id)),
    }
    assert "改为单独办理" in town.to("7001")[-1].text
    assert "低保" in (await town.desk.review.show(second.id or 0)).text
    with pytest.raises(DeskError, match="没有并入"):
        kept = await town.case(first.id or 0)
        await undo(zhang, kept.id or 0, kept.version, STAFF_PLACE, second.id or 0)


async def test_undone_after_the_answer_the_other_still_wants_one(town: Town) -> None:
    first, second = await _twice(town)
    await _merge(town, first, second)
    kept = await town.case(first.id or 0)
    await town.desk.review.adopt(await town.staff(), kept.id or 0, kept.version, STAFF_PLACE)
    await town.settle()
    kept = await town.case(first.id or 0)
    await town.desk.merging.undo(
        await town.staff(), kept.id or 0, kept.version, STAFF_PLACE, second.id or 0
    )
    await town.settle()
    assert (await town.case(first.id or 0)).state == "answered"
    assert (await town.case(second.id or 0)).state == "waiting"


async def test_a_case_with_others_in_it_is_not_merged_away(town: Town) -> None:
    first, second = await _twice(town)
    await _merge(town, first, second)
    at = datetime.now(UTC) - timedelta(days=2)
    third = await town.say(ASKED, kind="comment", place="-600", thread="-600/1", at=at)
    await town.settle()
    with pytest.raises(DeskError, match="先撤销"):
        await _merge(town, await town.case(third), await town.case(first.id or 0))


async def test_requests_about_the_merged_case_end(town: Town) -> None:
    first, second = await _twice(town)
    await town.desk.extension.ask(
        await town.staff(), second.id or 0, second.version, STAFF_PLACE, 2, "需要会商"
    )
    await _merge(town, first, await town.case(second.id or 0))
    assert [task.state for task in await town.rows(Task)] == ["withdrawn"]


async def test_a_case_that_asked_back_goes_to_staff_when_another_joins(town: Town) -> None:
    earlier = datetime.now(UTC) - timedelta(hours=3)
    vague = await town.say("那个", kind="comment", place=GROUP, thread=f"{GROUP}/7", at=earlier)
    await town.settle()
    assert (await town.case(vague)).state == "clarifying"
    clear, _ = await town.waiting()
    await _merge(town, await town.case(clear), await town.case(vague))
    kept = await town.case(vague)
    assert (kept.state, kept.department) == ("waiting", "市民政局")
    assert "向户籍所在街道" in (await town.desk.review.show(vague)).text
