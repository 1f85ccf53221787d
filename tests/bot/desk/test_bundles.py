"""一件事 at the desk: answered by the same rules, ticked by its citizen, erased with them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from sqlmodel import select

from bot.channels.base import Outgoing
from bot.desk import DeskError
from bot.desk.retention import expire
from storage import entries
from storage.db import Database
from storage.models import Case, Citizen, StepDone
from tests.support import ENTRIES, MOVED, Town, build_town, open_town

ASK = "搬家后要办什么"
FIRST, SECOND = (MOVED.mark(one) for one in MOVED.steps)


@pytest.fixture
async def moving(database: Database) -> AsyncIterator[Town]:
    yield await build_town(database, bundles=[MOVED])


def steps(outgoing: Outgoing) -> list[str]:
    """The titles of the steps under an answer."""
    buttons = [one for row in outgoing.buttons for one in row]
    return [one.title for one in buttons if one.action.startswith("c:tick:")]


async def test_the_whole_list_answers_and_stops_the_clock(moving: Town) -> None:
    case_id = await moving.ask(ASK)
    case = await moving.case(case_id)
    assert (case.state, case.entry_id, case.automatic) == ("answered", MOVED.id, True)
    assert case.answered_at is not None
    (answer,) = moving.to("7001")
    assert "要准备的材料（合起来 3 样）" in answer.text
    titles = [one.title for row in answer.buttons for one in row]
    assert titles == ["预约补领", "☐ 1. 换身份证", "☐ 2. 换社保卡", "有帮助", "没解决"]
    await moving.agrees()


async def test_ticks_are_kept_for_the_citizen_and_show_in_the_next_answer(moving: Town) -> None:
    case_id = await moving.ask(ASK)
    tick = moving.desk.bundles.tick
    assert (await tick("telegram", "7001", case_id, f"{FIRST}+")).text == "已办好 1 步，还有 1 步。"
    again = await tick("telegram", "7001", case_id, f"{FIRST}+")  # pressed twice
    assert [row[0].title for row in again.rows] == ["☑ 1. 换身份证", "☐ 2. 换社保卡"]
    assert (await tick("telegram", "7001", case_id, f"{SECOND}+")).text == "2 步都办好了。"
    await tick("telegram", "7001", case_id, f"{SECOND}-")
    await moving.desk.citizens.helpful("telegram", "7001", case_id)
    restarted = await open_town(moving.db, bundles=[MOVED])
    await restarted.say(ASK, external_id="after the restart")
    await restarted.settle()
    answers = [one for one in restarted.to("7001") if "一次告知" in one.text]
    assert steps(answers[-1]) == ["☑ 1. 换身份证", "☐ 2. 换社保卡"]


async def test_only_the_citizen_ticks_and_only_what_is_there(moving: Town) -> None:
    case_id = await moving.ask(ASK)
    await moving.ask("身份证丢失怎么补领", citizen="7002")
    tick = moving.desk.bundles.tick
    with pytest.raises(DeskError, match="只有提问的人"):
        await tick("telegram", "7002", case_id, f"{FIRST}+")
    for made_up in ("", "+", "0" * 12 + "+", FIRST):
        with pytest.raises(DeskError, match="请再问一次"):
            await tick("telegram", "7001", case_id, made_up)
    other = await moving.ask("社保卡丢失怎么补办")
    with pytest.raises(DeskError, match="请再问一次"):
        await tick("telegram", "7001", other, f"{FIRST}+")
    assert await moving.rows(StepDone) == []


async def test_in_public_there_is_nothing_to_tick(moving: Town) -> None:
    await moving.say(ASK, kind="comment", place="-100")
    await moving.settle()
    (answer,) = moving.to("-100")
    assert "一次告知" in answer.text
    assert steps(answer) == []


async def test_erasure_and_retention_take_the_ticks_along(moving: Town) -> None:
    for citizen in ("7001", "7002"):
        case_id = await moving.ask(ASK, citizen=citizen)
        await moving.desk.bundles.tick("telegram", citizen, case_id, f"{FIRST}+")
        await moving.desk.citizens.helpful("telegram", citizen, case_id)
    await moving.desk.citizens.erase("telegram", "7001")
    (left,) = await moving.rows(StepDone)
    people = await moving.rows(Citizen)
    assert left.citizen_id == next(one.id for one in people if one.external_id == "7002")
    office = moving.desk.office
    async with office.db.write() as session:
        past = office.now() - timedelta(days=60)
        for person in people:
            (await session.get_one(Citizen, person.id)).created_at = past
        for case in await session.exec(select(Case)):
            case.updated_at = past
    strict = replace(office, rules=replace(office.rules, keep_citizen_days=30))
    assert await expire(strict) == 1
    assert await moving.rows(StepDone) == []


@pytest.mark.parametrize("change", ["unapproved", "manual", "expired", "retired"])
async def test_what_is_not_whole_goes_to_a_person(database: Database, change: str) -> None:
    bundle = replace(MOVED, approved=change != "unapproved")
    town = await build_town(database, bundles=[bundle])
    card, day = ENTRIES[1], town.desk.office.today() - timedelta(days=1)
    async with town.db.write() as session:
        if change == "manual":
            await entries.save(session, [replace(card, automatic=False)], "test")
        if change == "expired":
            await entries.save(session, [replace(card, expires_on=day)], "test")
        if change == "retired":
            await entries.retire(session, card.id, "test")
    await town.desk.office.library.refresh()
    case_id = await town.ask(ASK)
    assert (await town.case(case_id)).state == "waiting"
    assert "一次告知" not in "".join(one.text for one in town.to("7001"))
    assert [topic for topic, _ in await town.desk.citizens.menu() if topic == "一件事"] == []
    troubles = [one.text for one in await town.desk.upkeep.troubles()]
    assert any("一件事“搬家”" in text for text in troubles) == (change != "unapproved")


async def test_staff_send_it_with_its_steps_when_it_needs_a_person(database: Database) -> None:
    town = await build_town(database, bundles=[replace(MOVED, approved=False)])
    await town.answered(ASK, MOVED.id)
    answer = town.to("7001")[-1]
    assert "一次告知" in answer.text
    assert steps(answer) == ["☐ 1. 换身份证", "☐ 2. 换社保卡"]


async def test_a_changed_entry_changes_the_list_without_a_restart(moving: Town) -> None:
    library = moving.desk.office.library
    assert len(library) == len(ENTRIES)
    async with moving.db.write() as session:
        await entries.save(session, [replace(ENTRIES[0], department="市公安局户政支队")], "test")
    await library.refresh()
    await moving.ask(ASK)
    assert "（市公安局户政支队，" in moving.to("7001")[0].text
    assert (await moving.desk.citizens.menu())[0] == ("一件事", [ASK])
