from __future__ import annotations

import stat
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge import text
from knowledge.masking import kinds
from knowledge.text import MAX_ANALYSED, mask, normalize, stop_words, syllables, words

anything = st.text(max_size=80) | st.text(st.characters(codec=None), max_size=20)
chinese = st.text(
    st.sampled_from("身份证丢了補辦乾瞭著裏後發ＡＢ１ 　①㎏ﬁ\u200b\t，。"), max_size=40
)


@given(anything | chinese)
def test_normalize_is_idempotent(sample: str) -> None:
    once = normalize(sample)
    assert normalize(once) == once


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ("身份證遺失補辦", "身份证遗失补办"),
        ("ＡＢＣ　１２３", "abc 123"),
        ("  社保\x00卡\u200b \n\t 丢 ", "社保卡 丢"),
        ("", ""),
        ("\ud800坏字符", "坏字符"),
    ],
)
def test_normalize_folds(given_text: str, expected: str) -> None:
    assert normalize(given_text) == expected


@given(anything | chinese)
def test_words_and_syllables_never_fail(sample: str) -> None:
    assert all(word == normalize(word) for word in words(sample))
    assert all(syllable.strip() for syllable in syllables(sample))


def test_words_keep_order_and_drop_punctuation() -> None:
    assert words("身份证，丢了！😀") == ["身份", "身份证", "丢", "了"]
    assert "异地就医备案" in words("我要异地就医备案")
    assert words("😀？！…") == []


def test_traditional_and_simplified_share_words_and_sound() -> None:
    assert words("補辦健保卡") == words("补办健保卡")
    assert syllables("補辦 ABC 12") == ["bu", "ban"]


@pytest.mark.parametrize(
    "sample",
    ["身份证丢了😀" * 15_000, "1" * 100_000, "住在" * 50_000, "1-" * 50_000, "a@" * 50_000],
)
def test_long_texts_take_bounded_time(sample: str) -> None:
    words("预热")
    start = time.thread_time()
    assert len("".join(syllables(sample))) <= 8 * MAX_ANALYSED
    words(sample)
    mask(sample)
    assert time.thread_time() - start < 3


def test_stop_words_say_nothing() -> None:
    assert {"请问", "怎么"} <= stop_words()
    assert not {"身份证", "补领", "不"} & stop_words()


def test_cache_folder_is_private(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    folder = text._private_folder()
    assert folder == tmp_path / "wenban"
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_cache_folder_others_may_write_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (tmp_path / "wenban").mkdir()
    (tmp_path / "wenban").chmod(0o777)
    folder = text._private_folder()
    assert folder.parent != tmp_path
    assert not folder.stat().st_mode & 0o077


@pytest.mark.parametrize(
    ("given_text", "expected"),
    [
        ("电话13812341234。", "电话138****1234。"),
        ("１３８－１２３４－１２３４", "138****1234"),
        ("+86 138 0013 8000", "+86 138****8000"),
        ("1 3 8 0 0 1 3 8 0 0 0", "138****8000"),
        ("138.0013.8000", "138****8000"),
        ("138\u200b00138000", "138****8000"),
        ("身份证430102199001011234，", "身份证43*************234，"),
        ("43010219900101123x", "43*************23x"),
        ("430102 19900101 1234", "43*************234"),
        ("430102900101123", "43**********123"),
        ("卡号6222021234567890123", "卡号6222***********0123"),
        ("6222 0212 3456 7890", "6222********7890"),
        ("车牌湘A12345，粤b·d12345", "车牌湘A***45，粤B***45"),
        ("发到zhang.san@qq.com", "发到z***@qq.com"),
        ("我住岳麓区岳麓街道阳光小区3栋2单元501室", "我住岳麓区岳麓街道***"),
        ("岳麓街道阳光小区3栋501漏水", "岳麓街道***漏水"),
        ("家住南山路932号5栋", "家住南山路***"),
        ("阳光花园3栋2单元502室", "阳光花园***"),
    ],
)
def test_mask_hides_personal_data(given_text: str, expected: str) -> None:
    assert mask(given_text) == expected


@pytest.mark.parametrize(
    "plain",
    [
        "湘政办发〔2021〕12号",
        "2026-01-02至2026-02-03",
        "2026年1月2日 08:30-12:00",
        "20260102",
        "拨打12345，110，0731-88665555",
        "12345 110 1380013800.50元",
        "补贴13800138000元",
        "¥13800138000",
        "2020 2021 2022 2023",
        "政务服务中心在中山路1号3楼",
        "新iphone15",
        "受理编号2026112200001",
        "第3号窗口，5个工作日",
        "",
        "😀",
    ],
)
def test_mask_leaves_the_rest(plain: str) -> None:
    assert mask(plain) == plain


@given(anything)
def test_mask_is_idempotent_on_anything(sample: str) -> None:
    assert mask(mask(sample)) == mask(sample)


@given(
    st.text(st.sampled_from("0123456789 -１x住在街道路号栋室湘A@.元*"), max_size=60),
)
def test_mask_is_idempotent_on_numbers(sample: str) -> None:
    assert mask(mask(sample)) == mask(sample)


gaps = st.sampled_from(["", " ", "-", "－", "　", "--"])
head = st.text(
    st.characters(exclude_categories=["Nd", "Cs"], exclude_characters="*.¥$￥＄．"), max_size=5
)


@given(head, st.integers(13, 19), st.text("0123456789", min_size=9, max_size=9), gaps, gaps)
def test_no_phone_gets_through(head: str, start: int, rest: str, one: str, two: str) -> None:
    phone = f"{start}{rest[0]}{one}{rest[1:5]}{two}{rest[5:]}"
    if not one and not two:
        assert f"{start}{rest}" not in mask(f"{head}{phone}，")
    assert phone not in mask(f"{head}{phone}，")


def test_kinds_of_personal_data() -> None:
    assert list(kinds("13812341234和a@b.cn，13912341234")) == ["手机号", "邮箱"]
