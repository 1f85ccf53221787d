"""Looking through the audit: who did what, to which case, when. Nobody can change it."""

from __future__ import annotations

import asyncio
import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.clock import SHANGHAI
from bot.desk.deeds import LABELS, SENDERS, deed
from bot.desk.desktop import DECIDERS
from bot.desk.office import DeskError, Office
from bot.desk.supervision import Document
from knowledge.masking import mask
from storage import audit as records
from storage import inbox, people
from storage.audit import Sought
from storage.ledger import audit
from storage.models import AuditRecord, Staff

PAGE = 50
MOST = 50_000
_FORMS = ("xlsx", "csv")
_HEAD = ("时间（北京时间）", "谁", "做了什么", "代码", "对象", "详情")
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_LONGEST = 400


@dataclass(frozen=True, slots=True)
class Deed:
    """One record in words; ``case_id`` is the case it is about, if any."""

    number: int
    at: datetime
    who: str
    what: str
    action: str
    target: str
    details: str
    case_id: int | None


@dataclass(frozen=True, slots=True)
class DeedPage:
    """Some records; ``older`` is before which number the next ones stand, None for no more."""

    deeds: Sequence[Deed]
    older: int | None


class Auditing:
    """For 主管 and 管理员 whose reach is not limited: the audit knows no departments.

    Raises DeskError for anybody else.
    """

    def __init__(self, office: Office) -> None:
        self._office = office

    async def page(self, staff: Staff, sought: Sought, before: int | None = None) -> DeedPage:
        """PAGE records, newest first."""
        _check(staff)
        async with self._office.db.read() as session:
            rows = await records.page(session, sought, before, PAGE + 1)
            names = await inbox.everyone(session)
        older = rows[PAGE - 1].id if len(rows) > PAGE else None
        return DeedPage([_told(row, names) for row in rows[:PAGE]], older)

    async def actors(self, staff: Staff) -> dict[str, str]:
        """Whose deeds can be looked for."""
        _check(staff)
        async with self._office.db.read() as session:
            known = await people.everyone(session)
        return {f"staff:{one.id}": f"{one.display_name}（{one.login}）" for one in known} | SENDERS

    async def export(self, staff: Staff, sought: Sought, form: str) -> Document:
        """The newest MOST records as xlsx or csv; that they were taken is itself recorded."""
        _check(staff)
        if form not in _FORMS:
            raise DeskError("没有这种格式，请选 xlsx 或 csv。")
        async with self._office.db.read() as session:
            names = await inbox.everyone(session)
            rows = [_row(_told(one, names)) async for one in records.walk(session, sought, MOST)]
        async with self._office.db.write() as session:
            audit(session, f"staff:{staff.id}", "audit.export", form, rows=len(rows))
        content = await asyncio.to_thread(_xlsx if form == "xlsx" else _csv, rows)
        return Document(f"审计记录_{self._office.today()}.{form}", content)


def _check(staff: Staff) -> None:
    if staff.role not in DECIDERS:
        raise DeskError("审计要由主管或管理员查看。")
    if staff.accounts or staff.departments:
        raise DeskError("审计不分单位，只给不限范围的主管和管理员看。")


def _told(row: AuditRecord, names: Mapping[int, str]) -> Deed:
    return Deed(
        number=row.id or 0,
        at=row.at,
        who=_who(row.actor, names),
        what=deed(row.action),
        action=row.action,
        target=mask(row.target),
        details=_details(row.data),
        case_id=_case(row),
    )


def _who(actor: str, names: Mapping[int, str]) -> str:
    kind, _, rest = actor.partition(":")
    if kind == "staff" and rest.isdigit():
        return names.get(int(rest), "已删除的人员")
    return f"命令行（{rest}）" if kind == "os" else SENDERS.get(actor, actor)


def _case(row: AuditRecord) -> int | None:
    if row.action.startswith("case.") and row.target.isdigit():
        return int(row.target)
    named = row.data.get("case")
    return named if isinstance(named, int) else None


def _details(data: Mapping[str, Any]) -> str:
    said = ((name, value) for name, value in data.items() if value not in (None, "", []))
    told = "；".join(f"{LABELS.get(name, name)} {_plain(value)}" for name, value in said)
    return mask(told)[:_LONGEST]


def _plain(value: Any) -> str:
    if isinstance(value, list):
        return "、".join(map(str, value))
    return ("否", "是")[value] if isinstance(value, bool) else str(value)


def _row(one: Deed) -> tuple[Any, ...]:
    return one.at.astimezone(SHANGHAI), one.who, one.what, one.action, one.target, one.details


def _csv(rows: Sequence[tuple[Any, ...]]) -> bytes:
    """With a mark, so that Excel reads it as UTF-8; text that would be a formula is quoted."""
    file = io.StringIO(newline="")
    writer = csv.writer(file)
    writer.writerow(_HEAD)
    for at, *rest in rows:
        writer.writerow([f"{at:%Y-%m-%d %H:%M:%S}", *map(_harmless, rest)])
    return file.getvalue().encode("utf-8-sig")


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def _xlsx(rows: Sequence[tuple[Any, ...]]) -> bytes:
    from bot.reports.sheets import MOMENT, Book, Field

    book = Book()
    fields = [Field(_HEAD[0], MOMENT), *(Field(name) for name in _HEAD[1:-1])]
    fields.append(Field(_HEAD[-1], width=60, wrap=True))
    book.sheet("审计记录").table(fields, rows)
    return book.content()
