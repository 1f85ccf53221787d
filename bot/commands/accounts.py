"""wenban account: the register of accounts; imports happen when a command runs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from bot.commands.chinese import ChineseCommand, Source, group
from bot.commands.common import (
    CommandError,
    actor,
    complain_of,
    office_database,
    run,
    settings_of,
    table,
)

if TYPE_CHECKING:
    from bot.accounts import Register
    from bot.settings import Settings
    from storage.models import Account

account = group("政务账号：登记主办单位、简介、最后发布时间，供账号健康检查。")


@account.command("import", cls=ChineseCommand)
def import_file(context: typer.Context, file: Source) -> None:
    """登记或更新账号（xlsx、csv、tsv、jsonl），空着的格不改。"""
    from datetime import UTC, datetime

    from bot.accounts import read_register

    register = read_register(Path(file), datetime.now(UTC))
    complain_of(register.problems)
    added, changed = run(_save(settings_of(context), register))
    counts = [added, changed, len(register.rows) - added - changed, len(register.problems)]
    table(("新增", "更新", "未变", "有误"), [[str(n) for n in counts]], title="账号登记")
    if register.problems and not register.rows:
        raise CommandError("没有一行可用，请按上面的提示修改文件。")


async def _save(settings: Settings, register: Register) -> tuple[int, int]:
    from storage import accounts

    added = changed = 0
    async with office_database(settings) as database, database.write() as session:
        for key, told in register.rows.items():
            new, differs = await accounts.register(session, key, told, actor())
            added += new
            changed += differs and not new
    return added, changed


@account.command("list", cls=ChineseCommand)
def show(context: typer.Context) -> None:
    """列出全部账号。"""
    headers = ("标识", "名称", "平台", "主办单位", "责任人", "状态", "最后发布")
    table(headers, [_row(one) for one in run(_load(settings_of(context)))])


async def _load(settings: Settings) -> list[Account]:
    from storage import accounts

    async with office_database(settings) as database, database.read() as session:
        return await accounts.everyone(session)


def _row(one: Account) -> tuple[str, ...]:
    from bot.clock import to_shanghai

    last = one.last_published_at
    shown = f"{to_shanghai(last):%Y-%m-%d %H:%M}" if last else "未登记"
    return one.key, one.name, one.platform, one.sponsor, one.responsible, one.state, shown
