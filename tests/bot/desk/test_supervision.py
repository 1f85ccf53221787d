"""The supervisor's figures from a real desk: who may see which, and that lists agree with them."""

from __future__ import annotations

import asyncio
import io
import json
from datetime import UTC, date, datetime, timedelta

import pytest
from openpyxl import load_workbook
from sqlmodel import select

from bot.assessment import Reach
from bot.desk import DeskError
from bot.desk.keeper import State
from bot.desk.supervision import PERIODS, WAITING, Ask, period_of
from bot.reports.gather import ALWAYS, Period
from bot.reports.measures import look_up
from storage.models import AuditRecord, Staff
from tests.embeddings import Letters
from tests.support import STAFF_PLACE, Town

REVIEWER, SUPERVISOR = 1, 2
TODAY = date(2026, 6, 17)


@pytest.fixture
async def busy(town: Town) -> Town:
    """One matter answered by itself, one by a person, two waiting, one thanks."""
    await town.ask("身份证丢了怎么办", "1")
    case_id, version = await town.waiting("低保怎么申请", "2")
    staff = await town.staff()
    await town.desk.review.send(staff, case_id, version, STAFF_PLACE, "带户口簿到街道申请。")
    await town.settle()
    await town.ask("楼下工地半夜施工太吵了，我要投诉，电话13812345678", "3")
    await town.ask("低保要什么条件", "4")
    await town.ask("谢谢", "5")
    return town


async def test_every_figure_has_a_list_of_as_many_rows(busy: Town) -> None:
    chief, desk = await busy.staff(SUPERVISOR), busy.desk.supervision
    at = datetime.now(UTC)
    report = await desk.report(chief, ALWAYS, at)
    figures = report.figures
    assert (figures["counts"]["original"], figures["counts"]["valid"]) == (5, 4)
    for key in ("counts.original", "counts.excluded", "counts.answered", "on_time.denominator"):
        found = await desk.cases(chief, Ask(key, at))
        assert found.lists[key].total == len(found.lists[key].rows) == look_up(figures, key)
        for name, own in figures["by_department"].items():
            behind = await desk.cases(chief, Ask(key, at, by="department", group=name))
            assert behind.lists[key].total == look_up(own, key)
    rated = await desk.cases(chief, Ask("on_time.rate", at))
    assert rated.lists["on_time.rate"].total == figures["on_time"]["denominator"]


async def test_what_waits_by_age_opens_too_and_stays_as_it_was(busy: Town) -> None:
    chief, desk = await busy.staff(SUPERVISOR), busy.desk.supervision
    present = await desk.present(chief)
    assert (present.today, present.waiting["all"], dict(present.ages)) == (5, 2, {"0-1": 2})
    assert sum(present.waiting[key] for key in WAITING[1:]) == 2
    ask = Ask("counts.unanswered.all", present.at, by="age", group="0-1")
    before = await desk.cases(chief, ask)
    case_id = before.lists[ask.figure].rows[-1].turn.case_id
    case = await busy.case(case_id)
    staff = await busy.staff()
    await busy.desk.review.send(staff, case_id, case.version, STAFF_PLACE, "请带证件来办理。")
    await busy.settle()
    again = await desk.cases(chief, ask)
    assert [one.turn.case_id for one in again.lists[ask.figure].rows] == [
        one.turn.case_id for one in before.lists[ask.figure].rows
    ]
    assert (await desk.present(chief)).waiting["all"] == 1


async def test_what_a_rush_let_be_matched_by_words_alone_is_told(busy: Town) -> None:
    chief, library = await busy.staff(SUPERVISOR), busy.desk.office.library
    assert (await busy.desk.supervision.present(chief)).by_words == 0
    library.understand(Letters, None)
    async with asyncio.timeout(20):
        while library.keeper is None or library.keeper.state != State.READY:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    library._pace = 100.0  # seconds: whoever waits behind another waits too long
    rush = [await busy.say(f"公交卡在哪里充值{n}号线", f"8{n}") for n in range(3)]
    await busy.settle()
    lacking = [
        one.data.get("lacking") for one in await busy.events("triaged") if one.case_id in rush
    ]
    assert sorted(map(str, lacking)) == ["None", "crowded", "crowded"]
    assert (await busy.desk.supervision.present(chief)).by_words == 2
    await library.close()


async def test_personal_data_is_hidden_in_lists(busy: Town) -> None:
    chief = await busy.staff(SUPERVISOR)
    ask = Ask("counts.unanswered.all", datetime.now(UTC))
    found = await busy.desk.supervision.cases(chief, ask)
    texts = [one.text for one in found.lists[ask.figure].rows]
    assert any("138****5678" in text for text in texts)
    assert not any("13812345678" in text for text in texts)


async def test_a_clerk_sees_no_figures_and_only_deciders_take_them_out(busy: Town) -> None:
    clerk, reviewer = await busy.staff(), await busy.staff(REVIEWER)
    desk, ask = busy.desk.supervision, Ask("counts.original", datetime.now(UTC))
    for look in (
        desk.report(clerk, ALWAYS),
        desk.present(clerk),
        desk.outlook(clerk),
        desk.cases(clerk, ask),
        desk.scorecards(clerk, ALWAYS),
        desk.health(clerk),
        desk.document(clerk, ALWAYS, "json"),
        desk.list_document(clerk, ask, "json"),
        desk.document(reviewer, ALWAYS, "json"),
        desk.list_document(reviewer, ask, "json"),
    ):
        with pytest.raises(DeskError, match="主管"):
            await look
    assert (await desk.report(reviewer, ALWAYS)).figures["counts"]["original"] == 5


async def test_somebody_of_one_department_sees_that_department(busy: Town) -> None:
    chief = await busy.staff(SUPERVISOR)
    whole = await busy.desk.supervision.report(chief, ALWAYS)
    own = whole.figures["by_department"]["市公安局"]["counts"]
    async with busy.db.write() as session:
        row = await session.get_one(Staff, chief.id)
        row.departments = ["市公安局"]
    chief = await busy.staff(SUPERVISOR)
    desk = busy.desk.supervision
    limited = await desk.report(chief, ALWAYS)
    assert limited.figures["counts"]["original"] == own["original"] < 5
    assert set(limited.figures["by_department"]) == {"市公安局"}
    assert limited.figures["reach"]["departments"] == ["市公安局"]
    assert (await desk.present(chief)).today == own["original"]
    found = await desk.cases(chief, Ask("counts.original", datetime.now(UTC)))
    assert {one.turn.department for one in found.lists["counts.original"].rows} == {"市公安局"}
    taken = json.loads((await desk.document(chief, ALWAYS, "json")).content)
    assert taken["counts"]["original"] == own["original"]
    page = (await desk.document(chief, ALWAYS, "html")).content.decode()
    assert "只含承办单位 市公安局" in page and "低保" not in page


async def test_the_figures_of_one_group_are_those_of_its_row(busy: Town) -> None:
    chief, desk, at = await busy.staff(SUPERVISOR), busy.desk.supervision, datetime.now(UTC)
    whole = await desk.report(chief, ALWAYS, at)
    for name, own in whole.figures["by_department"].items():
        part = Reach(departments=(name,))
        alone = await desk.report(chief, ALWAYS, at, part)
        assert alone.figures["counts"] == own["counts"]
        found = await desk.cases(chief, Ask("counts.original", at, within=part))
        assert found.lists["counts.original"].total == own["counts"]["original"]
    async with busy.db.write() as session:
        (await session.get_one(Staff, chief.id)).departments = ["市公安局"]
    chief = await busy.staff(SUPERVISOR)
    other = Reach(departments=("市民政局",))
    for look in (
        desk.report(chief, ALWAYS, at, other),
        desk.present(chief, at, other),
        desk.outlook(chief, other),
        desk.cases(chief, Ask("counts.original", at, within=other)),
        desk.list_document(chief, Ask("counts.original", at, within=other), "json"),
    ):
        with pytest.raises(DeskError, match="不在您的范围里"):
            await look


@pytest.mark.parametrize("form", ["xlsx", "docx", "html", "json"])
async def test_reports_are_handed_over_and_noted(busy: Town, form: str) -> None:
    chief = await busy.staff(SUPERVISOR)
    today = busy.desk.office.today()
    made = await busy.desk.supervision.document(chief, Period(today, today), form)
    assert made.name == f"留言办理情况_{today}至{today}.{form}" and made.content
    async with busy.db.read() as session:
        query = select(AuditRecord).where(AuditRecord.action == "report.download")
        (noted,) = await session.exec(query)
    assert noted.actor == f"staff:{chief.id}"
    assert (noted.data["format"], noted.data["first"]) == (form, today.isoformat())


async def test_a_list_is_handed_over_with_as_many_rows_and_noted(busy: Town) -> None:
    chief, at = await busy.staff(SUPERVISOR), datetime.now(UTC)
    ask = Ask("counts.valid", at)
    made = await busy.desk.supervision.list_document(chief, ask, "xlsx")
    (sheet,) = load_workbook(io.BytesIO(made.content)).worksheets[:1]
    assert sum(str(row[0].value).startswith("#") for row in sheet.iter_rows()) == 4
    async with busy.db.read() as session:
        query = select(AuditRecord).where(AuditRecord.action == "report.cases")
        (noted,) = await session.exec(query)
    assert (noted.target, noted.data["cases"]) == ("counts.valid", 4)


@pytest.mark.parametrize(
    "ask",
    [
        Ask("nothing", datetime.now(UTC)),
        Ask("counts.valid", datetime.now(UTC), by="planet", group="x"),
        Ask("counts.valid", datetime.now(UTC), by="department", group="没有的单位"),
    ],
)
async def test_made_up_figures_are_refused_kindly(busy: Town, ask: Ask) -> None:
    chief = await busy.staff(SUPERVISOR)
    with pytest.raises(DeskError, match="没有这个数字"):
        await busy.desk.supervision.cases(chief, ask)
    with pytest.raises(DeskError, match="没有这个数字"):
        await busy.desk.supervision.list_document(chief, ask, "json")


async def test_nothing_is_null_and_never_a_hundred_percent(town: Town) -> None:
    chief = await town.staff(SUPERVISOR)
    report = await town.desk.supervision.report(chief, ALWAYS)
    assert report.figures["on_time"]["rate"] is None
    present = await town.desk.supervision.present(chief)
    assert (present.today, dict(present.ages)) == (0, {})
    assert all(one.low is None for one in (await town.desk.supervision.outlook(chief)).days)


def test_periods_are_whole_days() -> None:
    expected = {
        "today": (TODAY, TODAY),
        "7d": (date(2026, 6, 11), TODAY),
        "30d": (date(2026, 5, 19), TODAY),
        "month": (date(2026, 6, 1), TODAY),
        "last": (date(2026, 5, 1), date(2026, 5, 31)),
        "own": (date(2026, 5, 19), TODAY),
    }
    assert set(expected) == set(PERIODS)
    for key, (first, last) in expected.items():
        assert period_of(key, TODAY) == Period(first, last)
    backwards = TODAY, TODAY - timedelta(days=3)
    assert period_of("own", TODAY, *backwards) == Period(backwards[1], TODAY)
