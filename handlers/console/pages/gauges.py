"""Pieces of the figures' pages: tiles, tables of groups, the outlook, where it all comes from."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from urllib.parse import urlencode

from bot.assessment import BASES, Figures
from bot.assessment.forecast import WEEKS, Forecast, Outlook
from bot.desk.supervision import Ask
from bot.reports import Report
from bot.reports.measures import (
    ALL,
    DIMENSIONS,
    NO_DATA,
    SMALL,
    WITHIN_DAYS,
    Kind,
    Measure,
    group_name,
    look_up,
    written,
)
from bot.reports.standing import provenance, reach_text
from handlers.console.pages.addresses import case_list
from handlers.console.pages.charts import cell
from handlers.console.pages.parts import button, tag, word
from storage.models import Staff

_BY_PATH = {one.path: one for one in ALL}
_NEGATIVE = Measure("满意度", "差评", "satisfaction.negative")
TILES: Mapping[str, Sequence[str]] = {
    "收到与答复": (
        *("counts.original", "counts.excluded", "counts.valid", "counts.merged"),
        *("counts.answered", "counts.answered_automatically"),
        *("counts.answered_by_pin", "counts.pin_rate", "counts.answer_rate"),
    ),
    "时效": (
        *("on_time.rate", "on_time.original_due_rate", "on_time.answered_late"),
        *("on_time.open_overdue", "acceptance.rate", "acceptance.open_overdue"),
        *("response_hours.natural.median", "response_hours.natural.p90"),
        *("response_hours.working.median", "response_hours.working.p90"),
    ),
    "几个工作日内答复": tuple(one.path for one in WITHIN_DAYS),
    "满意与办结": (
        *("satisfaction.positive_rate", "satisfaction.unrated_rate", "satisfaction.negative"),
        *("satisfaction.callback.rate", "resolution.rate", "resolution.reopened"),
    ),
    "痕迹": (
        *("counts.evasive", "traces.recategorised", "traces.transferred", "traces.returned"),
        *("traces.paused", "traces.extended", "traces.due_moved", "traces.closed"),
        *("traces.excluded_when_late", "traces.merged_when_late", "traces.accepted_unanswered"),
    ),
}
_COLUMNS = (
    *("counts.original", "counts.excluded", "counts.valid", "on_time.rate"),
    *("on_time.open_overdue", "response_hours.natural.median", "response_hours.natural.p90"),
    *("satisfaction.positive_rate", "satisfaction.unrated_rate", "resolution.rate"),
)
_ALARMING = {"on_time.open_overdue", "counts.evasive", "satisfaction.negative"}
_FEW = 10
EVERYBODY: Mapping[str, str] = {}
_WEEK = "一二三四五六日"


def tile(title: str, value: str, note: str, address: str = "", *, bad: bool = False) -> None:
    """One figure with its unit and what it rests on; it opens its cases."""
    made = tag("a" if address else "div", "tile" + (" bad" if bad else ""))
    if address:
        made.props(f'href="{address}"')
    with made:
        word(title, "tile-name")
        word(value, "tile-value")
        word(note, "tile-note")


def tiles(report: Report, ask: Ask) -> None:
    """The period's figures in groups."""
    for title, paths in TILES.items():
        with tag("section", "tiles-group"):
            word(title, "part-name", name="h3")
            with tag("div", "tiles"):
                for path in paths:
                    _tile(report.figures, _measure(path), ask)


def _tile(figures: Figures, measure: Measure, ask: Ask) -> None:
    value = written(figures, measure)
    note = "件"
    if measure.kind is not Kind.COUNT:
        unit = "小时 · " if measure.kind is Kind.HOURS else ""
        n = look_up(figures, BASES[measure.path])
        note = f"{unit}{n:,} 件" + ("，样本少" if 0 < n < SMALL else "")
    bad = measure.path in _ALARMING and bool(look_up(figures, measure.path))
    tile(
        measure.title.replace("小时）", "）"),
        value,
        note,
        link(figures, measure, ask),
        bad=bad,
    )


def link(figures: Figures, measure: Measure, ask: Ask) -> str:
    """The page of the cases behind a figure; "" when there are none."""
    shown = written(figures, measure)
    nothing = shown == NO_DATA or (measure.kind is Kind.COUNT and not shown.strip("0"))
    return "" if nothing else case_list(replace(ask, figure=measure.path))


def _measure(path: str) -> Measure:
    return _NEGATIVE if path == _NEGATIVE.path else _BY_PATH[path]


def groups(report: Report, dimension: str, ask: Ask, board: str = "") -> None:
    """The same figures for each department, account or channel, those with most messages first;
    ``board`` is the address of the dashboard, which a name narrows to its group."""
    found: Mapping[str, Figures] = report.figures[f"by_{dimension}"]
    order = sorted(found, key=lambda name: -int(found[name]["counts"]["original"]))
    columns = [_measure(path) for path in _COLUMNS]
    with tag("section", "sheet-box"):
        word(f"按{DIMENSIONS[dimension]}", "part-name", name="h3")
        if not order:
            word("这段时间没有留言。", "soft")
            return
        with tag("div", "scroll"), tag("table", "numbers wide-table"):
            with tag("thead"), tag("tr"):
                word(DIMENSIONS[dimension], name="th")
                for one in columns:
                    word(one.title, name="th")
            body = tag("tbody")

        def fill(most: int) -> None:
            body.clear()
            with body:
                for name in order[:most]:
                    _row(report, dimension, name, columns, ask, board)

        fill(_FEW)
        if len(order) > _FEW:
            _more(len(order), fill)


def _more(count: int, fill: Callable[[int], None]) -> None:
    made = button(f"全部 {count} 个")

    def show() -> None:
        fill(count)
        made.delete()

    made.on_click(show)


def _row(
    report: Report, dimension: str, name: str, columns: Sequence[Measure], ask: Ask, board: str
) -> None:
    own = report.figures[f"by_{dimension}"][name]
    narrowed = replace(ask, by=dimension, group=name)
    with tag("tr"):
        with tag("th").props('scope="row"'):
            address = f"{board}&{urlencode({dimension: name})}" if board else ""
            cell(group_name(dimension, name, report.names), address, hover="只看这个的看板")
        for one in columns:
            with tag("td"):
                late = one.path in _ALARMING and look_up(own, one.path)
                cell(written(own, one), link(own, one, narrowed), "bad" if late else "")


def outlook(found: Forecast) -> None:
    """The coming week, with how it was reckoned and how the method did."""
    with tag("section", "sheet-box"):
        word("未来 7 日预计收到", "part-name", name="h3")
        if all(one.low is None for one in found.days):
            word("数据还不够，不作预计：至少要有几个同类日子的留言。", "soft")
            return
        most = max(one.high or 0 for one in found.days) or 1
        with tag("div", "scroll"), tag("table", "numbers outlook"):
            with tag("thead"), tag("tr"):
                for title in ("日期", "预计（件）", "范围（件）", "根据"):
                    word(title, name="th")
            with tag("tbody"):
                for one in found.days:
                    _day(one, most)
        tried = f"用同样的办法回看近 {found.tried} 日，有 {found.within} 日落在范围里。"
        word(
            f"取近 {WEEKS} 周同为工作日（或同为休息日）的同一星期几，中间的一个作预计，"
            "最少和最多作范围；同样的日子不足 4 天的，取所有工作日（或休息日）。"
            + (tried if found.tried else ""),
            "soft small",
            name="p",
        )


def _day(one: Outlook, most: int) -> None:
    with tag("tr"):
        kind = (
            ""
            if one.workday == (one.day.weekday() < 5)
            else "（调班）"
            if one.workday
            else "（放假）"
        )
        unsure = "，日历暂定" if one.provisional else ""
        name = f"{one.day:%m-%d} 周{_WEEK[one.day.weekday()]}{kind}"
        word(name + unsure, name="th").props('scope="row"')
        if one.low is None or one.typical is None or one.high is None:
            word(NO_DATA, name="td")
            word(NO_DATA, name="td")
            word("同样的日子太少", name="td")
            return
        word(f"{one.typical:,.0f}", name="td")
        with tag("td"), tag("span", "span-cell"):
            word(f"{one.low:,} – {one.high:,}", "span-text")
            left, width = 100 * one.low / most, max(1.0, 100 * (one.high - one.low) / most)
            bar = tag("span", "span-bar").props('aria-hidden="true"')
            with bar:
                tag("span", "span-fill").style(f"left:{left:.1f}%;width:{width:.1f}%")
        same = "同星期几" if one.alike else "同类日子"
        word(f"{same} {one.based_on} 天", name="td")


def standing(report: Report, only: str = "") -> None:
    """What every page of figures states: 原始/剔除/有效, cut-off, rule, calendar, source; and
    ``only`` what of all the messages is counted."""
    counted = [("只算", only)] if only else []
    with tag("section", "provenance").props('aria-label="口径和来源"'), tag("dl"):
        for name, text in (*counted, *provenance(report)):
            word(name, name="dt")
            word(text, name="dd")


def own_reach(staff: Staff, names: Mapping[str, str] = EVERYBODY) -> str:
    """What figures this person sees; "" for all of them."""
    mine = [*staff.departments, *(names.get(key, key) for key in staff.accounts)]
    if not mine:
        return ""
    undecided = "；还没定承办单位的不在内" if staff.departments else ""
    return f"只含您范围里的：{'、'.join(mine)}{undecided}。"


def head_line(report: Report) -> str:
    """The shortest statement of what figures are of, to stand above them."""
    figures = report.figures
    counts, bounds = figures["counts"], figures["period"]
    limited = f"{text}　" if (text := reach_text(report)) else ""
    days = (
        f"{bounds['from'] or '最早'} 至 {bounds['to'] or '最近'}"
        if any(bounds.values())
        else "全部时间"
    )
    return (
        f"{limited}{days}　原始 {counts['original']:,} · 剔除 {counts['excluded']:,} · "
        f"有效 {counts['valid']:,}　截止 {figures['cut_off'][5:16].replace('T', ' ')}　"
        f"{figures['profile']['name']}"
    )
