"""How a text is read: the terms that are compared, and whose words fold them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import pairwise

from knowledge.lexicon import Lexicon, shipped
from knowledge.related import Hint, Hints
from knowledge.text import (
    MAX_ANALYSED,
    matter,
    normalize,
    stop_words,
    syllables,
    syllables_of,
)

MAX_CLAUSES = 50
KEPT = 20_000  # wordings and answers whose terms are kept in memory
_CLAUSE = re.compile(r"[^，。？！；、,?!;~… ]+")
_RUN = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Terms:
    """What is compared of one text.

    `said` are the words as written, in step with `words`. `sound` has one sign for each
    syllable, `clauses` the same for each clause and for the whole. `hints` are those of a
    question; wordings have none.
    """

    text: str
    said: tuple[str, ...]
    words: tuple[str, ...]
    chars: tuple[str, ...]
    sounds: tuple[str, ...] = ()
    sound: str = ""
    clauses: tuple[str, ...] = ("",)
    parts: tuple[str, ...] = ("",)
    hints: tuple[Hint, ...] = ()


def analyse(text: str, heard: bool = True, lexicon: Lexicon | None = None) -> Terms:
    """Terms of the first characters of any text; without the sounds if not `heard`."""
    lexicon = lexicon or shipped()
    folded = matter(normalize(text[: 2 * MAX_ANALYSED])[:MAX_ANALYSED])
    plain, chars = "".join(_RUN.findall(folded)), tuple(pieces(folded))
    said = _telling(lexicon.words_of(folded))
    known = tuple(lexicon.fold(word) for word in said)
    if not heard:
        return Terms(plain, said, known, chars)
    clauses = _CLAUSE.findall(folded)[:MAX_CLAUSES]
    spoken = [syllables_of(clause) for clause in clauses]
    flat = [syllable for clause in spoken for syllable in clause]
    pairs = tuple(f"{one} {two}" for one, two in pairwise(flat))
    sound = _sound_signs(flat)
    heard_parts = (sound, *map(_sound_signs, spoken))
    parts = (plain, *clauses, *("".join(two) for two in pairwise(clauses)))
    return Terms(plain, said, known, chars, pairs, sound, heard_parts, parts)


def _telling(known: list[str]) -> tuple[str, ...]:
    """Words that carry the matter; all words if there are none."""
    return tuple([word for word in known if word not in stop_words()] or known)


def pieces(folded: str) -> Iterable[str]:
    """Characters of a normalised text and pairs of neighbours."""
    for run in _RUN.findall(folded):
        yield from run
        yield from (run[i : i + 2] for i in range(len(run) - 1))


@lru_cache(maxsize=65_536)
def sound_of(word: str) -> str:
    """The sound signs of a normalised word."""
    return _sound_signs(syllables(word))


_signs: dict[str, str] = {}


def _sound_signs(spoken: Iterable[str]) -> str:
    """One private character for each syllable, so that string distances count syllables."""
    return "".join(_signs.setdefault(one, chr(0xE000 + len(_signs) % 6000)) for one in spoken)


@dataclass(frozen=True, slots=True)
class Reading:
    """A text's terms, as sets too; `ordered` are the words in alphabetical order."""

    terms: Terms
    words: frozenset[str]
    chars: frozenset[str]
    ordered: str


class _Kept:
    """The latest readings by text: when one half is full, the older half is let go."""

    def __init__(self, read: Callable[[str], Reading]) -> None:
        self._read = read
        self._young: dict[str, Reading] = {}
        self._old: dict[str, Reading] = {}

    def __call__(self, text: str) -> Reading:
        found = self._young.get(text)
        if found is None:
            found = self._old.get(text) or self._read(text)
            if len(self._young) >= KEPT // 2:
                self._old, self._young = self._young, {}
            self._young[text] = found
        return found

    def inherit(self, other: _Kept, words: Iterable[str]) -> None:
        """Take over the readings of texts in which none of the words stands."""
        known = list(words)
        for text, reading in {**other._old, **other._young}.items():
            if not any(word in reading.terms.text for word in known):
                self._old[text] = reading


class Reader:
    """Reads texts by one lexicon and remembers the latest wordings and answers."""

    def __init__(self, lexicon: Lexicon | None = None) -> None:
        self.lexicon = lexicon or shipped()
        self._hints = Hints(self.lexicon)
        self.wording = _Kept(lambda text: _reading(analyse(text, True, self.lexicon)))
        self.about = _Kept(lambda text: _reading(analyse(text, False, self.lexicon)))

    def query(self, text: str) -> Terms:
        """The terms of what somebody asks."""
        terms = analyse(text, lexicon=self.lexicon)
        folded = matter(normalize(text[: 2 * MAX_ANALYSED])[:MAX_ANALYSED])
        return replace(terms, hints=self._hints.of(folded))

    def turned(self, lexicon: Lexicon) -> Reader:
        """One that reads by another lexicon, and knows what reads the same by both."""
        reader, words = Reader(lexicon), lexicon.differing(self.lexicon)
        reader.wording.inherit(self.wording, words)
        reader.about.inherit(self.about, words)
        return reader


def _reading(terms: Terms) -> Reading:
    known = frozenset(terms.words)
    return Reading(terms, known, frozenset(terms.chars), " ".join(sorted(known)))
