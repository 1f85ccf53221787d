"""What charts show: rows of numbers out of the figures, ready for any way of drawing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import repeat

from bot.assessment import Figures
from bot.assessment.figures import share
from bot.reports.measures import DIMENSIONS, GRADES, SMALL, group_name, look_up, percent
from bot.reports.model import Report

INK, LIGHT, GREY, AMBER = "1F4E79", "8FB0CE", "C9CED6", "C58A00"
RED, DARK = "B3261E", "7A1712"
MOST_MONTHS = 24
MOST_GROUPS = 12
Number = float | int | None


@dataclass(frozen=True, slots=True)
class Series:
    """One row of numbers, None where there is no data; ``rate`` for shares on their own axis,
    ``points`` for colours of single bars."""

    name: str
    values: Sequence[Number]
    colour: str = INK
    rate: bool = False
    points: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Graph:
    """Series over the same categories; the title names the unit."""

    title: str
    categories: Sequence[str]
    series: Sequence[Series]
    stacked: bool = False
    horizontal: bool = False


def described(graph: Graph) -> str:
    """A chart in words, for whoever cannot see it."""
    return f"{graph.title}：" + "；".join(
        f"{one.name} " + "，".join(map(_said, graph.categories, one.values, repeat(one.rate)))
        for one in graph.series
    )


def _said(label: str, value: Number, rate: bool) -> str:
    if value is None:
        return f"{label} 无数据"
    return f"{label} {percent(value) if rate else value}"


def graphs(report: Report) -> list[Graph]:
    """Every chart that has something to show."""
    found = [trend(report), by_group(report), waiting(report), within(report), grades(report)]
    return [one for one in found if one is not None]


def trend(report: Report) -> Graph | None:
    """What became of the messages of each month, or of each year in a long period."""
    months: Mapping[str, Figures] = report.figures["by_month"]
    if not months:
        return None
    labels = sorted({_span(month, len(months)) for month in months})
    sums = {label: dict.fromkeys(_PARTS, 0) for label in labels}
    for month, figures in months.items():
        for part in _PARTS:
            sums[_span(month, len(months))][part] += look_up(figures, part)
    rates = [share(one[_IN_TIME], one[_BASE]) for one in sums.values()]
    counted = [
        Series(name, [one[part] for one in sums.values()], colour)
        for part, (name, colour) in _SHOWN.items()
    ]
    undue = [one[_NOT_DUE] + one[_SOON] for one in sums.values()]
    return Graph(
        f"{'各年' if len(months) > MOST_MONTHS else '各月'}留言办理情况（件）和及时率",
        labels,
        [*counted, Series("未到期", undue, GREY), Series("及时率", rates, AMBER, rate=True)],
        stacked=True,
    )


_IN_TIME, _BASE = "on_time.answered_in_time", "on_time.denominator"
_NOT_DUE, _SOON = "counts.unanswered.not_due", "counts.unanswered.due_soon"
_SHOWN = {
    _IN_TIME: ("按时答复", INK),
    "on_time.answered_late": ("超时答复", LIGHT),
    "on_time.open_overdue": ("超期未答复", RED),
}
_PARTS = (*_SHOWN, _BASE, _NOT_DUE, _SOON)


def _span(month: str, months: int) -> str:
    return month[:4] if months > MOST_MONTHS else month


def by_group(report: Report) -> Graph | None:
    """及时率 of the departments with enough messages to compare, or of the accounts; by the number
    of messages, because nobody asked for a ranking."""
    for dimension in ("department", "account"):
        found = {
            name: one["on_time"]
            for name, one in report.figures[f"by_{dimension}"].items()
            if name and one["on_time"]["denominator"] >= SMALL
        }
        if len(found) > 1:
            return _rates(report, dimension, found)
    return None


def _rates(report: Report, dimension: str, found: Mapping[str, Figures]) -> Graph:
    most = sorted(found, key=lambda name: -int(found[name]["denominator"]))[:MOST_GROUPS]
    shown = most[::-1]  # the first one is drawn at the bottom
    labels = [
        f"{group_name(dimension, name, report.names)}（{found[name]['denominator']}件）"
        for name in shown
    ]
    title = f"各{DIMENSIONS[dimension]}及时率（{SMALL} 件以上的，按件数多少排列）"
    rates = [found[name]["rate"] for name in shown]
    return Graph(title, labels, [Series("及时率", rates, INK, rate=True)], horizontal=True)


def waiting(report: Report) -> Graph | None:
    """Where the unanswered stand."""
    counts = report.figures["counts"]["unanswered"]
    if not sum(counts.values()):
        return None
    labels = ("未到期", "临期", "超期", "超期且超过3个月")
    bars = Series("未答复", list(counts.values()), points=(GREY, AMBER, RED, DARK))
    return Graph("未答复留言（件）", labels, [bars])


def within(report: Report) -> Graph | None:
    """How many were answered within so many working days."""
    days: Mapping[str, Figures] = report.figures["on_time"]["within"]
    rates = [one["rate"] for one in days.values()]
    if not any(rate is not None for rate in rates):
        return None
    labels = [f"{one} 个工作日内" for one in days]
    return Graph("几个工作日内答复", labels, [Series("占比", rates, rate=True)])


def grades(report: Report) -> Graph | None:
    """The five grades."""
    found = report.figures["satisfaction"]
    if not found["rated"]:
        return None
    keys = ("very_satisfied", "satisfied", "fairly_satisfied", "dissatisfied", "very_dissatisfied")
    values = [found[key] for key in keys]
    return Graph("群众评价（件）", GRADES, [Series("已评价", values)])
