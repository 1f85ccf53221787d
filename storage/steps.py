"""The steps of 一件事 that citizens ticked off; they go with the citizen's data."""

from __future__ import annotations

from sqlalchemy import delete
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from storage.models import StepDone


async def done(session: AsyncSession, citizen_id: int) -> frozenset[str]:
    """The marks of the steps a citizen ticked off."""
    query = select(StepDone.mark).where(StepDone.citizen_id == citizen_id)
    return frozenset(await session.exec(query))


async def note(session: AsyncSession, citizen_id: int, mark: str, *, done: bool) -> None:
    """Tick a step off, or take that back."""
    row = await session.get(StepDone, (citizen_id, mark))
    if row is None and done:
        session.add(StepDone(citizen_id=citizen_id, mark=mark))
    elif row is not None and not done:
        await session.delete(row)
    await session.flush()


async def forget(session: AsyncSession, citizen_id: int) -> None:
    """Drop everything a citizen ticked."""
    await session.exec(delete(StepDone).where(col(StepDone.citizen_id) == citizen_id))
