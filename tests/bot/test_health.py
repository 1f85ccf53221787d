"""Account health: the ladder, ages, links, and accounts with the same function."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.assessment import Figures
from bot.assessment.health import BASIS, AccountCard, LinkCheck, LinkUse, Rung, health, rung
from bot.assessment.kinship import Kin, core, groups
from tests.figures import CUT_OFF, assessment, case, local

DAY = timedelta(days=1)
ONE = AccountCard("甲", "甲号", "公众号", sponsor="市民政局")


def account(days: float | None, **more: Any) -> AccountCard:
    last = None if days is None else CUT_OFF - days * DAY
    return AccountCard("甲", "甲号", "公众号", sponsor="市民政局", last_published_at=last, **more)


@pytest.mark.parametrize(
    ("days", "stands"),
    [
        (0, Rung.ACTIVE),
        (14, Rung.ACTIVE),
        (14.01, Rung.WARNING),
        (61, Rung.WARNING),
        (61.01, Rung.CLUE),
        (91, Rung.CLUE),
        (91.01, Rung.ZOMBIE),
        (2000, Rung.ZOMBIE),
        (None, Rung.UNKNOWN),
    ],
)
def test_the_ladder(days: float | None, stands: Rung) -> None:
    assert rung(account(days), CUT_OFF) is stands


@given(st.floats(0, 400), st.floats(0, 400))
def test_longer_silence_never_looks_better(first: float, second: float) -> None:
    order = [Rung.ACTIVE, Rung.WARNING, Rung.CLUE, Rung.ZOMBIE]
    less, more = sorted((first, second))
    found = [order.index(rung(account(days), CUT_OFF)) for days in (less, more)]
    assert found[0] <= found[1]


def test_an_account_that_is_closed_is_not_expected_to_publish() -> None:
    assert rung(account(400, state="已注销"), CUT_OFF) is Rung.RETIRED


def look(*accounts: AccountCard, **more: Any) -> Figures:
    told: dict[str, Any] = {"ages": {}, "links": [], "checks": {}, **more}
    return health(accounts, told["ages"], told["links"], told["checks"], CUT_OFF)


def test_an_account_says_what_is_wrong_and_by_which_rule() -> None:
    found = look(account(20), AccountCard("乙", "乙号", "微博"))
    assert found["basis"] == BASIS and "国办秘函〔2019〕19号" in BASIS and "以本地要求为准" in BASIS
    assert found["limits_days"] == {"warning": 14, "clue": 61, "zombie": 91, "unanswered": 91}
    assert (found["counts"]["warning"], found["counts"]["unknown"]) == (1, 1)
    first, second = found["accounts"]
    assert (first["days_silent"], first["rung"], first["stands"]) == (20, "warning", "预警")
    assert first["warnings"] == ["20 日未更新，已触及单项否决（14 日）"]
    assert second["days_silent"] is None
    assert second["warnings"] == [
        "没有登记最后发布时间，无法判断是否更新",
        "没有登记主办单位",
    ]


def test_messages_that_wait_are_counted_by_age_whatever_their_due_time() -> None:
    found = assessment(
        case("2026-06-30T11:00"),
        case("2026-06-10T11:00"),
        case("2026-05-01T11:00"),
        case("2026-03-01T11:00"),
        case("2026-02-01T11:00", category="建议"),  # type: ignore[arg-type]
        case("2026-02-01T11:00", "2026-06-29T11:00"),
        case("2026-02-01T11:00", excluded="malicious"),
        case("2026-06-30T11:00", account="乙"),
    ).ages("account")
    assert found["甲"] == {
        "all": 5,
        "within_7_days": 1,
        "within_30_days": 1,
        "within_91_days": 1,
        "older": 2,
        "oldest_days": pytest.approx(149.04, abs=0.05),
    }
    assert found["乙"]["all"] == 1
    (row,) = look(account(1), ages=found)["accounts"]
    assert row["unanswered"] == found["甲"]
    assert row["warnings"] == ["2 件留言超过 3 个月未答复，最久 149 日"]


def test_what_a_closed_account_left_unanswered_is_named() -> None:
    ages = assessment(case()).ages("account")
    (row,) = look(account(1, state="关停"), ages=ages)["accounts"]
    assert row["warnings"] == ["已停用，仍有 1 件未答复"]


def test_links_that_nobody_checked_are_not_called_alive() -> None:
    links = [
        LinkUse("https://a.example/", "甲入口", "e1", "市民政局"),
        LinkUse("https://a.example/", "甲入口", "e2", "市教育局"),
        LinkUse("https://b.example/", "乙入口", "e3", ""),
        LinkUse("https://c.example/", "丙入口", "e4", ""),
    ]
    since = local("2026-05-01T00:00")
    checks = {
        "https://a.example/": LinkCheck(
            False, "页面不存在（404）", local("2026-06-29T09:00"), since
        ),
        "https://b.example/": LinkCheck(True, "", local("2026-06-28T09:00")),
        "https://gone.example/": LinkCheck(False, "连不上", local("2026-01-01T09:00")),
    }
    found = look(links=links, checks=checks)["links"]
    counted = {name: found[name] for name in ("total", "checked", "unchecked", "dead")}
    assert counted == {"total": 3, "checked": 2, "unchecked": 1, "dead": 1}
    assert found["oldest_check_at"] == "2026-06-28T09:00:00+08:00"
    (dead,) = found["dead_links"]
    assert dead["entries"] == ["e1", "e2"]
    assert dead["departments"] == ["市教育局", "市民政局"]
    assert (dead["problem"], dead["failing_since"][:10]) == ("页面不存在（404）", "2026-05-01")


SOCIAL = "提供社保查询、参保登记、养老待遇、就业创业服务"


def kin(key: str, name: str, **more: Any) -> Kin:
    return Kin(key, name, more.pop("platform", "公众号"), **more)


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("云川市人社局", "人社"),
        ("云川人社发布", "人社"),
        ("云川市城市管理局官方微博", "城市管理"),
        ("东山区政务服务", "东山区政务服务"),
        ("云川市社区服务中心", "社区"),
    ],
)
def test_the_core_of_a_name(name: str, left: str) -> None:
    assert core(name, ["云川"]) == left


def test_accounts_of_one_function_are_grouped_with_reasons() -> None:
    office = "云川市人力资源和社会保障局"
    (found,) = groups(
        [
            kin("a", "云川市人社局", sponsor=office, description=SOCIAL, topics={"社保": 60}),
            kin(
                "b",
                "云川人社发布",
                sponsor=office,
                description="社保查询、参保登记和就业创业一站办",
                topics={"社保": 40, "就业": 10},
            ),
            kin("c", "云川公安", sponsor="云川市公安局", description="户籍、出入境、交通违法办理"),
        ]
    )
    assert (found["accounts"], found["platform"]) == (["a", "b"], "公众号")
    (pair,) = found["pairs"]
    assert pair["reasons"] == [
        "名称去掉地名和平台用语后相近（都是“人社”，100%）",
        f"主办单位都是{office}",
        "简介相近（86%，都有“社保、查询、参保、登记、就业”）",
        "答复的事项相近（97%，主要都是社保）",
    ]


def test_other_places_other_platforms_and_other_tasks_stay_apart() -> None:
    police = "户籍办理、出入境、交通违法查询"
    assert (
        groups(
            [
                kin("a", "云川市公安局", sponsor="云川市公安局", description=police),
                kin("b", "东山区公安局", sponsor="云川市东山区公安局", description=police),
                kin("c", "云川公安", sponsor="云川市公安局", platform="微博", description=police),
                kin("d", "云川出入境", sponsor="云川市公安局"),
                kin("e", "云川交警", sponsor="云川市公安局"),
            ]
        )
        == []
    )


def test_a_few_answers_and_stock_phrases_prove_nothing() -> None:
    stock = "发布权威政策信息，提供便民服务，欢迎关注"
    alone = [
        kin("a", "甲", description=stock, topics={"社保": 4}),
        kin("b", "乙", description=stock, topics={"社保": 5}),
    ]
    assert groups(alone) == []


def test_groups_join_through_a_common_account_and_hold_every_pair() -> None:
    office = "云川市民政局"
    (found,) = groups(
        [kin(key, name, sponsor=office) for key, name in (("a", "云川民政"), ("b", "云川市民政局"))]
        + [kin("c", "云川民政发布", sponsor=office)]
    )
    assert found["accounts"] == ["a", "b", "c"]
    assert {(pair["a"], pair["b"]) for pair in found["pairs"]} == {
        ("a", "b"),
        ("a", "c"),
        ("b", "c"),
    }


@given(st.lists(st.tuples(st.text(max_size=12), st.text(max_size=40)), max_size=6))
def test_any_name_and_description_will_do(told: list[tuple[str, str]]) -> None:
    accounts = [kin(str(n), name, description=text) for n, (name, text) in enumerate(told)]
    for group in groups(accounts):
        assert all(pair["reasons"] for pair in group["pairs"])
