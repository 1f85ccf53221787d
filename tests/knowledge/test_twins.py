"""Entries that ask nearly the same thing."""

from __future__ import annotations

from dataclasses import replace

from knowledge.catalog import Entry
from knowledge.twins import twins

POOR = Entry("low-income", "低保怎么申请", "向户籍所在街道提出申请。")


def test_questions_that_are_nearly_the_same_are_told_with_differing_numbers() -> None:
    first = replace(POOR, id="a", question="养老保险怎么转到云川市", answer="15 天办完。")
    second = replace(POOR, id="b", question="养老保险怎么转入云川市", answer="20 天办完。")
    same = replace(POOR, id="c", question="养老保险怎么转到云川市", answer="15 天办完。")
    other = replace(POOR, id="d", question="孤儿怎么领补助")
    (one,) = twins([first, second, other])
    assert (one.first.id, one.second.id, one.differing) == ("a", "b", ("15", "20"))
    assert [(one.first.id, one.second.id) for one in twins([first, same])] == []  # a repetition
    many = [replace(first, id=str(n), question=f"第{n:04}号事项怎么办理") for n in range(700)]
    assert len(twins(many)) == 100
