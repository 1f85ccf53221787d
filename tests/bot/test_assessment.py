from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.assessment import Happening, Record, WorkingTime, assess, percentiles, replay
from bot.clock import SHANGHAI, Calendar, Limit, Unit, due
from bot.deadlines import Profile, profiles
from bot.triage import Category

WHOLE_DAYS = Calendar()
OFFICE_HOURS = Calendar(spans=((time(9), time(12)), (time(13, 30), time(17, 30))))
CUT_OFF = datetime(2026, 6, 30, 12, tzinfo=SHANGHAI)


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def record(
    opened: str = "2026-06-01T09:00",
    answered: str | None = None,
    *,
    category: Category = Category.CONSULT,
    account: str = "甲",
    **more: Any,
) -> Record:
    return Record(account, category, local(opened), local(answered) if answered else None, **more)


def within(days: int) -> Profile:
    """A profile that gives every category the same number of working days."""
    return Profile("test", "测试", "测试", None, None, {}, Limit(days, Unit.WORKDAY))


def figures(*records: Record, calendar: Calendar = WHOLE_DAYS) -> dict[str, Any]:
    return assess(records, profiles()["guangdong_2022"], calendar, CUT_OFF)


def test_no_data_is_null_and_never_a_hundred_percent() -> None:
    found = figures()
    assert found["counts"]["original"] == 0
    assert found["counts"]["answer_rate"] is None
    assert found["on_time"]["rate"] is None
    assert found["response_hours"]["natural"]["median"] is None
    assert found["response_hours"]["natural"]["median_exceeds"] is None
    assert found["satisfaction"]["positive_rate"] is None
    assert found["resolution"]["rate"] is None
    assert found["by_account"] == {}


def test_the_keys_other_programs_rely_on() -> None:
    found = figures(record(answered="2026-06-01T10:00"))
    assert {"original", "excluded", "valid", "answered", "unanswered"} <= set(found["counts"])
    assert set(found["counts"]["unanswered"]) == {"not_due", "due_soon", "overdue", "over_3_months"}
    for unit in ("natural", "working"):
        assert {"median", "p90", "mean_answered", "n_answered"} <= set(
            found["response_hours"][unit]
        )
    assert {"rate", "original_due_rate", "answered_in_time", "denominator"} <= set(found["on_time"])
    assert {"rated", "positive_rate", "unrated_rate"} <= set(found["satisfaction"])
    assert {"resolved", "rate"} <= set(found["resolution"])


def test_open_overdue_cases_count_against_the_rate() -> None:
    in_time = record(answered="2026-06-02T10:00")
    late = record(answered="2026-06-20T10:00")
    overdue = record()
    not_due = record("2026-06-30T09:00")
    found = figures(in_time, late, overdue, not_due)["on_time"]
    assert found["rate"] == pytest.approx(1 / 3, abs=1e-6)
    assert (found["answered_in_time"], found["denominator"]) == (1, 3)
    assert (found["answered_late"], found["open_overdue"]) == (1, 1)


def test_open_cases_stand_in_one_place_each() -> None:
    found = figures(
        record("2026-06-30T11:00"),
        record("2026-06-26T11:00"),
        record("2026-06-01T11:00"),
        record("2026-01-05T11:00"),
    )
    assert found["counts"]["unanswered"] == {
        "not_due": 1,
        "due_soon": 1,
        "overdue": 1,
        "over_3_months": 1,
    }


def test_what_needs_no_answer_is_set_apart_and_shown() -> None:
    found = figures(record(), record(category=Category.THANKS), record(category=Category.AD))
    counts = found["counts"]
    assert (counts["original"], counts["excluded"], counts["valid"]) == (3, 2, 1)
    assert counts["excluded_by"] == {"感谢": 1, "广告": 1}


def test_ignoring_people_cannot_improve_the_median() -> None:
    slow = [record(answered=f"2026-06-0{day}T09:00") for day in range(2, 9)]
    ignored = [record() for _ in slow]
    honest = figures(*slow)["response_hours"]["natural"]
    gamed = figures(*slow[:2], *ignored)["response_hours"]["natural"]
    assert honest["median"] == 96.0
    assert gamed["median"] is None
    assert gamed["median_exceeds"] == pytest.approx(29 * 24 + 3)
    assert gamed["mean_answered"] == 36.0
    assert (gamed["n_answered"], gamed["n_open"]) == (2, 7)


def test_a_reply_after_the_cut_off_is_not_known_yet() -> None:
    found = figures(record("2026-06-29T09:00", "2026-07-15T09:00"), record("2026-07-02T09:00"))
    assert (found["counts"]["original"], found["counts"]["answered"]) == (1, 0)


def test_each_account_has_its_own_figures() -> None:
    found = figures(record(answered="2026-06-01T10:00"), record(account="乙"))
    assert found["by_account"]["甲"]["counts"]["answer_rate"] == 1.0
    assert found["by_account"]["乙"]["counts"]["answer_rate"] == 0.0


def test_silence_is_shown_and_not_praise() -> None:
    done = "2026-06-01T10:00"
    found = figures(
        record(answered=done, grade=1),
        record(answered=done, grade=3),
        record(answered=done, grade=5),
        record(answered=done),
    )["satisfaction"]
    assert found["positive_rate"] == pytest.approx(2 / 3, abs=1e-6)
    assert (found["rated"], found["unrated_rate"]) == (3, 0.25)
    assert (found["very_satisfied"], found["very_dissatisfied"]) == (1, 1)


def told(*events: tuple[str, int, dict[str, Any]]) -> Record:
    start = local("2026-06-01T09:00")
    happenings = [Happening(kind, start + timedelta(hours=n), data) for kind, n, data in events]
    return replay("甲", "咨询", start, happenings)


def test_the_first_reply_stops_the_clock() -> None:
    found = told(("opened", 0, {}), ("replied", 2, {"automatic": True}), ("replied", 5, {}))
    assert found.answered_at == local("2026-06-01T11:00")
    assert found.automatic


def test_no_help_restores_the_clock_as_if_it_had_never_stopped() -> None:
    found = told(("replied", 2, {}), ("not_helpful", 3, {}), ("replied", 9, {}))
    assert (found.opened_at, found.answered_at) == (
        local("2026-06-01T09:00"),
        local("2026-06-01T18:00"),
    )
    assert told(("replied", 2, {}), ("not_helpful", 3, {})).answered_at is None


def test_reopening_takes_back_what_was_resolved() -> None:
    found = told(("replied", 2, {}), ("resolved", 3, {}), ("reopened", 4, {}))
    assert (found.resolved, found.reopened, found.answered_at) == (False, True, None)
    assert told(("replied", 2, {}), ("resolved", 3, {}), ("rated", 4, {"grade": 2})).grade == 2


@given(
    start=st.datetimes(datetime(2025, 12, 20), datetime(2026, 3, 1)),  # noqa: DTZ001
    hours=st.floats(0, 24 * 60),
    calendar=st.sampled_from([WHOLE_DAYS, OFFICE_HOURS]),
)
@settings(max_examples=200, deadline=None)
def test_looked_up_working_time_is_walked_working_time(
    start: datetime, hours: float, calendar: Calendar
) -> None:
    begin = start.replace(tzinfo=SHANGHAI, microsecond=0)
    end = begin + timedelta(seconds=round(hours * 3600))
    quick = WorkingTime(calendar, date(2025, 12, 20), date(2026, 5, 31))
    assert quick.seconds(begin, end) == calendar.working_seconds(begin, end)


def test_percentiles_against_a_hand_worked_example() -> None:
    # At risk 6, 5, (censored), 3, (censored), 1: S = 5/6, 4/6, 4/9, 0.
    times = [(1.0, True), (2.0, True), (3.0, False), (4.0, True), (5.0, False), (6.0, True)]
    assert percentiles(times, (0.1, 1 / 3, 0.5, 0.9)) == [1.0, 2.0, 4.0, 6.0]
    assert percentiles([(1.0, True), (2.0, False), (3.0, False)], (0.3, 0.5)) == [1.0, None]


@given(st.lists(st.integers(1, 30), min_size=1, max_size=60))
@settings(max_examples=100, deadline=None)
def test_without_open_cases_percentiles_are_plain_ones(hours: list[int]) -> None:
    median, p90 = percentiles([(float(one), True) for one in hours], (0.5, 0.9))
    ordered = sorted(hours)
    assert median == ordered[-(-len(hours) // 2) - 1]
    assert p90 == ordered[-(-len(hours) * 9 // 10) - 1]


@pytest.mark.parametrize("calendar", [WHOLE_DAYS, OFFICE_HOURS])
@pytest.mark.parametrize("days", [2, 5, 10, 15])
def test_the_figures_against_plain_loops(calendar: Calendar, days: int) -> None:
    dice = random.Random(days)
    start = datetime(2025, 9, 1, tzinfo=UTC)
    records = []
    for _ in range(150):
        opened = start + timedelta(minutes=dice.randrange(60 * 24 * 200))
        wait = timedelta(minutes=int(dice.expovariate(1 / 9000)))
        records.append(Record("甲", Category.HELP, opened, opened + wait))
    cut_off = max(one.answered_at for one in records if one.answered_at) + timedelta(days=1)
    found = assess(records, within(days), calendar, cut_off)
    natural, working, in_time = [], [], 0
    for one in records:
        assert one.answered_at is not None
        natural.append((one.answered_at - one.opened_at).total_seconds())
        working.append(calendar.working_seconds(one.opened_at, one.answered_at))
        limit = due(one.opened_at, Limit(days, Unit.WORKDAY), calendar)
        in_time += one.answered_at <= limit.at
    hours = found["response_hours"]
    assert hours["natural"]["median"] == pytest.approx(sorted(natural)[74] / 3600, abs=1e-4)
    assert hours["natural"]["p90"] == pytest.approx(sorted(natural)[134] / 3600, abs=1e-4)
    assert hours["working"]["median"] == pytest.approx(sorted(working)[74] / 3600, abs=1e-4)
    assert hours["working"]["p90"] == pytest.approx(sorted(working)[134] / 3600, abs=1e-4)
    assert hours["working"]["mean_answered"] == pytest.approx(sum(working) / 150 / 3600, abs=1e-4)
    assert found["on_time"]["answered_in_time"] == in_time
    assert found["on_time"]["rate"] == pytest.approx(in_time / 150, abs=1e-6)


def test_due_times_without_official_calendar_are_counted_as_provisional() -> None:
    opened = local("2027-03-01T09:00")
    records = [Record("甲", Category.HELP, opened, opened + timedelta(hours=1)), record()]
    found = assess(records, within(5), WHOLE_DAYS, local("2027-04-01T00:00"))
    assert found["counts"]["provisional_due"] == 1
