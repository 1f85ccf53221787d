"""wenban kb links."""

from __future__ import annotations

from typing import Any

from bot import links
from bot.commands.common import console, office_database, progress, run, settings_of, table
from bot.settings import Settings
from storage.accounts import Opened


def check_links(context: Any) -> None:
    """Open every service link of the knowledge base and keep what came of it."""
    found = run(_check(settings_of(context)))
    dead = [one for one in found if one.problem]
    if dead:
        table(("网址", "情况"), [(one.url, one.problem) for one in dead], title="打不开的办事入口")
    console().print(f"查了 {len(found)} 个办事入口，{len(dead)} 个打不开。", markup=False)


async def _check(settings: Settings) -> list[Opened]:
    watched = progress()
    async with office_database(settings) as database:
        with watched:
            bar = watched.add_task("检查", total=None)
            return await links.check_links(
                database, lambda n, total: watched.update(bar, advance=n, total=total)
            )
