"""What reports are worked out from, and the seals on the ledger behind it.

The tables marked as derived hold nothing that the ledger does not: they are not backed up, and
are filled again from the queue, which a trigger on the ledger feeds.
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

from sqlalchemy import BigInteger, Column, Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from storage.models.columns import json_column, moment

DERIVED: dict[str, Any] = {"info": {"derived": True}}


def _key() -> Any:
    return Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))


def _number() -> Any:
    return Field(sa_column=Column(BigInteger, nullable=False))


class FigureQueue(SQLModel, table=True):
    """An event whose case has not been folded into the facts yet."""

    __tablename__ = "figure_queue"
    __table_args__ = DERIVED

    case_id: int = _key()
    event_id: int = _key()


class FigureWord(SQLModel, table=True):
    """A word that facts hold by its number."""

    __tablename__ = "figure_word"
    __table_args__ = (UniqueConstraint("word"), DERIVED)

    id: int = _key()
    word: str


class TurnFact(SQLModel, table=True):
    """One turn as numbers; `bot.facts` says what they mean."""

    __tablename__ = "turn_fact"
    __table_args__ = (
        Index("ix_turn_fact_start", "start"),
        Index("ix_turn_fact_stop", "stop"),
        DERIVED,
    )

    case_id: int = _key()
    number: int = _key()
    account_id: int = _number()
    department: int = _number()
    person: int = _number()
    category: int = _number()
    start: int = _number()
    stop: int = _number()
    exclusion: int = _number()
    marks: int = _number()
    tallies: int = _number()
    accepted: int = _number()


class TurnChange(SQLModel, table=True):
    """What changed during a turn, as numbers."""

    __tablename__ = "turn_change"
    __table_args__ = DERIVED

    case_id: int = _key()
    turn: int = _key()
    number: int = _key()
    kind: int = _number()
    at: int = _number()
    until: int = _number()
    value: int = _number()


class TurnBlock(SQLModel, table=True):
    """The facts and changes of many cases as bytes; `storage.blocks` says how."""

    __tablename__ = "turn_block"
    __table_args__ = DERIVED

    number: int = _key()
    form: int = _number()
    turns: bytes
    changes: bytes


class Seal(SQLModel, table=True):
    """The events recorded on one day in China, closed by a digest that includes the day before.

    ``cases`` has a digest for each case with an event that day; never changed or removed.
    """

    day: date = Field(primary_key=True)
    events: int
    opened: int
    cases: dict[str, str] = json_column(dict)
    previous: str
    digest: str
    sealed_at: datetime = moment()
