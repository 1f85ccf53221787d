"""wenban user add|list|disable."""

from __future__ import annotations

from typing import Any

from bot.commands.common import actor, console, office_database, run, settings_of, table
from bot.settings import Settings
from storage import people
from storage.models import Staff
from storage.terms import Role


def add(context: Any, login: str, name: str, role: str, department: str, telegram_id: str) -> None:
    """Register a member of staff, or bring a disabled one back."""
    person = Staff(
        login=login.strip(),
        display_name=name.strip(),
        role=Role(role),
        department=department.strip(),
        telegram_id=telegram_id.strip() or None,
    )
    run(_add(settings_of(context), person))
    console().print(f"已登记 {person.display_name}（{person.login}，{role}）", markup=False)


async def _add(settings: Settings, person: Staff) -> None:
    async with office_database(settings) as database, database.write() as session:
        await people.add(session, person, actor())


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
