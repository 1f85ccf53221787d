"""The order of the service menu as it was worked out last, the same for every process."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy import delete
from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from storage.models import MenuPlace


def topic(name: str) -> str:
    """How a topic is named among the places."""
    return f"topic:{name}"


def entry(entry_id: str) -> str:
    """How an entry is named among the places."""
    return f"entry:{entry_id}"


async def load(session: AsyncSession) -> dict[str, int]:
    """Places by name, the first being 0; empty before the first time."""
    return {row.name: row.place for row in await session.exec(select(MenuPlace))}


async def keep(session: AsyncSession, places: Mapping[str, int]) -> None:
    """Put these in the place of all that were kept."""
    await session.exec(delete(MenuPlace))
    session.add_all(MenuPlace(name=name, place=place) for name, place in places.items())
