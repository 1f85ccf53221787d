"""The knowledge base and what is kept to judge it by."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import Column, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from storage.models.columns import json_column, moment, moment_or_none, text_column


class EntryRow(SQLModel, table=True):
    """知识库条目 in its current revision; retired entries stay for the record."""

    __tablename__ = "entry"

    id: str = Field(primary_key=True)
    question: str = text_column()
    answer: str = text_column()
    similar: list[str] = json_column(list)
    department: str = ""
    topic: str = ""
    basis: str = text_column()
    links: list[dict[str, str]] = json_column(list)
    effective_on: date | None = None
    expires_on: date | None = None
    review_on: date | None = None
    automatic: bool = False
    version: int = 1
    retired: bool = False
    changed_at: datetime = moment(index=True)


class EntryRevision(SQLModel, table=True):
    """An entry as it stood at one version, and who put it there."""

    __tablename__ = "entry_revision"
    __table_args__ = (UniqueConstraint("entry_id", "version"),)

    id: int | None = Field(default=None, primary_key=True)
    entry_id: str = Field(foreign_key="entry.id")
    version: int
    snapshot: dict[str, Any] = json_column(dict)
    actor: str = "system"
    at: datetime = moment()


class GoldQuestion(SQLModel, table=True):
    """A saved question and the entry that must come first for it; none expected when empty."""

    __tablename__ = "gold_question"

    id: int | None = Field(default=None, primary_key=True)
    query: str = Field(sa_column=Column(Text, nullable=False, unique=True))
    entry_id: str = ""
    actor: str = "system"
    added_at: datetime = moment()


class Synonym(SQLModel, table=True):
    """A word of the office's own and its kin; see knowledge.lexicon."""

    __tablename__ = "synonym"

    id: int | None = Field(default=None, primary_key=True)
    word: str = Field(unique=True)
    kin: str = ""
    actor: str = "system"
    changed_at: datetime = moment()


class ScreenWord(SQLModel, table=True):
    """What the office ruled about a word in replies; see knowledge.screen.Ruling."""

    __tablename__ = "screen_word"

    id: int | None = Field(default=None, primary_key=True)
    word: str = Field(unique=True)
    verdict: str
    advice: str = ""
    actor: str = "system"
    changed_at: datetime = moment()


class ProposalDecision(SQLModel, table=True):
    """That a person accepted or rejected what the program proposed to learn; see its ``key``."""

    __tablename__ = "proposal_decision"

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True)
    accepted: bool
    actor: str = "system"
    at: datetime = moment()


class Suggestion(SQLModel, table=True):
    """A 相似问 that a member of staff proposes; what came of it is the decision of this key."""

    __tablename__ = "suggestion"

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True)
    wording: str
    entry_id: str
    staff_id: int = Field(foreign_key="staff.id", index=True)
    at: datetime = moment()


class LinkCheck(SQLModel, table=True):
    """What came of opening a service link (办事入口) last; ``failing_since`` is the first failure
    in a row."""

    __tablename__ = "link_check"

    url: str = Field(primary_key=True)
    reachable: bool
    problem: str = ""
    checked_at: datetime = moment()
    failing_since: datetime | None = moment_or_none()


class LinkOpen(SQLModel, table=True):
    """How often citizens of an account opened one link of an entry on a day in China; nothing of
    who they are. ``mark`` names the link."""

    __tablename__ = "link_open"

    day: date = Field(primary_key=True)
    entry_id: str = Field(primary_key=True)
    account: str = Field(primary_key=True)
    mark: str = Field(primary_key=True)
    opened: int = 0


class MenuPlace(SQLModel, table=True):
    """Where a topic or an entry stands in the service menu; see storage.menu for the names."""

    __tablename__ = "menu_place"

    name: str = Field(primary_key=True)
    place: int
