"""Reading exports of past messages and replies, and taking them into the office."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from typing import Any

from bot.channels.base import Outgoing
from bot.clock import SHANGHAI, Calendar
from bot.deadlines import Profile, due_for
from bot.evasion import find
from bot.tables import Broken, DayOnly, Sheet, records, sheets
from bot.triage import triage
from knowledge.tables import KnowledgeFileError
from storage import history
from storage.db import Database
from storage.history import PastCase, PastReply, Stored
from storage.ledger import audit

BATCH = 500
MAX_TEXT = 100_000
_HEADER_WITHIN = 20
_EARLIEST = datetime(1990, 1, 1, tzinfo=SHANGHAI)
_EXCEL_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001  (spreadsheets know no zones)

COLUMNS = {
    "id": "留言编号 编号 诉求编号 工单编号 工单号 信件编号 评论编号 id message_id",
    "user": "留言用户 用户 用户名 留言人 网友 网名 昵称 user user_name nickname author",
    "subject": "留言主题 主题 标题 留言标题 subject title",
    "time": "留言时间 时间 发布时间 提交时间 来信时间 评论时间 time sent_at created_at",
    "text": "留言详情 留言内容 内容 详情 正文 诉求内容 来信内容 评论内容 text content message",
    "reply": "答复意见 答复内容 答复 回复内容 回复意见 回复 官方回复 reply answer",
    "replied": "答复时间 回复时间 reply_time replied_at",
    "likes": "点赞数 点赞 支持数 likes",
    "dislikes": "反对数 反对 dislikes",
    "department": "承办单位 答复单位 办理单位 回复单位 department",
}
_ALIASES = {alias: key for key, names in COLUMNS.items() for alias in names.split()}
_MOMENT = re.compile(
    r"(\d{4})[-/.年](\d{1,2})[-/.月](\d{1,2})日?"
    r"(?:[ T]*(上午|下午|晚上)?(\d{1,2})[:时点](\d{1,2})分?(?::?(\d{1,2})(?:\.\d+)?秒?)?"
    r"(?: ?([AP]M))?)?(Z|[+-]\d{2}:?\d{2})?"
)
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]|_x000D_")


@dataclass(frozen=True, slots=True)
class Moment:
    """A time from an export; only its day is known when ``imprecise``."""

    at: datetime
    imprecise: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """One usable row; ``where`` names it for people."""

    where: str
    external_id: str
    user: str
    subject: str
    text: str
    sent: Moment
    reply: str
    replied: Moment | None
    likes: int | None
    dislikes: int | None
    department: str


@dataclass(frozen=True, slots=True)
class Skipped:
    """One row that was not taken, and why, in Chinese with the remedy."""

    where: str
    reason: str


@dataclass
class Reading:
    """All rows of a file: every one is a line or skipped."""

    lines: list[Line] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)

    @property
    def rows(self) -> int:
        return len(self.lines) + len(self.skipped)

    @property
    def imprecise(self) -> int:
        return sum(
            1
            for line in self.lines
            if line.sent.imprecise or (line.replied is not None and line.replied.imprecise)
        )


class RowError(ValueError):
    """Why a row cannot be taken, in Chinese."""


def read(path: Path, now: datetime | None = None) -> Reading:
    """Read an export (xlsx, csv, tsv, jsonl). Raises KnowledgeFileError when it is none."""
    latest = (now or datetime.now(UTC)) + timedelta(days=1)
    reading = Reading()
    first_seen: dict[str, str] = {}
    for where, row in _rows(path, reading):
        try:
            line = _line(where, row, latest)
            earlier = first_seen.setdefault(line.external_id, where)
            if earlier != where:
                raise RowError(f"留言编号 {line.external_id} 与{earlier}重复，只取前一行")
        except RowError as error:
            reading.skipped.append(Skipped(where, str(error)))
        else:
            reading.lines.append(line)
    return reading


def _rows(path: Path, reading: Reading) -> Iterator[tuple[str, dict[str, Any] | Broken]]:
    if path.suffix.lower() == ".jsonl":
        for number, record in records(path):
            yield f"第 {number} 行", record if isinstance(record, Broken) else _known(record)
        return
    usable = False
    for sheet in sheets(path):
        header = _header(sheet)
        if header is None:
            reading.unread.append(sheet.name)
            continue
        usable = True
        prefix = f"工作表“{sheet.name}”" if sheet.name else ""
        for number, cells in sheet.rows:
            yield f"{prefix}第 {number} 行", _pair(header, cells)
    if not usable:
        raise KnowledgeFileError(
            f"{path.name} 里找不到表头，至少要有“留言时间”和“留言详情”两列"
            "（留言编号、留言用户、留言主题、答复意见、答复时间可选）。"
        )


def _header(sheet: Sheet) -> list[str] | None:
    """The meaning of each column, from the first row that names a time and a text."""
    for tried, (_, cells) in enumerate(sheet.rows, 1):
        names = [_ALIASES.get(normal(cell), "") for cell in cells]
        if {"time", "text"} <= set(names):
            return [name if names.index(name) == at else "" for at, name in enumerate(names)]
        if tried >= _HEADER_WITHIN:
            break
    return None


def normal(cell: Any) -> str:
    """A column's title without what people write differently."""
    plain = unicodedata.normalize("NFKC", str(cell or "")).strip().lower()
    return re.sub(r"\s+", "_" if plain.isascii() else "", plain)


def _known(record: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in record.items():
        key = _ALIASES.get(normal(name))
        if key:
            found.setdefault(key, value)
    return found


def _pair(header: list[str], cells: list[Any]) -> dict[str, Any] | Broken:
    if any(cell not in (None, "") for cell in cells[len(header) :]):
        return Broken("单元格比表头多，可能是内容里的分隔符没有加引号，请核对这一行")
    return {name: cell for name, cell in zip(header, cells, strict=False) if name}


def _line(where: str, row: dict[str, Any] | Broken, latest: datetime) -> Line:
    if isinstance(row, Broken):
        raise RowError(row.reason)
    subject, text = text_of(row, "subject", "留言主题"), text_of(row, "text", "留言详情")
    user = text_of(row, "user", "留言用户")
    if not text and not subject:
        raise RowError("留言内容为空，请补上留言详情")
    sent = moment_of(row.get("time"), "留言时间", latest)
    if sent is None:
        raise RowError("没有留言时间，请补上")
    reply, replied = _reply(row, sent, latest)
    return Line(
        where=where,
        external_id=text_of(row, "id", "留言编号") or derived_id(user, sent, subject, text),
        user=user,
        subject=subject,
        text=text or subject,
        sent=sent,
        reply=reply,
        replied=replied,
        likes=_number(row.get("likes"), "点赞数"),
        dislikes=_number(row.get("dislikes"), "反对数"),
        department=text_of(row, "department", "承办单位"),
    )


def _reply(row: dict[str, Any], sent: Moment, latest: datetime) -> tuple[str, Moment | None]:
    text = text_of(row, "reply", "答复意见")
    replied = moment_of(row.get("replied"), "答复时间", latest)
    if not text and replied is None:
        return "", None
    if not text:
        raise RowError("有答复时间但没有答复意见，请补上答复意见，或删去时间")
    if replied is None:
        raise RowError("有答复意见但没有答复时间，请补上答复时间")
    if replied.imprecise:  # the last second of the day: never faster than it may have been
        replied = Moment(replied.at + timedelta(days=1, seconds=-1), imprecise=True)
    if replied.at < sent.at:
        raise RowError("答复时间早于留言时间，请核对两个时间")
    return text, replied


def text_of(row: dict[str, Any], key: str, title: str) -> str:
    """A cell as text; RowError for one that is broken or far too long."""
    value = row.get(key)
    if isinstance(value, Broken):
        raise RowError(f"{title}：{value.reason}")
    if value is None:
        return ""
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, DayOnly):
        value = value.day.date()
    plain = _CONTROL.sub("", str(value)).replace("\r\n", "\n").replace("\r", "\n").strip()
    if len(plain) > MAX_TEXT:
        raise RowError(f"{title}有 {len(plain)} 字，超过 {MAX_TEXT} 字，请核对是否几行并成了一格")
    return plain


def _number(value: Any, title: str) -> int | None:
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    try:
        number = int(str(value).strip().removesuffix(".0"))
    except ValueError:
        raise RowError(f"{title}不是整数，请改正") from None
    if not 0 <= number < 2**31:
        raise RowError(f"{title}超出范围，请改正")
    return number


def moment_of(value: Any, title: str, latest: datetime) -> Moment | None:
    """A cell as a time, None for an empty one; RowError for one that cannot be."""
    if value is None or (isinstance(value, str) and not value.strip()):
        return None
    if isinstance(value, Broken):
        raise RowError(f"{title}：{value.reason}")
    try:
        moment = parse_moment(value)
    except (ValueError, OverflowError):
        shown = str(value).strip()[:30]
        raise RowError(f"{title}“{shown}”认不出来，请写成 2019/3/8 23:27:13") from None
    if not _EARLIEST <= moment.at <= latest:
        raise RowError(f"{title} {moment.at:%Y-%m-%d} 不合常理，请核对")
    return moment


def parse_moment(value: Any) -> Moment:
    """A time in Asia/Shanghai from text, a spreadsheet's date or its serial number.

    Raises ValueError.
    """
    if isinstance(value, DayOnly):
        return Moment(value.day.replace(tzinfo=SHANGHAI), imprecise=True)
    if isinstance(value, datetime):
        return Moment(value.replace(tzinfo=value.tzinfo or SHANGHAI))
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise ValueError(value)
    plain = unicodedata.normalize("NFKC", str(value)).strip()
    if re.fullmatch(r"\d{5}(\.\d+)?", plain):
        return _from_serial(float(plain))
    if re.fullmatch(r"\d{10}(\d{3})?", plain):
        return Moment(datetime.fromtimestamp(int(plain[:10]), SHANGHAI))
    return _from_text(plain)


def _from_serial(days: float) -> Moment:
    seconds = round(days * 86400)
    at = (_EXCEL_EPOCH + timedelta(seconds=seconds)).replace(tzinfo=SHANGHAI)
    return Moment(at, imprecise=days.is_integer())


def _from_text(plain: str) -> Moment:
    found = _MOMENT.fullmatch(re.sub(r"\s+", " ", plain))
    if found is None:
        raise ValueError(plain)
    year, month, day, half, hour, minute, second, mark, zone = found.groups()
    at = datetime(int(year), int(month), int(day), tzinfo=SHANGHAI)
    if hour is None:
        return Moment(at, imprecise=True)
    hours = int(hour)
    if (half in ("下午", "晚上") or mark == "PM") and hours < 12:
        hours += 12
    elif mark == "AM" and hours == 12:
        hours = 0
    at = datetime.combine(at.date(), time(hours, int(minute), int(second or 0)), SHANGHAI)
    if zone:
        offset = datetime.fromisoformat(f"2000-01-01T00:00:00{zone}").tzinfo
        at = at.replace(tzinfo=offset)
    return Moment(at)


def derived_id(user: str, sent: Moment, subject: str, text: str) -> str:
    """An id for rows without one: the same message has the same id in every export."""
    whole = "\x1f".join((user, sent.at.isoformat(), subject, text))
    return "row-" + hashlib.sha256(whole.encode()).hexdigest()[:24]


def past_case(line: Line, profile: Profile, calendar: Calendar, strict: bool = False) -> PastCase:
    """What the desk would have made of the message on the day it was written.

    With ``strict`` a perfunctory reply is none, as if it had been sent from here.
    """
    verdict = triage(f"{line.subject}\n{line.text}")
    due = due_for(profile, verdict.category, line.sent.at, calendar)
    reply = None
    if line.replied is not None:
        payload = Outgoing(line.reply).to_json()
        found = find(line.reply, f"{line.subject}\n{line.text}")
        kind = str(found.kind) if found else ""
        reply = PastReply(payload, line.replied.at, line.replied.imprecise, kind, strict)
    return PastCase(
        external_id=line.external_id,
        citizen=line.user or f"anonymous:{line.external_id}",
        name=line.user or "匿名",
        subject=line.subject,
        text=line.text,
        sent_at=line.sent.at,
        imprecise=line.sent.imprecise,
        reply=reply,
        likes=line.likes,
        dislikes=line.dislikes,
        department=line.department,
        triage=verdict.kind,
        category=verdict.category,
        urgency=verdict.urgency,
        due_at=due.at,
        due_provisional=due.provisional,
        calendar_version=due.calendar_version,
        profile=profile.key,
    )


async def take_in(
    database: Database,
    account: str,
    lines: Sequence[Line],
    profile: Profile,
    calendar: Calendar,
    actor: str,
    advance: Callable[[int], None] = lambda _n: None,
    *,
    strict: bool = False,
) -> Stored:
    """Store lines in batches of one transaction each; running it again completes the rest."""
    async with database.write() as session:
        account_id = (await history.open_account(session, account, actor)).id or 0
    total = Stored()
    for start in range(0, len(lines), BATCH):
        lot = lines[start : start + BATCH]
        batch = [past_case(line, profile, calendar, strict) for line in lot]
        async with database.write() as session:
            total += await history.store(session, account_id, batch, actor)
        advance(len(batch))
    async with database.write() as session:
        audit(
            session,
            actor,
            "history.import",
            account,
            added=total.added,
            known=total.known,
            completed=total.completed,
            evasive=total.evasive,
            strict=strict,
        )
    return total
