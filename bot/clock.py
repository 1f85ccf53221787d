"""Working time, the calendar of working days and due times, all in Asia/Shanghai."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import cached_property, lru_cache
from itertools import pairwise, takewhile
from zoneinfo import ZoneInfo

SHANGHAI = ZoneInfo("Asia/Shanghai")
Spans = tuple[tuple[time, time], ...]
_DAY = timedelta(days=1)
_MIDNIGHT = time(0)
_LONGEST = timedelta(days=36525)
_NONE = timedelta(0)


class Unit(StrEnum):
    """Units of a limit; 日 and 工作日 are different things."""

    MINUTE = "分钟"
    HOUR = "小时"
    DAY = "日"
    WORKDAY = "工作日"


_MOST = {Unit.MINUTE: 5_256_000, Unit.HOUR: 87_600, Unit.DAY: 3650, Unit.WORKDAY: 3650}


@dataclass(frozen=True, slots=True)
class Limit:
    """A time limit such as 5 工作日; the amount is at least 1 and no more than ten years."""

    amount: int
    unit: Unit

    def __post_init__(self) -> None:
        if self.amount < 1:
            raise ValueError(f"时限至少为 1{self.unit}，现在是 {self.amount}，请改成正整数。")
        if self.amount > (most := _MOST[self.unit]):
            raise ValueError(f"时限 {self.amount}{self.unit} 太长，最多 {most}{self.unit}。")

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
    """Working days and business hours of the office.

    `spans` are business hours in order, () for the whole day; an end of 00:00 means 24:00.
    `overrides` come before the official calendar: True a working day, False a day off.
    `complete_years` are the years for which `overrides` holds the full official list.
    `departments` have business hours of their own, which `of` gives a calendar for.
    """

    spans: Spans = ()
    overrides: Mapping[date, bool] = field(default_factory=dict)
    source: str = ""
    complete_years: frozenset[int] = frozenset()
    departments: Mapping[str, Spans] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for spans in (self.spans, *self.departments.values()):
            _check_spans(spans)

    def of(self, department: str) -> Calendar:
        """The calendar of one department alone; the office's for one without hours of its own."""
        return self._of.get(department) or self._of[""]

    @cached_property
    def version(self) -> str:
        """Changes whenever the same limit could fall due at another time."""
        parts = [
            sorted((day.isoformat(), works) for day, works in self.overrides.items()),
            _written(self.spans),
            sorted(self.complete_years),
        ]
        if self.departments:
            parts.append(sorted((name, _written(own)) for name, own in self.departments.items()))
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
        return datetime.combine(day, self.hours[0][0], SHANGHAI)

    def closing(self, day: date) -> datetime:
        return _combine_end(day, self.hours[-1][1])

    def openings(self, day: date) -> Iterator[datetime]:
        """When each span of a working day begins."""
        return (datetime.combine(day, start, SHANGHAI) for start, _ in self.hours)

    def closings(self, day: date) -> Iterator[datetime]:
        """When each span of a working day ends."""
        return (_combine_end(day, end) for _, end in self.hours)

    def working_seconds(self, start: datetime, end: datetime) -> int:
        """Working seconds in [start, end); ValueError when the end comes first or absurdly late."""
        return round(self.working_time(start, end).total_seconds())

    def working_time(self, start: datetime, end: datetime) -> timedelta:
        """The same to the microsecond."""
        start, end = _utc(start), _utc(end)
        if end < start:
            raise ValueError("结束时间早于开始时间，请检查两个时间的先后。")
        if end - start > _LONGEST:
            raise ValueError("两个时间相隔超过一百年，请检查年份。")
        spans = takewhile(lambda span: span[0] < end, self._spans_from(start))
        gaps = (min(close, end) - max(begin, start) for begin, close in spans)
        return sum((gap for gap in gaps if gap > _NONE), _NONE)

    def after_working(self, start: datetime, seconds: float) -> datetime:
        """The first moment inside working time with `seconds` of it elapsed since `start`."""
        return self._reach(start, timedelta(seconds=seconds), inside=True)

    def later(self, moment: datetime, worked: timedelta) -> datetime:
        """The first moment with so much working time elapsed since `moment`.

        Unlike `after_working` this may be the close of business: a due time that is put off by
        whole working days stays at the close.
        """
        if worked == _NONE:
            return to_shanghai(moment)
        return self._reach(moment, worked, inside=False)

    def _reach(self, start: datetime, left: timedelta, *, inside: bool) -> datetime:
        if not _NONE <= left <= _LONGEST:
            raise ValueError("工作时间不能是负数，也不能超过一百年，请核对。")
        start = _utc(start)
        for begin, close in self._spans_from(start):
            begin = max(begin, start)
            if begin + left < close or (not inside and begin + left == close):
                return (begin + left).astimezone(SHANGHAI)
            left -= max(close - begin, _NONE)
        raise AssertionError  # there is always another working day

    @property
    def day_seconds(self) -> int:
        """Working seconds in one working day."""
        day = date(2000, 1, 1)
        gaps = (
            _combine_end(day, end) - datetime.combine(day, start, SHANGHAI)
            for start, end in self.hours
        )
        return sum(int(gap.total_seconds()) for gap in gaps)

    @cached_property
    def hours(self) -> Spans:
        """Business hours in order; the whole day as one span from 00:00 to 00:00."""
        return self.spans or ((_MIDNIGHT, _MIDNIGHT),)

    @cached_property
    def _of(self) -> Mapping[str, Calendar]:
        own = {"": self.spans, **self.departments}
        return {
            name: replace(self, spans=spans, departments={}) if self.departments else self
            for name, spans in own.items()
        }

    def _workdays_after(self, day: date) -> Iterator[date]:
        while True:
            day += _DAY
            if self.is_workday(day):
                yield day

    def _spans_from(self, moment: datetime) -> Iterator[tuple[datetime, datetime]]:
        """Spans of working time in UTC, where no clock is ever put forward or back."""
        for workday in self._workdays_after(to_shanghai(moment).date() - _DAY):
            for opening, closing in self.hours:
                begin = datetime.combine(workday, opening, SHANGHAI)
                yield _utc(begin), _utc(_combine_end(workday, closing))


def due(start: datetime, limit: Limit, calendar: Calendar) -> Due:
    """When `limit` ends for a clock started at `start`, which must carry its time zone.

    工作日 and 日 exclude the day of the start and end with the business of their last day
    (24:00 without business hours); 日 ending on a day off roll forward to the next working
    day. Minutes and hours run at once, day and night.
    """
    start = to_shanghai(start)
    if limit.unit in (Unit.MINUTE, Unit.HOUR):
        minutes = limit.amount * (60 if limit.unit is Unit.HOUR else 1)
        end = _utc(start) + timedelta(minutes=minutes)
        return Due(end.astimezone(SHANGHAI), False, calendar.version)
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


def _utc(moment: datetime) -> datetime:
    return to_shanghai(moment).astimezone(UTC)


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


def _written(spans: Spans) -> list[list[str]]:
    return [[start.isoformat(), end.isoformat()] for start, end in spans]


def _check_spans(spans: Spans) -> None:
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
