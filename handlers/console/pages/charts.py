"""Charts that can be opened, with the same numbers as a table under them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nicegui import ui

from bot.reports.measures import percent
from bot.reports.series import Graph, Series, described
from handlers.console.pages.parts import tag, word

_MOUNTED = "/console"  # what the browser puts before a place to go to
Links = Sequence[Sequence[str]]
_COLOURS = ("var(--accent)", "var(--late)")
_RATE = "var(--soon)"
_QUIET = {"color": "var(--soft)", "fontSize": 12}
_LINE = {"lineStyle": {"color": "var(--line)"}}


class Charts:
    """A row of charts by name; each is drawn when first there, and changed in place ever after.

    A chart must not be taken down while the browser still loads what draws it.
    """

    def __init__(self, *names: str) -> None:
        with tag("div", "charts"):
            self._places = {name: tag("figure", "chart") for name in names}
        self._drawn: dict[str, _Chart] = {}
        for place in self._places.values():
            place.set_visibility(False)

    def show(self, name: str, graph: Graph | None, links: Links = ()) -> None:
        """The chart of this name is this from now on; none without a graph.

        ``links`` are where each point of each series leads, "" for nowhere.
        """
        self._places[name].set_visibility(graph is not None)
        if graph is None:
            return
        if name not in self._drawn:
            with self._places[name]:
                self._drawn[name] = _Chart()
        self._drawn[name].show(graph, links)


class _Chart:
    """A graph, and its numbers as a table."""

    def __init__(self) -> None:
        self._links: Links = ()
        self._title = word("", "chart-title", name="figcaption")
        self._echart = ui.echart(
            {},
            on_point_click=lambda event: _follow(self._links, event.series_index, event.data_index),
            renderer="svg",
        )
        self._echart.classes("chart-drawn").props["role"] = "img"
        with tag("details", "chart-table"):
            word("看数字", name="summary")
            self._numbers = tag("div")

    def show(self, graph: Graph, links: Links) -> None:
        self._links = links
        self._title.set_text(graph.title)
        self._echart.options.clear()
        self._echart.options.update(_options(graph))
        self._echart.props["aria-label"] = described(graph)
        self._echart.update()
        self._numbers.clear()
        with self._numbers:
            _table(graph, links)


def _follow(links: Links, series: int | None, place: int | None) -> None:
    if series is not None and place is not None and links[series][place]:
        ui.navigate.to(links[series][place].removeprefix(_MOUNTED))


def _options(graph: Graph) -> dict[str, Any]:
    names: dict[str, Any] = {
        "type": "category",
        "data": list(graph.categories),
        "axisLabel": _QUIET,
    }
    names |= {"axisLine": _LINE, "axisTick": {"show": False}}
    counts = {"type": "value", "minInterval": 1, "axisLabel": _QUIET, "splitLine": _LINE}
    shares = {
        **{"type": "value", "min": 0, "max": 1, "splitLine": {"show": False}},
        "axisLabel": {**_QUIET, ":formatter": "value => Math.round(value * 100) + '%'"},
    }
    rated = any(one.rate for one in graph.series)
    values: Any = [counts, shares] if rated else counts
    if graph.horizontal:
        names["inverse"] = True
    return {
        "animation": False,
        "grid": {"left": 4, "right": 18, "top": 30, "bottom": 4, "containLabel": True},
        "legend": {"top": 0, "left": 0, "textStyle": _QUIET, "itemHeight": 10, "itemWidth": 14}
        if len(graph.series) > 1
        else {"show": False},
        "tooltip": _tip(),
        "xAxis": values if graph.horizontal else names,
        "yAxis": names if graph.horizontal else values,
        "series": [_series(graph, one, place) for place, one in enumerate(graph.series)],
    }


def _tip() -> dict[str, Any]:
    return {
        "trigger": "axis",
        "backgroundColor": "var(--paper)",
        "borderColor": "var(--line)",
        "textStyle": {"color": "var(--ink)", "fontSize": 13},
        "axisPointer": {"type": "shadow", "shadowStyle": {"color": "rgba(128,128,128,.12)"}},
        ":valueFormatter": (
            "value => value == null ? '—' : "
            "Number.isInteger(value) ? value + ' 件' : (value * 100).toFixed(1) + '%'"
        ),
    }


def _series(graph: Graph, one: Series, place: int) -> dict[str, Any]:
    if one.rate:
        return {
            **{"name": one.name, "type": "line", "yAxisIndex": 1, "data": list(one.values)},
            **{"symbolSize": 6, "lineStyle": {"color": _RATE}, "itemStyle": {"color": _RATE}},
            "emphasis": {"disabled": True},
        }
    return {
        **{"name": one.name, "type": "bar", "data": list(one.values), "barMaxWidth": 26},
        **{"stack": "all" if graph.stacked else None, "cursor": "pointer"},
        "itemStyle": {"color": _COLOURS[place % len(_COLOURS)]},
        "emphasis": {"disabled": True},
    }


def _table(graph: Graph, links: Links) -> None:
    with tag("table", "numbers"):
        with tag("thead"), tag("tr"):
            word("", name="th")
            for one in graph.series:
                word(one.name, name="th")
        with tag("tbody"):
            for place, name in enumerate(graph.categories):
                with tag("tr"):
                    word(name, name="th").props('scope="row"')
                    for number, one in enumerate(graph.series):
                        value = one.values[place]
                        text = percent(value) if one.rate else f"{value or 0:,}"
                        with tag("td"):
                            cell(text, links[number][place] if value else "")


def cell(text: str, address: str, classes: str = "", hover: str = "") -> None:
    """A number that leads somewhere, or one that does not."""
    if not address:
        word(text, classes, hover)
        return
    link = tag("a", f"opens {classes}").props(f'href="{address}"')
    with link:
        word(text, hover=hover)
