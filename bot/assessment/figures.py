"""What is written of one group: counts, rates and times under stable keys; None without data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bot.assessment.census import EXCLUDED_BY, GRADES, OUTCOMES
from bot.assessment.standings import WITHIN
from bot.facts import TALLIES

Figures = dict[str, Any]
RESPONSE_WEIGHT, RESOLUTION_WEIGHT, SATISFACTION_WEIGHT = 0.1, 0.5, 0.4
FAIRLY = 0.9
"""What 基本满意 is worth in 满意率 of the 三率."""


@dataclass(frozen=True, slots=True)
class Group:
    """The counts of a group by figure key, its response times in hours, and sums."""

    counts: Mapping[str, int]
    natural: Figures
    working: Figures
    paused_hours: float
    moved_away: int | None


def write(group: Group) -> Figures:
    """The figures of one group."""
    n = group.counts
    return {
        "counts": _counts(n),
        "response_hours": {
            "natural": {name: _rounded(value) for name, value in group.natural.items()},
            "working": {name: _rounded(value) for name, value in group.working.items()},
        },
        "on_time": _on_time(n),
        "acceptance": _acceptance(n),
        "satisfaction": _satisfaction(n),
        "resolution": _resolution(n),
        "three_rates": _three_rates(n),
        "traces": _traces(group),
    }


def _counts(n: Mapping[str, int]) -> Figures:
    plain = ("original", "excluded", "merged", "valid", "answered")
    ways = ("answered_automatically", "answered_by_pin")
    marks = ("imprecise", "imported", "provisional_due", "later_turns")
    evasions = ("evasive", "evasion_overruled", "suspected_evasive")
    standing = ("not_due", "due_soon", "overdue", "over_3_months")
    return {
        **{name: n[f"counts.{name}"] for name in (*plain, *ways)},
        "excluded_by": {
            key.removeprefix(EXCLUDED_BY): count
            for key, count in n.items()
            if key.startswith(EXCLUDED_BY) and count
        },
        "answer_rate": share(n["counts.answered"], n["counts.valid"]),
        "pin_rate": share(n["counts.answered_by_pin"], n["counts.answered"]),
        "unanswered": {name: n[f"counts.unanswered.{name}"] for name in standing},
        **{name: n[f"counts.{name}"] for name in (*marks, *evasions)},
    }


def _on_time(n: Mapping[str, int]) -> Figures:
    names = ("answered_in_time", "answered_late", "open_overdue", "denominator")

    def counted(section: str) -> Figures:
        return {name: n[f"on_time.{section}{name}"] for name in names}

    def rate(found: Figures) -> float | None:
        return share(found["answered_in_time"], found["denominator"])

    found, original = counted(""), counted("original.")
    within = {str(days): counted(f"within.{days}.") for days in WITHIN}
    return {
        "rate": rate(found),
        "original_due_rate": rate(original),
        **found,
        "original": original,
        "within": {days: {"rate": rate(one), **one} for days, one in within.items()},
    }


def _acceptance(n: Mapping[str, int]) -> Figures:
    names = ("in_time", "late", "open_overdue", "denominator")
    found = {name: n[f"acceptance.{name}"] for name in names}
    return {"rate": share(found["in_time"], found["denominator"]), **found}


def _satisfaction(n: Mapping[str, int]) -> Figures:
    """Five grades; silence is shown beside them and never counted as praise."""
    rated, negative = n["satisfaction.rated"], n["satisfaction.negative"]
    more = ("reached", "in_time", "open_overdue")
    callback = {name: n[f"satisfaction.callback.{name}"] for name in (*OUTCOMES, *more)}
    return {
        **{name: n[f"satisfaction.{name}"] for name in (*GRADES, "rated", "positive", "negative")},
        "positive_rate": share(n["satisfaction.positive"], rated),
        "unrated_rate": share(n["satisfaction.unrated"], n["counts.answered"]),
        "callback": {
            **callback,
            "rate": share(callback["reached"], negative),
            "rectified_rate": share(callback["rectified"], negative),
        },
    }


def _resolution(n: Mapping[str, int]) -> Figures:
    names = ("resolved", "confirmed", "reopened", "judged", "solved")
    return {
        **{name: n[f"resolution.{name}"] for name in names},
        "rate": share(n["resolution.resolved"], n["counts.valid"]),
    }


def _three_rates(n: Mapping[str, int]) -> Figures:
    """响应率, 解决率, 满意率 and their composite; 解决率 and 满意率 by citizens' own words only."""
    response = share(n["on_time.answered_in_time"], n["on_time.denominator"])
    resolution = share(n["resolution.solved"], n["resolution.judged"])
    pleased = n["satisfaction.very_satisfied"] + n["satisfaction.satisfied"]
    pleased_share = pleased + FAIRLY * n["satisfaction.fairly_satisfied"]
    satisfaction = share(pleased_share, n["satisfaction.rated"])
    composite = None
    if response is not None and resolution is not None and satisfaction is not None:
        composite = round(
            RESPONSE_WEIGHT * response
            + RESOLUTION_WEIGHT * resolution
            + SATISFACTION_WEIGHT * satisfaction,
            6,
        )
    return {
        "response": response,
        "resolution": resolution,
        "satisfaction": satisfaction,
        "composite": composite,
    }


def _traces(group: Group) -> Figures:
    n = group.counts
    tallies = [name for name in TALLIES if f"traces.{name}" in n]
    more = ("paused", "extended", "due_moved", "reopened", "split", "closed", "withdrawn")
    late = ("excluded_when_late", "merged_when_late", "accepted_unanswered")
    return {
        **{name: n[f"traces.{name}"] for name in (*tallies, *more, *late)},
        "paused_hours": _rounded(group.paused_hours),
        "moved_away": group.moved_away,
    }


def share(part: float, whole: int) -> float | None:
    """A part of a whole, None of nothing."""
    return round(part / whole, 6) if whole else None


def _rounded(value: float | None) -> float | None:
    return value if value is None or isinstance(value, int) else round(value, 4)
