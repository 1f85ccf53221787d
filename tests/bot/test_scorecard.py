"""Scorecards: what they refuse, how they judge, whom they rank."""

from __future__ import annotations

import tomllib
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.assessment import Figures
from bot.assessment.scorecard import (
    METRICS,
    About,
    Scorecard,
    ScorecardError,
    parse_scorecards,
    score,
)
from tests.figures import Case, case, figures

SHIPPED = tomllib.loads((files("bot") / "data" / "scorecards.toml").read_text(encoding="utf-8"))
ITEMS = [
    {"metric": "好评率", "weight": 40, "target": 0.9, "near": 0.8},
    {"metric": "及时率", "weight": 60, "target": 0.95, "near": 0.85},
]


def table(*items: dict[str, Any], **more: Any) -> dict[str, Any]:
    card = {"key": "a", "name": "测试卡", "basis": "测试", "metrics": list(items or ITEMS), **more}
    return {"scorecards": [card]}


def item(metric: str, weight: float = 100, target: float = 0.9, near: float = 0.8) -> Any:
    return {"metric": metric, "weight": weight, "target": target, "near": near}


def card(*items: dict[str, Any], **more: Any) -> Scorecard:
    (found,) = parse_scorecards(table(*items, **more))
    return found


def refusal(*items: dict[str, Any], **more: Any) -> str:
    with pytest.raises(ScorecardError) as refused:
        parse_scorecards(table(*items, **more))
    return str(refused.value)


def test_the_shipped_scorecards_can_be_used() -> None:
    units, people = parse_scorecards(SHIPPED)
    assert units.groups == ("department", "account")
    assert people.groups == ("person",)
    found = figures(case(answered="2026-06-01T10:00"))
    assert set(score(units, found)["by_account"]) == {"甲"}


@pytest.mark.parametrize(
    "name",
    [
        "粉丝数",
        "粉絲",
        "新增关注",
        "阅读量",
        "閱讀量",
        "点赞",
        "獲贊數",
        "转发",
        "转发量",
        "分享数",
        "收藏",
        "浏览量",
        "点击率",
        "播放量",
        "传播力指数",
        "影响力",
        "评论数",
        "发文量",
        "followers",
        "FANS",
        "Ｌｉｋｅｓ",
        "page views",
        "pageviews",
        "read_count",
        "reads",
        "shares",
        "reposts",
        "retweets",
        "forward",
        "PV",
        "WCI",
        "engagement",
        "impressions",
    ],
)
def test_attention_is_refused_and_the_remedy_named(name: str) -> None:
    said = refusal(item(name))
    assert f"计分卡“测试卡”：不能用“{name}”考核" in said
    assert "请改用：好评率、满意率" in said


def test_an_unknown_figure_is_not_taken_for_vanity() -> None:
    said = refusal(item("办理质量"))
    assert "没有指标“办理质量”。请改用：" in said


def test_figures_may_be_named_in_chinese_or_by_key() -> None:
    for metric in METRICS:
        near = 0.95 if metric.lower_better else 0.8
        for name in (metric.name, metric.key):
            items = [item(name, 40, near=near)]
            if metric.key != "on_time.rate":
                items.append(item("及时率", 60))
                assert card(*items).items[0].metric is metric


def test_what_citizens_get_out_of_it_weighs_most() -> None:
    assert card(item("答复率", 40), item("及时率", 60))
    said = refusal(item("答复率", 41), item("好评率", 20), item("及时率", 39))
    assert "群众满意度、办事办结率、回应时效 合计只占 59%，不得低于 60%" in said
    assert "请提高好评率、办结率、及时率等指标的权重" in said


@given(st.lists(st.tuples(st.sampled_from(METRICS), st.integers(1, 60)), min_size=1, max_size=6))
def test_no_weights_get_past_the_two_rules(chosen: list[tuple[Any, int]]) -> None:
    unique = {metric.key: (metric, weight) for metric, weight in chosen}
    items = [item(key, weight, 0.5, 0.5) for key, (_, weight) in unique.items()]
    total = sum(weight for _, weight in unique.values())
    core = sum(weight for metric, weight in unique.values() if metric.about is not About.OTHER)
    if total == 100 and core >= 60:
        assert len(card(*items).items) == len(items)
    else:
        assert "权重" in refusal(*items) or "不得低于 60%" in refusal(*items)


@pytest.mark.parametrize(
    ("items", "more", "said"),
    [
        ([item("好评率", 90)], {}, "权重合计 90，应为 100"),
        ([item("好评率", 50), item("好评率", 50)], {}, "指标“好评率”写了两次"),
        ([item("好评率", target=90, near=80)], {}, "要写成 0 到 1 的小数，例如 0.9"),
        ([item("好评率", target=0.8, near=0.9)], {}, "接近线 near 应不大于达标线"),
        ([item("重开率", target=0.1, near=0.05)], {}, "接近线 near 应不小于达标线"),
        ([item("响应中位数（工作小时）", target=0, near=8)], {}, "要大于 0 小时"),
        ([item("好评率", -1)], {}, "权重 weight 要大于 0"),
        ([{"metric": "好评率", "weight": 100, "near": 1}], {}, "缺少 target，要填数字"),
        ([item("好评率", True)], {}, "缺少 weight"),
        ([{**item("好评率"), "traget": 1}], {}, "指标“好评率”：不认识“traget”"),
        ([], {"minimum": 3}, "不小于 10 的整数"),
        ([], {"minimum": "30"}, "不小于 10 的整数"),
        ([], {"groups": ["town"]}, "groups 只能是 department、account、person"),
        ([], {"groups": []}, "至少一个"),
        ([], {"basis": ""}, "缺少 basis"),
        ([], {"colour": "red"}, "不认识“colour”"),
        ([], {"metrics": []}, "没有指标"),
    ],
)
def test_other_refusals(items: list[Any], more: dict[str, Any], said: str) -> None:
    assert said in refusal(*items, **more)


def test_files_that_hold_no_scorecards() -> None:
    unusable: list[dict[str, Any]] = [{}, {"scorecards": {}}, {"scorecards": [1]}]
    for bad in unusable:
        with pytest.raises(ScorecardError, match=r"\[\[scorecards\]\]"):
            parse_scorecards(bad)
    with pytest.raises(ScorecardError, match="不认识“x”"):
        parse_scorecards({**table(), "x": 1})
    with pytest.raises(ScorecardError, match="key 相同"):
        parse_scorecards({"scorecards": [*table()["scorecards"], *table()["scorecards"]]})


def judged(scorecard: Scorecard, *cases: Case, rank: bool = False) -> Figures:
    found: Figures = score(scorecard, figures(*cases), rank=rank)["by_department"]
    return found


def several(n: int, department: str, *, late: int = 0, grade: int | None = 1) -> list[Case]:
    """Answered cases, ``late`` of them past their due time."""
    return [
        case(
            answered="2026-06-20T10:00" if number < late else "2026-06-01T10:00",
            department=department,
            grade=grade,
        )
        for number in range(n)
    ]


def test_bands() -> None:
    found = judged(
        card(minimum=10),
        *several(20, "甲局"),
        *several(20, "乙局", late=2),
        *several(20, "丙局", late=10),
    )
    bands = {name: row["metrics"]["on_time.rate"]["band"] for name, row in found.items()}
    assert bands == {"甲局": "达标", "乙局": "接近达标", "丙局": "未达标"}
    assert (found["乙局"]["weight_met"], found["乙局"]["weight_near"]) == (40, 60)


def test_smaller_is_better_for_hours_and_for_bad_shares() -> None:
    wanted = card(
        item("响应中位数（自然小时）", 60, 2, 100), item("重开率", 40, 0.1, 0.2), minimum=10
    )
    found = judged(wanted, *several(20, "甲局"), *several(20, "乙局", late=15))
    quick, slow = found["甲局"]["metrics"], found["乙局"]["metrics"]
    assert quick["response_hours.natural.median"]["band"] == "达标"
    assert slow["response_hours.natural.median"]["band"] == "未达标"
    assert quick["resolution.reopened"] == {"value": 0.0, "exceeds": None, "n": 20, "band": "达标"}


def test_a_median_that_is_not_reached_meets_nothing() -> None:
    wanted = card(item("响应中位数（自然小时）", 100, 24, 48), minimum=10)
    ignored = [case(department="甲局") for _ in range(20)]
    fresh = [case("2026-06-30T11:00", department="乙局") for _ in range(20)]
    found = judged(wanted, *ignored, *fresh)
    cells = {name: row["metrics"]["response_hours.natural.median"] for name, row in found.items()}
    assert {name: (one["value"], one["band"]) for name, one in cells.items()} == {
        "甲局": (None, "未达标"),
        "乙局": (None, "样本不足"),
    }
    assert cells["甲局"]["exceeds"] == pytest.approx(699)


def test_no_data_is_neither_met_nor_missed_and_its_weight_is_shown() -> None:
    found = judged(card(minimum=10), *several(20, "甲局", grade=None))["甲局"]
    assert found["metrics"]["satisfaction.positive_rate"] == {
        "value": None,
        "exceeds": None,
        "n": 0,
        "band": "无数据",
    }
    weights = [found[f"weight_{part}"] for part in ("met", "near", "missed", "unassessed")]
    assert weights == [60, 0, 0, 40]


def test_too_few_cases_are_not_assessed() -> None:
    found = judged(card(minimum=30), *several(29, "甲局"), *several(30, "乙局"))
    assert found["甲局"]["weight_unassessed"] == 100
    assert found["乙局"]["weight_met"] == 100


@given(st.integers(0, 60), st.integers(0, 60), st.integers(0, 60))
def test_the_four_weights_always_make_a_hundred(n: int, late: int, rated: int) -> None:
    cases = several(n, "甲局", late=min(late, n), grade=None) + several(rated, "甲局")
    for row in judged(card(), *cases).values():
        parts = [row[f"weight_{part}"] for part in ("met", "near", "missed", "unassessed")]
        assert sum(parts) == 100


def test_nobody_is_ranked_unless_asked() -> None:
    found = judged(card(), *several(40, "甲局"))
    assert "rank" not in found["甲局"]


def test_only_those_assessed_in_everything_are_ranked() -> None:
    found = judged(
        card(minimum=30),
        *several(40, "甲局"),
        *several(40, "乙局"),
        *several(40, "丙局", late=20),
        *several(40, "丁局", grade=None),
        *several(40, ""),
        rank=True,
    )
    assert {name: row["rank"] for name, row in found.items()} == {
        "甲局": 1,
        "乙局": 1,
        "丙局": 3,
        "丁局": None,
        "": None,
    }
    assert found["丁局"]["unranked_because"] == "有 40% 的权重因无数据或样本不足没有评"
    assert found[""]["unranked_because"] == "没有落实到单位或人"
    assert found["甲局"]["unranked_because"] is None


def test_silence_does_not_bring_anybody_up() -> None:
    """Whoever has no ratings gathered must not overtake an office that has poor ones."""
    honest, silent = several(40, "甲局", grade=5), several(40, "乙局", grade=None)
    found = judged(card(), *honest, *silent, rank=True)
    assert (found["甲局"]["weight_met"], found["乙局"]["weight_met"]) == (60, 60)
    assert (found["甲局"]["rank"], found["乙局"]["rank"]) == (1, None)


def test_what_was_done_to_cases_stands_beside_the_score() -> None:
    moved = case(answered="2026-06-01T10:00", department="甲局", transferred=2, recategorised=1)
    found = judged(card(), moved, *several(3, "乙局"))
    assert (found["甲局"]["traces"], found["乙局"]["traces"]) == (2, 0)
