"""Gold questions as the office keeps them."""

from __future__ import annotations

from collections.abc import Iterable

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from knowledge.gold import Gold
from storage.ledger import audit
from storage.models import GoldQuestion


async def save(session: AsyncSession, questions: Iterable[Gold], actor: str) -> int:
    """Add questions or change their entry; returns how many were new or different."""
    rows = {row.query: row for row in await session.exec(select(GoldQuestion))}
    changed = 0
    for gold in questions:
        row = rows.get(gold.query)
        if row is not None and row.entry_id == gold.entry_id:
            continue
        row = row or GoldQuestion(query=gold.query)
        row.entry_id, row.actor = gold.entry_id, actor
        rows[gold.query] = row
        session.add(row)
        changed += 1
    audit(session, actor, "kb.gold", changed=changed)
    return changed


async def load(session: AsyncSession) -> list[Gold]:
    """Every gold question, in the order they were added."""
    found = await session.exec(select(GoldQuestion).order_by(col(GoldQuestion.id)))
    return [Gold(row.query, row.entry_id) for row in found]


async def drop(session: AsyncSession, query: str, actor: str) -> bool:
    """Forget a question; False when there is none."""
    found = await session.exec(select(GoldQuestion).where(GoldQuestion.query == query))
    row = found.first()
    if row is None:
        return False
    await session.delete(row)
    audit(session, actor, "kb.gold.drop", row.entry_id)
    return True
