"""Signing in to the console: passwords, one-time codes, sessions, lock-out; all of it audited."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pyotp
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.desk import passwords
from bot.desk.office import DeskError, Office
from storage import people, sessions
from storage.ledger import audit
from storage.models import Credential, Staff, StaffSession, utcnow
from storage.sessions import Stage
from storage.terms import Role

_FREE_TRIES = 5
_FIRST_LOCK, _LONGEST_LOCK = timedelta(seconds=30), timedelta(minutes=30)
_TOUCH = timedelta(seconds=30)
_STEP = 30
_WRONG = "登录名或密码不对，请核对后再试。"
_WRONG_CODE = "动态口令不对或已用过，请等下一个再试。"
_ENDED = "登录已过期，请重新登录。"
_ISSUER = "问办"


@dataclass(frozen=True, slots=True)
class SigninRules:
    """How long a session lasts, and who must use one-time codes."""

    longest: timedelta = timedelta(hours=12)
    idle: timedelta = timedelta(minutes=60)
    code_roles: frozenset[Role] = frozenset()


@dataclass(frozen=True, slots=True)
class Seat:
    """Somebody at the console: the person as they are now, and what the session may do."""

    staff: Staff
    stage: Stage
    session_id: int


class SignedOutError(DeskError):
    """The session is over or does not allow this; the person has to sign in (again)."""


@dataclass(frozen=True, slots=True)
class Signin:
    """Each step takes the cookie's token and returns the next one; tokens are stored hashed.

    ``secret`` keys the hashes: another secret signs everybody out.
    """

    office: Office
    secret: str
    rules: SigninRules = field(default_factory=SigninRules)

    @property
    def setup_token(self) -> str:
        """Opens the first-run page, as long as no administrator can sign in."""
        return self._keyed("setup")[:32]

    def form_token(self, token: str) -> str:
        """What a form of this session must send back."""
        return self._keyed(f"form:{token}")[:32]

    async def needs_setup(self) -> bool:
        async with self.office.db.read() as session:
            return not await sessions.administered(session)

    async def set_up(self, given: str, login: str, name: str, password: str) -> str:
        """Create the first administrator, once. Raises DeskError."""
        if not hmac.compare_digest(given.encode(), self.setup_token.encode()):
            raise DeskError("设置链接不对，请用程序启动时显示的链接。")
        passwords.check(password, login)
        hashed = await passwords.hashed(password)
        person = Staff(login=login.strip(), display_name=name.strip(), role=Role.ADMIN)
        async with self.office.db.write_alone() as session:
            if await sessions.administered(session):
                raise DeskError("已经有管理员了，请直接登录。")
            try:
                person = await people.add(session, person, "setup")
            except people.StaffError as error:
                raise DeskError(str(error)) from None
            await _set_password(session, _id(person), hashed, temporary=False)
            audit(session, f"staff:{person.id}", "console.setup", person.login)
            return await self._begin(session, person, await self._after(session, person))

    async def sign_in(self, login: str, password: str, address: str = "") -> str:
        """The token of a new session; what is still to be done is its stage. Raises DeskError."""
        await self._slow_down(address)
        staff, known = await self._charge(login.strip())
        right = await passwords.matches(known.password_hash if known else "", password)
        if staff is None or known is None or not right:
            raise DeskError(_WRONG)
        async with self.office.db.write() as session:
            row = await sessions.credential(session, _id(staff))
            if row is None or row.password_hash != known.password_hash:
                raise DeskError(_WRONG)
            if not row.totp_secret:
                row.failures, row.locked_until = 0, None
            stage = Stage.CODE if row.totp_secret else await self._after(session, staff)
            await sessions.sweep(session, self.office.now())
            audit(session, f"staff:{staff.id}", "console.signin", staff.login, stage=stage)
            return await self._begin(session, staff, stage)

    async def confirm(self, token: str, code: str) -> str:
        """The second step of signing in: a one-time code. Raises DeskError."""
        seat = await self._at(token, Stage.CODE)
        await self._charge(seat.staff.login)
        async with self.office.db.write() as session:
            known = await sessions.credential(session, _id(seat.staff))
            if known is None or not _take(known, known.totp_secret, code):
                raise DeskError(_WRONG_CODE)
            known.failures, known.locked_until = 0, None
            audit(session, f"staff:{seat.staff.id}", "console.code", seat.staff.login)
            return await self._move(session, token, seat.staff)

    async def change_password(self, token: str, old: str, new: str) -> str:
        """Choose a password; every other session of the person ends. Raises DeskError."""
        seat = await self._at(token, Stage.PASSWORD, Stage.OPEN)
        passwords.check(new, seat.staff.login)
        if new == old:
            raise DeskError("新密码不能和原来的一样。")
        _, known = await self._charge(seat.staff.login)
        if known is None or not await passwords.matches(known.password_hash, old):
            raise DeskError("原密码不对，请核对后再试。")
        hashed = await passwords.hashed(new)
        async with self.office.db.write() as session:
            await _set_password(session, _id(seat.staff), hashed, temporary=False)
            await sessions.end_all(session, _id(seat.staff), but=self._mark(token))
            audit(session, f"staff:{seat.staff.id}", "console.password", seat.staff.login)
            return await self._move(session, token, seat.staff)

    async def offer_codes(self, token: str) -> str:
        """A secret for the person's authenticator, as an otpauth address. Raises DeskError."""
        seat = await self._at(token, Stage.ENROL, Stage.OPEN)
        async with self.office.db.write() as session:
            known = await sessions.credential(session, _id(seat.staff))
            if known is None:
                raise SignedOutError(_ENDED)
            if known.totp_secret:
                raise DeskError("您已经在用动态口令；换手机请找管理员重置。")
            known.totp_offered = known.totp_offered or pyotp.random_base32()
            return pyotp.TOTP(known.totp_offered).provisioning_uri(
                name=seat.staff.login, issuer_name=_ISSUER
            )

    async def accept_codes(self, token: str, code: str) -> str:
        """From now on signing in takes a code of the offered secret. Raises DeskError."""
        seat = await self._at(token, Stage.ENROL, Stage.OPEN)
        await self._charge(seat.staff.login)
        async with self.office.db.write() as session:
            known = await sessions.credential(session, _id(seat.staff))
            if known is None or not _take(known, known.totp_offered, code):
                raise DeskError(_WRONG_CODE)
            known.totp_secret, known.totp_offered = known.totp_offered, ""
            known.failures, known.locked_until = 0, None
            audit(session, f"staff:{seat.staff.id}", "console.codes", seat.staff.login)
            return await self._move(session, token, seat.staff)

    async def sign_out(self, token: str) -> None:
        async with self.office.db.write() as session:
            found = await sessions.by_mark(session, self._mark(token))
            if found is not None:
                audit(session, f"staff:{found.staff_id}", "console.signout")
                await session.delete(found)

    async def who(self, token: str, *, acting: bool = True) -> Seat | None:
        """Who sits behind a cookie now; ``acting`` counts as a sign of life of the person."""
        if not token:
            return None
        now, mark = self.office.now(), self._mark(token)
        async with self.office.db.read() as session:
            found = await sessions.seat(session, mark)
        if found is None:
            return None
        row, staff = found
        if now >= row.expires_at or now >= row.active_at + self.rules.idle:
            return None
        if acting and now >= row.active_at + _TOUCH:
            await self._touch(mark, now)
        return Seat(staff, Stage(row.stage), row.id or 0)

    async def working(self, token: str, *, acting: bool = True) -> Staff:
        """The person who acts, as their rights are at this moment. Raises SignedOutError."""
        return (await self._at(token, Stage.OPEN, acting=acting)).staff

    async def _at(self, token: str, *stages: Stage, acting: bool = True) -> Seat:
        seat = await self.who(token, acting=acting)
        if seat is None or seat.stage not in stages:
            raise SignedOutError(_ENDED)
        return seat

    async def _touch(self, mark: str, now: datetime) -> None:
        async with self.office.db.write() as session:
            found = await sessions.by_mark(session, mark)
            if found is not None:
                found.active_at = now

    async def _slow_down(self, address: str) -> None:
        line = "signin:" + self._keyed(f"address:{address}")[:16]
        wait = await self.office.coordination.reserve({line: (3.0, 60.0)})
        if address and wait > 0:
            raise DeskError(f"登录太频繁，请等 {int(wait) + 1} 秒再试。")

    async def _charge(self, login: str) -> tuple[Staff | None, Credential | None]:
        """Count the try before it is judged, so that tries at the same time count as well."""
        async with self.office.db.write() as session:
            staff = await sessions.staff_by_login(session, login)
            known = await sessions.credential(session, _id(staff)) if staff else None
            if staff is None or known is None:
                audit(session, "console", "console.refused", reason="unknown")
                return None, None
            now = self.office.now()
            if known.locked_until is not None and known.locked_until > now:
                wait = _spoken(known.locked_until - now)
                raise DeskError(f"试错次数太多，已暂时锁定，请 {wait}后再试，或请管理员重置密码。")
            known.failures += 1
            if known.failures >= _FREE_TRIES:
                lock = min(_FIRST_LOCK * 2 ** (known.failures - _FREE_TRIES), _LONGEST_LOCK)
                known.locked_until = now + lock
            if known.failures > 1:
                audit(session, f"staff:{staff.id}", "console.retry", login, tries=known.failures)
            return staff, known

    async def _after(self, session: AsyncSession, staff: Staff) -> Stage:
        """The step after the password and the code."""
        known = await sessions.credential(session, _id(staff))
        if known is None or known.temporary:
            return Stage.PASSWORD
        if not known.totp_secret and Role(staff.role) in self.rules.code_roles:
            return Stage.ENROL
        return Stage.OPEN

    async def _begin(self, session: AsyncSession, staff: Staff, stage: Stage) -> str:
        token = secrets.token_urlsafe(32)
        row = StaffSession(
            mark=self._mark(token),
            staff_id=_id(staff),
            stage=stage,
            expires_at=self.office.now() + self.rules.longest,
        )
        session.add(row)
        return token

    async def _move(self, session: AsyncSession, token: str, staff: Staff) -> str:
        """The same session under a new token, at its next step."""
        found = await sessions.by_mark(session, self._mark(token))
        if found is None:
            raise SignedOutError(_ENDED)
        fresh = secrets.token_urlsafe(32)
        found.mark, found.active_at = self._mark(fresh), self.office.now()
        found.stage = await self._after(session, staff)
        return fresh

    def _mark(self, token: str) -> str:
        return self._keyed(f"session:{token}")

    def _keyed(self, text: str) -> str:
        return hmac.new(self.secret.encode(), text.encode(), hashlib.sha256).hexdigest()


async def give_password(session: AsyncSession, staff: Staff, password: str, actor: str) -> None:
    """Set a first password, to be changed at the first sign-in; codes begin anew, sessions end.

    Raises DeskError.
    """
    passwords.check(password, staff.login)
    await _set_password(session, _id(staff), await passwords.hashed(password), temporary=True)
    await sessions.end_all(session, _id(staff))
    audit(session, actor, "staff.password", staff.login)


async def _set_password(
    session: AsyncSession, staff_id: int, hashed: str, *, temporary: bool
) -> None:
    row = await sessions.credential(session, staff_id)
    row = row or Credential(staff_id=staff_id, password_hash=hashed)
    row.password_hash, row.temporary, row.changed_at = hashed, temporary, utcnow()
    row.failures, row.locked_until = 0, None
    if temporary:
        row.totp_secret = row.totp_offered = ""
    session.add(row)


def _take(known: Credential, secret: str, code: str) -> bool:
    """Whether the code is one of about now that was not used before; then it is."""
    given = "".join(code.split())
    if not secret:
        return False
    now = int(time.time()) // _STEP
    for step in (now - 1, now, now + 1):
        right = hmac.compare_digest(pyotp.TOTP(secret).at(step * _STEP).encode(), given.encode())
        if right and step > known.totp_step:
            known.totp_step = step
            return True
    return False


def _spoken(wait: timedelta) -> str:
    seconds = int(wait.total_seconds()) + 1
    return f"{seconds} 秒" if seconds < 60 else f"{-(-seconds // 60)} 分钟"


def _id(staff: Staff) -> int:
    assert staff.id is not None  # noqa: S101
    return staff.id
