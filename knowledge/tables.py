"""Rows of a csv, tsv, xlsx or jsonl file, and how such files are written."""

from __future__ import annotations

import csv
import io
import json
import os
import re
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

Line = tuple[int, Sequence[object]]
"""Line number in the file, from 1, and the cells of the row that begins there."""

MAX_BYTES = 100_000_000
MAX_CELL = 32_767
FORMATS = (".csv", ".tsv", ".xlsx", ".jsonl")
_LINE_END = re.compile(r"\r\n|\n|\r")
# Surely quoted by a program: nobody doubles every quote by hand.
_QUOTED = re.compile(r'"(?:[^"]*"")+[^"]*"')
_ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
_UNESCAPES = {"\\\\": "\\", "\\t": "\t", "\\n": "\n", "\\r": "\r", '\\"': '"'}
_UNSAFE_IN_XML = re.compile(
    r"[\x00-\x08\x0b\x0c\x0d\x0e-\x1f\ud800-\udfff\ufffe\uffff]"
    r"|_(?=x[0-9A-Fa-f]{4}_)|x(?=005F_)"
)
_XML_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")


class KnowledgeFileError(ValueError):
    """A file that cannot be read or written; the message is Chinese and says what to do."""


def read_bytes(path: Path) -> bytes:
    """The content of a knowledge file of a known format."""
    if path.suffix.lower() == ".xls":
        raise KnowledgeFileError("不支持旧版 .xls 文件，请在 Excel 或 WPS 中另存为 .xlsx 后再试。")
    if path.suffix.lower() not in FORMATS:
        raise KnowledgeFileError(
            f"不支持“{path.name}”的格式，请改用 csv、tsv、xlsx 或 jsonl 文件。"
        )
    try:
        if path.stat().st_size > MAX_BYTES:
            raise KnowledgeFileError(f"文件“{path.name}”超过 100 MB，请拆成几个文件分别导入。")
        return path.read_bytes()
    except OSError as error:
        reason = "找不到文件" if isinstance(error, FileNotFoundError) else "无法读取文件"
        raise KnowledgeFileError(f"{reason}“{path}”，请检查路径和权限。") from error


def decode(content: bytes, name: str) -> str:
    """UTF-8 with or without a mark, UTF-16 with one, or GB 18030."""
    marked = content.startswith((b"\xff\xfe", b"\xfe\xff"))
    for encoding in ("utf-16",) if marked else ("utf-8-sig", "gb18030"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise KnowledgeFileError(f"认不出“{name}”的文字编码，请另存为 UTF-8 编码后再试。")


def csv_lines(text: str, delimiter: str = ",") -> Iterator[Line]:
    """Rows of quoted text; quotes inside an unquoted cell are kept."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    start = 1
    try:
        for cells in reader:
            yield start, list(cells)
            start = reader.line_num + 1
    except csv.Error as error:
        reason = f"第 {start} 行起无法按表格读取，请检查引号是否成对，或另存为 xlsx 后再试。"
        raise KnowledgeFileError(reason) from error


def tsv_lines(text: str) -> list[Line]:
    """One row a line with quotes taken literally, unless only quoting makes the rows even."""
    plain = [
        (number, [_unescape(cell) for cell in line.split("\t")])
        for number, line in enumerate(_LINE_END.split(text), 1)
        if line
    ]
    if '"' in text and not _even(plain):
        quoted = list(csv_lines(text, "\t"))
        if _even(quoted):
            return quoted
    return list(plain)


def _even(lines: Sequence[Line]) -> bool:
    return len({len(cells) for _, cells in lines if cells}) <= 1


def _unescape(cell: str) -> str:
    if _QUOTED.fullmatch(cell):
        return cell[1:-1].replace('""', '"')
    if "\\" not in cell:
        return cell
    return re.sub(r'\\[\\tnr"]', lambda found: _UNESCAPES[found.group()], cell)


def _escape(cell: str) -> str:
    escaped = "".join(_ESCAPES.get(char, char) for char in cell)
    return "\\" + escaped if escaped.startswith('"') else escaped


def xlsx_sheets(content: bytes, name: str) -> Iterator[list[Line]]:
    """The rows of each sheet."""
    from openpyxl import load_workbook

    try:
        book = load_workbook(io.BytesIO(content), read_only=True, data_only=True)
        for sheet in book.worksheets:
            sheet.reset_dimensions()  # some programs write a wrong size, which hides rows
            rows = sheet.iter_rows(values_only=True)
            yield [(n, [_from_xml(cell) for cell in row]) for n, row in enumerate(rows, 1)]
    except Exception as error:  # openpyxl raises whatever the broken part raises
        reason = (
            f"无法打开“{name}”，文件可能已损坏或设了密码，请用 Excel 或 WPS 另存为 xlsx 后再试。"
        )
        raise KnowledgeFileError(reason) from error


def _from_xml(cell: object) -> object:
    if not isinstance(cell, str) or "_x" not in cell:
        return cell
    return _XML_ESCAPE.sub(lambda found: chr(int(found.group(1), 16)), cell)


def for_excel(cell: str) -> str:
    """A text with what Excel's files cannot hold written as they write it."""
    # Small letters: openpyxl drops every "x005F_" it reads.
    return _UNSAFE_IN_XML.sub(lambda found: f"_x{ord(found.group()):04x}_", cell)


def json_lines(text: str) -> Iterator[tuple[int, object]]:
    """Line number and value; a line that is no JSON gives the error in place of the value."""
    for number, line in enumerate(_LINE_END.split(text), 1):
        if line.strip():
            try:
                yield number, json.loads(line)
            except (ValueError, RecursionError) as error:
                yield number, KnowledgeFileError(str(error))


def write_csv(rows: Iterable[Sequence[str]], path: Path) -> None:
    """With a byte order mark, so that Excel shows the characters."""
    with replacing(path) as file:
        text = io.TextIOWrapper(file, "utf-8-sig", errors="replace", newline="")
        csv.writer(text).writerows(rows)
        text.flush()
        text.detach()


def write_tsv(rows: Iterable[Sequence[str]], path: Path) -> None:
    with replacing(path) as file:
        for row in rows:
            file.write(("\t".join(map(_escape, row)) + "\n").encode("utf-8", "replace"))


def write_jsonl(values: Iterable[object], path: Path) -> None:
    with replacing(path) as file:
        for value in values:
            file.write((json.dumps(value, ensure_ascii=False) + "\n").encode("utf-8", "replace"))


def write_xlsx(rows: Iterable[Sequence[str]], path: Path, title: str) -> None:
    """Every cell is a string, also one that begins with "="."""
    from openpyxl import Workbook
    from openpyxl.styles import Alignment, Font

    book = Workbook()
    sheet: Any = book.active
    sheet.title, sheet.freeze_panes = title, "A2"
    for number, row in enumerate(rows, 1):
        for column, value in enumerate(row, 1):
            if not value:
                continue
            cell = sheet.cell(number, column)
            cell.value = _fitting(for_excel(value), row[0])
            cell.data_type = "s"
            cell.alignment = Alignment(wrap_text=True, vertical="top")
            cell.font = Font(bold=number == 1)
    with replacing(path) as file:
        book.save(file)


def _fitting(value: str, name: str) -> str:
    if len(value) <= MAX_CELL:
        return value
    raise KnowledgeFileError(
        f"“{name}”的内容超过 Excel 单元格上限 {MAX_CELL} 字，请导出为 csv 或 jsonl。"
    )


@contextmanager
def replacing(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes the place of `path` when all is written, and leaves it alone otherwise."""
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name[:40]}.")
    except OSError as error:
        raise KnowledgeFileError(f"无法写入“{path}”，请检查文件夹是否存在、是否有权限。") from error
    try:
        with os.fdopen(handle, "wb") as file:
            yield file
        _usual_mode(name)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _usual_mode(name: str) -> None:
    """The mode any new file would get; temporary files start as private."""
    mask = os.umask(0)
    os.umask(mask)
    Path(name).chmod(0o666 & ~mask)
