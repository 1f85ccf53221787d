"""Passwords: which are good enough, and their argon2id hashes, computed off the event loop."""

from __future__ import annotations

import asyncio
import secrets
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from bot.desk.office import DeskError

SHORTEST, LONGEST = 10, 200
_COMMON = ("password", "123456", "qwerty", "admin", "wenban", "abcdef", "111111", "888888")
_ALPHABET = "abcdefghjkmnpqrstuvwxyzABCDEFGHJKMNPQRSTUVWXYZ23456789"
_HASHER = PasswordHasher()  # argon2id with 64 MiB, the low-memory choice of RFC 9106
_AT_ONCE = 4
_gates: dict[int, asyncio.Semaphore] = {}


def check(password: str, login: str) -> None:
    """Raises DeskError for a password that is easily guessed."""
    if not SHORTEST <= len(password) <= LONGEST:
        raise DeskError(f"密码要 {SHORTEST} 到 {LONGEST} 位。")
    low = password.lower()
    if (login and login.lower() in low) or any(word in low for word in _COMMON):
        raise DeskError("密码里不能有登录名或常见的口令，请换一个。")
    if len(set(password)) < 5 or (_kinds(password) < 2 and len(password) < 16):
        raise DeskError("密码太简单：要有字母、数字、符号中的两种，或长到 16 位以上。")


def fresh() -> str:
    """A first password that can be read out over the telephone."""
    return "-".join("".join(secrets.choice(_ALPHABET) for _ in range(5)) for _ in range(3))


async def hashed(password: str) -> str:
    async with _gate():
        return await asyncio.to_thread(_HASHER.hash, password)


async def matches(known: str, password: str) -> bool:
    """Whether it is the password of this hash; takes as long when there is no hash."""
    async with _gate():
        return await asyncio.to_thread(_verify, known, password[:LONGEST])


@lru_cache(maxsize=1)
def _nobody() -> str:
    return _HASHER.hash(secrets.token_hex(16))


def _verify(known: str, password: str) -> bool:
    try:
        return _HASHER.verify(known or _nobody(), password)
    except (VerificationError, InvalidHashError):
        return False


def _kinds(password: str) -> int:
    tests = (str.islower, str.isupper, str.isdigit)
    found = {next((n for n, test in enumerate(tests) if test(c)), 3) for c in password}
    return len({0 if kind == 1 else kind for kind in found})


def _gate() -> asyncio.Semaphore:
    """Few at a time: each takes 64 MiB."""
    loop = id(asyncio.get_running_loop())
    if loop not in _gates:
        _gates.clear()
        _gates[loop] = asyncio.Semaphore(_AT_ONCE)
    return _gates[loop]
