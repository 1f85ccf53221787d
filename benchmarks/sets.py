"""The queries to measure and to fit on, and the knowledge bases they belong to."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from importlib import resources
from pathlib import Path

from knowledge.catalog import Entry
from knowledge.exchange import read_entries

OWN = Path(__file__).parent / "data"
SAMPLE = resources.files("knowledge").joinpath("data", "sample.csv")


@dataclass(frozen=True)
class Query:
    """A text and the entries that answer it; none for a text without an answer.

    `hidden` entries count as absent; `without` is a wording that is taken out of the base.
    """

    text: str
    right: frozenset[str]
    style: str = ""
    hidden: frozenset[str] = frozenset()
    without: str = ""


@dataclass(frozen=True)
class QuerySet:
    """Queries of one kind for one base. `weight` is that of the whole set when fitting."""

    name: str
    base: str
    queries: list[Query]
    weight: float
    natural: bool = True  # as people would ask; the others are made from them and only train

    @cached_property
    def answerable(self) -> bool:
        return any(query.right for query in self.queries)


def bases(data: Path) -> dict[str, list[Entry]]:
    """Every entry is approved; the sample base is that of the program."""
    with resources.as_file(SAMPLE) as path:
        found = {"sample": read_entries(path).entries}
    found["county"] = read_entries(OWN / "county.csv").entries
    municipal = data / "municipal_faq" / "faq_simplified.tsv"
    if municipal.exists():
        found["municipal"] = read_entries(municipal).entries
    return {name: [replace(one, automatic=True) for one in base] for name, base in found.items()}


def query_sets(data: Path) -> list[QuerySet]:
    """All sets whose files are there."""
    folder = data / "municipal_faq"
    twins = _twins(data / "README.md")
    sample, asked = OWN / "sample_queries.jsonl", folder / "dev_queries.jsonl"
    more = OWN / "municipal_more_queries.jsonl"
    found = [
        QuerySet("sample", "sample", _read(sample), 1.0),
        QuerySet("sample, none", "sample", _read(OWN / "sample_unanswerable.jsonl"), 0.4),
        QuerySet("sample, ambiguous", "sample", _read(OWN / "sample_ambiguous.jsonl"), 0.0, False),
        QuerySet("county", "county", _read(OWN / "county_queries.jsonl"), 1.0),
        QuerySet("county, none", "county", _read(OWN / "county_unanswerable.jsonl"), 0.4),
    ]
    if folder.exists():
        found += [
            QuerySet("municipal", "municipal", _read(asked, twins), 1.0),
            QuerySet("municipal, none", "municipal", _read(folder / "dev_unanswerable.jsonl"), 0.3),
            QuerySet("municipal 2", "municipal", _read(more, twins), 1.0),
            QuerySet(
                "municipal 2, none",
                "municipal",
                _read(OWN / "municipal_more_unanswerable.jsonl"),
                0.3,
            ),
        ]
    return found


def made_sets(found: Iterable[QuerySet], entries: Iterable[Entry]) -> list[QuerySet]:
    """Sets that only train: queries whose answer is hidden; similar questions left out."""
    made = [
        QuerySet(
            f"{one.name}, hidden", one.base, [_hidden(query) for query in one.queries], 0.03, False
        )
        for one in found
        if one.natural and one.answerable
    ]
    similar = [
        Query(wording, frozenset({entry.id}), "similar", without=wording)
        for entry in entries
        for wording in entry.similar
    ]
    return [*made, QuerySet("sample, similar", "sample", similar, 0.3, False)]


def _hidden(query: Query) -> Query:
    return replace(query, right=frozenset(), hidden=query.right)


def _read(path: Path, twins: dict[str, set[str]] | None = None) -> list[Query]:
    if not path.exists():
        return []
    lines = [json.loads(line) for line in path.read_text("utf-8").splitlines() if line]
    return [_query(line, twins or {}) for line in lines]


def _query(line: dict[str, object], twins: dict[str, set[str]]) -> Query:
    named = line.get("entry_ids") or line.get("entry_id") or []
    names = [named] if isinstance(named, str) else list(map(str, named))  # type: ignore[call-overload]
    right = {*names, *(twin for name in names for twin in twins.get(name, ()))}
    return Query(
        str(line["query"]), frozenset(right), str(line.get("style") or line.get("kind", ""))
    )


def _twins(readme: Path) -> dict[str, set[str]]:
    """Near twins named in the data's README: either is right."""
    text = readme.read_text("utf-8") if readme.exists() else ""
    found: dict[str, set[str]] = {}
    for one, two in re.findall(r"(\d{9}\w/\d+)–((?:\d{9})?\w/\d+)", text):
        other = two if two[0].isdigit() else one[:9] + two
        found.setdefault(one, set()).add(other)
        found.setdefault(other, set()).add(one)
    return found
