"""The ranker's weights of an office's own, as `benchmarks.train` writes them."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from knowledge.ranker import Linear, Weights, feature_names, leading_names, models

_AGAIN = "请用本程序的版本重新训练，或留空用自带的权重。"


class WeightsError(ValueError):
    """A file of weights that cannot be used; the message is Chinese and says what to do."""


def read_weights(path: Path) -> dict[str, Weights]:
    """The models in a file; it must have each that the program has, of the same inputs.

    Raises WeightsError.
    """
    try:
        value = json.loads(path.read_text("utf-8"))
    except OSError as error:
        raise WeightsError(f"读不到权重文件“{path}”，请核对路径和权限。") from error
    except (ValueError, RecursionError) as error:
        raise WeightsError(f"权重文件“{path.name}”不是有效的 JSON。{_AGAIN}") from error
    given = value.get("models") if isinstance(value, dict) else None
    if not isinstance(given, dict):
        raise WeightsError(f"权重文件“{path.name}”里没有 models。{_AGAIN}")
    return {name: _model(name, given.get(name), path) for name in models()}


def _model(name: str, value: Any, path: Path) -> Weights:
    wanted = {
        "order": feature_names(name),
        "first": leading_names(name),
        "nothing": leading_names(name),
    }
    try:
        return Weights(**{part: _linear(value[part], names) for part, names in wanted.items()})
    except (LookupError, TypeError, ValueError, AttributeError, OverflowError) as error:
        raise WeightsError(
            f"权重文件“{path.name}”的模型“{name}”不全，或与本程序的输入不符。{_AGAIN}"
        ) from error


def _linear(value: Mapping[str, Any], names: tuple[str, ...]) -> Linear:
    """Raises ValueError unless it has just these inputs, in this order, and plain numbers."""
    found = Linear.read(value)
    numbers = [*found.means, *found.spreads, *found.weights, found.constant]
    if found.names != names or min(found.spreads) <= 0:
        raise ValueError(names)
    if not all(isinstance(one, int | float) and math.isfinite(one) for one in numbers):
        raise ValueError(names)
    return found
