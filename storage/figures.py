"""Facts for the reports: folded from the ledger's events, fetched as columns of numbers."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from io import BytesIO
from itertools import chain, groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import delete, func, insert
from sqlalchemy import select as columns
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from storage.models import (
    Account,
    Case,
    CaseEvent,
    FigureQueue,
    FigureWord,
    Staff,
    TurnChange,
    TurnFact,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.int64]

_BATCH = 100_000
Row = tuple[int, ...]


class Told(NamedTuple):
    """One event: kind, when it happened, data, actor."""

    kind: str
    at: Any
    data: dict[str, Any]
    actor: str


class CaseFile(NamedTuple):
    """A case's identity and all its events in the order they were recorded."""

    case_id: int
    account_id: int
    told: list[Told]


async def behind(session: AsyncSession) -> bool:
    """Whether events wait to be folded into the facts."""
    return (await session.exec(select(col(FigureQueue.case_id)).limit(1))).first() is not None


async def take_queued(session: AsyncSession, after: int, limit: int) -> list[CaseFile]:
    """The next cases beyond ``after`` with new events, taken out of the queue.

    The events are read after their place in the queue is given up, so that none is overlooked.
    """
    number = col(FigureQueue.case_id)
    query = select(number).where(number > after).distinct().order_by(number).limit(limit)
    taken = list(await session.exec(query))
    await session.exec(delete(FigureQueue).where(number.in_(taken)))
    return list(await case_files(session, taken))


async def case_files(session: AsyncSession, case_ids: Collection[int]) -> Iterator[CaseFile]:
    """These cases with their events, by number; a case without any event is left out."""
    query = (
        columns(
            col(CaseEvent.case_id),
            col(Case.account_id),
            col(CaseEvent.kind),
            col(CaseEvent.at),
            col(CaseEvent.data),
            col(CaseEvent.actor),
        )
        .join(Case, col(Case.id) == CaseEvent.case_id)
        .where(col(CaseEvent.case_id).in_(case_ids))
        .order_by(col(CaseEvent.case_id), col(CaseEvent.id))
    )
    rows = (await (await session.connection()).execute(query)).all()
    return (_case_file(list(group)) for _, group in groupby(rows, key=lambda row: row[0]))


def _case_file(rows: list[Any]) -> CaseFile:
    return CaseFile(rows[0][0], rows[0][1], [Told(*row[2:]) for row in rows])


async def words(connection: AsyncConnection) -> dict[str, int]:
    """The number of every word that facts hold."""
    found = await connection.execute(columns(col(FigureWord.word), col(FigureWord.id)))
    return {row.word: row.id for row in found}


async def store(
    session: AsyncSession,
    case_ids: Collection[int],
    rows: Sequence[Row],
    changes: Sequence[Row],
    coined: Mapping[str, int],
) -> None:
    """Put these facts in the place of whatever was known of the cases."""
    for table, number in ((TurnFact, TurnFact.case_id), (TurnChange, TurnChange.case_id)):
        await session.exec(delete(table).where(col(number).in_(case_ids)))
    new = [(number, word) for word, number in coined.items()]
    for model, added in ((FigureWord, new), (TurnFact, rows), (TurnChange, changes)):
        await _insert(session, model, added)


async def _insert(session: AsyncSession, model: type[SQLModel], rows: Sequence[Any]) -> None:
    if rows:
        table: Any = SQLModel.metadata.tables[str(model.__tablename__)]
        names = [column.name for column in table.columns]
        connection = await session.connection()
        await connection.execute(
            insert(table), [dict(zip(names, row, strict=True)) for row in rows]
        )


async def stored(session: AsyncSession, numbers: Collection[int]) -> tuple[list[Row], list[Row]]:
    """Facts and changes of these cases."""
    found = []
    for model in (TurnFact, TurnChange):
        table: Any = SQLModel.metadata.tables[str(model.__tablename__)]
        query = columns(table).where(table.c.case_id.in_(numbers))
        rows = await (await session.connection()).execute(query.order_by(*table.primary_key))
        found.append([tuple(row) for row in rows])
    return found[0], found[1]


async def cases(session: AsyncSession, numbers: Collection[int]) -> dict[int, Case]:
    """The cases as the queues see them, by number."""
    query = select(Case).where(col(Case.id).in_(numbers))
    return {case.id or 0: case for case in await session.exec(query)}


async def last_case(session: AsyncSession) -> int:
    """The highest number of a case, 0 for none."""
    return (await session.exec(select(func.max(Case.id)))).one() or 0


async def accounts(connection: AsyncConnection) -> dict[int, tuple[str, str]]:
    """Key and platform of every account by its number."""
    query = columns(col(Account.id), col(Account.key), col(Account.platform))
    return {row.id: (row.key, row.platform) for row in await connection.execute(query)}


async def people(session: AsyncSession) -> dict[str, str]:
    """The display name of every member of staff by the actor that the ledger knows them as."""
    return {f"staff:{one.id}": one.display_name for one in await session.exec(select(Staff))}


async def without_facts(session: AsyncSession) -> int:
    """How many cases no report counts, because their events are gone or make no sense."""
    cases = (await session.exec(select(func.count()).select_from(Case))).one()
    first = select(func.count()).select_from(TurnFact).where(TurnFact.number == 1)
    return cases - (await session.exec(first)).one()


async def fetch(
    connection: AsyncConnection, first: int | None, end: int | None
) -> tuple[Numbers, Numbers]:
    """Facts of the turns that start from ``first`` up to but not including ``end`` (microseconds)
    and their changes, each an array of shape (rows, columns) in order of the keys."""
    started = " AND ".join(
        ([f"start >= {int(first)}"] if first is not None else [])
        + ([f"start < {int(end)}"] if end is not None else [])
    )
    where = f"WHERE {started}" if started else ""
    facts = await _numbers(connection, TurnFact, where)
    if started:
        cases = f"SELECT case_id, number FROM turn_fact {where}"  # noqa: S608 - numbers only
        where = f"WHERE (case_id, turn) IN ({cases})"
    return facts, await _numbers(connection, TurnChange, where)


async def _numbers(connection: AsyncConnection, model: type[SQLModel], where: str) -> Numbers:
    """A table of whole numbers; past the drivers' rows, which would take most of the time."""
    table = SQLModel.metadata.tables[str(model.__tablename__)]
    names = ", ".join(f'"{column.name}"' for column in table.columns)
    order = ", ".join(f'"{column.name}"' for column in table.primary_key)
    query = f"SELECT {names} FROM {table.name} {where} ORDER BY {order}"  # noqa: S608 - the models' names
    driver: Any = (await connection.get_raw_connection()).driver_connection
    if connection.dialect.name == "postgresql":
        return await _copied(driver, query, len(table.columns))
    return await _walked(driver, query, len(table.columns))


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


async def walk(session: AsyncSession, step: int) -> AsyncIterator[tuple[int, int]]:
    """Ranges of case numbers that together hold every case."""
    last = await last_case(session)
    for first in range(1, last + 1, step):
        yield first, min(first + step - 1, last)
