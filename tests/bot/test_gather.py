"""A report from a real desk: figures, the cases behind them, names, health; nothing personal."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from sqlmodel import select

from bot.assessment.scorecard import parse_scorecards
from bot.clock import Calendar
from bot.deadlines import profiles
from bot.reports.gather import LISTS, Period, Wanted, cases_behind, gather
from storage import accounts
from storage.accounts import Opened
from storage.db import Database
from storage.models import Account, Staff
from tests.bot.test_scorecard import SHIPPED
from tests.support import STAFF_PLACE, Town, build_town

ALL = Period(None, None)
PHONE = "13812345678"


@pytest.fixture
async def town(database: Database) -> Town:
    """One matter answered by itself, one by a member of staff, one waiting, one thanks."""
    town = await build_town(database)
    await town.ask("身份证丢了怎么办", "1")
    case_id = await town.ask("低保怎么申请", "2")
    staff, case = await town.staff(), await town.case(case_id)
    await town.desk.review.send(staff, case_id, case.version, STAFF_PLACE, "带户口簿到街道申请。")
    await town.settle()
    await town.ask(f"楼下工地半夜施工太吵了，我要投诉，电话{PHONE}", "3")
    await town.ask("谢谢", "4")
    return town


def wanted(period: Period = ALL, listed: int = 10) -> Wanted:
    return Wanted(
        period,
        datetime.now(UTC) + timedelta(seconds=1),
        profiles()["guangdong_2022"],
        Calendar(),
        scorecards=parse_scorecards(SHIPPED),
        listed=listed,
    )


async def test_the_report_of_a_desk(town: Town) -> None:
    found = await gather(town.db, wanted())
    counts = found.figures["counts"]
    assert (counts["valid"], counts["answered"], counts["answered_automatically"]) == (3, 2, 1)
    assert set(found.lists) == set(LISTS)
    assert found.names["account"] == {"telegram": "云川发布"}
    (person,) = [name for name in found.figures["by_person"] if name]
    assert found.names["person"][person] == "张三"
    assert [one["key"] for one in found.figures["scorecards"]] == ["units", "people"]


async def test_personal_data_is_hidden_in_the_lists(town: Town) -> None:
    found = await gather(town.db, wanted())
    (row,) = found.lists["counts.unanswered.all"].rows
    assert PHONE not in row.text and "138****5678" in row.text


async def test_what_a_citizen_had_erased_is_not_there(town: Town) -> None:
    await town.desk.citizens.erase("telegram", "3")
    found = await gather(town.db, wanted())
    assert found.figures["counts"]["original"] == 4
    for cases in found.lists.values():
        assert all("工地" not in row.text for row in cases.rows)


async def test_the_cases_behind_one_figure(town: Town) -> None:
    found = await cases_behind(
        town.db, wanted(listed=0), "counts.answered", "department", "市公安局"
    )
    ((key, cases),) = found.lists.items()
    assert (key, cases.total, cases.left_out) == ("counts.answered", 1, 0)
    assert cases.rows[0].text == "身份证丢了怎么办"
    assert (cases.title, cases.dimension, cases.group) == ("已答复", "department", "市公安局")
    assert "by_account" not in found.figures
    for key, dimension, group in (
        ("nothing", "", ""),
        ("counts.valid", "department", "市水利局"),
        ("counts.valid", "planet", "x"),
    ):
        with pytest.raises(KeyError):
            await cases_behind(town.db, wanted(), key, dimension, group)


async def test_a_figure_and_its_list_agree(town: Town) -> None:
    whole = await gather(town.db, wanted(listed=0))
    for name, group in whole.figures["by_department"].items():
        behind = await cases_behind(town.db, wanted(), "on_time.denominator", "department", name)
        assert behind.lists["on_time.denominator"].total == group["on_time"]["denominator"]


async def test_long_lists_are_cut_and_say_so(town: Town) -> None:
    found = await gather(town.db, wanted(listed=1))
    excluded, open_ = found.lists["counts.excluded"], found.lists["counts.unanswered.all"]
    assert (excluded.total, len(excluded.rows), open_.left_out) == (1, 1, 0)
    found = await cases_behind(town.db, wanted(listed=2), "counts.original")
    assert found.lists["counts.original"].left_out == 2


async def test_a_period_is_of_days_in_china_and_health_is_not_bound_by_it(town: Town) -> None:
    found = await gather(town.db, wanted(Period(date(2020, 1, 1), date(2020, 1, 2))))
    assert found.figures["counts"]["original"] == 0
    (account,) = found.figures["health"]["accounts"]
    assert account["unanswered"]["all"] == 1


async def test_health_rests_on_the_register_and_on_link_checks(town: Town) -> None:
    url = "https://zwfw.yunchuan.example/sfz"
    now = datetime.now(UTC)
    async with town.db.write() as session:
        row = (await session.exec(select(Account))).one()
        row.last_published_at, row.sponsor = now - timedelta(days=70), "云川市政府办公室"
        earlier = now - timedelta(days=2)
        await accounts.note_links(session, [Opened(url, "页面不存在（404）")], earlier)
        await accounts.note_links(session, [Opened(url, "连不上")], now)
    health = (await gather(town.db, wanted())).figures["health"]
    assert health["accounts"][0]["stands"] == "线索"
    (dead,) = health["links"]["dead_links"]
    assert (dead["label"], dead["problem"], dead["entries"]) == ("预约补领", "连不上", ["id-lost"])
    assert dead["failing_since"] < dead["checked_at"]
    async with town.db.write() as session:
        await accounts.note_links(session, [Opened(url, "")], now)
    assert (await gather(town.db, wanted())).figures["health"]["links"]["dead"] == 0


async def test_topics_are_those_of_entries_or_else_departments(town: Town) -> None:
    async with town.db.read() as session:
        found = await accounts.topics(session)
    assert list(found.values()) == [{"户籍": 1, "市民政局": 1}]


async def test_people_of_one_name_are_told_apart(town: Town) -> None:
    async with town.db.write() as session:
        session.add(Staff(login="zhang2", display_name="张三"))
    names = (await gather(town.db, replace(wanted(), listed=0))).names["person"]
    assert sorted(names.values()) == ["张三（s0）", "张三（zhang2）", "李四", "王五"]
