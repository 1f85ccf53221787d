"""Working time, the calendar of working days and due times, all in Asia/Shanghai."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from functools import cached_property, lru_cache
from itertools import pairwise, takewhile
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")
_DAY = timedelta(days=1)
_MIDNIGHT = time(0)


class Unit(StrEnum):
    """Units of a limit; 日 and 工作日 are different things."""

    MINUTE = "分钟"
    HOUR = "小时"
    DAY = "日"
    WORKDAY = "工作日"


@dataclass(frozen=True, slots=True)
class Limit:
    """A time limit such as 5 工作日; the amount is at least 1."""

    amount: int
    unit: Unit

    def __post_init__(self) -> None:
        if self.amount < 1:
            raise ValueError(f"时限至少为 1{self.unit}，现在是 {self.amount}，请改成正整数。")

    def __str__(self) -> str:
        return f"{self.amount} {self.unit}"


@dataclass(frozen=True, slots=True)
class Due:
    """A due time, aware, in Asia/Shanghai; 24:00 is written as 00:00 of the next day."""

    at: datetime
    provisional: bool
    calendar_version: str


@dataclass(frozen=True)
class Calendar:
    """Working days and business hours of one department.

    `spans` are business hours in order, () for the whole day; an end of 00:00 means 24:00.
    `overrides` come before the official calendar: True a working day, False a day off.
    `complete_years` are the years for which `overrides` holds the full official list.
    """

    spans: tuple[tuple[time, time], ...] = ()
    overrides: Mapping[date, bool] = field(default_factory=dict)
    source: str = ""
    complete_years: frozenset[int] = frozenset()

    def __post_init__(self) -> None:
        _check_spans(self.spans)

    @cached_property
    def version(self) -> str:
        """Changes whenever the same limit could fall due at another time."""
        parts = [
            sorted((day.isoformat(), works) for day, works in self.overrides.items()),
            [[start.isoformat(), end.isoformat()] for start, end in self.spans],
            sorted(self.complete_years),
        ]
        base = f"chinesecalendar-{_official_version()}"
        if not any(parts):
            return base
        return f"{base}+{hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:10]}"

    def is_workday(self, day: date) -> bool:
        override = self.overrides.get(day)
        if override is not None:
            return override
        official = None if day.year in self.complete_years else _official(day)
        return day.weekday() < 5 if official is None else official

    def provisional(self, day: date) -> bool:
        """True when only Monday to Friday is known of this day."""
        known = day in self.overrides or day.year in self.complete_years
        return not known and _official(day) is None

    def next_workday(self, day: date) -> date:
        """The first working day after `day`."""
        return next(self._workdays_after(day))

    def opening(self, day: date) -> datetime:
        return datetime.combine(day, self._hours[0][0], SHANGHAI)

    def closing(self, day: date) -> datetime:
        return _combine_end(day, self._hours[-1][1])

    def working_seconds(self, start: datetime, end: datetime) -> int:
        """Working seconds in [start, end); ValueError when the end comes first."""
        start, end = to_shanghai(start), to_shanghai(end)
        if end < start:
            raise ValueError("结束时间早于开始时间，请检查两个时间的先后。")
        spans = takewhile(lambda span: span[0] < end, self._spans_from(start.date()))
        gaps = (min(close, end) - max(begin, start) for begin, close in spans)
        return round(sum(gap.total_seconds() for gap in gaps if gap > timedelta(0)))

    def after_working(self, start: datetime, seconds: float) -> datetime:
        """The first moment inside working time with `seconds` of it elapsed since `start`."""
        start, left = to_shanghai(start), timedelta(seconds=seconds)
        spans = self._spans_from(start.date())
        while True:
            begin, close = next(spans)
            begin = max(begin, start)
            if begin + left < close:
                return begin + left
            left -= max(close - begin, timedelta(0))

    @property
    def day_seconds(self) -> int:
        """Working seconds in one working day."""
        day = date(2000, 1, 1)
        gaps = (
            _combine_end(day, end) - datetime.combine(day, start, SHANGHAI)
            for start, end in self._hours
        )
        return sum(int(gap.total_seconds()) for gap in gaps)

    @cached_property
    def _hours(self) -> tuple[tuple[time, time], ...]:
        return self.spans or ((_MIDNIGHT, _MIDNIGHT),)

    def _workdays_after(self, day: date) -> Iterator[date]:
        while True:
            day += _DAY
            if self.is_workday(day):
                yield day

    def _spans_from(self, day: date) -> Iterator[tuple[datetime, datetime]]:
        for workday in self._workdays_after(day - _DAY):
            for opening, closing in self._hours:
                yield datetime.combine(workday, opening, SHANGHAI), _combine_end(workday, closing)


def due(start: datetime, limit: Limit, calendar: Calendar) -> Due:
    """When `limit` ends for a clock started at `start`, which must carry its time zone.

    工作日 and 日 exclude the day of the start and end with the business of their last day
    (24:00 without business hours); 日 ending on a day off roll forward to the next working
    day. Minutes and hours run at once, day and night.
    """
    start = to_shanghai(start)
    if limit.unit in (Unit.MINUTE, Unit.HOUR):
        minutes = limit.amount * (60 if limit.unit is Unit.HOUR else 1)
        return Due(start + timedelta(minutes=minutes), False, calendar.version)
    first = start.date() + _DAY
    if limit.unit is Unit.DAY:
        first = start.date() + limit.amount * _DAY
    last = _last_day(start.date(), limit, calendar)
    provisional = any(calendar.provisional(day) for day in _days(first, last))
    return Due(calendar.closing(last), provisional, calendar.version)


def to_shanghai(moment: datetime) -> datetime:
    """The same moment in Asia/Shanghai; a time without a zone is refused with ValueError."""
    if moment.tzinfo is None:
        raise ValueError("时间没有时区，请注明时区，例如 2026-09-30T09:00:00+08:00。")
    return moment.astimezone(SHANGHAI)


def _last_day(day: date, limit: Limit, calendar: Calendar) -> date:
    if limit.unit is Unit.DAY:
        return calendar.next_workday(day + (limit.amount - 1) * _DAY)
    for _ in range(limit.amount):
        day = calendar.next_workday(day)
    return day


def _days(first: date, last: date) -> Iterator[date]:
    for offset in range((last - first).days + 1):
        yield first + offset * _DAY


def _combine_end(day: date, end: time) -> datetime:
    return datetime.combine(day + _DAY if end == _MIDNIGHT else day, end, SHANGHAI)


def _check_spans(spans: tuple[tuple[time, time], ...]) -> None:
    last = len(spans) - 1
    for place, (start, end) in enumerate(spans):
        if start >= end and not (end == _MIDNIGHT and place == last):
            raise ValueError(f"办公时段 {start:%H:%M}-{end:%H:%M} 有误，请让结束晚于开始。")
    for (_, end), (start, _) in pairwise(spans):
        if start < end:
            raise ValueError(f"办公时段在 {start:%H:%M} 处重叠或顺序颠倒，请按先后填写。")


@lru_cache(maxsize=16384)
def _official(day: date) -> bool | None:
    import chinese_calendar

    try:
        return bool(chinese_calendar.is_workday(day))
    except NotImplementedError:
        return None


@lru_cache(maxsize=1)
def _official_version() -> str:
    import chinese_calendar

    return str(chinese_calendar.__version__)
