"""Knowledge bases as files: csv, tsv, xlsx and jsonl, with Chinese or English headers."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import chain
from pathlib import Path

from knowledge.catalog import (
    MAX_ANSWER,
    MAX_QUESTION,
    MAX_SIMILAR,
    Entry,
    Link,
    Problem,
    is_web_address,
)
from knowledge.tables import (
    KnowledgeFileError,
    Line,
    csv_lines,
    decode,
    json_lines,
    read_bytes,
    tsv_lines,
    write_csv,
    write_jsonl,
    write_tsv,
    write_xlsx,
    xlsx_sheets,
)
from knowledge.text import normalize

__all__ = ["HEADERS", "KnowledgeFileError", "Reading", "read_entries", "read_one", "write_entries"]

MAX_ID = 100
HEADERS = {
    "id": "编号",
    "question": "标准问",
    "similar": "相似问",
    "answer": "答案",
    "department": "承办单位",
    "topic": "主题",
    "basis": "依据文号",
    "links": "办事入口",
    "effective_on": "生效日",
    "expires_on": "失效日",
    "review_on": "复核日",
    "automatic": "自动回复",
}
# Other names of the columns, the more certain ones first.
_ALIASES = {
    "id": "id entry_id 序号 问题编号 知识编号 no",
    "question": "标准问题 标准问法 问题 question 提问 问题标题 标题 title",
    "similar": "相似问题 相似问法 扩展问 similar similar_questions 同义问",
    "answer": "答复 回答 标准答案 答复内容 answer 内容 reply",
    "department": "责任单位 承办部门 责任部门 主管部门 部门 单位 department organ",
    "topic": "分类 类别 事项分类 topic category issue_kind",
    "basis": "政策依据 依据 文号 basis",
    "links": "链接 办理链接 网址 links link url",
    "effective_on": "生效日期 生效时间 effective_on effective",
    "expires_on": "失效日期 失效时间 到期日 有效期至 expires_on expires",
    "review_on": "复核日期 复核时间 review_on review",
    "automatic": "自动答复 automatic auto",
}
_NAMES = {
    name: (key, rank)
    for key, others in _ALIASES.items()
    for rank, name in enumerate((HEADERS[key], *others.split()))
}
_REQUIRED = ("id", "question", "answer")
_YES = {"是", "1", "true", "yes", "y", "✓", "√", "自动", "允许", "开", "开启"}
_NO = {"", "否", "0", "false", "no", "n", "×", "x", "人工", "不允许", "关", "关闭", "无", "-"}
_OPEN_END = {"", "无", "-", "—", "长期", "永久", "长期有效", "永久有效"}
_DATE = re.compile(
    r"(\d{4})(?:\s*[-/.年]\s*(\d{1,2})\s*[-/.月]\s*(\d{1,2})\s*[日号]?|(\d\d)(\d\d))"
    r"(?:[ t]\d{1,2}:\d\d(?::\d\d(?:\.\d+)?)?)?$"
)
_EXCEL_ZERO = date(1899, 12, 30)
_BRACKETS = re.compile(r"[(\[【].*?[)\]】]|[\s*:_\-]+|\d+$")
_LINK = re.compile(r"^(?P<title>.*?)[\s:：(（,，]*(?P<url>https?://\S+?)[)）]?$", re.DOTALL)

Record = dict[str, object]


@dataclass
class Reading:
    """What a file held: `rows` that were not empty, each an entry or a problem with its line.

    An entry may also have a problem, when an optional value was left out.
    """

    entries: list[Entry]
    problems: list[Problem]
    rows: int
    ignored_columns: tuple[str, ...] = ()


@dataclass
class _Rows:
    """Records by line, or the reason why a line is none."""

    records: Iterable[tuple[int, Record | str]]
    ignored: list[str] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)


class _RefusedError(Exception):
    def __init__(self, name: str, reason: str) -> None:
        super().__init__(reason)
        self.field, self.reason = name, reason


def read_entries(path: Path) -> Reading:
    """Entries of a file and the problems of the rest. Raises KnowledgeFileError."""
    rows = _rows(path)
    reading = Reading([], rows.notes, 0)
    lines: dict[str, int] = {}
    for line, record in rows.records:
        reading.rows += 1
        if isinstance(record, str):
            reading.problems.append(Problem(line, "", "", record))
            continue
        read, problems = read_one(record)
        if read is not None and read.id in lines:
            again = f"编号“{read.id}”与第 {lines[read.id]} 行重复，请改用不同的编号，或删去一行。"
            problems, read = [Problem(line, read.id, "id", again)], None
        reading.problems += [replace(one, line=line) for one in problems]
        if read is not None:
            lines[read.id] = line
            reading.entries.append(read)
    reading.ignored_columns = tuple(dict.fromkeys(rows.ignored))
    return reading


def read_one(record: Record) -> tuple[Entry | None, list[Problem]]:
    """An entry from its fields by the names of HEADERS, read as a row is; None if unusable."""
    name, notes = _text(record.get("id")), list[tuple[str, str]]()
    try:
        entry = _entry(record, notes)
    except _RefusedError as refused:
        return None, [Problem(None, name, refused.field, refused.reason)]
    return entry, [Problem(None, name, about, reason) for about, reason in notes]


def write_entries(entries: Iterable[Entry], path: Path) -> None:
    """All entries, so that `read_entries` gives them back. Raises KnowledgeFileError."""
    suffix = path.suffix.lower()
    if suffix == ".jsonl":
        write_jsonl(map(_as_json, entries), path)
        return
    rows = chain([tuple(HEADERS.values())], map(_as_row, entries))
    if suffix == ".csv":
        write_csv(rows, path)
    elif suffix == ".tsv":
        write_tsv(rows, path)
    elif suffix == ".xlsx":
        write_xlsx(rows, path, "知识库")
    else:
        raise KnowledgeFileError(f"不支持导出为“{path.name}”，请改用 csv、tsv、xlsx 或 jsonl。")


def _rows(path: Path) -> _Rows:
    content = read_bytes(path)
    suffix = path.suffix.lower()
    if suffix == ".xlsx":
        return _first_table(xlsx_sheets(content, path.name), path.name)
    text = decode(content, path.name)
    if suffix == ".jsonl":
        return _json_rows(text, path.name)
    if suffix == ".tsv":
        return _first_table([tsv_lines(text)], path.name)
    rows = _first_table((list(csv_lines(text, mark)) for mark in ",;\t"), path.name)
    if text.count('"') % 2:
        reason = "引号没有成对出现，可能有几行被并进同一格，请检查引号或另存为 xlsx 后再导入。"
        rows.notes.append(Problem(None, "", "", reason))
    return rows


def _first_table(tables: Iterable[Sequence[Line]], name: str) -> _Rows:
    """The first table with a header; there may be a title above it."""
    for table in tables:
        for place, (_, cells) in enumerate(table[:10]):
            columns, ignored = _columns(cells)
            if {key for key, _ in columns.values()} >= set(_REQUIRED):
                records = ((line, _record(columns, row)) for line, row in table[place + 1 :])
                return _Rows(((line, record) for line, record in records if record), ignored)
    raise KnowledgeFileError(
        f"“{name}”里没有找到表头。请让第一行写明各列名称，至少要有：编号、标准问、答案。"
    )


def _columns(cells: Sequence[object]) -> tuple[dict[int, tuple[str, int]], list[str]]:
    """Column → (field, rank of its name); several columns only for similar questions."""
    best: dict[int, tuple[str, int]] = {}
    for place, cell in enumerate(cells):
        known = _known_name(_text(cell))
        if known is None:
            continue
        rival = next((old for old, (key, _) in best.items() if key == known[0]), None)
        if rival is None or known[0] == "similar":
            best[place] = known
        elif known[1] < best[rival][1]:
            del best[rival]
            best[place] = known
    names = ((place, _text(cell)) for place, cell in enumerate(cells))
    return best, [name for place, name in names if name and place not in best]


def _known_name(header: str) -> tuple[str, int] | None:
    plain = normalize(header)
    return _NAMES.get(plain) or _NAMES.get(_BRACKETS.sub("", plain))


def _record(columns: Mapping[int, tuple[str, int]], row: Sequence[object]) -> Record:
    record: Record = {}
    for place, (key, _) in columns.items():
        value = row[place] if place < len(row) else None
        if value is None or (isinstance(value, str) and not value.strip()):
            continue
        if key == "similar":
            value = [*_listed(record.get(key)), *_listed(value)]
        record[key] = value
    return record


def _json_rows(text: str, name: str) -> _Rows:
    rows = _Rows(())
    records: list[tuple[int, Record | str]] = []
    for line, value in json_lines(text):
        if isinstance(value, dict):
            columns, ignored = _columns(list(value))
            rows.ignored += ignored
            records.append((line, _record(columns, list(value.values()))))
        else:
            records.append((line, '这一行不是 JSON 对象，请改为 {"id": …, "question": …} 的形式。'))
    if not any(isinstance(record, dict) for _, record in records):
        raise KnowledgeFileError(f"“{name}”里没有一行是 JSON 对象，请检查文件格式。")
    rows.records = records
    return rows


def _entry(record: Record, notes: list[tuple[str, str]]) -> Entry:
    """Raises _RefusedError; what can be left out without harm is noted instead."""
    question, answer = _text(record.get("question")), _text(record.get("answer"))
    similar = tuple(dict.fromkeys(_listed(record.get("similar"))))
    _check_sizes(_text(record.get("id")), question, answer, similar)
    start, end, review = (_date(record, key) for key in ("effective_on", "expires_on", "review_on"))
    if start and end and start > end:
        raise _RefusedError("expires_on", f"失效日 {end} 早于生效日 {start}，请核对两个日期。")
    return Entry(
        id=_text(record.get("id")),
        question=question,
        answer=answer,
        similar=similar,
        department=_text(record.get("department")),
        topic=_text(record.get("topic")),
        basis=_text(record.get("basis")),
        links=tuple(_links(record.get("links"), notes)),
        effective_on=start,
        expires_on=end,
        review_on=review,
        automatic=_automatic(record.get("automatic"), notes),
    )


def _check_sizes(name: str, question: str, answer: str, similar: Sequence[str]) -> None:
    for key, value, most in (
        ("id", name, MAX_ID),
        ("question", question, MAX_QUESTION),
        ("answer", answer, MAX_ANSWER),
    ):
        if not value:
            raise _RefusedError(key, f"没有填写{HEADERS[key]}，请补上。")
        if len(value) > most:
            raise _RefusedError(key, f"{HEADERS[key]}有 {len(value)} 字，超过 {most} 字，请精简。")
    if len(similar) > MAX_SIMILAR:
        raise _RefusedError(
            "similar", f"相似问有 {len(similar)} 条，请保留不超过 {MAX_SIMILAR} 条。"
        )
    if any(len(wording) > MAX_QUESTION for wording in similar):
        raise _RefusedError(
            "similar", f"有相似问超过 {MAX_QUESTION} 字，多条请用换行或竖线 | 分开。"
        )


def _text(value: object) -> str:
    """The text of a cell; whole numbers without a decimal point."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()


def _listed(value: object) -> list[str]:
    """Items of a list, or of a text with one item a line or between bars."""
    if isinstance(value, list):
        return [text for text in map(_text, value) if text]
    parts = re.findall(r"(?:\\[|n\\]|[^|\n])+", _text(value))
    return [text for text in (_plain_item(part).strip() for part in parts) if text]


def _plain_item(part: str) -> str:
    return re.sub(r"\\([|n\\])", lambda m: "\n" if m.group(1) == "n" else m.group(1), part)


def _joined(items: Iterable[str]) -> str:
    marks = {"\\": "\\\\", "|": "\\|", "\n": "\\n"}
    return "\n".join("".join(marks.get(char, char) for char in item) for item in items)


def _date(record: Record, key: str) -> date | None:
    value = record.get(key)
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    plain = normalize(_text(value))
    if plain in _OPEN_END:
        return None
    found = _DATE.match(plain.replace("t", " "))
    try:
        if found:
            year, *rest = (int(part) for part in found.groups() if part)
            return date(year, rest[0], rest[1])
        if plain.isdecimal() and 20_000 < int(plain) < 80_000:
            return _EXCEL_ZERO + timedelta(days=int(plain))
    except ValueError:
        pass
    shown = _text(value)[:20]
    raise _RefusedError(key, f"{HEADERS[key]}“{shown}”不是有效日期，请写成 2026-01-02 的形式。")


def _links(value: object, notes: list[tuple[str, str]]) -> Iterator[Link]:
    items = value if isinstance(value, list) else _listed(value)
    for item in items:
        link = _link(item)
        if link and is_web_address(link.url):
            yield link
        else:
            shown = _text(link.url if link else item)[:40]
            notes.append(
                (
                    "links",
                    f"办事入口“{shown}”不是完整网址，没有收下，请写成“标题 https://…”。",
                )
            )


def _link(item: object) -> Link | None:
    if isinstance(item, dict):
        return Link(_text(item.get("title")), _text(item.get("url")))
    title, _, url = _text(item).rpartition(" ")
    if re.match(r"https?://", url):
        return Link(title.strip(), url)
    found = _LINK.match(_text(item))
    return Link(found["title"].strip(), found["url"]) if found else None


def _automatic(value: object, notes: list[tuple[str, str]]) -> bool:
    plain = normalize(_text(value))
    if plain not in _YES | _NO:
        notes.append(
            ("automatic", f"自动回复“{plain[:20]}”看不懂，已按“否”导入，请填写“是”或“否”。")
        )
    return plain in _YES


def _as_row(entry: Entry) -> tuple[str, ...]:
    return (
        entry.id,
        entry.question,
        _joined(entry.similar),
        entry.answer,
        entry.department,
        entry.topic,
        entry.basis,
        _joined(f"{link.title} {link.url}".strip() for link in entry.links),
        *(str(day or "") for day in (entry.effective_on, entry.expires_on, entry.review_on)),
        "是" if entry.automatic else "否",
    )


def _as_json(entry: Entry) -> dict[str, object]:
    days = {key: getattr(entry, key) for key in ("effective_on", "expires_on", "review_on")}
    values = {key: getattr(entry, key) for key in HEADERS}
    links = [{"title": link.title, "url": link.url} for link in entry.links]
    shown = {key: str(day) if day else None for key, day in days.items()}
    return {**values, "links": links, **shown}
