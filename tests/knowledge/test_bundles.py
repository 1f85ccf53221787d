"""一件事: read, merged without repeats, put together, and checked against the entries."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from importlib.resources import files
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.bundles import (
    Bundle,
    BundleError,
    Stage,
    Step,
    check_bundles,
    compose,
    materials,
    plain_name,
    read_bundles,
)
from knowledge.exchange import read_entries
from tests.support import ENTRIES, MOVED

TODAY = date(2026, 11, 26)
DATA = Path(str(files("knowledge") / "data"))
KNOWN = {one.id: one for one in ENTRIES}
GOOD = """
[[bundle]]
id = "搬家"
name = "搬家"
question = "搬家后要办什么"
stage = [{ name = "先办", steps = [{ entry = "id-lost" }, { entry = "card-lost" }] }]
"""


def read(tmp_path: Path, text: str) -> tuple[Bundle, ...]:
    path = tmp_path / "bundles.toml"
    path.write_text(text, encoding="utf-8")
    return read_bundles(path)


def test_the_shipped_ones_stand_on_entries_that_hold() -> None:
    found = read_bundles(DATA / "bundles.toml")
    known = {one.id: one for one in read_entries(DATA / "sample.csv").entries}
    assert check_bundles(found, known.get, TODAY) == []
    composed = [compose(one, known.get) for one in found]
    assert [one.automatic for one in composed if one] == [True, True, False]
    assert all(one and one.valid_on(TODAY) and "示例数据" in one.answer for one in composed)


def test_what_is_not_said_is_not_approved(tmp_path: Path) -> None:
    (found,) = read(tmp_path, GOOD)
    assert (found.id, found.approved, len(found.steps)) == ("一件事-搬家", False, 2)


@pytest.mark.parametrize(
    ("before", "after", "reason"),
    [
        ("[[bundle]]", "[[bundel]]", "没有“bundel”这一节"),
        ('id = "搬家"', "id = 1", "第 1 件：id 要填文字"),
        ('name = "搬家"', 'name = " "', "第 1 件：name 要填文字"),
        ('question = "搬家后要办什么"', "", "question 要填文字"),
        ('id = "搬家"', 'id = "搬家"\nsimlar = []', "第 1 件：只能有"),
        ('id = "搬家"', 'id = "搬家"\nsimilar = "一句"', "要写成列表"),
        (', { entry = "card-lost" }', "", "要有 2 到 20 步，现在 1 步"),
        ("card-lost", "id-lost", "同一条目用了两次"),
        (
            '{ entry = "card-lost" }',
            '{ entry = "card-lost", materials = [1] }',
            "第 2 步：materials",
        ),
        ("[[bundle]]", "[[bundle", "不是 UTF-8 编码的 TOML"),
    ],
)
def test_a_faulty_file_says_where_and_why(
    tmp_path: Path, before: str, after: str, reason: str
) -> None:
    with pytest.raises(BundleError, match=reason.replace("[", r"\[")):
        read(tmp_path, GOOD.replace(before, after, 1))


def test_two_of_the_same_name_are_refused(tmp_path: Path) -> None:
    with pytest.raises(BundleError, match="编号“搬家”重复"):
        read(tmp_path, GOOD + GOOD)


def test_materials_are_named_once_with_every_step_that_asks_for_them() -> None:
    found = [(one.name, one.steps) for one in materials(MOVED)]
    assert found == [("户口簿", (1, 2)), ("房产证", (1,)), ("身份证", (2,))]


@pytest.mark.parametrize(
    ("one", "other"),
    [("户口簿", "户口本（原件）"), ("居民身份证", "身份证 原件"), ("结婚证", "結婚證")],
)
def test_ways_of_writing_are_one_material(one: str, other: str) -> None:
    assert plain_name(one) == plain_name(other)


@given(st.lists(st.lists(st.sampled_from(["户口簿", "户口本", "照片", "照片2张", "证"]))))
def test_no_material_is_lost_and_none_is_named_twice(wanted: list[list[str]]) -> None:
    steps = tuple(Step(str(number), "", tuple(one)) for number, one in enumerate(wanted))
    found = materials(replace(MOVED, stages=(Stage("全部", steps),)))
    names = [plain_name(one.name) for one in found]
    assert len(set(names)) == len(names)
    for number, one in enumerate(wanted, 1):
        for name in one:
            (material,) = [has for has in found if plain_name(has.name) == plain_name(name)]
            assert number in material.steps


def test_the_list_tells_materials_then_steps_with_department_and_entrance() -> None:
    composed = compose(MOVED, KNOWN.get)
    assert composed is not None
    assert composed.answer.split("\n") == [
        "搬家，一次告知：2 步、2 个部门。",
        "",
        "要准备的材料（合起来 3 样）",
        "· 户口簿（第 1、2 步都要）",
        "· 房产证",
        "· 身份证",
        "",
        "办理步骤",
        "【先办】",
        "1. 换身份证（市公安局，入口：预约补领）",
        "【再办】",
        "2. 换社保卡（市人社局）",
    ]
    assert composed.automatic and composed.links == ENTRIES[0].links


def test_it_holds_only_as_long_as_all_of_its_entries() -> None:
    first, last = date(2026, 1, 1), date(2026, 6, 30)
    known = KNOWN | {
        "id-lost": replace(ENTRIES[0], effective_on=first),
        "card-lost": replace(ENTRIES[1], expires_on=last),
    }
    composed = compose(MOVED, known.get)
    assert composed is not None
    assert (composed.effective_on, composed.expires_on) == (first, last)
    assert not composed.valid_on(TODAY)


def test_it_is_not_automatic_unless_it_and_every_entry_is_approved() -> None:
    manual = KNOWN | {"card-lost": replace(ENTRIES[1], automatic=False)}
    gone = {key: one for key, one in KNOWN.items() if key != "card-lost"}
    for bundle, known in (
        (replace(MOVED, approved=False), KNOWN),
        (MOVED, manual),
        (MOVED, gone),
    ):
        composed = compose(bundle, known.get)
        assert composed is not None and not composed.automatic
    assert compose(MOVED, lambda _: None) is None


def test_missing_expired_and_unapproved_entries_are_told() -> None:
    known = {
        "id-lost": replace(ENTRIES[0], expires_on=date(2026, 1, 1)),
    }
    (first, missing) = check_bundles([MOVED], known.get, TODAY)
    assert first == (MOVED.id, "一件事“搬家”第 1 步的条目“id-lost”已于 2026-01-01 失效，请更新。")
    assert "第 2 步的条目“card-lost”不在用" in missing[1]
    manual = KNOWN | {"card-lost": replace(ENTRIES[1], automatic=False)}
    ((_, told),) = check_bundles([MOVED], manual.get, TODAY)
    assert "没有批准自动答复" in told
    phone = replace(MOVED, name="搬家找王经理13812345678")
    ((_, told), *_) = check_bundles([phone], KNOWN.get, TODAY)
    assert "不能发的内容" in told
