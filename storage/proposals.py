"""What people decided about proposals to learn; a proposal is named by its key."""

from __future__ import annotations

from collections.abc import Collection

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from storage.ledger import audit
from storage.models import ProposalDecision, Suggestion, utcnow


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


async def suggest(session: AsyncSession, suggestion: Suggestion) -> None:
    """Put what a member of staff proposes before those who decide."""
    session.add(suggestion)
    actor = f"staff:{suggestion.staff_id}"
    audit(session, actor, "proposal.suggest", suggestion.key, entry=suggestion.entry_id)


async def suggested(session: AsyncSession, key: str) -> Suggestion | None:
    """The suggestion with this key, whoever made it."""
    return (await session.exec(select(Suggestion).where(Suggestion.key == key))).first()


async def open_suggestions(session: AsyncSession, most: int) -> list[Suggestion]:
    """Those nobody decided about, the oldest first."""
    decided_keys = select(ProposalDecision.key)
    query = select(Suggestion).where(col(Suggestion.key).not_in(decided_keys))
    return list(await session.exec(query.order_by(col(Suggestion.id)).limit(most)))


async def suggested_by(
    session: AsyncSession, staff_id: int, most: int
) -> list[tuple[Suggestion, ProposalDecision | None]]:
    """What a person proposed with what came of it, the newest first."""
    query = (
        select(Suggestion, ProposalDecision)
        .outerjoin(ProposalDecision, col(ProposalDecision.key) == col(Suggestion.key))
        .where(Suggestion.staff_id == staff_id)
        .order_by(col(Suggestion.id).desc())
        .limit(most)
    )
    return [(one, decision) for one, decision in (await session.exec(query)).all()]
