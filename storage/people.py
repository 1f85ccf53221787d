"""工作人员: who may act for the office."""

from __future__ import annotations

import re

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from storage.ledger import audit
from storage.models import Staff

_LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


class StaffError(ValueError):
    """A person cannot be registered or changed so; the text says in Chinese why."""


async def add(session: AsyncSession, person: Staff, actor: str) -> Staff:
    """Register a person; a disabled one with the same login comes back with the new details.

    Raises StaffError when a value is unusable or belongs to somebody active.
    """
    _check(person)
    known = await _by_login(session, person.login)
    if known is not None and known.active:
        raise StaffError(f"登录名 {person.login} 已在用（{known.display_name}），请换一个。")
    await _check_telegram(session, person, known)
    row = known or person
    row.sqlmodel_update(person.model_dump(exclude={"id", "created_at"}))
    session.add(row)
    audit(session, actor, "staff.add", row.login, role=row.role, department=row.department)
    await session.flush()
    return row


async def everyone(session: AsyncSession) -> list[Staff]:
    """All staff, the active ones first, by login."""
    query = select(Staff).order_by(col(Staff.active).desc(), Staff.login)
    return list(await session.exec(query))


async def disable(session: AsyncSession, login: str, actor: str) -> Staff:
    """Take a person's rights away. Raises StaffError when nobody active has this login."""
    person = await _by_login(session, login)
    if person is None or not person.active:
        raise StaffError(f"没有在用的登录名 {login}，请用 wenban user list 核对。")
    person.active = False
    audit(session, actor, "staff.disable", login)
    return person


def _check(person: Staff) -> None:
    if not _LOGIN.fullmatch(person.login):
        raise StaffError("登录名只能用字母、数字和 . _ -，以字母或数字开头，最多 64 位。")
    if not person.display_name:
        raise StaffError("姓名为空，请填写。")
    if person.telegram_id is not None and not re.fullmatch(r"[1-9][0-9]{0,18}", person.telegram_id):
        raise StaffError("Telegram 用户编号应是一串数字，不是 @ 开头的用户名。")


async def _check_telegram(session: AsyncSession, person: Staff, known: Staff | None) -> None:
    if person.telegram_id is None:
        return
    query = select(Staff).where(Staff.telegram_id == person.telegram_id)
    owner = (await session.exec(query)).first()
    if owner is None or owner is known:
        return
    if owner.active:
        raise StaffError(f"这个 Telegram 编号已登记给 {owner.login}，请核对。")
    owner.telegram_id = None  # the person came back under another login
    await session.flush()


async def _by_login(session: AsyncSession, login: str) -> Staff | None:
    return (await session.exec(select(Staff).where(Staff.login == login))).first()
