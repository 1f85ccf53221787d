"""A site's own decided questions, to fit the ranker on and to judge the fit by.

`python -m benchmarks.train DATA --own own.jsonl --kb kb.csv --out ranker.json`, where
`wenban kb evidence own.jsonl` and `wenban kb export kb.csv` wrote the two files.

What was chosen is right; the others offered are not. Where nothing was chosen, what was rejected
is wrong and what nobody judged counts as absent. A wording that was learnt from the question
itself is taken out of the base for it. The shipped weights never saw these questions; the new
ones are judged out of fold, on entries that they were not fitted on.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.figures import HEADER, Answer, line, recall
from benchmarks.sets import Query, QuerySet
from knowledge.catalog import Entry
from knowledge.exchange import read_entries
from knowledge.proposals import similar_wording
from knowledge.text import normalize

NAME = "own"
LEAST = 50  # answered questions below which nothing can be told
# As many of the site's questions as this weigh as much as one of the shipped sets does.
FULL, MOST = 300, 2.0
NONE = 0.3  # of that, for questions that nothing offered answers


class OwnDataError(ValueError):
    """The site's files cannot be used to train on; the text says why."""


@dataclass(frozen=True)
class Own:
    """A site's base and its questions."""

    entries: Sequence[Entry]
    sets: Sequence[QuerySet]


@dataclass
class _Judged:
    right: set[str] = field(default_factory=set)
    offered: set[str] = field(default_factory=set)
    rejected: set[str] = field(default_factory=set)


def read_own(evidence: Path, base: Path) -> Own:
    """Every question once. Raises OwnDataError and KnowledgeFileError."""
    entries = {entry.id: entry for entry in read_entries(base).entries}
    judged: dict[str, _Judged] = {}
    for text, value in _lines(evidence):
        known = judged.setdefault(text, _Judged())
        known.right |= {value["chosen"]} & entries.keys()
        known.offered |= set(value["offered"])
        known.rejected |= set(value["rejected"])
    answered = [_answered(text, one, entries) for text, one in judged.items() if one.right]
    if len(answered) < LEAST:
        raise OwnDataError(f"{len(answered)} answered questions, at least {LEAST} are needed")
    none = [
        Query(text, frozenset(), hidden=frozenset(one.offered - one.rejected))
        for text, one in judged.items()
        if not one.right and one.rejected & entries.keys()
    ]
    share = min(MOST, len(answered) / FULL)
    sets = [QuerySet(NAME, NAME, answered, share)]
    if none:
        sets.append(QuerySet(f"{NAME}, none", NAME, none, NONE * min(MOST, len(none) / FULL)))
    return Own(list(entries.values()), sets)


def _lines(path: Path) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for number, text in enumerate(path.read_text("utf-8").splitlines(), 1):
        try:
            value = json.loads(text)
            query, names = value["query"], [*value["offered"], *value["rejected"], value["chosen"]]
            if not all(isinstance(one, str) for one in (query, *names)):
                raise TypeError(query)
        except (ValueError, KeyError, TypeError) as error:
            raise OwnDataError(f"line {number} of {path} is not from wenban kb evidence") from error
        yield normalize(query), value


def _answered(text: str, judged: _Judged, entries: Mapping[str, Entry]) -> Query:
    """The wording that the question itself has become is left out for it."""
    wording = similar_wording(text)
    learnt = [
        one
        for name in judged.right
        for one in entries[name].similar
        if similar_wording(one) == wording
    ]
    return Query(text, frozenset(judged.right), without=learnt[0] if wording and learnt else "")


def better(name: str, before: Sequence[Answer], after: Sequence[Answer]) -> bool:
    """Print what two models make of the site's questions; whether the second is worse in nothing.

    Other answers are left out.
    """
    shipped, fitted = (
        [one for one in answers if one.set.base == NAME] for answers in (before, after)
    )
    print(f"\n{name}: {len(fitted)} questions of this site, out of fold, grouped by entry")
    print(f"  {HEADER}   loss")
    for label, answers in (("shipped", shipped), ("fitted", fitted)):
        print(f"  {line(label, answers)}{log_loss(answers):7.3f}")
    worse = ["R@1"] if recall(fitted, 1) < recall(shipped, 1) else []
    worse += ["loss"] if log_loss(fitted) > log_loss(shipped) else []
    if worse:
        print(f"  worse in {' and '.join(worse)}: the shipped weights stay")
    return not worse


def log_loss(answers: Sequence[Answer]) -> float:
    """How surprising it is, on average, whether the first entry answers."""
    said = np.clip([one.first for one in answers], 1e-6, 1 - 1e-6)
    right = np.array([one.right for one in answers])
    return float(-np.mean(np.log(np.where(right, said, 1 - said))))
