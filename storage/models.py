"""What the office remembers, as SQLModel tables.

Enumerations are stored by value in plain string columns; moments are aware UTC datetimes;
platform ids are strings, so that no platform's number range matters.
"""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

from sqlalchemy import JSON, Column, DateTime, Dialect, Index, String, Text, UniqueConstraint
from sqlalchemy.types import TypeDecorator
from sqlmodel import Field, SQLModel

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}
SQLModel.metadata.naming_convention = NAMING


def utcnow() -> datetime:
    """The present moment, aware, in UTC."""
    return datetime.now(UTC)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime kept in UTC; SQLite stores no zone, so it is put back on load."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("naive datetime refused")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def _moment(*, index: bool = False) -> Any:
    return Field(default_factory=utcnow, sa_type=UtcDateTime, index=index)


def _moment_or_none(*, index: bool = False) -> Any:
    return Field(default=None, sa_type=UtcDateTime, index=index)


def _json(default: Any) -> Any:
    return Field(default_factory=default, sa_column=Column(JSON, nullable=False))


def _text() -> Any:
    return Field(default="", sa_column=Column(Text, nullable=False, default=""))


class Account(SQLModel, table=True):
    """政务账号: one official account on one platform."""

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True)
    platform: str
    name: str
    sponsor: str = ""
    supervisor: str = ""
    responsible: str = ""
    state: str = "正常"
    review_steps: int = 1
    last_published_at: datetime | None = _moment_or_none()
    created_at: datetime = _moment()


class Citizen(SQLModel, table=True):
    """群众: known only by the platform's id and display name."""

    __table_args__ = (UniqueConstraint("account_id", "external_id"),)

    id: int | None = Field(default=None, primary_key=True)
    account_id: int = Field(foreign_key="account.id")
    external_id: str
    display_name: str = ""
    reachable: bool = True
    created_at: datetime = _moment()
    erased_at: datetime | None = _moment_or_none()


class Case(SQLModel, table=True):
    """诉求: one matter of one citizen with one account; a projection of its events.

    ``version`` grows with every change of the conversation or the draft, so that an action
    taken on an outdated view can be refused. ``opened_at`` is where the clock starts.
    """

    __table_args__ = (
        Index("ix_case_conversation", "account_id", "citizen_id", "thread", "state"),
        Index("ix_case_queue", "state", "urgency", "due_at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    account_id: int = Field(foreign_key="account.id", index=True)
    citizen_id: int = Field(foreign_key="citizen.id", index=True)
    kind: str = "direct"
    place: str = ""
    thread: str = ""
    reply_to: str = ""
    subject: str = _text()
    state: str = "received"
    category: str = "咨询"
    urgency: int = 0
    department: str = ""
    assignee_id: int | None = Field(default=None, foreign_key="staff.id")
    version: int = 1
    opened_at: datetime = _moment(index=True)
    due_at: datetime | None = _moment_or_none()
    due_provisional: bool = False
    calendar_version: str = ""
    profile: str = ""
    consider_at: datetime | None = _moment_or_none(index=True)
    snoozed_until: datetime | None = _moment_or_none()
    answered_at: datetime | None = _moment_or_none(index=True)
    resolved_at: datetime | None = _moment_or_none()
    entry_id: str = ""
    automatic: bool = False
    reason: str = ""
    grade: int | None = None
    updated_at: datetime = _moment()


class Message(SQLModel, table=True):
    """留言: one inbound text in its current wording; earlier wordings are versions.

    ``considered`` says that the desk has taken the message into a decision.
    """

    __table_args__ = (UniqueConstraint("account_id", "external_id"),)

    id: int | None = Field(default=None, primary_key=True)
    account_id: int = Field(foreign_key="account.id")
    citizen_id: int = Field(foreign_key="citizen.id", index=True)
    case_id: int = Field(foreign_key="case.id", index=True)
    external_id: str
    kind: str = "direct"
    text: str = _text()
    attachments: list[dict[str, Any]] = _json(list)
    version: int = 1
    considered: bool = False
    imprecise: bool = False
    likes: int | None = None
    dislikes: int | None = None
    sent_at: datetime = _moment()
    received_at: datetime = _moment()


class MessageVersion(SQLModel, table=True):
    """An earlier or later wording of an edited message; number 1 is the original."""

    __tablename__ = "message_version"
    __table_args__ = (UniqueConstraint("message_id", "number"),)

    id: int | None = Field(default=None, primary_key=True)
    message_id: int = Field(foreign_key="message.id")
    number: int
    text: str = _text()
    sent_at: datetime = _moment()
    received_at: datetime = _moment()


class CaseEvent(SQLModel, table=True):
    """One fact of a case's history; never changed or removed, never holds personal data."""

    __tablename__ = "case_event"
    __table_args__ = (Index("ix_case_event_kind_at", "kind", "at"),)

    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="case.id", index=True)
    kind: str
    at: datetime = _moment()
    recorded_at: datetime = _moment()
    actor: str = "system"
    data: dict[str, Any] = _json(dict)


class Draft(SQLModel, table=True):
    """拟答: a reply proposed for a case, with its evidence; or the choices of a clarification.

    ``candidates`` is a list of ``{"entry_id", "probability", "wording", "words", "notes"}``,
    best first; ``position`` is the one whose answer stands in ``text``.
    """

    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="case.id", index=True)
    kind: str = "reply"
    state: str = "open"
    text: str = _text()
    original: str = _text()
    entry_id: str = ""
    probability: float = 0.0
    position: int = 0
    candidates: list[dict[str, Any]] = _json(list)
    approvals: list[dict[str, Any]] = _json(list)
    created_at: datetime = _moment()
    decided_at: datetime | None = _moment_or_none()
    decided_by: str = ""


class Delivery(SQLModel, table=True):
    """One outgoing message of the durable outbox.

    ``place`` is the platform's chat the message goes to: deliveries to one place leave in
    order. ``payload`` is a :class:`bot.channels.base.Outgoing` as JSON; ``context`` is what the
    desk needs to understand an answer to this message.
    """

    __table_args__ = (
        Index("ix_delivery_due", "state", "due_at"),
        Index("ix_delivery_place", "account_id", "place", "state"),
    )

    id: int | None = Field(default=None, primary_key=True)
    account_id: int = Field(foreign_key="account.id")
    case_id: int | None = Field(default=None, foreign_key="case.id", index=True)
    purpose: str
    place: str
    payload: dict[str, Any] = _json(dict)
    context: dict[str, Any] = _json(dict)
    dedupe: str = Field(unique=True)
    state: str = "pending"
    attempts: int = 0
    due_at: datetime = _moment()
    lease_until: datetime | None = _moment_or_none()
    external_id: str = Field(default="", index=True)
    error: str = ""
    created_at: datetime = _moment()
    sent_at: datetime | None = _moment_or_none()


class EntryRow(SQLModel, table=True):
    """知识库条目 in its current revision; retired entries stay for the record."""

    __tablename__ = "entry"

    id: str = Field(primary_key=True)
    question: str = _text()
    answer: str = _text()
    similar: list[str] = _json(list)
    department: str = ""
    topic: str = ""
    basis: str = _text()
    links: list[dict[str, str]] = _json(list)
    effective_on: date | None = None
    expires_on: date | None = None
    review_on: date | None = None
    automatic: bool = False
    version: int = 1
    retired: bool = False
    changed_at: datetime = _moment(index=True)


class EntryRevision(SQLModel, table=True):
    """An entry as it stood at one version, and who put it there."""

    __tablename__ = "entry_revision"
    __table_args__ = (UniqueConstraint("entry_id", "version"),)

    id: int | None = Field(default=None, primary_key=True)
    entry_id: str = Field(foreign_key="entry.id")
    version: int
    snapshot: dict[str, Any] = _json(dict)
    actor: str = "system"
    at: datetime = _moment()


class GoldQuestion(SQLModel, table=True):
    """A saved question and the entry that must come first for it; none expected when empty."""

    __tablename__ = "gold_question"

    id: int | None = Field(default=None, primary_key=True)
    query: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    entry_id: str = ""
    actor: str = "system"
    added_at: datetime = _moment()


class Staff(SQLModel, table=True):
    """工作人员 with a role: 坐席, 审核, 主管 or 管理员."""

    id: int | None = Field(default=None, primary_key=True)
    login: str = Field(unique=True)
    display_name: str
    role: str = "坐席"
    department: str = ""
    telegram_id: str | None = Field(default=None, sa_column=Column(String, unique=True))
    active: bool = True
    created_at: datetime = _moment()


class AuditRecord(SQLModel, table=True):
    """One action of a person or the system; never changed or removed."""

    __tablename__ = "audit"

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = _moment(index=True)
    actor: str
    action: str
    target: str = ""
    data: dict[str, Any] = _json(dict)


class JobRun(SQLModel, table=True):
    """The last due time at which a scheduled job ran, so that a missed run is made up once."""

    __tablename__ = "job_run"

    name: str = Field(primary_key=True)
    last_due_at: datetime = _moment()
