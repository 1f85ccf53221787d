"""The console's own memory: how staff sign in, what they noted, how they look at the queue."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from storage.models.columns import json_column, moment, moment_or_none, text_column


class Credential(SQLModel, table=True):
    """How a member of staff proves who they are; no password is kept, only its argon2 hash.

    ``temporary`` is a password somebody else chose. ``totp_step`` is the newest time step whose
    code was used: none is taken twice. ``totp_offered`` is a secret not confirmed yet.
    """

    staff_id: int = Field(foreign_key="staff.id", primary_key=True)
    password_hash: str
    temporary: bool = True
    changed_at: datetime = moment()
    failures: int = 0
    locked_until: datetime | None = moment_or_none()
    totp_secret: str = ""
    totp_offered: str = ""
    totp_step: int = 0


class StaffSession(SQLModel, table=True):
    """A browser somebody signed in with; ``mark`` is a keyed hash of its cookie.

    ``stage`` is what is still to be done before work. ``active_at`` is the last thing the person
    did, ``seen_at`` the last sign of the open page, ``case_id`` the case on it. Not backed up: a
    restored office asks everybody to sign in.
    """

    __tablename__ = "staff_session"
    __table_args__ = {"info": {"derived": True}}

    id: int | None = Field(default=None, primary_key=True)
    mark: str = Field(unique=True)
    staff_id: int = Field(foreign_key="staff.id", index=True)
    stage: str
    created_at: datetime = moment()
    active_at: datetime = moment()
    expires_at: datetime = moment()
    seen_at: datetime | None = moment_or_none()
    case_id: int | None = Field(default=None, index=True)


class CaseNote(SQLModel, table=True):
    """内部备注 on a case, for colleagues only; erased with the citizen."""

    __tablename__ = "case_note"

    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="case.id", index=True)
    staff_id: int = Field(foreign_key="staff.id")
    text: str = text_column()
    mentions: list[int] = json_column(list)
    at: datetime = moment()


class SavedView(SQLModel, table=True):
    """Filters of the queue that a person kept under a name."""

    __tablename__ = "saved_view"

    id: int | None = Field(default=None, primary_key=True)
    staff_id: int = Field(foreign_key="staff.id", index=True)
    name: str
    filters: dict[str, Any] = json_column(dict)


class Phrase(SQLModel, table=True):
    """常用语 for replies: its writer's own, of a department or for everybody (``scope``).

    ``used`` is how often it was put into a reply; placeholders stand in it as they are typed.
    """

    __tablename__ = "phrase"

    id: int | None = Field(default=None, primary_key=True)
    staff_id: int = Field(foreign_key="staff.id", index=True)
    scope: str
    department: str = ""
    title: str
    text: str = text_column()
    active: bool = True
    used: int = 0
    version: int = 1
    actor: str = "system"
    changed_at: datetime = moment()
