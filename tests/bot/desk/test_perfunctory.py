"""Perfunctory replies: warned of, sent without stopping the clock, overruled by a second person."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from bot.desk import DeskError
from bot.replay import replay
from bot.turn import Happening, Turn
from storage.db import Database
from storage.models import AuditRecord, Case, CaseEvent, Delivery, Staff
from tests.support import ENTRIES, STAFF_PLACE, Town, build_town

HARD = "低保怎么申请"
EMPTY_WORDS = "您好，您反映的问题已转市民政局处理，请耐心等待。"
SHOWN = "只转办未答复"


async def _staff(town: Town, number: int) -> Staff:
    staff = await town.desk.review.staff_by_telegram(f"90{number}")
    assert staff is not None
    return staff


async def _events(town: Town, kind: str) -> list[CaseEvent]:
    return [one for one in await town.rows(CaseEvent) if one.kind == kind]


async def _data(town: Town, kind: str) -> dict[str, Any]:
    return (await _events(town, kind))[-1].data


async def _turn(town: Town) -> Turn:
    """The clock as the ledger alone tells it."""
    told = [Happening(one.kind, one.at, one.data, one.actor) for one in await town.rows(CaseEvent)]
    return replay(told)[-1]


async def _sent_perfunctory(town: Town, person: int = 0) -> Case:
    """A case whose citizen got a reply that says nothing, sent in spite of the warning."""
    case_id = await town.ask(HARD)
    staff, before = await _staff(town, person), await town.case(case_id)
    told = await town.desk.review.send(staff, case_id, before.version, STAFF_PLACE, EMPTY_WORDS)
    assert told.startswith("还没有发送") and SHOWN in told
    version = (await town.case(case_id)).version
    assert await town.desk.review.adopt(staff, case_id, version, STAFF_PLACE) == "已发送"
    await town.settle()
    assert town.to("7001")[-1].text == EMPTY_WORDS
    return await town.case(case_id)


async def test_staff_are_warned_before_it_leaves(town: Town) -> None:
    case_id = await town.ask(HARD)
    staff, case = await _staff(town, 0), await town.case(case_id)
    told = await town.desk.review.send(staff, case_id, case.version, STAFF_PLACE, EMPTY_WORDS)
    assert "发出后不停止计时" in told and "仍要发送" in told
    await town.settle()
    card = town.to(STAFF_PLACE)[-1]
    assert SHOWN in card.text and "已转市民政局处理" in card.text
    assert [button.title for button in card.buttons[0]] == ["仍要发送"]
    assert EMPTY_WORDS not in [one.text for one in town.to("7001")]
    assert (await _data(town, "drafted"))["evasive"] == "forwarded"


async def test_another_text_after_the_warning_goes_out_at_once(town: Town) -> None:
    case_id = await town.ask(HARD)
    staff, case = await _staff(town, 0), await town.case(case_id)
    await town.desk.review.send(staff, case_id, case.version, STAFF_PLACE, EMPTY_WORDS)
    version = (await town.case(case_id)).version
    text = "请带户口簿到户籍所在街道办理，需入户核查。"
    assert await town.desk.review.send(staff, case_id, version, STAFF_PLACE, text) == "已发送"
    await town.settle()
    case = await town.case(case_id)
    assert case.state == "answered" and case.answered_at is not None
    assert "evasive" not in await _data(town, "replied")


async def test_the_same_text_again_is_a_decision(town: Town) -> None:
    case_id = await town.ask(HARD)
    staff, case = await _staff(town, 0), await town.case(case_id)
    await town.desk.review.send(staff, case_id, case.version, STAFF_PLACE, EMPTY_WORDS)
    version = (await town.case(case_id)).version
    told = await town.desk.review.send(staff, case_id, version, STAFF_PLACE, EMPTY_WORDS)
    assert told == "已发送"


async def test_its_delivery_does_not_stop_the_clock(town: Town) -> None:
    due = (await town.case(await town.ask(HARD))).due_at
    case = await _sent_perfunctory(town)
    assert (case.state, case.answered_at, case.due_at) == ("waiting", None, due)
    turn = await _turn(town)
    assert (turn.stop, turn.evasive, turn.overruled) == (None, 1, 0)
    for kind in ("reply_queued", "replied"):
        assert (await _data(town, kind))["evasive"] == "forwarded"
    card = town.to(STAFF_PLACE)[-1]
    assert f"上一条答复{SHOWN}，计时未停" in card.text
    assert "上一条算作答复" in [button.title for row in card.buttons for button in row]
    with pytest.raises(DeskError, match="还在办理中"):
        await town.desk.citizens.helpful("telegram", "7001", case.id or 0)


async def test_the_answer_that_follows_stops_it(town: Town) -> None:
    case = await _sent_perfunctory(town)
    staff, case_id = await _staff(town, 0), case.id or 0
    text = "请到户籍所在街道申请，入户核查后公示。"
    await town.desk.review.send(staff, case_id, case.version, STAFF_PLACE, text)
    await town.settle()
    replied = await _events(town, "replied")
    assert [one.data.get("evasive") for one in replied] == ["forwarded", None]
    assert (await town.case(case_id)).answered_at == replied[-1].at
    card = (await town.desk.review.show(case_id)).buttons
    assert "上一条算作答复" not in [button.title for row in card for button in row]


async def test_a_second_person_overrules_and_the_first_delivery_counts(town: Town) -> None:
    case = await _sent_perfunctory(town)
    delivered = (await _events(town, "replied"))[-1]
    told = await town.desk.review.overrule(
        await _staff(town, 1), case.id or 0, case.version, STAFF_PLACE, "已告知去处和方式"
    )
    assert told == "已算作答复，计时停在送达之时"
    after = await town.case(case.id or 0)
    assert (after.state, after.answered_at, after.reason) == ("answered", delivered.at, "")
    turn = await _turn(town)
    assert (turn.stop, turn.evasive, turn.overruled) == (delivered.at, 0, 1)
    [event] = await _events(town, "evasion_overruled")
    assert event.actor == "staff:2" and event.data == {
        "reason": "已告知去处和方式",
        "replied": delivered.id,
        "evasive": "forwarded",
    }
    kept = [(row.actor, row.action) for row in await town.rows(AuditRecord)]
    assert ("staff:2", "case.overrule") in kept


@pytest.mark.parametrize(
    ("sender", "person", "reason", "refusal"),
    [
        (0, 0, "已答出群众所问", "审核或主管"),
        (1, 1, "已答出群众所问", "换一位"),
        (0, 1, "  ", "理由"),
    ],
)
async def test_who_may_not_overrule(
    town: Town, sender: int, person: int, reason: str, refusal: str
) -> None:
    case = await _sent_perfunctory(town, sender)
    with pytest.raises(DeskError, match=refusal):
        await town.desk.review.overrule(
            await _staff(town, person), case.id or 0, case.version, STAFF_PLACE, reason
        )
    assert (await town.case(case.id or 0)).state == "waiting"
    assert await _events(town, "evasion_overruled") == []


async def test_whoever_reviewed_it_cannot_overrule_it(database: Database) -> None:
    town = await build_town(database, review_steps=2)
    case_id = await town.ask(HARD)
    zhang, li, wang = [await _staff(town, number) for number in range(3)]
    review, version = town.desk.review, (await town.case(case_id)).version
    await review.send(zhang, case_id, version, STAFF_PLACE, EMPTY_WORDS)
    await review.adopt(zhang, case_id, version + 1, STAFF_PLACE)
    await review.adopt(li, case_id, version + 2, STAFF_PLACE)
    await town.settle()
    version = (await town.case(case_id)).version
    with pytest.raises(DeskError, match="换一位"):
        await review.overrule(li, case_id, version, STAFF_PLACE, "已答出群众所问")
    await review.overrule(wang, case_id, version, STAFF_PLACE, "已答出群众所问")
    assert (await town.case(case_id)).state == "answered"


async def test_nothing_to_overrule(town: Town) -> None:
    case_id = await town.ask(HARD)
    version = (await town.case(case_id)).version
    with pytest.raises(DeskError, match="没有要认定的答复"):
        await town.desk.review.overrule(
            await _staff(town, 2), case_id, version, STAFF_PLACE, "已答出群众所问"
        )


async def test_an_automatic_answer_that_says_nothing_comes_before_people(
    database: Database,
) -> None:
    hollow = replace(ENTRIES[0], answer="您好，您的来信已收悉，感谢您的支持！")
    town = await build_town(database, known=[hollow])
    case_id = await town.ask(hollow.question)
    case = await town.case(case_id)
    assert town.to("7001")[-1].text.startswith("您好，您的来信已收悉")
    assert (case.state, case.answered_at) == ("waiting", None) and case.due_at is not None
    assert "仅告知收悉" in town.to(STAFF_PLACE)[-1].text


async def test_only_the_last_part_of_a_long_reply_carries_the_verdict(town: Town) -> None:
    case_id = await town.ask(HARD)
    staff, case = await _staff(town, 0), await town.case(case_id)
    long = "正在核实处理中，请耐心等待。" * 60
    await town.desk.review.send(staff, case_id, case.version, STAFF_PLACE, long)
    version = (await town.case(case_id)).version
    await town.desk.review.adopt(staff, case_id, version, STAFF_PLACE)
    await town.settle()
    parts = [row for row in await town.rows(Delivery) if row.purpose.startswith("reply")]
    assert len(parts) > 1 and {row.state for row in parts} == {"sent"}
    assert [row.context for row in parts] == [{}] * (len(parts) - 1) + [{"evasive": "verifying"}]
    assert (await town.case(case_id)).state == "waiting"
