"""Where the questions of a message begin and end."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.explain import differences
from knowledge.questions import AROUND, LONG, MAX_QUESTIONS, looks, questions


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "身份证丢了怎么补？另外公积金租房怎么提取",
            ("身份证丢了怎么补？", "另外公积金租房怎么提取"),
        ),
        ("低保怎么申请，公租房怎么申请", ("低保怎么申请", "公租房怎么申请")),
        (
            "1、社保卡丢了怎么办 2、居住证怎么续签 3. 医保怎么报销",
            ("社保卡丢了怎么办", "居住证怎么续签", "医保怎么报销"),
        ),
        ("孩子上小学怎么报名，还有户口怎么迁", ("孩子上小学怎么报名", "还有户口怎么迁")),
    ],
)
def test_each_question_is_found(text: str, expected: tuple[str, ...]) -> None:
    assert questions(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "身份证丢了怎么补，要带什么材料，多少钱",
        "我昨天去了派出所，人很多。身份证丢了怎么补？",
        "我孩子明年上小学，户口不在本地。怎么报名？要不要房产证？",
        "还有多久能办好",
        "生育津贴怎么领，产假几天",
        "身份证",
    ],
)
def test_one_matter_is_not_taken_apart(text: str) -> None:
    assert len(questions(text)) <= 1


@given(
    st.text(max_size=200) | st.text(st.sampled_from("身份证怎么补？，。1、2另外\n "), max_size=80)
)
def test_any_text_is_taken_apart_without_inventing_words(text: str) -> None:
    found = questions(text)
    assert len(found) <= MAX_QUESTIONS
    for part in found:
        for clause in part.split("，"):
            assert clause in text


@pytest.mark.parametrize(
    ("asked", "frame", "titles"),
    [
        (
            ("居民身份证丢失后如何补领", "居民身份证到期换领"),
            "居民身份证…",
            ("丢失后如何补领", "到期换领"),
        ),
        (
            ("失业金申领需要什么材料", "失业登记需要什么材料"),
            "…需要什么材料",
            ("失业金申领", "失业登记"),
        ),
        (("身份证怎么补", "社保卡丢了"), "", ("身份证怎么补", "社保卡丢了")),
        (("公积金提取", "公积金提取条件"), "", ("公积金提取", "公积金提取条件")),
        (("身份证怎么补",), "", ("身份证怎么补",)),
        ((), "", ()),
    ],
)
def test_siblings_are_told_apart_by_what_differs(
    asked: tuple[str, ...], frame: str, titles: tuple[str, ...]
) -> None:
    assert differences(asked) == (frame, titles)


@given(st.lists(st.text(st.sampled_from("身份证丢失补领换A1 "), max_size=12), max_size=4))
def test_differences_leave_nothing_out(asked: list[str]) -> None:
    frame, titles = differences(asked)
    head, _, tail = frame.partition("…")
    assert [head + title + tail for title in titles] == asked


STORY = "我母亲今年七十多了，腿脚不方便，上个月从老家搬来跟我一起住，邻居们都很照顾她，"


def test_a_short_text_is_looked_up_as_it_is() -> None:
    assert looks("身份证丢了怎么补？") == ("身份证丢了怎么补？",)
    assert looks("") == ("",)


@pytest.mark.parametrize("after", ["", "，麻烦您了，我们在外地" * 8])
def test_a_story_is_looked_up_around_its_question(after: str) -> None:
    around, asked = looks(f"{STORY * 4}她的医保卡丢了怎么补办？{after}")
    assert "医保卡丢了怎么补办" in around
    assert "医保卡丢了怎么补办" in asked
    assert len(asked) < len(around) <= AROUND


@given(st.text(max_size=700))
def test_what_is_looked_up_is_short_or_the_text(text: str) -> None:
    found = looks(text)
    assert found == (text,) or (len(text) > LONG and all(len(one) <= AROUND for one in found))
