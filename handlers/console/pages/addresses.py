"""Addresses of the figures' pages: what a link asks for, and how it is read again."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from urllib.parse import urlencode

from bot.assessment import Reach
from bot.desk.supervision import Ask
from bot.reports.gather import Period

_YEARS = range(1990, 2200)


def case_list(ask: Ask, start: int = 0, *, newest: bool = False) -> str:
    """The page of the cases behind a figure."""
    given = {
        "figure": ask.figure,
        "by": ask.by,
        "group": ask.group if ask.by else "",
        "from": ask.period.first.isoformat() if ask.period.first else "",
        "to": ask.period.last.isoformat() if ask.period.last else "",
        "at": ask.at.isoformat(timespec="microseconds"),
        "start": start or "",
        "newest": "1" if newest else "",
    }
    kept = {name: value for name, value in given.items() if value or (name == "group" and ask.by)}
    return f"/console/cases?{urlencode({**kept, **within_query(ask.within)})}"


def within_query(within: Reach) -> dict[str, str]:
    """What narrows figures to one department or one account, "" for one that is undecided."""
    names = {"department": within.departments, "account": within.accounts}
    return {name: values[0] for name, values in names.items() if values}


def narrowed(query: Mapping[str, str]) -> Reach:
    """The department and the account that an address is narrowed to."""
    places = {name: (query[name],) for name in ("department", "account") if name in query}
    return Reach(places.get("account", ()), places.get("department", ()))


def asked(query: Mapping[str, str], now: datetime) -> Ask:
    """What an address asks for; what is missing or made up is as if it were not there."""
    return Ask(
        figure=query.get("figure", ""),
        at=_moment(query.get("at", "")) or now,
        period=Period(day(query.get("from", "")), day(query.get("to", ""))),
        by=query.get("by", ""),
        group=query.get("group", ""),
        within=narrowed(query),
    )


def number(text: str) -> int:
    """A number of an address, 0 for a made-up one."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def day(text: str) -> date | None:
    """A day of an address; none that no message can be of."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if found.year in _YEARS else None


def _moment(text: str) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return found if found.tzinfo and found.year in _YEARS else None
