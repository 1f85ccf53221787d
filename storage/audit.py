"""The audit as it is looked through: newest first, page by page. It is never changed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, and_, or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from storage.models import AuditRecord

_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Sought:
    """What is looked for; empty for everything. ``action`` ends with "." for all of a kind,
    ``case_id`` finds what was done to one case, ``first`` and ``end`` bound the moment."""

    actor: str = ""
    action: str = ""
    text: str = ""
    case_id: int | None = None
    first: datetime | None = None
    end: datetime | None = None


async def page(
    session: AsyncSession, sought: Sought, before: int | None, limit: int
) -> list[AuditRecord]:
    """At most ``limit`` records older than number ``before``, newest first."""
    query = select(AuditRecord).where(*_wanted(sought))
    if before is not None:
        query = query.where(col(AuditRecord.id) < before)
    return list(await session.exec(query.order_by(col(AuditRecord.id).desc()).limit(limit)))


async def walk(session: AsyncSession, sought: Sought, most: int) -> AsyncIterator[AuditRecord]:
    """The newest ``most`` records, newest first."""
    before, left = None, most
    while left > 0:
        rows = await page(session, sought, before, min(left, _AT_ONCE))
        for row in rows:
            yield row
        left -= len(rows)
        if not rows:
            return
        before = rows[-1].id


def _wanted(sought: Sought) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    action, target = col(AuditRecord.action), col(AuditRecord.target)
    if sought.actor:
        found.append(col(AuditRecord.actor) == sought.actor)
    if sought.action:
        whole = sought.action.endswith(".")
        found.append(action.startswith(sought.action) if whole else action == sought.action)
    if sought.text:
        found.append(target.contains(sought.text, autoescape=True))
    if sought.case_id is not None:
        own = and_(action.startswith("case."), target == str(sought.case_id))
        named = col(AuditRecord.data)["case"].as_integer() == sought.case_id
        found.append(or_(own, named))
    if sought.first is not None:
        found.append(col(AuditRecord.at) >= sought.first)
    if sought.end is not None:
        found.append(col(AuditRecord.at) < sought.end)
    return found
