"""wenban kb words, on a real database."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli import Run, audits, file

KB = "编号,标准问,答案\ne1,云川码怎么申领,打开小程序。\ne2,身份证丢了怎么补,去派出所。\n"


def test_words_are_added_listed_and_taken_out(wenban: Run, database_url: str) -> None:
    assert "还没有改过" in wenban("kb", "words", "list")[1]
    code, out, _ = wenban("kb", "words", "add", "申领", "递件")
    assert (code, "申请" in out, "递件" in out, "几秒内" in out) == (0, True, True, True)
    assert wenban("kb", "words", "add", "云川码", "亮码")[0] == 0
    assert wenban("kb", "words", "remove", "办办", "云川码")[0] == 0
    out = wenban("kb", "words", "list")[1]
    assert ("递件" in out, "亮码" in out, "移出的：办办" in out) == (True, False, True)
    assert "老婆" in wenban("kb", "words", "list", "老婆")[1]
    assert "老婆" in wenban("kb", "words", "list", "--all")[1]
    assert "没有这样的" in wenban("kb", "words", "list", "亮码")[1]
    assert [one[1] for one in audits(database_url)] == [
        "kb.words.add",
        "kb.words.add",
        "kb.words.remove",
    ]


def test_words_on_record_name_what_changed(wenban: Run, database_url: str) -> None:
    wenban("kb", "words", "add", "申领", "递件")
    wenban("kb", "words", "add", "申领", "递件")
    ((actor, action, data),) = audits(database_url)
    assert (actor.startswith("os:"), action) == (True, "kb.words.add")
    assert data == {"joined": ["递件"], "gone": []}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["add", "申领", "弄"], "只有一个字"),
        (["add", "申领", "丢失"], "先用 wenban kb words remove"),
        (["remove", "云川码"], "没有同义词"),
    ],
)
def test_bad_words_end_with_1_and_change_nothing(
    wenban: Run, database_url: str, words: list[str], said: str
) -> None:
    code, _, err = wenban("kb", "words", *words)
    assert (code, said in err) == (1, True)
    assert audits(database_url) == []


def test_words_go_out_and_into_another_office(wenban: Run, tmp_path: Path) -> None:
    wenban("kb", "words", "add", "申领", "递件")
    wenban("kb", "words", "remove", "申办")
    wenban("kb", "words", "add", "申办", "报上去")
    wenban("kb", "words", "add", "云川码", "亮码")
    assert wenban("kb", "words", "export", "words.txt")[0] == 0
    code, _, err = wenban("kb", "words", "export", "words.txt")
    assert (code, "已存在" in err) == (1, True)
    shown = wenban("kb", "words", "list")[1]
    wenban("kb", "words", "remove", "递件", "报上去", "亮码")
    assert wenban("kb", "words", "list")[1] != shown
    code, out, err = wenban("kb", "words", "import", "words.txt")
    assert (code, "0 行有误" in out, err) == (0, True, "")
    assert sorted(wenban("kb", "words", "list")[1].split()) == sorted(shown.split())


def test_bad_lines_are_named_and_the_rest_goes_in(wenban: Run) -> None:
    text = "# 本单位的词\n云川码、亮码\n递件\n申领 递件\n申领 丢失\n-亮码\n"
    code, out, err = wenban("kb", "words", "import", file("words.txt", text))
    assert (code, "读到 5 行，2 行有误" in out) == (0, True)
    assert ("第 3 行：请写两个以上" in err, "第 5 行：这些词分属" in err) == (True, True)
    assert "递件" in wenban("kb", "words", "list")[1]
    code, _, err = wenban("kb", "words", "import", file("bad.txt", "弄\n"))
    assert (code, "没有一行可用" in err) == (1, True)
    Path("binary.txt").write_bytes(b"\xff\xfe\x00")
    code, _, err = wenban("kb", "words", "import", "binary.txt")
    assert (code, "编码" in err) == (1, True)


def test_words_that_break_a_saved_question_are_stopped(wenban: Run) -> None:
    wenban("kb", "import", file("kb.csv", KB), "--automatic")
    assert (
        wenban("kb", "test", file("gold.csv", "问法,编号\n健康宝怎么申领,\n身份证丢了,e2\n"))[0]
        == 0
    )
    code, out, err = wenban("kb", "words", "add", "云川码", "健康宝")
    assert (code, "健康宝怎么申领" in out, "--accept-broken" in err) == (1, True, True)
    assert "还没有改过" in wenban("kb", "words", "list")[1]
    assert wenban("kb", "words", "add", "云川码", "健康宝", "--accept-broken")[0] == 0
    assert wenban("kb", "test")[0] == 1
