"""看板: what came in, what waits, how it was answered; every figure opens its cases."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from nicegui import Client, ui

from bot.assessment import Reach
from bot.assessment.model import AGE_NAMES
from bot.desk.supervision import PERIODS, Ask, Present, period_of, trend
from bot.reports import Report
from bot.reports.gather import ALWAYS, Period
from bot.reports.measures import GRADES, SATISFACTION, group_name, look_up
from bot.reports.series import Graph, Series, grades
from handlers.console.pages import gauges
from handlers.console.pages.addresses import case_list, day, narrowed, within_query
from handlers.console.pages.charts import Charts, Links
from handlers.console.pages.frame import frame
from handlers.console.pages.parts import button, day_field, tag, word
from handlers.console.visit import PATIENCE, Visit, on_page, visit_of

STYLE = '<link rel="stylesheet" href="/console/assets/figures.css">'
_AGAIN = 60.0
Drawn = tuple[Graph | None, Links]
_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)
_WAITING = {
    "all": "等待中",
    "not_due": "未到期",
    "due_soon": "临期",
    "overdue": "超期",
    "over_3_months": "超期且超过 3 个月",
}
_HURRIED = (
    "今天有 {n:,} 条消息太多来不及（或语义模型用不了），只按字词匹配：门槛更高，"
    "自动答复会少些，拟答和转人工会多些。"
)
WAYS = {
    "看板": "/console/figures",
    "计分卡": "/console/scorecards",
    "账号健康": "/console/health",
    "报表": "/console/reports",
    "大屏": "/console/screen",
}


@ui.page("/figures", title="看板 · 问办", response_timeout=PATIENCE)
async def figures(
    request: Request, client: Client, period: str = "30d", first: str = "", last: str = ""
) -> None:
    choice, within = Choice(period, first, last), narrowed(request.query_params)
    FiguresPage(visit_of(request, client), choice, within).start()


class Choice:
    """The period that a person chose, as it stands in the address."""

    def __init__(self, key: str, first: str = "", last: str = "") -> None:
        self.key = key if key in PERIODS else "30d"
        self.first, self.last = day(first), day(last)

    def period(self, visit: Visit) -> Period:
        return period_of(self.key, visit.desk.office.today(), self.first, self.last)

    @property
    def query(self) -> str:
        own = f"&first={self.first}&last={self.last}" if self.key == "own" else ""
        return f"period={self.key}{own}"


def period_bar(visit: Visit, choice: Choice, chosen: Callable[[], Any]) -> None:
    """The choice of a period; ``chosen`` is called when it is another one."""

    async def pick(key: str) -> None:
        choice.key = key
        show()
        if key != "own" or (choice.first and choice.last):
            await chosen()

    async def pick_days() -> None:
        choice.first, choice.last = day(first.value or ""), day(last.value or "")
        if choice.first and choice.last:
            await chosen()
        else:
            visit.tell("请把起止两天都选上。", bad=True)

    def show() -> None:
        for key, made in chips.items():
            made.classes(add="here" if key == choice.key else "", remove="here")
            made.classes(add="here") if key == choice.key else None
            made.props(f'aria-pressed="{str(key == choice.key).lower()}"')
        own.set_visibility(choice.key == "own")

    with tag("div", "periods").props('role="group" aria-label="统计哪些天的留言"'):
        chips = {}
        for key, title in PERIODS.items():
            chips[key] = tag("button", "period")
            chips[key].on("click", lambda key=key: pick(key))
            with chips[key]:
                word(title)
        own = tag("span", "own-days")
        with own:
            first = day_field("从", str(choice.first or ""))
            last = day_field("到", str(choice.last or ""))
            button("看这几天").on_click(pick_days)
    show()


def ways(here: str) -> None:
    """The way between the pages of figures."""
    ui.add_head_html(STYLE)
    with tag("nav", "sub-ways").props('aria-label="数字"'):
        for title, path in WAYS.items():
            link = tag("a", "sub-way" + (" here" if title == here else ""))
            link.props(f'href="{path}"' + (' aria-current="page"' if title == here else ""))
            with link:
                word(title)


def refused(part: ui.element) -> None:
    """Say on the page itself that figures are not for this person."""
    part.clear()
    with part:
        word("数字只给审核、主管和管理员看，各看各自范围里的。", "soft")


class FiguresPage:
    """The page of one browser tab. What is now is looked at again every minute; the period's
    figures stand still, so that a meeting can talk about them, until somebody asks anew."""

    def __init__(self, visit: Visit, choice: Choice, within: Reach) -> None:
        self.visit, self._choice, self._within = visit, choice, within
        with frame(visit, "看板", "sheet-page figures-page", "看板"):
            ways("看板")
            self._narrowed = tag("div", "chips")
            with tag("section", "now"):
                self._now = tag("div")
                self._now_charts = Charts("ages", "today")
            word("数字", "part-name big", name="h2")
            period_bar(visit, choice, self._chosen)
            with tag("div", "line-row"):
                self._line = tag("p", "head-line")
                button("重新计算").on_click(self._reckon)
            self._body = tag("div", "figures-body")
            with self._body:
                self._tiles = tag("div")
                self._charts = Charts("course", "hours", "grades")
                self._groups = tag("div")
            self._outlook = tag("div")
            self._foot = tag("div")
        self._seen: object = None

    def start(self) -> None:
        """Show the page at once, and the figures as soon as they are there."""
        with self._tiles:
            word("正在算…", "soft")
        ui.timer(0, self._begin, once=True)

    @on_page
    async def _begin(self) -> None:
        if await self._look():
            await self._reckon()
            ui.timer(_AGAIN, self._look, immediate=False)
            await self._foresee()

    @on_page
    async def _chosen(self) -> None:
        narrow = urlencode(within_query(self._within))
        ui.navigate.history.replace(f"{self._board}&{narrow}" if narrow else self._board)
        await self._reckon()

    @property
    def _board(self) -> str:
        return f"/console/figures?{self._choice.query}"

    @on_page
    async def _look(self) -> bool:
        """What is now; False for whoever may not see it."""
        desk, at = self.visit.desk.supervision, self.visit.desk.office.now()
        present = await self.visit.ask(
            lambda staff: desk.present(staff, at, self._within), acting=False
        )
        if present is None:
            refused(self._body)
            return False
        seen = replace(present, at=_LONG_AGO)
        if seen != self._seen:
            self._seen = seen
            day = self.visit.desk.office.today()
            ask = Ask("counts.original", present.at, Period(day, day), within=self._within)
            _show_now(self._now, present, self.visit, ask)
            _show_now_charts(self._now_charts, present, ask)
        return True

    @on_page
    async def _reckon(self) -> None:
        """The figures of the chosen period, as of now."""
        desk, at = self.visit.desk.supervision, self.visit.desk.office.now()
        period = self._choice.period(self.visit)
        report = await self.visit.ask(lambda staff: desk.report(staff, period, at, self._within))
        if report is not None and period == self._choice.period(self.visit):
            self._show(report, Ask("", at, period, within=self._within))

    async def _foresee(self) -> None:
        desk, within = self.visit.desk.supervision, self._within
        ahead = await self.visit.ask(lambda staff: desk.outlook(staff, within), acting=False)
        self._outlook.clear()
        if ahead is not None:
            with self._outlook:
                gauges.outlook(ahead)

    def _show(self, report: Report, ask: Ask) -> None:
        for part in (self._line, self._tiles, self._groups, self._foot, self._narrowed):
            part.clear()
        if self._within:
            with self._narrowed, tag("a", "chip").props(f'href="{self._board}"'):
                word(f"{_narrow_name(report, self._within)} ×", hover="看全部")
        with self._line:
            word(gauges.head_line(report))
        with self._tiles:
            gauges.tiles(report, ask)
        self._charts.show("course", *_course(report, ask))
        self._charts.show("hours", *_hours(report, ask))
        self._charts.show("grades", *_grades(report, ask))
        with self._groups:
            for dimension in ("department", "channel", "account"):
                board = "" if dimension == "channel" or self._within else self._board
                gauges.groups(report, dimension, ask, board)
        with self._foot:
            gauges.standing(report)


def _narrow_name(report: Report, within: Reach) -> str:
    found = within_query(within).items()
    return "、".join(f"只看 {group_name(by, name, report.names)}" for by, name in found)


def _show_now(part: ui.element, present: Present, visit: Visit, day_ask: Ask) -> None:
    part.clear()
    with part:
        word("现在", "part-name big", name="h2")
        if limited := gauges.own_reach(visit.seat.staff):
            word(limited, "soft small", name="p")
        with tag("div", "tiles"):
            address = case_list(day_ask) if present.today else ""
            gauges.tile("今天收到", f"{present.today:,}", "件", address)
            for key, title in _WAITING.items():
                ask = Ask(f"counts.unanswered.{key}", present.at, within=day_ask.within)
                n = present.waiting[key]
                late = key in ("overdue", "over_3_months") and n > 0
                gauges.tile(title, f"{n:,}", "件", case_list(ask) if n else "", bad=late)
        if present.by_words:
            word(_HURRIED.format(n=present.by_words), "warn small", name="p")


def _show_now_charts(charts: Charts, present: Present, day_ask: Ask) -> None:
    charts.show("ages", *_ages(present, day_ask.within) if present.waiting["all"] else (None,))
    charts.show("today", *_today(present, day_ask) if present.today else (None,))


def _ages(present: Present, within: Reach) -> Drawn:
    ask = Ask("counts.unanswered.all", present.at, ALWAYS, "age", within=within)
    values = [present.ages.get(name, 0) for name in AGE_NAMES]
    names = [group_name("age", name, {}) for name in AGE_NAMES]
    graph = Graph("等了多久（件，自然日）", names, [Series("等待中", values)], horizontal=True)
    return graph, [[case_list(replace(ask, group=name)) for name in AGE_NAMES]]


def _today(present: Present, ask: Ask) -> Drawn:
    hours = [f"{hour:02d}" for hour in range(24)]
    graph = Graph(
        "今天各时段收到（件）",
        [f"{int(hour)}时" for hour in hours],
        [Series("收到", [present.hours.get(hour, 0) for hour in hours])],
    )
    return graph, [[case_list(replace(ask, by="hour", group=hour)) for hour in hours]]


def _course(report: Report, ask: Ask) -> Drawn:
    """Day by day, or month by month in a long period; days without messages have their place."""
    by = trend(ask.period)
    groups = report.figures[f"by_{by}"]
    names = _days(ask.period) if by == "day" else list(groups)
    received = _values(groups, names, "counts.original", 0)
    overdue = _values(groups, names, "on_time.open_overdue", 0)
    rates = _values(groups, names, "on_time.rate", None)
    graph = Graph(
        "各日收到、超期未答复（件）和及时率"
        if by == "day"
        else "各月收到、超期未答复（件）和及时率",
        [name[5:] if by == "day" else name for name in names],
        [
            Series("收到", received),
            Series("超期未答复", overdue),
            Series("及时率", rates, rate=True),
        ],
    )
    paths = ("counts.original", "on_time.open_overdue", "on_time.rate")
    return graph, [_opened(ask, path, by, names) for path in paths]


def _hours(report: Report, ask: Ask) -> Drawn:
    names = [f"{hour:02d}" for hour in range(24)]
    values = _values(report.figures["by_hour"], names, "counts.original", 0)
    labels = [f"{int(name)}时" for name in names]
    graph = Graph("一天里各时段收到（件，这段时间合计）", labels, [Series("收到", values)])
    return graph, [_opened(ask, "counts.original", "hour", names)]


def _grades(report: Report, ask: Ask) -> Drawn:
    """The five grades of those who rated; nothing when nobody did."""
    graph = grades(report)
    paths = [one.path for one in SATISFACTION[: len(GRADES)]]
    return graph, [[case_list(replace(ask, figure=path)) for path in paths]]


def _opened(ask: Ask, figure: str, by: str, names: Sequence[str]) -> list[str]:
    return [case_list(replace(ask, figure=figure, by=by, group=name)) for name in names]


def _values(groups: Any, names: Sequence[str], path: str, nothing: Any) -> list[Any]:
    return [look_up(groups[name], path) if name in groups else nothing for name in names]


def _days(period: Period) -> list[str]:
    assert period.first and period.last  # noqa: S101  (a course by day has bounds)
    count = (period.last - period.first).days + 1
    first = period.first.toordinal()
    return [datetime.fromordinal(first + n).date().isoformat() for n in range(count)]
