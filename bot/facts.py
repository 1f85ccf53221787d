"""Turns as whole numbers, so that a million of them can be kept, read and measured at once.

A moment is microseconds since 1970 in UTC, 0 for none. Words (categories, departments, people,
codes) are numbers that a `coder` gives out. The columns are those of `storage.models.TurnFact`
and `TurnChange`, in the same order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from bot.turn import ChangeKind, Turn

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Numbers = NDArray[np.int64]

FLAGS = (
    "automatic",
    "resolved",
    "solved",
    "unsolved",
    "reopened",
    "closed",
    "merged",
    "split",
    "imprecise",
    "imported",
    "suspected",
    "pinned",
)
"""Names of the bits of ``marks``, the lowest first; the grade lies above them."""
GRADE_SHIFT = len(FLAGS)
TALLIES = (
    "absorbed",
    "evasive",
    "overruled",
    "recategorised",
    "transferred",
    "returned",
    "extensions_requested",
    "extensions_refused",
    "backfilled",
)
"""Names of the counters in ``tallies``, TALLY_BITS each, the lowest first."""
TALLY_BITS = 7
CATEGORY, DEPARTMENT, EXTENSION, PAUSE, CALLBACK, WITHDRAWN = range(1, 7)
KINDS = {
    ChangeKind.CATEGORY: CATEGORY,
    ChangeKind.DEPARTMENT: DEPARTMENT,
    ChangeKind.EXTENSION: EXTENSION,
    ChangeKind.PAUSE: PAUSE,
}
_NAMED = (ChangeKind.CATEGORY, ChangeKind.DEPARTMENT)
FACT_COLUMNS = (
    "case_id",
    "number",
    "account_id",
    "department",
    "person",
    "category",
    "start",
    "stop",
    "exclusion",
    "marks",
    "tallies",
    "accepted",
)
CHANGE_COLUMNS = ("case_id", "turn", "number", "kind", "at", "until", "value")
CASE = 0
"""Where the number of the case stands in every row."""
Coder = Callable[[str], int]
Row = tuple[int, ...]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


@dataclass(frozen=True)
class Facts:
    """Turns and their changes as columns: ``turns`` has the shape (turns, FACT_COLUMNS),
    ``changes`` (changes, CHANGE_COLUMNS), both in the order of their first columns. ``words``
    are the words by number, ``accounts`` the key and platform of each account."""

    turns: Numbers
    changes: Numbers
    words: Mapping[int, str]
    accounts: Mapping[int, tuple[str, str]]

    def __len__(self) -> int:
        return len(self.turns)


def microseconds(moment: datetime | None) -> int:
    """A moment as a number, 0 for None."""
    return 0 if moment is None else (moment - _EPOCH) // _MICROSECOND


def encode(case_id: int, account_id: int, turn: Turn, coder: Coder) -> tuple[Row, list[Row]]:
    """The turn's row of facts and its rows of changes."""
    row = (
        case_id,
        turn.number,
        account_id,
        coder(turn.department),
        coder(turn.person),
        coder(turn.category),
        microseconds(turn.start),
        microseconds(turn.stop),
        coder(turn.excluded) if turn.excluded else 0,
        _marks(turn),
        _tallies(turn),
        microseconds(turn.accepted_at),
    )
    changes = [
        (
            KINDS[one.kind],
            microseconds(one.at),
            microseconds(one.asked or one.until),
            coder(one.to) if one.kind in _NAMED else one.workdays,
        )
        for one in turn.changes
    ]
    if turn.callback_due is not None:
        outcome = coder(turn.callback_outcome)
        due, done = microseconds(turn.callback_due), microseconds(turn.callback_at)
        changes.append((CALLBACK, done, due, outcome))
    if turn.withdrawn_at is not None:
        changes.append((WITHDRAWN, microseconds(turn.withdrawn_at), 0, 0))
    return row, [(case_id, turn.number, place, *one) for place, one in enumerate(changes)]


def _marks(turn: Turn) -> int:
    marks = (turn.grade or 0) << GRADE_SHIFT
    said = {"solved": turn.solved is True, "unsolved": turn.solved is False}
    for place, name in enumerate(FLAGS):
        marks |= bool(said[name] if name in said else getattr(turn, name)) << place
    return marks


def _tallies(turn: Turn) -> int:
    most = (1 << TALLY_BITS) - 1
    return sum(
        min(getattr(turn, name), most) << (place * TALLY_BITS) for place, name in enumerate(TALLIES)
    )


def gather(
    cases: Iterable[tuple[int, int, list[Turn]]], accounts: Mapping[int, tuple[str, str]]
) -> Facts:
    """Facts of (case id, account id, turns), without a database."""
    import numpy as np

    words: dict[str, int] = {}

    def coder(word: str) -> int:
        return words.setdefault(word, len(words) + 1)

    rows: list[Row] = []
    changes: list[Row] = []
    for case_id, account_id, turns in sorted(cases, key=lambda case: case[0]):
        for turn in turns:
            row, own = encode(case_id, account_id, turn, coder)
            rows.append(row)
            changes.extend(own)
    return Facts(
        np.array(rows, np.int64).reshape(-1, len(FACT_COLUMNS)),
        np.array(changes, np.int64).reshape(-1, len(CHANGE_COLUMNS)),
        {number: word for word, number in words.items()},
        accounts,
    )
