"""常用语: which of them a person may use, and how often each was."""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum

from sqlalchemy import ColumnElement, and_, or_
from sqlmodel import col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from storage.models import Phrase


class Reach(StrEnum):
    """Who may use a phrase."""

    OWN = "own"
    DEPARTMENT = "department"
    ALL = "all"


async def within_reach(
    session: AsyncSession, staff_id: int, departments: Collection[str], *, active: bool
) -> list[Phrase]:
    """A person's own, their departments' (every one's when they name none) and everybody's.

    The most used first; with ``active`` only those in use.
    """
    query = select(Phrase).where(_reached(staff_id, departments))
    if active:
        query = query.where(col(Phrase.active))
    query = query.order_by(col(Phrase.active).desc(), col(Phrase.used).desc(), col(Phrase.id))
    return list(await session.exec(query))


async def locked(session: AsyncSession, phrase_id: int) -> Phrase | None:
    """The phrase, held against other writers until the transaction ends."""
    query = select(Phrase).where(col(Phrase.id) == phrase_id).with_for_update()
    return (await session.exec(query)).first()


async def count_use(session: AsyncSession, phrase_id: int) -> None:
    """One use more."""
    chosen = col(Phrase.id) == phrase_id
    await session.exec(update(Phrase).where(chosen).values(used=col(Phrase.used) + 1))


def _reached(staff_id: int, departments: Collection[str]) -> ColumnElement[bool]:
    own = and_(col(Phrase.scope) == Reach.OWN, col(Phrase.staff_id) == staff_id)
    shared = col(Phrase.scope) == Reach.DEPARTMENT
    if departments:
        shared = and_(shared, col(Phrase.department).in_(departments))
    return or_(own, shared, col(Phrase.scope) == Reach.ALL)
