"""Writing an Excel sheet: styles, tables with frozen headers and filters, widths, page set-up."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Iterable, Sequence
from copy import copy
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from weakref import WeakKeyDictionary

from openpyxl.styles import Alignment, Border, Font, NamedStyle, PatternFill, Side
from openpyxl.utils import get_column_letter

from bot.reports.measures import NO_DATA
from knowledge.tables import for_excel

FACE = "微软雅黑"
COUNT, PERCENT, HOURS, MOMENT = "#,##0", "0.0%", "#,##0.0", "yyyy-mm-dd hh:mm"
_INK, _PALE, _LINE = "1F4E79", "EAF0F6", "D5DAE1"
_NARROWEST, _WIDEST = 7, 60
_LINE_HEIGHT = 16.5
_DRESSES: WeakKeyDictionary[Any, dict[tuple[str, str], Any]] = WeakKeyDictionary()
_PAGE = 190  # characters across a printed page


@dataclass(frozen=True, slots=True)
class Field:
    """One column of a table; ``section`` stands above neighbouring ones; a width of 0 fits."""

    title: str
    form: str = ""
    section: str = ""
    width: float = 0
    wrap: bool = False


def add_styles(book: Any) -> None:
    """The styles that every sheet uses, by name."""
    side = Side(style="thin", color=_LINE)
    box = Border(left=side, right=side, top=side, bottom=side)
    plain, bold = Font(name=FACE, size=10), Font(name=FACE, size=10, bold=True)
    middle = Alignment(vertical="center")
    wrapped = Alignment(vertical="center", wrap_text=True, indent=1)
    for style in (
        NamedStyle("title", font=Font(name=FACE, size=16, bold=True, color=_INK), alignment=middle),
        NamedStyle("note", font=Font(name=FACE, size=9, color="5F6B7A"), alignment=middle),
        NamedStyle(
            "head",
            font=Font(name=FACE, size=10, bold=True, color="FFFFFF"),
            fill=PatternFill("solid", fgColor=_INK),
            border=box,
            alignment=Alignment(horizontal="center", vertical="center", wrap_text=True),
        ),
        NamedStyle("cell", font=plain, border=box, alignment=middle),
        NamedStyle("word", font=plain, border=box, alignment=Alignment("left", "center", indent=1)),
        NamedStyle("text", font=plain, border=box, alignment=wrapped),
        NamedStyle("figure", font=plain, border=box, alignment=Alignment("right", "center")),
        NamedStyle(
            "none",
            font=Font(name=FACE, size=10, color="8A8F98"),
            border=box,
            alignment=Alignment(horizontal="right", vertical="center"),
        ),
        NamedStyle(
            "name",
            font=bold,
            border=box,
            alignment=middle,
            fill=PatternFill("solid", fgColor=_PALE),
        ),
        NamedStyle("bad", font=Font(name=FACE, size=10, color="B3261E"), border=box),
    ):
        book.add_named_style(style)


def put(sheet: Any, row: int, column: int, value: Any, style: str = "cell", form: str = "") -> Any:
    """Write one cell; text is always text, also when it begins with "="; None prints "—"."""
    cell = sheet.cell(row, column)
    if value is None:
        value, style, form = NO_DATA, "none", ""
    elif isinstance(value, datetime):
        value, form = value.replace(tzinfo=None), form or MOMENT  # Excel knows no zones
    elif isinstance(value, str):
        value = for_excel(value)
        if style == "cell":
            style, form = ("figure" if form else "word"), ""  # ">699.0" stands as a number does
    cell.value = value
    if isinstance(value, str):
        cell.data_type = "s"
    _dress(cell, style, form)
    return cell


def _dress(cell: Any, style: str, form: str) -> None:
    """Give a cell its style and number format; worked out once and then copied, because looking
    it up takes longer than everything else about a cell."""
    known = _DRESSES.setdefault(cell.parent.parent, {})
    if (style, form) not in known:
        cell.style = style
        if form:
            cell.number_format = form
        known[style, form] = cell._style
    cell._style = copy(known[style, form])


def table(
    sheet: Any, fields: Sequence[Field], rows: Iterable[Sequence[Any]], *, top: int = 1
) -> int:
    """A table with its header in one row, or in two where columns have sections; frozen, with a
    filter and fitting widths. Returns the number of its last row."""
    head = top + any(one.section for one in fields)
    if head > top:
        _sections(sheet, fields, top)
    for column, one in enumerate(fields, 1):
        put(sheet, head, column, one.title, "head")
    kept = list(rows)
    widths = [one.width or _fitting(one, place, kept) for place, one in enumerate(fields)]
    for number, row in enumerate(kept, head + 1):
        for column, (one, value) in enumerate(zip(fields, row, strict=True), 1):
            style = "name" if column == 1 else "text" if one.wrap else "cell"
            put(sheet, number, column, value, style, one.form)
        sheet.row_dimensions[number].height = _LINE_HEIGHT * _lines(fields, widths, row)
    for column, width in enumerate(widths, 1):
        sheet.column_dimensions[get_column_letter(column)].width = width
    last = head + len(kept)
    sheet.row_dimensions[head].height = 32
    sheet.freeze_panes = sheet.cell(head + 1, 2)
    sheet.auto_filter.ref = f"A{head}:{get_column_letter(len(fields))}{max(last, head)}"
    sheet.print_title_rows, sheet.print_title_cols = f"{top}:{head}", "A:A"
    sheet.print_area = f"A1:{get_column_letter(len(fields))}{last + 3}"
    landscape(sheet, max(1, round(sum(widths) / _PAGE)))
    return last


def _fitting(column: Field, place: int, rows: Sequence[Sequence[Any]]) -> float:
    if column.form == MOMENT:
        return 17
    texts = [row[place] for row in rows if isinstance(row[place], str)]
    widest = max([_width(column.title) / 2, *map(_width, texts)])  # headers take two lines
    return min(max(widest + 2, _NARROWEST), _WIDEST)


def _lines(fields: Sequence[Field], widths: Sequence[float], row: Sequence[Any]) -> int:
    """How many lines the longest wrapped text of a row takes."""
    return max(
        (
            math.ceil(_width(value) / (width - 2))
            for one, width, value in zip(fields, widths, row, strict=True)
            if one.wrap and isinstance(value, str) and value
        ),
        default=1,
    )


def _sections(sheet: Any, fields: Sequence[Field], row: int) -> None:
    start = 1
    for column, one in enumerate(fields, 1):
        put(sheet, row, column, one.section, "head")
        if column == len(fields) or fields[column].section != one.section:
            if column > start:
                sheet.merge_cells(start_row=row, end_row=row, start_column=start, end_column=column)
            start = column + 1


def landscape(sheet: Any, pages: int = 1) -> None:
    """A4 across, so many pages wide, numbered."""
    sheet.page_setup.orientation, sheet.page_setup.paperSize = "landscape", 9
    sheet.page_setup.fitToWidth, sheet.page_setup.fitToHeight = pages, 0
    sheet.sheet_properties.pageSetUpPr.fitToPage = True
    sheet.oddFooter.center.text, sheet.oddFooter.center.size = "第 &P 页，共 &N 页", 9
    sheet.page_margins.left = sheet.page_margins.right = 0.4
    sheet.page_margins.top = sheet.page_margins.bottom = 0.75
    sheet.page_margins.header = sheet.page_margins.footer = 0.35


def head_pages(sheet: Any, text: str) -> None:
    """Words at the head of every printed page; Excel allows 255 characters."""
    sheet.oddHeader.left.text, sheet.oddHeader.left.size = text.replace("&", "&&")[:250], 8


def _width(text: str) -> float:
    """Columns that a line takes: a Chinese character takes two."""
    return max(
        (
            sum(1 + (unicodedata.east_asian_width(char) in "WF") for char in line)
            for line in text.split("\n")
        ),
        default=0,
    )
