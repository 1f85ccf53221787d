"""What the console shows of the queue and of a case, and what it alone can do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import col, select

from bot import ledger
from bot.clock import Calendar
from bot.desk import DeskError
from bot.desk.countdown import countdown, lasting
from bot.desk.desktop import CONSOLE
from storage import evidence
from storage.inbox import PAGE
from storage.models import Account, AuditRecord, Case, CaseNote, Delivery, Staff, StaffSession
from storage.narrowing import Filters
from storage.terms import EventKind, Purpose
from tests.support import Town

WAITING = Filters()


async def seen(town: Town, staff: Staff, filters: Filters = WAITING) -> list[int]:
    page = await town.desk.inbox.page(staff, filters, 0)
    assert page.total == len(page.lines)
    return [line.case.id or 0 for line in page.lines]


async def change(town: Town, case_id: int, **values: object) -> None:
    async with town.db.write() as session:
        case = await session.get_one(Case, case_id)
        case.sqlmodel_update(values)


async def scoped(town: Town, **values: list[str]) -> Staff:
    """The 坐席, kept to these accounts or departments."""
    async with town.db.write() as session:
        staff = (await session.exec(select(Staff).where(Staff.login == "s0"))).one()
        staff.sqlmodel_update(values)
    return await town.staff()


async def test_the_queue_is_in_the_order_in_which_cases_should_be_taken_up(town: Town) -> None:
    staff, now = await town.staff(), datetime.now(UTC)
    calm, urgent, late, put_off = [
        (await town.waiting(f"低保怎么申请{n}", str(7001 + n)))[0] for n in range(4)
    ]
    await change(town, calm, due_at=now + timedelta(days=3))
    await change(town, urgent, urgency=2, due_at=now + timedelta(days=5))
    await change(town, late, due_at=now - timedelta(hours=1))
    await change(town, put_off, urgency=2, snoozed_until=now + timedelta(minutes=10))
    assert await seen(town, staff) == [urgent, late, calm, put_off]


async def test_every_filter_narrows_the_queue(town: Town) -> None:
    staff, now = await town.staff(), datetime.now(UTC)
    one, _ = await town.waiting("低保怎么申请", "7001")
    two, _ = await town.waiting("低保申请要什么条件", "7002")
    await change(
        town,
        two,
        department="市民政局",
        category="投诉",
        kind="comment",
        due_at=now - timedelta(hours=2),
        opened_at=now - timedelta(days=4),
        assignee_id=staff.id,
    )
    await change(town, one, department="市教育局", category="求助", due_at=now + timedelta(days=9))
    for filters in (
        Filters(department="市民政局"),
        Filters(category="投诉"),
        Filters(kind="comment"),
        Filters(age="overdue"),
        Filters(age="3d"),
        Filters(assignee=str(staff.id)),
        Filters(text="什么条件"),
        Filters(text=f"#{two}"),
    ):
        assert await seen(town, staff, filters) == [two], filters
    assert await seen(town, staff, Filters(assignee="none")) == [one]
    assert await seen(town, staff, Filters(account="web")) == []
    assert await seen(town, staff, Filters(text="100%_")) == []
    counts = await town.desk.inbox.counts(staff)
    assert {name: count for name, count in counts.items() if count} == {
        "waiting": 2,
        "overdue": 1,
        "mine": 1,
    }


async def test_the_search_finds_answers_and_names_among_what_is_done(town: Town) -> None:
    staff = await town.staff()
    case_id, version = await town.waiting("低保怎么申请")
    await town.desk.review.send(staff, case_id, version, CONSOLE, "请到街道便民中心三号窗口办理。")
    await town.settle()
    assert await seen(town, staff) == []
    assert await seen(town, staff, Filters(state="done", text="三号窗口")) == [case_id]
    assert await seen(town, staff, Filters(state="all", text="小李")) == [case_id]


async def test_the_queue_comes_in_pages(town: Town) -> None:
    staff = await town.staff()
    case_id, _ = await town.waiting()
    async with town.db.write() as session:
        case = await session.get_one(Case, case_id)
        copies = case.model_dump(exclude={"id"})
        session.add_all(Case(**copies) for _ in range(PAGE + 4))
    first = await town.desk.inbox.page(staff, WAITING, 0)
    second = await town.desk.inbox.page(staff, WAITING, PAGE)
    assert (len(first.lines), len(second.lines), first.total) == (PAGE, 5, PAGE + 5)


async def test_scopes_hide_and_refuse_what_is_not_ones_own(town: Town) -> None:
    case_id, version = await town.waiting()
    await change(town, case_id, department="市民政局")
    stranger = await scoped(town, departments=["市公安局"])
    assert await seen(town, stranger) == []
    for attempt in (
        town.desk.inbox.look_again(stranger, case_id),
        town.desk.workbench.note(stranger, case_id, "看看"),
        town.desk.workbench.claim(stranger, case_id, version),
        town.desk.review.adopt(stranger, case_id, version, CONSOLE),
        town.desk.review.close(stranger, case_id, version, CONSOLE, "无实质内容"),
    ):
        with pytest.raises(DeskError, match="不归您办理"):
            await attempt
    assert await seen(town, await scoped(town, departments=["市民政局"])) == [case_id]
    assert await seen(town, await scoped(town, accounts=["web"])) == []


async def test_personal_data_is_hidden_until_somebody_with_the_right_looks(town: Town) -> None:
    case_id, _ = await town.waiting("低保怎么申请，我电话13812345678")
    agent, reviewer = await town.staff(0), await town.staff(1)
    item = await town.desk.inbox.look_again(agent, case_id)
    assert "138****5678" in item.talk[0].text
    with pytest.raises(DeskError, match="审核"):
        await town.desk.inbox.reveal(agent, case_id)
    assert "13812345678" in (await town.desk.inbox.reveal(reviewer, case_id))[0].text
    kept = [one for one in await town.rows(AuditRecord) if one.action == "case.reveal"]
    assert [(one.actor, one.target) for one in kept] == [(f"staff:{reviewer.id}", str(case_id))]


async def test_claiming_shows_and_the_second_is_told_who_was_first(town: Town) -> None:
    case_id, version = await town.waiting()
    agent, reviewer, supervisor = [await town.staff(number) for number in range(3)]
    bench = town.desk.workbench
    assert "已认领" in await bench.claim(agent, case_id, version)
    with pytest.raises(DeskError, match="张三"):
        await bench.claim(reviewer, case_id, version)
    assert await seen(town, agent, Filters(assignee=str(agent.id))) == [case_id]
    await bench.claim(supervisor, case_id, version)
    assert (await town.case(case_id)).assignee_id == supervisor.id
    assert "放回" in await bench.claim(supervisor, case_id, version)
    assert [one async for one in ledger.differences(town.db)] == []


async def test_colleagues_see_who_has_a_case_before_them(town: Town) -> None:
    case_id, _ = await town.waiting()
    agent, reviewer = await town.staff(0), await town.staff(1)
    async with town.db.write() as session:
        row = StaffSession(mark="m", staff_id=agent.id or 0, stage="open")
        session.add(row)
        await session.flush()
        number = row.id or 0
    await town.desk.inbox.open(agent, case_id, number)
    item = await town.desk.inbox.look_again(reviewer, case_id)
    page = await town.desk.inbox.page(reviewer, WAITING, 0)
    assert item.present == ["张三"] and page.lines[0].present == ("张三",)
    await town.desk.inbox.beat(number, None)
    assert (await town.desk.inbox.look_again(reviewer, case_id)).present == []


async def test_a_reply_from_the_console_can_be_taken_back_until_it_leaves(town: Town) -> None:
    staff = await town.staff()
    case_id, version = await town.waiting()
    text = "请带户口簿到街道便民中心三号窗口办理，当场受理。"
    await town.desk.review.send(staff, case_id, version, CONSOLE, text)
    await town.desk.dispatch.deliver_due()
    assert not [one for one in town.to("7001") if text in one.text]
    assert "没有发出" in await town.desk.workbench.take_back(staff, case_id)
    case = await town.case(case_id)
    assert (case.state, case.version > version) == ("waiting", True)
    item = await town.desk.inbox.look_again(staff, case_id)
    assert item.view.draft is not None and item.view.draft.text == text
    assert item.view.draft.approvals == []
    await town.settle()
    assert not [one for one in town.to("7001") if text in one.text]
    await town.desk.review.adopt(staff, case_id, case.version, CONSOLE)
    await town.settle()
    assert len([one for one in town.to("7001") if text in one.text]) == 1
    with pytest.raises(DeskError, match="已经发出"):
        await town.desk.workbench.take_back(staff, case_id)
    assert [one async for one in ledger.differences(town.db)] == []


async def test_a_reply_taken_back_counts_as_no_decision_about_the_entry(town: Town) -> None:
    staff = await town.staff()
    case_id, version = await town.waiting()
    await town.desk.review.adopt(staff, case_id, version, CONSOLE)
    await town.desk.workbench.take_back(staff, case_id)
    async with town.db.read() as session:
        since = datetime.now(UTC) - timedelta(days=1)
        assert await evidence.decided(session, since) == []
        assert [one.by for one in await evidence.asked_in(session, case_id)] == [""]
    case = await town.case(case_id)
    await town.desk.review.adopt(staff, case_id, case.version, CONSOLE)
    async with town.db.read() as session:
        assert len(await evidence.decided(session, since)) == 1


async def test_only_the_sender_or_a_supervisor_takes_back(town: Town) -> None:
    case_id, version = await town.waiting()
    await town.desk.review.adopt(await town.staff(0), case_id, version, CONSOLE)
    with pytest.raises(DeskError, match="不是您发的"):
        await town.desk.workbench.take_back(await town.staff(1), case_id)
    assert await town.desk.workbench.take_back(await town.staff(2), case_id)


async def test_the_console_sends_no_cards_after_each_case(town: Town) -> None:
    staff = await town.staff()
    case_id, version = await town.waiting()
    await town.waiting("低保申请要什么条件", "7002")
    before = [one.id for one in await town.rows(Delivery) if one.purpose == Purpose.CARD]
    await town.desk.review.adopt(staff, case_id, version, CONSOLE)
    after = [one.id for one in await town.rows(Delivery) if one.purpose == Purpose.CARD]
    assert after == before


async def test_an_outdated_view_is_refused_kindly(town: Town) -> None:
    staff = await town.staff()
    case_id, version = await town.waiting()
    await town.say("补充一句，家里四口人", "7001")
    with pytest.raises(DeskError, match="刚有变化"):
        await town.desk.review.adopt(staff, case_id, version, CONSOLE)


async def test_an_entry_looked_up_by_hand_becomes_the_draft(town: Town) -> None:
    staff = await town.staff()
    case_id, version = await town.waiting("我想问个事情，窗口周末上班吗")
    found = await town.desk.inbox.search("租房提取公积金")
    assert found[0].entry.id == "fund-rent"
    await town.desk.workbench.use(staff, case_id, version, "fund-rent")
    item = await town.desk.inbox.look_again(staff, case_id)
    assert item.view.draft is not None and item.view.draft.entry_id == "fund-rent"
    assert "公积金小程序" in item.view.draft.text
    with pytest.raises(DeskError, match="停用"):
        await town.desk.workbench.use(staff, case_id, item.case.version, "gone")


async def test_notes_name_colleagues_and_go_with_the_citizens_data(town: Town) -> None:
    agent, reviewer = await town.staff(0), await town.staff(1)
    case_id, _ = await town.waiting()
    await town.desk.workbench.note(agent, case_id, "@李四，他说家里四口人，请核对。 @没有这人")
    (note,) = await town.rows(CaseNote)
    assert note.mentions == [reviewer.id]
    assert await seen(town, reviewer, Filters(state="mentioned")) == [case_id]
    assert (await town.desk.inbox.counts(reviewer))["mentioned"] == 1
    assert (await town.desk.inbox.counts(agent))["mentioned"] == 0
    await town.desk.citizens.erase("telegram", "7001")
    (note,) = await town.rows(CaseNote)
    assert "四口人" not in note.text


async def test_views_are_kept_for_their_owner(town: Town) -> None:
    agent, reviewer = await town.staff(0), await town.staff(1)
    inbox, mine = town.desk.inbox, Filters(category="投诉", age="overdue")
    await inbox.keep_view(agent, "超期投诉", mine)
    await inbox.keep_view(agent, "超期投诉", replace(mine, kind="comment"))
    (view,) = await inbox.views(agent)
    assert Filters.from_json(view.filters) == replace(mine, kind="comment")
    assert await inbox.views(reviewer) == []
    await inbox.drop_view(reviewer, view.id or 0)
    assert len(await inbox.views(agent)) == 1
    await inbox.drop_view(agent, view.id or 0)
    assert await inbox.views(agent) == []


async def test_review_in_steps_is_a_view_of_its_own(town: Town) -> None:
    async with town.db.write() as session:
        for account in await session.exec(select(Account).where(col(Account.key) == "telegram")):
            account.review_steps = 2
    agent, reviewer = await town.staff(0), await town.staff(1)
    case_id, version = await town.waiting()
    await town.desk.review.send(
        agent, case_id, version, CONSOLE, "请到街道申请，材料见公告，当场受理。"
    )
    assert await seen(town, reviewer, Filters(state="review")) == [case_id]
    item = await town.desk.inbox.look_again(reviewer, case_id)
    (step,) = item.view.draft.approvals if item.view.draft else []
    assert step["before"] != step["after"] == "请到街道申请，材料见公告，当场受理。"
    await town.desk.review.adopt(reviewer, case_id, item.case.version, CONSOLE)
    assert EventKind.REPLY_QUEUED in await town.kinds(case_id)


@pytest.mark.parametrize(
    ("left", "words", "tone"),
    [
        (timedelta(days=7), "剩 5 个工作日", "calm"),
        (timedelta(days=1, hours=3), "剩 1 个工作日 3 小时", "calm"),
        (timedelta(days=1), "剩 1 个工作日", "calm"),
        (timedelta(minutes=90), "剩 1 小时 30 分", "soon"),
        (timedelta(hours=3), "剩 3 小时", "soon"),
        (timedelta(seconds=-20), "超期 不到 1 分钟", "late"),
        (timedelta(minutes=-20), "超期 20 分钟", "late"),
    ],
)
def test_the_countdown_speaks_in_working_time(left: timedelta, words: str, tone: str) -> None:
    now = datetime(2026, 11, 23, 2, 0, tzinfo=UTC)  # a Monday, 10:00 in China
    case = Case(account_id=1, citizen_id=1, due_at=now + left)
    found = countdown(case, Calendar(), now)
    assert (found.words, found.tone) == (words, tone)
    assert "2026-11-" in found.exact


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        (0.01, "不到 1 分钟"),
        (0.5, "30 分钟"),
        (5, "5 小时"),
        (24, "1 天"),
        (53.2, "2 天 5 小时"),
        (6_465.9, "269 天"),
    ],
)
def test_how_long_something_took_is_said_in_words(hours: float, words: str) -> None:
    assert lasting(timedelta(hours=hours)) == words


def test_a_case_without_a_limit_or_with_a_pause_is_not_hurried() -> None:
    now = datetime.now(UTC)
    assert countdown(Case(account_id=1, citizen_id=1), Calendar(), now).tone == "none"
    paused = Case(account_id=1, citizen_id=1, due_at=now, paused_at=now)
    assert countdown(paused, Calendar(), now).words == "计时暂停"
