"""The report as an Excel workbook: overview with charts, a sheet a dimension, definitions."""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from typing import Any

from bot.assessment import Figures
from bot.reports import measures
from bot.reports.appendices import put_cases, put_health, put_scorecard
from bot.reports.charts import build, put_data
from bot.reports.measures import DIMENSIONS, Kind, Measure, group_name, value_of
from bot.reports.model import Report
from bot.reports.series import graphs
from bot.reports.sheets import (
    COUNT,
    HOURS,
    PERCENT,
    Field,
    add_styles,
    head_pages,
    landscape,
    put,
    table,
)
from bot.reports.standing import KEY_FIGURES, one_line, page_head, provenance, title

_FORMS = {Kind.COUNT: COUNT, Kind.SHARE: PERCENT, Kind.HOURS: HOURS}
_DATA = "图表数据"


def to_xlsx(report: Report) -> bytes:
    """The workbook; of a list alone when the report has no groups."""
    from openpyxl import Workbook

    book = Workbook()
    add_styles(book)
    first: Any = book.active
    if "by_account" in report.figures:
        _overview(first, book, report)
        _dimensions(book, report)
        for scorecard in report.figures["scorecards"]:
            put_scorecard(book, scorecard, report)
        for cases in report.lists.values():
            if cases.total:
                put_cases(book.create_sheet(cases.title), cases, report)
        put_health(book, report)
        _definitions(book.create_sheet("说明"), report)
        book.move_sheet(_DATA, len(book.sheetnames))
    else:
        (cases,) = report.lists.values()
        first.title = "清单"
        put_cases(first, cases, report)
        _definitions(book.create_sheet("说明"), report)
    for sheet in book.worksheets:
        head_pages(sheet, page_head(report))
    buffer = BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _overview(sheet: Any, book: Any, report: Report) -> None:
    sheet.title = "概览"
    put(sheet, 1, 1, title(report), "title")
    sheet.row_dimensions[1].height = 30
    row = 2
    for name, text in provenance(report):
        put(sheet, row, 1, f"{name}：{text}", "note")
        row += 1
    row += 1
    top = row
    for column, text in enumerate(("指标", "数值", "样本（件）"), 1):
        put(sheet, row, column, text, "head")
    for measure, base in KEY_FIGURES:
        row += 1
        put(sheet, row, 1, measure.title, "name")
        put(sheet, row, 2, value_of(report.figures, measure), "cell", _FORMS[measure.kind])
        put(sheet, row, 3, measures.look_up(report.figures, base), "cell", COUNT)
    _overview_traces(sheet, row + 2, report)
    for letter, width in zip("ABCD", (26, 13, 12, 3), strict=True):
        sheet.column_dimensions[letter].width = width
    sheet.sheet_view.showGridLines = False
    landscape(sheet)
    _draw(sheet, book.create_sheet(_DATA), report, top)


def _overview_traces(sheet: Any, row: int, report: Report) -> None:
    """What was done that could have made figures look better, in the same place as they."""
    put(sheet, row, 1, "痕迹", "head")
    put(sheet, row, 2, "数量", "head")
    for measure in _traces(report.figures):
        row += 1
        put(sheet, row, 1, measure.title, "name")
        value = value_of(report.figures, measure)
        put(sheet, row, 2, value, "bad" if value else "cell", _FORMS[measure.kind])


def _traces(figures: Figures) -> Iterator[Measure]:
    for measure in measures.TRACES:
        if value_of(figures, measure) is not None:
            yield measure


def _draw(sheet: Any, data: Any, report: Report, top: int) -> None:
    column = 1
    for place, graph in enumerate(graphs(report)):
        put_data(graph, data, column)
        chart = build(graph, data, column)
        chart.width, chart.height = 15, 8
        sheet.add_chart(chart, f"{'EN'[place % 2]}{top + place // 2 * 16}")
        column += len(graph.series) + 2
    for letter in "ABCDEFGHIJKLMNOPQRSTUVWXYZ":
        data.column_dimensions[letter].width = 16


def _dimensions(book: Any, report: Report) -> None:
    for dimension, name in DIMENSIONS.items():
        fields = [
            Field(name),
            *(Field(_titled(one), _FORMS[one.kind], one.section) for one in measures.ALL),
        ]
        groups = report.figures[f"by_{dimension}"]
        rows: list[list[Any]] = [
            [group_name(dimension, group, report.names), *_values(figures)]
            for group, figures in groups.items()
        ]
        if dimension != "month":
            rows.sort(key=lambda row: -row[3])
        sheet = book.create_sheet(f"按{name}")
        put(sheet, 1, 1, one_line(report), "note")
        last = table(sheet, fields, rows, top=2)
        _total(sheet, last + 2, report)


def _titled(measure: Measure) -> str:
    unit = "" if measure.kind is Kind.SHARE or "小时" in measure.title else "（件）"
    return f"{measure.title}{unit}"


def _values(figures: Figures) -> list[Any]:
    return [value_of(figures, one) for one in measures.ALL]


def _total(sheet: Any, row: int, report: Report) -> None:
    """All groups together, apart from them, so that sorting and filtering leave it alone."""
    put(sheet, row, 1, "全部", "head")
    for column, measure in enumerate(measures.ALL, 2):
        value = value_of(report.figures, measure)
        put(sheet, row, column, value, "name", _FORMS[measure.kind])


def _definitions(sheet: Any, report: Report) -> None:
    rows = [*provenance(report), *measures.DEFINITIONS]
    table(sheet, [Field("项目", width=26), Field("说明", width=110, wrap=True)], rows)
