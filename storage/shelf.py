"""Read models of the knowledge pages: entries in pages, how they are used, how they came to be."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, fields
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Text, and_, cast, func, or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from storage.models import Case, CaseEvent, EntryRevision, EntryRow
from storage.terms import EventKind

PAGE = 50
SOON = timedelta(days=30)
"""How long before its end an entry counts as 将到期."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of the knowledge base is wanted; empty means everything in use.

    ``state`` is valid, soon, expired, pending, review (its 复核日 has come) or retired;
    ``automatic`` is yes or no; ``order`` is "" (changed last first), id or used.
    """

    state: str = ""
    department: str = ""
    automatic: str = ""
    text: str = ""
    order: str = ""

    def to_json(self) -> dict[str, str]:
        return {name: value for name, value in asdict(self).items() if value}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Wanted:
        known = {one.name for one in fields(cls)}
        return cls(**{name: str(value)[:200] for name, value in data.items() if name in known})


@dataclass(frozen=True, slots=True)
class Used:
    """How often an entry came first for a question, and in how many cases it is the answer."""

    hits: int = 0
    adopted: int = 0
    automatic: int = 0


async def ids(session: AsyncSession, wanted: Wanted, today: date) -> list[str]:
    """The numbers of the entries wanted, in order."""
    query = select(EntryRow.id).where(*_wanted(wanted, today))
    if not wanted.order:
        query = query.order_by(col(EntryRow.changed_at).desc())
    return list(await session.exec(query.order_by(col(EntryRow.id))))


async def numbers(session: AsyncSession, prefix: str) -> list[str]:
    """The numbers of entries, in or out of use, that begin so."""
    query = select(EntryRow.id).where(col(EntryRow.id).startswith(prefix, autoescape=True))
    return list(await session.exec(query))


async def counts(session: AsyncSession, today: date) -> dict[str, int]:
    """How many entries are in each state that somebody should look at."""
    found = {}
    for state in ("", "soon", "expired", "review", "retired"):
        query = select(func.count()).select_from(EntryRow)
        found[state] = (await session.exec(query.where(*_state(state, today)))).one()
    return found


async def used(session: AsyncSession, since: datetime) -> dict[str, Used]:
    """How entries were used in cases opened, and questions read, since a moment."""
    entry = col(CaseEvent.data)["entry"].as_string().label("entry")
    # By way of a subquery: PostgreSQL takes the same expression with other parameters for another.
    read = select(entry).where(CaseEvent.kind == EventKind.TRIAGED, CaseEvent.at >= since)
    first = read.subquery().c.entry
    counted = select(first, func.count()).group_by(first)
    hits = {name: count for name, count in await session.exec(counted) if name}
    answers = (
        select(Case.entry_id, Case.automatic, func.count())
        .where(Case.opened_at >= since, Case.entry_id != "")
        .group_by(col(Case.entry_id), col(Case.automatic))
    )
    own: dict[str, list[int]] = {}
    for name, automatic, count in await session.exec(answers):
        own.setdefault(name, [0, 0])[bool(automatic)] += count
    return {
        name: Used(hits.get(name, 0), sum(own.get(name, (0, 0))), own.get(name, (0, 0))[1])
        for name in {*hits, *own}
    }


async def revisions(session: AsyncSession, entry_id: str) -> list[EntryRevision]:
    """Every version of an entry, the newest first."""
    query = select(EntryRevision).where(EntryRevision.entry_id == entry_id)
    return list(await session.exec(query.order_by(col(EntryRevision.version).desc())))


def _wanted(wanted: Wanted, today: date) -> list[ColumnElement[bool]]:
    found = _state(wanted.state, today)
    if wanted.department:
        found.append(col(EntryRow.department) == wanted.department)
    if wanted.automatic:
        found.append(col(EntryRow.automatic) == (wanted.automatic == "yes"))
    if text := wanted.text.strip():
        found.append(_mentions(text))
    return found


def _state(state: str, today: date) -> list[ColumnElement[bool]]:
    ends, starts = col(EntryRow.expires_on), col(EntryRow.effective_on)
    if state == "retired":
        return [col(EntryRow.retired).is_(True)]
    valid = and_(or_(ends.is_(None), ends >= today), or_(starts.is_(None), starts <= today))
    own: dict[str, ColumnElement[bool]] = {
        "valid": valid,
        "soon": and_(valid, ends <= today + SOON),
        "expired": ends < today,
        "pending": starts > today,
        "review": col(EntryRow.review_on) <= today,
    }
    in_use: list[ColumnElement[bool]] = [col(EntryRow.retired).is_(False)]
    return [*in_use, own[state]] if state in own else in_use


def _mentions(text: str) -> ColumnElement[bool]:
    """The text in any part of an entry; lists are kept as JSON, where Chinese is escaped."""
    escaped = json.dumps(text)[1:-1]
    plain = (EntryRow.id, EntryRow.question, EntryRow.answer, EntryRow.basis, EntryRow.topic)
    return or_(
        *(col(column).contains(text, autoescape=True) for column in plain),
        cast(col(EntryRow.similar), Text).contains(escaped, autoescape=True),
    )
