"""Scorecards (计分卡): which figures count, what weight they have, who meets their targets. Pure.

Attention is not service: figures such as 粉丝 and 阅读 are refused, and what citizens get out of
it (群众满意度, 办事办结率, 回应时效) must weigh at least 60 %. A figure without data, or on too few
cases, stays unassessed: its weight is neither met nor missed, and goes to no other figure.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from bot.assessment.figures import Figures, share
from knowledge.text import normalize

CORE_LEAST = 60
SMALLEST_SAMPLE = 10
GROUPS = {"department": "承办单位", "account": "账号", "person": "人员"}
RANKED_BY = "先比达标权重，再比接近达标权重，相同的并列；有任何一项没有评的不排名"


class ScorecardError(ValueError):
    """A scorecard cannot be used; the text says in Chinese which, why and what to do."""


class About(StrEnum):
    """What a figure tells of; the first three are the core."""

    SATISFACTION = "群众满意度"
    RESOLUTION = "办事办结率"
    TIMELINESS = "回应时效"
    OTHER = "其他"


class Band(StrEnum):
    """How a figure stands to its target; ``FEW`` and ``NONE`` are not assessed."""

    MET = "达标"
    NEAR = "接近达标"
    MISSED = "未达标"
    FEW = "样本不足"
    NONE = "无数据"


@dataclass(frozen=True, slots=True)
class Metric:
    """A figure that may be scored. ``base`` is the count that it rests on; ``of`` is set for one
    that is worked out here, as the share of ``key`` in ``base``."""

    key: str
    name: str
    about: About
    base: str
    hours: bool = False
    lower_better: bool = False
    of: bool = False


METRICS = (
    Metric("satisfaction.positive_rate", "好评率", About.SATISFACTION, "satisfaction.rated"),
    Metric("three_rates.satisfaction", "满意率", About.SATISFACTION, "satisfaction.rated"),
    Metric("satisfaction.callback.rate", "回访率", About.SATISFACTION, "satisfaction.negative"),
    Metric(
        "satisfaction.callback.rectified_rate",
        "整改率",
        About.SATISFACTION,
        "satisfaction.negative",
    ),
    Metric("resolution.rate", "办结率", About.RESOLUTION, "counts.valid"),
    Metric("three_rates.resolution", "解决率", About.RESOLUTION, "resolution.judged"),
    Metric("on_time.rate", "及时率", About.TIMELINESS, "on_time.denominator"),
    Metric(
        "on_time.original_due_rate",
        "原时限及时率",
        About.TIMELINESS,
        "on_time.original.denominator",
    ),
    *(
        Metric(
            f"response_hours.{unit}.{part}",
            f"响应{name}（{spoken}小时）",
            About.TIMELINESS,
            "counts.valid",
            hours=True,
            lower_better=True,
        )
        for unit, spoken in (("natural", "自然"), ("working", "工作"))
        for part, name in (("median", "中位数"), ("p90", "90分位"))
    ),
    Metric("counts.answer_rate", "答复率", About.OTHER, "counts.valid"),
    Metric(
        "resolution.reopened",
        "重开率",
        About.OTHER,
        "counts.answered",
        lower_better=True,
        of=True,
    ),
    Metric("counts.evasive", "敷衍率", About.OTHER, "counts.valid", lower_better=True, of=True),
)
_BY_NAME = {normalize(name): one for one in METRICS for name in (one.name, one.key)}
_VANITY = re.compile(
    "粉丝|关注|订阅|阅读|浏览|访问|点击|点赞|赞数|获赞|转发|转载|分享|收藏|在看|播放|曝光|流量|热度"
    "|传播|影响力|互动量|评论[数量]|发文|发布[数量]|推文|篇数|条数"
    r"|(?<![a-z])(?:fans?|follow(?:ers?|ing)?|subscri\w*|reads?|readers?|(?:page)?views?|pv|uv"
    r"|clicks?|likes?|thumbs?|favou?rites?|shares?|reposts?|retweets?|forwards?|impressions?"
    r"|reach|plays?|exposure|engagement|traffic|hits?|visits?|visitors?|posts?|wci|bci)(?![a-z])"
)


@dataclass(frozen=True, slots=True)
class Item:
    """One figure of a scorecard; from ``target`` on it is met, from ``near`` on nearly so."""

    metric: Metric
    weight: float
    target: float
    near: float


@dataclass(frozen=True)
class Scorecard:
    """Figures with weights that make 100, for groups of one or several kinds; a figure that rests
    on fewer than ``minimum`` cases is not assessed."""

    key: str
    name: str
    basis: str
    groups: tuple[str, ...]
    minimum: int
    items: tuple[Item, ...] = field(default=())


def parse_scorecards(table: Mapping[str, Any]) -> tuple[Scorecard, ...]:
    """Scorecards of a TOML table with ``[[scorecards]]``. Raises ScorecardError."""
    rows = table.get("scorecards")
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise ScorecardError("计分卡文件里要有 [[scorecards]]，可照自带的 scorecards.toml 写。")
    if unknown := set(table) - {"scorecards"}:
        raise ScorecardError(f"计分卡文件里不认识“{_listed(unknown)}”，请核对拼写。")
    found = tuple(_Reader(row, number).scorecard() for number, row in enumerate(rows, 1))
    if len({one.key for one in found}) < len(found):
        raise ScorecardError("有两张计分卡的 key 相同，请改成不同的。")
    return found


class _Reader:
    """One scorecard as written; every refusal names it."""

    def __init__(self, row: Mapping[str, Any], number: int) -> None:
        self._row = row
        self._name = str(row.get("name") or row.get("key") or f"第 {number} 张")

    def scorecard(self) -> Scorecard:
        self._know(self._row, {"key", "name", "basis", "groups", "minimum", "metrics"}, "")
        groups = self._row.get("groups", ["department"])
        if not isinstance(groups, list) or not groups or not set(map(str, groups)) <= set(GROUPS):
            raise self._error(f"groups 只能是 {_listed(GROUPS)}，至少一个。")
        minimum = self._row.get("minimum", 30)
        if type(minimum) is not int or minimum < SMALLEST_SAMPLE:
            raise self._error(f"最小样本 minimum 要填不小于 {SMALLEST_SAMPLE} 的整数。")
        found = Scorecard(
            self._text("key"),
            self._text("name"),
            self._text("basis"),
            tuple(map(str, groups)),
            minimum,
            tuple(self._items()),
        )
        self._check_weights(found.items)
        return found

    def _items(self) -> Iterator[Item]:
        rows = self._row.get("metrics")
        if not isinstance(rows, list) or not rows:
            raise self._error("没有指标，请用 [[scorecards.metrics]] 写上。")
        seen: set[Metric] = set()
        for row in rows:
            item = self._item(row)
            if item.metric in seen:
                raise self._error(f"指标“{item.metric.name}”写了两次，请合成一个。")
            seen.add(item.metric)
            yield item

    def _item(self, row: Any) -> Item:
        if not isinstance(row, dict):
            raise self._error("每个指标要写成一节 [[scorecards.metrics]]。")
        metric = self._metric(str(row.get("metric", "")))
        self._know(row, {"metric", "weight", "target", "near"}, f"指标“{metric.name}”：")
        weight, target, near = (
            self._number(row, name, metric) for name in ("weight", "target", "near")
        )
        if not 0 < weight <= 100:
            raise self._error(f"指标“{metric.name}”的权重 weight 要大于 0、不超过 100。")
        if not metric.hours and not (0 <= target <= 1 and 0 <= near <= 1):
            raise self._error(f"指标“{metric.name}”的达标线要写成 0 到 1 的小数，例如 0.9。")
        if target <= 0 and metric.hours:
            raise self._error(f"指标“{metric.name}”的达标线 target 要大于 0 小时。")
        if (near < target) if metric.lower_better else (near > target):
            worse = "不小于" if metric.lower_better else "不大于"
            raise self._error(f"指标“{metric.name}”的接近线 near 应{worse}达标线 target。")
        return Item(metric, weight, target, near)

    def _metric(self, name: str) -> Metric:
        folded = normalize(name)
        if folded in _BY_NAME:
            return _BY_NAME[folded]
        allowed = f"请改用：{_listed(one.name for one in METRICS)}。"
        if _VANITY.search(folded):
            raise self._error(
                f"不能用“{name}”考核：粉丝、阅读、点赞、转发这类数量说明不了群众的事办成没有。{allowed}"
            )
        raise self._error(f"没有指标“{name}”。{allowed}")

    def _check_weights(self, items: Sequence[Item]) -> None:
        total = sum(one.weight for one in items)
        if not math.isclose(total, 100, abs_tol=1e-6):
            raise self._error(f"各指标权重合计 {total:g}，应为 100，请调整 weight。")
        core = sum(one.weight for one in items if one.metric.about is not About.OTHER)
        if core < CORE_LEAST - 1e-6:
            names = "、".join(about for about in About if about is not About.OTHER)
            raise self._error(
                f"{names} 合计只占 {core:g}%，不得低于 {CORE_LEAST}%。"
                "请提高好评率、办结率、及时率等指标的权重。"
            )

    def _number(self, row: Mapping[str, Any], name: str, metric: Metric) -> float:
        value = row.get(name)
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not math.isfinite(value)
        ):
            raise self._error(f"指标“{metric.name}”缺少 {name}，要填数字。")
        return float(value)

    def _text(self, name: str) -> str:
        value = self._row.get(name)
        if not isinstance(value, str) or not value.strip():
            raise self._error(f"缺少 {name}，请用引号写上文字。")
        return value.strip()

    def _know(self, row: Mapping[str, Any], known: set[str], where: str) -> None:
        if unknown := set(row) - known:
            raise self._error(f"{where}不认识“{_listed(unknown)}”，可写的有 {_listed(known)}。")

    def _error(self, text: str) -> ScorecardError:
        return ScorecardError(f"计分卡“{self._name}”：{text}")


def score(scorecard: Scorecard, figures: Figures, *, rank: bool = False) -> Figures:
    """The scorecard of every group in the figures, under stable keys."""
    found: Figures = {
        "key": scorecard.key,
        "name": scorecard.name,
        "basis": scorecard.basis,
        "minimum_sample": scorecard.minimum,
        "metrics": [
            {
                "key": one.metric.key,
                "name": one.metric.name,
                "about": str(one.metric.about),
                "weight": one.weight,
                "target": one.target,
                "near": one.near,
                "lower_is_better": one.metric.lower_better,
                "unit": "hours" if one.metric.hours else "share",
            }
            for one in scorecard.items
        ],
    }
    for group in scorecard.groups:
        rows = {name: _row(scorecard, own) for name, own in figures[f"by_{group}"].items()}
        if rank:
            _rank(rows)
        found[f"by_{group}"] = rows
    return found


def _row(scorecard: Scorecard, figures: Figures) -> Figures:
    cells = {one.metric.key: _cell(one, figures, scorecard.minimum) for one in scorecard.items}
    weights = dict.fromkeys(Band, 0.0)
    for one in scorecard.items:
        weights[Band(cells[one.metric.key]["band"])] += one.weight
    left = weights[Band.FEW] + weights[Band.NONE]
    return {
        "valid": figures["counts"]["valid"],
        "metrics": cells,
        "weight_met": weights[Band.MET],
        "weight_near": weights[Band.NEAR],
        "weight_missed": weights[Band.MISSED],
        "weight_unassessed": left,
        "traces": sum(_looked_up(figures, key) or 0 for key in _SHOWN_TRACES),
    }


_SHOWN_TRACES = (
    "traces.moved_away",
    "traces.recategorised",
    "traces.transferred",
    "traces.due_moved",
    "traces.closed",
    "traces.excluded_when_late",
    "traces.merged_when_late",
    "traces.accepted_unanswered",
    "traces.backfilled",
    "counts.evasive",
)


def _cell(item: Item, figures: Figures, minimum: int) -> Figures:
    metric = item.metric
    n = int(_looked_up(figures, metric.base) or 0)
    value = _looked_up(figures, metric.key)
    if metric.of:
        value = share(value or 0, n)
    exceeds = _looked_up(figures, f"{metric.key}_exceeds") if metric.hours else None
    return {
        "value": value,
        "exceeds": exceeds,
        "n": n,
        "band": str(_band(item, value, exceeds, n, minimum)),
    }


def _band(item: Item, value: float | None, exceeds: float | None, n: int, minimum: int) -> Band:
    if n == 0 or (value is None and exceeds is None):
        return Band.NONE
    if n < minimum:
        return Band.FEW
    sign = -1 if item.metric.lower_better else 1
    if value is None:  # a percentile that is not reached is longer than the longest wait
        return Band.MISSED if (exceeds or 0) >= item.near else Band.FEW
    if value * sign >= item.target * sign:
        return Band.MET
    return Band.NEAR if value * sign >= item.near * sign else Band.MISSED


def _rank(rows: Mapping[str, Figures]) -> None:
    """Places for the groups that are assessed in everything; equal ones share theirs."""
    reasons = {name: _unranked(name, row) for name, row in rows.items()}
    merits = {
        name: (row["weight_met"], row["weight_near"])
        for name, row in rows.items()
        if reasons[name] is None
    }
    for name, row in rows.items():
        own = merits.get(name)
        row["rank"] = sum(one > own for one in merits.values()) + 1 if own else None
        row["unranked_because"] = reasons[name]


def _unranked(name: str, row: Figures) -> str | None:
    if not name:
        return "没有落实到单位或人"
    if row["weight_unassessed"]:
        return f"有 {row['weight_unassessed']:g}% 的权重因无数据或样本不足没有评"
    return None


def _looked_up(figures: Figures, path: str) -> Any:
    found: Any = figures
    for part in path.split("."):
        found = found[part]
    return found


def _listed(names: Any) -> str:
    return "、".join(sorted(names) if isinstance(names, set) else names)
