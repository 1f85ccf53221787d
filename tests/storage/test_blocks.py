"""Facts packed in blocks: the same numbers as row by row, dropped when a case changes, verified."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime

import numpy as np
import pytest
from sqlalchemy import delete, text
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.ledger import verify
from storage import blocks, figures
from storage.db import Database
from storage.figures import Row
from storage.models import TurnBlock, TurnChange, TurnFact

SIZE = 8


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks of a few cases, and no query that is too small for them."""
    monkeypatch.setattr(blocks, "SIZE", SIZE)
    monkeypatch.setattr(figures, "_FEW", 0)


def turn(case_id: int, start: int = 0, stop: int = 0) -> Row:
    return (case_id, 1, 1, 1, 2, 3, start or case_id, stop, 0, 0, 0, stop)


def change(case_id: int) -> Row:
    return (case_id, 1, 0, 1, 5, 0, 7)


LATER = 10**9
"""A moment after every answer."""


async def put(database: Database, case_ids: Iterable[int], start: int = 0) -> None:
    """Facts of cases that have no events, as folding would store them."""
    numbers = list(case_ids)
    async with database.write() as session:
        rows = [turn(number, start, stop=number % 2) for number in numbers]
        changes = [change(number) for number in numbers if number % 3 == 0]
        await figures.store(session, numbers, rows, changes, {})


async def pack_all(database: Database) -> list[int]:
    async with database.write() as session:
        loose = await blocks.missing(await session.connection())
        await blocks.pack(session, loose)
    return loose


async def plain(connection: AsyncConnection) -> list[list[list[int]]]:
    return [
        (await blocks.numbers(connection, model, "")).tolist() for model in (TurnFact, TurnChange)
    ]


async def agree(database: Database) -> bool:
    async with database.snapshot() as connection:
        packed = [part.tolist() for part in await blocks.everything(connection)]
        return packed == await plain(connection)


async def test_packed_facts_are_the_rows(database: Database) -> None:
    await put(database, range(1, 40))
    assert await agree(database)
    assert await pack_all(database) == [0, 1, 2, 3]  # the last one is still being filled
    assert await agree(database)
    async with database.read() as session:
        assert await blocks.missing(await session.connection()) == []


async def test_nothing_at_all_is_an_empty_table(database: Database) -> None:
    assert await agree(database)
    async with database.snapshot() as connection:
        turns, changes = await blocks.everything(connection)
    assert (turns.shape, changes.shape) == ((0, 12), (0, 7))


async def test_a_changed_case_drops_its_block_and_no_other(database: Database) -> None:
    await put(database, range(1, 40))
    await pack_all(database)
    await put(database, [9], start=77)
    async with database.read() as session:
        assert await blocks.missing(await session.connection()) == [1]
    assert await agree(database)


async def test_cases_without_facts_leave_no_hole(database: Database) -> None:
    await put(database, [3, 30, 31, 90])
    await pack_all(database)
    assert await agree(database)


async def test_periods_and_the_unanswered_are_chosen_from_blocks(database: Database) -> None:
    await put(database, range(1, 40))
    await pack_all(database)
    async with database.snapshot() as connection:
        turns, _ = await figures.fetch(connection, 5, 30)
        assert turns[:, 0].tolist() == list(range(5, 30))
        turns, _ = await figures.fetch(connection, None, 10, open_at=LATER)
        assert turns[:, 0].tolist() == [2, 4, 6, 8]
        turns, _ = await figures.fetch(connection, None, None)
        assert len(turns) == 39


async def test_both_ways_of_fetching_give_the_same(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await put(database, range(1, 40))
    await pack_all(database)
    async with database.snapshot() as connection:
        packed, _ = await figures.fetch(connection, 5, 30, open_at=LATER)
        monkeypatch.setattr(figures, "_FEW", 1000)
        rows, changes = await figures.fetch(connection, 5, 30, open_at=LATER)
    assert np.array_equal(packed, rows)
    assert set(changes[:, 0].tolist()) <= set(rows[:, 0].tolist())


async def test_blocks_of_another_version_are_not_read(database: Database) -> None:
    await put(database, range(1, 40))
    await pack_all(database)
    async with database.write() as session:
        await (await session.connection()).execute(text("UPDATE turn_block SET form = 1"))
    assert await agree(database)
    assert await pack_all(database) == [0, 1, 2, 3]


async def test_a_forged_block_is_found(database: Database) -> None:
    await put(database, range(1, 40))
    await pack_all(database)
    async with database.read() as session:
        assert [one async for one in blocks.broken(session)] == []
    async with database.write() as session:
        row = await session.get_one(TurnBlock, 2)
        row.turns = row.turns[:96] + bytes(8) + row.turns[104:]
    async with database.read() as session:
        assert [one async for one in blocks.broken(session)] == [(16, 23)]
    found = await verify(database, "test", datetime.now(UTC))
    assert "诉求 #16–#23：成块存放的考核底数与逐件的不同" in [one.text for one in found]


async def test_rows_taken_away_past_the_program_do_not_hide_behind_a_block(
    database: Database,
) -> None:
    await put(database, range(1, 40))
    await pack_all(database)
    async with database.write() as session:
        await session.exec(delete(TurnFact).where(TurnFact.case_id == 4))  # type: ignore[arg-type]
    async with database.read() as session:
        assert [one async for one in blocks.broken(session)] == [(0, 7)]
