"""The turns behind a figure, one by one, for people to read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum

import numpy as np

from bot.assessment.census import Census
from bot.assessment.timeline import Numbers
from bot.clock import SHANGHAI

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_HOUR = 3_600_000_000


class Stand(StrEnum):
    """Where a turn stands at the cut-off; each is in exactly one place."""

    MERGED = "merged"
    EXCLUDED = "excluded"
    IN_TIME = "answered_in_time"
    LATE = "answered_late"
    NOT_DUE = "not_due"
    DUE_SOON = "due_soon"
    OVERDUE = "overdue"
    OVER_3_MONTHS = "over_3_months"


_MASKS = {
    Stand.MERGED: "counts.merged",
    Stand.EXCLUDED: "counts.excluded",
    Stand.IN_TIME: "on_time.answered_in_time",
    Stand.LATE: "on_time.answered_late",
    Stand.NOT_DUE: "counts.unanswered.not_due",
    Stand.DUE_SOON: "counts.unanswered.due_soon",
    Stand.OVERDUE: "counts.unanswered.overdue",
    Stand.OVER_3_MONTHS: "counts.unanswered.over_3_months",
}
_EVASIONS = ("counts.evasive", "counts.evasion_overruled", "counts.suspected_evasive")


@dataclass(frozen=True, slots=True)
class Listed:
    """One turn as of the cut-off. ``traces`` are keys of figures: what was done to the case that
    could have made a figure look better. Hours are those waited so far; working hours are less
    the pauses that count."""

    case_id: int
    turn: int
    account: str
    channel: str
    department: str
    person: str
    category: str
    start: datetime
    due: datetime
    original_due: datetime
    provisional: bool
    stop: datetime | None
    natural_hours: float
    working_hours: float
    stand: Stand
    excluded_by: str
    grade: int | None
    traces: tuple[str, ...]


def listed(census: Census, worked: Numbers, places: Sequence[int]) -> Iterator[Listed]:
    """The turns at these places, in this order."""
    standings, words = census.standings, census.standings.facts.words
    accounts = standings.facts.accounts
    reasons = {key: mask for key, mask in census.masks.items() if key.startswith("counts.excl")}
    del reasons["counts.excluded"]
    for place in places:
        turn = {name: int(column[place]) for name, column in standings.turns.items()}
        key, channel = accounts[turn["account_id"]]
        stop = int(standings.stop[place])
        yield Listed(
            case_id=turn["case_id"],
            turn=turn["number"],
            account=key,
            channel=channel,
            department=words[int(standings.department[place])],
            person=words[turn["person"]],
            category=words[int(standings.category[place])],
            start=_moment(standings.start[place]),
            due=_moment(standings.due[place]),
            original_due=_moment(standings.original[place]),
            provisional=bool(standings.provisional[place]),
            stop=_moment(stop) if stop else None,
            natural_hours=float(standings.end[place] - standings.start[place]) / _HOUR,
            working_hours=float(worked[place]) / _HOUR,
            stand=_stand(census, place),
            excluded_by=next((one for one, mask in reasons.items() if mask[place]), ""),
            grade=int(census.grade[place]) or None,
            traces=tuple(_traces(census, place)),
        )


def _stand(census: Census, place: int) -> Stand:
    return next(stand for stand, key in _MASKS.items() if census.masks[key][place])


def _traces(census: Census, place: int) -> Iterator[str]:
    for key, mask in census.masks.items():
        if (key.startswith("traces.") or key in _EVASIONS) and mask[place]:
            yield key


def _moment(microseconds: np.int64 | int) -> datetime:
    return (_EPOCH + timedelta(microseconds=int(microseconds))).astimezone(SHANGHAI)
