"""What is said of one clock: the events it is made of, what changed it, how it stands. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from bot.triage import Category


@dataclass(frozen=True, slots=True)
class Happening:
    """One event of a case: its kind, when it happened, its data, and who acted."""

    kind: str
    at: datetime
    data: Mapping[str, Any] = field(default_factory=dict)
    actor: str = "system"


class ChangeKind(StrEnum):
    """What can move a due time or hand over who answers for it."""

    CATEGORY = "category"
    DEPARTMENT = "department"
    EXTENSION = "extension"
    PAUSE = "pause"


@dataclass(frozen=True, slots=True)
class Change:
    """One change during a turn; ``to`` is the new category or department.

    A pause lasts until ``until``, None while it goes on. An extension approved ``at`` was asked
    for at ``asked`` and gives ``workdays`` more working days.
    """

    kind: ChangeKind
    at: datetime
    until: datetime | None = None
    to: str = ""
    asked: datetime | None = None
    workdays: int = 0


@dataclass(slots=True)
class Turn:
    """One clock of a case; moments are aware.

    ``category`` and ``department`` are the first ones, ``changes`` what followed, in time.
    ``stop`` is None while the clock runs. ``accepted_at`` (受理) is when a person first took it up,
    or the answer if that came before. ``solved`` is the citizen's own word, None for silence;
    ``grade`` is 1 (非常满意) to 5. ``excluded`` is the code of an exclusion that two people made.
    ``pinned`` says that a 置顶答复 for all who asked the same stopped the clock.
    ``backfilled`` counts replies that an import brought after the case was known unanswered.
    """

    number: int
    start: datetime
    category: Category = Category.CONSULT
    department: str = ""
    person: str = ""
    changes: tuple[Change, ...] = ()
    stop: datetime | None = None
    accepted_at: datetime | None = None
    withdrawn_at: datetime | None = None
    automatic: bool = False
    resolved: bool = False
    solved: bool | None = None
    reopened: bool = False
    closed: bool = False
    grade: int | None = None
    callback_due: datetime | None = None
    callback_at: datetime | None = None
    callback_outcome: str = ""
    excluded: str = ""
    merged: bool = False
    absorbed: int = 0
    split: bool = False
    imprecise: bool = False
    imported: bool = False
    suspected: bool = False
    pinned: bool = False
    evasive: int = 0
    overruled: int = 0
    recategorised: int = 0
    transferred: int = 0
    returned: int = 0
    extensions_requested: int = 0
    extensions_refused: int = 0
    backfilled: int = 0
