"""Figures of merit: recall, separation, coverage at a precision, calibration, and bounds."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.sets import Query, QuerySet
from knowledge.risk import upper_bound

PRECISIONS = (0.90, 0.95, 0.99)
NAMES = ("n", "R@1", "R@3", "R@10", "AUROC", "c90", "c95", "c99", "ECE")
HEADER = f"{'':28}{NAMES[0]:>6}" + "".join(f"{name:>7}" for name in NAMES[1:])


@dataclass(frozen=True)
class Answer:
    """What came of one query: entries best first, the chance of the first, and of none."""

    query: Query
    set: QuerySet
    names: tuple[str, ...]
    first: float
    nothing: float = 0.0
    barred: bool = False

    @property
    def right(self) -> bool:
        return bool(self.names) and self.names[0] in self.query.right


@dataclass(frozen=True)
class Cut:
    """A threshold and what it did: `wrong` of `answered`, and the one-sided 95 % upper bound."""

    threshold: float
    answered: int
    wrong: int
    answerable: int

    @property
    def bound(self) -> float:
        return upper_bound(self.wrong, self.answered)

    @property
    def coverage(self) -> float:
        return (self.answered - self.wrong) / max(1, self.answerable)

    def __str__(self) -> str:
        return (
            f"answer at {self.threshold:.3f}: {self.wrong} of {self.answered} wrong, 95 % upper "
            f"bound {self.bound:.4f}, coverage {self.coverage:.3f}"
        )


def cut_at(answers: Sequence[Answer], threshold: float) -> Cut:
    """What would be answered at a threshold, but for what is barred."""
    sent = [one for one in answers if one.first >= threshold and not one.barred]
    answerable = sum(bool(one.query.right) for one in answers)
    return Cut(threshold, len(sent), sum(not one.right for one in sent), answerable)


def cut_at_risk(answers: Sequence[Answer], risk: float) -> Cut:
    """The lowest threshold whose upper bound is within the risk; else that of the lowest bound."""
    free = [one for one in answers if not one.barred]
    ordered = sorted(free, key=lambda one: -one.first)
    answerable = sum(bool(one.query.right) for one in answers)
    wrong, best = 0, None
    tightest: Cut | None = None
    for count, one in enumerate(ordered, 1):
        wrong += not one.right
        cut = Cut(math.floor(one.first * 1e4) / 1e4, count, wrong, answerable)
        if cut.bound <= risk:
            best = cut
        if tightest is None or cut.bound < tightest.bound:
            tightest = cut
    found = best or tightest
    assert found is not None
    return found


def recall(answers: Sequence[Answer], k: int) -> float:
    asked = [one for one in answers if one.query.right]
    return _mean([bool(set(one.names[:k]) & one.query.right) for one in asked])


def auroc(scores: NDArray[Any], positive: NDArray[Any]) -> float:
    """How often a positive scores above a negative; ties count half."""
    pairs = scores[positive][:, None] - scores[~positive][None]
    return float(np.mean((pairs > 0) + 0.5 * (pairs == 0))) if pairs.size else float("nan")


def separation(answers: Sequence[Answer]) -> float:
    """AUROC of right first candidates against queries that have no answer."""
    kept = [one for one in answers if one.right or not one.query.right]
    return auroc(np.array([one.first for one in kept]), np.array([one.right for one in kept], bool))


def coverage(answers: Sequence[Answer], precision: float) -> float:
    """Share of the answerable queries answered rightly at the lowest safe threshold."""
    ordered = sorted(answers, key=lambda one: -one.first)
    correct = np.cumsum([one.right for one in ordered])
    safe = np.flatnonzero(correct / np.arange(1, len(ordered) + 1) >= precision)
    asked = sum(bool(one.query.right) for one in answers)
    return float(correct[safe[-1]] / max(1, asked)) if len(safe) else 0.0


def bins(answers: Sequence[Answer], count: int = 10) -> Iterator[tuple[float, float, int]]:
    """Mean said, share right and number for each tenth of what was said."""
    said = np.array([one.first for one in answers])
    right = np.array([one.right for one in answers])
    places = np.minimum((said * count).astype(int), count - 1)
    for place in range(count):
        here = places == place
        if here.any():
            yield float(said[here].mean()), float(right[here].mean()), int(here.sum())


def calibration_error(answers: Sequence[Answer]) -> float:
    return sum(abs(said - was) * n for said, was, n in bins(answers)) / max(1, len(answers))


def reliability(answers: Sequence[Answer]) -> list[str]:
    return [f"said {said:.2f}, right {was:.2f}, n {n}" for said, was, n in bins(answers)]


def line(name: str, answers: Sequence[Answer]) -> str:
    """One line under HEADER."""
    shares = [
        *(recall(answers, k) for k in (1, 3, 10)),
        separation(answers),
        *(coverage(answers, precision) for precision in PRECISIONS),
        calibration_error(answers),
    ]
    return f"{name:28}{len(answers):6}" + "".join(f"{share:7.3f}" for share in shares)


def _mean(values: Sequence[bool]) -> float:
    return float(np.mean(values)) if values else float("nan")
