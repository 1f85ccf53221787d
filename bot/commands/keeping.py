"""The commands about the database; they import what they need when run."""

from __future__ import annotations

from typing import Annotated

import typer

from bot.commands.chinese import ChineseCommand, Source, Target, group

db = group("数据库：升级、备份、恢复。")


@db.command("upgrade", cls=ChineseCommand)
def db_upgrade(context: typer.Context) -> None:
    """把数据库升级到本程序的版本。"""
    from bot.commands import database as command

    command.upgrade(context)


@db.command("backup", cls=ChineseCommand)
def db_backup(context: typer.Context, file: Target) -> None:
    """备份全部数据到一个 zip，运行中也可以。"""
    from bot.commands import database as command

    command.backup(context, file)


@db.command("restore", cls=ChineseCommand)
def db_restore(
    context: typer.Context,
    file: Source,
    replace: Annotated[
        bool, typer.Option("--replace", help="库里已有数据时先备份，再整库替换。")
    ] = False,
) -> None:
    """从备份恢复到空的数据库（SQLite、PostgreSQL 可互换）。先停下服务。"""
    from bot.commands import database as command

    command.restore(context, file, replace)
