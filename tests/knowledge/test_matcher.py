from __future__ import annotations

import threading
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.catalog import Entry
from knowledge.matcher import Decision, Matcher, Policy

TODAY = date(2026, 11, 20)


def card(number: str, question: str, *similar: str) -> Entry:
    answer = "请本人持户口簿到户籍窗口办理。"
    return Entry(number, question, answer, similar=similar, automatic=True)


ENTRIES = (
    card("first", "首次申领居民身份证需要哪些材料", "第一次办身份证带什么"),
    card("lost", "居民身份证丢失后如何补领", "身份证丢了怎么办"),
    card("renew", "居民身份证到期换领", "身份证快过期了怎么换"),
    card("social", "社保卡丢失怎么补办"),
    card("fund", "住房公积金提取条件"),
    card("loan", "住房公积金贷款额度是多少"),
    card("birth", "新生儿落户需要什么材料", "小孩上户口"),
)


@pytest.fixture
def matcher() -> Matcher:
    return Matcher(ENTRIES)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("身份证丢了怎么办", "lost"),
        ("身份证丢了", "lost"),
        ("身份證丟了怎麼辦？", "lost"),
        ("您好，请问身份证丢了怎么办呀，谢谢！", "lost"),
        ("第一次给孩子办身份证", "first"),
        ("小孩怎么上户口", "birth"),
    ],
)
def test_clear_questions_are_answered(matcher: Matcher, text: str, expected: str) -> None:
    match = matcher.match(text, TODAY)
    assert match.decision is Decision.ANSWER
    assert match.candidates[0].entry.id == expected
    assert match.choices == ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("身分證不見了怎麼辦？", "lost"),
        ("我昨天坐公交车把钱包丢了，里面有身份证，急死了，身份证要怎么重新办？", "lost"),
        ("身份证过期了", "renew"),
        ("公积金怎么提取", "fund"),
    ],
)
def test_likely_questions_come_first(matcher: Matcher, text: str, expected: str) -> None:
    match = matcher.match(text, TODAY)
    assert match.decision in {Decision.ANSWER, Decision.CLARIFY, Decision.DRAFT}
    assert match.candidates[0].entry.id == expected
    assert match.candidates[0].probability > 0.6


def test_bare_name_is_clarified(matcher: Matcher) -> None:
    match = matcher.match("公积金", TODAY)
    assert match.decision is Decision.CLARIFY
    assert {choice.entry.id for choice in match.choices} == {"fund", "loan"}


def test_a_likely_but_unproven_answer_is_asked_back(matcher: Matcher) -> None:
    match = matcher.match("公积金能提出来不，要啥条件才行啊", TODAY)
    assert match.decision is Decision.CLARIFY
    assert [choice.entry.id for choice in match.choices] == ["fund"]


def test_several_questions_are_answered_each(matcher: Matcher) -> None:
    match = matcher.match("身份证丢了怎么办？另外，社保卡丢失怎么补办", TODAY)
    assert match.decision is Decision.ANSWER
    assert [one.entry.id for one in match.candidates[:2]] == ["lost", "social"]
    assert [part.query for part in match.parts] == [
        "身份证丢了怎么办？",
        "另外，社保卡丢失怎么补办",
    ]


def test_several_questions_wait_for_a_person_when_one_is_for_them(matcher: Matcher) -> None:
    matcher.put(replace(ENTRIES[4], automatic=False))
    match = matcher.match("身份证丢了怎么办？另外，公积金提取条件是什么", TODAY)
    assert match.decision is Decision.DRAFT
    assert {one.entry.id for one in match.candidates[:2]} == {"lost", "fund"}


def test_an_answer_to_one_of_two_questions_is_not_sent_alone(matcher: Matcher) -> None:
    match = matcher.match("身份证丢了怎么办？护照怎么办", TODAY)
    assert match.decision is Decision.DRAFT


def test_the_second_says_why_it_is_not_the_first(matcher: Matcher) -> None:
    _, second = matcher.match("身份证丢了怎么办", TODAY).candidates[:2]
    assert second.evidence.notes == ("没有排第一：问的是“补领”，这一条说的是“换领”",)


def test_of_what_cannot_be_told_apart_the_more_asked_for_comes_first(matcher: Matcher) -> None:
    for name in ("甲", "乙"):
        matcher.put(card(name, f"{name}类图书证怎么办理"))
    order = [one.entry.id for one in matcher.match("图书证怎么办理", TODAY).choices]
    matcher.popular = {order[-1]: 1.0}
    assert [one.entry.id for one in matcher.match("图书证怎么办理", TODAY).choices] == order[::-1]
    matcher.popular = {"social": 1.0}
    assert matcher.match("身份证丢了怎么办", TODAY).candidates[0].entry.id == "lost"


def test_choices_are_limited() -> None:
    matcher = Matcher(ENTRIES, Policy(max_choices=2))
    match = matcher.match("身份证", TODAY)
    assert match.decision is Decision.CLARIFY
    assert len(match.choices) == 2


@pytest.mark.parametrize(
    "text", ["今天天气怎么样", "", "😀", "？？？", "asdf", "\x00\ud800", "1" * 50]
)
def test_nothing_to_the_point(matcher: Matcher, text: str) -> None:
    assert matcher.match(text, TODAY).decision is Decision.NONE


@pytest.mark.parametrize("text", ["护照丢了怎么办", "工作证丢了怎么办", "边境通行证过期了怎么换"])
def test_unknown_things_are_never_answered(matcher: Matcher, text: str) -> None:
    assert matcher.match(text, TODAY).decision in {Decision.NONE, Decision.DRAFT}


def test_unapproved_entries_are_drafted() -> None:
    matcher = Matcher(replace(entry, automatic=False) for entry in ENTRIES)
    assert matcher.match("身份证丢了怎么办", TODAY).decision is Decision.DRAFT
    assert matcher.match("公积金", TODAY).decision is Decision.DRAFT


def test_expired_entry_is_only_drafted_with_a_note(matcher: Matcher) -> None:
    matcher.put(replace(ENTRIES[1], expires_on=date(2026, 11, 19)))
    match = matcher.match("身份证丢了怎么办", TODAY)
    assert match.decision is Decision.DRAFT
    assert match.candidates[0].entry.id == "lost"
    assert match.candidates[0].evidence.notes == ("已过期（2026-11-19 失效）",)


def test_expired_entry_makes_room_for_its_successor(matcher: Matcher) -> None:
    matcher.put(replace(ENTRIES[1], expires_on=date(2026, 11, 19)))
    matcher.put(replace(ENTRIES[1], id="new", similar=("身份证丢了怎么办", "身份证不见了")))
    match = matcher.match("身份证不见了", TODAY)
    assert match.decision is Decision.ANSWER
    assert [one.entry.id for one in match.candidates].count("lost") == 0


def test_entry_not_yet_in_force(matcher: Matcher) -> None:
    matcher.put(replace(ENTRIES[1], effective_on=date(2027, 1, 1)))
    match = matcher.match("身份证丢了怎么办", TODAY)
    assert match.decision is Decision.DRAFT
    assert match.candidates[0].evidence.notes == ("尚未生效（2027-01-01 起）",)


def test_evidence_names_wording_words_and_typos(matcher: Matcher) -> None:
    evidence = matcher.match("身份正丢了怎么办", TODAY).candidates[0].evidence
    assert evidence.wording == "身份证丢了怎么办"
    assert "丢" in evidence.words
    assert evidence.notes == ("“身份正”按同音词“身份证”理解",)


def test_put_replaces_and_remove_forgets(matcher: Matcher) -> None:
    matcher.put(card("lost", "临时停车位在哪里"))
    assert len(matcher) == len(ENTRIES)
    assert matcher.match("临时停车位", TODAY).candidates[0].entry.id == "lost"
    matcher.remove("lost")
    matcher.remove("lost")
    assert matcher.get("lost") is None
    assert len(matcher) == len(ENTRIES) - 1
    found = [one.entry.id for one in matcher.match("临时停车位", TODAY).candidates]
    assert "lost" not in found


def test_empty_matcher() -> None:
    match = Matcher().match("身份证丢了")
    assert (match.decision, match.candidates) == (Decision.NONE, ())


def test_at_most_ten_candidates() -> None:
    matcher = Matcher(card(str(n), f"第{n}号窗口办什么业务") for n in range(30))
    match = matcher.match("窗口办什么业务", TODAY)
    assert len(match.candidates) == 10
    assert match.decision is not Decision.ANSWER


shared_matcher = Matcher(ENTRIES)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=60) | st.text(st.sampled_from("身份证丢了補辦 ，？a1😀\x00"), max_size=30))
def test_any_text_is_matched(text: str) -> None:
    match = shared_matcher.match(text, TODAY)
    chances = [one.probability for one in match.candidates]
    assert chances == sorted(chances, reverse=True)
    assert all(0 <= chance <= 1 for chance in chances)
    assert sum(chances) <= 1 + 1e-6


def test_long_text_is_matched(matcher: Matcher) -> None:
    assert matcher.match("身份证丢了，" * 20_000, TODAY).candidates


def test_changes_and_matches_from_several_threads(matcher: Matcher) -> None:
    failures: list[BaseException] = []

    def change(number: int) -> None:
        try:
            for step in range(20):
                matcher.put(card(f"{number}", f"第{step}类补贴怎么申请"))
                assert matcher.match("身份证丢了", TODAY).candidates[0].entry.id == "lost"
        except BaseException as error:  # reported by the main thread
            failures.append(error)

    threads = [threading.Thread(target=change, args=(n,)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert len(matcher) == len(ENTRIES) + 4
