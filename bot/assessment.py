"""Assessment (考核): what cases say about how citizens were answered. Pure.

Definitions are those of the rulebook: the clock of a case starts with the first unanswered
message and stops with the first confirmed substantive reply; 没解决 and reopening start it
again where it began. Unanswered cases past their due time count against 及时率, and response
percentiles treat unanswered cases as censored (Kaplan–Meier), so that ignoring people can
improve no figure. A figure without data is None.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from itertools import accumulate
from typing import Any

from bot.clock import SHANGHAI, Calendar, to_shanghai
from bot.deadlines import Profile, due_for
from bot.triage import Category

OVER_3_MONTHS = timedelta(days=91)
GRADES = ("very_satisfied", "satisfied", "fairly_satisfied", "dissatisfied", "very_dissatisfied")
Figures = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Record:
    """One case as the ledger tells it; moments are aware.

    ``answered_at`` is None while the clock runs; ``grade`` is 1 (非常满意) to 5.
    """

    account: str
    category: Category
    opened_at: datetime
    answered_at: datetime | None
    resolved: bool = False
    reopened: bool = False
    grade: int | None = None
    automatic: bool = False
    imprecise: bool = False


@dataclass(frozen=True, slots=True)
class Happening:
    """One event of a case's ledger: its kind, when it happened, and its data."""

    kind: str
    at: datetime
    data: Mapping[str, Any] = field(default_factory=dict)


def replay(account: str, category: str, opened_at: datetime, told: Iterable[Happening]) -> Record:
    """A case's clock and outcome from its events in the order they were recorded."""
    state: dict[str, Any] = {"answered_at": None}
    for happening in told:
        _apply(state, happening)
    return Record(account, Category(category), opened_at, **state)


def _apply(state: dict[str, Any], happening: Happening) -> None:
    kind, data = happening.kind, happening.data
    if data.get("imprecise"):
        state["imprecise"] = True
    if kind == "replied" and state["answered_at"] is None:
        state["answered_at"] = happening.at
        state["automatic"] = bool(data.get("automatic"))
    elif kind in ("not_helpful", "reopened"):
        state |= {"answered_at": None, "resolved": False, "reopened": True}
    elif kind == "resolved":
        state["resolved"] = True
    elif kind == "rated":
        state["grade"] = data.get("grade")


class WorkingTime:
    """Working seconds between two moments, looked up rather than walked day by day."""

    def __init__(self, calendar: Calendar, first: date, last: date) -> None:
        self._first = first
        self._spans = [
            (_since_midnight(start), _since_midnight(end) or 86400) for start, end in calendar.spans
        ] or [(0, 86400)]
        days = [first + timedelta(days=n) for n in range((last - first).days + 2)]
        self._works = [calendar.is_workday(day) for day in days]
        whole = sum(end - start for start, end in self._spans)
        self._before = [0, *accumulate(whole if works else 0 for works in self._works)]

    def seconds(self, start: datetime, end: datetime) -> float:
        """Both moments must lie within the days given at the beginning."""
        return self._elapsed(end) - self._elapsed(start)

    def _elapsed(self, moment: datetime) -> float:
        local = to_shanghai(moment)
        day = (local.date() - self._first).days
        if not self._works[day]:
            return self._before[day]
        now = local.hour * 3600 + local.minute * 60 + local.second + local.microsecond / 1e6
        return self._before[day] + sum(
            min(max(now - start, 0), end - start) for start, end in self._spans
        )


def _since_midnight(moment: time) -> int:
    return moment.hour * 3600 + moment.minute * 60 + moment.second


def assess(
    records: Sequence[Record], profile: Profile, calendar: Calendar, cut_off: datetime
) -> Figures:
    """All figures of the records as of ``cut_off``, and the same for each account."""
    records = [_as_of(record, cut_off) for record in records if record.opened_at <= cut_off]
    ruler = _Ruler(records, profile, calendar, cut_off)
    accounts: dict[str, list[Record]] = defaultdict(list)
    for record in records:
        accounts[record.account].append(record)
    return {
        **ruler.figures(records),
        "by_account": {key: ruler.figures(accounts[key]) for key in sorted(accounts)},
    }


def _as_of(record: Record, cut_off: datetime) -> Record:
    """A reply after the cut-off is not known yet."""
    if record.answered_at is None or record.answered_at <= cut_off:
        return record
    return Record(
        record.account, record.category, record.opened_at, None, imprecise=record.imprecise
    )


class _Ruler:
    """Measures groups of records by one profile, calendar and cut-off."""

    def __init__(
        self, records: Sequence[Record], profile: Profile, calendar: Calendar, cut_off: datetime
    ) -> None:
        self._profile, self._calendar, self._cut_off = profile, calendar, cut_off
        first = min((one.opened_at for one in records), default=cut_off)
        self._working = WorkingTime(
            calendar, first.astimezone(SHANGHAI).date(), cut_off.astimezone(SHANGHAI).date()
        )
        self._dues: dict[tuple[Category, object], tuple[datetime, bool]] = {}

    def figures(self, records: Sequence[Record]) -> Figures:
        valid = [one for one in records if one.category.must_answer]
        excluded = Counter(one.category for one in records if not one.category.must_answer)
        answered = [one for one in valid if one.answered_at is not None]
        return {
            "counts": {
                "original": len(records),
                "excluded": len(records) - len(valid),
                "excluded_by": {str(key): n for key, n in sorted(excluded.items())},
                "valid": len(valid),
                "answered": len(answered),
                "answered_automatically": sum(one.automatic for one in answered),
                "answer_rate": _share(len(answered), len(valid)),
                "unanswered": self._unanswered(valid),
                "imprecise": sum(one.imprecise for one in valid),
                "provisional_due": sum(self._due(one)[1] for one in valid),
            },
            "response_hours": {
                "natural": _durations(valid, self._natural),
                "working": _durations(valid, self._worked),
            },
            "on_time": self._on_time(valid),
            "satisfaction": _satisfaction(answered),
            "resolution": _resolution(valid),
        }

    def _due(self, record: Record) -> tuple[datetime, bool]:
        day_limit = self._profile.limit(record.category).unit in ("日", "工作日")
        moment: object = record.opened_at
        if day_limit:  # every start on one day is due at the same moment
            moment = record.opened_at.astimezone(SHANGHAI).date()
        key = (record.category, moment)
        if key not in self._dues:
            due = due_for(self._profile, record.category, record.opened_at, self._calendar)
            self._dues[key] = (due.at, due.provisional)
        return self._dues[key]

    def _natural(self, record: Record) -> float:
        return ((record.answered_at or self._cut_off) - record.opened_at).total_seconds()

    def _worked(self, record: Record) -> float:
        return self._working.seconds(record.opened_at, record.answered_at or self._cut_off)

    def _unanswered(self, valid: Sequence[Record]) -> Figures:
        """Open cases by where they stand: each is in exactly one of the four."""
        found = {"not_due": 0, "due_soon": 0, "overdue": 0, "over_3_months": 0}
        for one in valid:
            if one.answered_at is None:
                found[self._standing(one)] += 1
        return found

    def _standing(self, record: Record) -> str:
        due = self._due(record)[0]
        if self._cut_off - record.opened_at > OVER_3_MONTHS and due < self._cut_off:
            return "over_3_months"
        if due < self._cut_off:
            return "overdue"
        left = self._calendar.working_seconds(self._cut_off, due)
        return "due_soon" if left <= self._calendar.day_seconds else "not_due"

    def _on_time(self, valid: Sequence[Record]) -> Figures:
        in_time = late = overdue = 0
        for one in valid:
            due = self._due(one)[0]
            if one.answered_at is None:
                overdue += due < self._cut_off
            elif one.answered_at <= due:
                in_time += 1
            else:
                late += 1
        denominator = in_time + late + overdue
        rate = _share(in_time, denominator)
        return {
            "rate": rate,
            "original_due_rate": rate,
            "answered_in_time": in_time,
            "answered_late": late,
            "open_overdue": overdue,
            "denominator": denominator,
        }


def _durations(valid: Sequence[Record], seconds: Callable[[Record], float]) -> Figures:
    """Percentiles over all cases, open ones censored; the mean over the answered ones only."""
    times = [(seconds(one) / 3600, one.answered_at is not None) for one in valid]
    done = [hours for hours, answered in times if answered]
    longest = max((hours for hours, _ in times), default=None)
    median, p90 = percentiles(times, (0.5, 0.9))
    return {
        "median": _rounded(median),
        "p90": _rounded(p90),
        "median_exceeds": _rounded(longest) if median is None else None,
        "p90_exceeds": _rounded(longest) if p90 is None else None,
        "mean_answered": _rounded(math.fsum(done) / len(done)) if done else None,
        "n_answered": len(done),
        "n_open": len(times) - len(done),
    }


def percentiles(times: Iterable[tuple[float, bool]], shares: Sequence[float]) -> list[float | None]:
    """Kaplan–Meier percentiles of (time, ended); None for one that is not reached.

    A time that has not ended counts as at risk up to and including its own length. Without
    such times this is the smallest time by which the share has ended.
    """
    ordered = sorted(times, key=lambda one: (one[0], not one[1]))
    left, surviving = len(ordered), 1.0
    moments: list[float] = []
    ended_shares: list[float] = []
    for moment, ended in ordered:
        if ended:
            surviving *= (left - 1) / left
            moments.append(moment)
            ended_shares.append(1 - surviving)
        left -= 1
    found: list[float | None] = []
    for share in shares:
        place = bisect_right(ended_shares, share - 1e-9)
        found.append(moments[place] if place < len(moments) else None)
    return found


def _satisfaction(answered: Sequence[Record]) -> Figures:
    """Five grades; silence is shown beside them and never counted as praise."""
    grades = Counter(one.grade for one in answered if one.grade is not None)
    rated = sum(grades.values())
    return {
        **{name: grades[grade] for grade, name in enumerate(GRADES, 1)},
        "rated": rated,
        "positive_rate": _share(grades[1] + grades[2] + grades[3], rated),
        "unrated_rate": _share(len(answered) - rated, len(answered)),
    }


def _resolution(valid: Sequence[Record]) -> Figures:
    resolved = sum(one.resolved for one in valid)
    return {
        "resolved": resolved,
        "reopened": sum(one.reopened for one in valid),
        "rate": _share(resolved, len(valid)),
    }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 6) if whole else None


def _rounded(hours: float | None) -> float | None:
    return None if hours is None else round(hours, 4)
