"""A console of its own that answers a crowd, in a process that a test can kill.

``python -m tests.e2e.crowding DATABASE_URL CROWD TEXT`` answers everybody in it as 张三.
"""

from __future__ import annotations

import asyncio
import sys

from bot.desk.crowds import Run
from storage.db import Database
from tests.support import open_town


async def answer(url: str, crowd: int, text: str) -> None:
    town = await open_town(Database(url))
    staff = await town.staff()
    opened = await town.desk.crowds.open(staff, crowd)
    picks = [(one.case_id, one.version) for one in opened.askers]
    run = Run(len(picks), [])
    await town.desk.crowds.answer(staff, crowd, picks, text, opened.entry_id, run)
    await town.db.close()


if __name__ == "__main__":
    asyncio.run(answer(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
