"""The office's own synonyms, as knowledge.lexicon understands them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from storage.ledger import audit
from storage.models import Synonym, utcnow

Own = Mapping[str, str]


async def load(session: AsyncSession) -> dict[str, str]:
    """Every word of the office's own with its kin, in the order they were added."""
    found = await session.exec(select(Synonym.word, Synonym.kin).order_by(col(Synonym.id)))
    return dict(found.all())


async def change(
    session: AsyncSession, changed: Callable[[Own], Own], actor: str, action: str
) -> list[str]:
    """Put what ``changed`` makes of the present words in their place; the words that differ.

    In a ``write_alone`` transaction, so that two changes at once know of each other. What the
    function raises goes through.
    """
    rows = {row.word: row for row in await session.exec(select(Synonym).order_by(col(Synonym.id)))}
    wanted = changed({word: row.kin for word, row in rows.items()})
    gone = [word for word in rows if word not in wanted]
    for word in gone:
        await session.delete(rows[word])
    fresh = [word for word, kin in wanted.items() if word not in rows or rows[word].kin != kin]
    for word in fresh:
        row = rows.get(word) or Synonym(word=word)
        row.kin, row.actor, row.changed_at = wanted[word], actor, utcnow()
        session.add(row)
    if gone or fresh:
        audit(session, actor, action, "、".join(fresh or gone)[:200], joined=fresh, gone=gone)
    return [*fresh, *gone]
