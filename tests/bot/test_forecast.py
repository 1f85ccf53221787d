"""The outlook: like days are compared, and too little past says nothing."""

from __future__ import annotations

from datetime import date, timedelta

from bot.assessment.forecast import forecast, outlook
from bot.clock import Calendar

MONDAY = date(2026, 6, 15)
PLAIN = Calendar(
    overrides={date(2026, 1, 1) + timedelta(days=n): (n + 3) % 7 < 5 for n in range(365)},
    complete_years=frozenset({2026}),
)
"""A year in which Monday to Friday are worked and nothing else."""


def past(weeks: int, before: date = MONDAY) -> dict[date, int]:
    """10 to 14 messages Monday to Friday, more by one each week back; 2 on days off."""
    return {
        day: 2 if day.weekday() > 4 else 10 + day.weekday() + (before - day).days // 7
        for day in (before - timedelta(days=n) for n in range(1, 7 * weeks + 1))
    }


def test_a_day_is_like_the_same_weekdays_before_it() -> None:
    found = forecast(past(8), PLAIN, MONDAY)
    assert [one.day for one in found.days] == [MONDAY + timedelta(days=n) for n in range(7)]
    first, saturday = found.days[0], found.days[5]
    assert (first.low, first.typical, first.high, first.based_on) == (11, 14.5, 18, 8)
    assert first.alike and first.workday
    assert (saturday.workday, saturday.low, saturday.high) == (False, 2, 2)


def test_working_days_are_compared_with_working_days_only() -> None:
    holiday, instead = MONDAY + timedelta(days=1), MONDAY + timedelta(days=5)
    moved = Calendar(
        overrides={**PLAIN.overrides, holiday: False, instead: True},
        complete_years=frozenset({2026}),
    )
    found = forecast(past(8), moved, MONDAY).days
    assert (found[1].workday, found[1].typical, found[1].alike) == (False, 2, False)
    assert (found[5].workday, found[5].alike) == (True, False)
    assert found[5].low is not None and found[5].low >= 10


def test_too_little_past_says_nothing() -> None:
    assert all(one.low is None for one in forecast({}, PLAIN, MONDAY).days)
    three = {MONDAY - timedelta(days=n): 5 for n in (3, 4, 5)}
    short = forecast(three, PLAIN, MONDAY)
    assert all(one.low is None for one in short.days)
    assert short.tried == 0


def test_days_before_the_first_message_are_not_days_without_any() -> None:
    week = {day: n for day, n in past(1).items() if day.weekday() < 5}
    found = outlook(week, PLAIN, MONDAY, MONDAY)
    assert (found.based_on, found.low) == (5, min(week.values()))


def test_the_method_is_tried_on_the_days_that_are_over() -> None:
    steady = dict.fromkeys(past(8), 5)
    assert (forecast(steady, PLAIN, MONDAY).within, forecast(steady, PLAIN, MONDAY).tried) == (7, 7)
    yesterday = MONDAY - timedelta(days=1)
    odd = {**steady, yesterday: 500}
    assert forecast(odd, PLAIN, MONDAY).within == 6
