"""Turns and events for tests of figures, without a database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from bot.assessment import Assessment, Figures
from bot.clock import SHANGHAI, Calendar, Limit, Unit
from bot.deadlines import Profile, profiles
from bot.facts import Facts, gather
from bot.replay import replay
from bot.triage import Category
from bot.turn import Happening, Turn

CUT_OFF = datetime(2026, 6, 30, 12, tzinfo=SHANGHAI)
GUANGDONG = profiles()["guangdong_2022"]
Case = tuple[str, list[Turn]]
Event = tuple[Any, ...]


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def case(
    opened: str = "2026-06-01T09:00",
    answered: str | None = None,
    *,
    category: Category = Category.CONSULT,
    account: str = "甲",
    **more: Any,
) -> Case:
    """One account's case of one turn; ``more`` are fields of the turn."""
    stop = local(answered) if answered else None
    return account, [Turn(1, local(opened), category, stop=stop, **more)]


def told(*events: Event, start: datetime | None = None, account: str = "甲") -> Case:
    """One case from events as (kind, hours after the start, data, actor), opened at first."""
    begin = start or local("2026-06-01T09:00")
    happenings = [
        Happening(one[0], begin + timedelta(hours=one[1]), *one[2:])
        for one in (("opened", 0), *events)
    ]
    return account, replay(happenings)


def within(days: int) -> Profile:
    """A profile that gives every category the same number of working days."""
    return Profile("test", "测试", "测试", None, None, {}, Limit(days, Unit.WORKDAY))


def facts(cases: Sequence[Case]) -> Facts:
    """Cases numbered from 1, accounts on the platform 网站."""
    keys = sorted({account for account, _ in cases})
    numbered = [
        (number, keys.index(account), turns) for number, (account, turns) in enumerate(cases, 1)
    ]
    return gather(numbered, {place: (key, "网站") for place, key in enumerate(keys)})


def assessment(
    *cases: Case,
    calendar: Calendar | None = None,
    profile: Profile = GUANGDONG,
    cut_off: datetime = CUT_OFF,
) -> Assessment:
    return Assessment(facts(cases), profile, calendar or Calendar(), cut_off)


def figures(
    *cases: Case,
    calendar: Calendar | None = None,
    profile: Profile = GUANGDONG,
    cut_off: datetime = CUT_OFF,
) -> Figures:
    return assessment(*cases, calendar=calendar, profile=profile, cut_off=cut_off).figures()
