"""The knowledge base as the office keeps it: rows and their revisions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from knowledge.catalog import Entry, Link
from storage.ledger import audit
from storage.models import Case, EntryRevision, EntryRow, utcnow

_AT_ONCE = 500  # rows between which others have their turn


@dataclass(frozen=True, slots=True)
class Saved:
    """What an import did, in entries."""

    added: int = 0
    changed: int = 0
    unchanged: int = 0


@dataclass(frozen=True, slots=True)
class Mark:
    """That an entry changed: its version with whether it is retired, and when."""

    id: str
    version: tuple[int, bool]
    changed_at: datetime


async def save(session: AsyncSession, entries: Iterable[Entry], actor: str) -> Saved:
    """Add or replace entries by id in this transaction; equal ones are left alone."""
    rows = {row.id: row for row in await session.exec(select(EntryRow))}
    added = changed = unchanged = 0
    revisions = []
    for entry in entries:
        row = rows.get(entry.id)
        if row is not None and not row.retired and to_entry(row) == entry:
            unchanged += 1
            continue
        revisions.append(_put(session, row, entry, actor))
        added, changed = (added + 1, changed) if row is None else (added, changed + 1)
    await session.flush()
    session.add_all(revisions)
    audit(session, actor, "kb.import", added=added, changed=changed, unchanged=unchanged)
    return Saved(added, changed, unchanged)


async def add_similar(
    session: AsyncSession, entry_id: str, wording: str, actor: str, **data: Any
) -> None:
    """Give an entry in use one more similar question. LookupError when there is no such entry."""
    row = await locked(session, entry_id)
    if row is None or row.retired:
        raise LookupError(entry_id)
    if wording in row.similar:
        return
    entry = to_entry(row)
    taught = replace(entry, similar=(*entry.similar, wording))
    await put(session, row, taught, actor, "kb.similar", **data)


async def locked(session: AsyncSession, entry_id: str) -> EntryRow | None:
    """An entry, held against other writers until the transaction ends."""
    return await session.get(EntryRow, entry_id, with_for_update=True)


async def put(
    session: AsyncSession,
    row: EntryRow | None,
    entry: Entry,
    actor: str,
    action: str,
    *,
    retired: bool = False,
    **data: Any,
) -> int:
    """Keep an entry as a new version of its row, in use or out of it; returns the version."""
    revision = _put(session, row, entry, actor, retired=retired)
    await session.flush()
    session.add(revision)
    audit(session, actor, action, entry.id, version=revision.version, **data)
    return revision.version


async def retire(session: AsyncSession, entry_id: str, actor: str) -> bool:
    """Take an entry out of use; False when there is none."""
    row = await locked(session, entry_id)
    if row is None or row.retired:
        return False
    await put(session, row, to_entry(row), actor, "kb.retire", retired=True)
    return True


async def load(session: AsyncSession) -> list[Entry]:
    """Every entry in use, by id."""
    query = select(EntryRow).where(~col(EntryRow.retired)).order_by(EntryRow.id)
    return [to_entry(row) for row in await session.exec(query)]


async def changed_since(session: AsyncSession, moment: datetime | None) -> list[Mark]:
    """What changed at or after ``moment``; everything when None."""
    query = select(EntryRow.id, EntryRow.version, EntryRow.retired, EntryRow.changed_at)
    if moment is not None:
        query = query.where(EntryRow.changed_at >= moment)
    found = await session.stream(query)
    marks: list[Mark] = []
    async for part in found.partitions(_AT_ONCE):
        marks += [Mark(row[0], (row[1], row[2]), row[3]) for row in part]
    return marks


async def rows(session: AsyncSession, ids: Sequence[str]) -> list[EntryRow]:
    """The rows with these ids, in no order."""
    return list(await session.exec(select(EntryRow).where(col(EntryRow.id).in_(ids))))


async def count(session: AsyncSession) -> int:
    """How many entries are in use."""
    query = select(func.count()).select_from(EntryRow).where(~col(EntryRow.retired))
    return (await session.exec(query)).one()


async def answered(session: AsyncSession, since: datetime) -> dict[str, int]:
    """How many cases opened since a moment each entry answers."""
    query = (
        select(Case.entry_id, func.count())
        .where(Case.opened_at >= since, Case.entry_id != "")
        .group_by(Case.entry_id)
    )
    return dict((await session.exec(query)).all())


async def departments(session: AsyncSession) -> list[str]:
    """The 承办单位 that appear in the knowledge base, the busiest first."""
    query = (
        select(EntryRow.department)
        .where(~col(EntryRow.retired), EntryRow.department != "")
        .group_by(EntryRow.department)
        .order_by(func.count().desc(), EntryRow.department)
    )
    return list(await session.exec(query))


def to_entry(row: EntryRow) -> Entry:
    """The row as the knowledge package knows it."""
    return Entry(
        id=row.id,
        question=row.question,
        answer=row.answer,
        similar=tuple(row.similar),
        department=row.department,
        topic=row.topic,
        basis=row.basis,
        links=tuple(Link(**link) for link in row.links),
        effective_on=row.effective_on,
        expires_on=row.expires_on,
        review_on=row.review_on,
        automatic=row.automatic,
    )


def from_snapshot(snapshot: Mapping[str, Any]) -> tuple[Entry, bool]:
    """An entry as a revision kept it, and whether it was out of use then."""
    values = {**snapshot, "similar": tuple(snapshot["similar"])}
    values["links"] = tuple(Link(**link) for link in snapshot["links"])
    retired = bool(values.pop("retired", False))
    for name in ("effective_on", "expires_on", "review_on"):
        values[name] = date.fromisoformat(values[name]) if values[name] else None
    return Entry(**values), retired


def _put(
    session: AsyncSession,
    row: EntryRow | None,
    entry: Entry,
    actor: str,
    *,
    retired: bool = False,
) -> EntryRevision:
    values = asdict(entry)
    values["similar"] = list(entry.similar)
    values["links"] = [asdict(link) for link in entry.links]
    if row is None:
        row = EntryRow(**values)
    else:
        row.sqlmodel_update({**values, "version": row.version + 1})
    row.retired, row.changed_at = retired, utcnow()
    session.add(row)
    snapshot = {key: _plain(value) for key, value in values.items()}
    if retired:
        snapshot["retired"] = True
    return EntryRevision(entry_id=entry.id, version=row.version, snapshot=snapshot, actor=actor)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
