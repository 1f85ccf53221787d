"""The knowledge bases and queries of the benchmarks belong together."""

from __future__ import annotations

import re
from collections import Counter
from pathlib import Path

import pytest
from rapidfuzz.fuzz import ratio

from benchmarks.sets import OWN, QuerySet, bases, query_sets
from knowledge.catalog import Entry
from knowledge.exchange import read_entries
from knowledge.text import normalize

NOWHERE = Path("not-there")  # only the bases of the repository, with no data beside it
COPIED = 85  # percent; see benchmarks/data/README.md
BASES = bases(NOWHERE)
SETS = query_sets(NOWHERE)


def test_the_county_base_is_read_whole() -> None:
    reading = read_entries(OWN / "county.csv")
    assert reading.rows == len(reading.entries) >= 150
    assert (reading.problems, reading.ignored_columns) == ([], ())
    assert all(entry.department and entry.topic for entry in reading.entries)
    wordings = Counter(normalize(one) for entry in reading.entries for one in entry.wordings)
    assert [wording for wording, count in wordings.items() if count > 1] == []


def test_nobody_can_be_reached_by_a_number_in_the_county_base() -> None:
    for path in OWN.glob("county*"):
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"(?<!\d)(1[3-9]\d{9}|\d{17}[\dXx])(?!\d)", text), path
        numbers = re.findall(r"(?<!\d)0\d{2,3}-\d{7,8}(?!\d)", text)
        assert all(number.startswith("0999-123") for number in numbers), path


@pytest.mark.parametrize("one", SETS, ids=lambda one: one.name)
def test_queries_ask_for_entries_that_are_there(one: QuerySet) -> None:
    known = {entry.id for entry in BASES[one.base]}
    assert len(one.queries) > 40
    assert [query.text for query in one.queries if not query.right <= known] == []
    assert all(bool(query.right) == one.answerable for query in one.queries)


@pytest.mark.parametrize("one", SETS, ids=lambda one: one.name)
def test_no_query_stands_twice_or_is_copied_from_its_entry(one: QuerySet) -> None:
    assert len({normalize(query.text) for query in one.queries}) == len(one.queries)
    entries: dict[str, Entry] = {entry.id: entry for entry in BASES[one.base]}
    copied = [
        query.text
        for query in one.queries
        if one.natural and query.style != "terse"
        for name in query.right
        if any(ratio(query.text, wording) >= COPIED for wording in entries[name].wordings)
    ]
    assert copied == []
