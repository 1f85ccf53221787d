"""The append-only record: events of cases and audit of actions."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from storage.models import AuditRecord, Case, CaseEvent, utcnow
from storage.terms import EventKind

_MOMENT = timedelta(seconds=1)


def record(
    session: AsyncSession,
    case: Case,
    kind: EventKind,
    /,
    *,
    at: datetime | None = None,
    actor: str = "system",
    **data: Any,
) -> CaseEvent:
    """Add one event; ``at`` is when it happened, which may precede its recording.

    ``data`` must be JSON and free of personal data: it outlives an erasure.
    """
    assert case.id is not None  # noqa: S101  (the case has been flushed)
    event = CaseEvent(case_id=case.id, kind=kind, at=at or utcnow(), actor=actor, data=data)
    session.add(event)
    if event.recorded_at - case.updated_at > _MOMENT:  # else it would be written several times
        case.updated_at = event.recorded_at
    return event


def audit(session: AsyncSession, actor: str, action: str, target: str = "", **data: Any) -> None:
    """Note an action of a person or the system."""
    session.add(AuditRecord(actor=actor, action=action, target=target, data=data))


async def last_audit(session: AsyncSession, action: str) -> AuditRecord | None:
    """The newest record of an action."""
    query = select(AuditRecord).where(AuditRecord.action == action)
    return (await session.exec(query.order_by(col(AuditRecord.id).desc()).limit(1))).first()


async def evasive_reply(session: AsyncSession, case_id: int) -> CaseEvent | None:
    """The case's last reply if it is perfunctory and nobody overruled that."""
    ends = (
        EventKind.REPLIED,
        EventKind.EVASION_OVERRULED,
        EventKind.NOT_HELPFUL,
        EventKind.REOPENED,
    )
    query = select(CaseEvent).where(CaseEvent.case_id == case_id, col(CaseEvent.kind).in_(ends))
    last = (await session.exec(query.order_by(col(CaseEvent.id).desc()).limit(1))).first()
    evasive = last is not None and last.kind == EventKind.REPLIED and last.data.get("evasive")
    return last if evasive else None


async def categories_settled(session: AsyncSession, case_ids: Collection[int]) -> set[int]:
    """The cases whose category a person set since the citizen last asked something new."""
    kinds = (EventKind.CATEGORY_CHANGED, EventKind.REOPENED)
    query = select(CaseEvent).where(
        col(CaseEvent.case_id).in_(case_ids), col(CaseEvent.kind).in_(kinds)
    )
    settled: set[int] = set()
    for event in await session.exec(query.order_by(col(CaseEvent.id))):
        if event.kind == EventKind.CATEGORY_CHANGED:
            settled.add(event.case_id)
        elif event.data.get("reason") == "edited":
            settled.discard(event.case_id)
    return settled


async def matched_by_words(session: AsyncSession, since: datetime) -> int:
    """How many texts were matched since then without likeness of meaning, which usually counts."""
    query = (
        select(func.count())
        .select_from(CaseEvent)
        .where(
            CaseEvent.kind == EventKind.TRIAGED,
            col(CaseEvent.at) >= since,
            col(CaseEvent.data)["lacking"].as_string().is_not(None),
        )
    )
    return (await session.exec(query)).one()


async def events(session: AsyncSession, case_id: int) -> list[CaseEvent]:
    """A case's events in the order they were recorded, those of this transaction too."""
    return with_added(session, case_id, (await stored_events(session, [case_id]))[case_id])


async def stored_events(
    session: AsyncSession, case_ids: Collection[int]
) -> dict[int, list[CaseEvent]]:
    """The events of some cases in the order they were recorded."""
    query = select(CaseEvent).where(col(CaseEvent.case_id).in_(case_ids))
    found: dict[int, list[CaseEvent]] = {number: [] for number in case_ids}
    for event in await session.exec(query.order_by(col(CaseEvent.id))):
        found[event.case_id].append(event)
    return found


def with_added(session: AsyncSession, case_id: int, stored: Sequence[CaseEvent]) -> list[CaseEvent]:
    """A case's stored events and those that this transaction has not stored yet."""
    added = (one for one in session.new if isinstance(one, CaseEvent))
    return [*stored, *(one for one in added if one.case_id == case_id)]
