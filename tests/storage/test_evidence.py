"""What the ledger says that people made of questions, on real conversations."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.desk import Desk
from knowledge.proposals import Asked
from storage import evidence
from storage.db import Database
from tests.support import ENTRIES, STAFF_PLACE, Town, build_town

LONG_AGO = datetime.now(UTC) - timedelta(days=1)
LOST = "身份证丢了怎么补办？"
HELP = "低保怎么申请"
HOUSE = replace(ENTRIES[3], id="house", question="低保户怎么申请公租房", answer="到街道申请。")
SIBLINGS = tuple(
    replace(ENTRIES[0], id=word, question=f"居民身份证{word}怎么办理", similar=(), answer="窗口。")
    for word in ("首次申领", "到期换领", "丢失补领")
)


@pytest.fixture
async def town(database: Database) -> Town:
    return await build_town(database, known=(*ENTRIES, HOUSE))


@pytest.fixture
async def siblings(database: Database) -> Town:
    """A town where 居民身份证怎么办理 must be asked back about."""
    return await build_town(database, known=[*SIBLINGS, *ENTRIES[1:]])


async def asked(town: Town, since: datetime = LONG_AGO) -> list[Asked]:
    async with town.db.read() as session:
        return await evidence.asked(session, since)


async def only(town: Town) -> Asked:
    (one,) = await asked(town)
    return one


@asynccontextmanager
async def acting(town: Town, case_id: int) -> AsyncIterator[tuple[Desk, int]]:
    """The desk and the case's version as staff see it; then everything happens."""
    yield town.desk, (await town.case(case_id)).version
    await town.settle()


async def adopt(town: Town, case_id: int) -> None:
    async with acting(town, case_id) as (desk, version):
        await desk.review.adopt(await town.staff(), case_id, version, STAFF_PLACE)


async def turn_over(town: Town, case_id: int) -> None:
    async with acting(town, case_id) as (desk, version):
        await desk.review.other(await town.staff(), case_id, version, STAFF_PLACE)


async def write(town: Town, case_id: int, text: str) -> None:
    async with acting(town, case_id) as (desk, version):
        await desk.review.send(await town.staff(), case_id, version, STAFF_PLACE, text)


async def test_nothing_is_known_of_questions_nobody_decided_about(town: Town) -> None:
    await town.ask(LOST)
    await town.waiting(HELP, "7002")
    assert await asked(town) == []


async def test_what_staff_passed_over_is_rejected_and_what_they_sent_chosen(town: Town) -> None:
    case_id, _ = await town.waiting(HELP)
    await turn_over(town, case_id)
    await adopt(town, case_id)
    one = await only(town)
    assert (one.text, one.by) == (HELP, "staff")
    assert one.offered[:2] == ("low-income", "house")
    assert (one.rejected, one.chosen) == (("low-income",), "house")


async def test_words_of_ones_own_reject_only_what_was_looked_at(town: Town) -> None:
    case_id, _ = await town.waiting(HELP)
    await write(town, case_id, "请带着材料到街道的窗口来，我们当面为您说明怎样办理。")
    one = await only(town)
    assert (one.chosen, one.rejected) == ("", ("low-income",))
    assert len(one.offered) > 1


async def test_a_helpful_answer_is_chosen_by_the_citizen(town: Town) -> None:
    case_id = await town.ask(LOST)
    await town.desk.citizens.helpful("telegram", "7001", case_id)
    one = await only(town)
    assert (one.text, one.offered, one.chosen) == (LOST, ("id-lost",), "id-lost")
    assert (one.rejected, one.by) == ((), "citizen")


async def test_what_did_not_help_is_rejected_and_talk_about_it_is_no_question(town: Town) -> None:
    case_id = await town.ask(LOST)
    assert await town.ask("答非所问") == case_id
    assert await town.ask("我要的不是这个，你们看清楚再说") == case_id
    assert (await only(town)).chosen == ""
    await turn_over(town, case_id)
    await adopt(town, case_id)
    one = await only(town)
    assert (one.text, one.by) == (LOST, "staff")
    assert one.rejected == ("id-lost",)
    assert one.chosen not in ("", "id-lost")


async def test_a_reply_of_staff_that_did_not_help_is_not_chosen(town: Town) -> None:
    case_id, _ = await town.waiting(HELP)
    await adopt(town, case_id)
    await town.desk.citizens.unhelpful("telegram", "7001", case_id)
    one = await only(town)
    assert (one.chosen, one.rejected, one.by) == ("", ("low-income",), "")


async def test_a_choice_after_asking_back(siblings: Town) -> None:
    case_id = await siblings.ask("居民身份证怎么办理")
    second = siblings.to("7001")[-1].buttons[1][0].action
    await siblings.desk.citizens.choose("telegram", "7001", case_id, int(second.split(":")[3]))
    await siblings.settle()
    one = await only(siblings)
    assert set(one.offered) == {"首次申领", "到期换领", "丢失补领"}
    assert (one.chosen, one.rejected) == (one.offered[1], one.offered[:1])
    assert one.by == "citizen"


async def test_none_of_the_choices(siblings: Town) -> None:
    case_id = await siblings.ask("居民身份证怎么办理")
    await siblings.desk.citizens.choose("telegram", "7001", case_id, None)
    await siblings.settle()
    one = await only(siblings)
    assert (one.chosen, set(one.rejected)) == ("", set(one.offered))


async def test_more_words_before_the_answer_belong_to_the_question(town: Town) -> None:
    case_id, _ = await town.waiting(HELP)
    assert await town.ask("我家有残疾人，低保要哪些材料") == case_id
    await adopt(town, case_id)
    assert (await only(town)).text == f"{HELP}\n我家有残疾人，低保要哪些材料"


async def test_an_edit_after_the_answer_asks_anew(town: Town) -> None:
    case_id = await town.say(LOST, external_id="7001:5")
    await town.settle()
    await town.desk.citizens.helpful("telegram", "7001", case_id)
    await town.edit("社保卡丢了怎么补办？", "7001:5")
    await town.settle()
    await town.desk.citizens.helpful("telegram", "7001", case_id)
    first, second = await asked(town)
    assert (first.text, first.chosen) == (LOST, "id-lost")
    assert (second.text, second.chosen) == ("社保卡丢了怎么补办？", "card-lost")


async def test_an_edit_before_the_answer_takes_the_place_of_the_first_words(town: Town) -> None:
    case_id = await town.say("身份", external_id="7001:5")
    await town.edit(LOST, "7001:5")
    await town.settle()
    await town.desk.citizens.helpful("telegram", "7001", case_id)
    assert (await only(town)).text == LOST


async def test_complaints_are_no_questions(town: Town) -> None:
    case_id = await town.ask("我要投诉，低保申请三次都没人理")
    await write(town, case_id, "已请街道今天联系您。")
    assert await asked(town) == []


async def test_personal_data_is_masked_and_the_erased_are_left_out(town: Town) -> None:
    case_id = await town.ask(f"{LOST}电话13800138000")
    await town.desk.citizens.helpful("telegram", "7001", case_id)
    assert (await only(town)).text == f"{LOST}电话138****8000"
    await town.desk.citizens.erase("telegram", "7001")
    assert await asked(town) == []


async def test_citizens_are_told_apart_and_old_questions_left_out(town: Town) -> None:
    for citizen in ("7001", "7002", "7001"):
        case_id = await town.ask(LOST, citizen)
        await town.desk.citizens.helpful("telegram", citizen, case_id)
    found = await asked(town)
    assert [one.citizen == found[0].citizen for one in found] == [True, False, True]
    assert await asked(town, datetime.now(UTC) + timedelta(seconds=1)) == []
