"""The register of 政务账号 from a table, also of accounts that this program does not answer for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

from bot.history import parse_moment
from bot.tables import Broken, records, sheets
from knowledge.tables import KnowledgeFileError

COLUMNS = {
    "key": "账号标识 标识 编号 key",
    "name": "账号名称 账号 名称 name",
    "platform": "平台 渠道 platform",
    "sponsor": "主办单位 开办单位 sponsor",
    "supervisor": "主管单位 supervisor",
    "responsible": "责任人 负责人 responsible",
    "description": "账号简介 简介 功能介绍 description",
    "state": "状态 state",
    "last_published_at": "最后发布时间 最后更新时间 最后更新 last_published_at",
}
_ALIASES = {alias: name for name, aliases in COLUMNS.items() for alias in aliases.split()}
_LONGEST = 2_000


@dataclass
class Register:
    """Usable rows by account key, and what is wrong with the others."""

    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


def read_register(path: Path, now: datetime) -> Register:
    """Read a table (xlsx, csv, tsv, jsonl). Raises KnowledgeFileError when it is none."""
    found = Register()
    for where, row in _rows(path):
        try:
            key, told = _account(row, now)
            if key in found.rows:
                raise ValueError(f"账号“{key}”写了两行，只取前一行")
            found.rows[key] = told
        except ValueError as error:
            found.problems.append(f"{where}：{error}")
    return found


def _rows(path: Path) -> Iterator[tuple[str, dict[str, Any]]]:
    if path.suffix.lower() == ".jsonl":
        for number, record in records(path):
            named = {} if isinstance(record, Broken) else record
            yield f"第 {number} 行", {_ALIASES.get(key, ""): one for key, one in named.items()}
        return
    usable = False
    for sheet in sheets(path):
        header: list[str] | None = None
        for number, cells in sheet.rows:
            if header is None:
                names = [_ALIASES.get(str(cell or "").strip(), "") for cell in cells]
                header = names if {"name", "platform"} <= set(names) else None
                usable |= header is not None
                continue
            yield f"第 {number} 行", dict(zip(header, cells, strict=False))
    if not usable:
        raise KnowledgeFileError(
            f"{path.name} 里找不到表头，至少要有“账号名称”和“平台”两列"
            "（主办单位、主管单位、责任人、账号简介、状态、最后发布时间可选）。"
        )


def _account(row: dict[str, Any], now: datetime) -> tuple[str, dict[str, Any]]:
    texts = {name: _text(row.get(name)) for name in COLUMNS if name != "last_published_at"}
    if not texts["name"] or not texts["platform"]:
        raise ValueError("账号名称和平台都要填")
    key = texts.pop("key") or texts["name"]
    told: dict[str, Any] = {name: text for name, text in texts.items() if text}
    published = row.get("last_published_at")
    if _text(published):
        told["last_published_at"] = _published(published, now)
    return key, told


def _text(value: Any) -> str:
    if isinstance(value, Broken):
        raise ValueError(value.reason)
    text = "" if value is None else str(value).strip()
    if len(text) > _LONGEST:
        raise ValueError(f"有一格超过 {_LONGEST} 字，请核对")
    return text


def _published(value: Any, now: datetime) -> datetime:
    try:
        at = parse_moment(value).at
    except (ValueError, OverflowError):
        raise ValueError(f"最后发布时间“{_text(value)[:30]}”认不出来，请写成 2026-01-31") from None
    if at > now:
        raise ValueError("最后发布时间晚于现在，请核对")
    return at
