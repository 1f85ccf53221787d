"""Charts of a page: rows of a label, a bar and its number, readable at any width."""

from __future__ import annotations

from html import escape

from bot.reports.measures import percent
from bot.reports.series import AMBER, DARK, GREY, INK, LIGHT, RED, Graph, Number, Series

_NAMES = {INK: "ink", LIGHT: "light", GREY: "grey", AMBER: "amber", RED: "red", DARK: "dark"}


def bars(graph: Graph) -> str:
    """The chart as HTML."""
    counts = [one for one in graph.series if not one.rate]
    rates = [one for one in graph.series if one.rate]
    drawn = counts or rates
    totals = [sum(_at(one, place) for one in drawn) for place in range(len(graph.categories))]
    most = max([1.0 if not counts else 0.0, *totals]) or 1.0
    order = range(len(graph.categories))
    rows = "".join(
        _row(graph.categories[place], place, drawn, rates if counts else [], most)
        for place in (reversed(order) if graph.horizontal else order)
    )
    legend = "".join(
        f'<span><i style="background:var(--{_NAMES[one.colour]})"></i>{escape(one.name)}</span>'
        for one in drawn
        if len(drawn) > 1
    )
    below = f'<div class="legend">{legend}</div>' if legend else ""
    return f'<div class="sheet chart"><h3>{escape(graph.title)}</h3>{rows}{below}</div>'


def _row(label: str, place: int, drawn: list[Series], rates: list[Series], most: float) -> str:
    parts = "".join(_part(one, place, most) for one in drawn if _at(one, place))
    told = [_value(sum(_at(one, place) for one in drawn), rate=drawn[0].rate)]
    if drawn[0].rate and drawn[0].values[place] is None:
        told = [percent(None)]
    told += [percent(one.values[place]) for one in rates]
    return (
        f'<div class="bar"><span>{escape(label)}</span><span class="track">{parts}</span>'
        f'<span class="value">{escape("　".join(told))}</span></div>'
    )


def _part(series: Series, place: int, most: float) -> str:
    width, colour = 100 * _at(series, place) / most, _colour(series, place)
    return f'<i style="width:{width:.2f}%;background:var(--{colour})"></i>'


def _at(series: Series, place: int) -> float:
    return float(series.values[place] or 0)


def _colour(series: Series, place: int) -> str:
    return _NAMES[series.points[place] if series.points else series.colour]


def _value(value: Number, *, rate: bool) -> str:
    return percent(value) if rate else f"{value or 0:,.0f}"
