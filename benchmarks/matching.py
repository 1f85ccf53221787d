"""Accuracy and speed of matching: `python -m benchmarks.matching DATA [--cache DIR]`.

Beside the matcher, with and without vectors, rapidfuzz's extractOne, jieba with BM25 (bm25s) and
the bundled sentence model alone answer the same queries in the same run. DATA holds
municipal_faq/; without it only the program's sample base and the county base here are measured.

The matcher's weights were fitted on these very queries, so its figures here are in-sample: the
honest ones, out of fold and with a base left out, are those that `benchmarks.train` prints.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bm25s
import numpy as np
from rapidfuzz import process

from benchmarks.figures import HEADER, Answer, line, recall
from benchmarks.sets import QuerySet, bases, query_sets
from knowledge.catalog import Entry
from knowledge.matcher import Decision, Match, Matcher
from knowledge.semantic import Bundled, Embedder
from knowledge.text import normalize, words
from knowledge.vectors import Meaning, VectorCache

Ranking = list[tuple[str, float]]


@dataclass
class Contender:
    """A name, how it ranks, and whether its first score is a probability."""

    name: str
    rank: Callable[[str], Ranking]
    calibrated: bool = False


def fuzzy(entries: Sequence[Entry]) -> Contender:
    """rapidfuzz alone, as its documentation shows it, over all wordings."""
    texts = [(entry.id, normalize(one)) for entry in entries for one in entry.wordings]
    choices = [text for _, text in texts]

    def rank(text: str) -> Ranking:
        found = process.extract(normalize(text), choices, limit=50)
        return _each_once([(texts[place][0], score / 100) for _, score, place in found])

    return Contender("rapidfuzz", rank)


def bm25(entries: Sequence[Entry]) -> Contender:
    """bm25s with its defaults over jieba's words of wordings and answer."""
    documents = [words(" ".join((*entry.wordings, entry.answer))) for entry in entries]
    retriever = bm25s.BM25()
    retriever.index(documents, show_progress=False)

    def rank(text: str) -> Ranking:
        asked = words(text)
        if not asked:
            return []
        found, scores = retriever.retrieve([asked], k=10, show_progress=False)
        return [
            (entries[int(place)].id, float(score))
            for place, score in zip(found[0], scores[0], strict=True)
        ]

    return Contender("jieba + bm25s", rank)


def model_alone(meaning: Meaning, entries: Sequence[Entry]) -> Contender:
    """The nearest wording's or answer's sum of cosines."""
    names = [entry.id for entry in entries]

    def rank(text: str) -> Ranking:
        vector = meaning.vector(text)
        scores = []
        for name in names:
            near = meaning.wordings_near(vector, name) or {"": 0.0}
            scores.append(max(near.values()) + (meaning.answer_near(vector, name) or 0.0))
        best = np.argsort(-np.array(scores), kind="stable")[:10]
        return [(names[place], scores[place]) for place in best]

    return Contender("model alone", rank)


def ours(name: str, matcher: Matcher, matches: dict[str, Match]) -> Contender:
    def rank(text: str) -> Ranking:
        matches[text] = match = matcher.match(text)
        return [(one.entry.id, one.probability) for one in match.candidates]

    return Contender(name, rank, calibrated=True)


def _each_once(ranking: Ranking) -> Ranking:
    best: dict[str, float] = {}
    for name, score in ranking:
        best.setdefault(name, score)
    return list(best.items())[:10]


def ask(contender: Contender, sets: Sequence[QuerySet]) -> tuple[list[Answer], list[float]]:
    """Answers, and milliseconds for each."""
    contender.rank("预热一下")
    answers, times = [], []
    for one in sets:
        for query in one.queries:
            start = time.perf_counter()
            found = contender.rank(query.text)
            times.append((time.perf_counter() - start) * 1000)
            first = found[0][1] if found else 0.0
            answers.append(Answer(query, one, tuple(name for name, _ in found), first))
    return answers, times


def show(contender: Contender, answers: Sequence[Answer], times: Sequence[float]) -> None:
    text = line(contender.name, answers)
    if not contender.calibrated:
        text = text[:-7] + f"{'—':>7}"
    print(text + "".join(f"{np.percentile(times, percent):9.2f}" for percent in (50, 99)))


def by_style(answers: Sequence[Answer]) -> str:
    styles = dict.fromkeys(one.query.style for one in answers if one.query.right)
    parts = []
    for style in styles:
        here = [one for one in answers if one.query.style == style and one.query.right]
        parts.append(f"{style} {recall(here, 1):.2f} ({len(here)})")
    return "    R@1 " + ", ".join(parts)


def decisions(answers: Sequence[Answer], matches: dict[str, Match]) -> list[str]:
    """For each decision its number and how often the first candidate, or a choice, is right."""
    lines = []
    for decision in Decision:
        pairs = [(one, matches[one.query.text]) for one in answers]
        pairs = [(one, match) for one, match in pairs if match.decision is decision]
        first = sum(one.right for one, _ in pairs)
        offered = sum(
            any(c.entry.id in one.query.right for c in match.choices) for one, match in pairs
        )
        without = sum(not one.query.right for one, _ in pairs)
        more = f", a choice right {offered}" if decision is Decision.CLARIFY else ""
        lines.append(
            f"    {decision:8}{len(pairs):5}: first right {first}, has no answer {without}{more}"
        )
    return lines


def compare(
    name: str, entries: Sequence[Entry], sets: Sequence[QuerySet], model: Embedder, cache: Any
) -> None:
    meaning = Meaning(model, cache)
    start = time.perf_counter()
    plain = Matcher(entries)
    built = time.perf_counter() - start
    whole = Matcher(entries, meaning=meaning)
    start = time.perf_counter()
    meaning.fill()
    print(
        f"\n{name}: {len(entries)} entries, built in {built:.1f} s, "
        f"vectors in {time.perf_counter() - start:.0f} s"
    )
    print(HEADER + f"{'p50 ms':>9}{'p99 ms':>9}")
    for contender in (fuzzy(entries), bm25(entries), model_alone(meaning, entries)):
        show(contender, *ask(contender, sets))
    for label, matcher in (("wenban, words", plain), ("wenban, meaning", whole)):
        matches: dict[str, Match] = {}
        contender = ours(label, matcher, matches)
        answers, times = ask(contender, sets)
        show(contender, answers, times)
        print(by_style(answers), *decisions(answers, matches), sep="\n")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--cache", type=Path, help="where vectors are kept between runs")
    arguments = parser.parse_args()
    cache, model = VectorCache(arguments.cache), Bundled()
    found = query_sets(arguments.data)
    for name, entries in bases(arguments.data).items():
        sets = [one for one in found if one.base == name and one.natural]
        compare(name, entries, sets, model, cache)
    cache.close()


if __name__ == "__main__":
    main()
