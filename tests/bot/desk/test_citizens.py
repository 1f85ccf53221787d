"""What citizens can do beside writing."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from bot.desk import DeskError
from bot.desk.office import locked_case
from bot.desk.retention import ERASED
from storage import queries
from storage.db import Database
from storage.models import Account, Citizen, Delivery, Draft, Message, MessageVersion
from tests.support import ENTRIES, STAFF_PLACE, Town, build_town

SIBLINGS = tuple(
    replace(
        ENTRIES[0],
        id=f"id-{word}",
        question=f"居民身份证{word}怎么办理",
        similar=(),
        answer=f"{word}请到派出所。",
    )
    for word in ("首次申领", "到期换领", "丢失补领")
)


@pytest.fixture
async def asked(database: Database) -> tuple[Town, int]:
    """A town in which a clarification stands open."""
    town = await build_town(database, known=[*SIBLINGS, *ENTRIES[1:]])
    case_id = await town.ask("居民身份证怎么办理")
    assert (await town.case(case_id)).state == "clarifying"
    return town, case_id


async def test_clarification_offers_choices_and_a_person(asked: tuple[Town, int]) -> None:
    town, _ = asked
    question = town.to("7001")[-1]
    titles = [row[0].title for row in question.buttons]
    assert len(titles) in (3, 4)
    assert titles[-1] == "都不是，转人工"
    assert all(len(row[0].action.encode()) <= 64 for row in question.buttons)


async def test_choice_is_answered_once(asked: tuple[Town, int]) -> None:
    town, case_id = asked
    second = int(town.to("7001")[-1].buttons[1][0].action.split(":")[3])
    await town.desk.citizens.choose("telegram", "7001", case_id, second)
    await town.settle()
    assert town.to("7001")[-1].text.startswith(("首次申领", "到期换领", "丢失补领"))
    with pytest.raises(DeskError, match="已经处理过"):
        await town.desk.citizens.choose("telegram", "7001", case_id, second)


async def test_buttons_of_an_older_clarification_are_refused(asked: tuple[Town, int]) -> None:
    town, case_id = asked
    with pytest.raises(DeskError, match="过时"):
        await town.desk.citizens.choose("telegram", "7001", case_id, 0)
    assert (await town.case(case_id)).state == "clarifying"


async def test_typed_number_counts_as_a_choice(asked: tuple[Town, int]) -> None:
    town, case_id = asked
    assert await town.ask("2") == case_id
    assert (await town.case(case_id)).state == "answered"


async def test_none_of_them_leads_to_a_person(asked: tuple[Town, int]) -> None:
    town, case_id = asked
    await town.desk.citizens.choose("telegram", "7001", case_id, None)
    await town.settle()
    assert (await town.case(case_id)).state == "waiting"
    assert town.to(STAFF_PLACE)


async def test_nobody_presses_for_another(asked: tuple[Town, int]) -> None:
    town, case_id = asked
    await town.say("你好", "7002")
    with pytest.raises(DeskError, match="不是您的诉求"):
        await town.desk.citizens.choose("telegram", "7002", case_id, 0)


async def test_helpful_resolves_and_asks_for_one_rating(town: Town) -> None:
    case_id = await town.ask("身份证丢了怎么补办？")
    await town.desk.citizens.helpful("telegram", "7001", case_id)
    await town.desk.citizens.helpful("telegram", "7001", case_id)
    await town.settle()
    assert len([one for one in town.to("7001") if "满意吗" in one.text]) == 1
    assert "非常满意" in await town.desk.satisfaction.rate("telegram", "7001", case_id, 1)
    assert "已经评价过" in await town.desk.satisfaction.rate("telegram", "7001", case_id, 5)
    case = await town.case(case_id)
    assert (case.state, case.grade) == ("resolved", 1)


async def test_unhelpful_restores_the_clock_and_calls_a_person(town: Town) -> None:
    case_id = await town.ask("身份证丢了怎么补办？")
    before = await town.case(case_id)
    await town.desk.citizens.unhelpful("telegram", "7001", case_id)
    await town.settle()
    after = await town.case(case_id)
    assert (after.state, after.answered_at, after.opened_at) == ("waiting", None, before.opened_at)
    assert "not_helpful" in await town.kinds(case_id)
    assert "身份证丢了" in town.to(STAFF_PLACE)[-1].text


async def test_asking_for_a_person_after_an_answer_reopens_it(town: Town) -> None:
    case_id = await town.ask("身份证丢了怎么补办？")
    assert await town.ask("转人工") == case_id
    case = await town.case(case_id)
    assert case.state == "waiting"
    assert "not_helpful" in await town.kinds(case_id)


async def test_my_cases_and_my_data_are_plain(town: Town) -> None:
    assert "还没有提过问题" in await town.desk.citizens.cases("telegram", "7001")
    await town.ask("低保怎么申请")
    assert "人工办理中，最晚" in await town.desk.citizens.cases("telegram", "7001")
    assert "1 条消息" in await town.desk.citizens.stored("telegram", "7001")


async def test_erasure_leaves_figures_but_no_words(town: Town) -> None:
    answered = await town.ask("身份证丢了怎么补办？")
    waiting = await town.ask("低保怎么申请，我叫王小二")
    events = await town.kinds(answered)
    await town.desk.citizens.erase("telegram", "7001")
    await town.settle()
    assert all(row.text == ERASED for row in await town.rows(Message))
    assert all(row.text == ERASED for row in await town.rows(MessageVersion))
    assert all("王小二" not in str(row) for row in await town.rows(Delivery))
    assert all(row.text == ERASED for row in await town.rows(Draft))
    citizen = (await town.rows(Citizen))[0]
    assert citizen.display_name == "" and "7001" not in citizen.external_id
    assert (await town.kinds(answered))[: len(events)] == events
    assert (await town.case(waiting)).state == "closed"
    assert "没有保存" in await town.desk.citizens.stored("telegram", "7001")


async def test_erasure_waits_for_who_holds_the_case(town: Town) -> None:
    case_id = await town.ask("低保怎么申请，我叫王小二")
    async with town.db.write() as session:
        await locked_case(session, case_id)
        erasing = asyncio.create_task(town.desk.citizens.erase("telegram", "7001"))
        await asyncio.sleep(0.3)
        for message in await queries.messages(session, case_id):
            message.considered = False
    assert "已删除" in await erasing
    assert all(row.text == ERASED for row in await town.rows(Message))


async def test_menu_lists_what_is_answered_at_once(town: Town) -> None:
    menu = dict(await town.desk.citizens.menu())
    assert menu["户籍"] == ["身份证丢失怎么补领"]
    assert "民政" not in menu


async def test_unknown_account_is_an_error(town: Town) -> None:
    with pytest.raises(LookupError):
        await town.desk.citizens.cases("nowhere", "7001")
    assert len(await town.rows(Account)) == 1
