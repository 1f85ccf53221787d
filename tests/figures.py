"""Turns, events and reports for tests of figures, without a database."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import Any

from bot.assessment import Assessment, Figures
from bot.assessment.health import AccountCard, LinkCheck, LinkUse, health
from bot.assessment.scorecard import Scorecard, score
from bot.clock import SHANGHAI, Calendar, Limit, Unit
from bot.deadlines import Profile, profiles
from bot.facts import Facts, gather
from bot.replay import replay
from bot.reports import CaseList, Letterhead, Report, Row, describe
from bot.reports.gather import LISTS
from bot.triage import Category
from bot.turn import Happening, Turn

CUT_OFF = datetime(2026, 6, 30, 12, tzinfo=SHANGHAI)
GUANGDONG = profiles()["guangdong_2022"]
LEDGER: Figures = {
    "digest": "abc123" * 11,
    "sealed_until": "2026-06-29",
    "missing_events": 0,
    "differences": None,
}
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


def report(
    *cases: Case,
    first: date | None = date(2026, 6, 1),
    last: date | None = date(2026, 6, 30),
    profile: Profile = GUANGDONG,
    text: str = "路灯坏了，找谁修",
    accounts: Sequence[AccountCard] = (),
    links: Sequence[LinkUse] = (),
    checks: dict[str, LinkCheck] | None = None,
    scorecards: Sequence[Scorecard] = (),
    rank: bool = False,
    ledger: Figures | None = None,
    letterhead: Letterhead | None = None,
) -> Report:
    """A whole report of cases, each of which says ``text``."""
    found = assessment(*cases, profile=profile)
    written = found.figures()
    document = describe(
        written,
        first=first,
        last=last,
        cut_off=CUT_OFF,
        profile=profile,
        calendar=Calendar(),
        ledger=ledger
        or {"digest": "abc123" * 11, "sealed_until": "2026-06-29", "missing_events": 0},
        names={
            "account": {one.key: one.name for one in accounts},
            "person": {"staff:1": "张三"},
        },
    )
    document["scorecards"] = [score(one, written, rank=rank) for one in scorecards]
    document["health"] = health(accounts, found.ages("account"), links, checks or {}, CUT_OFF)
    lists = {}
    for key, title in LISTS.items():
        total, turns = found.turns_behind(key)
        lists[key] = CaseList(key, title, total, [Row(turn, text) for turn in turns])
    return Report(document, lists, letterhead or Letterhead())
