"""What tests of the command line share; the fixture is in tests/bot/conftest.py."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from sqlmodel import SQLModel, col, select

from storage.db import Database
from storage.models import AuditRecord

Row = TypeVar("Row", bound=SQLModel)
Run = Callable[..., tuple[int, str, str]]


def file(name: str, text: str) -> Path:
    path = Path(name)
    path.write_text(text, encoding="utf-8")
    return path


def audits(database_url: str) -> list[tuple[str, str, dict[str, Any]]]:
    async def read() -> list[tuple[str, str, dict[str, Any]]]:
        database = Database(database_url)
        async with database.read() as session:
            found = list(await session.exec(select(AuditRecord).order_by(col(AuditRecord.id))))
        await database.close()
        return [(one.actor, one.action, one.data) for one in found]

    return asyncio.run(read())


def rows(database_url: str, table: type[Row]) -> list[Row]:
    """Everything a table holds, oldest first."""

    async def read() -> list[Row]:
        database = Database(database_url)
        async with database.read() as session:
            found = list(await session.exec(select(table)))
        await database.close()
        return found

    return sorted(asyncio.run(read()), key=lambda one: getattr(one, "id", 0) or 0)
