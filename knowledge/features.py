"""What is known of a (query, wording) pair: numbers that mean the same in any knowledge base."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from knowledge.index import Hit, Index, Row
from knowledge.reading import Reading, Terms, sound_of
from knowledge.text import data_lines

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Table = NDArray[np.float64]

WORDS = (
    "covered",  # share of the query's words, by weight, that the wording or the answer has
    "covered_wording",  # the same for the wording alone
    "covered_answer",  # the same for the answer alone
    "covered_pairs",  # the same for pairs of characters and the wording
    "told",  # share of the wording's characters that the query has
    "told_words",  # the same for words
    "lost",  # weight of the most telling word of the query that the entry lacks
    "extra",  # weight of the most telling word of the wording that the query lacks
    "rival",  # weight of the query's words that a rival's wording has and this one lacks
    "mass",  # how much the shared pairs of characters weigh in all: short likeness proves little
    "word_mass",  # the same for words
    "gap",  # how far a short query's words fall below half covered
    "hinted",  # share of what the query hints at, by weight, that the wording has
    "hinted_near",  # the same, below the best of the hits
    "hinted_answer",  # the share that the wording or the answer has
)
STRINGS = ("ratio", "sorted", "sound", "partial", "clause")
SCORES = ("gathered", "answer", "gathered_near", "answer_near", "covered_near", "sound_near")
NAMED = (
    "other_action",  # both say what is to be done, and it is not the same
    "same_action",
    "other_thing",  # both name papers or services, and none in common
    "same_thing",
    "other_number",
    "other_negation",
    "same_kind",  # both ask how, where, how much …
    "other_kind",
    "exact",
)
QUESTION = ("cos", "cos_near", "cos_first", "cos_row", "cos_focus", "cos_focus_near")
ANSWER = ("cos_answer", "cos_answer_near", "cos_answer_first")
LEXICAL = (*WORDS, *STRINGS, *SCORES, *NAMED)
FEATURES = (*LEXICAL, *QUESTION, *ANSWER)

SHORT = 20  # characters
HEARD = 0.8
MUCH, MANY_WORDS, TELLING = 60.0, 30.0, 7.0  # sums of weights that count as 1
_NUMBER = re.compile(r"\d+(?:\.\d+)?")
_NEGATION = re.compile(r"[不没未无别]")
_ASKING = re.compile(
    r"(.)[不没]\1|有没有|可不可|能不能|是不是|要不要|不见|不好意思|不知|不动产|没有?吗|不$|不[？?]"
)


@dataclass(frozen=True, slots=True)
class Nearness:
    """Cosines of one query, scaled as by semantic.Scale: for each hit, and the base's best.

    `row` is that of the hit's own wording, `question` the best of the entry's wordings, `answer`
    that of the answer; `focus` is as `question`, but of what a long query comes to ask.
    """

    row: Sequence[float]
    question: Sequence[float]
    answer: Sequence[float]
    focus: Sequence[float]


@dataclass(frozen=True, slots=True)
class _Read:
    """A hit and what was read of it, looked up once; `about` are the words of the answer."""

    hit: Hit
    wording: Reading
    about: frozenset[str]

    @property
    def text(self) -> str:
        return self.wording.terms.text


def lexical(query: Terms, hits: Sequence[Hit], index: Index) -> Table:
    """Array of shape (hits, LEXICAL)."""
    import numpy as np

    found = [_Read(hit, hit.row.reading, hit.slot.words) for hit in hits]
    words = _words(query, found, index)
    strings = _distances(query, found)
    scores = _scores(hits, words[:, 0], strings[:, 2])
    return np.column_stack([words, strings, scores, _named(query, found)])


def semantic(near: Nearness, answers: bool) -> Table:
    """Array of shape (hits, QUESTION) or, with `answers`, (hits, QUESTION + ANSWER)."""
    import numpy as np

    row, question, focus = np.array(near.row), np.array(near.question), np.array(near.focus)
    columns = [question, question - question.max(), _first(question), row]
    columns += [focus, focus - focus.max()]
    if answers:
        answer = np.array(near.answer)
        columns += [answer, answer - answer.max(), _first(answer)]
    return np.column_stack(columns)


def _first(values: Table) -> Table:
    import numpy as np

    places = np.argsort(np.argsort(-values, kind="stable"))
    better = (values[:, None] < values[None] - 1e-6).sum(axis=1)
    share: Table = 1.0 / (1.0 + np.minimum(better, places))
    return share


def _words(query: Terms, found: Sequence[_Read], index: Index) -> Table:
    import numpy as np

    asked = list(dict.fromkeys(query.words))
    weights = index.weights("words", asked)
    weigh = np.array([weights[word] for word in asked])
    whole = float(weigh.sum()) or 1.0
    sounds = [sound_of(word) for word in asked]
    wording = np.array([_presence(asked, sounds, one.wording) for one in found])
    answer = np.array([[word in one.about for word in asked] for one in found], np.float64)
    if not asked:
        wording = answer = np.zeros((len(found), 0))
    either = np.maximum(wording, answer)
    covered, direct = either @ weigh / whole, wording @ weigh / whole
    told, shared, pairs = _characters(query, found, index)
    rivals = direct[None] - (wording * weigh) @ wording.T / whole
    ours = np.array([one.hit.gathered for one in found])
    rivals = np.where(ours[None] >= 0.6 * ours.max(), rivals, 0.0)
    profiles = [index.profile(one.hit.row) for one in found]
    extra, told_words = _extra(frozenset(asked), profiles)
    table = np.empty((len(found), len(WORDS)))
    table[:, 0], table[:, 1], table[:, 2] = covered, direct, answer @ weigh / whole
    table[:, 3] = shared / pairs
    table[:, 4] = told
    table[:, 5], table[:, 7] = told_words, extra
    table[:, 6] = ((1 - either) * weigh).max(axis=1, initial=0.0) / TELLING
    table[:, 8] = np.maximum(rivals.max(axis=1), 0.0)
    table[:, 9] = np.minimum(shared / MUCH, 1.5)
    table[:, 10] = np.minimum(direct * whole / MANY_WORDS, 1.5)
    table[:, 11] = np.maximum(0.0, 0.5 - covered) * (len(query.text) <= SHORT)
    table[:, 12:] = _hinted(query, found, index)
    return table


def _hinted(query: Terms, found: Sequence[_Read], index: Index) -> Table:
    import numpy as np

    table = np.zeros((len(found), 3))
    whole = 0.0
    for hint in query.hints:
        known = [words for words in hint if index.knows(words)]
        weighed = [(words, max(index.weights("words", words).values())) for words in known]
        whole += max((weight for _, weight in weighed), default=0.0)
        for number, one in enumerate(found):
            wording = one.wording.words
            table[number, 0] += _said(weighed, wording, wording)
            table[number, 2] += _said(weighed, wording, one.about)
    table /= whole or 1.0
    table[:, 1] = table[:, 0] - table[:, 0].max()
    return table


def _said(
    weighed: Sequence[tuple[frozenset[str], float]], here: frozenset[str], there: frozenset[str]
) -> float:
    """The most that words weigh which all stand in one or the other."""
    said = (weight for words, weight in weighed if all(w in here or w in there for w in words))
    return max(said, default=0.0)


def _presence(words: Sequence[str], sounds: Sequence[str], wording: Reading) -> list[float]:
    there, heard = wording.words, wording.terms.sound
    return [
        1.0 if word in there else HEARD if len(sound) > 1 and sound in heard else 0.0
        for word, sound in zip(words, sounds, strict=True)
    ]


def _extra(
    asked: frozenset[str], profiles: Sequence[Mapping[str, float]]
) -> tuple[list[float], list[float]]:
    most, told = [], []
    for weights in profiles:
        whole = sum(weights.values()) or 1.0
        left = [weight for word, weight in weights.items() if word not in asked]
        most.append(max(left, default=0.0) / TELLING)
        told.append(1.0 - sum(left) / whole)
    return most, told


def _characters(query: Terms, found: Sequence[_Read], index: Index) -> tuple[Table, Table, float]:
    """What the shared characters weigh, as a share of the wording; the shared pairs; all pairs."""
    import numpy as np

    weights = index.weights("chars", set(query.chars))
    pairs = {term: weight for term, weight in weights.items() if len(term) == 2}
    asked, told, mass = frozenset(weights), np.empty(len(found)), np.empty(len(found))
    for number, one in enumerate(found):
        shared = asked & one.wording.chars
        told[number] = sum(map(weights.__getitem__, shared)) / index.weight_of(one.hit.row)
        mass[number] = sum(map(pairs.__getitem__, shared & pairs.keys()))
    return told, mass, sum(pairs.values()) or 1.0


def _distances(query: Terms, found: Sequence[_Read]) -> Table:
    import numpy as np
    from rapidfuzz import fuzz, process

    def closeness(
        mine: Sequence[str], theirs: Sequence[str], scorer: Callable[..., float] = fuzz.ratio
    ) -> NDArray[np.float32]:
        table: NDArray[np.float32] = process.cdist(mine, theirs, scorer=scorer)
        best: NDArray[np.float32] = table.max(axis=0)
        return best / np.float32(100)

    texts = [one.text for one in found]
    return np.column_stack(
        [
            closeness([query.text], texts),
            closeness([" ".join(sorted(set(query.words)))], [one.wording.ordered for one in found]),
            closeness(query.clauses, [one.wording.terms.sound for one in found]),
            closeness([query.text], texts, fuzz.partial_ratio),
            closeness(query.parts, texts),
        ]
    ).astype(np.float64)


def _scores(hits: Sequence[Hit], covered: Table, sound: Table) -> Table:
    import numpy as np

    gathered = np.array([hit.gathered for hit in hits])
    answer = np.array([hit.answer for hit in hits])
    return np.column_stack(
        [
            gathered,
            answer,
            gathered / (gathered.max() or 1.0),
            answer / (answer.max() or 1.0),
            covered - covered.max(),
            sound - sound.max(),
        ]
    )


def _named(query: Terms, found: Sequence[_Read]) -> Table:
    import numpy as np

    mine = named(query.text)
    others = [named(one.text) for one in found]
    columns = [
        (
            _other(mine.actions, theirs.actions),
            _same(mine.actions, theirs.actions),
            _other(mine.things, theirs.things),
            _same(mine.things, theirs.things),
            _other(mine.numbers, theirs.numbers),
            mine.negated != theirs.negated,
            _same(mine.kinds, theirs.kinds),
            _other(mine.kinds, theirs.kinds),
        )
        for theirs in others
    ]
    exact = [one.text == query.text for one in found]
    return np.column_stack([np.array(columns, np.float64), exact])


def _same(mine: frozenset[str], theirs: frozenset[str]) -> bool:
    return bool(mine & theirs)


def _other(mine: frozenset[str], theirs: frozenset[str]) -> bool:
    return bool(mine) and bool(theirs) and not mine & theirs


@dataclass(frozen=True, slots=True)
class Named:
    """What a text names outright."""

    actions: frozenset[str]
    things: frozenset[str]
    kinds: frozenset[str]
    numbers: frozenset[str]
    negated: bool


@lru_cache(maxsize=65_536)
def named(text: str) -> Named:
    """Actions, things, kinds of question, numbers and negation of a text without punctuation."""
    return Named(
        actions(text),
        things(text),
        _signs("questions.txt", text),
        frozenset(_NUMBER.findall(text)),
        bool(_NEGATION.search(_ASKING.sub("", text))),
    )


def actions(text: str) -> frozenset[str]:
    """What is to be done, by the words that speak for it; empty if the text does not say."""
    return _signs("actions.txt", text)


def things(text: str) -> frozenset[str]:
    """The papers, accounts and services that a text names."""
    return _signs("things.txt", text)


def _signs(name: str, text: str) -> frozenset[str]:
    signs, pattern = _lexicon(name)
    return frozenset(signs[found] for found in pattern.findall(text))


@lru_cache(maxsize=3)
def _lexicon(name: str) -> tuple[dict[str, str], re.Pattern[str]]:
    groups = [line.split() for line in data_lines(name)]
    signs = {sign: group[0] for group in groups for sign in group}
    longest_first = sorted(signs, key=lambda sign: (-len(sign), sign))
    return signs, re.compile("|".join(map(re.escape, longest_first)))


@lru_cache(maxsize=1)
def _places() -> re.Pattern[str]:
    names = [name for line in data_lines("places.txt") for name in line.split()]
    return re.compile("|".join(sorted(names, key=len, reverse=True)))


def places(text: str) -> frozenset[str]:
    """Provinces and large cities that a text names."""
    return frozenset(_places().findall(text))


def shared_words(query: Terms, weights: Mapping[str, float], row: Row) -> tuple[str, ...]:
    """The query's own words that the wording has too, most telling first, parts left out.

    `weights` of the query's words are those of `Index.weights`.
    """
    pairs = zip(query.said, query.words, strict=True)
    known = {said: weights[word] for said, word in pairs if word in row.words}
    whole = [word for word in known if not any(word != other and word in other for other in known)]
    return tuple(sorted(whole, key=lambda word: -known[word]))
