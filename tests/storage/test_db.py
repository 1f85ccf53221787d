"""Migrations, sessions, and what the database itself refuses."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel, select

from storage.db import Database, DatabaseUrlError, migration_config
from storage.ledger import audit, events, record
from storage.models import Account, AuditRecord, Case, Citizen
from storage.terms import EventKind

_NOW = "'2026-06-01 01:00:00.000000'"
_OLD = (
    f"INSERT INTO account VALUES (1, 'a', 'web', '甲', '', '', '', '正常', 1, NULL, {_NOW})",
    f"INSERT INTO citizen VALUES (1, 1, '1', '', 1, {_NOW}, NULL)",
    'INSERT INTO "case" (id, account_id, citizen_id, kind, place, thread, reply_to, subject,'
    " state, category, urgency, department, version, opened_at, due_provisional, calendar_version,"
    " profile, entry_id, automatic, reason, updated_at) VALUES (1, 1, 1, 'direct', '', '', '', '',"
    f" 'received', '咨询', 0, '', 1, {_NOW}, 0, '', '', '', 0, '', {_NOW})",
    f"INSERT INTO case_event VALUES (1, 1, 'opened', {_NOW}, {_NOW}, 'system', '{{}}')",
)


async def _case(database: Database) -> Case:
    async with database.write() as session:
        account = Account(key="a", platform="web", name="甲")
        session.add(account)
        await session.flush()
        citizen = Citizen(account_id=account.id or 0, external_id="1")
        session.add(citizen)
        await session.flush()
        case = Case(account_id=account.id or 0, citizen_id=citizen.id or 0)
        session.add(case)
        await session.flush()
        record(session, case, EventKind.OPENED, channel="web")
        audit(session, "test", "made", "1")
        return case


async def test_migrations_and_models_agree(database: Database) -> None:
    def differences(connection: Connection) -> list[Any]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, SQLModel.metadata))

    async with database.engine.connect() as connection:
        assert await connection.run_sync(differences) == []


async def test_upgrade_keeps_data_and_may_be_repeated(database: Database) -> None:
    case = await _case(database)
    await database.upgrade()
    async with database.read() as session:
        assert (await session.get_one(Case, case.id)).citizen_id == case.citizen_id


async def test_every_revision_upgrades_the_one_before_it(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'old.db'}")

    def first(connection: Connection) -> None:
        command.upgrade(migration_config(connection), "0001")
        for statement in _OLD:
            connection.exec_driver_sql(statement)

    async with database.engine.connect() as connection:
        await connection.run_sync(first)
        await connection.commit()
    await database.upgrade()
    async with database.read() as session:
        case = await session.get_one(Case, 1)
        assert (case.excluded, case.merged_into) == ("", None)
        assert len(await events(session, 1)) == 1
        queued = await (await session.connection()).execute(
            text("SELECT case_id, event_id FROM figure_queue")
        )
        assert [tuple(row) for row in queued] == [(1, 1)]  # figures are told anew
    with pytest.raises(DBAPIError):
        async with database.write() as session:
            await (await session.connection()).execute(text("DELETE FROM case_event"))
    await database.close()


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE case_event SET kind = 'replied'",
        "DELETE FROM case_event",
        "UPDATE audit SET actor = 'nobody'",
        "DELETE FROM audit",
    ],
)
async def test_the_record_cannot_be_changed_or_removed(database: Database, statement: str) -> None:
    await _case(database)
    with pytest.raises(DBAPIError, match="append-only"):
        async with database.write() as session:
            connection = await session.connection()
            await connection.execute(text(statement))
    async with database.read() as session:
        assert len((await session.exec(select(AuditRecord))).all()) == 1


async def test_moments_come_back_aware_and_naive_ones_are_refused(database: Database) -> None:
    case = await _case(database)
    async with database.read() as session:
        stored = await session.get_one(Case, case.id)
    assert stored.opened_at.tzinfo is not None
    assert abs(stored.opened_at - datetime.now(UTC)).total_seconds() < 60
    with pytest.raises(Exception, match="naive"):
        async with database.write() as session:
            row = await session.get_one(Case, case.id)
            row.due_at = datetime(2026, 1, 1)  # noqa: DTZ001


async def test_a_failed_write_leaves_nothing(database: Database) -> None:
    with pytest.raises(RuntimeError):
        async with database.write() as session:
            session.add(Account(key="b", platform="web", name="乙"))
            await session.flush()
            raise RuntimeError
    async with database.read() as session:
        assert (await session.exec(select(Account))).all() == []


async def test_many_writers_at_once_all_get_their_turn(database: Database) -> None:
    async def write(number: int) -> None:
        async with database.write() as session:
            session.add(Account(key=f"k{number}", platform="web", name="丙"))

    await asyncio.gather(*(write(number) for number in range(40)))
    async with database.read() as session:
        assert len((await session.exec(select(Account))).all()) == 40


async def test_errors_do_not_show_what_was_written(database: Database) -> None:
    case = await _case(database)
    with pytest.raises(DBAPIError) as failed:
        async with database.write() as session:
            session.add(Citizen(account_id=case.account_id, external_id="1", display_name="王小二"))
    assert "王小二" not in str(failed.value)


@pytest.mark.parametrize("url", ["", "hello", "mysql://root@localhost/x", "oracle://x"])
def test_unusable_addresses_are_explained(url: str) -> None:
    with pytest.raises(DatabaseUrlError, match=r"数据库地址|不支持"):
        Database(url)
