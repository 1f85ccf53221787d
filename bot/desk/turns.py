"""Turns of a case's clock: an answer that did not help, an edit that asks anew."""

from __future__ import annotations

from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.deadlines import due_for
from bot.desk.office import Office
from bot.triage import Category
from storage.ledger import record
from storage.models import Case
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


def set_due(office: Office, session: AsyncSession, case: Case) -> None:
    """Set the due time by the office's profile, and record it when it is a new one."""
    rules = office.rules
    due = due_for(rules.profile, Category(case.category), case.opened_at, rules.calendar)
    if case.due_at == due.at and case.profile == rules.profile.key:
        return
    case.due_at, case.due_provisional = due.at, due.provisional
    case.calendar_version, case.profile = due.calendar_version, rules.profile.key
    record(
        session,
        case,
        EventKind.DUE_SET,
        due=due.at.isoformat(),
        provisional=due.provisional,
        calendar=due.calendar_version,
        profile=rules.profile.key,
        category=case.category,
    )


def _open(case: Case) -> None:
    case.state = CaseState.RECEIVED
    case.answered_at = case.resolved_at = None
    case.version += 1
