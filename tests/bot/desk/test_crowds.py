"""同问: those who ask the same under one post stand together, and one answer reaches each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from bot.desk import DeskError
from bot.desk.crowds import Run
from storage.inbox import Page
from storage.models import AuditRecord, Case, Crowd, Delivery, Staff
from storage.narrowing import Filters
from storage.terms import EventKind
from tests.support import STAFF_PLACE, Town, build_town

ASKED = ("低保怎么申请", "请问低保怎么申请", "低保申请要什么条件呀", "申请低保，怎么办理？")
NOWHERE = ("体育馆周末几点开门", "体育馆周末几点开门呀", "请问体育馆周末几点开门？")
TEXT = "{称呼}：向户籍所在街道提出申请，入户核查后公示。您的诉求 {诉求编号} 请记好。"


async def rush(
    town: Town, texts: tuple[str, ...] = ASKED, post: str = "p1", first: int = 70
) -> list[int]:
    numbers = [await town.comment(text, str(first + n), post) for n, text in enumerate(texts)]
    await town.settle()
    return numbers


async def queue(town: Town, filters: Filters | None = None) -> Page:
    return await town.desk.inbox.page(await town.staff(), filters or Filters(), 0)


async def crowd_of(town: Town, number: int) -> int:
    found = (await town.case(number)).crowd_id
    assert found is not None
    return found


async def answer(town: Town, number: int, text: str = TEXT, staff: Staff | None = None) -> Run:
    """Answer everybody that the crowd of this case has."""
    staff, crowd = staff or await town.staff(), await crowd_of(town, number)
    opened = await town.desk.crowds.open(staff, crowd)
    picks = [(one.case_id, one.version) for one in opened.askers]
    run = Run(len(picks), [])
    return await town.desk.crowds.answer(staff, crowd, picks, text, opened.entry_id, run)


async def test_those_who_ask_the_same_are_one_line_and_others_their_own(town: Town) -> None:
    same, alone = await rush(town), await rush(town, NOWHERE[:1], first=80)
    page = await queue(town)
    assert (page.total, page.cases) == (2, 5)
    crowds = {line.case.id: line.crowd for line in page.lines}
    assert crowds[alone[0]] is None
    (crowd,) = [one for one in crowds.values() if one]
    assert (crowd.size, crowd.crowd.entry_id, crowd.crowd.post) == (4, "low-income", "p1")
    due = [(await town.case(number)).due_at for number in same]
    assert crowd.due_at == min(one for one in due if one)
    each = await queue(town, Filters(each="1"))
    assert (each.total, len(each.lines)) == (5, 5)
    assert all(line.crowd is None for line in each.lines)


async def test_what_no_entry_answers_stands_together_by_its_words(town: Town) -> None:
    numbers = await rush(town, NOWHERE)
    other = await rush(town, ("科技馆暑假要不要预约门票",), first=80)
    assert len({await crowd_of(town, number) for number in numbers}) == 1
    assert await crowd_of(town, other[0]) != await crowd_of(town, numbers[0])


async def test_another_post_is_another_crowd(town: Town) -> None:
    one, other = await rush(town, ASKED[:2]), await rush(town, ASKED[:2], "p2")
    assert await crowd_of(town, one[0]) != await crowd_of(town, other[0])
    assert (await queue(town)).total == 2


@pytest.mark.parametrize(
    "text",
    [
        "低保怎么申请，我电话13812345678",
        "救命，有人煤气中毒昏倒了，低保怎么申请",
        "低保怎么申请，转人工",
        "我妈偏瘫在床，家里三口人挤在一间房，村里说不够条件，低保怎么申请"
        + "，求求你们帮帮我们" * 12,
    ],
)
async def test_who_is_in_danger_or_tells_of_their_own_stands_apart(town: Town, text: str) -> None:
    await rush(town)
    number = await town.comment(text, "7009")
    await town.settle()
    assert (await town.case(number)).crowd_id is None
    assert number in {line.case.id for line in (await queue(town)).lines if line.crowd is None}


async def test_complaints_stand_together_only_in_their_very_words(town: Town) -> None:
    words = "东湖路挖了半年还没修好，太不像话"
    numbers = await rush(
        town, (words, words + "！", "东湖路挖了半年没修好，我家门口天天积水，太不像话")
    )
    states = [await town.case(number) for number in numbers]
    assert {one.category for one in states} == {"投诉"}
    assert states[0].crowd_id == states[1].crowd_id != states[2].crowd_id
    assert None not in {one.crowd_id for one in states}


async def test_a_crowd_stands_where_its_most_pressing_case_stands(town: Town) -> None:
    early = await rush(town, NOWHERE[:1], first=80)
    numbers = await rush(town)
    async with town.db.write() as session:
        (await session.get_one(Case, numbers[3])).due_at = datetime.now(UTC) + timedelta(hours=1)
    page = await queue(town)
    assert [line.case.id for line in page.lines] == [numbers[3], early[0]]
    assert page.lines[0].crowd is not None and page.lines[0].crowd.size == 4


async def test_each_gets_an_answer_and_a_clock_of_their_own(town: Town) -> None:
    numbers = await rush(town)
    run = await answer(town, numbers[0])
    assert sorted(run.sent) == numbers
    await town.settle()
    for place, number in enumerate(numbers):
        (reply,) = [one for one in town.to(f"comment/7{place}/p1") if "街道" in one.text]
        assert reply.text.startswith("小李：") and f"#{number} 请记好" in reply.text
        assert (await town.case(number)).state == "answered"
        assert (await town.kinds(number)).count(EventKind.REPLIED) == 1
    kept = [one for one in await town.rows(AuditRecord) if one.action == "crowd.answer"]
    assert [(one.target, one.data) for one in kept] == [
        (str(await crowd_of(town, numbers[0])), {"cases": 4, "sent": 4})
    ]
    assert (await queue(town)).total == 0
    await town.agrees()


async def test_who_is_taken_out_or_changed_stays_and_newcomers_are_not_answered_unseen(
    town: Town,
) -> None:
    numbers, staff = await rush(town), await town.staff()
    opened = await town.desk.crowds.open(staff, await crowd_of(town, numbers[0]))
    (late,) = await rush(town, ("低保到底怎么申请",), first=80)
    await town.comment("还要户口本吗", "71")
    picks = [(one.case_id, one.version) for one in opened.askers if one.case_id != numbers[2]]
    run = Run(3, [])
    await town.desk.crowds.answer(staff, opened.crowd.id or 0, picks, TEXT, "low-income", run)
    assert run.sent == [numbers[0], numbers[3]]
    (refused,) = [one for one in run.done if not one.sent]
    assert refused.case_id == numbers[1] and "刚有变化" in refused.said
    states = [(await town.case(number)).state for number in (numbers[1], numbers[2], late)]
    assert states == ["waiting"] * 3


async def test_nothing_leaves_before_all_are_through_and_all_can_be_taken_back(town: Town) -> None:
    numbers, staff = await rush(town), await town.staff()
    run = await answer(town, numbers[0])
    replies = [one for one in await town.rows(Delivery) if one.purpose == "reply"]
    soon = datetime.now(UTC) + town.desk.office.rules.undo
    assert len({one.due_at for one in replies}) == 1 and replies[0].due_at <= soon
    said = await town.desk.crowds.take_back(staff, run.sent)
    assert said == "撤销了 4 件，没有发出"
    page = await queue(town)
    assert page.total == 1 and page.lines[0].crowd is not None
    await town.agrees()


async def test_a_run_that_was_cut_off_goes_on_and_answers_nobody_twice(town: Town) -> None:
    numbers, staff = await rush(town), await town.staff()
    crowd = await crowd_of(town, numbers[0])
    opened = await town.desk.crowds.open(staff, crowd)
    picks = [(one.case_id, one.version) for one in opened.askers]
    gone_through = town.desk.bulk.each(staff, picks, TEXT, "low-income", timedelta(minutes=3))
    await anext(gone_through)
    await anext(gone_through)
    await gone_through.aclose()  # the program is gone: nothing was let go
    assert len((await town.desk.crowds.open(staff, crowd)).askers) == 2
    again = Run(4, [])
    await town.desk.crowds.answer(staff, crowd, picks, TEXT, "low-income", again)
    assert sorted(again.sent) == sorted(number for number, _ in picks[2:])
    await town.settle()
    replied = [one.case_id for one in await town.events(EventKind.REPLIED)]
    assert sorted(replied) == numbers


async def test_every_citizen_takes_the_review_steps_of_the_account(
    database_with_steps: Town,
) -> None:
    town = database_with_steps
    numbers = await rush(town)
    first = await answer(town, numbers[0])
    assert len(first.sent) == 4
    assert {(await town.case(number)).state for number in numbers} == {"waiting"}
    opened = await town.desk.crowds.open(await town.staff(), await crowd_of(town, numbers[0]))
    assert {(one.steps, one.apart) for one in opened.askers} == {(1, "前一步是您审的")}
    second = await answer(town, numbers[0], "向户籍所在街道申请低保。", await town.staff(1))
    assert len(second.sent) == 4
    await town.settle()
    assert {(await town.case(number)).state for number in numbers} == {"answered"}


async def test_what_was_approved_for_one_by_name_is_not_sent_to_the_others(
    database_with_steps: Town,
) -> None:
    town = database_with_steps
    numbers = await rush(town)
    await answer(town, numbers[0], "诉求 {诉求编号}：请到户籍所在街道申请低保。")
    crowd = await crowd_of(town, numbers[0])
    assert (await town.desk.crowds.open(await town.staff(1), crowd)).text == ""
    second = await answer(town, numbers[0], "", await town.staff(1))
    assert len(second.sent) == 4
    await town.settle()
    for place, number in enumerate(numbers):
        (reply,) = [one for one in town.to(f"comment/7{place}/p1") if "街道" in one.text]
        assert reply.text.startswith(f"诉求 #{number}：")


async def test_nothing_is_approved_unwritten_in_the_first_step(town: Town) -> None:
    numbers = await rush(town)
    run = await answer(town, numbers[0], "")
    assert run.sent == [] and {one.said for one in run.done} == {"这件还没有人审过，请写上答复。"}


@pytest.fixture
async def database_with_steps(database: object) -> Town:
    return await build_town(database, review_steps=2)  # type: ignore[arg-type]


async def test_only_what_is_in_scope_is_seen_and_answered(town: Town) -> None:
    numbers = await rush(town)
    async with town.db.write() as session:
        for number in numbers[:2]:
            (await session.get_one(Case, number)).department = "市教育局"
        staff = (await session.exec(select(Staff).where(Staff.login == "s0"))).one()
        staff.departments = ["市民政局"]
    (line,) = (await queue(town)).lines
    assert line.crowd is not None and line.crowd.size == 2
    run = await answer(town, numbers[0])
    assert sorted(run.sent) == numbers[2:]
    with pytest.raises(DeskError, match="没有这一组"):
        await town.desk.crowds.open(await town.staff(), 99)


async def test_staff_get_a_card_for_the_first_and_not_for_each(town: Town) -> None:
    await rush(town, (*ASKED, *ASKED, "低保怎么申请吗", "低保咋申请"))
    cards = [one.text for one in town.to(STAFF_PLACE) if "低保" in one.text]
    assert len(cards) == 2
    assert "共 10 件问这件事" in cards[1]


async def test_whom_an_answer_did_not_help_stands_apart(town: Town) -> None:
    numbers = await rush(town)
    await answer(town, numbers[0])
    await town.settle()
    await town.comment("没解决", "71")
    await town.settle()
    case = await town.case(numbers[1])
    assert (case.state, case.crowd_id) == ("waiting", None)


async def test_a_crowd_is_made_once(town: Town) -> None:
    await rush(town)
    await rush(town, NOWHERE, first=80)
    assert len(await town.rows(Crowd)) == 2
