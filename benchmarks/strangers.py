"""Texts of other kinds than the ranker was fitted on: `python -m benchmarks.strangers DATA`.

1. A city bot's intents (DATA/intents): each utterance is asked of a base that has the other
   utterances of every intent and no answers; requests to a home assistant have no answer there.
2. Labelled pairs (DATA/pairs): how well a score tells the same question from another one. Each
   pair is a base of one entry and a query.
3. Two questions in one message, made from the queries written for the sample base.

Beside the matcher, by words and by meaning, rapidfuzz and the bundled model alone in the same run.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from rapidfuzz import fuzz

from benchmarks.figures import HEADER, Answer, auroc, line
from benchmarks.sets import Query, QuerySet, bases, query_sets
from knowledge.catalog import Entry
from knowledge.matcher import Decision, Matcher
from knowledge.semantic import Bundled
from knowledge.text import normalize
from knowledge.vectors import Meaning, VectorCache

OFF_TOPIC, PAIRS, DOUBLES, SHORT = 300, 1500, 200, 40

Score = Callable[[str, str], float]


def intents(folder: Path) -> list[Entry]:
    """An entry for each intent, with its utterances as wordings."""
    found: dict[str, list[str]] = {}
    with (folder / "shenzhen.tsv").open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            found.setdefault(row["intent"], []).append(row["utterance"])
    return [
        Entry(name, texts[0], "", tuple(texts[1:]), automatic=True) for name, texts in found.items()
    ]


def off_topic(folder: Path) -> list[str]:
    texts = {one["text"] for one in json.loads((folder / "off_topic.json").read_text("utf-8"))}
    return random.Random(3).sample(sorted(texts), OFF_TOPIC)


def without(entry: Entry, wording: str) -> Entry:
    rest = [one for one in entry.wordings if one != wording]
    return replace(entry, question=rest[0], similar=tuple(rest[1:]))


def ask_intents(
    entries: Sequence[Entry], strangers: Sequence[str], matcher: Matcher
) -> list[Answer]:
    asked = QuerySet("intents", "intents", [], 0.0)
    answers = []
    for entry in entries:
        for wording in entry.wordings if len(entry.wordings) > 1 else ():
            matcher.put(without(entry, wording))
            if matcher.meaning is not None:
                matcher.meaning.fill()
            query = Query(wording, frozenset({entry.id}))
            answers.append(_answer(query, asked, matcher))
        matcher.put(entry)
    return answers + [_answer(Query(text, frozenset()), asked, matcher) for text in strangers]


def _answer(query: Query, of: QuerySet, matcher: Matcher) -> Answer:
    match = matcher.match(query.text)
    names = tuple(one.entry.id for one in match.candidates)
    first = match.candidates[0].probability if match.candidates else 0.0
    return Answer(query, of, names, first, match.nothing)


def labelled(folder: Path) -> Iterator[tuple[str, list[tuple[str, str, bool]]]]:
    """Some pairs of each file: two texts, and whether they ask the same."""
    for name, delimiter in (("lcqmc_dev.tsv", "\t"), ("bq_dev.csv", ",")):
        with (folder / name).open(encoding="utf-8-sig", newline="") as file:
            rows = [row for row in csv.reader(file, delimiter=delimiter) if row[-1] in ("0", "1")]
        chosen = random.Random(5).sample(rows, PAIRS)
        yield name, [(row[0], row[1], row[-1] == "1") for row in chosen]


def by_pair(meaning: Meaning | None) -> Score:
    def score(one: str, two: str) -> float:
        matcher = Matcher([Entry("one", one, "")], meaning=meaning)
        if meaning is not None:
            meaning.fill()
        match = matcher.match(two)
        return match.candidates[0].probability if match.candidates else 0.0

    return score


def doubles(sets: Sequence[QuerySet]) -> list[Query]:
    """Two short questions about different entries, one after the other."""
    single = [
        query
        for one in sets
        if one.natural
        for query in one.queries
        if query.right and len(query.text) <= SHORT and query.style != "longwinded"
    ]
    pick = random.Random(9)
    found: list[Query] = []
    while len(found) < DOUBLES:
        one, two = pick.sample(single, 2)
        if not one.right & two.right:
            text = f"{one.text.rstrip('。？?！!')}？{pick.choice(('另外', '还有', ''))}{two.text}"
            found.append(Query(text, one.right | two.right, style=min(one.right)))
    return found


def ask_doubles(matcher: Matcher, queries: Sequence[Query], single: Sequence[Query]) -> None:
    both = sent = wrong = 0
    for query in queries:
        match = matcher.match(query.text)
        first = {one.entry.id for one in match.candidates[:2]}
        both += len(first) == 2 and first <= query.right
        if match.decision is Decision.ANSWER:
            sent += 1
            told = {one.entry.id for one in match.candidates[: len(match.parts) or 1]}
            wrong += not (len(told) == 2 and told <= query.right)
    split = sum(bool(matcher.match(one.text).parts) for one in single)
    print(
        f"  both entries come first {both} of {len(queries)}; sent {sent}, of them not both right "
        f"{wrong}; single questions taken for several {split} of {len(single)}"
    )


def compare_intents(folder: Path, cache: VectorCache, ways: Sequence[str]) -> None:
    entries, strangers = intents(folder), off_topic(folder)
    print(HEADER)
    for way in ways:
        meaning = Meaning(Bundled(), cache) if way == "meaning" else None
        matcher = Matcher(entries, meaning=meaning)
        print(line(f"intents, {way}", ask_intents(entries, strangers, matcher)), flush=True)


def compare_pairs(folder: Path, cache: VectorCache, ways: Sequence[str]) -> None:
    scores: dict[str, Score] = {
        "rapidfuzz": lambda one, two: fuzz.ratio(normalize(one), normalize(two)),
        "wenban, words": by_pair(None),
    }
    if "meaning" in ways:
        meaning = Meaning(Bundled(), cache)
        scores |= {"model alone": meaning.likeness, "wenban, meaning": by_pair(meaning)}
    for name, pairs in labelled(folder):
        same = np.array([one[2] for one in pairs])
        for label, score in scores.items():
            values = np.array([score(one, two) for one, two, _ in pairs])
            print(f"{name:16}{label:18}AUROC {auroc(values, same):.3f}", flush=True)


def compare_doubles(data: Path, cache: VectorCache, ways: Sequence[str]) -> None:
    sets = [one for one in query_sets(data) if one.base == "sample" and one.natural]
    single = [query for one in sets for query in one.queries]
    for way in ways:
        meaning = Meaning(Bundled(), cache) if way == "meaning" else None
        matcher = Matcher(bases(data)["sample"], meaning=meaning)
        if meaning is not None:
            meaning.fill()
        print(f"two questions in one, {way}")
        ask_doubles(matcher, doubles(sets), single)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--cache", type=Path, help="where vectors are kept between runs")
    parser.add_argument("--words", action="store_true", help="by words only")
    arguments = parser.parse_args()
    cache = VectorCache(arguments.cache)
    ways = ["words"] if arguments.words else ["words", "meaning"]
    compare_intents(arguments.data / "intents", cache, ways)
    compare_pairs(arguments.data / "pairs", cache, ways)
    compare_doubles(arguments.data, cache, ways)
    cache.close()


if __name__ == "__main__":
    main()
