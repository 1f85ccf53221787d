"""How alike two matters of one citizen are, to propose merging them; people decide."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from rapidfuzz import fuzz

from knowledge.text import normalize, stop_words, words

LIKELY = 60
"""Matters at least this alike (0–100) are proposed as repeats."""


def alike(one: str, other: str) -> int:
    """How alike two texts are, 0–100: as they stand, or by the words that say something."""
    if not (one.strip() and other.strip()):
        return 0
    (plain, mine), (other_plain, theirs) = _told(one), _told(other)
    whole = fuzz.ratio(plain, other_plain)
    return round(max(whole, fuzz.token_sort_ratio(mine, theirs) if mine and theirs else 0))


@lru_cache(maxsize=4096)
def _told(text: str) -> tuple[str, str]:
    """A text as it stands, and the words in it that say something."""
    return normalize(text), " ".join(sorted(set(words(text)) - stop_words()))


def likely(text: str, others: Iterable[tuple[int, str]]) -> list[tuple[int, int]]:
    """The numbers of the cases whose text repeats this one, with how alike, most alike first."""
    found = ((number, alike(text, other)) for number, other in others)
    return sorted((one for one in found if one[1] >= LIKELY), key=lambda one: -one[1])
