"""Synonyms of the program and of the office, and the names a knowledge base quotes."""

from __future__ import annotations

import threading
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.catalog import Entry
from knowledge.index import Index
from knowledge.lexicon import ALONE, Lexicon, LexiconError, Names, join, part, shipped
from knowledge.matcher import Matcher
from knowledge.reading import analyse

texts = st.text(st.sampled_from("身份证丢失了云川码递件交五险，"), max_size=8)
bases = st.lists(
    st.builds(
        Entry,
        id=st.sampled_from("abcde"),
        question=texts,
        answer=texts,
        similar=st.lists(texts, max_size=2).map(tuple),
    ),
    max_size=6,
    unique_by=lambda entry: entry.id,
)
lexicons = st.builds(
    Lexicon,
    st.dictionaries(
        st.sampled_from(["云川码", "递件", "身份证", "丢失", "五险"]),
        st.sampled_from([ALONE, "申请", "label"]),
    ),
    st.sets(st.sampled_from(["证丢", "云川", "川码"])).map(frozenset),
)


def same(one: str, two: str, own: dict[str, str]) -> bool:
    lexicon = Lexicon(own)
    return lexicon.fold(one) in analyse(two, lexicon=lexicon).words


def test_an_office_joins_words_to_a_shipped_group_and_takes_them_out_again() -> None:
    own = join({}, ["递件", "申请"])
    assert same("递件", "申领", own)
    assert not same("递件", "申领", {})
    assert join(own, ["申办", "递件"]) == own  # they mean the same already
    assert part(own, ["递件"]) == {}


def test_an_office_makes_groups_of_its_own() -> None:
    own = join({}, ["粤康码", "云川码", "健康宝"])
    assert same("云川码", "健康宝打不开", own)
    own = join(own, ["云川码", "亮码"])
    assert Lexicon(own).group_of("亮码") == Lexicon(own).group_of("粤康码")
    own = part(own, ["粤康码", "云川码", "健康宝"])
    assert Lexicon(own).group_of("亮码") is None
    assert not same("云川码", "亮码打不开", own)


def test_a_shipped_word_can_be_taken_out_and_put_back() -> None:
    own = part({}, ["申请"])
    assert own == {"申请": ALONE}
    assert not same("申请", "申领", own)
    assert same("申办", "申领", own)
    assert join(own, ["申请", "申领"]) == {}


def test_a_word_taken_out_may_start_a_group_of_its_own() -> None:
    own = join(part({}, ["申请"]), ["申请", "递单子"])
    assert same("申请", "递单子", own)
    assert not same("递单子", "申领", own)


def test_groups_are_flat_whatever_the_order() -> None:
    own = join(join({}, ["甲码", "乙码"]), ["乙码", "丙码"])
    assert join(own, ["丙码", "甲码"]) == own
    (group,) = [one for one in Lexicon(own).groups if "甲码" in one.words]
    assert set(group.words) == {"甲码", "乙码", "丙码"}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["申领", "弄"], "只有一个字"),
        (["申领", "要 办"], "不是一个词"),
        (["申领", "🙂"], "不是一个词"),
        (["申领", "一二三四五六七八九十一二三"], "超过 12 个字"),
        (["申领", "12345"], "是数字"),
        (["申领", "怎么"], "说明不了问的是什么"),
        (["申领"], "两个以上"),
        (["申领", "申領"], "两个以上"),
        (["申领", "丢失"], "分属不同的组"),
        (["能递件", "不能递件"], "意思相反"),
        (["补领", "换领"], "分属不同的组"),
        (["换驾照", "补领", "提取"], "不同的办理事项"),
        (["护照", "残疾证"], "不同的证件"),
    ],
)
def test_what_would_do_harm_is_refused(words: list[str], said: str) -> None:
    with pytest.raises(LexiconError, match=said):
        join({}, words)


def test_a_word_without_synonyms_cannot_be_taken_out() -> None:
    with pytest.raises(LexiconError, match="没有同义词"):
        part({}, ["云川码"])


def test_no_shipped_group_breaks_the_rules_twice() -> None:
    words = [word for group in shipped().groups for word in group.words]
    assert len(words) == len(set(words))


def test_words_of_one_base_do_not_cut_texts_of_another() -> None:
    before = analyse("在云川码上打卡")
    lexicon = Lexicon(join({}, ["川码上", "亮码"]))
    assert "川码上" in analyse("在云川码上打卡", lexicon=lexicon).said
    assert analyse("在云川码上打卡") == before


@given(texts, lexicons)
@settings(max_examples=60, deadline=None)
def test_a_text_without_the_words_reads_the_same(text: str, lexicon: Lexicon) -> None:
    words = lexicon.differing(shipped())
    if not any(word in text for word in words):
        assert analyse(text, lexicon=lexicon) == analyse(text)


@given(bases, st.lists(lexicons, min_size=1, max_size=3))
@settings(max_examples=60, deadline=None)
def test_turning_in_place_equals_a_fresh_index(base: list[Entry], turns: list[Lexicon]) -> None:
    index, fresh = Index(), Index(turns[-1])
    for entry in base:
        index.put(entry)
        fresh.put(entry)
    for number, lexicon in enumerate(turns):
        again = index.turn_to(lexicon)
        for entry_id in again[: 1 if number < len(turns) - 1 else None]:  # earlier ones cut short
            known = index.get(entry_id)
            assert known is not None
            index.put(known)
    index.settle()
    for kind, lists in fresh.wordings.items():
        assert index.wordings[kind].rows.keys() == lists.rows.keys()
    for kind, lists in fresh.answers.items():
        assert index.answers[kind].rows.keys() == lists.rows.keys()
    for entry in base:
        for mine, other in zip(index.rows_of(entry.id), fresh.rows_of(entry.id), strict=True):
            one, two = index.row(mine), fresh.row(other)
            assert one is not None
            assert two is not None
            assert one[0].terms == two[0].terms
            assert one[1].about == two[1].about


def test_names_are_what_several_entries_quote() -> None:
    names = Names()
    one = Entry("a", "怎么登录", "打开“云川办”，点《办事指南》。")
    names.put(one)
    names.put(Entry("b", "「云川办」闪退", "重装。"))
    assert names.words == {"云川办"}
    names.put(replace(one, answer="打开手机。"))
    assert names.words == frozenset()


def lost(number: int) -> Entry:
    return Entry(f"c{number}", f"第{number}种云川码怎么申领", "到窗口。", automatic=True)


def test_what_is_learnt_counts_at_once_and_only_concerned_entries_are_read_again() -> None:
    matcher = Matcher([lost(1), Entry("d", "路灯坏了", "打 12345。")])
    assert not matcher.match("亮码怎么弄").candidates[0].evidence.words
    assert list(matcher.learn(join({}, ["云川码", "亮码"]))) == ["c1"]
    found = matcher.match("亮码怎么弄").candidates[0]
    assert (found.entry.id, found.evidence.words) == ("c1", ("亮码",))
    assert list(matcher.learn({})) == ["c1"]
    assert not matcher.match("亮码怎么弄").candidates[0].evidence.words


def test_matches_go_on_while_entries_are_read_again() -> None:
    matcher = Matcher(map(lost, range(200)))
    stop, found = threading.Event(), list[int]()

    def ask() -> None:
        while not stop.is_set():
            found.append(len(matcher.match("云川码怎么申领").candidates))

    asking = threading.Thread(target=ask)
    asking.start()
    for number in range(4):
        own = join({}, ["云川码", "亮码"]) if number % 2 else {}
        assert len(list(matcher.learn(own))) in (0, 200)
    stop.set()
    asking.join(10)
    assert set(found) == {10}
    assert matcher.match("亮码申领").candidates
