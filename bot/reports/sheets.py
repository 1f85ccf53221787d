"""Writing an Excel workbook: styles, tables with frozen headers and filters, page set-up."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from io import BytesIO
from typing import Any

from xlsxwriter import Workbook
from xlsxwriter.utility import xl_rowcol_to_cell_fast
from xlsxwriter.worksheet import Worksheet

from bot.reports.measures import NO_DATA
from knowledge.tables import MAX_CELL

COUNT, PERCENT, HOURS, MOMENT = "#,##0", "0.0%", "#,##0.0", "yyyy-mm-dd hh:mm"
_INK, _PALE = "#1F4E79", "#EAF0F6"
_FONT = {"font_name": "微软雅黑", "font_size": 10}
_MIDDLE = {**_FONT, "valign": "vcenter"}
_BOX = {**_MIDDLE, "border": 1, "border_color": "#D5DAE1"}
_HEAD = {"bold": True, "font_color": "#FFFFFF", "bg_color": _INK, "align": "center"}
_STYLES: dict[str, dict[str, Any]] = {
    "": {},
    "title": {**_MIDDLE, "font_size": 16, "bold": True, "font_color": _INK},
    "note": {**_MIDDLE, "font_size": 9, "font_color": "#5F6B7A"},
    "head": {**_BOX, **_HEAD, "text_wrap": True},
    "cell": _BOX,
    "word": {**_BOX, "align": "left", "indent": 1},
    "text": {**_BOX, "text_wrap": True, "align": "left", "indent": 1},
    "figure": {**_BOX, "align": "right"},
    "none": {**_BOX, "align": "right", "font_color": "#8A8F98"},
    "name": {**_BOX, "bold": True, "bg_color": _PALE},
    "bad": {**_BOX, "font_color": "#B3261E"},
}
_NOT_IN_NAMES = re.compile(r"[\[\]:*?/\\'\x00-\x1f\ud800-\udfff\ufffe\uffff]")
_NARROWEST, _WIDEST = 7, 60
_LINE_HEIGHT, _TALLEST = 16.5, 409
_PAGE = 190  # characters across a printed page
_MOST_IN_NAME, _MOST_IN_HEAD = 28, 250


@dataclass(frozen=True, slots=True)
class Field:
    """One column of a table; ``section`` stands above neighbouring ones; a width of 0 fits."""

    title: str
    form: str = ""
    section: str = ""
    width: float = 0
    wrap: bool = False


class Book:
    """A workbook in the making; ``head`` stands at the head of every printed page."""

    def __init__(self, head: str = "") -> None:
        self._file = BytesIO()
        self._book: Any = Workbook(self._file, {"in_memory": True})
        self.looks = _Looks(self._book)
        self._head = head

    def sheet(self, name: str) -> Sheet:
        """One more sheet, called as nearly so as Excel allows."""
        inner = self._book.add_worksheet(self._free_name(name), _Quick)
        if self._head:
            # In the full width, because "&" begins a code there, some of which stand for pictures.
            text = _cut(self._head.replace("&", "＆"), _MOST_IN_HEAD)
            inner.set_header(f"&L&8 {text}", {"margin": 0.35})
        return Sheet(self, inner)

    def _free_name(self, name: str) -> str:
        taken = {one.name.lower() for one in self._book.worksheets()}
        wanted = _cut(_NOT_IN_NAMES.sub("", name), _MOST_IN_NAME) or "计分卡"
        found, number = wanted, 1
        while found.lower() in taken:
            found, number = f"{wanted}{number}", number + 1
        return found

    def chart(self, kind: str, subtype: str | None = None) -> Any:
        """A chart of this workbook, still to be filled and put somewhere."""
        return self._book.add_chart({"type": kind, "subtype": subtype})

    def content(self) -> bytes:
        """The finished file."""
        self._book.close()
        return self._file.getvalue()


class _Quick(Worksheet):  # type: ignore[misc]  # the library brings no types
    """Writes the commonest cells in one go, which takes a third off a large workbook; the library
    puts each together from a list of its attributes."""

    def _write_cell(self, row: int, col: int, cell: Any) -> None:
        kind = type(cell).__name__
        if kind == "String":
            value, own = cell.string, ' t="s"'
        elif kind in ("Number", "Datetime"):
            value, own = f"{cell.number:.16G}", ""
        else:
            super()._write_cell(row, col, cell)
            return
        place, look = xl_rowcol_to_cell_fast(row, col), cell.format._get_xf_index()
        self.fh.write(f'<c r="{place}" s="{look}"{own}><v>{value}</v></c>')


class _Looks(dict[tuple[str, str], Any]):
    """Styles with a number format, as the library wants them."""

    def __init__(self, book: Any) -> None:
        super().__init__()
        self._book = book

    def __missing__(self, key: tuple[str, str]) -> Any:
        style, form = key
        more = {"num_format": form} if form else {}
        return self.setdefault(key, self._book.add_format({**_STYLES[style], **more}))


class Sheet:
    """A sheet of a workbook, with rows and columns counted from 1; ``inner`` is the library's
    own, for what only one page needs."""

    def __init__(self, book: Book, inner: Any) -> None:
        self.book, self.inner, self._looks = book, inner, book.looks

    def put(self, row: int, column: int, value: Any, style: str = "cell", form: str = "") -> None:
        """Write one cell; text is always text, also when it begins with "="; None prints "—"."""
        if value is None:
            value, style, form = NO_DATA, "none", ""
        if isinstance(value, str):
            if style == "cell":
                style, form = ("figure" if form else "word"), ""  # ">699.0" stands as numbers do
            self._text(row - 1, column - 1, value, self._looks[style, form])
        elif isinstance(value, datetime):
            look, moment = self._looks[style, form or MOMENT], value.replace(tzinfo=None)
            self.inner.write_datetime(row - 1, column - 1, moment, look)
        else:
            self.inner.write_number(row - 1, column - 1, value, self._looks[style, form])

    def _text(self, row: int, column: int, text: str, look: Any) -> None:
        """The library itself writes what XML cannot hold as Excel does, but half characters."""
        text = text.encode("utf-8", "replace").decode()
        if text.startswith("<r>"):  # taken for the library's own markup, unless it is in pieces
            rest = _cut(text[1:], MAX_CELL - 1)
            self.inner.write_rich_string(row, column, look, "<", look, rest, look)
        else:
            self.inner.write_string(row, column, text, look)

    def widen(self, widths: Iterable[float]) -> None:
        """The widths of the columns from the left, in characters."""
        for column, width in enumerate(widths):
            self.inner.set_column(column, column, width)

    def heighten(self, row: int, height: float) -> None:
        self.inner.set_row(row - 1, height)

    def table(self, fields: Sequence[Field], rows: Iterable[Sequence[Any]], *, top: int = 1) -> int:
        """A table with its header in one row, or in two where columns have sections; frozen, with
        a filter and fitting widths. Returns the number of its last row."""
        head = top + any(one.section for one in fields)
        if head > top:
            self._sections(fields, top)
        for column, one in enumerate(fields, 1):
            self.put(head, column, one.title, "head")
        self.heighten(head, 32)
        kept = list(rows)
        widths = [one.width or _fitting(one, place, kept) for place, one in enumerate(fields)]
        self.widen(widths)
        styles = ["name", *("text" if one.wrap else "cell" for one in fields[1:])]
        for number, row in enumerate(kept, head + 1):
            for column, (one, style, value) in enumerate(zip(fields, styles, row, strict=True), 1):
                self.put(number, column, value, style, one.form)
            self.heighten(number, min(_LINE_HEIGHT * _lines(fields, widths, row), _TALLEST))
        self._set_up(top, head, head + len(kept), widths)
        return head + len(kept)

    def _sections(self, fields: Sequence[Field], row: int) -> None:
        start = 1
        for column, one in enumerate(fields, 1):
            if column == len(fields) or fields[column].section != one.section:
                if column > start:
                    look = self._looks["head", ""]
                    self.inner.merge_range(row - 1, start - 1, row - 1, column - 1, "", look)
                self.put(row, start, one.section, "head")
                start = column + 1

    def _set_up(self, top: int, head: int, last: int, widths: Sequence[float]) -> None:
        right = len(widths) - 1
        self.inner.freeze_panes(head, 1)
        self.inner.autofilter(head - 1, 0, last - 1, right)
        self.inner.repeat_rows(top - 1, head - 1)
        self.inner.repeat_columns(0)
        self.inner.print_area(0, 0, last + 2, right)
        self.landscape(max(1, round(sum(widths) / _PAGE)))

    def landscape(self, pages: int = 1) -> None:
        """A4 across, so many pages wide, numbered."""
        self.inner.set_landscape()
        self.inner.set_paper(9)
        self.inner.fit_to_pages(pages, 0)
        self.inner.set_margins(left=0.4, right=0.4, top=0.75, bottom=0.75)
        self.inner.set_footer("&C&9 第 &P 页，共 &N 页", {"margin": 0.35})


def _fitting(column: Field, place: int, rows: Sequence[Sequence[Any]]) -> float:
    if column.form == MOMENT:
        return 17
    texts = {row[place] for row in rows if isinstance(row[place], str)}
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


def _width(text: str) -> int:
    """Columns that a line takes: a Chinese character takes two."""
    return max(sum(map(_columns, line)) for line in text.split("\n"))


@cache
def _columns(char: str) -> int:
    return 1 + (unicodedata.east_asian_width(char) in "WF")


def _cut(text: str, most: int) -> str:
    """As much of a text as Excel, which counts in UTF-16, takes for so many characters."""
    return text.encode("utf-16-le", "replace")[: 2 * most].decode("utf-16-le", "ignore")
