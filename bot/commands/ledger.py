"""wenban ledger: what is needed to trust the record; imports happen when a command runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

from bot.commands.chinese import ChineseCommand, group
from bot.commands.common import (
    CommandError,
    actor,
    complain_of,
    console,
    office_database,
    progress,
    run,
    settings_of,
)

if TYPE_CHECKING:
    from datetime import date

    from bot.ledger import Difference
    from bot.settings import Settings
    from storage.seals import Sealed

ledger = group("台账：核对有没有被改过。")


@ledger.command("verify", cls=ChineseCommand)
def verify(
    context: typer.Context,
    digest: Annotated[
        str,
        typer.Option(metavar="摘要", help="报表上印的封存摘要，看它还在不在。", show_default=False),
    ] = "",
) -> None:
    """从台账重算每件诉求，与库里、考核底数、每日封存逐一核对；有出入时以 1 结束。"""
    if digest and len(digest) < 8:
        raise CommandError("摘要至少写 8 位，照报表上的抄。")
    found, sealed, day = run(_verify(settings_of(context), digest))
    if digest and day is None:
        raise CommandError(f"摘要 {digest} 不在封存链上：那份报表之后，台账被改过或换过库。")
    if day is not None:
        console().print(f"摘要 {digest} 是 {day:%Y-%m-%d} 的封存，仍在链上。", markup=False)
    until = (
        f"封存到 {sealed.day:%Y-%m-%d}，摘要 {sealed.digest}"
        if sealed.day
        else "还没有可封存的日子"
    )
    if found:
        complain_of([one.text for one in found])
        raise CommandError(f"有 {len(found)} 处与台账不符（{until}）。请查明是谁动了数据库。")
    console().print(f"核对完毕，没有出入；{until}。", markup=False)


async def _verify(settings: Settings, digest: str) -> tuple[list[Difference], Sealed, date | None]:
    from datetime import UTC, datetime

    from bot import ledger as checking
    from storage import seals

    watched, now = progress(), datetime.now(UTC)
    async with office_database(settings) as database:
        with watched:
            bar = watched.add_task("核对", total=None)
            found = await checking.verify(
                database, actor(), now, lambda cases: watched.update(bar, advance=cases)
            )
        async with database.read() as session:
            sealed = await seals.standing(session, now)
            day = await seals.has_digest(session, digest) if digest else None
    return found, sealed, day
