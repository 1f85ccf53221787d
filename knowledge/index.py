"""Candidates from inverted lists: words, characters and sounds of the wordings, and the answers."""

from __future__ import annotations

import math
import re
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING

from knowledge.catalog import Entry
from knowledge.text import MAX_ANALYSED, data_lines, matter, normalize, stop_words, syllables, words

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Scores = NDArray[np.float32]

KINDS = ("words", "chars", "sounds")
MAX_CLAUSES = 50
_CLAUSE = re.compile(r"[^，。？！；、,?!;~… ]+")
_RUN = re.compile(r"[^\W_]+")
_SATURATION = 1.2
_USUAL_LENGTH = {"wording": 20.0, "answer": 250.0}
# What is rare in a small base is not common in the world: it is weighed as in one of this size.
USUAL_ROWS = 1000
# How much each list counts when candidates are gathered; the ranker weighs anew.
_GATHER = {"words": 1.0, "chars": 1.0, "sounds": 0.5, "answer words": 0.35, "answer chars": 0.35}


@dataclass(frozen=True, slots=True)
class Terms:
    """What is compared of one text.

    `said` are the words as written, in step with `words`. `sound` has one sign for each
    syllable, `clauses` the same for each clause and for the whole.
    """

    text: str
    said: tuple[str, ...]
    words: tuple[str, ...]
    chars: tuple[str, ...]
    sounds: tuple[str, ...] = ()
    sound: str = ""
    clauses: tuple[str, ...] = ("",)
    parts: tuple[str, ...] = ("",)


def analyse(text: str, heard: bool = True) -> Terms:
    """Terms of the first characters of any text; without the sounds if not `heard`."""
    folded = matter(normalize(text[: 2 * MAX_ANALYSED])[:MAX_ANALYSED])
    plain, chars = "".join(_RUN.findall(folded)), tuple(_pieces(folded))
    said = _telling_words(folded)
    known = tuple(_synonyms().get(word, word) for word in said)
    if not heard:
        return Terms(plain, said, known, chars)
    clauses = _CLAUSE.findall(folded)[:MAX_CLAUSES]
    spoken = [syllables(clause) for clause in clauses]
    flat = [syllable for clause in spoken for syllable in clause]
    pairs = tuple(f"{one} {two}" for one, two in pairwise(flat))
    sound = _sound_signs(flat)
    heard_parts = (sound, *map(_sound_signs, spoken))
    parts = (plain, *clauses, *("".join(two) for two in pairwise(clauses)))
    return Terms(plain, said, known, chars, pairs, sound, heard_parts, parts)


def _telling_words(text: str) -> tuple[str, ...]:
    """Words that carry the matter; all words if there are none."""
    known = words(text)
    return tuple([word for word in known if word not in stop_words()] or known)


def _pieces(text: str) -> Iterable[str]:
    for run in _RUN.findall(text):
        yield from run
        yield from (run[i : i + 2] for i in range(len(run) - 1))


@lru_cache(maxsize=65_536)
def sound_of(word: str) -> str:
    """The sound signs of a normalised word."""
    return _sound_signs(syllables(word))


@lru_cache(maxsize=1)
def _synonyms() -> dict[str, str]:
    groups = (line.split() for line in data_lines("synonyms.txt"))
    return {word: group[0] for group in groups for word in group}


_signs: dict[str, str] = {}


def _sound_signs(spoken: Iterable[str]) -> str:
    """One private character for each syllable, so that string distances count syllables."""
    return "".join(_signs.setdefault(one, chr(0xE000 + len(_signs) % 6000)) for one in spoken)


@dataclass(slots=True)
class Inverted:
    """Term → rows, with the weight of the term in each row."""

    usual_length: float
    rows: dict[str, array[int]] = field(default_factory=dict)
    weights: dict[str, array[float]] = field(default_factory=dict)

    def add(self, row: int, terms: Sequence[str]) -> None:
        """`row` must not hold any terms yet."""
        room = _SATURATION * (0.4 + 0.6 * len(terms) / self.usual_length)
        for term, count in Counter(terms).items():
            self.rows.setdefault(term, array("q")).append(row)
            weight = count * (1 + _SATURATION) / (count + room)
            self.weights.setdefault(term, array("f")).append(weight)

    def remove(self, row: int, terms: Sequence[str]) -> None:
        """`terms` are those the row was added with."""
        for term in set(terms):
            place = self.rows[term].index(row)
            self.rows[term].pop(place)
            self.weights[term].pop(place)
            if not self.rows[term]:
                del self.rows[term], self.weights[term]

    def idf(self, term: str, total: int) -> float:
        frequency = len(self.rows.get(term, ()))
        return math.log(1 + (total - frequency + 0.5) / (frequency + 0.5)) if total else 0.0

    def scores(self, terms: Iterable[tuple[str, float]], size: int) -> Scores:
        """Summed weights of (term, idf) pairs for each of `size` rows."""
        import numpy as np

        result = np.zeros(size, np.float32)
        for term, idf in terms:
            if term in self.rows:
                rows = np.frombuffer(self.rows[term], np.int64)
                result[rows] += np.frombuffer(self.weights[term], np.float32) * np.float32(idf)
        return result


@dataclass(slots=True)
class Row:
    """One wording of an entry; `weight` is that of its characters, as of index `version`."""

    slot: int
    wording: str
    terms: Terms
    words: frozenset[str]
    chars: frozenset[str]
    ordered: str = ""
    weight: float = 0.0
    word_weights: dict[str, float] = field(default_factory=dict)
    version: int = -1


@dataclass(slots=True)
class Slot:
    """One entry, its rows and the terms of its answer."""

    entry: Entry
    answer: Terms
    words: frozenset[str]
    chars: frozenset[str]
    rows: list[int] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Hit:
    """A wording found; scores as a share of what the query could reach."""

    row: Row
    slot: Slot
    gathered: float
    answer: float


class Index:
    """Wordings and answers of the entries, changed in place. Not safe for concurrent changes."""

    def __init__(self) -> None:
        self.wordings = {kind: Inverted(_USUAL_LENGTH["wording"]) for kind in KINDS}
        self.answers = {kind: Inverted(_USUAL_LENGTH["answer"]) for kind in ("words", "chars")}
        self.slots: dict[str, int] = {}
        self._slots: list[Slot | None] = []
        self._rows: list[Row | None] = []
        self._slot_of_row: array[int] = array("q")
        self._free_slots: list[int] = []
        self._free_rows: list[int] = []
        self.version = 0

    def __len__(self) -> int:
        return len(self.slots)

    @property
    def row_count(self) -> int:
        return len(self._rows) - len(self._free_rows)

    def get(self, entry_id: str) -> Entry | None:
        number = self.slots.get(entry_id)
        slot = None if number is None else self._slots[number]
        return slot.entry if slot else None

    def put(self, entry: Entry) -> None:
        """Add the entry, or replace the one with its id."""
        self.remove(entry.id)
        about = analyse(f"{entry.topic} {entry.department} {entry.answer}", heard=False)
        number = self._free_slots.pop() if self._free_slots else len(self._slots)
        slot = Slot(entry, about, frozenset(about.words), frozenset(about.chars))
        self._slots[number : number + 1] = [slot]
        self.slots[entry.id] = number
        for kind, inverted in self.answers.items():
            inverted.add(number, getattr(about, kind))
        for wording in dict.fromkeys(entry.wordings):
            terms = analyse(wording)
            known = frozenset(terms.words)
            ordered = " ".join(sorted(known))
            row = Row(number, wording, terms, known, frozenset(terms.chars), ordered)
            slot.rows.append(self._put_row(row))
        self.version += 1

    def _put_row(self, row: Row) -> int:
        number = self._free_rows.pop() if self._free_rows else len(self._rows)
        self._rows[number : number + 1] = [row]
        self._slot_of_row[number : number + 1] = array("q", [row.slot])
        for kind, inverted in self.wordings.items():
            inverted.add(number, getattr(row.terms, kind))
        return number

    def remove(self, entry_id: str) -> None:
        """Forget the entry; an unknown id is no error."""
        number = self.slots.pop(entry_id, None)
        slot = None if number is None else self._slots[number]
        if number is None or slot is None:
            return
        for kind, inverted in self.answers.items():
            inverted.remove(number, getattr(slot.answer, kind))
        for row_number in slot.rows:
            self._remove_row(row_number)
        self._slots[number] = None
        self._free_slots.append(number)
        self.version += 1

    def _remove_row(self, number: int) -> None:
        row = self._rows[number]
        if row is not None:
            for kind, inverted in self.wordings.items():
                inverted.remove(number, getattr(row.terms, kind))
        self._rows[number] = None
        self._free_rows.append(number)

    def weights(self, kind: str, terms: Iterable[str]) -> dict[str, float]:
        """How telling each term is among the wordings."""
        lists, count = self.wordings[kind], max(self.row_count, USUAL_ROWS)
        return {term: lists.idf(term, count) for term in terms}

    def weight_of(self, row: Row) -> float:
        """How telling the characters of a wording are in all."""
        self._weigh(row)
        return row.weight

    def profile(self, row: Row) -> dict[str, float]:
        """How telling each word of a wording is."""
        self._weigh(row)
        return row.word_weights

    def _weigh(self, row: Row) -> None:
        if row.version != self.version:
            row.weight = sum(self.weights("chars", row.chars).values()) or 1.0
            row.word_weights = self.weights("words", row.words)
            row.version = self.version

    def find(self, query: Terms, limit: int = 50) -> list[Hit]:
        """The rows most likely to mean the query, best first, at most two for each entry."""
        return self.scan(query).best(limit)

    def scan(self, query: Terms) -> Scan:
        """Scores of all rows. It holds until the index is changed."""
        import numpy as np

        if not self.slots:
            return Scan(self, np.zeros(0, np.float32), np.zeros(0, np.float32))
        return Scan(self, *self._gather(query))

    def row(self, number: int) -> tuple[Row, Slot] | None:
        row = self._rows[number]
        slot = self._slots[row.slot] if row else None
        return (row, slot) if row and slot else None

    def rows_of(self, entry_id: str) -> list[int]:
        """The numbers of an entry's rows; none if it is unknown."""
        number = self.slots.get(entry_id)
        slot = None if number is None else self._slots[number]
        return slot.rows if slot else []

    def _gather(self, query: Terms) -> tuple[Scores, Scores]:
        import numpy as np

        lists = [self._share(self.wordings[k], getattr(query, k), False) for k in KINDS]
        owners = np.frombuffer(self._slot_of_row, np.int64)
        for kind in ("words", "chars"):
            share = self._share(self.answers[kind], getattr(query, kind), True)
            lists.append(share[owners])
        table = np.stack(lists)
        return np.array(list(_GATHER.values()), np.float32) @ table, table[-1]

    def _share(self, inverted: Inverted, terms: Sequence[str], answers: bool) -> Scores:
        """Scores as a share of what the query's terms weigh in all."""
        count = len(self.slots) if answers else max(self.row_count, USUAL_ROWS)
        weighed = [(term, inverted.idf(term, count)) for term in dict.fromkeys(terms)]
        whole = sum(idf for _, idf in weighed) or 1.0
        return inverted.scores(weighed, len(self._slots if answers else self._rows)) / whole


@dataclass(frozen=True, slots=True)
class Scan:
    """What the inverted lists say of every row for one query."""

    index: Index
    total: Scores
    answers: Scores

    def best(self, limit: int) -> list[Hit]:
        """The best rows, at most two for each entry."""
        import numpy as np

        hits: list[Hit] = []
        seen: Counter[int] = Counter()
        for number in np.argsort(-self.total, kind="stable")[: 2 * limit].tolist():
            hit = self.hit(number)
            if hit is None or hit.gathered <= 0 or seen[hit.row.slot] >= 2:
                continue
            seen[hit.row.slot] += 1
            hits.append(hit)
            if len(hits) == limit:
                break
        return hits

    def hit(self, number: int) -> Hit | None:
        """One row, whatever its scores."""
        found = self.index.row(number)
        if found is None:
            return None
        return Hit(*found, float(self.total[number]), float(self.answers[number]))

    def of(self, entry_id: str) -> list[Hit]:
        """All rows of an entry."""
        hits = (self.hit(number) for number in self.index.rows_of(entry_id))
        return [hit for hit in hits if hit is not None]
