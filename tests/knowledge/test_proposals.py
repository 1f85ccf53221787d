"""Which wordings could become 相似问, and what speaks against one."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.catalog import MAX_SIMILAR, Entry
from knowledge.gold import Gold
from knowledge.masking import mask
from knowledge.matcher import Matcher
from knowledge.proposals import (
    LONGEST,
    SHORTEST,
    Asked,
    impersonal,
    objection,
    restates,
    similar,
    similar_key,
    similar_wording,
    standing,
)
from knowledge.screen import screen

DAY = date(2026, 11, 23)
NOON = datetime(2026, 11, 23, 4, tzinfo=UTC)
LOST = Entry("lost", "身份证丢了怎么补", "去派出所。", similar=("身份证不见了咋办",))
LAMP = Entry("lamp", "路灯不亮找谁", "打 12345。")
MOVE = Entry("move", "老人户口怎么迁", "去派出所。")
BASE = (LOST, LAMP, MOVE)


def asked(text: str = "证件掉了咋整", citizen: int = 1, **values: object) -> Asked:
    known = {"offered": ("lamp", "lost"), "chosen": "lost", "by": "staff", **values}
    return Asked(text, citizen, NOON + timedelta(minutes=citizen), **known)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "wording"),
    [
        ("你好，身份證丟了怎麼補？謝謝", "身份证丢了怎么补"),
        ("我叫王小明，电话13800138000，身份证掉了咋补", "身份证掉了咋补"),
        ("身份证掉了咋补。我家住幸福路3号2单元501室", "身份证掉了咋补"),
        ("受理号20261123004，进度怎么查", "进度怎么查"),
        ("身份证掉了\n怎么补", "身份证掉了 怎么补"),
        ("补证", ""),
        ("怎么办啊", ""),
        ("how do I renew my id card", ""),
        ("加微信看 www.a.com 身份证", ""),
        ("证" * (LONGEST + 1), ""),
        ("😀😀😀", ""),
        ("", ""),
    ],
)
def test_what_of_a_text_is_a_wording(text: str, wording: str) -> None:
    assert similar_wording(text) == wording


@given(
    st.text(
        st.sampled_from("身份证丢了怎么补我叫王13800138000，。？ *ab张幸福路3号501室"), max_size=80
    )
)
@settings(max_examples=200, deadline=None)
def test_a_wording_is_short_and_tells_of_nobody(text: str) -> None:
    wording = similar_wording(text)
    assert "*" not in wording
    assert mask(wording) == wording
    assert screen(wording) == []
    if wording:
        assert SHORTEST <= sum(char.isalnum() for char in wording) <= LONGEST
    assert "*" not in impersonal(text)


def test_another_entry_than_the_first_teaches_and_the_first_does_not() -> None:
    (one,) = similar([asked(), asked("路灯咋不亮呀", offered=("lost",), chosen="lost")])
    assert (one.wording, one.entry_id, one.citizens) == ("证件掉了咋整", "lost", 1)
    assert one.key == similar_key("证件掉了咋整", "lost")


def test_the_most_asked_comes_first_and_repeats_count_citizens() -> None:
    found = similar(
        [
            asked("社保本本掉了咋整", 9),
            asked("证件掉了咋整？", 1),
            asked("证件掉了咋整", 1),
            asked("请问证件掉了咋整", 2),
        ]
    )
    assert [(one.wording, one.citizens) for one in found] == [
        ("证件掉了咋整", 2),
        ("社保本本掉了咋整", 1),
    ]
    assert found[0].latest == NOON + timedelta(minutes=2)


def test_what_citizens_confirm_teaches() -> None:
    assert similar([asked(offered=("lost",), by="citizen")])


def test_a_wording_that_means_several_entries_is_none() -> None:
    assert similar([asked(), asked(citizen=2, chosen="lamp", offered=("lost",))]) == []


def test_a_wording_whose_entry_helps_as_few_as_it_fails_is_none() -> None:
    failed = asked(citizen=2, chosen="", rejected=("lost",), by="")
    assert similar([asked(), failed]) == []
    assert similar([asked(), failed, asked(citizen=3)])


def test_a_single_choice_after_asking_back_is_too_vague() -> None:
    chosen = asked(by="citizen")
    assert similar([chosen]) == []
    assert similar([chosen, asked(citizen=2, by="citizen")])


def test_undecided_questions_teach_nothing() -> None:
    assert similar([asked(chosen="", by="", rejected=("lamp",))]) == []


def test_what_an_entry_says_itself_is_nothing_new() -> None:
    assert restates(LOST, similar_wording("在吗，身份证不见了咋办？急"))
    assert not restates(LOST, "证件掉了咋整")
    assert not restates(replace(LOST, similar=("证件",)), "证件掉了咋整")


def test_where_an_entry_stands_for_a_text() -> None:
    matcher = Matcher(BASE)
    place, chance = standing(matcher, "身份证丢了怎么补", "lost", DAY)
    assert (place, chance > 0.9) == (1, True)
    assert standing(matcher, "🙂", "lost", DAY) == (0, 0.0)


@pytest.mark.parametrize(
    ("wording", "entry_id", "reason"),
    [
        ("证件掉了咋整", "lost", ""),
        ("证件掉了咋整", "gone", "已经停用"),
        ("身份证不见了咋办！", "lost", "已经有这个问法"),
        ("路灯不亮找谁", "lost", "已经是“路灯不亮找谁”的问法"),
    ],
)
def test_objections(wording: str, entry_id: str, reason: str) -> None:
    said = objection(Matcher(BASE), wording, entry_id, [], DAY)
    assert (reason in said) if reason else said == ""


def test_an_entry_with_too_many_similar_questions_takes_no_more() -> None:
    full = replace(LOST, similar=tuple(f"第{n}种问法" for n in range(MAX_SIMILAR)))
    assert "请先删去" in objection(Matcher([full]), "证件掉了咋整", "lost", [], DAY)


def test_a_saved_question_must_not_go_wrong() -> None:
    matcher = Matcher(BASE)
    saved = [Gold("路灯咋修", "lamp"), Gold("老人户口咋迁走", "move"), Gold("证件咋补", "lost")]
    said = objection(matcher, "老人户口咋迁走啊", "lost", saved, DAY)
    assert said == "会让测试问题“老人户口咋迁走”答错。"
    assert objection(matcher, "老人户口咋迁走啊", "move", saved, DAY) == ""
    # What was only tried is not known afterwards.
    assert matcher.get("lost") == LOST
    assert matcher.match("老人户口咋迁走", DAY).candidates[0].entry == MOVE


def test_a_question_that_must_stay_unanswered_stays_so() -> None:
    sent = replace(LOST, automatic=True)
    said = objection(Matcher([sent]), "今晚吃什么", "lost", [Gold("今晚吃什么", "")], DAY)
    assert said == "会让测试问题“今晚吃什么”答错。"
