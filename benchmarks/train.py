"""Fit the ranker's weights: `python -m benchmarks.train DATA [--cache DIR] [--write]`.

For each model (words alone; with the vectors of the questions; with those of the answers too)
1. the order: softmax over the candidates of a query and "none of them";
2. on out-of-fold orders, the chance that the first candidate answers and that none does:
   logistic regression on what is known of the first and of its lead;
3. on out-of-fold chances of the natural queries, the threshold for answering without a person.
Folds keep the queries of one entry, and of twins, together. A second figure leaves a whole
knowledge base out. `--write` replaces knowledge/data/ranker.json; without it nothing is changed.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import own
from benchmarks.figures import HEADER, Answer, Cut, cut_at, cut_at_risk, line, reliability
from benchmarks.sets import Query, QuerySet, bases, made_sets, query_sets
from knowledge.catalog import Entry
from knowledge.features import FEATURES
from knowledge.index import Index
from knowledge.matcher import Policy
from knowledge.questions import looks
from knowledge.ranker import barred, feature_names, leading, leading_names, order, outdone
from knowledge.search import gather, tabulate
from knowledge.semantic import Bundled, Embedder, Light
from knowledge.vectors import Meaning, VectorCache

Table = NDArray[np.float64]
Vector = NDArray[np.float32]
TARGET = Path(__file__).parents[1] / "knowledge" / "data" / "ranker.json"
FOLDS, RISK = 5, 0.01
SHARE_WITHOUT_VECTORS = 30  # hits found by words come first in every table
NEVER_PRAISED = ("other_action", "other_thing", "other_number", "other_negation")
DECAY = {"order": 1e-3, "chance": 1e-2}


@dataclass(frozen=True)
class Example:
    """One query with the features of its candidates, all of FEATURES, by words those first."""

    query: Query
    set: QuerySet
    length: int
    table: Table
    names: tuple[str, ...]
    by_words: int
    barred: tuple[bool, ...]

    @property
    def group(self) -> str:
        wanted = self.query.right or self.query.hidden
        return min(wanted) if wanted else self.query.text


@dataclass(frozen=True)
class View:
    """An example as one model sees it."""

    example: Example
    table: Table
    names: tuple[str, ...]

    @property
    def right(self) -> NDArray[np.bool_]:
        return np.array([name in self.example.query.right for name in self.names], bool)


def view(example: Example, model: str) -> View:
    count = example.by_words if model == "lexical" else len(example.names)
    columns = [FEATURES.index(name) for name in feature_names(model)]
    return View(example, example.table[:count, columns], example.names[:count])


class Base:
    """A knowledge base with its vectors, as the matcher holds it."""

    def __init__(
        self, entries: Sequence[Entry], embedder: Embedder | None, cache: VectorCache
    ) -> None:
        self.entries, self.cache = {entry.id: entry for entry in entries}, cache
        self.index, self.meaning = Index(), Meaning(embedder, cache) if embedder else None
        for entry in entries:
            self._put(entry)
        if self.meaning is not None:
            self.meaning.fill(_show)

    def _put(self, entry: Entry) -> None:
        self.index.put(entry)
        if self.meaning is not None:
            self.meaning.put(entry)

    def example(self, query: Query, of: QuerySet) -> Example | None:
        changed = [self.entries[name] for name in query.right if query.without]
        for entry in changed:
            rest = tuple(one for one in entry.similar if one != query.without)
            self._put(replace(entry, similar=rest))
        try:
            return self._example(query, of)
        finally:
            for entry in changed:
                self._put(entry)

    def _example(self, query: Query, of: QuerySet) -> Example | None:
        terms = self.index.reader.query(query.text)
        vectors = self._vectors(query.text)
        found = gather(terms, self.index, self.meaning, vectors)
        hits = [hit for hit in found if hit.slot.entry.id not in query.hidden]
        if not hits:
            return None
        _, table = tabulate(terms, hits, self.index, self.meaning, vectors)
        names = tuple(hit.slot.entry.id for hit in hits)
        by_words = sum(hit in hits for hit in found[:SHARE_WITHOUT_VECTORS])
        bars = tuple(barred(terms, hit, self.index) for hit in hits)
        return Example(query, of, len(terms.text), table, names, by_words, bars)

    def _vectors(self, text: str) -> tuple[Vector, ...]:
        if self.meaning is None:
            return ()
        return tuple(self._vector(self.meaning, one) for one in looks(text))

    def _vector(self, meaning: Meaning, text: str) -> Vector:
        """That of a query, which several sets and runs ask for."""
        name = f"{meaning.embedder.name}, query"
        known = self.cache.get(name, text)
        if known is None:
            known = meaning.vector(text)
            self.cache.put(name, [text], known[None])
        return known


def _show(done: int, total: int) -> None:
    if done == total or done % 400 == 0:
        print(f"  vectors {done}/{total}", flush=True)


def examples(
    data: Path, embedder: Embedder | None, cache: VectorCache, site: own.Own | None = None
) -> list[Example]:
    found = query_sets(data)
    made: list[Example] = []
    entries = bases(data)
    if site is not None:
        found, entries = [*found, *site.sets], {**entries, own.NAME: list(site.entries)}
    for name, base_entries in entries.items():
        base = Base(base_entries, embedder, cache)
        sets = [one for one in found if one.base == name]
        extra = made_sets(sets, base_entries if name == "sample" else ())
        for one in [*sets, *(one for one in extra if one.queries and one.base == name)]:
            made += [each for query in one.queries if (each := base.example(query, one))]
    return made


def weights_of(given: Sequence[Example]) -> Table:
    sizes: dict[str, int] = {}
    for one in given:
        sizes[one.set.name] = sizes.get(one.set.name, 0) + 1
    return np.array([one.set.weight / sizes[one.set.name] for one in given])


def fit_order(given: Sequence[View], model: str, steps: int = 400) -> dict[str, Any]:
    """Adam on the softmax's log loss; conflicts never speak for a candidate."""
    table = np.vstack([one.table for one in given])
    means, spreads = table.mean(0), table.std(0) + 1e-3
    inputs = ((table - means) / spreads).astype(np.float32)
    owner = np.repeat(np.arange(len(given)), [len(one.names) for one in given])
    right = np.concatenate([one.right for one in given])
    found = np.bincount(owner, right, len(given)) > 0
    counts = weights_of([one.example for one in given])
    counts /= counts.sum()
    names = feature_names(model)
    refused = np.array([name in NEVER_PRAISED for name in names])
    weights = np.append(np.zeros(len(names)), 2.0)
    mean, square = np.zeros_like(weights), np.zeros_like(weights)
    for step in range(1, steps + 1):
        scores = (inputs @ weights[:-1].astype(np.float32)).astype(np.float64)
        raised = np.exp(np.clip(scores - weights[-1], -30, 30))
        whole = 1 + np.bincount(owner, raised, len(given))
        share = np.bincount(owner, raised * right, len(given))[owner]
        wanted = np.where(right, raised / np.where(right, share, 1), 0)
        pull = (raised / whole[owner] - wanted) * counts[owner]
        slope = (inputs.T @ pull.astype(np.float32)).astype(np.float64)
        slope = np.append(slope + DECAY["order"] * weights[:-1], counts @ (1 / whole - ~found))
        mean, square = 0.9 * mean + 0.1 * slope, 0.99 * square + 0.01 * slope**2
        weights -= 0.05 * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.99**step)) + 1e-8)
        weights[:-1] = np.where(refused & (weights[:-1] > 0), 0, weights[:-1])
    return _linear(names, means, spreads, weights[:-1], -weights[-1])


def _linear(
    names: Sequence[str], means: Table, spreads: Table, weights: Table, constant: float
) -> dict[str, Any]:
    rounded = np.round(np.column_stack([means, spreads, weights]), 5).tolist()
    return {"constant": round(float(constant), 5), "inputs": dict(zip(names, rounded, strict=True))}


def value(linear: dict[str, Any], table: Table) -> Table:
    means, spreads, weights = np.array(list(linear["inputs"].values())).T
    result: Table = (table - means) / spreads @ weights + linear["constant"]
    return result


def ranked(
    one: View, linear: dict[str, Any], model: str
) -> tuple[list[tuple[str, float]], list[float], bool]:
    """Entries with scores, best first, and the inputs of the two chances."""
    scores = value(linear, one.table)
    numbers = {name: number for number, name in enumerate(dict.fromkeys(one.names))}
    places = order([numbers[name] for name in one.names], scores)
    found = [(one.names[place], float(scores[place])) for place in places]
    inputs = leading(
        one.example.length, one.table, feature_names(model), [s for _, s in found], places[0]
    )
    owners = [numbers[name] for name in one.names]
    kept = one.example.barred[places[0]] or outdone(
        model, feature_names(model), one.table, owners, places[0]
    )
    return found, inputs, bool(kept)


def fit_chance(
    inputs: Table, happened: Table, counts: Table, names: Sequence[str]
) -> dict[str, Any]:
    """Logistic regression by Newton's method."""
    means, spreads = inputs.mean(0), inputs.std(0) + 1e-3
    table = np.column_stack([(inputs - means) / spreads, np.ones(len(inputs))])
    counts = counts / counts.sum()
    decay = np.append(np.full(len(names), DECAY["chance"]), 1e-9)
    weights = np.zeros(len(names) + 1)
    for _ in range(30):
        chance = 1 / (1 + np.exp(-np.clip(table @ weights, -30, 30)))
        slope = table.T @ (counts * (chance - happened)) + decay * weights
        bend = (table * (counts * chance * (1 - chance))[:, None]).T @ table + np.diag(decay)
        weights -= np.linalg.solve(bend, slope)
    return _linear(names, means, spreads, weights[:-1], weights[-1])


def chance(linear: dict[str, Any], inputs: Table) -> Table:
    result: Table = 1 / (1 + np.exp(-np.clip(value(linear, inputs), -30, 30)))
    return result


def folds_of(given: Sequence[Example]) -> NDArray[np.int_]:
    groups: dict[str, int] = {}
    return np.array([groups.setdefault(one.group, len(groups)) % FOLDS for one in given])


@dataclass
class Fitted:
    """A model and what it did on queries it was not fitted on."""

    model: dict[str, Any]
    answers: list[Answer]
    cut: Cut


class Trainer:
    """Fits one model on all examples, fold by fold, and by leaving a base out."""

    def __init__(self, given: Sequence[Example], model: str) -> None:
        self.name = model
        self.views = [view(one, model) for one in given]
        self.views = [one for one in self.views if one.names]
        self.given = [one.example for one in self.views]
        self.folds = folds_of(self.given)
        self.counts = weights_of(self.given)

    def fit(self) -> Fitted:
        taught = np.array([one.set.weight > 0 for one in self.given])
        found: list[Any] = [None] * len(self.given)
        for train, test in self._parts():
            linear = self._order(np.flatnonzero(train & taught))
            for place in np.flatnonzero(test):
                found[place] = ranked(self.views[place], linear, self.name)
        inputs = np.array([one[1] for one in found])
        first = np.array(
            [one[0][0][0] in e.query.right for one, e in zip(found, self.given, strict=True)]
        )
        nothing = np.array([not e.query.right for e in self.given])
        chances = np.zeros((2, len(found)))
        for train, test in self._parts():
            for number, happened in enumerate((first, nothing)):
                linear = self._chance(inputs, happened, train & taught)
                chances[number, test] = chance(linear, inputs[test])
        answers = self._answers(found, chances)
        natural = [one for one in answers if one.set.natural]
        cut = cut_at(natural, Policy().threshold(self.name == "lexical"))
        whole = {
            "order": self._order(np.flatnonzero(taught)),
            "first": self._chance(inputs, first, taught),
            "nothing": self._chance(inputs, nothing, taught),
        }
        return Fitted(whole, answers, cut)

    def judge(self, model: dict[str, Any]) -> list[Answer]:
        """Answers of a model that was made before."""
        found = [ranked(one, model["order"], self.name) for one in self.views]
        inputs = np.array([one[1] for one in found])
        chances = np.array([chance(model[part], inputs) for part in ("first", "nothing")])
        return self._answers(found, chances)

    def left_out(self, base: str) -> list[Answer]:
        """Answers for a base that neither step was fitted on."""
        taught = np.array([one.set.weight > 0 and one.set.base != base for one in self.given])
        test = np.array([one.set.natural and one.set.base == base for one in self.given])
        inside: list[Any] = [None] * len(self.given)
        for train, here in self._parts():
            linear = self._order(np.flatnonzero(train & taught))
            for place in np.flatnonzero(here & taught):
                inside[place] = ranked(self.views[place], linear, self.name)
        linear = self._order(np.flatnonzero(taught))
        for place in np.flatnonzero(test):
            inside[place] = ranked(self.views[place], linear, self.name)
        width = len(leading_names(self.name))
        inputs = np.array([one[1] if one else np.zeros(width) for one in inside])
        first = np.array(
            [
                bool(one) and one[0][0][0] in e.query.right
                for one, e in zip(inside, self.given, strict=True)
            ]
        )
        nothing = np.array([not e.query.right for e in self.given])
        chances = np.array(
            [chance(self._chance(inputs, kind, taught), inputs) for kind in (first, nothing)]
        )
        answers = self._answers(inside, chances)
        return [one for one, wanted in zip(answers, test, strict=True) if wanted]

    def _parts(self) -> Iterator[tuple[NDArray[np.bool_], NDArray[np.bool_]]]:
        for number in range(FOLDS):
            yield self.folds != number, self.folds == number

    def _order(self, places: NDArray[np.int_]) -> dict[str, Any]:
        return fit_order([self.views[place] for place in places], self.name)

    def _chance(
        self, inputs: Table, happened: NDArray[np.bool_], taught: NDArray[np.bool_]
    ) -> dict[str, Any]:
        chosen = inputs[taught], happened[taught].astype(float), self.counts[taught]
        return fit_chance(*chosen, leading_names(self.name))

    def _answers(self, found: Sequence[Any], chances: Table) -> list[Answer]:
        return [
            Answer(
                e.query,
                e.set,
                tuple(name for name, _ in one[0]) if one else (),
                float(p),
                float(none),
                bool(one and one[2]),
            )
            for e, one, p, none in zip(self.given, found, chances[0], chances[1], strict=True)
        ]


def report(name: str, fitted: Fitted, trainer: Trainer, left_out: bool) -> None:
    natural = [one for one in fitted.answers if one.set.natural]
    print(f"\n{name}: out of fold, grouped by entry")
    print(" ", HEADER, flush=True)
    for base in sorted({one.set.base for one in natural}):
        print(" ", line(base, [one for one in natural if one.set.base == base]))
    print(" ", line("all", natural))
    print("  shipped:", fitted.cut)
    print("  for a risk of", RISK, "at best:", cut_at_risk(natural, RISK))
    for text in reliability(natural):
        print("   ", text)
    for base in sorted({one.set.base for one in natural}) if left_out else ():
        print(" ", line(f"{base} left out", trainer.left_out(base)), flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=f"{__doc__}\n{own.__doc__}", formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--cache", type=Path)
    parser.add_argument("--only", nargs="*", choices=("words", "bundled", "light"))
    parser.add_argument("--left-out", action="store_true", help="fit without each base too")
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--own", type=Path, metavar="EVIDENCE", help="of wenban kb evidence")
    parser.add_argument("--kb", type=Path, help="of wenban kb export; with --own")
    parser.add_argument("--out", type=Path, help="for knowledge.ranker_file; with --own")
    arguments = parser.parse_args()
    if bool(arguments.own) != bool(arguments.kb and arguments.out):
        parser.error("--own, --kb and --out go together")
    return arguments


def main() -> None:
    arguments, written = _arguments(), dict[str, Any]()
    cache = VectorCache(arguments.cache)
    site = own.read_own(arguments.own, arguments.kb) if arguments.own else None
    shipped = json.loads(TARGET.read_text("utf-8"))["models"]
    kinds = {"words": None, "bundled": Bundled, "light": Light}
    for kind in [kinds[name] for name in arguments.only or kinds]:
        given = examples(arguments.data, kind() if kind else None, cache, site)
        for name in [f"{kind.model} questions", kind.model] if kind else ["lexical"]:
            trainer = Trainer(given, name)
            fitted = trainer.fit()
            if site is None:
                report(name, fitted, trainer, arguments.left_out)
            elif not own.better(name, trainer.judge(shipped[name]), fitted.answers):
                continue
            written[name] = {"evidence": str(fitted.cut), **fitted.model}
    made = {"made": date.today().isoformat(), "queries": len(given)}  # noqa: DTZ011
    if site is not None and not written:
        raise SystemExit("No model is better than the shipped one: nothing is written.")
    target = arguments.out or (TARGET if arguments.write else None)
    if target is not None:
        made["models"] = {**shipped, **written}
        target.write_text(json.dumps(made, ensure_ascii=False, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
