"""Engine, sessions and migrations of the one database."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager, asynccontextmanager, nullcontext
from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlmodel.ext.asyncio.session import AsyncSession

from storage import sqlite

MIGRATIONS = Path(__file__).parent / "migrations"
DRIVERS = {"sqlite": "sqlite+aiosqlite", "postgresql": "postgresql+asyncpg"}


class DatabaseUrlError(ValueError):
    """The database address cannot be used; the text says what to write instead."""


class Database:
    """The office's database: SQLite in WAL mode or PostgreSQL, by URL.

    ``read()`` and ``write()`` give sessions; a write session commits when its block ends
    without an exception. On SQLite writers queue inside the process and take the write lock
    at once, so that no transaction fails half-way for want of it. Errors never show the values
    of a statement: they may be what a citizen wrote. A ``brief`` session's statements are each
    about few rows, found by an index.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.engine = _engine(url)
        self.is_sqlite = self.engine.dialect.name == "sqlite"
        self._writer = self.engine.execution_options(immediate=True)
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def read(self, *, brief: bool = False) -> AsyncIterator[AsyncSession]:
        """A session for looking only; nothing it changes is kept."""
        with self._brief(brief):
            async with AsyncSession(self.engine, expire_on_commit=False) as session:
                yield session

    @asynccontextmanager
    async def write(self, *, brief: bool = False) -> AsyncIterator[AsyncSession]:
        """One transaction: all of it is kept or none. Never nest."""
        turn = self._turn if self.is_sqlite else nullcontext()
        async with turn:
            with self._brief(brief):
                async with self._session() as session:
                    yield session

    @asynccontextmanager
    async def write_alone(self) -> AsyncIterator[AsyncSession]:
        """One transaction that waits until no other process is in one of this kind."""
        async with self.write() as session:
            await _alone(await session.connection())
            yield session

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncConnection]:
        """A connection to which the database stands still, for looking only."""
        engine = self.engine
        if not self.is_sqlite:
            engine = engine.execution_options(isolation_level="REPEATABLE READ")
        async with engine.connect() as connection, connection.begin():
            yield connection

    def _brief(self, wanted: bool) -> AbstractContextManager[None]:
        return sqlite.brief() if wanted and self.is_sqlite else nullcontext()

    @asynccontextmanager
    async def _session(self) -> AsyncIterator[AsyncSession]:
        async with AsyncSession(self._writer, expire_on_commit=False) as session, session.begin():
            yield session

    async def upgrade(self) -> None:
        """Bring the tables to the newest revision; a no-op when they are there already.

        Processes that start together take turns.
        """
        async with self._writer.connect() as connection:
            await _alone(connection)
            await connection.run_sync(_upgrade)
            await connection.commit()

    async def close(self) -> None:
        await self.engine.dispose()


async def _alone(connection: AsyncConnection) -> None:
    """Hold off other processes until the transaction ends; on SQLite its first statement does."""
    postgresql = connection.dialect.name == "postgresql"
    statement = "SELECT pg_advisory_xact_lock(hashtext('wenban'))" if postgresql else "SELECT 1"
    await connection.execute(text(statement))


def migration_config(connection: Connection | None = None) -> Config:
    """Alembic's configuration; with a connection, it runs on that one."""
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    if connection is not None:
        config.attributes["connection"] = connection
    return config


def _upgrade(connection: Connection) -> None:
    command.upgrade(migration_config(connection), "head")


def _engine(url: str) -> AsyncEngine:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise DatabaseUrlError(
            "数据库地址无法识别，请写成 sqlite+aiosqlite:///路径 或 postgresql+asyncpg://用户@主机/库名"
        ) from None
    driver = DRIVERS.get(parsed.get_backend_name())
    if driver is None:
        raise DatabaseUrlError(f"不支持 {parsed.get_backend_name()}，请改用 SQLite 或 PostgreSQL")
    parsed = parsed.set(drivername=driver)
    if parsed.get_backend_name() == "postgresql":
        return create_async_engine(parsed, pool_size=10, pool_pre_ping=True, hide_parameters=True)
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    return sqlite.engine(parsed)
