"""How often service links (办事入口) were opened, and what became of who was asked to."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import exists, func
from sqlalchemy.dialects import postgresql, sqlite
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from storage.models import Account, Case, CaseEvent, LinkOpen
from storage.terms import CaseState, EventKind

Key = tuple[str, str]
Told = tuple[int, int, int, int]


async def count(session: AsyncSession, day: date, entry_id: str, account: str, mark: str) -> None:
    """One more opening; two at once are two."""
    dialect = (await session.connection()).dialect.name
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    values = {"day": day, "entry_id": entry_id, "account": account, "mark": mark}
    added = insert(LinkOpen).values(**values, opened=1)
    more = {"opened": col(LinkOpen.opened) + 1}
    await session.exec(added.on_conflict_do_update(index_elements=list(values), set_=more))


async def usage(
    session: AsyncSession, since: datetime, day: date, entry_id: str = ""
) -> dict[Key, Told]:
    """Asked, answered, opened and solved by (entry, account key) since then; of one entry only,
    if one is named."""
    asked = await _asked(session, since)
    answered = await _answered(session, since)
    solved = await _answered(session, since, confirmed=True)
    opened = await opens(session, day)
    keys = sorted({*asked, *answered, *opened})
    return {
        key: (asked.get(key, 0), answered.get(key, 0), opened.get(key, 0), solved.get(key, 0))
        for key in keys
        if key[0] and (not entry_id or key[0] == entry_id)
    }


async def opens(session: AsyncSession, since: date) -> dict[Key, int]:
    """Openings by (entry, account key) on and after a day."""
    query = (
        select(LinkOpen.entry_id, LinkOpen.account, func.sum(LinkOpen.opened))
        .where(LinkOpen.day >= since)
        .group_by(LinkOpen.entry_id, LinkOpen.account)
    )
    return {(entry, account): int(n) for entry, account, n in await session.exec(query)}


async def _asked(session: AsyncSession, since: datetime) -> dict[Key, int]:
    entry = col(CaseEvent.data)["entry"].as_string().label("entry")
    # By way of a subquery: PostgreSQL takes the same expression with other parameters for another.
    read = (
        select(entry, col(Account.key).label("account"))
        .join(Case, col(Case.id) == CaseEvent.case_id)
        .join(Account, col(Account.id) == Case.account_id)
        .where(CaseEvent.kind == EventKind.TRIAGED, CaseEvent.at >= since)
        .subquery()
    )
    query = select(read.c.entry, read.c.account, func.count()).group_by(
        read.c.entry, read.c.account
    )
    return {(one or "", account): n for one, account, n in await session.exec(query)}


async def _answered(
    session: AsyncSession, since: datetime, *, confirmed: bool = False
) -> dict[Key, int]:
    """Cases opened since then that the entry answered; of those the ones the citizen confirmed."""
    query = (
        select(Case.entry_id, Account.key, func.count())
        .join(Account, col(Account.id) == Case.account_id)
        .where(Case.opened_at >= since, Case.entry_id != "", col(Case.answered_at).is_not(None))
        .group_by(col(Case.entry_id), col(Account.key))
    )
    if confirmed:
        helped = exists().where(
            col(CaseEvent.case_id) == Case.id, col(CaseEvent.kind) == EventKind.HELPFUL
        )
        query = query.where(Case.state == CaseState.RESOLVED, helped)
    return {(entry, account): n for entry, account, n in await session.exec(query)}
