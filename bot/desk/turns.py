"""Turns of a case's clock: an answer that did not help, an edit that asks anew."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.deadlines import Standing, standing
from bot.desk.office import Office, key_of
from bot.replay import replay
from bot.turn import Happening
from storage.ledger import events, record, with_added
from storage.models import Case, CaseEvent
from storage.terms import CaseState, EventKind


def not_helpful(session: AsyncSession, case: Case, reason: str) -> None:
    """Restore the clock to its original start, as if the answer had never stopped it."""
    record(session, case, EventKind.NOT_HELPFUL, actor="citizen", reason=reason)
    if case.state == CaseState.RESOLVED:
        record(session, case, EventKind.REOPENED, actor="citizen", reason=reason)
    case.urgency = max(case.urgency, 1)
    _open(case)


def asked_anew(session: AsyncSession, case: Case, at: datetime) -> None:
    """A new turn whose clock starts when the citizen wrote it."""
    record(session, case, EventKind.REOPENED, at=at, actor="citizen", reason="edited")
    case.opened_at = at
    _open(case)


async def stand(
    office: Office, session: AsyncSession, case: Case, stored: Sequence[CaseEvent] | None = None
) -> Standing:
    """How the running turn stands now by its events, the office's profile and calendar.

    ``stored`` are the events that the transaction found, if they were read already.
    """
    now = office.now() + timedelta(microseconds=1)  # after what was recorded a moment ago
    number = key_of(case)
    known = await events(session, number) if stored is None else with_added(session, number, stored)
    told = [Happening(one.kind, one.at, one.data, one.actor) for one in known]
    # Until the first due time is set, the case itself tells what it is about.
    placed = {"category": case.category, "department": case.department}
    turn = replay([*told, Happening(EventKind.DUE_SET, now, placed)])[-1]
    return standing(turn, office.rules.profile, office.rules.calendar, now)


async def set_due(
    office: Office, session: AsyncSession, case: Case, stored: Sequence[CaseEvent] | None = None
) -> None:
    """Set the due time as the case's events make it, and record it when it is a new one."""
    key, stands = office.rules.profile.key, await stand(office, session, case, stored)
    due, original = stands.due, stands.original.at
    known = (case.due_at, case.due_provisional, case.calendar_version, case.profile)
    if known == (due.at, due.provisional, due.calendar_version, key):
        return
    case.due_at, case.due_provisional = due.at, due.provisional
    case.original_due_at = original if original != due.at else None
    case.calendar_version, case.profile = due.calendar_version, key
    case.remind_at = None  # the next reminder is another one now
    record(
        session,
        case,
        EventKind.DUE_SET,
        due=due.at.isoformat(),
        provisional=due.provisional,
        calendar=due.calendar_version,
        profile=key,
        category=case.category,
        department=case.department,
    )


def _open(case: Case) -> None:
    case.state = CaseState.RECEIVED
    case.answered_at = case.resolved_at = None
    case.version += 1
