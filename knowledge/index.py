"""Candidates from inverted lists: words, characters and sounds of the wordings, and the answers."""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from knowledge.catalog import Entry
from knowledge.inverted import Counted, Inverted
from knowledge.lexicon import Lexicon
from knowledge.reading import KEPT, Reader, Reading, Terms, pieces

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Scores = NDArray[np.float32]

KINDS = ("words", "chars", "sounds")
_USUAL_LENGTH = {"wording": 20.0, "answer": 250.0}
_NEAR = 0.2  # share of the best score below which a row is not looked at
# What is rare in a small base is not common in the world: it is weighed as in one of this size.
USUAL_ROWS = 1000
# How much each list counts when candidates are gathered; the ranker weighs anew.
_GATHER = {"words": 1.0, "chars": 1.0, "sounds": 0.5}
_ANSWER = 0.35
_HINTED = 0.5


@dataclass(slots=True)
class Row:
    """One wording of an entry, and by whom it was read."""

    number: int
    slot: int
    wording: str
    reader: Reader

    @property
    def reading(self) -> Reading:
        return self.reader.wording(self.wording)

    @property
    def terms(self) -> Terms:
        return self.reading.terms

    @property
    def words(self) -> frozenset[str]:
        return self.reading.words

    @property
    def chars(self) -> frozenset[str]:
        return self.reading.chars


@dataclass(slots=True)
class Slot:
    """One entry, by whom it was read, and the numbers of its rows."""

    entry: Entry
    reader: Reader
    rows: list[int] = field(default_factory=list)

    @property
    def about(self) -> Reading:
        """The terms of the answer, the topic and the department."""
        entry = self.entry
        return self.reader.about(f"{entry.topic} {entry.department} {entry.answer}")

    @property
    def words(self) -> frozenset[str]:
        return self.about.words


@dataclass(frozen=True, slots=True)
class Hit:
    """A wording found; scores as a share of what the query could reach."""

    row: Row
    slot: Slot
    gathered: float
    answer: float


class Index:
    """Wordings and answers of the entries, changed in place. Not safe for concurrent changes.

    After `turn_to` another lexicon, entries are read by it as they are put again; once all that
    it names were, `settle` says so.
    """

    def __init__(self, lexicon: Lexicon | None = None) -> None:
        self.reader = Reader(lexicon)
        self._settled = self.reader.lexicon
        self.wordings = {kind: Inverted(_USUAL_LENGTH["wording"]) for kind in KINDS}
        self.answers = {kind: Counted(_USUAL_LENGTH["answer"]) for kind in ("words", "chars")}
        self.slots: dict[str, int] = {}
        self._slots: list[Slot | None] = []
        self._rows: list[Row | None] = []
        self.slot_of_row: array[int] = array("i")
        self.room_of_row: array[float] = array("f")
        self._free_slots: list[int] = []
        self._free_rows: list[int] = []
        self._weights: dict[int, tuple[float, dict[str, float]]] = {}

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
        number = self._free_slots.pop() if self._free_slots else len(self._slots)
        slot = Slot(entry, self.reader)
        self._slots[number : number + 1] = [slot]
        self.slots[entry.id] = number
        terms = slot.about.terms
        for kind, inverted in self.answers.items():
            inverted.add(number, getattr(terms, kind))
        for wording in dict.fromkeys(entry.wordings):
            slot.rows.append(self._put_row(number, wording))
        self._weights.clear()

    def _put_row(self, slot: int, wording: str) -> int:
        number = self._free_rows.pop() if self._free_rows else len(self._rows)
        row = Row(number, slot, wording, self.reader)
        terms = row.terms
        room = self.wordings["words"].room(len(terms.chars) // 2)
        self._rows[number : number + 1] = [row]
        self.slot_of_row[number : number + 1] = array("i", (slot,))
        self.room_of_row[number : number + 1] = array("f", (room,))
        for kind, inverted in self.wordings.items():
            inverted.add(number, getattr(terms, kind))
        return number

    def remove(self, entry_id: str) -> None:
        """Forget the entry; an unknown id is no error."""
        number = self.slots.pop(entry_id, None)
        slot = None if number is None else self._slots[number]
        if number is None or slot is None:
            return
        for kind, inverted in self.answers.items():
            inverted.remove(number, getattr(slot.about.terms, kind))
        for row_number in slot.rows:
            self._remove_row(row_number)
        self._slots[number] = None
        self._free_slots.append(number)
        self._weights.clear()

    def _remove_row(self, number: int) -> None:
        row = self._rows[number]
        if row is not None:
            for kind, inverted in self.wordings.items():
                inverted.remove(number, getattr(row.terms, kind))
        self._rows[number] = None
        self._free_rows.append(number)

    def turn_to(self, lexicon: Lexicon) -> list[str]:
        """Read by another lexicon from now on; the ids of entries that must be put again."""
        if lexicon == self.reader.lexicon == self._settled:
            return []
        present, self.reader = self.reader.lexicon, self.reader.turned(lexicon)
        words = lexicon.differing(present) | lexicon.differing(self._settled)
        return sorted({entry_id for word in words for entry_id in self._with(word)})

    def _with(self, word: str) -> Iterable[str]:
        """Ids of the entries in which a word may stand, be it cut apart or not."""
        terms = [term for term in pieces(word) if len(term) == min(2, len(word))]
        numbers = self._sharing(self.answers["chars"], terms)
        for number in self._sharing(self.wordings["chars"], terms):
            numbers.add(self.slot_of_row[number])
        return (slot.entry.id for number in numbers if (slot := self._slots[number]))

    @staticmethod
    def _sharing(lists: Inverted, terms: Iterable[str]) -> set[int]:
        found = sorted((lists.rows.get(term, array("i")) for term in terms), key=len)
        return set(found[0]).intersection(*found[1:]) if found else set()

    def settle(self) -> None:
        """Everything reads the same by the present lexicon: let go of the ones before it."""
        self._settled = self.reader.lexicon
        for held in (*self._rows, *self._slots):
            if held is not None:
                held.reader = self.reader

    def weights(self, kind: str, terms: Iterable[str]) -> dict[str, float]:
        """How telling each term is among the wordings."""
        lists, count = self.wordings[kind], max(self.row_count, USUAL_ROWS)
        return {term: lists.idf(term, count) for term in terms}

    def knows(self, words: Iterable[str]) -> bool:
        """Whether each of the words stands in some wording."""
        lists = self.wordings["words"].rows
        return all(word in lists for word in words)

    def weight_of(self, row: Row) -> float:
        """How telling the characters of a wording are in all."""
        return self._weigh(row)[0]

    def profile(self, row: Row) -> dict[str, float]:
        """How telling each word of a wording is."""
        return self._weigh(row)[1]

    def _weigh(self, row: Row) -> tuple[float, dict[str, float]]:
        known = self._weights.get(row.number)
        if known is None:
            if len(self._weights) >= KEPT:
                self._weights.clear()
            whole = sum(self.weights("chars", row.chars).values()) or 1.0
            known = self._weights[row.number] = whole, self.weights("words", row.words)
        return known

    def find(self, query: Terms, limit: int = 50) -> list[Hit]:
        """The rows most likely to mean the query, best first, at most two for each entry."""
        return self.scan(query).best(limit)

    def scan(self, query: Terms) -> Scan:
        """Scores of all rows. It holds until the index is changed."""
        import numpy as np

        wordings = np.zeros(len(self._rows), np.float32)
        answers = {kind: np.zeros(len(self._slots), np.float32) for kind in self.answers}
        rows = max(self.row_count, USUAL_ROWS)
        for kind, inverted in self.wordings.items():
            inverted.collect(wordings, dict.fromkeys(getattr(query, kind)), rows, _GATHER[kind])
        for kind, counted in self.answers.items():
            counted.collect(answers[kind], dict.fromkeys(getattr(query, kind)), len(self), 1.0)
        hinted = {
            word for hint in query.hints for words in hint if self.knows(words) for word in words
        }
        if hinted:
            self.wordings["words"].collect(wordings, hinted, rows, _HINTED)
            self.answers["words"].collect(answers["words"], hinted, len(self), _HINTED)
        wordings *= np.frombuffer(self.room_of_row, np.float32)
        return Scan(
            self, wordings, answers["chars"], _ANSWER * (answers["words"] + answers["chars"])
        )

    def row(self, number: int) -> tuple[Row, Slot] | None:
        row = self._rows[number]
        slot = self._slots[row.slot] if row else None
        return (row, slot) if row and slot else None

    def rows_of(self, entry_id: str) -> list[int]:
        """The numbers of an entry's rows; none if it is unknown."""
        number = self.slots.get(entry_id)
        return self.rows_in(number) if number is not None else []

    def rows_in(self, number: int) -> list[int]:
        slot = self._slots[number]
        return slot.rows if slot else []


@dataclass(frozen=True, slots=True)
class Scan:
    """What the inverted lists say for one query.

    `wordings` for every row; for every slot `answers`, the share of the query's characters in
    its answer, and `about`, what the answer adds to the score of the slot's rows.
    """

    index: Index
    wordings: Scores
    answers: Scores
    about: Scores

    def best(self, limit: int) -> list[Hit]:
        """The best rows, at most two for each entry."""
        import numpy as np

        found = set(self._near(self.wordings, 2 * limit).tolist())
        for slot in self._near(self.about, limit).tolist():
            found.update(self.index.rows_in(slot))
        rows = np.array(sorted(found), np.int64)
        owners = np.frombuffer(self.index.slot_of_row, np.int32)
        total = self.wordings[rows] + self.about[owners[rows]]
        hits: list[Hit] = []
        seen: Counter[int] = Counter()
        for place in np.argsort(-total, kind="stable").tolist():
            hit = self.hit(int(rows[place])) if total[place] > 0 else None
            if hit is None or seen[hit.row.slot] >= 2:
                continue
            seen[hit.row.slot] += 1
            hits.append(hit)
            if len(hits) == limit:
                break
        return hits

    @staticmethod
    def _near(scores: Scores, limit: int) -> NDArray[np.int64]:
        """Places of the best scores, in no order."""
        import numpy as np

        found = np.flatnonzero(scores > _NEAR * scores.max(initial=0.0))
        if len(found) > limit:
            found = found[np.argpartition(-scores[found], limit - 1)[:limit]]
        return found

    def hit(self, number: int) -> Hit | None:
        """One row, whatever its scores."""
        found = self.index.row(number)
        if found is None:
            return None
        slot = found[0].slot
        gathered = float(self.wordings[number] + self.about[slot])
        return Hit(*found, gathered, float(self.answers[slot]))

    def of(self, entry_id: str) -> list[Hit]:
        """All rows of an entry."""
        hits = (self.hit(number) for number in self.index.rows_of(entry_id))
        return [hit for hit in hits if hit is not None]
