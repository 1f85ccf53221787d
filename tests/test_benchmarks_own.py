"""A site's own questions as the benchmarks read them, and how learning is measured."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from benchmarks.figures import Answer
from benchmarks.learning import MISSED, WHOLE, Bench, turns
from benchmarks.own import LEAST, NAME, Own, OwnDataError, better, read_own
from benchmarks.sets import Query, QuerySet
from knowledge.catalog import Entry
from knowledge.exchange import write_entries

BASE = [
    Entry(f"e{number}", f"第{number}类证件怎么补办", f"到第{number}号窗口。", similar=("证件掉了",))
    for number in range(4)
]
ANSWERED = [
    {"query": f"问{n}", "offered": ["e1", "e2"], "chosen": "e2", "rejected": ["e1"]}
    for n in range(LEAST)
]


def own(folder: Path, lines: Sequence[Any], entries: Sequence[Entry] = BASE) -> Own:
    evidence, base = folder / "own.jsonl", folder / "kb.jsonl"
    evidence.write_text("".join(f"{json.dumps(one)}\n" for one in lines), "utf-8")
    write_entries(entries, base)
    return read_own(evidence, base)


def test_what_was_chosen_is_right_and_each_question_counts_once(tmp_path: Path) -> None:
    twice = [*ANSWERED, ANSWERED[0], {**ANSWERED[0], "chosen": "e3"}]
    (answered,) = own(tmp_path, twice).sets
    assert len(answered.queries) == LEAST
    assert answered.queries[0].right == {"e2", "e3"}
    assert answered.queries[1] == Query("问1", frozenset({"e2"}))
    assert (answered.base, answered.natural) == (NAME, True)


def test_a_question_that_became_a_wording_is_asked_of_a_base_without_it(tmp_path: Path) -> None:
    lines = [*ANSWERED, {**ANSWERED[0], "query": "證件掉了！"}]
    found = {query.text: query for query in own(tmp_path, lines).sets[0].queries}
    assert found["证件掉了!"].without == "证件掉了"
    assert found["问1"].without == ""


def test_where_nothing_was_chosen_what_nobody_judged_counts_as_absent(tmp_path: Path) -> None:
    refused = {"query": "都不对", "offered": ["e1", "e2", "e3"], "chosen": "", "rejected": ["e1"]}
    nobody = {"query": "没人说", "offered": ["e1"], "chosen": "", "rejected": []}
    answered, none = own(tmp_path, [*ANSWERED, refused, nobody]).sets
    assert none.queries == [Query("都不对", frozenset(), hidden=frozenset({"e2", "e3"}))]
    assert none.weight < answered.weight


def test_the_more_questions_the_more_they_weigh_up_to_a_limit(tmp_path: Path) -> None:
    many = [{**ANSWERED[0], "query": f"问{n}"} for n in range(2000)]
    weights = [own(tmp_path, many[:count]).sets[0].weight for count in (60, 300, 2000)]
    assert weights == [0.2, 1.0, 2.0]


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        (ANSWERED[1:], "at least 50"),
        ([{**one, "chosen": "gone"} for one in ANSWERED], "at least 50"),
        ([*ANSWERED, {"query": "问"}], "line 51 .* is not from wenban kb evidence"),
        ([*ANSWERED, {**ANSWERED[0], "rejected": [1]}], "line 51"),
        ([*ANSWERED, []], "line 51"),
    ],
)
def test_files_that_cannot_be_trained_on_are_refused(
    tmp_path: Path, lines: Sequence[Any], said: str
) -> None:
    with pytest.raises(OwnDataError, match=said):
        own(tmp_path, lines)


def answers(first: float, names: str, of: str = NAME) -> list[Answer]:
    query, asked = Query("问", frozenset("a")), QuerySet(of, of, [], 1.0)
    return [Answer(query, asked, (name,), first) for name in names]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (answers(0.8, "aaab"), answers(0.9, "aaaa"), True),
        (answers(0.8, "aaab"), answers(0.8, "aaab"), True),
        (answers(0.8, "aaab"), answers(0.9, "aabb"), False),
        (answers(0.8, "aaab"), answers(0.99, "aaab"), False),
        ([*answers(0.8, "aaab"), *answers(0.9, "a", "x")], answers(0.8, "aaab"), True),
    ],
)
def test_weights_that_are_worse_on_the_sites_questions_are_told(
    before: list[Answer],
    after: list[Answer],
    expected: bool,
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert better("lexical", before, after) is expected
    printed = capsys.readouterr().out
    assert ("the shipped weights stay" in printed) is not expected
    assert "4 questions of this site" in printed


QUERIES = [
    Query(text, frozenset({name}))
    for name, texts in (
        ("buy", ("买房取公基金", "公基金买房子", "买房能不能取公基金呀")),
        ("rent", ("租房子公基金咋取", "公基金租房", "租房公基金提出来")),
        ("loan", ("公基金能贷好多", "公基金贷款", "能从公基金贷多少")),
    )
    for text in texts
]
FUND = [
    Entry("buy", "买房怎么提取公积金", "网上办。"),
    Entry("rent", "租房能不能提取公积金", "网上办。"),
    Entry("loan", "公积金贷款额度是多少", "看余额。"),
]


def test_every_query_is_asked_once_of_a_base_that_never_saw_it() -> None:
    found = list(turns(QUERIES))
    assert sorted(one.text for turn in found for one in turn.asked) == sorted(
        one.text for one in QUERIES
    )
    for turn in found:
        assert not set(turn.asked) & set(turn.taught)
        assert [len(list(turn.of(entry.id))) for entry in FUND] == [2, 2, 2]


def test_in_each_round_everything_is_asked_of_a_base_that_learnt_more() -> None:
    bench = Bench(FUND, QUERIES, None)
    curve = bench.curve(WHOLE)
    assert curve.learnt == {0: 0, 1: 9, 2: 18, 4: 18, 8: 18}
    assert all(len(answers) == len(QUERIES) for answers in curve.answers.values())
    assert bench.curve(MISSED).learnt[8] < 18


def test_pairs_of_words_are_learnt_from_the_other_queries() -> None:
    curve, found, concerned = Bench(FUND, QUERIES, None).words()
    assert found == ["公基金=公积金"]
    assert [len(one) for one in curve.answers.values()] == [9, 9]
    assert [len(one) for one in concerned.answers.values()] == [9, 9]
