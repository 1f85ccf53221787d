"""People of the office, what they did, what waits for one of them, and jobs."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Column, Index, String
from sqlmodel import Field, SQLModel

from storage.models.columns import json_column, moment, moment_or_none, text_column


class Staff(SQLModel, table=True):
    """工作人员 with a role: 坐席, 审核, 主管 or 管理员.

    ``accounts`` (keys) and ``departments`` are the only ones whose cases the person works on;
    empty for all.
    """

    id: int | None = Field(default=None, primary_key=True)
    login: str = Field(unique=True)
    display_name: str
    role: str = "坐席"
    department: str = ""
    telegram_id: str | None = Field(default=None, sa_column=Column(String, unique=True))
    active: bool = True
    accounts: list[str] = json_column(list)
    departments: list[str] = json_column(list)
    created_at: datetime = moment()


class Task(SQLModel, table=True):
    """事项: something about a case that waits for a second person, or for a moment.

    ``text`` is what the one who asked wrote, ``outcome`` what the one who decided wrote; both
    are erased with the citizen. ``due_at`` is when it ends by itself, or must be done;
    ``remind_at`` as of a case.
    """

    __table_args__ = (Index("ix_task_open", "state", "kind", "due_at"),)

    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="case.id", index=True)
    kind: str
    state: str = "open"
    text: str = text_column()
    data: dict[str, Any] = json_column(dict)
    asked_by: int | None = Field(default=None, foreign_key="staff.id")
    due_at: datetime | None = moment_or_none()
    remind_at: datetime | None = moment_or_none()
    outcome: str = text_column()
    decided_by: int | None = Field(default=None, foreign_key="staff.id")
    decided_at: datetime | None = moment_or_none()
    created_at: datetime = moment()


class AuditRecord(SQLModel, table=True):
    """One action of a person or the system; never changed or removed."""

    __tablename__ = "audit"

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = moment(index=True)
    actor: str
    action: str
    target: str = ""
    data: dict[str, Any] = json_column(dict)


class JobRun(SQLModel, table=True):
    """The last due time at which a scheduled job ran, so that a missed run is made up once."""

    __tablename__ = "job_run"

    name: str = Field(primary_key=True)
    last_due_at: datetime = moment()
