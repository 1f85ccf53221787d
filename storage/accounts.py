"""政务账号 as registered, what they answered, and the service links that entries give."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func
from sqlalchemy import select as columns
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from storage.ledger import audit
from storage.models import Account, Case, EntryRow, LinkCheck

RECENT = 50_000
"""How many answers, the latest ones, tell what an account is asked for."""


@dataclass(frozen=True, slots=True)
class Opened:
    """What came of opening a link; ``problem`` is "" when it could be opened."""

    url: str
    problem: str


async def everyone(session: AsyncSession) -> list[Account]:
    """All accounts in the order in which they were registered."""
    return list(await session.exec(select(Account).order_by(col(Account.id))))


async def register(
    session: AsyncSession, key: str, told: Mapping[str, Any], actor: str
) -> tuple[bool, bool]:
    """Add an account, or change what is told of it; whether it is new, and whether it changed."""
    found = (await session.exec(select(Account).where(Account.key == key))).first()
    account = found or Account(key=key, platform="", name=key)
    new = {name: value for name, value in told.items() if getattr(account, name) != value}
    account.sqlmodel_update(new)
    session.add(account)
    if found is None or new:
        action = "account.add" if found is None else "account.change"
        audit(session, actor, action, key, fields=sorted(new))
    return found is None, bool(new)


async def topics(session: AsyncSession) -> dict[int, dict[str, int]]:
    """By account, how many of the latest answers were about which topic of the knowledge base,
    or for which department where no entry was used."""
    latest = (
        columns(col(Case.account_id), col(Case.entry_id), col(Case.department))
        .where(col(Case.answered_at).is_not(None))
        .order_by(col(Case.answered_at).desc())
        .limit(RECENT)
        .subquery()
    )
    topic = func.coalesce(func.nullif(col(EntryRow.topic), ""), latest.c.department)
    query = (
        columns(latest.c.account_id, topic, func.count())
        .join_from(latest, EntryRow, col(EntryRow.id) == latest.c.entry_id, isouter=True)
        .where(topic != "")
        .group_by(latest.c.account_id, topic)
    )
    found: dict[int, dict[str, int]] = {}
    for account_id, word, count in await (await session.connection()).execute(query):
        found.setdefault(account_id, {})[word] = count
    return found


async def link_checks(session: AsyncSession) -> dict[str, LinkCheck]:
    """What is known of every link that was ever opened, by address."""
    return {one.url: one for one in await session.exec(select(LinkCheck))}


async def note_links(session: AsyncSession, found: Iterable[Opened], at: datetime) -> None:
    """Keep what came of opening links."""
    known = await link_checks(session)
    for one in found:
        row = known.get(one.url) or LinkCheck(url=one.url, reachable=True)
        row.reachable, row.problem, row.checked_at = not one.problem, one.problem, at
        row.failing_since = (row.failing_since or at) if one.problem else None
        session.add(row)


async def forget_links(session: AsyncSession, kept: Sequence[str]) -> None:
    """Drop what is known of links that no entry gives any more."""
    for url, row in (await link_checks(session)).items():
        if url not in kept:
            await session.delete(row)
