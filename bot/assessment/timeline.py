"""Working time of a calendar for many moments at once: looked up, not walked day by day."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, time, timedelta

import numpy as np
from numpy.typing import NDArray

from bot.clock import SHANGHAI, Calendar, Limit, Unit
from bot.facts import microseconds

Numbers = NDArray[np.int64]
Flags = NDArray[np.bool_]
_DAY = timedelta(days=1)
_SECOND = 1_000_000
_SLACK = 400
_LENGTHS = {Unit.MINUTE: 60 * _SECOND, Unit.HOUR: 3600 * _SECOND}


class Timeline:
    """One department's working time from the day of ``first`` on.

    Moments are microseconds since 1970 in UTC. Everything up to ``last``, and limits of up to
    ``longest`` working days from there, must fit; what lies beyond is reckoned as the last day.
    """

    def __init__(self, calendar: Calendar, first: date, last: date, longest: int = 0) -> None:
        span = (last - first).days + _SLACK + 2 * longest
        days = [first + place * _DAY for place in range(span)]
        works = np.array([calendar.is_workday(day) for day in days])
        workdays = [day for day, open_ in zip(days, works, strict=True) if open_]
        self._days = days
        self._midnights = _moments(datetime.combine(day, time(), SHANGHAI) for day in days)
        self._works = works
        self._worked_days = np.cumsum(works)
        self._unsure = np.cumsum([calendar.provisional(day) for day in days])
        self._closings = _moments(calendar.closing(day) for day in workdays)
        self._opens = _moments(one for day in workdays for one in calendar.openings(day))
        closes = _moments(one for day in workdays for one in calendar.closings(day))
        self._ends = np.cumsum(closes - self._opens)
        self._begins = self._ends - (closes - self._opens)
        self.day_length = calendar.day_seconds * _SECOND

    def worked(self, moments: Numbers) -> Numbers:
        """Working microseconds from the beginning to each moment."""
        place = np.searchsorted(self._opens, moments, side="right") - 1
        inside = np.minimum(moments - self._opens[place], self._ends[place] - self._begins[place])
        return np.where(place >= 0, self._begins[place] + inside, 0)

    def later(self, moments: Numbers, work: Numbers) -> Numbers:
        """The first moment with so much working time elapsed since each moment."""
        target = self.worked(moments) + work
        place = np.minimum(np.searchsorted(self._ends, target, side="left"), len(self._ends) - 1)
        return np.where(work == 0, moments, self._opens[place] + target - self._begins[place])

    def day(self, moments: Numbers) -> Numbers:
        """The place of each moment's day in China."""
        place = np.searchsorted(self._midnights, moments, side="right") - 1
        return np.clip(place, 0, len(self._days) - 1)

    def date(self, place: int) -> date:
        """The day at a place."""
        return self._days[place]

    def due(self, starts: Numbers, limit: Limit) -> tuple[Numbers, Flags]:
        """As `bot.clock.due`: the due moments, and whether they are provisional."""
        if limit.unit in _LENGTHS:
            ends = starts + limit.amount * _LENGTHS[limit.unit]
            return ends, np.zeros(len(starts), bool)
        day = self.day(starts)
        if limit.unit is Unit.DAY:
            day = np.minimum(day + limit.amount - 1, len(self._days) - 1)
        ends = self._close(self._worked_days[day] + (limit.amount, 1)[limit.unit is Unit.DAY])
        return ends, self._unsure[self.day(ends - 1)] > self._unsure[day]

    def closings(self, starts: Numbers, workdays: Sequence[int]) -> Iterator[Numbers]:
        """When each of so many 工作日 ends; as ``due`` for one limit after the other."""
        worked = self._worked_days[self.day(starts)]
        return (self._close(worked + amount) for amount in workdays)

    def extended(self, dues: Numbers, workdays: Numbers) -> Numbers:
        """As `bot.deadlines.extended`."""
        return self._close(self._worked_days[self.day(dues - 1)] + workdays)

    def rolled(self, dues: Numbers) -> Numbers:
        """Due moments on a day off put off to the close of the next working day."""
        day = self.day(dues - 1)
        return np.where(self._works[day], dues, self._close(self._worked_days[day] + 1))

    def unsure_between(self, first: Numbers, last: Numbers) -> Flags:
        """Whether a provisional day lies between two moments, their own days included."""
        before = self.day(first) - 1
        counted = np.where(before >= 0, self._unsure[before], 0)
        return self._unsure[self.day(last)] > counted

    def _close(self, ordinal: Numbers) -> Numbers:
        """The close of business of the n-th working day, counted from 1."""
        return self._closings[np.clip(ordinal - 1, 0, len(self._closings) - 1)]


def used(numbers: Numbers) -> list[int]:
    """The distinct numbers among small ones, in order."""
    return [int(one) for one in np.flatnonzero(np.bincount(numbers))] if len(numbers) else []


def _moments(moments: Iterator[datetime]) -> Numbers:
    return np.fromiter((microseconds(one) for one in moments), np.int64)
