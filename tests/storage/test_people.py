from __future__ import annotations

import pytest
from sqlmodel import select

from storage import people
from storage.db import Database
from storage.models import AuditRecord, Staff
from storage.people import StaffError


def person(login: str = "zhang", telegram_id: str | None = None, name: str = "张三") -> Staff:
    return Staff(login=login, display_name=name, role="坐席", telegram_id=telegram_id)


async def add(database: Database, one: Staff) -> Staff:
    async with database.write() as session:
        return await people.add(session, one, "os:tester")


async def disable(database: Database, login: str) -> None:
    async with database.write() as session:
        await people.disable(session, login, "os:tester")


async def test_a_person_is_registered_and_the_act_is_on_record(database: Database) -> None:
    await add(database, person(telegram_id="123"))
    async with database.read() as session:
        found = await people.everyone(session)
        records = list(await session.exec(select(AuditRecord)))
    assert [(one.login, one.telegram_id, one.active) for one in found] == [("zhang", "123", True)]
    assert [(one.actor, one.action, one.target) for one in records] == [
        ("os:tester", "staff.add", "zhang")
    ]


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (person(login="张三"), "登录名"),
        (person(login="a b"), "登录名"),
        (person(name=""), "姓名"),
        (person(telegram_id="@zhang"), "Telegram"),
    ],
)
async def test_unusable_details_are_refused(database: Database, bad: Staff, reason: str) -> None:
    with pytest.raises(StaffError, match=reason):
        await add(database, bad)


async def test_logins_and_telegram_ids_belong_to_one_person(database: Database) -> None:
    await add(database, person(telegram_id="123"))
    with pytest.raises(StaffError, match="已在用"):
        await add(database, person())
    with pytest.raises(StaffError, match="已登记给 zhang"):
        await add(database, person("li", "123"))


async def test_a_disabled_person_comes_back_with_new_details(database: Database) -> None:
    first = await add(database, person(telegram_id="123"))
    await disable(database, "zhang")
    again = await add(database, person(telegram_id="456", name="张三丰"))
    async with database.read() as session:
        found = await people.everyone(session)
    assert again.id == first.id
    assert [(one.display_name, one.telegram_id, one.active) for one in found] == [
        ("张三丰", "456", True)
    ]


async def test_a_disabled_persons_telegram_id_is_free(database: Database) -> None:
    await add(database, person(telegram_id="123"))
    await disable(database, "zhang")
    await add(database, person("li", "123"))
    async with database.read() as session:
        found = {one.login: one.telegram_id for one in await people.everyone(session)}
    assert found == {"li": "123", "zhang": None}


async def test_nobody_to_disable(database: Database) -> None:
    with pytest.raises(StaffError, match="没有在用的登录名 nobody"):
        await disable(database, "nobody")
