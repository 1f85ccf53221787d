"""Conversations: accounts, citizens, cases and what was said and decided."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from storage.models.columns import json_column, moment, moment_or_none, text_column


class Account(SQLModel, table=True):
    """政务账号: one official account on one platform."""

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True)
    platform: str
    name: str
    sponsor: str = ""
    supervisor: str = ""
    responsible: str = ""
    description: str = text_column()
    state: str = "正常"
    review_steps: int = 1
    last_published_at: datetime | None = moment_or_none()
    created_at: datetime = moment()


class Citizen(SQLModel, table=True):
    """群众: known only by the platform's id and display name.

    ``heard_at`` is when they last did something in private that lets the account write to them.
    """

    __table_args__ = (UniqueConstraint("account_id", "external_id"),)

    id: int | None = Field(default=None, primary_key=True)
    account_id: int = Field(foreign_key="account.id")
    external_id: str
    display_name: str = ""
    reachable: bool = True
    heard_at: datetime | None = moment_or_none()
    created_at: datetime = moment()
    erased_at: datetime | None = moment_or_none()


class StepDone(SQLModel, table=True):
    """A step of 一件事 that a citizen ticked off; ``mark`` names bundle and step."""

    __tablename__ = "step_done"

    citizen_id: int = Field(foreign_key="citizen.id", primary_key=True)
    mark: str = Field(primary_key=True)
    at: datetime = moment()


class Post(SQLModel, table=True):
    """帖子: what an account published, as far as its title is known."""

    __table_args__ = (UniqueConstraint("account_id", "external_id"),)

    id: int | None = Field(default=None, primary_key=True)
    account_id: int = Field(foreign_key="account.id")
    external_id: str
    title: str = ""


class Crowd(SQLModel, table=True):
    """同问: the comments under one post that ask the same.

    They ask what the entry ``entry_id`` answers; where none does, about what the case
    ``head_id`` says.
    """

    __table_args__ = (UniqueConstraint("account_id", "post", "entry_id", "head_id"),)

    id: int | None = Field(default=None, primary_key=True)
    account_id: int = Field(foreign_key="account.id")
    post: str
    entry_id: str = ""
    head_id: int = 0
    created_at: datetime = moment()


class Case(SQLModel, table=True):
    """诉求: one matter of one citizen with one account; a projection of its events.

    ``version`` grows with every change of the conversation or the draft, so that an action
    taken on an outdated view can be refused. ``opened_at`` is where the clock starts;
    ``paused_at`` is since when it stands still; ``original_due_at`` is the due time promised at
    the start when ``due_at`` is another one by now. ``remind_at`` is when staff are reminded
    next, None while that is not worked out. ``excluded`` is the code of a confirmed exclusion,
    ``merged_into`` the case that is answered for this one too. ``comment`` and ``follow_up`` are
    what the citizen said of their grade. ``post`` is the platform's id of what is commented on,
    ``crowd_id`` the :class:`Crowd` that it waits in, ``pinned_id`` the delivery of the 置顶答复
    that it waits behind or was answered by last.
    """

    __table_args__ = (
        Index("ix_case_conversation", "account_id", "citizen_id", "thread", "state"),
        Index("ix_case_queue", "state", "urgency", "due_at"),
        Index("ix_case_remind", "state", "remind_at"),
        Index("ix_case_crowd", "crowd_id", "state"),
        Index("ix_case_pinned", "pinned_id", "state"),
    )

    id: int | None = Field(default=None, primary_key=True)
    account_id: int = Field(foreign_key="account.id", index=True)
    citizen_id: int = Field(foreign_key="citizen.id", index=True)
    kind: str = "direct"
    place: str = ""
    thread: str = ""
    post: str = ""
    crowd_id: int | None = None
    pinned_id: int | None = None
    reply_to: str = ""
    subject: str = text_column()
    state: str = "received"
    category: str = "咨询"
    urgency: int = 0
    department: str = ""
    assignee_id: int | None = Field(default=None, foreign_key="staff.id")
    version: int = 1
    opened_at: datetime = moment(index=True)
    due_at: datetime | None = moment_or_none()
    due_provisional: bool = False
    original_due_at: datetime | None = moment_or_none()
    paused_at: datetime | None = moment_or_none()
    remind_at: datetime | None = moment_or_none()
    calendar_version: str = ""
    profile: str = ""
    consider_at: datetime | None = moment_or_none(index=True)
    snoozed_until: datetime | None = moment_or_none()
    answered_at: datetime | None = moment_or_none(index=True)
    resolved_at: datetime | None = moment_or_none()
    entry_id: str = ""
    automatic: bool = False
    reason: str = ""
    grade: int | None = None
    comment: str = text_column()
    follow_up: str = text_column()
    excluded: str = ""
    merged_into: int | None = Field(default=None, index=True)
    updated_at: datetime = moment()


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
    text: str = text_column()
    attachments: list[dict[str, Any]] = json_column(list)
    version: int = 1
    considered: bool = False
    imprecise: bool = False
    likes: int | None = None
    dislikes: int | None = None
    sent_at: datetime = moment()
    received_at: datetime = moment()


class MessageVersion(SQLModel, table=True):
    """An earlier or later wording of an edited message; number 1 is the original."""

    __tablename__ = "message_version"
    __table_args__ = (UniqueConstraint("message_id", "number"),)

    id: int | None = Field(default=None, primary_key=True)
    message_id: int = Field(foreign_key="message.id")
    number: int
    text: str = text_column()
    sent_at: datetime = moment()
    received_at: datetime = moment()


class CaseEvent(SQLModel, table=True):
    """One fact of a case's history; never changed or removed, never holds personal data."""

    __tablename__ = "case_event"
    __table_args__ = (Index("ix_case_event_kind_at", "kind", "at"),)

    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="case.id", index=True)
    kind: str
    at: datetime = moment()
    recorded_at: datetime = moment(index=True)
    actor: str = "system"
    data: dict[str, Any] = json_column(dict)


class Draft(SQLModel, table=True):
    """拟答: a reply proposed for a case, with its evidence; or the choices of a clarification.

    ``candidates`` is a list of ``{"entry_id", "probability", "wording", "words", "notes"}``,
    best first; ``position`` is the one whose answer stands in ``text``.
    """

    id: int | None = Field(default=None, primary_key=True)
    case_id: int = Field(foreign_key="case.id", index=True)
    kind: str = "reply"
    state: str = "open"
    text: str = text_column()
    original: str = text_column()
    entry_id: str = ""
    probability: float = 0.0
    position: int = 0
    candidates: list[dict[str, Any]] = json_column(list)
    approvals: list[dict[str, Any]] = json_column(list)
    created_at: datetime = moment()
    decided_at: datetime | None = moment_or_none()
    decided_by: str = ""


class Delivery(SQLModel, table=True):
    """One outgoing message of the durable outbox.

    ``place`` is the platform's chat the message goes to: deliveries to one place leave in
    order. ``payload`` is a :class:`bot.channels.base.Outgoing` as JSON; ``context`` is what the
    desk needs to understand an answer to this message. ``post`` is what it stands under in public,
    ``left_at`` since when it counts among what the platform allows there.
    """

    __table_args__ = (
        Index("ix_delivery_due", "state", "due_at"),
        Index("ix_delivery_place", "account_id", "place", "state"),
        Index("ix_delivery_post", "account_id", "post", "left_at"),
    )

    id: int | None = Field(default=None, primary_key=True)
    account_id: int = Field(foreign_key="account.id")
    case_id: int | None = Field(default=None, foreign_key="case.id", index=True)
    purpose: str
    place: str
    post: str = ""
    payload: dict[str, Any] = json_column(dict)
    context: dict[str, Any] = json_column(dict)
    dedupe: str = Field(unique=True)
    state: str = "pending"
    attempts: int = 0
    due_at: datetime = moment()
    lease_until: datetime | None = moment_or_none()
    left_at: datetime | None = moment_or_none()
    external_id: str = Field(default="", index=True)
    error: str = ""
    created_at: datetime = moment()
    sent_at: datetime | None = moment_or_none()
