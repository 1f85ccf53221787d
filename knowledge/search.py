"""Candidates for a query by words and by meaning, and the table of what is known of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from knowledge.features import Nearness, lexical, semantic
from knowledge.index import Hit, Index
from knowledge.reading import Terms
from knowledge.semantic import readable
from knowledge.vectors import Meaning

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from knowledge.vectors import Vector

    Table = NDArray[np.float64]

BY_WORDS, BY_WORDING, BY_ANSWER = 30, 10, 5


def gather(
    query: Terms, index: Index, meaning: Meaning | None = None, vectors: Sequence[Vector] = ()
) -> list[Hit]:
    """Wordings that the words lead to, then those of other entries that the meaning leads to.

    ``vectors`` are that of the text and, of a long one, that of what it comes to ask.
    """
    scan = index.scan(query)
    hits = scan.best(BY_WORDS)
    if meaning is None:
        return hits
    found = {hit.slot.entry.id for hit in hits}
    for vector in vectors:
        for entry_id in meaning.nearest(vector, BY_WORDING, BY_ANSWER):
            if entry_id not in found and (rows := scan.of(entry_id)):
                near = meaning.wordings_near(vector, entry_id) or {}
                hits.append(max(rows, key=_nearness(near)))
                found.add(entry_id)
    return hits


def _nearness(near: dict[str, float]) -> Callable[[Hit], float]:
    return lambda hit: near.get(readable(hit.row.wording), -99.0)


def tabulate(
    query: Terms,
    hits: Sequence[Hit],
    index: Index,
    meaning: Meaning | None = None,
    vectors: Sequence[Vector] = (),
) -> tuple[str, Table]:
    """The name of the model that fits what is known, and its table of features."""
    import numpy as np

    words = lexical(query, hits, index)
    if meaning is None or not vectors:
        return "lexical", words
    name, (row, wording, answer) = meaning.embedder.model, _cosines(hits, meaning, vectors[0])
    if None in wording:
        return "lexical", words
    complete = None not in answer
    _, focused, _ = _cosines(hits, meaning, vectors[-1])
    near = Nearness(_known(row), _known(wording), _known(answer), _known(focused))
    table = np.column_stack([words, semantic(near, answers=complete)])
    return (name if complete else f"{name} questions"), table


def _known(values: Sequence[float | None]) -> list[float]:
    return [0.0 if value is None else value for value in values]


def _cosines(
    hits: Sequence[Hit], meaning: Meaning, vector: Vector
) -> tuple[list[float | None], list[float | None], list[float | None]]:
    """For each hit that of its own wording, the best of its entry, and that of the answer."""
    names = dict.fromkeys(hit.slot.entry.id for hit in hits)
    wordings = {name: meaning.wordings_near(vector, name) for name in names}
    answers = {name: meaning.answer_near(vector, name) for name in names}
    row: list[float | None] = []
    best: list[float | None] = []
    for hit in hits:
        near = wordings[hit.slot.entry.id]
        row.append(None if near is None else near.get(readable(hit.row.wording)))
        best.append(None if near is None else max(near.values()))
    return row, best, [answers[hit.slot.entry.id] for hit in hits]
