"""What a report says, from the database: figures, cases behind them, scorecards, health."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, time, timedelta

from bot.assessment import EVERYWHERE, Assessment, Figures, Reach
from bot.assessment.health import AccountCard, LinkCheck, LinkUse, health
from bot.assessment.listing import Listed
from bot.assessment.scorecard import Scorecard, score
from bot.clock import SHANGHAI, Calendar
from bot.deadlines import Profile
from bot.ledger import facts, provenance
from bot.reports.measures import TITLES, printable
from bot.reports.model import CaseList, Letterhead, Report, Row, describe
from knowledge.masking import mask
from storage import accounts, entries
from storage import figures as stored
from storage.db import Database

_READ = 4_000  # characters of a case that are looked at
SHOWN = 200
LISTS = {
    "counts.unanswered.all": "未答复",
    "on_time.answered_late": "超时答复",
    "satisfaction.negative": "差评",
    "counts.excluded": "剔除",
    "counts.evasive": "敷衍答复",
    "traces": "有痕迹",
}
"""The figures whose cases come with a report, and what the lists are called."""


@dataclass(frozen=True, slots=True)
class Period:
    """Days on which citizens wrote, both included; None for no bound."""

    first: date | None
    last: date | None

    @property
    def begin(self) -> datetime | None:
        return datetime.combine(self.first, time(), SHANGHAI) if self.first else None

    @property
    def end(self) -> datetime | None:
        if self.last is None:
            return None
        return datetime.combine(self.last + timedelta(days=1), time(), SHANGHAI)


ALWAYS = Period(None, None)


@dataclass(frozen=True)
class Wanted:
    """What to report: a period as of a cut-off by a profile and a calendar, of everything or of
    what is within reach; at most ``listed`` cases for each list, and none of the lists when it
    is 0."""

    period: Period
    cut_off: datetime
    profile: Profile
    calendar: Calendar
    scorecards: Sequence[Scorecard] = ()
    rank: bool = False
    listed: int = 0
    letterhead: Letterhead = field(default_factory=Letterhead)
    reach: Reach = EVERYWHERE


async def gather(database: Database, wanted: Wanted) -> Report:
    """The whole report."""
    assessment = await assess(database, wanted)
    found, upkeep, ledger = await asyncio.gather(
        asyncio.to_thread(assessment.figures),
        account_health(database, wanted),
        provenance(database, wanted.cut_off),
    )
    document = await document_of(database, wanted, found, ledger)
    document["scorecards"] = [score(one, found, rank=wanted.rank) for one in wanted.scorecards]
    document["health"] = upkeep
    lists = [
        await _list(database, assessment, key, title, wanted.listed)
        for key, title in (LISTS.items() if wanted.listed else ())
    ]
    return Report(document, {one.key: one for one in lists}, wanted.letterhead)


async def cases_behind(
    database: Database, wanted: Wanted, key: str, dimension: str = "", group: str = ""
) -> Report:
    """The totals, and the cases behind one figure. KeyError for an unknown figure or group."""
    assessment = await assess(database, wanted)
    document = await document_of(database, wanted, assessment.figures(()))
    title = LISTS.get(key) or TITLES.get(key, key)
    found = await _list(database, assessment, key, title, wanted.listed or None, dimension, group)
    return Report(document, {key: found}, wanted.letterhead)


async def assess(database: Database, wanted: Wanted, *, unanswered: bool = False) -> Assessment:
    """The assessment of the period, or of what nobody had answered at the cut-off."""
    open_at = wanted.cut_off if unanswered else None
    found = await facts(database, wanted.period.begin, wanted.period.end, open_at=open_at)
    ruled = found, wanted.profile, wanted.calendar, wanted.cut_off, wanted.reach
    return await asyncio.to_thread(Assessment, *ruled)


async def account_health(database: Database, wanted: Wanted) -> Figures:
    """How the accounts are kept at the cut-off, whatever the period."""
    open_ = await assess(database, replace(wanted, period=ALWAYS), unanswered=True)
    ages, reach = open_.ages("account"), wanted.reach
    async with database.read() as session:
        topics = await accounts.topics(session)
        cards = [
            AccountCard(
                key=one.key,
                name=one.name,
                platform=one.platform,
                sponsor=one.sponsor,
                responsible=one.responsible,
                description=one.description,
                state=one.state,
                last_published_at=one.last_published_at,
                topics=topics.get(one.id or 0, {}),
            )
            for one in await accounts.everyone(session)
            if not reach.accounts or one.key in reach.accounts
        ]
        links = [
            LinkUse(link.url, link.title, entry.id, entry.department)
            for entry in await entries.load(session)
            for link in entry.links
            if not reach.departments or entry.department in reach.departments
        ]
        checks = {
            url: LinkCheck(one.reachable, one.problem, one.checked_at, one.failing_since)
            for url, one in (await accounts.link_checks(session)).items()
        }
    return health(cards, ages, links, checks, wanted.cut_off)


async def document_of(
    database: Database, wanted: Wanted, figures: Figures, ledger: Figures | None = None
) -> Figures:
    """Figures with all that a reader must know to judge them; ``ledger`` is what is known of the
    ledger already."""
    return describe(
        figures,
        first=wanted.period.first,
        last=wanted.period.last,
        cut_off=wanted.cut_off,
        profile=wanted.profile,
        calendar=wanted.calendar,
        ledger=ledger or await provenance(database, wanted.cut_off),
        names=await _names(database),
        reach=wanted.reach,
    )


async def _names(database: Database) -> dict[str, Mapping[str, str]]:
    async with database.read() as session:
        known = {one.key: one.name for one in await accounts.everyone(session)}
        return {"account": known, "person": await stored.people(session)}


async def _list(
    database: Database,
    assessment: Assessment,
    key: str,
    title: str,
    limit: int | None,
    dimension: str = "",
    group: str = "",
) -> CaseList:
    total, turns = assessment.turns_behind(key, dimension, group, limit)
    return CaseList(key, title, total, await rows_of(database, turns), dimension, group)


async def rows_of(database: Database, turns: Sequence[Listed]) -> list[Row]:
    """The turns with what the citizens wrote, personal data hidden."""
    async with database.read() as session:
        texts = await stored.texts(session, {one.case_id for one in turns})
    shown = {number: shorten(mask(text[:_READ])) for number, text in texts.items()}
    return [Row(one, shown.get(one.case_id, "")) for one in turns]


def shorten(text: str, most: int = SHOWN) -> str:
    """The beginning of a text on one line."""
    line = printable(" ".join(text.split()))
    return line if len(line) <= most else line[: most - 1] + "…"
