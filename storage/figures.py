"""What the assessment reads: cases of a period and the events that moved their clocks."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from storage.models import Account, Case, CaseEvent
from storage.terms import EventKind

CLOCK_EVENTS = (
    EventKind.OPENED,
    EventKind.REPLIED,
    EventKind.NOT_HELPFUL,
    EventKind.REOPENED,
    EventKind.RESOLVED,
    EventKind.RATED,
)


class Told(NamedTuple):
    """One event: kind, when it happened, data."""

    kind: str
    at: datetime
    data: dict[str, Any]


class CaseFile(NamedTuple):
    """A case with the events that matter to its clock, in the order they were recorded."""

    account: str
    category: str
    opened_at: datetime
    told: list[Told]


async def case_files(
    session: AsyncSession, first: datetime | None = None, end: datetime | None = None
) -> Iterator[CaseFile]:
    """Cases opened from ``first`` up to but not including ``end``, by number."""
    query = (
        select(
            col(Case.id),
            col(Account.key),
            col(Case.category),
            col(Case.opened_at),
            col(CaseEvent.kind),
            col(CaseEvent.at),
            col(CaseEvent.data),
        )
        .join(Account, col(Account.id) == Case.account_id)
        .join(CaseEvent, col(CaseEvent.case_id) == Case.id)
        .where(*_period(first, end), col(CaseEvent.kind).in_(CLOCK_EVENTS))
        .order_by(col(Case.id), col(CaseEvent.id))
    )
    rows = (await (await session.connection()).execute(query)).all()
    return (_case_file(list(group)) for _, group in groupby(rows, key=lambda row: row[0]))


def _case_file(rows: list[Any]) -> CaseFile:
    told = [Told(row[4], row[5], row[6]) for row in rows]
    return CaseFile(rows[0][1], rows[0][2], rows[0][3], told)


def _period(first: datetime | None, end: datetime | None) -> list[ColumnElement[bool]]:
    conditions: list[ColumnElement[bool]] = []
    if first is not None:
        conditions.append(col(Case.opened_at) >= first)
    if end is not None:
        conditions.append(col(Case.opened_at) < end)
    return conditions
