"""What people decided about proposals to learn; a proposal is named by its key."""

from __future__ import annotations

from collections.abc import Collection

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from storage.ledger import audit
from storage.models import ProposalDecision, utcnow


async def decided(session: AsyncSession, keys: Collection[str] | None = None) -> set[str]:
    """The keys, of these or of all, about which a person decided."""
    query = select(ProposalDecision.key)
    if keys is not None:
        query = query.where(col(ProposalDecision.key).in_(keys))
    return set(await session.exec(query))


async def decide(
    session: AsyncSession, keys: Collection[str], *, accepted: bool, actor: str
) -> None:
    """Keep a decision, in place of an earlier one; a proposal decided about does not come back."""
    query = select(ProposalDecision).where(col(ProposalDecision.key).in_(keys))
    rows = {row.key: row for row in await session.exec(query)}
    for key in dict.fromkeys(keys):
        row = rows.get(key) or ProposalDecision(key=key, accepted=accepted)
        row.accepted, row.actor, row.at = accepted, actor, utcnow()
        session.add(row)
        action = "proposal.accept" if accepted else "proposal.reject"
        audit(session, actor, action, key)
