"""From a query and the wordings found for it to probabilities, with readable weights.

The candidates of a query and "none of them" share one probability of 1: the softmax of the
weighted features below, the weight of "none" being fixed. So close rivals lower each other.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from knowledge.index import Hit, Index, Row, Terms, sound_of
from knowledge.text import data_lines

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FEATURES = (
    "covered",  # share of the query's words, by weight, that the wording or the answer has
    "answer",  # share of the query's characters in the answer, frequent ones more
    "told",  # share of the wording's characters that the query has
    "ratio",  # edit distance
    "sorted",  # edit distance of the sorted words
    "sound",  # edit distance of the pinyin of the query's most similar clause
    "mass",  # how much the shared pairs of characters weigh in all: short likeness proves little
    "word_mass",  # the same for words
    "gap",  # how far a short query's words fall below half covered
    "other_action",  # both say what is to be done, and it is not the same
    "other_thing",  # both name papers or services, and none in common
    "exact",
)

# Fitted by `python -m benchmarks.matching DATA --fit`, but for the last three, which that data
# cannot teach: it has few siblings and no query that repeats an entry.
WEIGHTS: Mapping[str, float] = {
    "covered": 5.3,
    "answer": 7.2,
    "told": 4.9,
    "ratio": 5.4,
    "sorted": 2.6,
    "sound": 5.1,
    "mass": 2.6,
    "word_mass": 1.6,
    "gap": -4.7,
    "other_action": -2.0,
    "other_thing": -14.0,
    "exact": 6.0,
}
NONE = 7.6
FEW_WORDS, SHORT = 8, 20  # characters
NARROWED = 0.25
HEARD = 0.8
THIN = 0.1
MUCH, MANY_WORDS = 60.0, 30.0  # sums of weights that count as 1


@dataclass(frozen=True, slots=True)
class Ranked:
    """A wording and how probably it means the query.

    `shared` words, most telling first; `covered` is the feature of this name; `thin` if most of
    what a short query says is not there.
    """

    hit: Hit
    probability: float
    shared: tuple[str, ...]
    covered: float
    thin: bool


def rank(query: Terms, hits: Sequence[Hit], index: Index) -> list[Ranked]:
    """One wording for each entry, most probable first; probabilities add up to at most 1."""
    if not hits:
        return []
    import numpy as np

    weights = np.array([WEIGHTS[name] for name in FEATURES])
    table = features(query, hits, index)
    scores = table @ weights
    best: dict[int, int] = {}
    for place, hit in enumerate(hits):
        rival = best.get(hit.row.slot)
        if rival is None or scores[place] > scores[rival]:
            best[hit.row.slot] = place
    places = sorted(best.values(), key=lambda place: -scores[place])
    shown = np.exp(_narrowed(query, [hits[p] for p in places], scores[places]) - NONE)
    chances = (shown / (1.0 + shown.sum())).tolist()
    telling = index.weights("words", dict.fromkeys(query.words))
    return [
        Ranked(
            hits[place],
            chance,
            _shared(query, telling, hits[place].row),
            covered=float(table[place, 0]),
            thin=bool(table[place, FEATURES.index("gap")] > THIN),
        )
        for place, chance in zip(places, chances, strict=True)
    ]


def _narrowed(
    query: Terms, hits: Sequence[Hit], scores: NDArray[np.float64]
) -> NDArray[np.float64]:
    """A few words that several wordings have in full cannot tell these apart: narrow the lead."""
    import numpy as np

    if len(query.text) > FEW_WORDS or hits[0].row.terms.text == query.text:
        return scores
    asked = set(query.words)
    rivals = np.array([asked <= hit.row.words for hit in hits])
    if not rivals[0]:
        return scores
    return np.where(rivals, scores[0] - (scores[0] - scores) * NARROWED, scores)


def _shared(query: Terms, weights: Mapping[str, float], row: Row) -> tuple[str, ...]:
    """The query's own words that the wording has too, parts of longer ones left out."""
    pairs = zip(query.said, query.words, strict=True)
    known = {said: weights[word] for said, word in pairs if word in row.words}
    whole = [word for word in known if not any(word != other and word in other for other in known)]
    return tuple(sorted(whole, key=lambda word: -known[word]))


def features(query: Terms, hits: Sequence[Hit], index: Index) -> NDArray[np.float64]:
    """Array of shape (hits, FEATURES), each value 0 to about 1."""
    import numpy as np

    table = np.empty((len(hits), len(FEATURES)))
    table[:, 0] = _covered(query, hits, index)
    table[:, 1] = [hit.answer for hit in hits]
    table[:, 2] = _told(query, hits, index)
    table[:, 3:6] = _distances(query, hits)
    table[:, 6] = _mass(index.weights("chars", _pairs(query)), [h.row.chars for h in hits], MUCH)
    table[:, 7] = _mass(
        index.weights("words", set(query.words)), [h.row.words for h in hits], MANY_WORDS
    )
    table[:, 8] = np.maximum(0.0, 0.5 - table[:, 0]) * (len(query.text) <= SHORT)
    table[:, 9] = _other(actions, query, hits)
    table[:, 10] = _other(things, query, hits)
    table[:, 11] = [hit.row.terms.text == query.text for hit in hits]
    return table


def _covered(query: Terms, hits: Sequence[Hit], index: Index) -> list[float]:
    weights = index.weights("words", dict.fromkeys(query.words))
    whole = sum(weights.values()) or 1.0
    heard = [(word, weight, sound_of(word)) for word, weight in weights.items()]
    return [sum(_presence(heard, hit)) / whole for hit in hits]


def _presence(heard: Sequence[tuple[str, float, str]], hit: Hit) -> Iterator[float]:
    wording, answer, row_sound = hit.row.words, hit.slot.words, hit.row.terms.sound
    for word, weight, sound in heard:
        if word in wording or word in answer:
            yield weight
        elif len(sound) > 1 and sound in row_sound:
            yield HEARD * weight


def _pairs(query: Terms) -> set[str]:
    return {term for term in query.chars if len(term) == 2}


def _mass(
    weights: Mapping[str, float], places: Sequence[frozenset[str]], much: float
) -> list[float]:
    asked = frozenset(weights)
    return [sum(map(weights.__getitem__, asked & there)) / much for there in places]


def _told(query: Terms, hits: Sequence[Hit], index: Index) -> list[float]:
    weights = index.weights("chars", set(query.chars))
    asked = frozenset(weights)
    return [
        sum(map(weights.__getitem__, asked & hit.row.chars)) / index.weight_of(hit.row)
        for hit in hits
    ]


def _distances(query: Terms, hits: Sequence[Hit]) -> NDArray[np.float64]:
    import numpy as np
    from rapidfuzz import fuzz, process

    def closeness(mine: Sequence[str], theirs: Sequence[str]) -> NDArray[np.float32]:
        table: NDArray[np.float32] = process.cdist(mine, theirs, scorer=fuzz.ratio)
        best: NDArray[np.float32] = table.max(axis=0)
        return best / np.float32(100)

    ordered = [" ".join(sorted(hit.row.words)) for hit in hits]
    return np.column_stack(
        [
            closeness([query.text], [hit.row.terms.text for hit in hits]),
            closeness([" ".join(sorted(set(query.words)))], ordered),
            closeness(query.clauses, [hit.row.terms.sound for hit in hits]),
        ]
    ).astype(np.float64)


def _other(named: Callable[[str], frozenset[str]], query: Terms, hits: Sequence[Hit]) -> list[bool]:
    wanted = named(query.text)
    if not wanted:
        return [False] * len(hits)
    offered = [named(hit.row.terms.text) for hit in hits]
    return [bool(one) and not wanted & one for one in offered]


@lru_cache(maxsize=8_192)
def actions(text: str) -> frozenset[str]:
    """What is to be done, by the words that speak for it; empty if the text does not say."""
    signs, pattern = _lexicon("actions.txt")
    return frozenset(signs[found] for found in pattern.findall(text))


@lru_cache(maxsize=8_192)
def things(text: str) -> frozenset[str]:
    """The papers, accounts and services that a text names."""
    signs, pattern = _lexicon("things.txt")
    return frozenset(signs[found] for found in pattern.findall(text))


@lru_cache(maxsize=2)
def _lexicon(name: str) -> tuple[dict[str, str], re.Pattern[str]]:
    groups = [line.split() for line in data_lines(name)]
    signs = {sign: group[0] for group in groups for sign in group}
    longest_first = sorted(signs, key=lambda sign: (-len(sign), sign))
    return signs, re.compile("|".join(map(re.escape, longest_first)))
