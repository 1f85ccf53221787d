from __future__ import annotations

import subprocess
import sys
from datetime import date, timedelta

import pytest

from knowledge.catalog import MAX_ANSWER, MAX_SIMILAR, Entry, Link, check_entries, is_web_address

TODAY = date(2026, 11, 20)


def entry(number: str = "1", question: str = "身份证丢失如何补领", **more: object) -> Entry:
    return Entry(number, question, str(more.pop("answer", "到派出所办理。")), **more)  # type: ignore[arg-type]


def fields(*entries: Entry) -> list[tuple[str, str]]:
    return [(problem.entry_id, problem.field) for problem in check_entries(entries, TODAY)]


def test_valid_on_includes_both_ends() -> None:
    one = entry(effective_on=TODAY, expires_on=TODAY)
    assert one.valid_on(TODAY)
    assert not one.valid_on(TODAY - timedelta(days=1))
    assert not one.valid_on(TODAY + timedelta(days=1))
    assert one.expired_on(TODAY + timedelta(days=1))
    assert entry().valid_on(date.min)


def test_sound_entries_have_no_problems() -> None:
    link = Link("网上办理", "https://example.gov.cn/a?b=1")
    assert fields(entry(links=(link,)), entry("2", "公积金怎样提取", similar=("取公积金",))) == []


@pytest.mark.parametrize(
    ("broken", "field"),
    [
        (entry(question="  "), "question"),
        (entry(answer="\u200b"), "answer"),
        (entry(answer="长" * (MAX_ANSWER + 1)), "answer"),
        (entry(question="长" * 501), "question"),
        (entry(similar=tuple(map(str, range(MAX_SIMILAR + 1)))), "similar"),
        (entry(similar=("长" * 501,)), "similar"),
        (entry(expires_on=date(2026, 11, 19)), "expires_on"),
        (entry(effective_on=date(2027, 2, 1), expires_on=date(2027, 1, 1)), "expires_on"),
        (entry(review_on=date(2026, 11, 1)), "review_on"),
        (entry(links=(Link("办理", "example.gov.cn"),)), "links"),
        (entry(links=(Link("", "javascript:alert(1)"),)), "links"),
        (entry(" "), "id"),
    ],
)
def test_each_fault_is_found_once(broken: Entry, field: str) -> None:
    assert fields(broken) == [(broken.id, field)]


def test_same_question_in_another_form() -> None:
    problems = check_entries(
        [entry("1", "補辦身份證"), entry("2", "补办 身份证"), entry("3", "补办身份证")]
    )
    assert [(p.entry_id, p.field) for p in problems] == [("3", "question")]
    assert "“1”" in problems[0].reason


def test_similar_equal_to_another_question() -> None:
    assert fields(entry("1", "甲", similar=("乙", "甲")), entry("2", "乙")) == [("1", "similar")]
    assert fields(entry("1", "甲", similar=("丙",)), entry("2", "乙", similar=("丙",))) == [
        ("2", "similar")
    ]


def test_repeated_id() -> None:
    assert fields(entry("1", "甲"), entry("1", "乙")) == [("1", "id")]


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://a.cn", True),
        ("http://a.cn:80/x", True),
        ("ftp://a.cn", False),
        ("https://", False),
        ("https://a.cn/b c", False),
        ("https://[", False),
        ("", False),
    ],
)
def test_web_addresses(url: str, good: bool) -> None:
    assert is_web_address(url) is good


def test_import_is_light() -> None:
    heavy = "{'jieba', 'numpy', 'opencc', 'rapidfuzz', 'pypinyin', 'openpyxl'}"
    code = f"import sys, knowledge.matcher; print(sorted({heavy} & {{*sys.modules}}))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
