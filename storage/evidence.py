"""What people decided about best candidates, read from the ledger."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from knowledge.risk import Decided
from storage.models import CaseEvent
from storage.terms import EventKind

_KINDS = (
    EventKind.TRIAGED,
    EventKind.REPLY_QUEUED,
    EventKind.HELPFUL,
    EventKind.NOT_HELPFUL,
)


async def decided(session: AsyncSession, since: datetime) -> list[Decided]:
    """The best candidates of questions that a person has judged since a moment.

    Staff judge by the entry of the reply they send, citizens by 有帮助 or 没解决 on an automatic
    answer; silence judges nothing.
    """
    query = select(CaseEvent).where(
        col(CaseEvent.kind).in_(_KINDS), col(CaseEvent.recorded_at) >= since
    )
    found: list[Decided] = []
    cases: dict[int, list[CaseEvent]] = {}
    for event in await session.exec(query.order_by(col(CaseEvent.id))):
        cases.setdefault(event.case_id, []).append(event)
    for events in cases.values():
        found += _judged(events)
    return found


def _judged(events: Iterable[CaseEvent]) -> Iterable[Decided]:
    best: CaseEvent | None = None
    automatic = False
    for event in events:
        if event.kind == EventKind.TRIAGED:
            asked = event.data.get("triage") == "question" and event.data.get("entry")
            best = event if asked else None
        elif best is None:
            continue
        elif event.kind == EventKind.REPLY_QUEUED:
            automatic = bool(event.data["automatic"])
            if not automatic:
                same = event.data["entry"] == best.data["entry"]
                yield Decided(best.data["probability"], same)
                best = None
        elif automatic:
            yield Decided(best.data["probability"], event.kind == EventKind.HELPFUL)
            best, automatic = None, False
