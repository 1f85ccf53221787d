"""Native charts of Excel and Word from one description; the numbers are kept with each chart."""

from __future__ import annotations

from typing import Any

from openpyxl.chart import BarChart, LineChart, Reference
from openpyxl.chart.data_source import NumData, NumVal, StrData, StrVal
from openpyxl.chart.label import DataLabelList
from openpyxl.chart.marker import DataPoint
from openpyxl.chart.shapes import GraphicalProperties
from openpyxl.chart.text import RichText
from openpyxl.drawing.line import LineProperties
from openpyxl.drawing.text import (
    CharacterProperties,
    Paragraph,
    ParagraphProperties,
    RichTextProperties,
)

from bot.reports.series import Graph, Series

_COUNT, _PERCENT = "#,##0", "0%"
_RATES_AXIS = 200


def put_data(graph: Graph, sheet: Any, column: int = 1) -> None:
    """Write the numbers of a chart: titles in row 1, then one row a category."""
    sheet.cell(1, column).value = graph.title
    for place, one in enumerate(graph.series, column + 1):
        sheet.cell(1, place).value = one.name
        for number, value in enumerate(one.values, 2):
            cell = sheet.cell(number, place)
            cell.value, cell.number_format = value, "0.0%" if one.rate else _COUNT
    for number, label in enumerate(graph.categories, 2):
        cell = sheet.cell(number, column)
        cell.value = label
        cell.data_type = "s"


def build(graph: Graph, sheet: Any, column: int = 1) -> Any:
    """A chart of the numbers that `put_data` wrote there."""
    counts = [(place, one) for place, one in enumerate(graph.series, 1) if not one.rate]
    rates = [(place, one) for place, one in enumerate(graph.series, 1) if one.rate]
    first = _bars(graph, sheet, column, counts or rates)
    if counts and rates:
        first += _line(graph, sheet, column, rates)
    _dress(first, graph)
    return first


def _bars(graph: Graph, sheet: Any, column: int, series: list[tuple[int, Series]]) -> Any:
    chart = BarChart()
    chart.type = "bar" if graph.horizontal else "col"
    chart.gapWidth = 60
    if graph.stacked:
        chart.grouping, chart.overlap = "stacked", 100
    _fill(chart, graph, sheet, column, series)
    chart.y_axis.number_format = _PERCENT if series[0][1].rate else _COUNT
    chart.y_axis.scaling.min = 0
    if series[0][1].rate:
        chart.y_axis.scaling.max = 1
    if not graph.stacked:
        chart.dataLabels = DataLabelList(
            showVal=True,
            showSerName=False,
            showCatName=False,
            showLegendKey=False,
            showPercent=False,
            numFmt="0.0%" if series[0][1].rate else _COUNT,
        )
    for one, (_, source) in zip(chart.series, series, strict=True):
        one.graphicalProperties.solidFill = source.colour
        one.invertIfNegative = False
        one.dPt = [
            DataPoint(idx=place, invertIfNegative=False, spPr=GraphicalProperties(solidFill=colour))
            for place, colour in enumerate(source.points)
        ]
    return chart


def _line(graph: Graph, sheet: Any, column: int, series: list[tuple[int, Series]]) -> Any:
    chart = LineChart()
    _fill(chart, graph, sheet, column, series)
    chart.y_axis.axId = _RATES_AXIS
    chart.y_axis.number_format, chart.y_axis.crosses = _PERCENT, "max"
    chart.y_axis.majorGridlines = None
    chart.y_axis.scaling.min, chart.y_axis.scaling.max = 0, 1
    chart.y_axis.delete, chart.y_axis.txPr = False, _small()
    for one, (_, source) in zip(chart.series, series, strict=True):
        one.graphicalProperties.line.solidFill = source.colour
        one.graphicalProperties.line.width = 22_000
        one.marker.symbol, one.marker.size = "circle", 5
        one.marker.graphicalProperties = GraphicalProperties(solidFill=source.colour)
        one.marker.graphicalProperties.line.solidFill = source.colour
        one.smooth = False
    return chart


def _fill(
    chart: Any, graph: Graph, sheet: Any, column: int, series: list[tuple[int, Series]]
) -> None:
    """Series by reference, with what stands there kept beside it for readers without the sheet."""
    last = len(graph.categories) + 1
    for place, _ in series:
        values = Reference(sheet, min_col=column + place, min_row=1, max_row=last)
        chart.add_data(values, titles_from_data=True)
    chart.set_categories(Reference(sheet, min_col=column, min_row=2, max_row=last))
    for one, (_, source) in zip(chart.series, series, strict=True):
        labels = [StrVal(idx=place, v=label) for place, label in enumerate(graph.categories)]
        one.cat.strRef = _text_reference(one.cat.numRef.f, labels)
        one.cat.numRef = None
        one.tx.strRef.strCache = StrData(ptCount=1, pt=[StrVal(idx=0, v=source.name)])
        points = [
            NumVal(idx=place, v=str(value))
            for place, value in enumerate(source.values)
            if value is not None
        ]
        form = "0.0%" if source.rate else _COUNT
        one.val.numRef.numCache = NumData(formatCode=form, ptCount=len(source.values), pt=points)


def _text_reference(where: str, labels: list[Any]) -> Any:
    from openpyxl.chart.data_source import StrRef

    return StrRef(f=where, strCache=StrData(ptCount=len(labels), pt=labels))


def _dress(chart: Any, graph: Graph) -> None:
    """Quiet: small type, pale lines, the legend below and only where there is a choice."""
    chart.title = graph.title
    chart.title.tx.rich.p[0].pPr = ParagraphProperties(
        defRPr=CharacterProperties(sz=1200, b=True, solidFill="333333")
    )
    chart.title.overlay = False
    chart.legend.position, chart.legend.txPr = "b", _small()
    if len(graph.series) == 1:
        chart.legend = None
    pale = LineProperties(solidFill="D9D9D9", w=6_350)
    for axis in (chart.x_axis, chart.y_axis):
        axis.delete = False
        axis.txPr = _small()
        axis.graphicalProperties = GraphicalProperties(ln=pale)
    chart.y_axis.majorGridlines.spPr = GraphicalProperties(ln=pale)
    chart.graphical_properties = GraphicalProperties(ln=LineProperties(noFill=True))


def _small() -> RichText:
    properties = ParagraphProperties(defRPr=CharacterProperties(sz=900, solidFill="555555"))
    return RichText(bodyPr=RichTextProperties(), p=[Paragraph(pPr=properties, endParaRPr=None)])
