"""The report as an Excel workbook: overview with charts, a sheet a dimension, definitions."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bot.assessment import Figures
from bot.reports import measures
from bot.reports.appendices import put_cases, put_health, put_scorecard
from bot.reports.charts import build, put_data
from bot.reports.measures import DIMENSIONS, Kind, Measure, group_name, value_of
from bot.reports.model import Report
from bot.reports.series import described, graphs
from bot.reports.sheets import COUNT, HOURS, PERCENT, Book, Field, Sheet
from bot.reports.standing import KEY_FIGURES, one_line, page_head, provenance, title

_FORMS = {Kind.COUNT: COUNT, Kind.SHARE: PERCENT, Kind.HOURS: HOURS}
_DATA = "图表数据"
_CHART_SIZE = {"width": 567, "height": 302}  # 15 cm by 8 cm


def to_xlsx(report: Report) -> bytes:
    """The workbook; of a list alone when the report has no groups."""
    book = Book(page_head(report))
    if "by_account" in report.figures:
        _whole(book, report)
    else:
        (cases,) = report.lists.values()
        put_cases(book.sheet("清单"), cases, report)
        _definitions(book.sheet("说明"), report)
    return book.content()


def _whole(book: Book, report: Report) -> None:
    overview = book.sheet("概览")
    top = _overview(overview, report)
    _dimensions(book, report)
    for scorecard in report.figures["scorecards"]:
        put_scorecard(book, scorecard, report)
    for cases in report.lists.values():
        if cases.total:
            put_cases(book.sheet(cases.title), cases, report)
    put_health(book, report)
    _definitions(book.sheet("说明"), report)
    _draw(overview, book.sheet(_DATA), report, top)


def _overview(sheet: Sheet, report: Report) -> int:
    """Returns the row where the charts begin."""
    sheet.put(1, 1, title(report), "title")
    sheet.heighten(1, 30)
    row = 2
    for name, text in provenance(report):
        sheet.put(row, 1, f"{name}：{text}", "note")
        row += 1
    row += 1
    top = row
    for column, text in enumerate(("指标", "数值", "样本（件）"), 1):
        sheet.put(row, column, text, "head")
    for measure, base in KEY_FIGURES:
        row += 1
        sheet.put(row, 1, measure.title, "name")
        sheet.put(row, 2, value_of(report.figures, measure), "cell", _FORMS[measure.kind])
        sheet.put(row, 3, measures.look_up(report.figures, base), "cell", COUNT)
    _overview_traces(sheet, row + 2, report)
    sheet.widen((26, 13, 12, 3))
    sheet.inner.hide_gridlines(2)
    sheet.landscape()
    return top


def _overview_traces(sheet: Sheet, row: int, report: Report) -> None:
    """What was done that could have made figures look better, in the same place as they."""
    sheet.put(row, 1, "痕迹", "head")
    sheet.put(row, 2, "数量", "head")
    for measure in _traces(report.figures):
        row += 1
        sheet.put(row, 1, measure.title, "name")
        value = value_of(report.figures, measure)
        sheet.put(row, 2, value, "bad" if value else "cell", _FORMS[measure.kind])


def _traces(figures: Figures) -> Iterator[Measure]:
    for measure in measures.TRACES:
        if value_of(figures, measure) is not None:
            yield measure


def _draw(sheet: Sheet, data: Sheet, report: Report, top: int) -> None:
    column = 1
    for place, graph in enumerate(graphs(report)):
        put_data(graph, data, column)
        chart = build(graph, data, column)
        chart.set_size(_CHART_SIZE)
        at = f"{'EN'[place % 2]}{top + place // 2 * 16}"
        sheet.inner.insert_chart(at, chart, {"description": described(graph)})
        column += len(graph.series) + 2
    data.widen([16] * 26)


def _dimensions(book: Book, report: Report) -> None:
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
        sheet = book.sheet(f"按{name}")
        sheet.put(1, 1, one_line(report), "note")
        last = sheet.table(fields, rows, top=2)
        _total(sheet, last + 2, report)


def _titled(measure: Measure) -> str:
    unit = "" if measure.kind is Kind.SHARE or "小时" in measure.title else "（件）"
    return f"{measure.title}{unit}"


def _values(figures: Figures) -> list[Any]:
    return [value_of(figures, one) for one in measures.ALL]


def _total(sheet: Sheet, row: int, report: Report) -> None:
    """All groups together, apart from them, so that sorting and filtering leave it alone."""
    sheet.put(row, 1, "全部", "head")
    for column, measure in enumerate(measures.ALL, 2):
        value = value_of(report.figures, measure)
        sheet.put(row, column, value, "name", _FORMS[measure.kind])


def _definitions(sheet: Sheet, report: Report) -> None:
    rows = [*provenance(report), *measures.DEFINITIONS]
    sheet.table([Field("项目", width=26), Field("说明", width=110, wrap=True)], rows)
