"""How many messages the coming days may bring, said no surer than the past allows. Pure.

A day is expected to be like the same weekdays of the last weeks, working days like working days
and days off like days off: the median of them, with the fewest and the most as its range. Where
those are too few, all days of the same kind stand in. Too little past gives no forecast.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from statistics import median

from bot.clock import Calendar

WEEKS = 8
"""How far back a forecast looks."""
FEWEST = 4
"""Days of the same kind without which nothing is said."""
AHEAD = 7
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What one day may bring, and on how many past days that rests; None where they are too few.

    ``alike`` says whether those were the same weekday, or only the same kind of day.
    ``provisional`` is a day that the calendar is not sure of.
    """

    day: date
    workday: bool
    typical: float | None = None
    low: int | None = None
    high: int | None = None
    based_on: int = 0
    alike: bool = True
    provisional: bool = False


@dataclass(frozen=True, slots=True)
class Forecast:
    """The coming days, today first; and how the same method did over the last ones: how many of
    ``tried`` fell within their range."""

    days: tuple[Outlook, ...]
    within: int
    tried: int


def forecast(counts: Mapping[date, int], calendar: Calendar, today: date) -> Forecast:
    """From the messages of each past day; days before the first one with any are not known."""
    days = tuple(outlook(counts, calendar, today, today + n * _DAY) for n in range(AHEAD))
    past = [today - n * _DAY for n in range(1, AHEAD + 1)]
    tried = [outlook(counts, calendar, day, day) for day in past]
    known = [(one, counts.get(one.day, 0)) for one in tried if one.low is not None]
    within = sum((one.low or 0) <= real <= (one.high or 0) for one, real in known)
    return Forecast(days, within, len(known))


def outlook(counts: Mapping[date, int], calendar: Calendar, today: date, day: date) -> Outlook:
    """One day, from what was known before ``today``."""
    works, unsure = calendar.is_workday(day), calendar.provisional(day)
    first = min((one for one, n in counts.items() if n), default=today)
    begin = max(first, today - WEEKS * 7 * _DAY)
    past = [begin + n * _DAY for n in range((today - begin).days)]
    kind = [one for one in past if calendar.is_workday(one) == works]
    same = [one for one in kind if one.weekday() == day.weekday()]
    chosen = same if len(same) >= FEWEST else kind
    if len(chosen) < FEWEST:
        return Outlook(day, works, based_on=len(chosen), provisional=unsure)
    numbers = [counts.get(one, 0) for one in chosen]
    return Outlook(
        day,
        works,
        median(numbers),
        min(numbers),
        max(numbers),
        len(chosen),
        alike=chosen is same,
        provisional=unsure,
    )
