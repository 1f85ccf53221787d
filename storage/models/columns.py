"""Column types shared by the tables."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from inspect import Signature
from typing import Any

from sqlalchemy import JSON, Column, DateTime, Dialect, Text
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


def _quick(make: Callable[[], Any]) -> Callable[[], Any]:
    """The same factory with its signature at hand: pydantic asks for it with every new row."""

    def made() -> Any:
        return make()

    made.__signature__ = Signature()  # type: ignore[attr-defined]
    return made


def moment(*, index: bool = False) -> Any:
    return Field(default_factory=_quick(utcnow), sa_type=UtcDateTime, index=index)


def moment_or_none(*, index: bool = False) -> Any:
    return Field(default=None, sa_type=UtcDateTime, index=index)


def json_column(default: Any) -> Any:
    return Field(default_factory=_quick(default), sa_column=Column(JSON, nullable=False))


def text_column() -> Any:
    return Field(default="", sa_column=Column(Text, nullable=False, default=""))
