"""What an office ruled about words in its replies, as knowledge.screen understands it."""

from __future__ import annotations

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from knowledge.screen import Ruling
from storage.models import ScreenWord, utcnow


async def rows(session: AsyncSession) -> list[ScreenWord]:
    """Every ruling with who made it, the newest first."""
    query = select(ScreenWord).order_by(col(ScreenWord.changed_at).desc(), col(ScreenWord.id))
    return list(await session.exec(query))


async def load(session: AsyncSession) -> tuple[Ruling, ...]:
    """Every ruling, in the order of the words."""
    query = select(ScreenWord.word, ScreenWord.verdict, ScreenWord.advice)
    found = await session.exec(query.order_by(col(ScreenWord.word)))
    return tuple(Ruling(*one) for one in found)


async def put(session: AsyncSession, ruling: Ruling, actor: str) -> None:
    """Keep a ruling in place of an earlier one about the word."""
    row = await _row(session, ruling.word) or ScreenWord(word=ruling.word, verdict=ruling.verdict)
    row.verdict, row.advice = ruling.verdict, ruling.advice
    row.actor, row.changed_at = actor, utcnow()
    session.add(row)


async def drop(session: AsyncSession, word: str) -> Ruling | None:
    """Take a ruling back; what it was, None when there is none."""
    row = await _row(session, word)
    if row is None:
        return None
    await session.delete(row)
    return Ruling(row.word, row.verdict, row.advice)


async def _row(session: AsyncSession, word: str) -> ScreenWord | None:
    query = select(ScreenWord).where(ScreenWord.word == word).with_for_update()
    return (await session.exec(query)).first()
