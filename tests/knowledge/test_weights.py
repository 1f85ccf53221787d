"""An office's own weights: read whole, or refused with a reason."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest

from knowledge.catalog import Entry
from knowledge.matcher import Matcher
from knowledge.ranker import models
from knowledge.weights import WeightsError, read_weights

SHIPPED = resources.files("knowledge").joinpath("data", "ranker.json").read_text("utf-8")
BASE = (Entry("lost", "身份证丢了怎么补", "去派出所。"), Entry("lamp", "路灯不亮", "打 12345。"))


def written(folder: Path, change: Callable[[dict[str, Any]], object]) -> Path:
    """The shipped file with something changed."""
    value = json.loads(SHIPPED)
    change(value["models"])
    path = folder / "own.json"
    path.write_text(json.dumps(value), "utf-8")
    return path


def inputs(models: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = models["lexical"]["order"]["inputs"]
    return found


def test_the_shipped_weights_read_the_same_from_a_file(tmp_path: Path) -> None:
    path = written(tmp_path, lambda _: None)
    assert read_weights(path) == models()


def test_a_matcher_goes_by_its_own_weights(tmp_path: Path) -> None:
    path = written(tmp_path, lambda models: models["lexical"]["first"].update(constant=-9.0))
    match = Matcher(BASE, weights=read_weights(path)).match("身份证掉了")
    assert match.candidates[0].entry.id == "lost"
    assert (
        match.candidates[0].probability
        < 0.1
        < Matcher(BASE).match("身份证掉了").candidates[0].probability
    )


def _shuffle(models: dict[str, Any]) -> None:
    models["lexical"]["order"]["inputs"] = dict(reversed(inputs(models).items()))


@pytest.mark.parametrize(
    "change",
    [
        lambda models: models.pop("lexical"),
        lambda models: models["lexical"].pop("nothing"),
        lambda models: models["lexical"].update(order=[]),
        lambda models: models["lexical"]["order"].pop("constant"),
        lambda models: models["lexical"]["order"].update(constant="much"),
        lambda models: inputs(models).pop("ratio"),
        lambda models: inputs(models).update(ratio=[0, 1]),
        lambda models: inputs(models).update(ratio=[0, 0, 1]),
        lambda models: inputs(models).update(ratio=["0", 1, 1]),
        lambda models: inputs(models).update(ratio=[0, 1, float("nan")]),
        lambda models: inputs(models).update(ratio=[0, 1, 10**400]),
        lambda models: inputs(models).update(luck=[0, 1, 1]),
        _shuffle,
    ],
)
def test_what_does_not_fit_the_program_is_refused(
    tmp_path: Path, change: Callable[[dict[str, Any]], object]
) -> None:
    with pytest.raises(WeightsError, match=r"模型“lexical”不全，或与本程序的输入不符.*重新训练"):
        read_weights(written(tmp_path, change))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "不是有效的 JSON"),
        (b"\xff\xfe", "不是有效的 JSON"),
        (b"[" * 100_000, "不是有效的 JSON"),
        (b"[]", "没有 models"),
        (b"{}", "没有 models"),
        (b'{"models": 1}', "没有 models"),
    ],
)
def test_what_is_no_file_of_weights_is_refused(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "own.json"
    path.write_bytes(content)
    with pytest.raises(WeightsError, match=said):
        read_weights(path)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match="读不到权重文件"):
        read_weights(tmp_path / "gone.json")
