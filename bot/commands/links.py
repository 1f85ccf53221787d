"""wenban kb links."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from bot.commands.common import console, office_database, progress, run, settings_of, table
from bot.links import open_links
from bot.settings import Settings
from storage import accounts, entries
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
        async with database.read() as session:
            known = await entries.load(session)
        urls = sorted({link.url for entry in known for link in entry.links})
        with watched:
            bar = watched.add_task("检查", total=len(urls))
            found = await open_links(urls, lambda n: watched.advance(bar, n))
        async with database.write() as session:
            await accounts.note_links(session, found, datetime.now(UTC))
            await accounts.forget_links(session, urls)
    return found
