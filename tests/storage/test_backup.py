from __future__ import annotations

import asyncio
import json
import shutil
import threading
import zipfile
from collections.abc import AsyncIterator, Callable
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select as select_rows
from sqlalchemy.exc import DBAPIError
from sqlmodel import SQLModel, col, select, update

from knowledge.catalog import Entry, Link
from storage import entries, people
from storage.backup import BackupError, backup, read_manifest, restore
from storage.db import Database
from storage.files import PREFIX, FileStore
from storage.ledger import record
from storage.models import Account, AuditRecord, Case, CaseEvent, Citizen, Message, Staff
from storage.terms import EventKind

MOMENT = datetime(2026, 3, 1, 8, 30, 15, 123456, UTC)


@pytest.fixture
async def other(tmp_path: Path) -> AsyncIterator[Database]:
    """A second, SQLite database: a move between kinds when the first is PostgreSQL."""
    opened = Database(f"sqlite+aiosqlite:///{tmp_path / 'other.db'}")
    await opened.upgrade()
    yield opened
    await opened.close()


async def furnish(database: Database, text: str = '门前的路灯坏了\n=1+1 😀 "引号"') -> None:
    entry = Entry(
        "e1",
        "路灯坏了找谁",
        "打 12345。",
        similar=("路灯不亮",),
        links=(Link("报修", "https://example.gov.cn"),),
        expires_on=date(2027, 1, 1),
        automatic=True,
    )
    async with database.write() as session:
        account = Account(key="web", platform="网站", name="示例")
        session.add(account)
        await session.flush()
        citizen = Citizen(account_id=account.id or 0, external_id="c1")
        session.add(citizen)
        await session.flush()
        case = Case(account_id=account.id or 0, citizen_id=citizen.id or 0, due_at=MOMENT)
        session.add(case)
        await session.flush()
        session.add(
            Message(
                account_id=account.id or 0,
                citizen_id=citizen.id or 0,
                case_id=case.id or 0,
                external_id="m1",
                text=text,
                attachments=[{"kind": "photo", "reference": "r1"}],
            )
        )
        record(session, case, EventKind.OPENED, at=MOMENT, channel="网站")
        await entries.save(session, [entry], "test")
        await people.add(session, Staff(login="zhang", display_name="张三"), "test")


async def contents(database: Database) -> dict[str, list[Any]]:
    async with database.engine.connect() as connection:
        return {
            table.name: [
                tuple(row)
                for row in await connection.execute(select_rows(table).order_by(*table.primary_key))
            ]
            for table in SQLModel.metadata.sorted_tables
        }


async def test_everything_comes_back_as_it_was(database: Database, other: Database) -> None:
    await furnish(database)
    path = Path(str(other.engine.url.database)).with_name("b.zip")
    made = await backup(database, path)
    derived = {name for name, one in SQLModel.metadata.tables.items() if one.info.get("derived")}
    kept = {name: rows for name, rows in (await contents(database)).items() if name not in derived}
    assert made.rows == sum(len(rows) for rows in kept.values())
    assert {one.name for one in made.tables} == set(kept)
    assert await restore(other, path) == made
    assert await contents(other) == await contents(database)


PICTURE = b"\x89PNG\r\n\x1a\n" + b"0" * 200_000  # shrinks a thousandfold


async def sent_a_picture(database: Database, folder: Path) -> tuple[FileStore, str]:
    """A message names a file that is kept; another file is named by nobody."""
    await furnish(database)
    store = FileStore(folder)
    name = await store.keep(PICTURE)
    await store.keep(b"%PDF-stray")
    async with database.write() as session:
        message = (await session.exec(select(Message))).one()
        message.attachments = [{"kind": "photo", "reference": f"{PREFIX}{name}", "title": "图.png"}]
    return store, name


async def test_files_that_messages_name_go_with_it(
    database: Database, other: Database, tmp_path: Path
) -> None:
    store, name = await sent_a_picture(database, tmp_path / "old")
    made = await backup(database, tmp_path / "b.zip", files=store)
    assert made.files is not None and made.files.count == 1
    assert read_manifest(tmp_path / "b.zip") == made
    elsewhere = FileStore(tmp_path / "new")
    await restore(other, tmp_path / "b.zip", files=elsewhere)
    assert await elsewhere.read(name) == PICTURE
    assert [path.name for path in (tmp_path / "new").iterdir()] == [name]
    assert oct((tmp_path / "new" / name).stat().st_mode)[-3:] == "600"


async def test_what_was_erased_meanwhile_is_no_error(database: Database, tmp_path: Path) -> None:
    store, name = await sent_a_picture(database, tmp_path / "old")
    await store.remove([name])
    made = await backup(database, tmp_path / "b.zip", files=store)
    assert made.files is not None and made.files.count == 0


async def test_files_that_were_tampered_with_are_not_put_back(
    database: Database, other: Database, tmp_path: Path
) -> None:
    store, name = await sent_a_picture(database, tmp_path / "old")
    await backup(database, tmp_path / "b.zip", files=store)
    elsewhere = FileStore(tmp_path / "new")
    before = await contents(other)
    for inside in (f"files/{name}", "files/index.jsonl", "files/../../evil"):
        forged = tmp_path / "forged.zip"
        shutil.copy(tmp_path / "b.zip", forged)
        change = partial(dict.update, **{inside: b"{}"})
        rewrite(forged, change, zipfile.ZIP_STORED)
        with pytest.raises(BackupError, match=r"改过|多余"):
            await restore(other, forged, files=elsewhere)
    assert not (tmp_path / "new").exists()
    assert await contents(other) == before


async def test_a_backup_of_before_there_were_files_is_read(
    database: Database, other: Database, tmp_path: Path
) -> None:
    await furnish(database)
    await backup(database, tmp_path / "b.zip")
    rewrite(tmp_path / "b.zip", before_files)
    await restore(other, tmp_path / "b.zip", files=FileStore(tmp_path / "new"))
    assert await contents(other) == await contents(database)


def before_files(files: dict[str, bytes]) -> None:
    manifest = json.loads(files["manifest.json"])
    del manifest["files"]
    files["manifest.json"] = json.dumps(manifest | {"format": 1}).encode()


async def test_it_also_moves_the_other_way(database: Database, other: Database) -> None:
    await furnish(other)
    path = Path(str(other.engine.url.database)).with_name("b.zip")
    await backup(other, path)
    await restore(database, path)
    assert await contents(other) == await contents(database)


async def test_work_goes_on_after_a_restore(database: Database, tmp_path: Path) -> None:
    await furnish(database)
    await backup(database, tmp_path / "b.zip")
    await restore(database, tmp_path / "b.zip", replace=True)
    async with database.write() as session:
        await people.add(session, Staff(login="li", display_name="李四"), "test")
    async with database.read() as session:
        ids = list(await session.exec(select(Staff.id).order_by(col(Staff.id))))
    assert ids == [1, 2]
    with pytest.raises(DBAPIError, match="append-only"):
        async with database.write() as session:
            await session.exec(update(CaseEvent).values(actor="forged"))


async def test_the_backup_is_one_moment_although_work_goes_on(
    database: Database, tmp_path: Path
) -> None:
    await furnish(database)

    async def hire() -> None:
        second = Database(database.engine.url.render_as_string(hide_password=False))
        async with second.write() as session:
            await people.add(session, Staff(login="late", display_name="后来"), "test")
        await second.close()

    seen: list[str] = []

    def meanwhile(table: str, _rows: int) -> None:
        if not seen:
            worker = threading.Thread(target=lambda: asyncio.run(hire()))
            worker.start()
            worker.join()
        seen.append(table)

    made = await backup(database, tmp_path / "b.zip", meanwhile)
    assert seen[0] == "account"
    assert {one.name: one.rows for one in made.tables}["staff"] == 1
    assert len((await contents(database))["staff"]) == 2


async def test_a_database_with_rows_is_refused_unless_replaced(
    database: Database, other: Database, tmp_path: Path
) -> None:
    await furnish(database)
    await furnish(other, text="别的")
    await backup(other, tmp_path / "b.zip")
    before = await contents(database)
    with pytest.raises(BackupError, match="--replace"):
        await restore(database, tmp_path / "b.zip")
    assert await contents(database) == before
    await restore(database, tmp_path / "b.zip", replace=True)
    assert await contents(database) == await contents(other)


async def test_no_partial_file_is_left_and_only_the_owner_may_read(
    database: Database, tmp_path: Path
) -> None:
    with pytest.raises(BackupError, match="写不了"):
        await backup(database, tmp_path / "missing" / "b.zip")
    folder = tmp_path / "backups"
    folder.mkdir()
    await backup(database, folder / "b.zip")
    assert [one.name for one in folder.iterdir()] == ["b.zip"]
    assert (folder / "b.zip").stat().st_mode & 0o077 == 0


def rewrite(
    path: Path, change: Callable[[dict[str, bytes]], None], kind: int = zipfile.ZIP_DEFLATED
) -> None:
    with zipfile.ZipFile(path) as archive:
        files = {name: archive.read(name) for name in archive.namelist()}
    change(files)
    with zipfile.ZipFile(path, "w", kind) as archive:
        for name, content in files.items():
            archive.writestr(name, content)


def in_manifest(**changes: Any) -> Callable[[dict[str, bytes]], None]:
    def change(files: dict[str, bytes]) -> None:
        manifest = json.loads(files["manifest.json"]) | changes
        files["manifest.json"] = json.dumps(manifest).encode()

    return change


def other_text(files: dict[str, bytes]) -> None:
    name = "tables/message.jsonl"
    files[name] = files[name].replace("路灯".encode(), "路面".encode())


def fewer_rows(files: dict[str, bytes]) -> None:
    files["tables/message.jsonl"] = b""


def broken_json(files: dict[str, bytes]) -> None:
    files["tables/account.jsonl"] = b"{\n"


def smuggled(files: dict[str, bytes]) -> None:
    files["../../evil.py"] = b"print()"


def missing(files: dict[str, bytes]) -> None:
    del files["tables/message.jsonl"]


def bomb(files: dict[str, bytes]) -> None:
    files["tables/message.jsonl"] = b" " * 5_000_000


def foreign_column(files: dict[str, bytes]) -> None:
    manifest = json.loads(files["manifest.json"])
    manifest["tables"][0]["kinds"]["password"] = "text"
    files["manifest.json"] = json.dumps(manifest).encode()


def foreign_table(files: dict[str, bytes]) -> None:
    manifest = json.loads(files["manifest.json"])
    manifest["tables"][0]["name"] = "sqlite_master"
    files["manifest.json"] = json.dumps(manifest).encode()
    files["tables/sqlite_master.jsonl"] = files.pop("tables/account.jsonl")


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (other_text, "message.jsonl"),
        (fewer_rows, "message.jsonl"),
        (broken_json, "account.jsonl"),
        (smuggled, "多余"),
        (missing, "缺少"),
        (bomb, "不是问办的备份"),
        (foreign_column, "account"),
        (foreign_table, "sqlite_master"),
        (in_manifest(revision="9999"), "更新的程序"),
        (in_manifest(format=3), "更新的程序"),
        (in_manifest(tables=[1]), "读不懂"),
        (lambda files: files.pop("manifest.json"), "不是问办的备份"),
    ],
)
async def test_a_changed_backup_changes_nothing(
    database: Database, tmp_path: Path, change: Any, reason: str
) -> None:
    await furnish(database)
    path = tmp_path / "b.zip"
    await backup(database, path)
    rewrite(path, change)
    before = await contents(database)
    with pytest.raises(BackupError, match=reason):
        await restore(database, path, replace=True)
    assert await contents(database) == before


async def test_files_that_are_no_backups(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "b.zip"
    path.write_text("not a zip")
    with pytest.raises(BackupError, match="zip"):
        read_manifest(path)
    await backup(database, path)
    path.write_bytes(path.read_bytes()[:-40])
    with pytest.raises(BackupError, match="zip"):
        read_manifest(path)


async def test_a_character_that_postgresql_refuses_does_not_stop_a_move(
    database: Database, other: Database, tmp_path: Path
) -> None:
    async with other.write() as session:
        session.add(Account(key="a", platform="网站", name="甲\x00乙"))
    await backup(other, tmp_path / "b.zip")
    await restore(database, tmp_path / "b.zip")
    async with database.read() as session:
        names = list(await session.exec(select(Account.name)))
    assert names == ["甲\x00乙" if database.is_sqlite else "甲乙"]


async def test_the_audit_survives(database: Database, tmp_path: Path) -> None:
    await furnish(database)
    await backup(database, tmp_path / "b.zip")
    await restore(database, tmp_path / "b.zip", replace=True)
    async with database.read() as session:
        actions = list(await session.exec(select(AuditRecord.action).order_by(col(AuditRecord.id))))
    assert actions == ["kb.import", "staff.add"]
