"""Accuracy and speed of matching: `python -m benchmarks.matching DATA [--fit]`.

DATA holds municipal_faq/. Beside the matcher, rapidfuzz's extractOne and a plain BM25 over words
and characters answer the same queries in the same run. `--fit` fits the ranker's weights anew,
cross-validated by entry, and prints them; it changes no file. The sample knowledge base takes
part with each of its similar questions in turn as the query, itself left out: short colloquial
wordings with close siblings, on which likeness alone is much less reliable.
"""

from __future__ import annotations

import argparse
import json
import re
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rapidfuzz import process

from knowledge.catalog import Entry
from knowledge.exchange import read_entries
from knowledge.index import Index, analyse
from knowledge.matcher import Decision, Match, Matcher
from knowledge.ranker import FEATURES, NONE, WEIGHTS, features
from knowledge.text import normalize, words

Ranking = list[tuple[str, float]]
SAMPLE = resources.files("knowledge").joinpath("data", "sample.csv")
SAMPLE_SHARE = 0.1  # of the weight of DATA's queries
FITTED = FEATURES[:9]  # the others are set by hand, see knowledge.ranker


@dataclass(frozen=True)
class Query:
    """A text and the entries that answer it; none for a text without an answer."""

    text: str
    right: frozenset[str]


@dataclass(frozen=True)
class Outcome:
    """One query's ranking, by id and score, and the seconds it took."""

    query: Query
    ranking: Ranking
    seconds: float


def load(data: Path) -> tuple[list[Entry], list[Query]]:
    """Entries and queries; near twins named in the data's README both count as right."""
    folder = data / "municipal_faq"
    entries = read_entries(folder / "faq_simplified.tsv").entries
    twins = _twins((data / "README.md").read_text("utf-8"))
    queries = [
        Query(line["query"], frozenset({line["entry_id"], *twins.get(line["entry_id"], ())}))
        for line in _json(folder / "dev_queries.jsonl")
    ]
    others = [
        Query(line["query"], frozenset()) for line in _json(folder / "dev_unanswerable.jsonl")
    ]
    return entries, queries + others


def _json(path: Path) -> list[dict[str, str]]:
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line]


def _twins(readme: str) -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for one, two in re.findall(r"(\d{9}\w/\d+)–((?:\d{9})?\w/\d+)", readme):
        other = two if two[0].isdigit() else one[:9] + two
        found.setdefault(one, set()).add(other)
        found.setdefault(other, set()).add(one)
    return found


def fuzzy(entries: Sequence[Entry]) -> Callable[[str], Ranking]:
    """rapidfuzz alone, as its documentation shows it."""
    questions = {entry.id: normalize(entry.question) for entry in entries}

    def rank(text: str) -> Ranking:
        found = process.extract(normalize(text), questions, limit=10)
        return [(name, score / 100) for _, score, name in found]

    return rank


def plain_bm25(entries: Sequence[Entry]) -> Callable[[str], Ranking]:
    """BM25 (k1 = 1.2, b = 0.75) over the words and characters of question and answer."""
    documents = [_tokens(f"{entry.question} {entry.answer}") for entry in entries]
    lengths = np.array([sum(one.values()) for one in documents])
    room = 1.2 * (0.25 + 0.75 * lengths / lengths.mean())
    postings: dict[str, list[tuple[int, int]]] = {}
    for place, counts in enumerate(documents):
        for token, count in counts.items():
            postings.setdefault(token, []).append((place, count))
    columns = {token: np.array(pairs).T for token, pairs in postings.items()}

    def rank(text: str) -> Ranking:
        scores = np.zeros(len(entries))
        for token in _tokens(text):
            if token in columns:
                places, counts = columns[token]
                share = (len(entries) - len(places) + 0.5) / (len(places) + 0.5)
                scores[places] += np.log1p(share) * counts * 2.2 / (counts + room[places])
        best = np.argsort(-scores, kind="stable")[:10]
        return [(entries[place].id, float(scores[place])) for place in best]

    return rank


def _tokens(text: str) -> Counter[str]:
    return Counter([*words(text), *(char for char in normalize(text) if char.isalnum())])


def measure(queries: Sequence[Query], rank: Callable[[str], Ranking]) -> list[Outcome]:
    rank("预热")
    outcomes = []
    for query in queries:
        start = time.perf_counter()
        ranking = rank(query.text)
        outcomes.append(Outcome(query, ranking, time.perf_counter() - start))
    return outcomes


def figures(outcomes: Sequence[Outcome]) -> list[str]:
    """R@1, R@3, R@10, AUROC, coverage at 95 % precision, milliseconds p50 and p99."""
    asked = [one for one in outcomes if one.query.right]
    recall = [
        np.mean([any(name in one.query.right for name, _ in one.ranking[:k]) for one in asked])
        for k in (1, 3, 10)
    ]
    scores = np.array([one.ranking[0][1] if one.ranking else 0.0 for one in outcomes])
    right = np.array(
        [bool(one.ranking and one.ranking[0][0] in one.query.right) for one in outcomes]
    )
    known = np.array([bool(one.query.right) for one in outcomes])
    times = np.array([one.seconds for one in outcomes]) * 1000
    shares = [*recall, auroc(scores, known), coverage(scores, right, int(known.sum()))]
    return [f"{share:.3f}" for share in shares] + [
        f"{np.percentile(times, percent):.2f}" for percent in (50, 99)
    ]


def auroc(scores: NDArray[Any], positive: NDArray[Any]) -> float:
    """How often a positive scores above a negative; ties count half."""
    pairs = scores[positive][:, None] - scores[~positive][None]
    if not pairs.size:
        return float("nan")
    return float(np.mean((pairs > 0) + 0.5 * (pairs == 0)))


def coverage(
    scores: NDArray[Any], right: NDArray[Any], asked: int, precision: float = 0.95
) -> float:
    """Share of the answerable queries answered rightly at the lowest safe threshold."""
    order = np.argsort(-scores, kind="stable")
    correct = np.cumsum(right[order])
    safe = np.flatnonzero(correct / np.arange(1, len(order) + 1) >= precision)
    return float(correct[safe[-1]] / asked) if len(safe) else 0.0


def decisions(queries: Sequence[Query], matches: Sequence[Match]) -> list[str]:
    """For each decision its number and how often the first candidate, or a choice, is right."""
    lines = []
    for decision in Decision:
        pairs = [(q, m) for q, m in zip(queries, matches, strict=True) if m.decision is decision]
        first = sum(m.candidates[0].entry.id in q.right for q, m in pairs if m.candidates)
        offered = sum(any(c.entry.id in q.right for c in m.choices) for q, m in pairs)
        without = sum(not q.right for q, _ in pairs)
        more = f"  among the choices {offered}" if decision is Decision.CLARIFY else ""
        lines.append(
            f"{decision:8} {len(pairs):4}  first right {first}  unanswerable {without}{more}"
        )
    return lines


def compare(entries: Sequence[Entry], queries: Sequence[Query]) -> None:
    start = time.perf_counter()
    matcher = Matcher(replace(entry, automatic=True) for entry in entries)
    built = time.perf_counter() - start
    matches: dict[str, Match] = {}

    def ours(text: str) -> Ranking:
        matches[text] = match = matcher.match(text)
        return [(one.entry.id, one.probability) for one in match.candidates]

    print(f"{len(entries)} entries, {len(queries)} queries, matcher built in {built:.1f} s")
    names = ("", "R@1", "R@3", "R@10", "AUROC", "cov@95", "p50 ms", "p99 ms")
    print(("{:12}" + "{:>8}" * 7).format(*names))
    peers = {"rapidfuzz": fuzzy(entries), "BM25": plain_bm25(entries), "wenban": ours}
    for name, rank in peers.items():
        print(("{:12}" + "{:>8}" * 7).format(name, *figures(measure(queries, rank))))
    print(*decisions(queries, [matches[query.text] for query in queries]), sep="\n")


@dataclass(frozen=True)
class Example:
    """Features of the wordings found for one query, their entries, and which are right."""

    query: Query
    table: NDArray[np.float64]
    names: list[str]
    sample: bool = False

    @property
    def right(self) -> NDArray[np.bool_]:
        return np.array([name in self.query.right for name in self.names], dtype=bool)


def examples(entries: Sequence[Entry], queries: Sequence[Query]) -> list[Example]:
    index = Index()
    for entry in entries:
        index.put(entry)
    return [_example(index, query) for query in queries]


def left_out(entries: Sequence[Entry]) -> list[Example]:
    """Every similar question as a query for its entry without it."""
    index = Index()
    for entry in entries:
        index.put(entry)
    made = []
    for entry in entries:
        for wording in entry.similar:
            others = tuple(one for one in entry.similar if one != wording)
            index.put(replace(entry, similar=others))
            query = Query(wording, frozenset({entry.id}))
            made.append(replace(_example(index, query), sample=True))
        index.put(entry)
    return made


def _example(index: Index, query: Query) -> Example:
    terms = analyse(query.text)
    hits = index.find(terms)
    table = features(terms, hits, index) if hits else np.zeros((0, len(FEATURES)))
    return Example(query, table, [hit.slot.entry.id for hit in hits])


def fit(train: Sequence[Example], steps: int = 400, decay: float = 0.0005) -> NDArray[np.float64]:
    """Weights of FITTED and of "none" by gradient descent (Adam) on the softmax's log loss.

    Signs are kept as a reader expects them; the weights set by hand are left alone.
    """
    table = np.vstack([one.table for one in train])
    owner = np.repeat(np.arange(len(train)), [len(one.names) for one in train])
    right = np.concatenate([one.right for one in train])
    found = np.bincount(owner, right, len(train)) > 0
    given = table[:, len(FITTED) :] @ np.array([WEIGHTS[name] for name in FEATURES[len(FITTED) :]])
    inputs = table[:, : len(FITTED)]
    sample = np.array([one.sample for one in train])
    counts = np.where(sample, SAMPLE_SHARE / max(1, sample.sum()), 1 / max(1, (~sample).sum()))
    counts /= counts.sum()
    signs = np.sign([WEIGHTS[name] for name in FITTED])
    weights = np.append(np.zeros(len(FITTED)), 1.0)
    mean, square = np.zeros_like(weights), np.zeros_like(weights)
    for step in range(1, steps + 1):
        raised = np.exp(inputs @ weights[:-1] + given - weights[-1])
        whole = 1 + np.bincount(owner, raised, len(train))
        share = np.bincount(owner, raised * right, len(train))[owner]
        wanted = np.where(right, raised / np.where(right, share, 1), 0)
        slope = inputs.T @ ((raised / whole[owner] - wanted) * counts[owner])
        slope = np.append(slope + decay * weights[:-1], counts @ (1 / whole - ~found))
        mean, square = 0.9 * mean + 0.1 * slope, 0.99 * square + 0.01 * slope**2
        pace = 0.05 * (mean / (1 - 0.9**step)) / (np.sqrt(square / (1 - 0.99**step)) + 1e-8)
        weights -= pace
        weights[:-1] = np.where(weights[:-1] * signs < 0, 0, weights[:-1])
    return weights


def ranking(example: Example, weights: NDArray[np.float64]) -> Ranking:
    hand = [WEIGHTS[name] for name in FEATURES[len(FITTED) :]]
    scores = example.table @ np.append(weights[:-1], hand)
    best: dict[str, float] = {}
    for name, score in zip(example.names, scores, strict=True):
        best[name] = max(score, best.get(name, -np.inf))
    raised = {name: float(np.exp(score - weights[-1])) for name, score in best.items()}
    whole = 1 + sum(raised.values())
    return sorted(((name, one / whole) for name, one in raised.items()), key=lambda p: -p[1])


def cross_validate(made: Sequence[Example], folds: int = 5) -> None:
    """Queries of one entry, or of twins, are always in one fold."""
    groups = {right: n for n, right in enumerate(dict.fromkeys(one.query.right for one in made))}
    fold = [
        (groups[one.query.right] if one.query.right else n) % folds for n, one in enumerate(made)
    ]
    outcomes: dict[bool, list[Outcome]] = {False: [], True: []}
    for number in range(folds):
        weights = fit([one for one, part in zip(made, fold, strict=True) if part != number])
        for one, part in zip(made, fold, strict=True):
            if part == number:
                outcome = Outcome(one.query, ranking(one, weights), 0.0)
                outcomes[one.sample].append(outcome)
    print("cross-validated R@1 R@3 R@10 AUROC cov@95:", *figures(outcomes[False])[:5])
    print("sample, wording left out, R@1 R@3 R@10:", *figures(outcomes[True])[:3])
    for low in np.arange(0, 1, 0.2):
        _print_calibration(outcomes[False], float(low))
    for name, value in zip((*FITTED, "NONE"), fit(made), strict=True):
        print(f"{name:14} {value:6.1f}   now {WEIGHTS.get(name, NONE):6.1f}")


def _print_calibration(outcomes: Sequence[Outcome], low: float) -> None:
    firsts = [(one.ranking[0], one.query.right) for one in outcomes if one.ranking]
    here = [(p, name in right) for (name, p), right in firsts if low <= p < low + 0.2]
    if here:
        said, was = np.mean(here, axis=0)
        print(f"said {low:.1f}-{low + 0.2:.1f}: n {len(here)}, mean {said:.2f}, right {was:.2f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--fit", action="store_true")
    arguments = parser.parse_args()
    entries, queries = load(arguments.data)
    compare(entries, queries)
    if arguments.fit:
        with resources.as_file(SAMPLE) as path:
            sample = read_entries(path).entries
        cross_validate([*examples(entries, queries), *left_out(sample)])


if __name__ == "__main__":
    main()
