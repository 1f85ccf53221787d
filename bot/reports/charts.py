"""Native charts of Excel and Word from one description; the numbers are kept with each chart."""

from __future__ import annotations

import zipfile
from functools import partial
from io import BytesIO
from typing import Any

from bot.reports.series import Graph, Series
from bot.reports.sheets import COUNT, PERCENT, Book, Sheet

_ROUND = "0%"
_SMALL = {"size": 9, "bold": False, "color": "#555555"}
_PALE = {"color": "#D9D9D9", "width": 0.5}
_AXIS = {"num_font": _SMALL, "line": _PALE}


def put_data(graph: Graph, sheet: Sheet, column: int = 1) -> None:
    """Write the numbers of a chart: titles in row 1, then one row a category."""
    sheet.put(1, column, graph.title, "")
    for number, label in enumerate(graph.categories, 2):
        sheet.put(number, column, label, "")
    for place, one in enumerate(graph.series, column + 1):
        sheet.put(1, place, one.name, "")
        for number, value in enumerate(one.values, 2):
            if value is not None:
                sheet.put(number, place, value, "", _form(one))


def build(graph: Graph, sheet: Sheet, column: int = 1) -> Any:
    """A chart of the numbers that `put_data` wrote there."""
    counts = [(place, one) for place, one in enumerate(graph.series, 1) if not one.rate]
    rates = [(place, one) for place, one in enumerate(graph.series, 1) if one.rate]
    first = _bars(graph, sheet, column, counts or rates)
    if counts and rates:
        first.combine(_line(graph, sheet, column, rates))
    _dress(first, graph)
    return first


def alone(graph: Graph) -> tuple[bytes, bytes]:
    """The XML of a chart, and a workbook with its numbers, for another document to hold."""
    drawn, book = Book(), Book()
    sheet = drawn.sheet("数据")
    put_data(graph, sheet)
    sheet.inner.insert_chart("A1", build(graph, sheet))
    put_data(graph, book.sheet("数据"))
    with zipfile.ZipFile(BytesIO(drawn.content())) as parts:
        return parts.read("xl/charts/chart1.xml"), book.content()


def _bars(graph: Graph, sheet: Sheet, column: int, series: list[tuple[int, Series]]) -> Any:
    chart = sheet.book.chart(
        "bar" if graph.horizontal else "column", "stacked" if graph.stacked else None
    )
    for place, one in series:
        fill = {"color": f"#{one.colour}"}
        points = [{"fill": {"color": f"#{colour}"}} for colour in one.points]
        labels = {} if graph.stacked else {"value": True, "num_format": _form(one)}
        told = _told(graph, sheet, column, place)
        chart.add_series({**told, "gap": 60, "fill": fill, "points": points, "data_labels": labels})
    rate = series[0][1].rate
    scale = {"num_format": _ROUND, "max": 1} if rate else {"num_format": COUNT}
    values = {**_AXIS, **scale, "min": 0, "major_gridlines": {"visible": True, "line": _PALE}}
    names = {**_AXIS, "major_gridlines": {"visible": False}}
    # The library's x is what lies across.
    chart.set_x_axis(values if graph.horizontal else names)
    chart.set_y_axis(names if graph.horizontal else values)
    return chart


def _line(graph: Graph, sheet: Sheet, column: int, series: list[tuple[int, Series]]) -> Any:
    chart = sheet.book.chart("line")
    for place, one in series:
        colour = {"color": f"#{one.colour}"}
        marker = {"type": "circle", "size": 5, "fill": colour, "border": colour}
        told = _told(graph, sheet, column, place)
        chart.add_series(
            {**told, "y2_axis": True, "line": {**colour, "width": 1.75}, "marker": marker}
        )
    chart.set_y2_axis({**_AXIS, "num_format": _ROUND, "min": 0, "max": 1})
    return chart


def _told(graph: Graph, sheet: Sheet, column: int, place: int) -> dict[str, Any]:
    """Where a series stands on its sheet; the library keeps what stands there beside it, for
    readers without the sheet."""
    name, last, own = sheet.inner.name, len(graph.categories), column + place - 1
    return {
        "name": [name, 0, own],
        "categories": [name, 1, column - 1, last, column - 1],
        "values": [name, 1, own, last, own],
    }


def _form(series: Series) -> str:
    return PERCENT if series.rate else COUNT


def _dress(chart: Any, graph: Graph) -> None:
    """Quiet: small type, pale lines, the legend below and only where there is a choice."""
    font = {"size": 12, "bold": True, "color": "#333333"}
    chart.set_title({"name": graph.title, "name_font": font})
    one = len(graph.series) == 1
    chart.set_legend({"none": True} if one else {"position": "bottom", "font": _SMALL})
    chart.set_chartarea({"border": {"none": True}})
    # The library leaves this out, because Excel takes it for granted; others then draw a zero.
    gap = [("val", "gap")]
    chart._write_disp_blanks_as = partial(chart._xml_empty_tag, "c:dispBlanksAs", gap)
