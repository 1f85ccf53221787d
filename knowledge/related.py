"""What people say of a matter, and the words an office may have put it in: hints, not synonyms."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from knowledge.lexicon import Lexicon
from knowledge.text import data_lines

GAP = 6  # characters that a * stands for at most
MAX_HINTS = 12

Hint = tuple[frozenset[str], ...]
"""Alternatives; each is the words that must all be there, synonyms folded."""


@dataclass(frozen=True, slots=True)
class _Saying:
    """One way to say it: what it starts with, what may stand in a gap after that, its line."""

    start: str
    rest: re.Pattern[str] | None
    line: int


@lru_cache(maxsize=1)
def _lines() -> list[tuple[list[str], list[str]]]:
    parts = (line.partition(">") for line in data_lines("related.txt"))
    return [(said.split(), meant.split()) for said, _, meant in parts]


@lru_cache(maxsize=1)
def _sayings() -> dict[str, list[_Saying]]:
    """By their first two characters, or the only one before a gap."""
    found: dict[str, list[_Saying]] = {}
    for number, (said, _) in enumerate(_lines()):
        for one in said:
            start, _, rest = one.lower().partition("*")
            then = re.compile(f".{{0,{GAP}}}?".join(("", *map(re.escape, rest.split("*")))))
            saying = _Saying(start, then if rest else None, number)
            found.setdefault(start[:2], []).append(saying)
    return found


class Hints:
    """What questions hint at, in the words that one lexicon reads."""

    def __init__(self, lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._meant: dict[int, Hint] = {}

    def of(self, folded: str) -> tuple[Hint, ...]:
        """Those of a normalised text, each once; at most MAX_HINTS."""
        lines = dict.fromkeys(_found(folded))
        return tuple(map(self._hint, list(lines)[:MAX_HINTS]))

    def _hint(self, line: int) -> Hint:
        if line not in self._meant:
            _, meant = _lines()[line]
            self._meant[line] = tuple(dict.fromkeys(map(self._words, meant)))
        return self._meant[line]

    def _words(self, alternative: str) -> frozenset[str]:
        fold = self._lexicon.fold
        return frozenset(fold(word) for part in alternative.split("+") for word in self._cut(part))

    def _cut(self, part: str) -> list[str]:
        """A word as it stands if texts are cut so, else its parts."""
        words = self._lexicon.words_of(part)
        return [part] if part in words else words


def _found(text: str) -> Iterator[int]:
    sayings = _sayings()
    for place in range(len(text) - 1):
        first = text[place : place + 2]
        for one in (*sayings.get(first, ()), *sayings.get(first[0], ())):
            end = place + len(one.start)
            if text.startswith(one.start, place) and (
                one.rest is None or one.rest.match(text, end)
            ):
                yield one.line
