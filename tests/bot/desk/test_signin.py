"""Signing in: passwords, one-time codes, sessions, lock-out, the first administrator."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pyotp
import pytest
from sqlmodel import select

from bot.desk import DeskError
from bot.desk.signin import SignedOutError, Signin, SigninRules, give_password
from storage.models import AuditRecord, Credential, Staff, StaffSession
from storage.sessions import Stage
from storage.terms import Role
from tests.support import Town

SECRET = "0123456789abcdef" * 3
FIRST, OWN = "hdmws-qpvkt-48213", "yun-chuan-fu-wu-7"


def signin_of(town: Town, secret: str = SECRET, *code_roles: Role) -> Signin:
    return Signin(town.desk.office, secret, SigninRules(code_roles=frozenset(code_roles)))


async def ready(town: Town, number: int = 0) -> tuple[Signin, str]:
    """One of the town's staff with a password of their own, signed in."""
    signin = signin_of(town)
    staff = await town.staff(number)
    async with town.db.write() as session:
        await give_password(session, staff, FIRST, "test")
    token = await signin.sign_in(staff.login, FIRST)
    return signin, await signin.change_password(token, FIRST, OWN)


async def age(town: Town, **moved: timedelta) -> None:
    """Let time have passed for every session."""
    async with town.db.write() as session:
        for row in await session.exec(select(StaffSession)):
            for name, by in moved.items():
                setattr(row, name, getattr(row, name) - by)


async def codes(signin: Signin, token: str) -> tuple[str, str]:
    """Turn one-time codes on; the new token and the secret."""
    secret = parse_qs(urlsplit(await signin.offer_codes(token)).query)["secret"][0]
    return await signin.accept_codes(token, pyotp.TOTP(secret).now()), secret


async def test_a_first_password_must_be_changed_before_any_work(town: Town) -> None:
    signin, staff = signin_of(town), await town.staff()
    async with town.db.write() as session:
        await give_password(session, staff, FIRST, "test")
    token = await signin.sign_in(staff.login, FIRST)
    seat = await signin.who(token)
    assert seat is not None and seat.stage == Stage.PASSWORD
    with pytest.raises(SignedOutError):
        await signin.working(token)
    fresh = await signin.change_password(token, FIRST, OWN)
    assert (await signin.working(fresh)).login == staff.login
    assert await signin.who(token) is None
    with pytest.raises(DeskError, match="不对"):
        await signin.sign_in(staff.login, FIRST)


async def test_passwords_are_kept_as_argon2id_and_tokens_as_keyed_hashes(town: Town) -> None:
    _, token = await ready(town)
    (known,) = await town.rows(Credential)
    (row,) = await town.rows(StaffSession)
    assert known.password_hash.startswith("$argon2id$") and OWN not in known.password_hash
    assert token not in row.mark and len(row.mark) == 64


@pytest.mark.parametrize(
    "password",
    ["short-1", "s0-s0-s0-s0-s0", "password-2026", "aaaaaaaaaaa1", "一二三四五六七八九十"],
)
async def test_passwords_that_are_easily_guessed_are_refused(town: Town, password: str) -> None:
    signin, token = await ready(town)
    with pytest.raises(DeskError):
        await signin.change_password(token, OWN, password)


async def test_wrong_and_unknown_are_told_apart_by_nobody(town: Town) -> None:
    signin, _ = await ready(town)
    told = set()
    for login, password in (("s0", "wrong-wrong-1"), ("nobody", OWN), ("s1", OWN), ("", "")):
        with pytest.raises(DeskError) as refused:
            await signin.sign_in(login, password)
        told.add(str(refused.value))
    assert len(told) == 1


async def test_wrong_tries_lock_for_longer_each_time_even_when_made_at_once(town: Town) -> None:
    signin, _ = await ready(town)
    tries = (signin.sign_in("s0", f"wrong-wrong-{number}") for number in range(9))
    told = [str(one) for one in await asyncio.gather(*tries, return_exceptions=True)]
    assert sum("不对" in one for one in told) == 5
    with pytest.raises(DeskError, match="锁定"):
        await signin.sign_in("s0", OWN)
    locks = []
    for _ in range(2):
        async with town.db.write() as session:
            known = (await session.exec(select(Credential))).one()
            known.locked_until = signin.office.now()
        with pytest.raises(DeskError, match="不对"):
            await signin.sign_in("s0", "wrong-again-1")
        (known,) = await town.rows(Credential)
        assert known.locked_until is not None
        locks.append(known.locked_until - signin.office.now())
    assert locks[1] > 1.5 * locks[0]
    async with town.db.write() as session:
        (await session.exec(select(Credential))).one().locked_until = None
    assert await signin.sign_in("s0", OWN)
    (known,) = await town.rows(Credential)
    assert (known.failures, known.locked_until) == (0, None)


async def test_an_address_that_tries_many_logins_is_slowed_down(town: Town) -> None:
    signin = signin_of(town)
    tries = (signin.sign_in(f"guess{number}", OWN, "203.0.113.9") for number in range(40))
    told = [str(one) for one in await asyncio.gather(*tries, return_exceptions=True)]
    assert "太频繁" in told[-1] and "太频繁" not in told[0]


async def test_sessions_outlive_the_process_but_not_another_secret(town: Town) -> None:
    _, token = await ready(town)
    assert await signin_of(town).who(token) is not None
    assert await signin_of(town, "f" * 20 + SECRET).who(token) is None


@pytest.mark.parametrize(
    "moved", [{"active_at": timedelta(minutes=61)}, {"expires_at": timedelta(hours=13)}]
)
async def test_sessions_end_by_idleness_and_by_age(town: Town, moved: dict[str, timedelta]) -> None:
    signin, token = await ready(town)
    await age(town, **moved)
    assert await signin.who(token) is None


async def test_only_what_the_person_does_keeps_a_session_alive(town: Town) -> None:
    signin, token = await ready(town)
    await age(town, active_at=timedelta(minutes=59))
    assert await signin.who(token, acting=False) is not None
    await age(town, active_at=timedelta(minutes=2))
    assert await signin.who(token) is None


async def test_who_leaves_the_staff_or_signs_out_is_out_at_once(town: Town) -> None:
    signin, token = await ready(town)
    other = await signin.sign_in("s0", OWN)
    await signin.sign_out(other)
    assert await signin.who(other) is None
    async with town.db.write() as session:
        (await session.exec(select(Staff).where(Staff.login == "s0"))).one().active = False
    with pytest.raises(SignedOutError):
        await signin.working(token)


async def test_changing_the_password_ends_the_other_sessions(town: Town) -> None:
    signin, token = await ready(town)
    other = await signin.sign_in("s0", OWN)
    fresh = await signin.change_password(token, OWN, "another-one-2027")
    assert await signin.who(other) is None
    assert await signin.who(fresh) is not None


async def test_one_time_codes_are_asked_for_and_never_taken_twice(town: Town) -> None:
    signin, token = await ready(town)
    token, secret = await codes(signin, token)
    assert (await signin.working(token)).login == "s0"
    half = await signin.sign_in("s0", OWN)
    with pytest.raises(SignedOutError):
        await signin.working(half)
    with pytest.raises(DeskError, match="用过"):
        await signin.confirm(half, pyotp.TOTP(secret).now())
    async with town.db.write() as session:
        (await session.exec(select(Credential))).one().totp_step = 0
    whole = await signin.confirm(half, pyotp.TOTP(secret).now())
    assert (await signin.working(whole)).login == "s0"


async def test_wrong_codes_lock_as_wrong_passwords_do(town: Town) -> None:
    signin, token = await ready(town)
    _, secret = await codes(signin, token)
    half = await signin.sign_in("s0", OWN)
    wrong = "000000" if pyotp.TOTP(secret).now() != "000000" else "111111"
    for _ in range(6):
        with pytest.raises(DeskError):
            await signin.confirm(half, wrong)
    with pytest.raises(DeskError, match="锁定"):
        await signin.confirm(half, wrong)


async def test_a_role_can_be_made_to_use_codes(town: Town) -> None:
    await ready(town)
    signin = signin_of(town, SECRET, Role.AGENT)
    token = await signin.sign_in("s0", OWN)
    seat = await signin.who(token)
    assert seat is not None and seat.stage == Stage.ENROL
    token, _ = await codes(signin, token)
    assert await signin.working(token)


async def test_the_first_administrator_is_made_once_and_with_the_link_only(town: Town) -> None:
    signin = signin_of(town)
    assert await signin.needs_setup()
    with pytest.raises(DeskError, match="链接不对"):
        await signin.set_up("guess", "boss", "赵主任", OWN)
    key = signin.setup_token
    both = [signin.set_up(key, login, "赵主任", OWN) for login in ("boss", "boss2")]
    done = await asyncio.gather(*both, return_exceptions=True)
    assert sorted(isinstance(one, str) for one in done) == [False, True]
    assert not await signin.needs_setup()
    admins = [one for one in await town.rows(Staff) if one.role == Role.ADMIN]
    assert len(admins) == 1
    with pytest.raises(DeskError, match="已经有管理员"):
        await signin.set_up(key, "boss3", "钱主任", OWN)


async def test_everything_is_audited_without_passwords(town: Town) -> None:
    signin, token = await ready(town)
    with pytest.raises(DeskError):
        await signin.sign_in("s0", "wrong-wrong-1")
    with pytest.raises(DeskError):
        await signin.sign_in("s0", "wrong-wrong-2")
    await signin.sign_out(token)
    kept = await town.rows(AuditRecord)
    actions = {one.action for one in kept}
    assert {"staff.password", "console.signin", "console.password", "console.retry"} <= actions
    assert "console.signout" in actions
    assert not any(word in f"{one.target}{one.data}" for one in kept for word in (FIRST, OWN))
