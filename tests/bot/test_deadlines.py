from __future__ import annotations

from datetime import datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.clock import SHANGHAI, Calendar, Due, Limit, Unit, due
from bot.deadlines import (
    DEFAULT_PROFILE,
    due_for,
    escalation_points,
    next_point,
    overdue_points,
    parse_profile,
    profiles,
)
from bot.triage import Category

OFFICE = Calendar(spans=((time(9), time(12)), (time(14), time(17, 30))))
WHOLE = Calendar()
FIRST, LAST = datetime(2025, 1, 1), datetime(2027, 3, 1)  # noqa: DTZ001


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


def test_the_shipped_profiles_name_their_basis() -> None:
    shipped = profiles()
    assert DEFAULT_PROFILE in shipped
    assert set(shipped) == {"guangdong_2022", "weifang_jinan", "beijing", "hotline"}
    for key, profile in shipped.items():
        assert profile.key == key
        assert profile.basis
        assert "国家规定" not in profile.name + profile.basis


def test_the_shipped_profiles_say_since_when_they_hold() -> None:
    told = {key: profile.effective for key, profile in profiles().items()}
    assert told == {
        "guangdong_2022": "2022 年 9 月公布，具体施行日没有查到",
        "weifang_jinan": "2018-09-01 起施行（济南条例的施行日；潍坊条例的没有查到）",
        "beijing": "征求意见稿，没有施行",
        "hotline": "2017-07-01 起施行",
    }


@pytest.mark.parametrize(
    ("category", "days"),
    [
        (Category.CONSULT, 2),
        (Category.HELP, 10),
        (Category.SUGGESTION, 10),
        (Category.COMPLAINT, 15),
        (Category.REPORT, 15),
        (Category.CHAT, 2),
    ],
)
def test_guangdong(category: Category, days: int) -> None:
    profile = profiles()["guangdong_2022"]
    assert profile.limit(category) == Limit(days, Unit.WORKDAY)
    assert profile.acceptance == Limit(1, Unit.WORKDAY)


def test_the_other_profiles() -> None:
    shipped = profiles()
    assert shipped["weifang_jinan"].limit(Category.REPORT) == Limit(5, Unit.WORKDAY)
    beijing = shipped["beijing"]
    assert beijing.acceptance == Limit(2, Unit.HOUR)
    assert beijing.limit(Category.COMPLAINT) == Limit(7, Unit.DAY)
    assert beijing.limit(Category.COMPLAINT, "突发") == Limit(2, Unit.HOUR)
    assert beijing.limit(Category.COMPLAINT, "水电气热") == Limit(24, Unit.HOUR)
    assert beijing.limit(Category.COMPLAINT, "疑难") == Limit(15, Unit.DAY)
    assert shipped["hotline"].acceptance == Limit(3, Unit.MINUTE)
    assert shipped["hotline"].limit(Category.CONSULT) == Limit(24, Unit.HOUR)


def test_an_unknown_grade_lists_the_known_ones() -> None:
    with pytest.raises(ValueError, match="突发、水电气热、疑难"):
        profiles()["beijing"].limit(Category.HELP, "加急")
    with pytest.raises(ValueError, match="可用的分级：无"):
        profiles()["guangdong_2022"].limit(Category.HELP, "加急")


def test_due_for_uses_the_limit_of_the_category() -> None:
    start = at("2026-11-20T10:00")
    profile = profiles()["guangdong_2022"]
    assert due_for(profile, Category.CONSULT, start, WHOLE).at == at("2026-11-25T00:00")
    graded = due_for(profiles()["beijing"], Category.HELP, start, WHOLE, "突发")
    assert graded.at == at("2026-11-20T12:00")


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ({"name": "某市", "basis": "某文"}, "缺少 fallback"),
        ({"name": "某市", "basis": "某文", "fallback": {"amount": 1}}, "缺少 unit"),
        ({"name": "某市", "basis": "某文", "fallback": {"amount": 1, "unit": "周"}}, "有误"),
        ({"name": "某市", "basis": "某文", "fallback": {"amount": 0, "unit": "日"}}, "正整数"),
        ({"name": "某市", "basis": "某文", "fallback": 3}, "有误"),
        (
            {
                "name": "某市",
                "basis": "某文",
                "fallback": {"amount": 1, "unit": "日"},
                "limits": {"提问": {"amount": 1, "unit": "日"}},
            },
            "有误",
        ),
    ],
)
def test_a_faulty_profile_is_refused_by_name(row: dict[str, object], message: str) -> None:
    with pytest.raises(ValueError, match=message) as error:
        parse_profile("mine", row)
    assert "mine" in str(error.value)


def test_reminders_of_a_workday_limit() -> None:
    start = at("2026-09-30T15:00")
    end = due(start, Limit(5, Unit.WORKDAY), OFFICE)
    assert escalation_points(start, end, OFFICE) == [
        ("half", at("2026-10-10T11:00")),
        ("last_day", at("2026-10-13T09:00")),
        ("due", at("2026-10-13T17:30")),
    ]


def test_reminders_of_an_hour_limit_know_no_last_day() -> None:
    start = at("2026-11-20T10:00")
    end = due(start, Limit(2, Unit.HOUR), OFFICE)
    assert [name for name, _ in escalation_points(start, end, OFFICE)] == ["half", "due"]


def test_reminders_on_a_holiday_use_natural_time() -> None:
    start = at("2026-10-02T10:00")
    end = due(start, Limit(2, Unit.HOUR), OFFICE)
    assert escalation_points(start, end, OFFICE)[0] == ("half", at("2026-10-02T11:00"))


def test_a_due_time_before_the_start_leaves_only_due() -> None:
    start = at("2026-11-20T10:00")
    end = Due(start - timedelta(hours=1), False, WHOLE.version)
    assert escalation_points(start, end, WHOLE) == [("due", end.at)]


starts = st.datetimes(FIRST, LAST).map(
    lambda moment: moment.replace(microsecond=0, tzinfo=SHANGHAI)
)
limits = st.builds(Limit, st.integers(1, 15), st.sampled_from(list(Unit)))


@settings(max_examples=100, deadline=None)
@given(starts, limits, st.sampled_from([WHOLE, OFFICE]))
def test_reminders_lie_between_start_and_due(
    start: datetime, limit: Limit, calendar: Calendar
) -> None:
    end = due(start, limit, calendar)
    points = escalation_points(start, end, calendar)
    moments = [moment for _, moment in points]
    assert moments == sorted(moments)
    assert points[-1] == ("due", end.at)
    assert all(start <= moment <= end.at for moment in moments)
    last_day = dict(points).get("last_day")
    if last_day is not None:
        assert calendar.working_seconds(last_day, end.at) == calendar.day_seconds


def test_overdue_reminders_come_each_working_day() -> None:
    end = Due(at("2026-09-29T17:30"), False, OFFICE.version)
    assert overdue_points(end, at("2026-10-09T09:00"), OFFICE) == [
        ("overdue_1", at("2026-09-30T09:00")),
        ("overdue_2", at("2026-10-08T09:00")),
        ("overdue_3", at("2026-10-09T09:00")),
    ]


def test_the_due_reminder_is_not_repeated_as_overdue() -> None:
    end = Due(at("2026-11-25T00:00"), False, WHOLE.version)
    assert overdue_points(end, at("2026-11-25T23:00"), WHOLE) == []
    assert overdue_points(end, at("2026-11-26T00:00"), WHOLE) == [
        ("overdue_1", at("2026-11-26T00:00"))
    ]
    assert overdue_points(end, at("2026-11-01T00:00"), WHOLE) == []


@settings(max_examples=50, deadline=None)
@given(starts, st.integers(0, 60), st.integers(0, 60))
def test_overdue_reminders_only_grow(start: datetime, first: int, more: int) -> None:
    end = due(start, Limit(1, Unit.WORKDAY), OFFICE)
    early = overdue_points(end, end.at + timedelta(days=first), OFFICE)
    late = overdue_points(end, end.at + timedelta(days=first + more), OFFICE)
    assert late[: len(early)] == early
    assert len({name for name, _ in late}) == len(late)


@settings(max_examples=100, deadline=None)
@given(starts, limits, st.integers(-100, 1000), st.sampled_from([WHOLE, OFFICE]))
def test_the_next_reminder_is_the_first_one_later(
    start: datetime, limit: Limit, hours: int, calendar: Calendar
) -> None:
    end, after = due(start, limit, calendar), start + timedelta(hours=hours)
    found = next_point(start, end, calendar, after)
    far = max(end.at, after) + timedelta(days=20)
    points = [*escalation_points(start, end, calendar), *overdue_points(end, far, calendar)]
    assert found == min(moment for _, moment in points if moment > after)
