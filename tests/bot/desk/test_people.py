"""The 管理员's work on the staff, and that nobody else can do it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from sqlmodel import select

from bot.desk import DeskError
from bot.desk.people import People
from bot.desk.signin import Signin
from storage.models import Staff
from storage.sessions import Stage
from tests.bot.desk.test_signin import OWN, signin_of
from tests.support import Town

Act = Callable[[People, Staff], Awaitable[object]]


async def admin_of(town: Town) -> tuple[Staff, Signin]:
    signin = signin_of(town)
    token = await signin.set_up(signin.setup_token, "boss", "赵主任", OWN)
    return await signin.working(token), signin


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize(
    "act",
    [
        lambda people, staff: people.everyone(staff),
        lambda people, staff: people.add(staff, Staff(login="new", display_name="新人")),
        lambda people, staff: people.reset(staff, "s1"),
        lambda people, staff: people.place(staff, staff.login, "管理员", [], []),
        lambda people, staff: people.disable(staff, "s1"),
    ],
)
async def test_only_an_administrator_may(town: Town, act: Act, number: int) -> None:
    staff = await town.staff(number)
    with pytest.raises(DeskError, match="管理员"):
        await act(town.desk.people, staff)
    assert [one.role for one in await town.rows(Staff)] == ["坐席", "审核", "主管"]


async def test_a_new_person_gets_a_first_password_that_works_once(town: Town) -> None:
    admin, signin = await admin_of(town)
    person = Staff(login="new", display_name="新人", role="坐席")
    password = await town.desk.people.add(admin, person)
    token = await signin.sign_in("new", password)
    seat = await signin.who(token)
    assert seat is not None and seat.stage == Stage.PASSWORD
    await signin.change_password(token, password, OWN)
    with pytest.raises(DeskError, match="不对"):
        await signin.sign_in("new", password)


async def test_a_reset_ends_the_sessions_and_another_role_counts_at_once(town: Town) -> None:
    admin, signin = await admin_of(town)
    person = Staff(login="new", display_name="新人", role="坐席")
    first = await town.desk.people.add(admin, person)
    token = await signin.change_password(await signin.sign_in("new", first), first, OWN)
    await town.desk.people.place(admin, "new", "审核", ["telegram"], ["市公安局"])
    now = await signin.working(token)
    assert (now.role, now.accounts, now.departments) == ("审核", ["telegram"], ["市公安局"])
    await town.desk.people.reset(admin, "new")
    assert await signin.who(token) is None


async def test_an_administrator_cannot_lock_everybody_out(town: Town) -> None:
    admin, _ = await admin_of(town)
    with pytest.raises(DeskError, match="自己"):
        await town.desk.people.disable(admin, "boss")
    with pytest.raises(DeskError, match="自己"):
        await town.desk.people.place(admin, "boss", "坐席", [], [])


async def test_what_cannot_be_stored_is_explained(town: Town) -> None:
    admin, _ = await admin_of(town)
    with pytest.raises(DeskError, match="已在用"):
        await town.desk.people.add(admin, Staff(login="s0", display_name="重名"))
    with pytest.raises(DeskError, match="登录名"):
        await town.desk.people.add(admin, Staff(login="张三", display_name="张三"))
    async with town.db.read() as session:
        assert len((await session.exec(select(Staff))).all()) == 4
