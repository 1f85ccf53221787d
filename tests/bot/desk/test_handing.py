"""Answers that others post: worded for the platform, delivered only when they say so."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from bot.channels.base import PRESS_OR_TYPE, Button, Outgoing
from bot.desk import DeskError, wording
from bot.desk.desktop import CONSOLE
from bot.desk.escalation import escalate
from storage.db import Database
from storage.ledger import events
from storage.models import AuditRecord, Case, Citizen, Delivery, Staff
from storage.terms import CaseState, DeliveryState, Role
from storage.web_queries import health
from tests.ingesting import CAN, comments, town_with_platform
from tests.support import Town


@pytest.fixture
async def town(database: Database) -> Town:
    return await town_with_platform(database)


async def _handed(town: Town) -> list[Delivery]:
    async with town.db.read() as session:
        query = select(Delivery).where(Delivery.state == DeliveryState.HANDED)
        return sorted(await session.exec(query), key=lambda one: one.id or 0)


async def _told(town: Town) -> list[str]:
    return [one.payload["text"] for one in await _handed(town)]


# ---- in the platform's manner ----


async def test_an_answer_says_in_words_what_buttons_would_offer(town: Town) -> None:
    await comments(town, "身份证丢了怎么办")
    (text,) = await _told(town)
    assert text.startswith("带户口簿")
    assert "“预约补领”" in text and "http" not in text
    assert text.endswith("没解决请回复“转人工”。")


async def test_where_links_are_allowed_they_are_written_out(database: Database) -> None:
    town = await town_with_platform(database, links=True, max_length=2000)
    await comments(town, "身份证丢了怎么办")
    (text,) = await _told(town)
    assert "预约补领：https://zwfw.yunchuan.example/sfz" in text


async def test_a_mention_stands_before_an_answer_in_public_only(database: Database) -> None:
    town = await town_with_platform(database, mentions=True, max_length=2000)
    await comments(town, "身份证丢了怎么办")
    await comments(town, "身份证丢了怎么办", 2, kind="direct")
    public, private = await _told(town)
    assert public.startswith("@小李 带户口簿") and private.startswith("带户口簿")


@pytest.mark.parametrize(
    ("wait", "said"),
    [("", []), ("已转工作人员，{due}答复您。", ["已转工作人员，"]), (None, ["这件事需要工作人员"])],
)
async def test_who_waits_is_told_what_the_account_says(
    database: Database, wait: str | None, said: list[str]
) -> None:
    town = await town_with_platform(database, wait=wait)
    await comments(town, "低保怎么申请")
    told = await _told(town)
    assert len(told) == len(said)
    for text, start in zip(told, said, strict=True):
        assert text.startswith(start) and "前" in text and "{" not in text


def test_choices_are_offered_by_their_numbers() -> None:
    choices = tuple((Button(f"第{n}件", action=f"c:choose:5:{n}"),) for n in (1, 2, "none"))
    many = Outgoing(f"哪一件？{PRESS_OR_TYPE}：\n1. 甲\n2. 乙", choices)
    text = wording.in_words(many, CAN).text
    assert "请回复数字：\n1. 甲" in text and "点一下" not in text and "转人工" in text
    single = Outgoing("您问的是这件事吗？\n甲", choices[1:])
    assert "请回复“是”" in wording.in_words(single, CAN).text
    assert wording.in_words(single, CAN).buttons == ()
    assert wording.in_words(single, replace(CAN, buttons=True)) is single


async def test_a_grade_that_cannot_be_pressed_is_not_asked_for(town: Town) -> None:
    case_id = await comments(town, "身份证丢了怎么办")
    (row,) = await _handed(town)
    await town.desk.handing.confirm("weibo", row.id or 0, None, "")
    async with town.db.write() as session:
        case = await session.get_one(Case, case_id)
        case.answered_at = datetime.now(UTC) - timedelta(days=30)
    assert await town.desk.duties.resolve_unopposed() == 1
    await town.settle()
    assert await _handed(town) == []


# ---- delivered when they say so ----


async def test_nothing_is_delivered_before_it_is_confirmed(town: Town) -> None:
    case_id = await comments(town, "身份证丢了怎么办")
    (row,) = await _handed(town)
    assert await town.desk.dispatch.deliver_due() == 0
    assert await town.desk.dispatch.next_due() is None
    assert (await town.case(case_id)).state == CaseState.REPLYING
    assert "replied" not in await town.kinds(case_id)
    staff = await town.staff()
    assert await town.desk.handing.posted(staff, row.id or 0) == "已标记发布，计时停在现在"
    case = await town.case(case_id)
    assert case.state == CaseState.ANSWERED and case.answered_at is not None
    assert (await town.kinds(case_id)).count("replied") == 1
    audits = [one for one in await town.rows(AuditRecord) if one.action == "case.posted"]
    assert [(one.actor, one.target) for one in audits] == [(f"staff:{staff.id}", str(case_id))]
    with pytest.raises(DeskError, match="已经标记"):
        await town.desk.handing.posted(staff, row.id or 0)
    await town.agrees()


async def test_what_cannot_be_posted_is_back_in_the_queue(town: Town) -> None:
    case_id = await comments(town, "身份证丢了怎么办")
    (row,) = await _handed(town)
    staff = await town.staff()
    with pytest.raises(DeskError, match="请写明理由"):
        await town.desk.handing.not_posted(staff, row.id or 0, " ")
    await town.desk.handing.not_posted(staff, row.id or 0, "评论区已关闭")
    case = await town.case(case_id)
    assert case.state == CaseState.WAITING and case.answered_at is None
    assert await _handed(town) == []
    with pytest.raises(DeskError, match="评论区已关闭"):
        await town.desk.handing.posted(staff, row.id or 0)
    await town.agrees()


async def test_what_lies_ready_cannot_be_taken_back_but_before_it_can(town: Town) -> None:
    case_id = await comments(town, "低保怎么申请")
    staff, version = await town.staff(), (await town.case(case_id)).version
    await town.desk.review.send(staff, case_id, version, CONSOLE, "向街道提出申请。")
    await town.desk.workbench.take_back(staff, case_id)
    version = (await town.case(case_id)).version
    await town.desk.review.send(staff, case_id, version, CONSOLE, "请到街道提出申请。")
    await town.settle()
    with pytest.raises(DeskError, match="撤不回来"):
        await town.desk.workbench.take_back(staff, case_id)
    (text,) = await _told(town)
    assert text.startswith("请到街道")


async def test_what_a_citizen_withdrew_is_not_posted(town: Town) -> None:
    await comments(town, "身份证丢了怎么办")
    (row,) = await _handed(town)
    await town.desk.citizens.erase("weibo", "u7")
    assert await _handed(town) == []
    with pytest.raises(DeskError, match="群众撤回"):
        await town.desk.handing.confirm("weibo", row.id or 0, None, "")


async def test_staff_see_what_is_theirs(database: Database) -> None:
    town = await town_with_platform(database, awaits="person")
    case_id = await comments(town, "身份证丢了怎么办")
    (row,) = await _handed(town)
    (shown,) = await town.desk.handing.for_staff(await town.staff())
    assert (shown.handed.delivery.id, shown.handed.case.id) == (row.id, case_id)
    assert shown.handed.asked == "身份证丢了怎么办" and shown.spot.post == "p1"
    assert (shown.reply_to, shown.by_program) == ("c1", False)
    assert "".join(shown.parts).startswith("带户口簿")
    for stranger in (
        Staff(id=1, login="a", display_name="甲", role=Role.AGENT, accounts=["telegram"]),
        Staff(id=1, login="a", display_name="甲", role=Role.AGENT, departments=["市民政局"]),
    ):
        assert await town.desk.handing.for_staff(stranger) == []
        with pytest.raises(DeskError, match="不归您办理"):
            await town.desk.handing.posted(stranger, row.id or 0)
        with pytest.raises(DeskError, match="不归您办理"):
            await town.desk.handing.not_posted(stranger, row.id or 0, "评论区已关闭")


async def test_what_a_program_leaves_lying_comes_before_people(town: Town) -> None:
    await comments(town, "身份证丢了怎么办")
    staff = await town.staff()
    assert await town.desk.handing.for_staff(staff) == []
    async with town.db.write() as session:
        for row in await session.exec(select(Delivery).where(Delivery.state == "handed")):
            row.created_at -= timedelta(minutes=11)
    (late,) = await town.desk.handing.for_staff(staff)
    assert late.by_program


async def test_while_nobody_confirms_the_clock_runs_and_staff_are_reminded(town: Town) -> None:
    case_id = await comments(town, "低保怎么申请")
    version = (await town.case(case_id)).version
    await town.desk.review.send(await town.staff(), case_id, version, CONSOLE, "向街道提出申请。")
    await town.settle()
    async with town.db.write() as session:
        case = await session.get_one(Case, case_id)
        case.due_at = datetime.now(UTC) - timedelta(days=3)
        case.remind_at = None
    await town.desk.duties.remind()
    assert (await town.case(case_id)).state == CaseState.REPLYING
    assert "escalated" in await town.kinds(case_id)
    assert len(await _handed(town)) == 1


async def test_a_citizen_who_is_gone_is_known_to_be(town: Town) -> None:
    await comments(town, "身份证丢了怎么办")
    (row,) = await _handed(town)
    await town.desk.handing.decline("weibo", row.id or 0, "已注销", gone=True)
    (citizen,) = await town.rows(Citizen)
    assert not citizen.reachable
    with pytest.raises(DeskError, match="没有这条答复"):
        await town.desk.handing.decline("telegram", row.id or 0, "已注销", gone=True)


async def test_what_nobody_confirms_is_counted_and_reminded_of_even_an_automatic_answer(
    town: Town,
) -> None:
    case_id = await comments(town, "身份证丢了怎么办", days=60)
    case = await town.case(case_id)
    assert (case.state, case.automatic, case.answered_at) == ("replying", True, None)
    assert (await health(town.db)).unconfirmed == 1
    assert await escalate(town.desk.office) == 0  # it may still be fetched
    async with town.db.write() as session:
        for one in await session.exec(select(Delivery)):
            one.created_at -= timedelta(minutes=11)
    assert await escalate(town.desk.office) == 1
    assert (await town.case(case_id)).due_at is not None
    async with town.db.read() as session:
        told = [one.kind for one in await events(session, case_id)]
    assert told[-1] == "escalated"
    (row,) = await _handed(town)
    assert await town.desk.handing.confirm("weibo", row.id or 0, None, "w1")
    assert (await health(town.db)).unconfirmed == 0
    await town.agrees()
