"""Hints from what people say to the words an office has put it in."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.catalog import Entry
from knowledge.lexicon import Lexicon, shipped
from knowledge.matcher import Matcher
from knowledge.related import MAX_HINTS, Hints
from knowledge.text import data_lines, normalize

DAY = date(2026, 11, 26)
ENTRIES = (
    Entry("felling", "林木采伐许可证如何办理", "向林业站提交申请。", automatic=True),
    Entry("name", "企业名称自主申报有哪些规定", "名称可在网上查重。", automatic=True),
    Entry("stop", "企业歇业备案如何办理", "歇业最长 3 年。", automatic=True),
    Entry("school", "义务教育阶段学生县内转学如何办理", "先找转入学校。", automatic=True),
)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("自家杉树想砍了卖钱", "felling"),
        ("给公司起名", "name"),
        ("厂子先停一两年再说", "stop"),
        ("孩子想换个学校", "school"),
    ],
)
def test_words_nobody_wrote_lead_to_the_entry(text: str, expected: str) -> None:
    match = Matcher(ENTRIES).match(text, DAY)
    assert match.candidates[0].entry.id == expected


def test_every_line_says_what_is_said_and_what_is_meant() -> None:
    for line in data_lines("related.txt"):
        said, mark, meant = line.partition(">")
        assert mark and said.split() and meant.split(), line
        for one in said.split():
            assert len(one) >= 2, line
            assert normalize(one) == one.lower(), line


def test_hints_are_read_by_the_offices_own_words() -> None:
    (plain,) = Hints(shipped()).of("丢了") or ((),)
    assert frozenset({"补领"}) in plain
    own = Lexicon({"遗失": "", "挂失": "遗失"})
    assert Hints(own).of("丢了")[0] != plain


def test_a_gap_holds_no_more_than_it_may() -> None:
    hints = Hints(shipped())
    assert hints.of("房子想改名") and hints.of("名字打错了")
    assert len(hints.of("房" + "啊" * 40 + "改名")) == len(hints.of("改名"))


@given(st.text(max_size=60) | st.text(st.sampled_from("房子改名丢了砍树*>+ "), max_size=40))
def test_any_text_is_read(text: str) -> None:
    assert len(Hints(shipped()).of(normalize(text))) <= MAX_HINTS
