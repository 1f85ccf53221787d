"""Entries that ask nearly the same: one too many, or two answers to one question."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from rapidfuzz import fuzz, process

from knowledge.catalog import Entry
from knowledge.text import normalize

ALIKE = 90.0
"""From 0 to 100; questions that differ in one word of two characters mostly stay below it."""
_AT_ONCE = 500
_NUMBER = re.compile(r"\d+(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class Twins:
    """Two entries whose questions are alike; `differing` are numbers that one answer alone has."""

    first: Entry
    second: Entry
    likeness: float
    differing: tuple[str, ...]


def twins(entries: Sequence[Entry], limit: int = 100) -> list[Twins]:
    """The pairs most alike, those with differing numbers first; the same wording is none."""
    asked = [normalize(entry.question) for entry in entries]
    found = [
        Twins(entries[a], entries[b], likeness, _differing(entries[a], entries[b]))
        for a, b, likeness in _alike(asked)
    ]
    found.sort(key=lambda one: (not one.differing, -one.likeness))
    return found[:limit]


def _alike(asked: Sequence[str]) -> Iterator[tuple[int, int, float]]:
    for start in range(0, len(asked), _AT_ONCE):
        block, rest = asked[start : start + _AT_ONCE], asked[start:]
        scores = process.cdist(block, rest, scorer=fuzz.ratio, score_cutoff=ALIKE)
        for row, column in np.argwhere(scores > 0):
            if column > row and asked[start + row] != asked[start + column]:
                yield int(start + row), int(start + column), float(scores[row, column])


def _differing(first: Entry, second: Entry) -> tuple[str, ...]:
    one, other = (set(_NUMBER.findall(normalize(entry.answer))) for entry in (first, second))
    return tuple(sorted(one ^ other, key=lambda number: (len(number), number)))
