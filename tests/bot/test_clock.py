from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, time, timedelta

import chinese_calendar
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.clock import SHANGHAI, Calendar, Due, Limit, Unit, due, to_shanghai

OFFICE = ((time(9), time(12)), (time(14), time(17, 30)))
NIGHT = ((time(8), time(12)), (time(20), time(0)))
MINUTE = timedelta(minutes=1)
FIRST, LAST = datetime(2025, 1, 1), datetime(2027, 3, 1)  # noqa: DTZ001


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def rests(day: date) -> bool:
    """The slow reference: official data when the year has it, weekends when not."""
    if day.year in range(2004, 2027):
        return bool(chinese_calendar.is_holiday(day))
    return day.weekday() >= 5


def slow_walk(start: datetime, length: timedelta, calendar: Calendar) -> int:
    """Count working minutes by the clock on the wall, which is put forward and back."""
    spans = calendar.hours
    count, moment = 0, start.astimezone(UTC)
    for _ in range(length // MINUTE):
        wall = moment.astimezone(SHANGHAI)
        clock = wall.time()
        inside = any(begin <= clock and (clock < end or end == time(0)) for begin, end in spans)
        count += inside and calendar.is_workday(wall.date())
        moment += MINUTE
    return count * 60


def slow_seconds(start: datetime, end: datetime, spans: tuple[tuple[time, time], ...]) -> int:
    """Count working minutes one by one."""
    count, moment = 0, start
    while moment < end:
        clock = moment.time()
        inside = not spans or any(
            begin <= clock and (clock < close or close == time(0)) for begin, close in spans
        )
        count += inside and not rests(moment.date())
        moment += MINUTE
    return count * 60


def slow_due(start: datetime, limit: Limit) -> datetime:
    """Walk minute by minute to the midnight that ends the last day."""
    moment = start.replace(hour=0, minute=0)
    counted = -1
    while True:
        day = moment.date()
        if moment.time() == time(0):
            counts = limit.unit is Unit.DAY or day == start.date() or not rests(day)
            counted += counts
        if moment.time() == time(23, 59) and counted >= limit.amount and not rests(day):
            return moment + MINUTE
        moment += MINUTE


minutes = st.datetimes(FIRST, LAST).map(
    lambda moment: moment.replace(second=0, microsecond=0, tzinfo=SHANGHAI)
)
lengths = st.integers(0, 20 * 24 * 60).map(lambda count: timedelta(minutes=count))
hours = st.sampled_from([(), OFFICE, NIGHT, ((time(0), time(9)), (time(9), time(0)))])


@settings(max_examples=60, deadline=None)
@given(minutes, lengths, hours)
def test_working_seconds_equal_the_minute_count(
    start: datetime, length: timedelta, spans: tuple[tuple[time, time], ...]
) -> None:
    end = start + length
    calendar = Calendar(spans=spans)
    assert calendar.working_seconds(start, end) == slow_seconds(start, end, spans)


@settings(max_examples=60, deadline=None)
@given(minutes, lengths, lengths, hours)
def test_working_seconds_add_up(
    start: datetime, first: timedelta, second: timedelta, spans: tuple[tuple[time, time], ...]
) -> None:
    calendar = Calendar(spans=spans)
    middle, end = start + first, start + first + second
    parts = calendar.working_seconds(start, middle) + calendar.working_seconds(middle, end)
    assert parts == calendar.working_seconds(start, end)


@settings(max_examples=40, deadline=None)
@given(
    st.datetimes(datetime(1986, 4, 20), datetime(1991, 9, 20)).map(  # noqa: DTZ001
        lambda moment: moment.replace(second=0, microsecond=0, tzinfo=UTC)
    ),
    st.integers(0, 5 * 24 * 60).map(lambda count: timedelta(minutes=count)),
    st.sampled_from([(), OFFICE]),
)
def test_summer_time_of_1986_to_1991_adds_and_takes_no_working_time(
    start: datetime, length: timedelta, spans: tuple[tuple[time, time], ...]
) -> None:
    calendar = Calendar(spans=spans)
    assert calendar.working_seconds(start, start + length) == slow_walk(start, length, calendar)


def test_hour_limits_are_hours_when_the_clock_is_put_back() -> None:
    start = datetime(1991, 9, 14, 20, tzinfo=SHANGHAI)  # summer time ended on the 15th
    end = due(start, Limit(24, Unit.HOUR), Calendar()).at
    assert end.astimezone(UTC) - start.astimezone(UTC) == timedelta(hours=24)
    assert f"{end:%H:%M}" == "19:00"


@settings(max_examples=60, deadline=None)
@given(minutes, st.integers(1, 400_000), hours)
def test_later_is_the_first_moment_with_so_much_work_done(
    start: datetime, seconds: int, spans: tuple[tuple[time, time], ...]
) -> None:
    calendar = Calendar(spans=spans)
    moment = calendar.later(start, timedelta(seconds=seconds))
    assert calendar.working_seconds(start, moment) == seconds
    assert calendar.working_seconds(start, moment - MINUTE / 60) == seconds - 1


def test_a_due_time_put_off_by_whole_days_stays_at_the_close_of_business() -> None:
    friday = at("2026-11-21T00:00")  # the end of Friday the 20th
    assert Calendar().later(friday, timedelta(days=1)) == at("2026-11-24T00:00")
    assert Calendar(spans=OFFICE).later(at("2026-11-20T17:30"), timedelta(hours=6.5)) == at(
        "2026-11-23T17:30"
    )
    assert Calendar().later(at("2026-11-21T10:00"), timedelta(0)) == at("2026-11-21T10:00")


@settings(max_examples=60, deadline=None)
@given(minutes, st.integers(0, 400_000), hours)
def test_after_working_is_the_inverse(
    start: datetime, seconds: int, spans: tuple[tuple[time, time], ...]
) -> None:
    calendar = Calendar(spans=spans)
    moment = calendar.after_working(start, seconds)
    assert calendar.working_seconds(start, moment) == seconds
    assert calendar.working_seconds(moment, moment + MINUTE / 60) == 1


@settings(max_examples=60, deadline=None)
@given(minutes, st.integers(1, 20), st.sampled_from([Unit.DAY, Unit.WORKDAY]))
def test_due_equals_the_minute_walk(start: datetime, amount: int, unit: Unit) -> None:
    limit = Limit(amount, unit)
    assert due(start, limit, Calendar()).at == slow_due(start, limit)


@settings(max_examples=60, deadline=None)
@given(minutes, st.integers(1, 20), hours)
def test_a_longer_limit_is_never_due_earlier(
    start: datetime, amount: int, spans: tuple[tuple[time, time], ...]
) -> None:
    calendar = Calendar(spans=spans)
    shorter = due(start, Limit(amount, Unit.WORKDAY), calendar)
    longer = due(start, Limit(amount + 1, Unit.WORKDAY), calendar)
    assert start < shorter.at < longer.at
    assert calendar.closing(calendar.next_workday(start.date())) <= shorter.at


@pytest.mark.parametrize(
    ("start", "last_day"),
    [("2026-09-30", "2026-10-13"), ("2026-02-13", "2026-02-27"), ("2026-11-20", "2026-11-27")],
)
@pytest.mark.parametrize("clock", ["00:00", "09:30", "23:59"])
def test_five_workdays_of_the_rulebook(start: str, last_day: str, clock: str) -> None:
    result = due(at(f"{start}T{clock}"), Limit(5, Unit.WORKDAY), Calendar())
    assert result.at == at(f"{last_day}T00:00") + timedelta(days=1)
    assert not result.provisional


def test_a_year_without_official_data_is_provisional() -> None:
    result = due(at("2026-12-25T10:00"), Limit(5, Unit.WORKDAY), Calendar())
    assert result.provisional
    assert result.at == at("2027-01-02T00:00")


def test_far_years_never_crash() -> None:
    calendar = Calendar()
    for year in (1999, 2027, 2099):
        start = datetime(year, 3, 1, 8, tzinfo=SHANGHAI)
        assert due(start, Limit(3, Unit.WORKDAY), calendar).provisional
        assert calendar.working_seconds(start, start + timedelta(days=7)) == 5 * 86400
        assert calendar.provisional(start.date())


def test_business_hours_end_the_day() -> None:
    calendar = Calendar(spans=OFFICE)
    start = at("2026-09-30T15:00")
    assert due(start, Limit(5, Unit.WORKDAY), calendar).at == at("2026-10-13T17:30")
    assert due(start, Limit(1, Unit.DAY), calendar).at == at("2026-10-08T17:30")


def test_hours_start_at_once_and_ignore_holidays() -> None:
    result = due(at("2026-10-01T23:00"), Limit(2, Unit.HOUR), Calendar(spans=OFFICE))
    assert result.at == at("2026-10-02T01:00")
    assert due(at("2026-10-01T23:00"), Limit(3, Unit.MINUTE), Calendar()).at == at(
        "2026-10-01T23:03"
    )
    assert not due(at("2027-06-01T10:00"), Limit(2, Unit.HOUR), Calendar()).provisional


def test_calendar_days_roll_over_a_holiday() -> None:
    # 7 days from 2026-09-25 end on 10-02, inside the National Day holiday.
    assert due(at("2026-09-25T10:00"), Limit(7, Unit.DAY), Calendar()).at == at("2026-10-09T00:00")
    assert due(at("2026-11-02T10:00"), Limit(7, Unit.DAY), Calendar()).at == at("2026-11-10T00:00")


def test_the_zone_of_the_start_does_not_matter() -> None:
    # 17:00 UTC is already the next day in Shanghai.
    start = datetime(2026, 11, 19, 17, tzinfo=UTC)
    result = due(start, Limit(1, Unit.WORKDAY), Calendar())
    assert result == due(to_shanghai(start), Limit(1, Unit.WORKDAY), Calendar())
    assert result.at == at("2026-11-24T00:00")


def test_overrides_come_first() -> None:
    local = Calendar(overrides={date(2026, 11, 23): False, date(2026, 11, 21): True})
    assert not local.is_workday(date(2026, 11, 23))
    assert local.is_workday(date(2026, 11, 21))
    assert due(at("2026-11-20T10:00"), Limit(1, Unit.WORKDAY), local).at == at("2026-11-22T00:00")


def test_overrides_lift_the_provisional_mark_only_where_they_speak() -> None:
    new_year = {date(2027, 1, 1): False, date(2027, 1, 2): False, date(2027, 1, 3): False}
    some = Calendar(overrides=new_year)
    assert not some.provisional(date(2027, 1, 1))
    assert some.provisional(date(2027, 1, 4))
    full = Calendar(overrides=new_year, complete_years=frozenset({2027}))
    result = due(at("2026-12-25T10:00"), Limit(5, Unit.WORKDAY), full)
    assert result.at == at("2027-01-05T00:00")
    assert not result.provisional
    assert full.is_workday(date(2027, 1, 5))
    assert not full.is_workday(date(2027, 1, 9))


def test_a_complete_year_replaces_the_official_data() -> None:
    calendar = Calendar(complete_years=frozenset({2026}))
    assert calendar.is_workday(date(2026, 10, 1))
    assert not Calendar().is_workday(date(2026, 10, 1))


def test_the_version_changes_with_whatever_moves_a_due_time() -> None:
    day = date(2027, 1, 1)
    calendars = [
        Calendar(),
        Calendar(overrides={day: False}),
        Calendar(overrides={day: True}),
        Calendar(spans=OFFICE),
        Calendar(complete_years=frozenset({2027})),
    ]
    assert len({calendar.version for calendar in calendars}) == len(calendars)
    assert Calendar(source="某文号").version == Calendar().version
    assert Calendar().version == f"chinesecalendar-{chinese_calendar.__version__}"


def test_the_result_carries_the_version() -> None:
    calendar = Calendar(spans=OFFICE)
    result = due(at("2026-11-20T10:00"), Limit(1, Unit.HOUR), calendar)
    assert result == Due(at("2026-11-20T11:00"), False, calendar.version)


def test_seconds_are_exact() -> None:
    calendar = Calendar(spans=OFFICE)
    assert calendar.day_seconds == int(6.5 * 3600)
    assert calendar.working_seconds(at("2026-11-20T11:59:50"), at("2026-11-20T14:00:05")) == 15
    assert calendar.working_seconds(at("2026-11-21T09:00"), at("2026-11-22T18:00")) == 0


def test_opening_and_closing() -> None:
    day = date(2026, 11, 20)
    assert Calendar().opening(day) == at("2026-11-20T00:00")
    assert Calendar().closing(day) == at("2026-11-21T00:00")
    assert Calendar(spans=NIGHT).opening(day) == at("2026-11-20T08:00")
    assert Calendar(spans=NIGHT).closing(day) == at("2026-11-21T00:00")


def test_a_negative_interval_is_refused() -> None:
    with pytest.raises(ValueError, match="结束时间早于开始时间"):
        Calendar().working_seconds(at("2026-11-20T10:00"), at("2026-11-20T09:59"))


def test_absurd_intervals_are_refused() -> None:
    with pytest.raises(ValueError, match="一百年"):
        Calendar().working_seconds(at("1926-01-01T00:00"), at("2026-11-20T09:59"))
    for seconds in (-1, 4e9):
        with pytest.raises(ValueError, match="一百年"):
            Calendar().after_working(at("2026-11-20T10:00"), seconds)
    with pytest.raises(ValueError, match="最多 3650工作日"):
        Limit(3651, Unit.WORKDAY)


moments_of_day = st.lists(st.integers(0, 24 * 60), min_size=2, max_size=8, unique=True)


def _as_spans(marks: list[int]) -> tuple[tuple[time, time], ...]:
    """Spans between neighbouring marks of a day, in minutes; 24:00 is written 00:00."""
    ordered = sorted(marks)
    pairs = zip(ordered[::2], ordered[1::2], strict=False)
    return tuple((_clock(begin), _clock(end)) for begin, end in pairs)


def _clock(minute: int) -> time:
    return time(minute // 60 % 24, minute % 60)


offices = moments_of_day.map(_as_spans)
overrides = st.dictionaries(
    st.dates(date(2025, 1, 1), date(2027, 3, 31)), st.booleans(), max_size=40
)


def slow_works(day: date, told: dict[date, bool]) -> bool:
    return told.get(day, not rests(day))


@settings(max_examples=60, deadline=None)
@given(minutes, lengths, st.lists(offices, min_size=2, max_size=2), overrides)
def test_any_hours_of_any_department_equal_the_minute_count(
    start: datetime,
    length: timedelta,
    hours: list[tuple[tuple[time, time], ...]],
    told: dict[date, bool],
) -> None:
    calendar = Calendar(spans=hours[0], overrides=told, departments={"市教育局": hours[1]})
    for name, spans in (("市教育局", hours[1]), ("市民政局", hours[0])):
        count, moment = 0, start
        while moment < start + length:
            clock = moment.time()
            inside = any(begin <= clock and (clock < end or end == time(0)) for begin, end in spans)
            count += 60 * (inside and slow_works(moment.date(), told))
            moment += MINUTE
        assert calendar.of(name).working_seconds(start, start + length) == count


@settings(max_examples=80, deadline=None)
@given(minutes, st.integers(1, 20), st.sampled_from([Unit.DAY, Unit.WORKDAY]), offices, overrides)
def test_due_times_of_any_office_equal_a_walk_over_the_days(
    start: datetime,
    amount: int,
    unit: Unit,
    spans: tuple[tuple[time, time], ...],
    told: dict[date, bool],
) -> None:
    calendar = Calendar(spans=spans, overrides=told)
    day, counted, walked = start.date(), 0, []
    while counted < amount or not slow_works(day, told):
        day += timedelta(days=1)
        walked.append(day)
        counted += unit is Unit.DAY or slow_works(day, told)
    end = spans[-1][1]
    closing = datetime.combine(day, end, SHANGHAI)
    if end == time(0):
        closing = datetime.combine(day + timedelta(days=1), end, SHANGHAI)
    found = due(start, Limit(amount, unit), calendar)
    assert found.at == closing
    passed = walked if unit is Unit.WORKDAY else walked[amount - 1 :]
    unknown = [one for one in passed if one.year > 2026 and one not in told]
    assert found.provisional == bool(unknown)


@settings(max_examples=60, deadline=None)
@given(minutes, st.integers(1, 20), overrides)
def test_the_full_official_list_leaves_nothing_provisional(
    start: datetime, amount: int, told: dict[date, bool]
) -> None:
    some = Calendar(overrides=told)
    full = Calendar(overrides=told, complete_years=frozenset({2027}))
    before, after = (due(start, Limit(amount, Unit.WORKDAY), one) for one in (some, full))
    assert before.at == after.at
    assert not after.provisional
    assert before.calendar_version != after.calendar_version


@settings(max_examples=60, deadline=None)
@given(minutes, st.integers(1, 10), st.sampled_from([(), OFFICE, NIGHT]))
def test_a_clock_started_later_is_never_due_earlier(
    start: datetime, amount: int, spans: tuple[tuple[time, time], ...]
) -> None:
    calendar, limit = Calendar(spans=spans), Limit(amount, Unit.WORKDAY)
    moments = [start + hours * timedelta(hours=7) for hours in range(12)]
    dues = [due(moment, limit, calendar).at for moment in moments]
    assert dues == sorted(dues)


@pytest.mark.parametrize("year", range(2019, 2027))
def test_make_up_workdays_and_holidays_are_those_published(year: int) -> None:
    calendar = Calendar()
    days = [date(year, 1, 1) + timedelta(days=n) for n in range(365)]
    moved = [day for day in days if calendar.is_workday(day) != (day.weekday() < 5)]
    assert {day for day in moved if day.weekday() >= 5}  # 调休 on a weekend
    assert {day for day in moved if day.weekday() < 5}  # a holiday on a weekday
    for day in moved:
        assert calendar.is_workday(day) == bool(chinese_calendar.is_workday(day))


def test_a_limit_over_the_turn_of_the_year() -> None:
    # 2025-12-31 is a working day; 2026-01-01 to 03 are off, Sunday 2026-01-04 makes up.
    result = due(at("2025-12-31T16:00"), Limit(1, Unit.WORKDAY), Calendar(spans=OFFICE))
    assert (result.at, result.provisional) == (at("2026-01-04T17:30"), False)
    seconds = Calendar(spans=OFFICE).working_seconds(at("2025-12-31T17:00"), at("2026-01-04T09:30"))
    assert seconds == 3600


def test_departments_have_their_own_hours() -> None:
    calendar = Calendar(spans=OFFICE, departments={"市教育局": NIGHT})
    assert calendar.of("市教育局").spans == NIGHT
    assert calendar.of("市民政局").spans == calendar.of("").spans == OFFICE
    assert calendar.of("市民政局").version == Calendar(spans=OFFICE).version
    assert len({calendar.version, *(calendar.of(one).version for one in ("市教育局", ""))}) == 3
    with pytest.raises(ValueError, match="办公时段"):
        Calendar(departments={"市教育局": ((time(12), time(9)),)})


def test_a_time_without_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="没有时区"):
        due(datetime(2026, 11, 20), Limit(1, Unit.DAY), Calendar())  # noqa: DTZ001


@pytest.mark.parametrize("amount", [0, -1])
def test_a_limit_is_positive(amount: int) -> None:
    with pytest.raises(ValueError, match="时限至少为 1工作日"):
        Limit(amount, Unit.WORKDAY)


@pytest.mark.parametrize(
    "spans",
    [
        ((time(12), time(9)),),
        ((time(9), time(9)),),
        ((time(9), time(0)), (time(14), time(17))),
        ((time(9), time(12)), (time(11), time(17))),
        ((time(14), time(17)), (time(9), time(12))),
    ],
)
def test_impossible_business_hours_are_refused(spans: tuple[tuple[time, time], ...]) -> None:
    with pytest.raises(ValueError, match="办公时段"):
        Calendar(spans=spans)


def test_limits_read_as_people_write_them() -> None:
    assert str(Limit(5, Unit.WORKDAY)) == "5 工作日"
    assert str(Limit(3, Unit.MINUTE)) == "3 分钟"


def test_importing_the_clock_does_not_load_the_holiday_tables() -> None:
    code = "import sys, bot.clock; sys.exit('chinese_calendar' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
