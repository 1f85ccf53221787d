"""The 管理员's work on the staff: who there is, what they may do, and their first passwords."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.desk import passwords
from bot.desk.office import DeskError, Office
from bot.desk.signin import give_password
from storage import people, sessions
from storage.ledger import audit
from storage.models import Staff
from storage.terms import Role

_ADMIN_ONLY = "要由管理员来做，您的操作没有执行。"


@dataclass(frozen=True, slots=True)
class Member:
    """One of the staff, and whether they can sign in to the console."""

    staff: Staff
    signs_in: bool


class People:
    """Every call names the 管理员 who acts; anybody else is refused with a DeskError."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def everyone(self, admin: Staff) -> list[Member]:
        _check(admin)
        async with self._office.db.read() as session:
            able = await sessions.with_password(session)
            return [Member(one, one.id in able) for one in await people.everyone(session)]

    async def add(self, admin: Staff, person: Staff) -> str:
        """Register a person; returns their first password, shown once."""
        async with self._acting(admin) as session:
            row = await people.add(session, person, _actor(admin))
            return await _fresh_password(session, row, admin)

    async def reset(self, admin: Staff, login: str) -> str:
        """A new first password; one-time codes are taken off, every session ends."""
        async with self._acting(admin) as session:
            row = await _known(session, login)
            return await _fresh_password(session, row, admin)

    async def place(
        self,
        admin: Staff,
        login: str,
        role: str,
        accounts: Sequence[str],
        departments: Sequence[str],
    ) -> None:
        """Give a person another role, or other accounts and departments to work on."""
        async with self._acting(admin) as session:
            row = await _known(session, login)
            if row.id == admin.id and role != Role.ADMIN:
                raise DeskError("不能取消自己的管理员角色，请由另一位管理员来做。")
            row.role = Role(role)
            row.accounts, row.departments = list(accounts), list(departments)
            audit(
                session,
                _actor(admin),
                "staff.place",
                login,
                role=role,
                accounts=row.accounts,
                departments=row.departments,
            )

    async def disable(self, admin: Staff, login: str) -> None:
        """Take a person's rights away at once; what they did stays on record."""
        async with self._acting(admin) as session:
            if login == admin.login:
                raise DeskError("不能停用自己，请由另一位管理员来做。")
            row = await people.disable(session, login, _actor(admin))
            await sessions.end_all(session, row.id or 0)

    @asynccontextmanager
    async def _acting(self, admin: Staff) -> AsyncIterator[AsyncSession]:
        _check(admin)
        try:
            async with self._office.db.write() as session:
                yield session
        except people.StaffError as error:
            raise DeskError(str(error)) from None


async def _known(session: AsyncSession, login: str) -> Staff:
    found = await sessions.staff_by_login(session, login)
    if found is None:
        raise DeskError(f"没有在用的登录名 {login}，请刷新后再试。")
    return found


async def _fresh_password(session: AsyncSession, staff: Staff, admin: Staff) -> str:
    password = passwords.fresh()
    await give_password(session, staff, password, _actor(admin))
    return password


def _check(admin: Staff) -> None:
    if admin.role != Role.ADMIN:
        raise DeskError(_ADMIN_ONLY)


def _actor(admin: Staff) -> str:
    return f"staff:{admin.id}"
