"""wenban user add|list|disable."""

from __future__ import annotations

from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.commands.common import (
    CommandError,
    actor,
    console,
    office_database,
    run,
    settings_of,
    table,
)
from bot.settings import Settings
from storage import people, sessions
from storage.models import Staff
from storage.terms import Role


def add(
    context: Any,
    login: str,
    name: str,
    role: str,
    department: str,
    telegram_id: str,
    *,
    password: str = "",
) -> None:
    """Register a member of staff, or bring a disabled one back; with a first password if given."""
    person = Staff(
        login=login.strip(),
        display_name=name.strip(),
        role=Role(role),
        department=department.strip(),
        telegram_id=telegram_id.strip() or None,
    )
    run(_add(settings_of(context), person, password))
    console().print(f"已登记 {person.display_name}（{person.login}，{role}）", markup=False)


async def _add(settings: Settings, person: Staff, password: str) -> None:
    async with office_database(settings) as database, database.write() as session:
        row = await people.add(session, person, actor())
        if password:
            await _give(session, row, password)


def password(context: Any, login: str, given: str) -> None:
    """Give somebody a first password; their sessions end, one-time codes are taken off."""
    run(_reset(settings_of(context), login.strip(), given))
    console().print(f"已给 {login} 设首次密码，登录后要改掉。", markup=False)


async def _reset(settings: Settings, login: str, given: str) -> None:
    async with office_database(settings) as database, database.write() as session:
        row = await sessions.staff_by_login(session, login)
        if row is None:
            raise people.StaffError(f"没有在用的登录名 {login}，请用 wenban user list 核对。")
        await _give(session, row, given)


async def _give(session: AsyncSession, row: Staff, given: str) -> None:
    from bot.desk import DeskError
    from bot.desk.signin import give_password

    try:
        await give_password(session, row, given, actor())
    except DeskError as error:
        raise CommandError(str(error)) from None


def show(context: Any) -> None:
    """Everyone, the active ones first."""
    staff = run(_load(settings_of(context)))
    if not staff:
        console().print("还没有登记工作人员，用 wenban user add 登记。")
        return
    table(("登录名", "姓名", "角色", "单位", "Telegram", "状态"), [_row(one) for one in staff])


async def _load(settings: Settings) -> list[Staff]:
    async with office_database(settings) as database, database.read() as session:
        return await people.everyone(session)


def _row(one: Staff) -> tuple[str, ...]:
    state = "在用" if one.active else "停用"
    return one.login, one.display_name, one.role, one.department, one.telegram_id or "", state


def disable(context: Any, login: str) -> None:
    """Take a person's rights away; what they did stays on record."""
    run(_disable(settings_of(context), login.strip()))
    console().print(f"已停用 {login}", markup=False)


async def _disable(settings: Settings, login: str) -> None:
    async with office_database(settings) as database, database.write() as session:
        await people.disable(session, login, actor())
