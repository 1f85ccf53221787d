"""Logical backups: a zip of JSON Lines that moves between SQLite and PostgreSQL."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from itertools import islice
from pathlib import Path
from typing import IO, Any

from alembic import command
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Connection,
    Date,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    func,
    inspect,
    select,
    text,
)
from sqlalchemy.exc import DBAPIError, StatementError
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlalchemy.types import TypeEngine
from sqlmodel import SQLModel

import storage.models  # noqa: F401  (fills the metadata)
from storage.db import Database, migration_config
from storage.enclosed import Enclosed, EnclosedError, enclose, listed, named, unpack
from storage.files import FileStore, FullError
from storage.models import UtcDateTime, utcnow

FORMAT = 2
"""2 may hold files beside the tables; 1 was before there were any."""
_MANIFEST = "manifest.json"
_VERSIONS = "alembic_version"
_BATCH = 500
_MAX_MANIFEST = 1_000_000
_MAX_LINE = 64_000_000
_MAX_RATIO = 400  # text shrinks by tens, a bomb by a thousand
_KINDS: dict[str, type[TypeEngine[Any]]] = {
    "moment": UtcDateTime,
    "date": Date,
    "json": JSON,
    "flag": Boolean,
    "integer": Integer,
    "number": Float,
    "text": String,
}
Progress = Callable[[str, int], None]


class BackupError(ValueError):
    """A backup cannot be made or restored; the text says in Chinese why and what to do."""


@dataclass(frozen=True, slots=True)
class TableNote:
    """What the manifest says of one table; ``kinds`` are the kinds of its columns' values."""

    name: str
    rows: int
    sha256: str
    kinds: dict[str, str]

    @property
    def file(self) -> str:
        return f"tables/{self.name}.jsonl"


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a backup holds, tables in the order in which they can be filled."""

    format: int
    revision: str
    created_at: str
    tables: list[TableNote] = field(default_factory=list)
    files: Enclosed | None = None

    @property
    def rows(self) -> int:
        return sum(table.rows for table in self.tables)


def head_revision() -> str:
    """The revision of the tables that this program works with."""
    return ScriptDirectory.from_config(migration_config()).get_current_head() or ""


async def current_revision(connection: AsyncConnection) -> str:
    """The revision the database stands at; "" when it has no tables yet."""

    def read(sync: Connection) -> str:
        return MigrationContext.configure(sync).get_current_revision() or ""

    return await connection.run_sync(read)


async def backup(
    database: Database,
    path: Path,
    progress: Progress = lambda _table, _rows: None,
    files: FileStore | None = None,
) -> Manifest:
    """Write everything to ``path`` as one consistent state, while the office goes on working.

    The files that messages name go with it. Tables that are worked out from others are left out:
    they fill themselves again.
    The file holds personal data: only its owner may read it. Raises BackupError.
    """
    partial = path.with_name(f".{path.name}.partial")
    try:
        partial.touch(mode=0o600)
        with zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive:
            async with database.snapshot() as connection:
                manifest = await _write(connection, archive, progress, files)
        partial.replace(path)
    except OSError as error:
        raise BackupError(
            f"写不了 {path}（{error.strerror}），请核对文件夹、权限和空间。"
        ) from error
    finally:
        partial.unlink(missing_ok=True)
    return manifest


async def _write(
    connection: AsyncConnection,
    archive: zipfile.ZipFile,
    progress: Progress,
    files: FileStore | None,
) -> Manifest:
    revision = await current_revision(connection)
    if revision != head_revision():
        raise BackupError("数据库版本与程序不符，请先运行 wenban db upgrade。")
    manifest = Manifest(FORMAT, revision, utcnow().isoformat(timespec="seconds"))
    for table in SQLModel.metadata.sorted_tables:
        if not table.info.get("derived"):
            manifest.tables.append(await _write_table(connection, archive, table, progress))
    if files is not None:
        enclosed = await enclose(archive, files, await named(connection))
        manifest = replace(manifest, files=enclosed)
    archive.writestr(_MANIFEST, json.dumps(asdict(manifest), ensure_ascii=False, indent=1))
    return manifest


async def _write_table(
    connection: AsyncConnection, archive: zipfile.ZipFile, table: Table, progress: Progress
) -> TableNote:
    kinds = {column.name: _kind(column.type) for column in table.columns}
    digest, count = hashlib.sha256(), 0
    query = select(table).order_by(*table.primary_key).execution_options(yield_per=_BATCH)
    with archive.open(f"tables/{table.name}.jsonl", "w", force_zip64=True) as file:
        async for batch in (await connection.stream(query)).mappings().partitions(_BATCH):
            lines = b"".join(_line(dict(row)) for row in batch)
            digest.update(lines)
            file.write(lines)
            count += len(batch)
            progress(table.name, len(batch))
    return TableNote(table.name, count, digest.hexdigest(), kinds)


def _kind(column_type: TypeEngine[Any]) -> str:
    kinds = (name for name, kind in _KINDS.items() if isinstance(column_type, kind))
    return next(kinds, "text")


def _line(row: dict[str, Any]) -> bytes:
    return (json.dumps(row, ensure_ascii=False, default=_plain) + "\n").encode()


def _plain(value: Any) -> str:
    if isinstance(value, date | datetime):
        return value.isoformat()
    raise TypeError(type(value).__name__)


def read_manifest(path: Path) -> Manifest:
    """What a backup says it holds, after checking its form. Raises BackupError."""
    with _opened(path) as archive:
        return _manifest(archive)


async def restore(
    database: Database,
    path: Path,
    *,
    replace: bool = False,
    progress: Progress = lambda _table, _rows: None,
    files: FileStore | None = None,
) -> Manifest:
    """Fill the database from a backup: all of it, or nothing is changed. Its files are put back.

    A database with rows in it is refused unless ``replace``. Raises BackupError.
    """
    with _opened(path) as archive:
        manifest = _manifest(archive)
        try:
            if files is not None and manifest.files is not None:
                await unpack(archive, manifest.files, files)
            await _restore(database, archive, manifest, replace, progress)
        except (DBAPIError, StatementError) as error:
            reason = str(error.orig or error).split("\n")[0]
            raise BackupError(f"恢复没有成功，数据库保持原样：{reason}") from error
        except (EnclosedError, FullError) as error:
            raise _unpacked(error) from error
        return manifest


async def _restore(
    database: Database,
    archive: zipfile.ZipFile,
    manifest: Manifest,
    replace: bool,
    progress: Progress,
) -> None:
    engine = database.engine.execution_options(immediate=True)
    async with engine.begin() as connection:
        if not database.is_sqlite:
            await connection.execute(text("SET LOCAL lock_timeout = '15s'"))
        if not replace and not await connection.run_sync(_is_empty):
            raise BackupError("数据库里已有数据。确要整库替换，请加 --replace（会先自动备份）。")
        await connection.run_sync(_rebuild, manifest.revision)
        for note in manifest.tables:
            await _fill(connection, archive, note, progress)
        await connection.run_sync(_upgrade, "head")
        if not database.is_sqlite:
            await connection.run_sync(_reset_sequences)


def _is_empty(connection: Connection) -> bool:
    present = set(inspect(connection).get_table_names())
    return not any(
        connection.execute(select(table).limit(1)).first()
        for table in SQLModel.metadata.sorted_tables
        if table.name in present
    )


def _rebuild(connection: Connection, revision: str) -> None:
    """Empty tables as they were at ``revision``; append-only rows can only go with theirs."""
    SQLModel.metadata.drop_all(connection)
    Table(_VERSIONS, MetaData()).drop(connection, checkfirst=True)
    _upgrade(connection, revision)


def _upgrade(connection: Connection, revision: str) -> None:
    command.upgrade(migration_config(connection), revision)


async def _fill(
    connection: AsyncConnection, archive: zipfile.ZipFile, note: TableNote, progress: Progress
) -> None:
    table = await connection.run_sync(_table_for, note)
    keep_nul = connection.dialect.name == "sqlite"
    lines = _verified_lines(archive, note)
    while batch := list(islice(lines, _BATCH)):
        rows = [_row(line, note, keep_nul=keep_nul) for line in batch]
        await connection.execute(table.insert(), rows)
        progress(note.name, len(rows))


def _table_for(connection: Connection, note: TableNote) -> Table:
    """The table as the backup describes it, if the database has it so."""
    inspector = inspect(connection)
    present = inspector.get_table_names()
    columns = (
        {one["name"] for one in inspector.get_columns(note.name)} if note.name in present else 0
    )
    if columns != set(note.kinds):
        raise BackupError(f"备份里的表 {note.name} 与数据库版本不符，备份可能被改过。")
    return Table(
        note.name, MetaData(), *(Column(name, _KINDS[kind]()) for name, kind in note.kinds.items())
    )


def _verified_lines(archive: zipfile.ZipFile, note: TableNote) -> Iterator[bytes]:
    """A table's lines; BackupError at the end when they are not those that were written."""
    digest, count = hashlib.sha256(), 0
    with archive.open(note.file) as file:
        for line in _lines(file, note):
            digest.update(line)
            count += 1
            yield line
    if (digest.hexdigest(), count) != (note.sha256, note.rows):
        raise _damaged(note)


def _lines(file: IO[bytes], note: TableNote) -> Iterator[bytes]:
    try:
        while line := file.readline(_MAX_LINE + 1):
            if len(line) > _MAX_LINE:
                raise _damaged(note)
            yield line
    except (zipfile.BadZipFile, OSError, EOFError) as error:
        raise _damaged(note) from error


def _unpacked(error: Exception) -> BackupError:
    if isinstance(error, FullError):
        return BackupError("磁盘空间不够放附件，没有恢复任何内容，请腾出空间再来。")
    return BackupError(f"备份已损坏或被改过（附件 {error}），没有恢复任何内容，请换一份备份。")


def _damaged(note: TableNote) -> BackupError:
    return BackupError(f"备份已损坏或被改过（{note.file}），没有恢复任何内容，请换一份备份。")


def _row(line: bytes, note: TableNote, *, keep_nul: bool) -> dict[str, Any]:
    try:
        row = json.loads(line)
        return {name: _value(row[name], kind, keep_nul) for name, kind in note.kinds.items()}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise _damaged(note) from error


def _value(value: Any, kind: str, keep_nul: bool) -> Any:
    if value is None or kind == "json":
        return value
    if kind == "moment":
        return datetime.fromisoformat(value)
    if kind == "date":
        return date.fromisoformat(value)
    if kind == "text" and not keep_nul:
        return value.replace("\x00", "")
    return value


def _reset_sequences(connection: Connection) -> None:
    """Numbers for new rows go on after the restored ones."""
    for table in SQLModel.metadata.sorted_tables:
        if "id" not in table.columns or not isinstance(table.columns["id"].type, Integer):
            continue
        key = table.columns["id"]
        name = connection.dialect.identifier_preparer.format_table(table)
        sequence = func.pg_get_serial_sequence(name, "id")
        newest = func.coalesce(func.max(key), 1)
        connection.execute(select(func.setval(sequence, newest, func.max(key).is_not(None))))


@contextmanager
def _opened(path: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except zipfile.BadZipFile as error:
        raise BackupError(f"{path.name} 不是完好的 zip 文件，请换一份备份。") from error


def _manifest(archive: zipfile.ZipFile) -> Manifest:
    """The manifest of an archive that holds what it should and nothing else."""
    infos = archive.infolist()
    suspicious = any(
        info.flag_bits & 1 or info.file_size > _MAX_RATIO * max(info.compress_size, 1_000)
        for info in infos
    )
    found = [info for info in infos if info.filename == _MANIFEST]
    if suspicious or len(found) != 1 or found[0].file_size > _MAX_MANIFEST:
        raise BackupError("这不是问办的备份，或已被改过，请核对文件。")
    manifest = _parse(archive.read(_MANIFEST))
    try:
        files = listed(archive, manifest.files) if manifest.files else []
    except EnclosedError as error:
        raise _unpacked(error) from error
    right = [_MANIFEST, *(table.file for table in manifest.tables), *files]
    if sorted(info.filename for info in infos) != sorted(right):
        raise BackupError("备份里缺少文件或有多余的文件，可能被改过，请换一份备份。")
    return manifest


def _parse(content: bytes) -> Manifest:
    try:
        data = json.loads(content)
        tables = [TableNote(**table) for table in data.pop("tables")]
        files = Enclosed(**data.pop("files")) if data.get("files") else None
        manifest = Manifest(**data | {"tables": tables, "files": files})
        known = all(set(table.kinds.values()) <= set(_KINDS) for table in tables)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BackupError("备份的清单读不懂，可能被改过，请换一份备份。") from error
    scripts = ScriptDirectory.from_config(migration_config())
    revisions = {script.revision for script in scripts.walk_revisions()}
    if not 1 <= manifest.format <= FORMAT or not known or manifest.revision not in revisions:
        raise BackupError("这份备份来自更新的程序，请先升级程序再恢复。")
    return manifest
