"""wenban db upgrade|backup|restore."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any

from bot.clock import SHANGHAI
from bot.commands.common import (
    actor,
    console,
    office_database,
    progress,
    refuse_overwrite,
    run,
    settings_of,
    table,
)
from bot.settings import Settings
from storage import backup as backups
from storage.backup import Manifest
from storage.db import Database
from storage.files import FileStore
from storage.ledger import audit


def upgrade(context: Any) -> None:
    """Bring the tables to this program's revision."""
    revision = run(_upgrade(settings_of(context)))
    console().print(f"数据库已是最新版本 {revision}")


async def _upgrade(settings: Settings) -> str:
    async with office_database(settings) as database, database.engine.connect() as connection:
        return await backups.current_revision(connection)


def backup(context: Any, file: Path) -> None:
    """Write everything to a zip."""
    refuse_overwrite(file)
    manifest = run(_backup(settings_of(context), file))
    _show(manifest, f"已备份到 {file}（含个人信息，请妥善保管）")


async def _backup(settings: Settings, file: Path) -> Manifest:
    async with office_database(settings) as database:
        manifest = await _with_progress(database, file, settings)
        async with database.write() as session:
            audit(session, actor(), "db.backup", file.name, rows=manifest.rows)
        return manifest


async def _with_progress(database: Database, file: Path, settings: Settings) -> Manifest:
    watched = progress()
    with watched:
        bar = watched.add_task("备份", total=None)
        return await backups.backup(
            database,
            file,
            lambda name, rows: watched.update(bar, description=f"备份 {name}", advance=rows),
            FileStore(settings.attachments_dir),
        )


def restore(context: Any, file: Path, replace: bool) -> None:
    """Fill the database from a zip; what stood in it is backed up beside the zip first."""
    manifest = backups.read_manifest(file)
    saved = run(_restore(settings_of(context), file, manifest, replace))
    if saved is not None:
        console().print(f"原有数据已先备份到 {saved}", markup=False)
    made = datetime.fromisoformat(manifest.created_at).astimezone(SHANGHAI)
    _show(manifest, f"已从 {file} 恢复（备份于 {made:%Y-%m-%d %H:%M}）")


async def _restore(
    settings: Settings, file: Path, manifest: Manifest, replace: bool
) -> Path | None:
    async with office_database(settings) as database:
        saved = await _save_present(database, file, settings) if replace else None
        watched = progress()
        with watched:
            bar = watched.add_task("恢复", total=manifest.rows)
            await backups.restore(
                database,
                file,
                replace=replace,
                progress=lambda name, rows: watched.update(
                    bar, description=f"恢复 {name}", advance=rows
                ),
                files=FileStore(settings.attachments_dir),
            )
        async with database.write() as session:
            audit(session, actor(), "db.restore", file.name, rows=manifest.rows, replace=replace)
    return saved


async def _save_present(database: Database, file: Path, settings: Settings) -> Path:
    stamp = datetime.now(SHANGHAI).strftime("%Y%m%d-%H%M%S")
    saved = file.with_name(f"{file.stem}.before-restore-{stamp}.zip")
    refuse_overwrite(saved)
    await _with_progress(database, saved, settings)
    return saved


def _show(manifest: Manifest, title: str) -> None:
    rows = [(one.name, f"{one.rows:,}") for one in manifest.tables if one.rows]
    if manifest.files is not None and manifest.files.count:
        rows.append(("附件", f"{manifest.files.count:,} 个"))
    table(("表", "行数"), [*rows, ("合计", f"{manifest.rows:,}")], title=title)
