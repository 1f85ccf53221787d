"""Rows of message exports, with dates and errors of spreadsheets kept apart from text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from knowledge.tables import (
    KnowledgeFileError,
    csv_lines,
    decode,
    json_lines,
    read_bytes,
    tsv_lines,
)

_MAX_CELL = 20_000_000


@dataclass(frozen=True, slots=True)
class Broken:
    """What stands in place of a value that cannot be used; ``reason`` says why, in Chinese."""

    reason: str


@dataclass(frozen=True, slots=True)
class DayOnly:
    """A date that a spreadsheet shows without a time."""

    day: datetime


@dataclass(frozen=True, slots=True)
class Sheet:
    """One table: numbered rows of cells, the header among them; ``name`` is "" for text files."""

    name: str
    rows: Iterator[tuple[int, list[Any]]]


def sheets(path: Path) -> Iterator[Sheet]:
    """The tables of an xlsx, csv or tsv file, rows without any content left out.

    Cells are str, number, bool, datetime, DayOnly, None or Broken. Raises KnowledgeFileError.
    """
    content = read_bytes(path)
    if path.suffix.lower() == ".xlsx":
        yield from _workbook(content, path.name)
        return
    text = decode(content, path.name)
    if path.suffix.lower() == ".tsv":
        lines: Iterable[tuple[int, Any]] = tsv_lines(text)
    else:
        csv.field_size_limit(_MAX_CELL)  # an oversized cell costs its row, not the file
        lines = csv_lines(text, _delimiter(text))
    yield Sheet("", ((number, list(cells)) for number, cells in lines if _filled(cells)))


def records(path: Path) -> Iterator[tuple[int, dict[str, Any] | Broken]]:
    """The objects of a JSON Lines file, with line numbers."""
    for number, value in json_lines(decode(read_bytes(path), path.name)):
        if isinstance(value, dict):
            yield number, value
        else:
            yield number, Broken("不是一个 JSON 对象，请核对这一行的括号和引号")


def _filled(cells: Iterable[Any]) -> bool:
    return any(cell is not None and str(cell).strip() for cell in cells)


def _delimiter(text: str) -> str:
    first = text.lstrip().split("\n", 1)[0]
    return max(",\t;，", key=first.count)


def _workbook(content: bytes, name: str) -> Iterator[Sheet]:
    from openpyxl import load_workbook

    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        for sheet in book.worksheets:
            sheet.reset_dimensions()
            yield Sheet(sheet.title, _sheet_rows(sheet))
    except Exception as error:  # openpyxl raises whatever the broken part raises
        raise KnowledgeFileError(
            f"“{name}”打不开，可能已损坏或设了密码，请用 Excel 或 WPS 另存为 xlsx 后再试。"
        ) from error


def _sheet_rows(sheet: Any) -> Iterator[tuple[int, list[Any]]]:
    for number, row in enumerate(sheet.iter_rows(), 1):
        values = [_cell(cell) for cell in row]
        if _filled(values):
            yield number, values


def _cell(cell: Any) -> Any:
    if cell.data_type == "e":
        return Broken("单元格是公式错误，请改为文字")
    value = cell.value
    if not isinstance(value, datetime):
        return value
    value = (value + timedelta(milliseconds=500)).replace(microsecond=0)
    shows_time = "h" in (cell.number_format or "").lower()
    midnight = value.hour == value.minute == value.second == 0
    return DayOnly(value) if midnight and not shows_time else value
