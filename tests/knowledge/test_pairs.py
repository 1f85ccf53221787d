"""Pairs of words that accepted matches propose, and what they are tried on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.catalog import Entry
from knowledge.gold import Gold
from knowledge.lexicon import Lexicon, join
from knowledge.matcher import Matcher
from knowledge.pairs import Pair, pair_key, pairs
from knowledge.proposals import Asked
from knowledge.trial import Probe, probe, weigh

DAY = date(2026, 11, 23)
NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)
BASE = (
    Entry("buy", "买房怎么提取公积金", "网上办。"),
    Entry("rent", "租房能不能提取公积金", "网上办。"),
    Entry("loan", "公积金贷款额度是多少", "看余额。"),
    Entry("card", "居住证到期怎么签注", "到派出所。"),
    Entry("bus", "公交卡怎么充值", "到网点。"),
)
QUESTIONS = (
    ("买房取公基金", "buy"),
    ("租房子公基金咋取", "rent"),
    ("公基金能贷好多", "loan"),
)


def asked(
    questions: Sequence[tuple[str, str]] = QUESTIONS, citizens: Sequence[int] = range(99)
) -> list[Asked]:
    return [
        Asked(text, citizen, NOON + timedelta(minutes=n), (), entry_id, (), "staff")
        for n, ((text, entry_id), citizen) in enumerate(zip(questions, citizens, strict=False))
    ]


def words(found: Sequence[Pair]) -> list[tuple[str, str]]:
    return [(one.word, one.meant) for one in found]


def test_a_word_that_several_citizens_used_for_one_of_the_base() -> None:
    found = pairs(asked(), BASE, Lexicon())
    assert words(found) == [("公基金", "公积金")]
    assert (found[0].citizens, found[0].latest) == (3, NOON + timedelta(minutes=2))
    assert [one.text for one in found[0].asked] == [text for text, _ in QUESTIONS]
    assert found[0].key == pair_key("公积金", "公基金")


def test_one_citizen_says_little_however_often() -> None:
    assert pairs(asked(citizens=[1, 1, 2]), BASE, Lexicon()) == []


def test_undecided_and_unknown_entries_propose_nothing() -> None:
    undecided = [replace(one, chosen="") for one in asked()]
    retired = [replace(one, chosen="gone") for one in asked()]
    assert pairs([*undecided, *retired], BASE, Lexicon()) == []


def test_rejected_matches_speak_against_a_pair() -> None:
    refused = [
        replace(one, citizen=100 + one.citizen, chosen="", rejected=(one.chosen,))
        for one in asked()[:1]
    ]
    assert pairs([*asked(), *refused], BASE, Lexicon()) == []
    many = asked([*QUESTIONS, ("公基金贷款咋算", "loan")])
    assert words(pairs([*many, *refused], BASE, Lexicon())) == [("公基金", "公积金")]


def test_words_that_mean_the_same_already_are_no_news() -> None:
    known = Lexicon(join({}, ["公基金", "公积金"]))
    assert pairs(asked(), BASE, known) == []


def test_words_that_the_lexicon_keeps_apart_are_not_proposed() -> None:
    base = [Entry(name, f"{name}身份证补领", "窗口。") for name in ("甲区", "乙区", "丙区")]
    questions = [(f"{entry.id}身份证换领", entry.id) for entry in base]
    assert pairs(asked(questions), base, Lexicon()) == []


def test_a_wording_with_both_words_tells_them_apart() -> None:
    apart = Entry("apart", "公基金和公积金是一回事吗", "不是。")
    assert pairs(asked(), [*BASE, apart], Lexicon()) == []


def test_a_word_that_the_base_uses_elsewhere_needs_more_citizens() -> None:
    base = [*BASE, Entry("fund", "公基金是什么", "名词解释。")]
    assert pairs(asked(), base, Lexicon()) == []
    assert words(pairs(asked([*QUESTIONS, *QUESTIONS]), base, Lexicon())) == [("公基金", "公积金")]


def test_what_two_words_explain_as_well_is_left_open() -> None:
    base = [Entry("pass", "健康码通行", "打开小程序。"), Entry("scan", "健康码通行扫描", "同上。")]
    questions = [("亮牌牌", "pass"), ("亮牌牌", "scan"), ("亮牌牌", "pass")]
    assert pairs(asked(questions), base, Lexicon()) == []


def test_words_that_do_not_look_alike_must_recur_in_several_entries() -> None:
    base = [Entry("card", "居住证签注", "到派出所。"), Entry("pass", "通行证签注", "到大厅。")]
    one = [("居住证延期", "card")] * 3
    assert pairs(asked(one), base, Lexicon()) == []
    two = [*one[:2], ("通行证延期", "pass")]
    assert words(pairs(asked(two), base, Lexicon())) == [("延期", "签注")]


def test_a_pair_that_was_found_explains_its_questions() -> None:
    base = [
        Entry("a", "居住证遗失", "窗口。"),
        Entry("b", "居住证签注", "窗口。"),
        Entry("c", "居住证变更地址", "窗口。"),
    ]
    questions = [("暂住证掉了", "a"), ("暂住证签注", "b"), ("暂住证变更地址", "c")]
    assert words(pairs(asked(questions), base, Lexicon())) == [("暂住证", "居住证")]


def test_a_pair_is_tried_on_its_questions_and_on_saved_ones() -> None:
    questions = asked()
    (pair,) = pairs(questions, BASE, Lexicon())
    other = replace(questions[0], text="公积金贷款", citizen=50, chosen="loan")
    saved = [Gold("公基金是啥", ""), Gold("公交卡充值", "bus")]
    trying = probe(pair, [*questions, other], saved, Lexicon())
    assert trying == Probe(("公基金", "公积金"), (*questions, other), (saved[0],))
    matcher = Matcher(BASE)
    trial = weigh(matcher, replace(trying, saved=()), DAY)
    assert (trial.asked, trial.helps) == (4, True)
    assert trial.sure[1] > trial.sure[0]
    assert matcher.lexicon.own == {}


def test_a_word_that_has_synonyms_is_tried_under_the_name_that_the_base_has() -> None:
    questions = [("走失买房取", "buy"), ("走失租房取", "rent"), ("走失贷", "loan")]
    pair = Pair("走失", "公积金", tuple(asked(questions)))
    trial = weigh(Matcher(BASE), probe(pair, (), (), Lexicon()), DAY)
    assert trial.sure[1] > trial.sure[0]


def test_a_pair_that_spoils_a_saved_question_does_not_help() -> None:
    base = [*BASE, Entry("move", "老人户口怎么迁", "到派出所。")]
    (pair,) = pairs(asked(), base, Lexicon())
    trying = probe(pair, asked(), [Gold("公基金怎么迁", "move")], Lexicon())
    trial = weigh(Matcher(base), trying, DAY)
    assert (trial.spoilt, trial.helps) == ("公基金怎么迁", False)


texts = st.text(st.sampled_from("身份证丢失了云川码递件交五险，a1 "), max_size=12)


@given(
    st.lists(st.tuples(texts, st.sampled_from("abx"), st.sampled_from("abx")), max_size=12),
    st.lists(texts, min_size=2, max_size=2),
)
@settings(max_examples=100, deadline=None)
def test_any_questions_are_searched(
    questions: list[tuple[str, str, str]], wordings: list[str]
) -> None:
    base = [Entry(name, text, "答") for name, text in zip("ab", wordings, strict=True)]
    judged = [
        Asked(text, n % 5, NOON, (), chosen, (rejected,), "staff")
        for n, (text, chosen, rejected) in enumerate(questions)
    ]
    for one in pairs(judged, base, Lexicon()):
        assert one.citizens >= 3
        assert join({}, [one.word, one.meant])


@pytest.mark.parametrize("size", [0, 1])
def test_an_empty_base_or_no_question_proposes_nothing(size: int) -> None:
    assert pairs(asked()[:size], (), Lexicon()) == []
