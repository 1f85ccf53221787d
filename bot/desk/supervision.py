"""The supervisor's figures: what the period says, what waits now, and the cases behind each."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import partial

from bot import reports
from bot.assessment import EVERYWHERE, Figures, Reach
from bot.assessment.forecast import AHEAD, WEEKS, Forecast, forecast
from bot.assessment.scorecard import score
from bot.clock import SHANGHAI
from bot.desk.desktop import DECIDERS
from bot.desk.office import DeskError, Office
from bot.ledger import provenance
from bot.reports import CaseList, Report
from bot.reports.gather import (
    ALWAYS,
    LISTS,
    Period,
    Wanted,
    account_health,
    assess,
    cases_behind,
    document_of,
    gather,
    rows_of,
)
from bot.reports.measures import TITLES
from storage.ledger import audit, matched_by_words
from storage.models import Staff
from storage.terms import Role

LOOKERS = (Role.REVIEWER, *DECIDERS)
"""Who may see figures; only DECIDERS take them out of the office."""
PAGE = 50
PERIODS = {
    "today": "今天",
    "7d": "近 7 日",
    "30d": "近 30 日",
    "month": "本月",
    "last": "上月",
    "own": "自定",
}
WAITING = ("all", "not_due", "due_soon", "overdue", "over_3_months")
_MOST_DAYS = 92
_MOST_LISTED = 50_000
_FRESH = timedelta(seconds=60)


@dataclass(frozen=True, slots=True)
class Ask:
    """One figure to be opened: of which days, as of when, of which group, within what part of
    what the person may see."""

    figure: str
    at: datetime
    period: Period = ALWAYS
    by: str = ""
    group: str = ""
    within: Reach = EVERYWHERE


@dataclass(frozen=True, slots=True)
class Present:
    """Now, whatever the period: today's messages with their hours and what waits by age.

    ``by_words`` counts what was matched today without looking at its meaning, as too much came
    at once or the model was not to be had.
    """

    at: datetime
    today: int
    hours: Mapping[str, int]
    waiting: Mapping[str, int]
    ages: Mapping[str, int]
    by_words: int


@dataclass(frozen=True, slots=True)
class Document:
    """A file to be handed over."""

    name: str
    content: bytes


class Supervision:
    """Every call names the person who looks; figures are those within their reach.

    Raises DeskError for whoever may not see them.
    """

    def __init__(self, office: Office) -> None:
        self._office = office
        self._ledger: tuple[datetime, Figures] | None = None
        self._forecasts: dict[tuple[Reach, date], Forecast] = {}

    async def report(
        self,
        staff: Staff,
        period: Period,
        at: datetime | None = None,
        within: Reach = EVERYWHERE,
    ) -> Report:
        """The period's figures, in all and by department, account, channel, hour and day."""
        wanted = self._wanted(staff, period, at, within)
        assessment = await assess(self._office.db, wanted)
        groups = ("department", "account", "channel", "hour", trend(period))
        found = await asyncio.to_thread(assessment.figures, groups)
        return Report(await self._described(wanted, found))

    async def present(
        self, staff: Staff, at: datetime | None = None, within: Reach = EVERYWHERE
    ) -> Present:
        """What came in today and what waits."""
        wanted = self._wanted(staff, ALWAYS, at, within)
        day = replace(wanted, period=Period(self._office.today(), self._office.today()))
        open_ = await assess(self._office.db, wanted, unanswered=True)
        today = await assess(self._office.db, day)
        hours = today.counts("counts.original", "hour")
        ages = open_.counts("counts.unanswered.all", "age")
        waiting = {key: open_.count(f"counts.unanswered.{key}") for key in WAITING}
        midnight = datetime.combine(self._office.today(), time(), SHANGHAI)
        async with self._office.db.read() as session:
            by_words = await matched_by_words(session, midnight)
        return Present(wanted.cut_off, sum(hours.values()), hours, waiting, ages, by_words)

    async def outlook(self, staff: Staff, within: Reach = EVERYWHERE) -> Forecast:
        """What the coming days may bring; worked out once a day."""
        wanted, today = self._wanted(staff, ALWAYS, within=within), self._office.today()
        key = wanted.reach, today
        if key not in self._forecasts:
            fresh = {one: kept for one, kept in self._forecasts.items() if one[1] == today}
            self._forecasts = {**fresh, key: await self._foreseen(wanted, today)}
        return self._forecasts[key]

    async def _foreseen(self, wanted: Wanted, today: date) -> Forecast:
        first = today - timedelta(days=7 * WEEKS + AHEAD)
        past = replace(wanted, period=Period(first, today - timedelta(days=1)))
        found = (await assess(self._office.db, past)).counts("counts.original", "day")
        counts = {date.fromisoformat(day): n for day, n in found.items()}
        return forecast(counts, wanted.calendar, today)

    async def cases(
        self, staff: Staff, ask: Ask, start: int = 0, *, newest: bool = False
    ) -> Report:
        """PAGE of the cases behind a figure from ``start`` on, with the totals of the period, or
        of what was unanswered where only that counts."""
        wanted = self._wanted(staff, ask.period, ask.at, ask.within)
        assessment = await assess(self._office.db, wanted, unanswered=unanswered_only(ask))
        try:
            total, turns = await asyncio.to_thread(
                partial(assessment.turns_behind, start=start, newest=newest),
                *(ask.figure, ask.by, ask.group, PAGE),
            )
        except KeyError:
            raise DeskError("没有这个数字，请回到看板重新点开。") from None
        figures = await asyncio.to_thread(assessment.figures, ())
        rows = await rows_of(self._office.db, turns)
        found = CaseList(ask.figure, title_of(ask.figure), total, rows, ask.by, ask.group)
        return Report(await self._described(wanted, figures), {ask.figure: found})

    async def scorecards(
        self, staff: Staff, period: Period, at: datetime | None = None, *, rank: bool = False
    ) -> Report:
        """The period's figures with the scorecards of every group."""
        wanted = self._wanted(staff, period, at, rank=rank)
        assessment = await assess(self._office.db, wanted)
        cards = wanted.scorecards
        groups = sorted({group for card in cards for group in card.groups})
        found = await asyncio.to_thread(assessment.figures, groups)
        found["scorecards"] = [score(card, found, rank=rank) for card in cards]
        return Report(await self._described(wanted, found))

    async def health(self, staff: Staff, at: datetime | None = None) -> Figures:
        """How the accounts are kept, whatever the period."""
        return await account_health(self._office.db, self._wanted(staff, ALWAYS, at))

    async def document(
        self, staff: Staff, period: Period, form: str, *, rank: bool = False
    ) -> Document:
        """The whole report as a file; audited."""
        _may_take(staff)
        if form not in reports.FORMATS:
            raise DeskError("没有这种格式，请选 xlsx、docx、html 或 json。")
        wanted = self._wanted(staff, period, rank=rank, listed=reports.LISTED[form])
        found = await gather(self._office.db, wanted)
        return await self._handed(staff, found, form, "report.download", "")

    async def list_document(self, staff: Staff, ask: Ask, form: str) -> Document:
        """The cases behind a figure as a file; audited."""
        _may_take(staff)
        if form not in reports.LISTED_ALONE:
            raise DeskError("清单没有这种格式，请选 xlsx、html 或 json。")
        most = reports.LISTED_ALONE[form] or _MOST_LISTED
        wanted = self._wanted(staff, ask.period, ask.at, ask.within, listed=most)
        try:
            found = await cases_behind(self._office.db, wanted, ask.figure, ask.by, ask.group)
        except KeyError:
            raise DeskError("没有这个数字，请回到看板重新点开。") from None
        return await self._handed(staff, found, form, "report.cases", ask.figure)

    async def _handed(
        self, staff: Staff, found: Report, form: str, action: str, target: str
    ) -> Document:
        content = await asyncio.to_thread(reports.render, found, form)
        bounds = found.figures["period"]
        rows = sum(len(one.rows) for one in found.lists.values())
        noted = {"format": form, "cases": rows, "first": bounds["from"], "last": bounds["to"]}
        async with self._office.db.write() as session:
            audit(session, f"staff:{staff.id}", action, target, **noted)
        name = f"{title_of(target)}清单" if target else "留言办理情况"
        days = "至".join(filter(None, (bounds["from"], bounds["to"]))) or "全部"
        return Document(f"{name}_{days}.{form}".replace("/", "、"), content)

    async def _described(self, wanted: Wanted, figures: Figures) -> Figures:
        """With the standing of the ledger as it was looked at within the last minute."""
        if self._ledger is None or wanted.cut_off - self._ledger[0] > _FRESH:
            now = self._office.now()
            self._ledger = now, await provenance(self._office.db, now)
        return await document_of(self._office.db, wanted, figures, self._ledger[1])

    def _wanted(
        self,
        staff: Staff,
        period: Period,
        at: datetime | None = None,
        within: Reach = EVERYWHERE,
        *,
        rank: bool = False,
        listed: int = 0,
    ) -> Wanted:
        if staff.role not in LOOKERS:
            raise DeskError("数字要由审核、主管或管理员查看。")
        try:
            reach = Reach(tuple(staff.accounts), tuple(staff.departments)).narrowed(within)
        except LookupError:
            raise DeskError("这个单位或账号不在您的范围里。") from None
        rules, now = self._office.rules, self._office.now()
        return Wanted(
            period,
            min(at or now, now),
            rules.profile,
            rules.calendar,
            scorecards=rules.scorecards,
            rank=rank,
            listed=listed,
            letterhead=rules.letterhead,
            reach=reach,
        )


def unanswered_only(ask: Ask) -> bool:
    """Whether a figure is of what waits, whenever it came: few of all that ever was."""
    return ask.figure.startswith("counts.unanswered.") and ask.period == ALWAYS


def title_of(figure: str) -> str:
    """What a figure is called."""
    more = {"counts.unanswered.all": "未答复", "satisfaction.rated": "已评价"}
    return LISTS.get(figure) or TITLES.get(figure) or more.get(figure, figure)


def trend(period: Period) -> str:
    """The dimension that shows the course of a period: by day, or by month in a long one."""
    if period.first is None or period.last is None:
        return "month"
    return "day" if (period.last - period.first).days < _MOST_DAYS else "month"


def period_of(key: str, today: date, first: date | None = None, last: date | None = None) -> Period:
    """The days of one of PERIODS; of ``own`` those that are given, the last 30 without any."""
    if key == "own" and first is not None and last is not None:
        return Period(min(first, last), max(first, last))
    month = today.replace(day=1)
    if key == "last":
        end = month - timedelta(days=1)
        return Period(end.replace(day=1), end)
    days = {"today": 1, "7d": 7}.get(key, 30)
    return Period(month if key == "month" else today - timedelta(days=days - 1), today)


def _may_take(staff: Staff) -> None:
    if staff.role not in DECIDERS:
        raise DeskError("报表和清单要由主管或管理员下载。")
