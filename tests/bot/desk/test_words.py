"""The office's synonyms in the running program."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pytest

from bot.desk import Library
from knowledge.lexicon import join, part
from knowledge.matcher import Policy
from storage import entries, lexicon
from storage.db import Database
from tests.support import ENTRIES, Town, build_town

DAY = date(2026, 11, 23)


@pytest.fixture
async def town(database: Database) -> Town:
    return await build_town(database)


async def joined(db: Database, words: Sequence[str]) -> None:
    async with db.write_alone() as session:
        await lexicon.change(session, lambda own: join(own, words), "test", "kb.words.add")


async def words_of(library: Library, text: str) -> tuple[str, ...]:
    """What the best candidate has in common with a question."""
    match = await library.match(text, DAY)
    return match.candidates[0].evidence.words if match.candidates else ()


async def test_every_process_takes_words_over_without_a_restart(town: Town) -> None:
    first, second = town.desk.office.library, Library(town.db, Policy())
    await second.refresh()
    assert "社保牌牌" not in await words_of(first, "社保牌牌")
    await joined(town.db, ["社保卡", "社保牌牌"])
    for library in (first, second):
        await library.refresh()
        assert await words_of(library, "社保牌牌") == ("社保牌牌",)
    async with town.db.write_alone() as session:
        await lexicon.change(
            session, lambda own: part(own, ["社保牌牌"]), "test", "kb.words.remove"
        )
    await second.refresh()
    assert "社保牌牌" not in await words_of(second, "社保牌牌")


async def test_entries_that_come_later_are_read_by_the_words(town: Town) -> None:
    await joined(town.db, ["云川码", "亮码"])
    library = town.desk.office.library
    await library.refresh()
    async with town.db.write() as session:
        entry = replace(ENTRIES[0], id="code", question="云川码怎么申领", similar=())
        await entries.save(session, [entry], "test")
    await library.refresh()
    match = await library.match("亮码咋弄", DAY)
    assert match.candidates[0].entry.id == "code"


async def test_names_that_entries_quote_become_words(town: Town) -> None:
    library = town.desk.office.library
    async with town.db.write() as session:
        await entries.save(
            session,
            [
                replace(ENTRIES[0], id=f"n{number}", question=f"{word}“云川办”闪退怎么回事")
                for number, word in enumerate(("手机", "电脑"))
            ],
            "test",
        )
    await library.refresh()
    assert "云川办" in await words_of(library, "云川办闪退")
