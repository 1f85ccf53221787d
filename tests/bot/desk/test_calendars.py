"""Due times reckoned anew when the calendar learns, or the office's rule becomes another."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta

from bot.clock import SHANGHAI, Calendar
from bot.deadlines import profiles
from bot.desk import Desk, Office
from bot.desk.calendars import renew_dues
from bot.jobs import table
from bot.ledger import verify
from storage.models import Case, CaseEvent, Task
from tests.support import STAFF_PLACE, Town

YEAR = 2035  # no official calendar reaches so far
ASKED = datetime(YEAR, 3, 1, 9, tzinfo=SHANGHAI)  # a Thursday
LEARNT = Calendar(
    overrides={date(YEAR, 3, 5): False, date(YEAR, 3, 10): True},
    source="国办发明电〔2034〕X号",
    complete_years=frozenset({YEAR}),
)


def ruled(town: Town, calendar: Calendar, profile: str = "guangdong_2022") -> Office:
    """The same office under another calendar or profile."""
    rules = replace(town.desk.office.rules, calendar=calendar, profile=profiles()[profile])
    return replace(town.desk.office, rules=rules)


async def waiting(town: Town, citizen: str = "1", text: str = "低保怎么申请") -> int:
    """A case before staff that was opened in a year without a calendar."""
    case_id = await town.say(text, citizen, at=ASKED)
    await town.settle()
    assert (await town.case(case_id)).state == "waiting"
    return case_id


async def promises(town: Town, case_id: int) -> list[CaseEvent]:
    events = [one for one in await town.rows(CaseEvent) if one.case_id == case_id]
    return [one for one in events if one.kind == "due_set"]


def shown(case: Case) -> str:
    assert case.due_at is not None
    return f"{case.due_at.astimezone(SHANGHAI):%m-%d %H:%M}"


async def test_a_due_time_without_a_calendar_is_settled_when_the_data_comes(town: Town) -> None:
    case_id = await waiting(town)
    before = await town.case(case_id)
    assert (before.due_provisional, shown(before)) == (True, "03-06 00:00")
    office = ruled(town, LEARNT)
    assert await renew_dues(office) == 1
    after = await town.case(case_id)
    assert (after.due_provisional, shown(after)) == (False, "03-07 00:00")
    assert after.calendar_version == LEARNT.version != before.calendar_version


async def test_the_earlier_due_time_stays_in_the_ledger(town: Town) -> None:
    case_id = await waiting(town)
    before = await town.case(case_id)
    await renew_dues(ruled(town, LEARNT))
    first, second = await promises(town, case_id)
    assert before.due_at is not None
    assert datetime.fromisoformat(first.data["due"]) == before.due_at
    assert (first.data["provisional"], second.data["provisional"]) == (True, False)
    assert second.data["calendar"] == LEARNT.version
    assert await verify(town.db, "test", datetime.now(UTC)) == []


async def test_once_is_enough(town: Town) -> None:
    case_id = await waiting(town)
    office = ruled(town, LEARNT)
    assert await renew_dues(town.desk.office) == 0
    assert [await renew_dues(office), await renew_dues(office)] == [1, 0]
    assert len(await promises(town, case_id)) == 2


async def test_data_that_moves_nothing_still_takes_the_mark_away(town: Town) -> None:
    case_id = await waiting(town)
    before = await town.case(case_id)
    await renew_dues(ruled(town, Calendar(complete_years=frozenset({YEAR}), source="x")))
    after = await town.case(case_id)
    assert (after.due_at, after.due_provisional) == (before.due_at, False)


async def test_what_is_answered_keeps_the_promise_it_was_answered_under(town: Town) -> None:
    case_id = await waiting(town)
    staff, case = await town.staff(), await town.case(case_id)
    await town.desk.review.send(staff, case_id, case.version, STAFF_PLACE, "到街道申请。")
    await town.settle()
    assert await renew_dues(ruled(town, LEARNT)) == 0
    assert len(await promises(town, case_id)) == 1


async def test_another_profile_gives_open_cases_its_limits(town: Town) -> None:
    case_id = await waiting(town)
    assert await renew_dues(ruled(town, Calendar(), "weifang_jinan")) == 1
    after = await town.case(case_id)
    assert (after.profile, shown(after)) == ("weifang_jinan", "03-09 00:00")


async def test_only_the_department_whose_hours_changed_is_renewed(town: Town) -> None:
    welfare = await waiting(town)
    other = await waiting(town, "2", "楼下工地半夜施工太吵了，我要投诉")
    hours = ((time(9), time(12)), (time(13, 30), time(17, 30)))
    assert (await town.case(welfare)).department == "市民政局"
    assert await renew_dues(ruled(town, Calendar(departments={"市民政局": hours}))) == 1
    assert shown(await town.case(welfare)) == "03-05 17:30"
    assert len(await promises(town, other)) == 1


async def test_an_extension_is_kept_and_ends_by_the_new_calendar(town: Town) -> None:
    case_id = await waiting(town)
    version = (await town.case(case_id)).version
    desk, staff = town.desk, await town.staff()
    await desk.extension.ask(staff, case_id, version, STAFF_PLACE, 3, "要现场核实")
    (task,) = await _tasks(town)
    await desk.tasks.act(await town.staff(2), task, "approve", STAFF_PLACE)
    await town.settle()
    assert shown(await town.case(case_id)) == "03-09 00:00"
    await renew_dues(ruled(town, LEARNT))
    after = await town.case(case_id)
    # Due on the 6th, then the 7th, the 8th and the 9th.
    assert shown(after) == "03-10 00:00"
    assert after.original_due_at == datetime(YEAR, 3, 7, tzinfo=SHANGHAI)
    assert await verify(town.db, "test", datetime.now(UTC)) == []


async def _tasks(town: Town) -> list[int]:
    return [one.id or 0 for one in await town.rows(Task)]


async def test_the_timetable_does_it_and_makes_up_for_a_missed_run(town: Town) -> None:
    case_id = await waiting(town)
    desk = Desk(ruled(town, LEARNT), {"telegram": town.channel})
    (job,) = [one for one in table(desk, "08:30", 10) if one.name == "renew_dues"]
    assert job.catch_up
    await job.call()
    assert not (await town.case(case_id)).due_provisional


async def test_hours_do_not_wait_for_a_calendar(town: Town) -> None:
    """Limits in hours fall due at the same moment under any calendar, and are never provisional."""
    office = ruled(town, Calendar(), "hotline")
    case_id = await waiting(town)
    await renew_dues(office)
    before = await town.case(case_id)
    assert before.due_at == ASKED + timedelta(hours=24) and not before.due_provisional
    await renew_dues(ruled(town, LEARNT, "hotline"))
    assert (await town.case(case_id)).due_at == before.due_at
