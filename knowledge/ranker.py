"""From a query and the wordings found for it to calibrated probabilities, with readable weights.

Two steps, both linear and both in knowledge/data/ranker.json, made by `benchmarks.train`:
the *order* of the entries is a weighted sum of the features of each pair; how probably the first
one answers, and how probably none does, are logistic functions of what is known of the first and
of its lead.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any

from knowledge.features import FEATURES, LEXICAL, QUESTION, named, places, shared_words
from knowledge.index import Hit, Index
from knowledge.reading import Reading, Terms
from knowledge.text import normalize

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Table = NDArray[np.float64]

SHORT = 25  # characters
CERTAIN, RESTATED = 0.995, 0.985
THIN = 0.1
LOCAL = 0.02  # share of the entries that name a place the office is about
ALIKE = 0.5  # no more than this for one of several entries with the very same wording
SHOWN = 10
POPULAR = 0.3  # of a score in which candidates lie whole numbers apart
NARROWED, DOUBT = 0.25, 0.2
ANY_KIND = frozenset({"怎么办"})
GENERIC = frozenset({"申请"})  # and its synonyms: what one does with any matter
_TOP = (
    "covered", "covered_wording", "covered_pairs", "told", "told_words", "ratio", "sound",
    "word_mass", "gap", "gathered", "answer", "other_thing", "same_thing", "other_action",
    "same_action", "other_kind", "same_kind", "other_number", "lost", "extra", "rival", "hinted",
    "hinted_near", "hinted_answer",
)  # fmt: skip
_LEAD = ("score", "lead", "small_lead", "share", "length")
_SHORTNESS = ("lost_short", "lost_by_length", "uncovered_short", "covered_square")
LEADING = (*_LEAD, *_TOP, *_SHORTNESS)
_FOCUS = ("cos_focus", "cos_focus_near")
LEADING_SEMANTIC = (
    "cos", "cos_near", *_FOCUS, "cos_answer", "cos_answer_near", "cos_second", "cos_low",
)  # fmt: skip
LEADING_QUESTION = ("cos", "cos_near", *_FOCUS, "cos_second", "cos_low")


@dataclass(frozen=True, slots=True)
class Linear:
    """A weighted sum of standardised inputs."""

    names: tuple[str, ...]
    means: tuple[float, ...]
    spreads: tuple[float, ...]
    weights: tuple[float, ...]
    constant: float

    @classmethod
    def read(cls, value: Mapping[str, Any]) -> Linear:
        """From {"constant": c, "inputs": {name: [mean, spread, weight]}}."""
        inputs: Mapping[str, list[float]] = value["inputs"]
        means, spreads, weights = zip(*inputs.values(), strict=True)
        return cls(tuple(inputs), means, spreads, weights, float(value["constant"]))

    def of(self, table: Table, columns: tuple[str, ...]) -> Table:
        """One value for each row of a table; columns that were not fitted do not count."""
        places, slopes, constant = _folded(self, columns)
        result: Table = table[:, places] @ slopes + constant
        return result


@lru_cache(maxsize=64)
def _folded(linear: Linear, columns: tuple[str, ...]) -> tuple[list[int], Table, float]:
    """The same sum of the inputs as they are."""
    import numpy as np

    slopes: Table = np.array(linear.weights) / np.array(linear.spreads)
    constant = linear.constant - float(slopes @ np.array(linear.means))
    return [columns.index(name) for name in linear.names], slopes, constant


@dataclass(frozen=True, slots=True)
class Weights:
    """One model, see `benchmarks.train`."""

    order: Linear
    first: Linear
    nothing: Linear


@dataclass(frozen=True, slots=True)
class Ranked:
    """A wording and how probably its entry answers the query.

    `shared` words of the first SHOWN, most telling first; `barred` if the first is about
    something else, however alike; `doubted` if it must not be sent before somebody confirmed it.
    """

    hit: Hit
    probability: float
    shared: tuple[str, ...]
    barred: bool = False
    doubted: bool = False


@dataclass(frozen=True, slots=True)
class Ranking:
    """Best first, one wording for each entry; `nothing` is the chance that no entry answers.

    `by_words` if no vectors took part.
    """

    found: tuple[Ranked, ...]
    nothing: float
    by_words: bool = True


@lru_cache(maxsize=1)
def models() -> dict[str, Weights]:
    """The shipped models by name: "lexical", and "<embedder> questions" and "<embedder>"."""
    text = resources.files("knowledge").joinpath("data", "ranker.json").read_text("utf-8")
    return {
        name: Weights(
            Linear.read(one["order"]),
            Linear.read(one["first"]),
            Linear.read(one["nothing"]),
        )
        for name, one in json.loads(text)["models"].items()
    }


def feature_names(model: str) -> tuple[str, ...]:
    """The columns of the table that a model ranks by."""
    if model == "lexical":
        return LEXICAL
    return (*LEXICAL, *QUESTION) if model.endswith(" questions") else FEATURES


def leading_names(model: str) -> tuple[str, ...]:
    """The inputs of a model's two probabilities."""
    if model == "lexical":
        return LEADING
    questions = model.endswith(" questions")
    return (*LEADING, *(LEADING_QUESTION if questions else LEADING_SEMANTIC))


def order(owners: Sequence[int], scores: Table) -> list[int]:
    """Places of the best wording of each entry, best first."""
    best: dict[int, int] = {}
    for place, owner in enumerate(owners):
        rival = best.get(owner)
        if rival is None or scores[place] > scores[rival]:
            best[owner] = place
    return sorted(best.values(), key=lambda place: -scores[place])


def leading(
    length: int, table: Table, names: Sequence[str], ranked: Sequence[float], place: int
) -> list[float]:
    """The inputs of the two probabilities.

    `length` of the query, `table` of the hits' features, `ranked` scores best first, `place` of
    the best hit. In the order of `leading_names`.
    """
    row = dict(zip(names, table[place].tolist(), strict=True))
    best, second = ranked[0], max(ranked[1] if len(ranked) > 1 else -99.0, ranked[0] - 20.0)
    rest = sum(math.exp(max(one - best, -50.0)) for one in ranked[1:])
    values = [best, best - second, min(best - second, 3.0), -math.log1p(rest), math.log1p(length)]
    values += [row[name] for name in _TOP]
    values += [
        row["lost"] * (length <= SHORT),
        3.0 * row["lost"] / math.log(2 + length),
        (1.0 - row["covered"]) * (length <= SHORT),
        row["covered"] ** 2,
    ]
    if "cos" in row:
        cosines = table[:, len(LEXICAL)]
        others = cosines[cosines < row["cos"] - 1e-9]
        values += [row["cos"], row["cos_near"], row["cos_focus"], row["cos_focus_near"]]
        values += [row["cos_answer"], row["cos_answer_near"]] if "cos_answer" in row else []
        values += [float(others.max(initial=0.0)), max(0.0, 2.0 - row["cos"])]
    return values


def rank(
    query: Terms,
    hits: Sequence[Hit],
    index: Index,
    table: Table,
    model: str,
    popular: Mapping[str, float] | None = None,
    known: Mapping[str, Weights] | None = None,
) -> Ranking:
    """`table` has the features of the hits in the order of feature_names(model).

    `popular` says for ids of entries how often they are asked for, 0 to 1: it decides between
    those that are hardly told apart. `known` are an office's own models, in place of the shipped
    ones.
    """
    import numpy as np

    weights = (known or models())[model]
    if not hits:
        return Ranking((), 1.0)
    names = feature_names(model)
    liked = np.array([(popular or {}).get(hit.slot.entry.id, 0.0) for hit in hits])
    scores = weights.order.of(table, names) + POPULAR * liked
    places = order([hit.row.slot for hit in hits], scores)
    ranked = scores[places].tolist()
    inputs = np.array([leading(len(query.text), table, names, ranked, places[0])])
    columns = leading_names(model)
    first = _logistic(float(weights.first.of(inputs, columns)[0]))
    nothing = _logistic(float(weights.nothing.of(inputs, columns)[0]))
    first = _repeated(query, hits, hits[places[0]].row.slot, first)
    nothing = min(nothing, 1.0 - first)
    rivals = _bare_rivals(query, [hits[place] for place in places])
    if any(rivals):
        ranked = _narrowed(ranked, rivals)
        nothing = min(nothing, DOUBT)
        first = min((1.0 - nothing) * _softmax_first(ranked), ALIKE)
    chances = _shares(first, nothing, ranked)
    owners = [hit.row.slot for hit in hits]
    best = places[0]
    marks = barred(query, hits[best], index), outdone(model, names, table, owners, best)
    ordered = [hits[place] for place in places]
    found = _marked(query, index, zip(ordered, chances, strict=True), marks)
    return Ranking(found, nothing, model == "lexical")


def _marked(
    query: Terms, index: Index, ordered: Iterable[tuple[Hit, float]], marks: tuple[bool, bool]
) -> tuple[Ranked, ...]:
    """Hits with their chances and what is shown of them; the marks are those of the first."""
    weights = index.weights("words", dict.fromkeys(query.words))
    return tuple(
        Ranked(
            hit,
            chance,
            shared_words(query, weights, hit.row) if number < SHOWN else (),
            *(marks if number == 0 else ()),
        )
        for number, (hit, chance) in enumerate(ordered)
    )


def _logistic(value: float) -> float:
    return 1.0 / (1.0 + math.exp(-max(-30.0, min(30.0, value))))


def _repeated(query: Terms, hits: Sequence[Hit], best: int, first: float) -> float:
    """A query that repeats a wording is certain, unless several entries have that wording."""
    if not query.text:
        return first
    same = {hit.row.slot for hit in hits if hit.row.terms.text == query.text}
    if best in same:
        return max(first, CERTAIN) if len(same) == 1 else min(first, ALIKE)
    known = frozenset(query.words)
    restated = {hit.row.slot for hit in hits if _restates(query, known, hit.row.reading)}
    return max(first, RESTATED) if restated == {best} else first


def _restates(query: Terms, known: frozenset[str], wording: Reading) -> bool:
    """The same telling words, synonyms folded, and nothing else is asked of them."""
    if not known <= wording.words and not wording.words <= known:
        return False
    asked = _whole(known)
    if len(asked) < 2 or asked != _whole(wording.words):
        return False
    mine, theirs = named(query.text), named(wording.terms.text)
    return mine.kinds - ANY_KIND <= theirs.kinds and mine.negated == theirs.negated


def _whole(words: Iterable[str]) -> set[str]:
    """Words that are no part of another."""
    known = set(words)
    return {word for word in known if not any(word != one and word in one for one in known)}


def _bare_rivals(query: Terms, hits: Sequence[Hit]) -> list[bool]:
    """Which entries have all that a query of one name says: it cannot tell these apart."""
    asked = set(query.words) - GENERIC
    if len(asked) > 4 or len(_whole(asked)) != 1 or hits[0].row.terms.text == query.text:
        return [False] * len(hits)
    return [asked <= hit.row.words for hit in hits]


def _narrowed(ranked: Sequence[float], rivals: Sequence[bool]) -> list[float]:
    """Scores in which those that cannot be told apart from the first come near it."""
    return [
        ranked[0] - (ranked[0] - one) * (NARROWED if near else 1.0)
        for one, near in zip(ranked, rivals, strict=True)
    ]


def _softmax_first(ranked: Sequence[float]) -> float:
    return 1.0 / sum(math.exp(max(one - ranked[0], -50.0)) for one in ranked)


def _shares(first: float, nothing: float, ranked: Sequence[float]) -> list[float]:
    """What is left of 1 for the others by their scores, none above the one before it."""
    raised = [math.exp(max(one - ranked[0], -50.0)) for one in ranked[1:]]
    whole, left, most = sum(raised) or 1.0, 1.0 - first - nothing, first
    chances = [first]
    for one in raised:
        most = min(most, left * one / whole)
        chances.append(most)
    return chances


def barred(query: Terms, hit: Hit, index: Index) -> bool:
    """What no likeness makes up for: another paper, service or place is named."""
    mine, theirs = named(query.text).things, named(hit.row.terms.text).things
    conflict = bool(mine) and bool(theirs) and not mine & theirs
    return conflict or elsewhere(query, hit, index)


def outdone(
    model: str, names: Sequence[str], table: Table, owners: Sequence[int], place: int
) -> bool:
    """By words alone: another entry has more of the query's words, or few of them are anywhere."""
    if model != "lexical":
        return False
    covered = table[:, names.index("covered")]
    own = max(value for value, owner in zip(covered, owners, strict=True) if owner == owners[place])
    return bool(covered.max() > own + 1e-9 or table[place, names.index("gap")] > THIN)


def elsewhere(query: Terms, hit: Hit, index: Index) -> bool:
    """The query names a place that neither the entry nor this knowledge base is about."""
    there = places(query.text)
    if not there:
        return False
    entry = hit.slot.entry
    text = normalize(f"{entry.question} {hit.row.wording} {entry.department} {entry.answer}")
    lists = index.answers["words"]
    local = LOCAL * max(len(index), 1)
    return any(one not in text and len(lists.rows.get(one, ())) < local for one in there)
