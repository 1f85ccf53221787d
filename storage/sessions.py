"""Who is signed in, and how they prove who they are."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from sqlalchemy import delete
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from storage.models import Credential, Staff, StaffSession
from storage.terms import Role


class Stage(StrEnum):
    """What a session may do: only its own step, until it is ``open``."""

    CODE = "code"
    PASSWORD = "password"  # noqa: S105
    ENROL = "enrol"
    OPEN = "open"


async def staff_by_login(session: AsyncSession, login: str) -> Staff | None:
    """The active member of staff with this login."""
    query = select(Staff).where(Staff.login == login, col(Staff.active))
    return (await session.exec(query)).first()


async def credential(session: AsyncSession, staff_id: int) -> Credential | None:
    """How this person signs in, held against other writers until the transaction ends."""
    query = select(Credential).where(Credential.staff_id == staff_id).with_for_update()
    return (await session.exec(query)).first()


async def with_password(session: AsyncSession) -> set[int]:
    """The numbers of staff who can sign in."""
    return set(await session.exec(select(Credential.staff_id)))


async def administered(session: AsyncSession) -> bool:
    """Whether an active 管理员 can sign in."""
    query = (
        select(Staff.id)
        .join(Credential, col(Credential.staff_id) == col(Staff.id))
        .where(Staff.role == Role.ADMIN, col(Staff.active))
    )
    return (await session.exec(query.limit(1))).first() is not None


async def seat(session: AsyncSession, mark: str) -> tuple[StaffSession, Staff] | None:
    """The session with this mark and its person, if they are still on the staff."""
    query = (
        select(StaffSession, Staff)
        .join(Staff, col(Staff.id) == col(StaffSession.staff_id))
        .where(StaffSession.mark == mark, col(Staff.active))
    )
    return (await session.exec(query)).first()


async def by_mark(session: AsyncSession, mark: str) -> StaffSession | None:
    """One session, held against other writers until the transaction ends."""
    query = select(StaffSession).where(StaffSession.mark == mark).with_for_update()
    return (await session.exec(query)).first()


async def end_all(session: AsyncSession, staff_id: int, but: str = "") -> None:
    """End a person's sessions, all but the one with the mark ``but``."""
    gone = delete(StaffSession).where(
        col(StaffSession.staff_id) == staff_id, col(StaffSession.mark) != but
    )
    await (await session.connection()).execute(gone)


async def sweep(session: AsyncSession, now: datetime) -> None:
    """Forget the sessions whose time is over."""
    gone = delete(StaffSession).where(col(StaffSession.expires_at) < now)
    await (await session.connection()).execute(gone)


async def present(session: AsyncSession, case_id: int, since: datetime, but: int) -> list[str]:
    """The names of the others who have this case on their screen."""
    query = (
        select(Staff.display_name)
        .join(StaffSession, col(StaffSession.staff_id) == col(Staff.id))
        .where(
            StaffSession.case_id == case_id,
            col(StaffSession.seen_at) > since,
            col(Staff.id) != but,
        )
        .distinct()
        .order_by(Staff.display_name)
    )
    return list(await session.exec(query))
