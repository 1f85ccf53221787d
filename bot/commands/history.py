"""wenban import."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bot.commands.common import (
    CommandError,
    actor,
    clock_of,
    complain,
    complain_of,
    console,
    office_database,
    progress,
    run,
    settings_of,
    table,
)
from bot.history import Reading, read, take_in
from bot.settings import Settings
from storage.history import Stored

_NOTED = "已标记，照样算答复（要让它们不停止计时，请用 --strict-replies 导入）"
_STRICT = "不算答复，计时未停"


def import_file(context: Any, file: Path, account: str, *, strict: bool = False) -> None:
    """Take past messages and replies in; every row of the file is accounted for."""
    settings = settings_of(context)
    if not account.strip():
        raise CommandError("--account 为空，请写明政务账号的名称。")
    console().print(f"读取 {file.name} ……", markup=False)
    reading = read(file)
    stored = run(_store(settings, reading, account.strip(), strict))
    _account_for(reading, stored, account.strip())
    if stored.evasive:
        console().print(f"其中 {stored.evasive} 条答复像是敷衍，{_STRICT if strict else _NOTED}。")
    if reading.rows and not reading.lines:
        raise CommandError("没有一行可用，什么都没有导入，请按上面的提示修改文件。")


async def _store(settings: Settings, reading: Reading, account: str, strict: bool) -> Stored:
    profile, calendar = clock_of(settings)
    watched = progress()
    async with office_database(settings) as database:
        with watched:
            bar = watched.add_task("导入", total=len(reading.lines))
            return await take_in(
                database,
                account,
                reading.lines,
                profile,
                calendar,
                actor(),
                lambda rows: watched.advance(bar, rows),
                strict=strict,
            )


def _account_for(reading: Reading, stored: Stored, account: str) -> None:
    if reading.skipped:
        complain("以下各行没有导入：")
        complain_of([f"{one.where}：{one.reason}" for one in reading.skipped])
    for name in reading.unread:
        complain(f"工作表“{name}”没有可用的表头，整张未读。")
    counts = {
        "读到": reading.rows,
        "导入": stored.added,
        "补上答复": stored.completed,
        "已存在": stored.known,
        "跳过": len(reading.skipped),
    }
    if counts["读到"] != sum(counts.values()) - counts["读到"]:
        raise CommandError(f"各行合计与读到的行数对不上：{counts}。请把这行文字告诉维护人员。")
    table(list(counts), [[f"{n:,}" for n in counts.values()]], title=f"留言导入到“{account}”")
    if reading.imprecise:
        console().print(f"其中 {reading.imprecise} 行的时间只有日期，已标为不精确。")
