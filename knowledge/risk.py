"""How sure an automatic answer must be, from what people decided about earlier ones.

A threshold may serve when the upper confidence bound of the wrong-answer rate above it is no
higher than the accepted risk. The bounds are one-sided Clopper–Pearson bounds at 95 %.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from enum import StrEnum
from math import exp, lgamma, log

CONFIDENCE = 0.95
_ROUNDS = 50


class Source(StrEnum):
    """Where the threshold in force comes from; the value is the word a person reads."""

    SHIPPED = "程序自带"
    OWN = "本单位的记录"
    WITHHELD = "暂停自动答复"


@dataclass(frozen=True, slots=True)
class Decided:
    """One best candidate, how probable it was, and whether people found it right."""

    probability: float
    right: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """The threshold in force and what it rests on.

    ``decisions`` and ``wrong`` count what was decided above the threshold, ``bound`` is the
    upper bound of the wrong-answer rate there, ``coverage`` the share of all decisions above it
    (0 to 1, None without decisions).
    """

    answer_at: float
    source: Source
    decisions: int = 0
    wrong: int = 0
    bound: float = 1.0
    coverage: float | None = None


def upper_bound(wrong: int, n: int) -> float:
    """The highest rate at which ``wrong`` or fewer of ``n`` would still be plausible."""
    if n == 0 or wrong >= n:
        return 1.0
    return _bisect(lambda rate: _at_most(wrong, n, rate) > 1 - CONFIDENCE)


def lower_bound(wrong: int, n: int) -> float:
    """The lowest rate at which ``wrong`` or more of ``n`` would still be plausible."""
    if wrong == 0:
        return 0.0
    return _bisect(lambda rate: 1 - _at_most(wrong - 1, n, rate) < 1 - CONFIDENCE)


def stand(decided: Iterable[Decided], shipped: float, risk: float, required: int = 0) -> Standing:
    """The threshold to use: one's own when proven, the shipped one until then, or none.

    Automatic answers are withheld while there are fewer than ``required`` decisions, and when
    the evidence shows that the shipped threshold does not keep the wrong answers under ``risk``
    (a share above 0 and below 1).
    """
    known = sorted(decided, key=lambda one: -one.probability)
    above = [one for one in known if one.probability >= shipped]
    wrong = sum(not one.right for one in above)
    ours = _measured(shipped, Source.SHIPPED, known, len(above), wrong)
    if len(known) < required:
        return _measured(2.0, Source.WITHHELD, known, 0, 0)
    proven = _proven(known, risk)
    if proven is not None:
        return proven
    if lower_bound(wrong, len(above)) > risk:
        return _measured(2.0, Source.WITHHELD, known, len(above), wrong)
    return ours


def _proven(known: list[Decided], risk: float) -> Standing | None:
    """The lowest threshold that holds, reached step by step from where proof is possible.

    Stopping at the first step that fails keeps the confidence over all the steps together.
    """
    best: Standing | None = None
    enough = log(1 - CONFIDENCE) / log(1 - risk)
    wrong = 0
    for n, one in enumerate(known, 1):
        wrong += not one.right
        if n < enough or (n < len(known) and known[n].probability == one.probability):
            continue
        if _at_most(wrong, n, risk) > 1 - CONFIDENCE:
            break
        best = _measured(one.probability, Source.OWN, known, n, wrong)
    return best


def _measured(
    answer_at: float, source: Source, known: list[Decided], n: int, wrong: int
) -> Standing:
    coverage = n / len(known) if known else None
    return Standing(answer_at, source, n, wrong, upper_bound(wrong, n), coverage)


def _bisect(low_enough: Callable[[float], bool]) -> float:
    low, high = 0.0, 1.0
    for _ in range(_ROUNDS):
        middle = (low + high) / 2
        low, high = (middle, high) if low_enough(middle) else (low, middle)
    return high


def _at_most(wrong: int, n: int, rate: float) -> float:
    """The chance of at most ``wrong`` of ``n`` at this rate."""
    if rate <= 0:
        return 1.0
    if rate >= 1:
        return 1.0 if wrong >= n else 0.0
    return sum(
        exp(
            lgamma(n + 1)
            - lgamma(k + 1)
            - lgamma(n - k + 1)
            + k * log(rate)
            + (n - k) * log(1 - rate)
        )
        for k in range(wrong + 1)
    )
