"""Exports of platforms without an API: which column means what, and the rows as messages."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bot.history import Moment, RowError, Skipped, derived_id, moment_of, normal, text_of
from bot.tables import Broken, Sheet, sheets
from knowledge.tables import KnowledgeFileError

_HEADER_WITHIN = 20
_SAMPLES = 3
NEEDED = ("text", "time")


@dataclass(frozen=True, slots=True)
class Field:
    """What a column may mean: our word for it, and how platforms call it."""

    title: str
    aliases: str


FIELDS = {
    "id": Field("编号", "评论ID 评论编号 私信ID 消息ID 留言编号 工单编号 编号 comment_id id"),
    "citizen": Field(
        "群众编号", "评论用户ID 用户ID 用户编号 用户UID UID 抖音号 快手号 小红书号 user_id openid"
    ),
    "name": Field(
        "昵称",
        "评论用户昵称 用户昵称 评论人昵称 昵称 评论人 评论者 用户名 网友 用户 作者 nickname name",
    ),
    "text": Field(
        "内容", "评论内容 私信内容 留言内容 消息内容 诉求内容 内容 正文 文本 content text"
    ),
    "time": Field(
        "时间", "评论时间 私信时间 留言时间 发表时间 创建时间 发布时间 时间 created_at time"
    ),
    "edited": Field("修改时间", "修改时间 编辑时间 edited_at"),
    "post": Field(
        "帖子", "作品ID 视频ID 微博ID 笔记ID 帖子ID 文章ID 作品编号 作品标题 视频标题 post_id"
    ),
    "thread": Field("楼", "一级评论ID 父评论ID 根评论ID 楼层 parent_id thread_id"),
    "kind": Field("类型", "消息类型 类型 kind"),
}
"""What columns may mean; of each field's names the first that is there is taken."""
TITLES = {one.title: key for key, one in FIELDS.items()}


class UnknownColumnsError(KnowledgeFileError):
    """Text or time was found in no column; ``titles`` are the columns there are."""

    def __init__(self, name: str, titles: list[str]) -> None:
        known = "、".join(one[:20] for one in titles) or "（没有）"
        super().__init__(f"{name} 里认不出“内容”和“时间”两列。文件里的列：{known}。")
        self.titles = titles


@dataclass(frozen=True, slots=True)
class Row:
    """One usable row; ``imprecise`` says that only the day of ``sent_at`` is known."""

    where: str
    external_id: str
    citizen: str
    name: str
    text: str
    sent_at: datetime
    imprecise: bool
    edited_at: datetime | None
    post: str
    thread: str
    direct: bool


@dataclass
class Export:
    """A file: the column taken for each field, the first rows as they are, and every row."""

    columns: dict[str, str] = field(default_factory=dict)
    ignored: list[str] = field(default_factory=list)
    samples: list[dict[str, str]] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)


def read(path: Path, chosen: Mapping[str, str], *, direct: bool = False) -> Export:
    """Read an export (xlsx, csv, tsv); ``chosen`` are columns by field, the rest is guessed.

    A field chosen to be "" has no column. Raises KnowledgeFileError, and UnknownColumnsError when
    text or time cannot be found.
    """
    export = Export()
    seen: list[str] = []
    latest = datetime.now(UTC) + timedelta(minutes=5)
    for sheet in sheets(path):
        prefix = f"工作表“{sheet.name}”" if sheet.name else ""
        found = _header(sheet, chosen, seen)
        if found is None:
            continue
        titles, fields = found
        export.columns = export.columns or {key: titles[at] for key, at in fields.items()}
        export.ignored = export.ignored or _ignored(titles, fields)
        for number, cells in sheet.rows:
            where = f"{prefix}第 {number} 行"
            _take(export, where, _pair(titles, fields, cells), latest, direct)
    if not export.columns:
        raise UnknownColumnsError(path.name, seen)
    return export


def _header(
    sheet: Sheet, chosen: Mapping[str, str], seen: list[str]
) -> tuple[list[str], dict[str, int]] | None:
    """The titles of the first row that names what is needed, and the place of each field."""
    for tried, (_, cells) in enumerate(sheet.rows, 1):
        titles = [str(cell or "").strip() for cell in cells]
        if len(named := [title for title in titles if title]) > len(seen):
            seen[:] = named
        fields = guess(titles, chosen)
        if all(key in fields for key in NEEDED):
            return titles, fields
        if tried >= _HEADER_WITHIN:
            break
    return None


def guess(titles: list[str], chosen: Mapping[str, str]) -> dict[str, int]:
    """The place of each field among the titles: the chosen ones, then by what they are called."""
    plain = [normal(title) for title in titles]
    fields: dict[str, int] = {}
    for key, one in FIELDS.items():
        names = [chosen[key]] if key in chosen else []
        if names == [""]:
            continue
        wanted = map(normal, [*names, *one.aliases.split()])
        found = next((name for name in wanted if name in plain), None)
        if found is not None:
            fields[key] = plain.index(found)
    return fields


def _ignored(titles: list[str], fields: Mapping[str, int]) -> list[str]:
    return [title for at, title in enumerate(titles) if title and at not in fields.values()]


def _pair(
    titles: list[str], fields: Mapping[str, int], cells: list[Any]
) -> dict[str, Any] | Broken:
    if any(cell not in (None, "") for cell in cells[len(titles) :]):
        return Broken("单元格比表头多，可能是内容里的分隔符没有加引号，请核对这一行")
    return {key: cells[at] for key, at in fields.items() if at < len(cells)}


def _take(
    export: Export, where: str, cells: dict[str, Any] | Broken, latest: datetime, direct: bool
) -> None:
    try:
        if isinstance(cells, Broken):
            raise RowError(cells.reason)
        row = _row(where, cells, latest, direct)
    except RowError as error:
        export.skipped.append(Skipped(where, str(error)))
        return
    export.rows.append(row)
    if len(export.samples) < _SAMPLES:
        export.samples.append({key: str(cell or "").strip()[:40] for key, cell in cells.items()})


def _row(where: str, cells: dict[str, Any], latest: datetime, direct: bool) -> Row:
    said = {key: text_of(cells, key, FIELDS[key].title) for key in FIELDS if key in cells}
    text, name = said.get("text", ""), said.get("name", "")
    if not text:
        raise RowError("内容为空")
    sent = moment_of(cells.get("time"), "时间", latest)
    if sent is None:
        raise RowError("没有时间，请补上")
    edited = moment_of(cells.get("edited"), "修改时间", latest)
    name_id = said.get("citizen") or (f"name:{name}" if name else "")
    number = said.get("id") or _number(name_id, sent, text)
    kind = said.get("kind", "")
    return Row(
        where=where,
        external_id=number,
        citizen=name_id or f"anonymous:{number}",
        name=name,
        text=text,
        sent_at=sent.at,
        imprecise=sent.imprecise,
        edited_at=edited.at if edited else None,
        post=said.get("post", ""),
        thread=said.get("thread", ""),
        direct="私信" in kind or kind == "direct" or (direct and not kind),
    )


def _number(citizen: str, sent: Moment, text: str) -> str:
    return derived_id(citizen, sent, "", text)


def remembered(folder: Path, source: str) -> dict[str, str]:
    """The columns that were named last for a source. Raises KnowledgeFileError."""
    path = _memory(folder, source)
    try:
        kept = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except ValueError:
        kept = None
    if not isinstance(kept, dict):
        raise KnowledgeFileError(f"记住的列名 {path} 读不懂，请删除它，再指明各列。")
    return {key: str(name) for key, name in kept.items() if key in FIELDS}


def remember(folder: Path, source: str, chosen: Mapping[str, str]) -> None:
    """Keep which columns were named for a source, for its next file."""
    path = _memory(folder, source)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(chosen, ensure_ascii=False, indent=1), encoding="utf-8")


def _memory(folder: Path, source: str) -> Path:
    return folder / "mappings" / f"{source}.json"


def report_of(bad: Sequence[Skipped]) -> bytes:
    """The rows that were not taken and why, as a CSV file that spreadsheets open."""
    held = io.StringIO(newline="")
    writer = csv.writer(held)
    writer.writerow(("行", "原因"))
    writer.writerows((one.where, one.reason) for one in bad)
    return held.getvalue().encode("utf-8-sig")
