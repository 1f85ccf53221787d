"""A report: figures under stable keys, the cases behind some of them, and who is called what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from bot.assessment import EVERYWHERE, Figures, Reach
from bot.assessment.listing import Listed
from bot.clock import SHANGHAI, Calendar, Spans
from bot.deadlines import Profile

SCHEMA = 1
"""Grows when a key of the JSON changes its meaning or goes; new keys do not count."""


@dataclass(frozen=True, slots=True)
class Row:
    """One turn with what the citizen wrote, personal data hidden."""

    turn: Listed
    text: str


@dataclass(frozen=True, slots=True)
class CaseList:
    """The turns behind a figure, of one group if there is a dimension, the oldest first; there
    are ``total`` of them, of which not all may be here."""

    key: str
    title: str
    total: int
    rows: Sequence[Row]
    dimension: str = ""
    group: str = ""

    @property
    def left_out(self) -> int:
        return self.total - len(self.rows)


@dataclass(frozen=True, slots=True)
class Letterhead:
    """Who writes a 通报, and to whom; "" for what is left open."""

    issuer: str = ""
    recipients: str = ""


@dataclass(frozen=True)
class Report:
    """``figures`` is the JSON document; ``lists`` are by the key of the figure behind them."""

    figures: Figures
    lists: Mapping[str, CaseList] = field(default_factory=dict)
    letterhead: Letterhead = field(default_factory=Letterhead)

    @property
    def names(self) -> Mapping[str, Mapping[str, str]]:
        """What groups are called, by dimension."""
        found: Mapping[str, Mapping[str, str]] = self.figures["names"]
        return found


def describe(
    figures: Figures,
    *,
    first: date | None,
    last: date | None,
    cut_off: datetime,
    profile: Profile,
    calendar: Calendar,
    ledger: Figures,
    names: Mapping[str, Mapping[str, str]] | None = None,
    reach: Reach = EVERYWHERE,
) -> Figures:
    """Figures with all that a reader must know to judge them: period, cut-off, rule, calendar,
    whose they are, and what is known of the ledger behind them."""
    return {
        "schema": SCHEMA,
        "period": {"from": _iso(first), "to": _iso(last)},
        "cut_off": cut_off.astimezone(SHANGHAI).isoformat(timespec="seconds"),
        "profile": {
            "key": profile.key,
            "name": profile.name,
            "basis": profile.basis,
            "effective_on": _iso(profile.effective_on),
            "effective": profile.effective,
            "acceptance": str(profile.acceptance) if profile.acceptance else None,
            "limits": {str(category): str(limit) for category, limit in profile.limits.items()},
            "fallback": str(profile.fallback),
        },
        "calendar": {
            "version": calendar.version,
            "source": calendar.source,
            "business_hours": _spans(calendar.spans),
            "departments": {name: _spans(own) for name, own in calendar.departments.items()},
        },
        "reach": {
            "accounts": list(reach.accounts),
            "departments": list(reach.departments),
        },
        "ledger": ledger,
        "names": {key: dict(own) for key, own in (names or {}).items()},
        **figures,
    }


def _spans(spans: Spans) -> list[str]:
    return [f"{start:%H:%M}-{end:%H:%M}" for start, end in spans]


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
