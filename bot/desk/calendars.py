"""Due times set by a calendar or a profile that is no longer the office's."""

from __future__ import annotations

from sqlalchemy import select
from sqlmodel import col
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.desk.office import Office, locked_case
from bot.desk.turns import set_due
from storage.models import Case
from storage.terms import OPEN_STATES


async def renew_dues(office: Office) -> int:
    """Reckon anew what is due by another calendar version or profile; returns how many cases.

    The earlier due time stays in the ledger. Safe to repeat.
    """
    async with office.db.read() as session:
        outdated = await _outdated(office, session)
    for case_id in outdated:
        async with office.db.write() as session:
            case = await locked_case(session, case_id)
            if case is not None and case.state in OPEN_STATES:
                await set_due(office, session, case)
    return len(outdated)


async def _outdated(office: Office, session: AsyncSession) -> list[int]:
    query = select(
        col(Case.id), col(Case.department), col(Case.calendar_version), col(Case.profile)
    ).where(col(Case.state).in_(OPEN_STATES), col(Case.due_at).is_not(None))
    profile, calendar = office.rules.profile.key, office.rules.calendar
    return [
        number
        for number, department, version, key in await (await session.connection()).execute(query)
        if number is not None and (version, key) != (calendar.of(department).version, profile)
    ]
