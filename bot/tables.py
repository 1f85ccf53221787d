"""Rows of spreadsheets and text tables as other programs export them."""

from __future__ import annotations

import csv
import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from io import StringIO
from pathlib import Path
from typing import Any

SUFFIXES = (".xlsx", ".csv", ".tsv", ".jsonl")
_MAX_CELL = 20_000_000


class TableError(ValueError):
    """A file cannot be read as a table; the text says in Chinese why and what to do."""


@dataclass(frozen=True, slots=True)
class Broken:
    """What stands in place of a value that cannot be used; ``reason`` says why."""

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
    """The tables of an xlsx, csv or tsv file, with line numbers as an editor shows them.

    Cells are str, number, bool, datetime, DayOnly, None, or Broken. Raises TableError.
    """
    suffix = path.suffix.lower()
    if suffix == ".xlsx":
        yield from _workbook(path)
    elif suffix in (".csv", ".tsv"):
        yield Sheet("", _text_rows(_decode(path), suffix))
    else:
        raise TableError(f"不认识 {path.name} 的格式，请用 {'、'.join(SUFFIXES)} 之一。")


def records(path: Path) -> Iterator[tuple[int, dict[str, Any] | Broken]]:
    """The objects of a JSON Lines file, with line numbers."""
    for number, line in enumerate(_decode(path).split("\n"), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line)
        except (ValueError, RecursionError):
            record = None
        if isinstance(record, dict):
            yield number, record
        else:
            yield number, Broken("不是一个 JSON 对象，请核对这一行的括号和引号")


def _workbook(path: Path) -> Iterator[Sheet]:
    from openpyxl import load_workbook

    try:
        book = load_workbook(path, read_only=True, data_only=True)
    except (OSError, ValueError, KeyError, zipfile.BadZipFile, EOFError) as error:
        raise TableError(
            f"{path.name} 打不开（{type(error).__name__}），"
            "请用表格软件另存为不加密的 .xlsx 或 UTF-8 的 .csv。"
        ) from error
    try:
        for sheet in book.worksheets:
            sheet.reset_dimensions()
            yield Sheet(sheet.title, _sheet_rows(sheet))
    finally:
        book.close()


def _sheet_rows(sheet: Any) -> Iterator[tuple[int, list[Any]]]:
    for number, row in enumerate(sheet.iter_rows(), 1):
        values = [_cell(cell) for cell in row]
        if any(value not in (None, "") for value in values):
            yield number, values


def _cell(cell: Any) -> Any:
    if cell.data_type == "e":
        return Broken("单元格是公式错误，请改为文字")
    value = cell.value
    if isinstance(value, datetime):
        value = (value + timedelta(milliseconds=500)).replace(microsecond=0)
        shows_time = "h" in (cell.number_format or "").lower()
        midnight = value.hour == value.minute == value.second == 0
        return DayOnly(value) if midnight and not shows_time else value
    return value


def _text_rows(text: str, suffix: str) -> Iterator[tuple[int, list[Any]]]:
    csv.field_size_limit(_MAX_CELL)
    delimiter = "\t" if suffix == ".tsv" else _delimiter(text)
    plain = delimiter == "\t" and _unquoted(text)
    reader = csv.reader(
        StringIO(text, newline=""),
        delimiter=delimiter,
        quoting=csv.QUOTE_NONE if plain else csv.QUOTE_MINIMAL,
    )
    start = 1
    while True:
        try:
            row = next(reader, None)
        except csv.Error as error:
            raise TableError(f"第 {start} 行起读不下去（{error}），请核对引号是否成对。") from None
        if row is None:
            return
        if any(cell.strip() for cell in row):
            yield start, list(row)
        start = reader.line_num + 1


def _delimiter(text: str) -> str:
    first = text.lstrip().split("\n", 1)[0]
    return max(",\t;，", key=first.count)


def _unquoted(text: str) -> bool:
    """Whether every line has as many tabs as the first, so that quotes are mere characters."""
    lines = [line for line in text.split("\n") if line.strip()]
    return len({line.count("\t") for line in lines}) <= 1 and any(
        cell.startswith('"') and not cell.endswith('"')
        for line in lines
        for cell in line.rstrip("\r").split("\t")
    )


def _decode(path: Path) -> str:
    data = path.read_bytes()
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", errors="replace")
    for encoding in ("utf-8-sig", "gb18030"):
        try:
            return data.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise TableError(f"{path.name} 的文字编码认不出来，请另存为 UTF-8。")
