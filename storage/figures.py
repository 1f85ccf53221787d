"""Facts for the reports: folded from the ledger's events, fetched as columns of numbers."""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterator, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from sqlalchemy import delete, func, insert, text
from sqlalchemy import select as columns
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from storage import blocks
from storage.models import (
    Account,
    Case,
    CaseEvent,
    FigureQueue,
    FigureWord,
    Message,
    Staff,
    TurnChange,
    TurnFact,
)

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.int64]

_FEW = 60_000
_ASKED_AT_ONCE = 500
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
    await blocks.drop(session, case_ids)
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
    """The display name of every member of staff by the actor that the ledger knows them as; with
    the login where several have the same name."""
    staff = list(await session.exec(select(Staff)))
    same = Counter(one.display_name for one in staff)
    return {
        f"staff:{one.id}": f"{one.display_name}（{one.login}）"
        if same[one.display_name] > 1
        else one.display_name
        for one in staff
    }


async def without_facts(session: AsyncSession) -> int:
    """How many cases no report counts, because their events are gone or make no sense."""
    cases = (await session.exec(select(func.count()).select_from(Case))).one()
    first = select(func.count()).select_from(TurnFact).where(TurnFact.number == 1)
    return cases - (await session.exec(first)).one()


async def fetch(
    connection: AsyncConnection, first: int | None, end: int | None, *, open_at: int | None = None
) -> tuple[Numbers, Numbers]:
    """Facts of the turns that start from ``first`` up to but not including ``end`` (microseconds),
    or of those of them that were not answered by ``open_at``, each an array of shape (rows,
    columns) in order of the keys; and their changes, among which there may be those of other
    turns."""
    bounds = " AND ".join(
        ([f"start >= {int(first)}"] if first is not None else [])
        + ([f"start < {int(end)}"] if end is not None else [])
        + ([f"(stop = 0 OR stop > {int(open_at)})"] if open_at is not None else [])
    )
    if bounds and await _few(connection, bounds):
        turns = await blocks.few(connection, TurnFact, f"WHERE {bounds}")
        keys = f"SELECT case_id, number FROM turn_fact WHERE {bounds}"  # noqa: S608 - numbers only
        where = f"WHERE (case_id, turn) IN ({keys})"
        return turns, await blocks.few(connection, TurnChange, where)
    turns, changes = await blocks.everything(connection)
    start, stop = turns[:, blocks.place("start")], turns[:, blocks.place("stop")]
    chosen = (stop == 0) | (stop > (-1 if open_at is None else open_at))
    if first is not None:
        chosen &= start >= first
    if end is not None:
        chosen &= start < end
    return turns[chosen] if bounds else turns, changes


async def _few(connection: AsyncConnection, bounds: str) -> bool:
    """Whether it takes less time to read these turns row by row than to unpack all."""
    some = f"SELECT 1 FROM turn_fact WHERE {bounds} LIMIT {_FEW + 1}"  # noqa: S608 - numbers only
    counted = await connection.execute(text(f"SELECT count(*) FROM ({some}) AS counted"))  # noqa: S608
    return int(counted.scalar_one()) <= _FEW


async def walk(session: AsyncSession, step: int) -> AsyncIterator[tuple[int, int]]:
    """Ranges of case numbers that together hold every case."""
    last = await last_case(session)
    for first in range(1, last + 1, step):
        yield first, min(first + step - 1, last)


async def texts(session: AsyncSession, case_ids: Collection[int]) -> dict[int, str]:
    """What was written in each of the cases, its subject first when that says something else;
    nothing for an erased one."""
    wanted, found = list(case_ids), dict[int, str]()
    connection = await session.connection()
    for start in range(0, len(wanted), _ASKED_AT_ONCE):
        some = wanted[start : start + _ASKED_AT_ONCE]
        said = columns(col(Message.case_id), col(Message.text)).where(
            col(Message.case_id).in_(some)
        )
        for number, written in await connection.execute(
            said.order_by(col(Message.sent_at), col(Message.id))
        ):
            found[number] = f"{found[number]}\n{written}" if number in found else written
        subjects = columns(col(Case.id), col(Case.subject)).where(col(Case.id).in_(some))
        for case_id, subject in await connection.execute(subjects):
            told = found.get(case_id or 0, "")
            if subject and not told.startswith(subject.rstrip("…")):
                found[case_id or 0] = f"{subject}\n{told}"
    return found
