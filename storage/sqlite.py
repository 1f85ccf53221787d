"""SQLite as the office uses it: durable, and short statements without a detour."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import aiosqlite
from sqlalchemy import Connection, event
from sqlalchemy.engine import URL
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

_BRIEF: ContextVar[bool] = ContextVar("brief", default=False)
_WAITS = {"commit", "rollback"}
_TAKE_TURN = "BEGIN IMMEDIATE"
_AT_A_TIME = 64


@contextmanager
def brief() -> Iterator[None]:
    """Statements of this block run where they are asked for.

    For statements about few rows, which take less than the way to the driver's thread and back.
    """
    token = _BRIEF.set(True)
    try:
        yield
    finally:
        _BRIEF.reset(token)


def engine(url: URL) -> AsyncEngine:
    """An engine whose every connection is set up for the office."""
    made = create_async_engine(
        url, hide_parameters=True, connect_args={"async_creator_fn": _connect}
    )
    event.listen(made.sync_engine, "connect", _prepare)
    event.listen(made.sync_engine, "begin", _begin)
    return made


class _Connection(aiosqlite.Connection):
    """What waits for a disk or for another process never holds up the event loop."""

    async def _execute(self, fn: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        waits = fn.__name__ in _WAITS or _TAKE_TURN in args
        if waits or not _BRIEF.get():
            return await super()._execute(fn, *args, **kwargs)  # type: ignore[no-untyped-call]
        return fn(*args, **kwargs)


def _connect(database: str, **options: Any) -> _Connection:
    options["check_same_thread"] = False  # never two at once: each statement is awaited
    made = _Connection(lambda: sqlite3.connect(database, **options), _AT_A_TIME)
    made._thread.daemon = True
    return made


def _prepare(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # transactions begin in _begin, not in the driver
    cursor = connection.cursor()
    for pragma in (
        "journal_mode=WAL",
        "synchronous=FULL",
        "foreign_keys=ON",
        "busy_timeout=15000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin(connection: Connection) -> None:
    immediate = connection.get_execution_options().get("immediate")
    connection.exec_driver_sql(_TAKE_TURN if immediate else "BEGIN")
