"""What the office is told of the program it runs in, for its administrators to see."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path


class Level(StrEnum):
    GOOD = "正常"
    NOTE = "注意"
    BAD = "错误"


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, how it is, and what to do about it."""

    subject: str
    level: Level
    text: str


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as it may be shown; never a secret. ``changed`` is whether it is not the
    default, ``variable`` the environment variable that goes before the file."""

    key: str
    value: str
    meaning: str
    changed: bool
    variable: str


@dataclass(frozen=True, slots=True)
class Premises:
    """``backups`` is the folder that backups are put in, None where none are made; ``folder``
    that of the program's own notes. ``sources`` are the accounts that files are taken in for."""

    settings: tuple[Setting, ...] = ()
    backups: Path | None = None
    check: Callable[[], Awaitable[Sequence[Finding]]] | None = None
    folder: Path | None = None
    sources: tuple[str, ...] = ()
