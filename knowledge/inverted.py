"""Inverted lists that are changed in place."""

from __future__ import annotations

import math
from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Scores = NDArray[np.float32]

_SATURATION = 1.2
_READ = 400_000  # places read for one query: what is left out are its most common terms


class Inverted:
    """Term → rows. A row counts for less the longer it is: see `room`."""

    def __init__(self, usual_length: float) -> None:
        self.usual_length = usual_length
        self.rows: dict[str, array[int]] = {}

    def room(self, length: int) -> float:
        """Weight of one term in a row of so many."""
        return (1 + _SATURATION) / (1 + self._saturation(length))

    def _saturation(self, length: int) -> float:
        return _SATURATION * (0.4 + 0.6 * length / self.usual_length)

    def add(self, row: int, terms: Sequence[str]) -> None:
        """`row` must not hold any terms yet."""
        rows = self.rows
        for term in set(terms):
            found = rows.get(term)
            if found is None:
                rows[term] = array("i", (row,))
            else:
                found.append(row)

    def remove(self, row: int, terms: Sequence[str]) -> None:
        """`terms` are those the row was added with."""
        for term in set(terms):
            found = self.rows[term]
            self._drop(term, found.index(row))
            if not found:
                del self.rows[term]

    def _drop(self, term: str, place: int) -> None:
        self.rows[term].pop(place)

    def idf(self, term: str, total: int) -> float:
        frequency = len(self.rows.get(term, ()))
        return math.log(1 + (total - frequency + 0.5) / (frequency + 0.5)) if total else 0.0

    def collect(self, result: Scores, terms: Iterable[str], total: int, weight: float) -> None:
        """Add to each row the weights of its terms, as a share of what all `terms` weigh."""
        import numpy as np

        whole, known = 0.0, []
        for term in terms:
            rows = self.rows.get(term)
            count = len(rows) if rows else 0
            idf = math.log(1 + (total - count + 0.5) / (count + 0.5)) if total else 0.0
            whole += idf
            if rows:
                known.append((count, term, idf))
        left = _READ
        for count, term, idf in sorted(known):
            left -= count
            if left < 0:
                break
            places = np.frombuffer(self.rows[term], np.int32)
            result[places] += self._counted(term, np.float32(weight * idf / whole))

    def _counted(self, term: str, weight: np.float32) -> Scores | np.float32:
        return weight


class Counted(Inverted):
    """Rows in which a term that is there more often counts for more; `room` is included."""

    def __init__(self, usual_length: float) -> None:
        super().__init__(usual_length)
        self.weights: dict[str, array[float]] = {}

    def add(self, row: int, terms: Sequence[str]) -> None:
        super().add(row, terms)
        room = self._saturation(len(terms))
        for term, count in Counter(terms).items():
            weight = count * (1 + _SATURATION) / (count + room)
            self.weights.setdefault(term, array("f")).append(weight)

    def _drop(self, term: str, place: int) -> None:
        super()._drop(term, place)
        self.weights[term].pop(place)
        if not self.weights[term]:
            del self.weights[term]

    def _counted(self, term: str, weight: np.float32) -> Scores | np.float32:
        import numpy as np

        return np.frombuffer(self.weights[term], np.float32) * weight
