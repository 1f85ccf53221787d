"""Facts of many cases at a time, packed: a million turns are read as a few hundred blobs.

A block holds the rows of SIZE case numbers as they stand in `turn_fact` and `turn_change`, whole
numbers of eight bytes in a row. Whoever changes a case's rows drops its block; until it is packed
again, its rows are read one by one.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Collection, Iterator
from io import BytesIO
from itertools import chain
from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, func, insert
from sqlalchemy import select as columns
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import SQLModel, col
from sqlmodel.ext.asyncio.session import AsyncSession

from storage.models import TurnBlock, TurnChange, TurnFact

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.int64]

SIZE = 4096
"""Case numbers in a block."""
LOOSE = 32
"""So many blocks may be missing before they are packed again."""
_MODELS: tuple[type[SQLModel], ...] = (TurnFact, TurnChange)
_NAMES = [
    [one.name for one in SQLModel.metadata.tables[str(m.__tablename__)].columns] for m in _MODELS
]
_FORM = zlib.crc32(repr(_NAMES).encode())
"""Blocks of another form were packed by another version of the program."""
_BATCH = 100_000
Pair = tuple["Numbers", "Numbers"]


def place(name: str) -> int:
    """Where a column of `turn_fact` stands in a row."""
    return _NAMES[0].index(name)


async def drop(session: AsyncSession, case_ids: Collection[int]) -> None:
    """Forget the blocks of these cases."""
    numbers = {case_id // SIZE for case_id in case_ids}
    await session.exec(delete(TurnBlock).where(col(TurnBlock.number).in_(numbers)))


async def missing(connection: AsyncConnection) -> list[int]:
    """The blocks that hold cases and are not packed, the one that is still being filled apart."""
    last = (await connection.execute(columns(func.max(col(TurnFact.case_id))))).scalar_one()
    there = await connection.execute(columns(col(TurnBlock.number)).where(_usable()))
    known = {number for (number,) in there}
    return [number for number in range((last or 0) // SIZE) if number not in known]


async def pack(session: AsyncSession, numbers: Collection[int]) -> None:
    """Pack these blocks."""
    connection = await session.connection()
    await session.exec(delete(TurnBlock).where(col(TurnBlock.number).in_(numbers)))
    table: Any = SQLModel.metadata.tables["turn_block"]
    for number in numbers:
        turns, changes = [one.astype("<i8").tobytes() for one in await _rows(connection, number)]
        row = {"number": number, "form": _FORM, "turns": turns, "changes": changes}
        await connection.execute(insert(table), row)


async def everything(connection: AsyncConnection) -> Pair:
    """All turns and changes, each an array of shape (rows, columns) in order of the keys."""
    import numpy as np

    found: dict[int, Pair] = {}
    table: Any = SQLModel.metadata.tables["turn_block"]
    query = columns(table.c.number, table.c.turns, table.c.changes).where(_usable())
    for number, turns, changes in await connection.execute(query):
        found[number] = (_array(turns, 0), _array(changes, 1))
    last = (await connection.execute(columns(func.max(col(TurnFact.case_id))))).scalar_one()
    for first, end in _runs(
        number for number in range((last or 0) // SIZE + 1) if number not in found
    ):
        where = f"WHERE case_id >= {first * SIZE} AND case_id < {end * SIZE}"
        turns, changes = [await numbers(connection, model, where) for model in _MODELS]
        found[first] = (turns, changes)
    ordered = [found[number] for number in sorted(found)] or [(_array(b"", 0), _array(b"", 1))]
    return np.concatenate([one for one, _ in ordered]), np.concatenate([one for _, one in ordered])


async def broken(session: AsyncSession) -> AsyncIterator[tuple[int, int]]:
    """The first and the last case of every block that is not as its rows are."""
    connection = await session.connection()
    there = await connection.execute(columns(col(TurnBlock.number)).where(_usable()))
    for (number,) in there.all():
        kept = await _kept(connection, number)
        rows = [one.astype("<i8").tobytes() for one in await _rows(connection, number)]
        # One that was dropped or packed anew meanwhile is not wrong.
        if kept not in (None, rows) and kept == await _kept(connection, number):
            yield number * SIZE, (number + 1) * SIZE - 1


async def _kept(connection: AsyncConnection, number: int) -> list[bytes] | None:
    table: Any = SQLModel.metadata.tables["turn_block"]
    query = columns(table.c.turns, table.c.changes).where(table.c.number == number, _usable())
    row = (await connection.execute(query)).first()
    return None if row is None else [bytes(one) for one in row]


async def few(connection: AsyncConnection, model: type[SQLModel], where: str) -> Numbers:
    """Few rows of a table, as ``numbers`` gives them.

    Sorted here: asked for in order, SQLite walks the whole table rather than its index.
    """
    import numpy as np

    found = await numbers(connection, model, where, ordered=False)
    keys = len(SQLModel.metadata.tables[str(model.__tablename__)].primary_key)
    return found[np.lexsort(found[:, :keys].T[::-1])]


async def numbers(
    connection: AsyncConnection, model: type[SQLModel], where: str, *, ordered: bool = True
) -> Numbers:
    """A table of whole numbers; past the drivers' rows, which would take most of the time."""
    table = SQLModel.metadata.tables[str(model.__tablename__)]
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    order = ", ".join(f'"{column.name}"' for column in table.primary_key)
    query = f"SELECT {names} FROM {table.name} {where}"  # noqa: S608 - the models' names
    if ordered:
        query += f" ORDER BY {order}"
    driver: Any = (await connection.get_raw_connection()).driver_connection
    if connection.dialect.name == "postgresql":
        return await _copied(driver, query, len(table.columns))
    return await _walked(driver, query, len(table.columns))


def _usable() -> Any:
    return col(TurnBlock.form) == _FORM


async def _rows(connection: AsyncConnection, number: int) -> list[Numbers]:
    where = f"WHERE case_id >= {number * SIZE} AND case_id < {(number + 1) * SIZE}"
    return [await numbers(connection, model, where) for model in _MODELS]


def _array(content: bytes, part: int) -> Numbers:
    import numpy as np

    return np.frombuffer(content, "<i8").reshape(-1, len(_NAMES[part]))


def _runs(numbers: Iterator[int]) -> Iterator[tuple[int, int]]:
    """Neighbouring numbers as (first, one past the last)."""
    first = end = -1
    for number in numbers:
        if number != end and first >= 0:
            yield first, end
        if number != end:
            first = number
        end = number + 1
    if first >= 0:
        yield first, end


async def _walked(driver: Any, query: str, width: int) -> Numbers:
    import numpy as np

    blocks = [np.zeros((0, width), np.int64)]
    async with driver.execute(query) as cursor:
        while rows := await cursor.fetchmany(_BATCH):
            flat = np.fromiter(chain.from_iterable(rows), np.int64, len(rows) * width)
            blocks.append(flat.reshape(-1, width))
    return np.concatenate(blocks)


async def _copied(driver: Any, query: str, width: int) -> Numbers:
    """PostgreSQL's binary COPY: 19 bytes of header, each row a count and (length, value) pairs."""
    import numpy as np

    sink = BytesIO()
    await driver.copy_from_query(query, output=sink, format="binary")
    row = np.dtype([("count", ">i2"), ("cells", [("length", ">i4"), ("value", ">i8")], (width,))])
    body = memoryview(sink.getbuffer())[19:-2]
    return np.frombuffer(body, row)["cells"]["value"].astype(np.int64)
