from __future__ import annotations

import random
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.assessment.standings import Standings
from bot.assessment.survival import percentiles
from bot.assessment.timeline import Timeline
from bot.clock import SHANGHAI, Calendar, Limit, Unit, due
from bot.deadlines import Profile, profiles, standing
from bot.facts import microseconds
from bot.replay import replay
from bot.triage import Category
from bot.turn import Change, ChangeKind, Happening, Turn
from tests.figures import CUT_OFF, Event, assessment, case, facts, figures, local, told, within

OFFICE_HOURS = Calendar(spans=((time(9), time(12)), (time(13, 30), time(17, 30))))
TWO_OFFICES = Calendar(
    spans=((time(9), time(12)), (time(13, 30), time(17, 30))),
    departments={"市教育局": ((time(8), time(20)),), "市公安局": ()},
)
DONE = "2026-06-01T10:00"


def test_no_data_is_null_and_never_a_hundred_percent() -> None:
    found = figures()
    assert found["counts"]["original"] == 0
    assert found["counts"]["answer_rate"] is None
    assert found["on_time"]["rate"] is found["on_time"]["original_due_rate"] is None
    for unit in ("natural", "working"):
        assert set(found["response_hours"][unit].values()) == {None, 0}
    assert found["satisfaction"]["positive_rate"] is None
    assert found["satisfaction"]["callback"]["rate"] is None
    assert found["resolution"]["rate"] is None
    assert set(found["three_rates"].values()) == {None}
    assert found["by_account"] == found["by_month"] == {}


def test_the_keys_other_programs_rely_on() -> None:
    found = figures(case(answered=DONE))
    assert {"original", "excluded", "valid", "answered", "unanswered"} <= set(found["counts"])
    assert set(found["counts"]["unanswered"]) == {"not_due", "due_soon", "overdue", "over_3_months"}
    for unit in ("natural", "working"):
        assert {"median", "p90", "mean_answered", "n_answered"} <= set(
            found["response_hours"][unit]
        )
    assert {"rate", "original_due_rate", "answered_in_time", "denominator"} <= set(found["on_time"])
    assert {"rated", "positive_rate", "unrated_rate"} <= set(found["satisfaction"])
    assert {"resolved", "rate"} <= set(found["resolution"])
    for name in ("account", "department", "person", "category", "channel", "month"):
        (group,) = found[f"by_{name}"].values()
        assert set(group) == {key for key in found if not key.startswith("by_")}


def test_open_overdue_cases_count_against_the_rate() -> None:
    in_time = case(answered="2026-06-02T10:00")
    late = case(answered="2026-06-20T10:00")
    overdue = case()
    not_due = case("2026-06-30T09:00")
    found = figures(in_time, late, overdue, not_due)["on_time"]
    assert found["rate"] == pytest.approx(1 / 3, abs=1e-6)
    assert (found["answered_in_time"], found["denominator"]) == (1, 3)
    assert (found["answered_late"], found["open_overdue"]) == (1, 1)


def test_open_cases_stand_in_one_place_each() -> None:
    found = figures(
        case("2026-06-30T11:00"),
        case("2026-06-26T11:00"),
        case("2026-06-01T11:00"),
        case("2026-01-05T11:00"),
    )
    assert found["counts"]["unanswered"] == {
        "not_due": 1,
        "due_soon": 1,
        "overdue": 1,
        "over_3_months": 1,
    }


def test_what_needs_no_answer_is_set_apart_and_shown() -> None:
    found = figures(
        case(),
        case(category=Category.THANKS),
        case(category=Category.AD),
        case(excluded="malicious"),
        case(excluded="legal_channel", category=Category.CHAT),
    )
    counts = found["counts"]
    assert (counts["original"], counts["excluded"], counts["valid"]) == (5, 4, 1)
    assert counts["excluded_by"] == {"感谢": 1, "广告": 1, "恶意": 1, "法定途径": 1}
    assert list(found["by_category"]) == ["咨询", "广告", "感谢", "闲聊"]


def test_merged_originals_are_counted_apart() -> None:
    counts = figures(case(answered=DONE), case(merged=True), case(merged=True))["counts"]
    assert (counts["original"], counts["valid"], counts["merged"]) == (1, 1, 2)


def test_what_the_citizen_takes_back_in_time_is_excluded_and_late_it_stays_overdue() -> None:
    early = case(withdrawn_at=local("2026-06-02T09:00"))
    late = case(withdrawn_at=local("2026-06-08T09:00"))
    found = figures(early, late)
    assert found["counts"]["excluded_by"] == {"群众撤回": 1}
    assert (found["counts"]["valid"], found["on_time"]["open_overdue"]) == (1, 1)
    assert found["traces"]["withdrawn"] == 2


def test_ignoring_people_cannot_improve_the_median() -> None:
    slow = [case(answered=f"2026-06-0{day}T09:00") for day in range(2, 9)]
    ignored = [case() for _ in slow]
    honest = figures(*slow)["response_hours"]["natural"]
    gamed = figures(*slow[:2], *ignored)["response_hours"]["natural"]
    assert honest["median"] == 96.0
    assert gamed["median"] is None
    assert gamed["median_exceeds"] == pytest.approx(29 * 24 + 3)
    assert gamed["mean_answered"] == 36.0
    assert (gamed["n_answered"], gamed["n_open"]) == (2, 7)


def test_what_comes_after_the_cut_off_is_not_known_yet() -> None:
    later = Change(ChangeKind.CATEGORY, local("2026-07-01T09:00"), to="投诉")
    found = figures(
        case("2026-06-29T09:00", "2026-07-15T09:00", changes=(later,)),
        case("2026-07-02T09:00"),
    )
    assert (found["counts"]["original"], found["counts"]["answered"]) == (1, 0)
    assert list(found["by_category"]) == ["咨询"]
    assert list(found["by_month"]) == ["2026-06"]


def test_groups_have_their_own_figures() -> None:
    found = figures(
        case(answered=DONE, department="市教育局", person="staff:1"),
        case(account="乙", category=Category.COMPLAINT),
    )
    assert found["by_account"]["甲"]["counts"]["answer_rate"] == 1.0
    assert found["by_account"]["乙"]["counts"]["answer_rate"] == 0.0
    assert {name: one["counts"]["valid"] for name, one in found["by_department"].items()} == {
        "": 1,
        "市教育局": 1,
    }
    assert list(found["by_person"]) == ["", "staff:1"]
    assert list(found["by_category"]) == ["咨询", "投诉"]
    assert found["by_channel"]["网站"]["counts"]["original"] == 2
    assert found["by_month"]["2026-06"] == {
        key: value for key, value in found.items() if not key.startswith("by_")
    }


def test_months_are_those_in_china() -> None:
    midnight = local("2026-06-01T00:00")
    found = figures(case("2026-05-31T23:59"), ("甲", [Turn(1, midnight.astimezone(UTC))]))
    assert {name: one["counts"]["original"] for name, one in found["by_month"].items()} == {
        "2026-05": 1,
        "2026-06": 1,
    }


def test_silence_is_shown_and_not_praise() -> None:
    found = figures(
        case(answered=DONE, grade=1),
        case(answered=DONE, grade=3),
        case(answered=DONE, grade=5),
        case(answered=DONE),
    )["satisfaction"]
    assert found["positive_rate"] == pytest.approx(2 / 3, abs=1e-6)
    assert (found["rated"], found["unrated_rate"]) == (3, 0.25)
    assert (found["very_satisfied"], found["very_dissatisfied"]) == (1, 1)


def test_callbacks_for_poor_grades() -> None:
    called: dict[str, Any] = {
        "callback_due": local("2026-06-08T00:00"),
        "callback_at": local("2026-06-05T10:00"),
    }
    found = figures(
        case(answered=DONE, grade=5, callback_outcome="rectified", **called),
        case(answered=DONE, grade=4, callback_outcome="unreachable", **called),
        case(answered=DONE, grade=4, callback_due=local("2026-06-08T00:00")),
        case(answered=DONE, grade=4),
        case(answered=DONE, grade=1),
    )["satisfaction"]
    assert found["negative"] == 4
    assert found["callback"] == {
        "rectified": 1,
        "explained": 0,
        "unreachable": 1,
        "reached": 1,
        "in_time": 1,
        "open_overdue": 1,
        "rate": 0.25,
        "rectified_rate": 0.25,
    }


def test_resolved_by_silence_is_not_confirmed() -> None:
    found = figures(
        case(answered=DONE, resolved=True, solved=True),
        case(answered=DONE, resolved=True),
        case(reopened=True, solved=False),
    )["resolution"]
    assert (found["resolved"], found["confirmed"], found["reopened"]) == (2, 1, 1)
    assert found["rate"] == pytest.approx(2 / 3, abs=1e-6)


def test_the_three_rates_and_their_composite() -> None:
    found = figures(
        case(answered=DONE, solved=True, resolved=True, grade=2),
        case(answered=DONE, solved=True, resolved=True, grade=3),
        case(answered="2026-06-20T10:00", solved=False, grade=4),
        case(answered=DONE),
    )["three_rates"]
    assert found["response"] == 0.75
    assert found["resolution"] == pytest.approx(2 / 3, abs=1e-6)
    assert found["satisfaction"] == pytest.approx(1.9 / 3, abs=1e-6)
    expected = 0.1 * 0.75 + 0.5 * 2 / 3 + 0.4 * 1.9 / 3
    assert found["composite"] == pytest.approx(expected, abs=1e-6)


def test_both_on_time_rates() -> None:
    asked: Event = ("extension_requested", 24, {}, "staff:1")
    approved: Event = ("extension_approved", 30, {"amount": 5}, "staff:3")
    found = figures(
        told(("due_set", 0, {"category": "咨询"}), asked, approved, ("replied", 24 * 5)),
        told(("replied", 5)),
    )["on_time"]
    assert (found["rate"], found["original_due_rate"]) == (1.0, 0.5)
    assert found["original"]["answered_late"] == 1


def test_who_was_answered_by_a_pin_is_counted_apart_until_it_did_not_help() -> None:
    pinned = ("replied", 5, {"pinned": True})
    cases = (
        told(("replied", 3)),
        told(pinned),
        told(pinned, ("not_helpful", 6)),
        told(pinned, ("not_helpful", 6), ("replied", 9)),
        told(),
    )
    found = assessment(*cases)
    counts = found.figures()["counts"]
    assert (counts["answered"], counts["answered_by_pin"]) == (3, 1)
    assert counts["pin_rate"] == pytest.approx(1 / 3)
    assert found.cases_behind("counts.answered_by_pin") == [2]
    assert found.cases_behind("counts.pin_rate") == [1, 2, 4]
    assert figures(told())["counts"]["pin_rate"] is None


def test_acceptance_is_timed_where_the_profile_says_when() -> None:
    """受理 within one working day; the case of the last day is not due yet."""
    claim = {"staff": "staff:1"}
    cases = (
        told(("assigned", 5, claim, "staff:1")),
        told(("assigned", 60, claim, "staff:1"), ("replied", 70)),
        told(("replied", 2, {"automatic": True})),
        told(("acknowledged", 1)),
        told(("acknowledged", 1), start=local("2026-06-30T09:00")),
        told(("assigned", 900, claim, "staff:1")),
        told(("imported", 0), ("replied", 900)),
    )
    found = assessment(*cases)
    assert found.figures()["acceptance"] == {
        "rate": 0.4,
        "in_time": 2,
        "late": 1,
        "open_overdue": 2,
        "denominator": 5,
    }
    assert found.cases_behind("acceptance.open_overdue") == [4, 6]
    assert found.cases_behind("acceptance.rate") == [1, 2, 3, 4, 6]
    unsaid = figures(*cases, profile=within(5))["acceptance"]
    assert (unsaid["rate"], unsaid["denominator"]) == (None, 0)


def test_pauses_are_not_working_time_but_people_waited_all_the_same() -> None:
    pause: tuple[Event, ...] = (("paused", 24, {}), ("unpaused", 48, {}))
    found = figures(told(("due_set", 0), *pause, ("replied", 72)))
    assert found["response_hours"]["natural"]["median"] == 72.0
    assert found["response_hours"]["working"]["median"] == 48.0
    assert (found["traces"]["paused"], found["traces"]["paused_hours"]) == (1, 24.0)


def test_fixed_numbers_of_workdays_know_no_extension_and_count_the_overdue() -> None:
    asked: Event = ("extension_requested", 24, {}, "staff:1")
    approved: Event = ("extension_approved", 30, {"amount": 15}, "staff:3")
    extended = told(("due_set", 0, {"category": "咨询"}), asked, approved, ("replied", 24 * 9))
    within_days = figures(extended, case(), case("2026-06-30T09:00"))["on_time"]["within"]
    assert within_days["2"] == {
        "rate": 0.0,
        "answered_in_time": 0,
        "answered_late": 1,
        "open_overdue": 1,
        "denominator": 2,
    }
    assert within_days["10"]["rate"] == 0.5
    by_hours = figures(
        case("2026-06-01T09:00", "2026-06-03T18:00", department="市教育局"),
        case("2026-06-01T09:00", "2026-06-03T21:00", department="市教育局"),
        calendar=TWO_OFFICES,
    )["on_time"]["within"]
    assert by_hours["2"]["answered_in_time"] == 1


def test_who_asks_anew_is_counted_again() -> None:
    found = assessment(told(("replied", 2), ("reopened", 30, {"reason": "edited"})))
    counts = found.figures()["counts"]
    assert (counts["original"], counts["later_turns"], counts["answered"]) == (2, 1, 1)
    assert found.cases_behind("counts.original") == [1]


def test_each_figure_opens_the_cases_behind_it() -> None:
    found = assessment(
        case("2026-06-03T09:00"),
        case("2026-06-02T09:00", account="乙"),
        case("2026-06-01T09:00", "2026-06-01T10:00"),
        case(category=Category.AD),
    )
    assert found.cases_behind("counts.unanswered.overdue") == [2, 1]
    assert found.cases_behind("counts.unanswered.overdue", "account", "乙") == [2]
    assert found.cases_behind("on_time.rate") == [3, 2, 1]
    assert found.cases_behind("response_hours.working.p90") == [3, 2, 1]
    assert found.cases_behind("counts.excluded_by.广告") == [4]
    for unknown in (
        ("nothing",),
        ("counts.valid", "account", "丙"),
        ("counts.valid", "colour", ""),
    ):
        with pytest.raises(KeyError):
            found.cases_behind(*unknown)


def test_every_count_can_be_opened() -> None:
    found = assessment(
        case(answered=DONE, grade=4), case(), case(merged=True), case(excluded="malicious")
    )

    def opened(figures: dict[str, Any], prefix: str = "") -> None:
        for name, value in figures.items():
            if isinstance(value, dict):
                opened(value, f"{prefix}{name}.")
            elif f"{prefix}{name}" not in ("traces.paused_hours", "traces.moved_away"):
                cases = found.cases_behind(f"{prefix}{name}")
                assert not isinstance(value, int) or "_hours" in prefix or len(cases) == value

    opened(found.figures(()))


@given(
    start=st.datetimes(datetime(2025, 12, 20), datetime(2026, 3, 1)),  # noqa: DTZ001
    hours=st.floats(0, 24 * 60),
    calendar=st.sampled_from([Calendar(), OFFICE_HOURS]),
)
@settings(max_examples=200, deadline=None)
def test_looked_up_working_time_is_walked_working_time(
    start: datetime, hours: float, calendar: Calendar
) -> None:
    begin = start.replace(tzinfo=SHANGHAI, microsecond=0)
    length = timedelta(seconds=round(hours * 3600))
    timeline = Timeline(calendar, date(2025, 12, 20), date(2026, 5, 31))
    moments = np.array([microseconds(begin), microseconds(begin + length)])
    worked = timeline.worked(moments)
    found = timedelta(microseconds=int(worked[1] - worked[0]))
    assert found == calendar.working_time(begin, begin + length)
    later = timeline.later(moments[:1], np.array([length // timedelta(microseconds=1)]))
    assert int(later[0]) == microseconds(calendar.later(begin, length))


MIXED = Profile(
    "mixed",
    "测试",
    "测试",
    None,
    None,
    {
        Category.CONSULT: Limit(2, Unit.WORKDAY),
        Category.HELP: Limit(30, Unit.HOUR),
        Category.COMPLAINT: Limit(7, Unit.DAY),
    },
    Limit(10, Unit.WORKDAY),
)
moves = st.tuples(
    st.sampled_from(
        ["category_changed", "transferred", "paused", "unpaused", "asked", "approved", "replied"]
    ),
    st.integers(0, 40 * 60),
    st.sampled_from(["咨询", "求助", "投诉", "建议"]),
    st.sampled_from(["市教育局", "市公安局", "市民政局", ""]),
    st.integers(1, 8),
)


def _happening(start: datetime, move: tuple[str, int, str, str, int]) -> Happening:
    kind, minutes, category, department, amount = move
    at = start + timedelta(minutes=17 * minutes)
    data: dict[str, dict[str, Any]] = {
        "category_changed": {"to": category},
        "transferred": {"to": department},
        "approved": {"amount": amount},
    }
    names = {"asked": "extension_requested", "approved": "extension_approved"}
    actor = "staff:1" if kind == "asked" else "staff:3"
    return Happening(names.get(kind, kind), at, data.get(kind, {}), actor)


@given(
    start=st.datetimes(datetime(2026, 1, 20), datetime(2026, 12, 20)),  # noqa: DTZ001
    moved=st.lists(st.lists(moves, max_size=7), min_size=1, max_size=4),
    calendar=st.sampled_from([Calendar(), OFFICE_HOURS, TWO_OFFICES]),
    profile=st.sampled_from([MIXED, profiles()["guangdong_2022"], profiles()["beijing"]]),
    after=st.integers(0, 40),
)
@settings(max_examples=300, deadline=None)
def test_a_million_turns_stand_as_each_does_alone(
    start: datetime,
    moved: list[list[tuple[str, int, str, str, int]]],
    calendar: Calendar,
    profile: Profile,
    after: int,
) -> None:
    begin = start.replace(tzinfo=SHANGHAI)
    cut_off = begin + timedelta(days=after, hours=1)
    cases = []
    for number, moves_of_one in enumerate(moved):
        opened = begin + timedelta(hours=number)
        promised = Happening("due_set", opened, {"category": "咨询", "department": "市公安局"})
        rest = sorted((_happening(opened, one) for one in moves_of_one), key=lambda one: one.at)
        cases.append(("甲", replay([Happening("opened", opened), promised, *rest])))
    found = Standings(facts(cases), profile, calendar, cut_off)
    for place, (_, (turn,)) in enumerate(cases):
        alone = standing(turn, profile, calendar, cut_off)
        words = found.facts.words
        assert int(found.due[place]) == microseconds(alone.due.at)
        assert int(found.original[place]) == microseconds(alone.original.at)
        assert bool(found.provisional[place]) == alone.due.provisional
        assert words[int(found.department[place])] == alone.department
        assert words[int(found.category[place])] == alone.category
        assert int(found.paused[place]) == alone.paused // timedelta(microseconds=1)
        soon = profile.acceptance and due(
            turn.start, profile.acceptance, calendar.of(turn.department)
        )
        assert int(found.acceptance_due()[place]) == (microseconds(soon.at) if soon else 0)
        end = min(turn.stop or cut_off, cut_off)
        if turn.start <= end:
            own = calendar.of(alone.department)
            worked = own.working_time(turn.start, end) - alone.paused
            assert int(found.worked()[place]) == worked // timedelta(microseconds=1)


def km(times: list[tuple[float, bool]], *shares: float) -> list[float | None]:
    ordered = sorted(times, key=lambda one: (one[0], not one[1]))
    return percentiles(
        np.array([hours for hours, _ in ordered], float),
        np.array([ended for _, ended in ordered], bool),
        shares,
    )


def test_percentiles_against_a_hand_worked_example() -> None:
    # At risk 6, 5, (censored), 3, (censored), 1: S = 5/6, 4/6, 4/9, 0.
    times = [(1.0, True), (2.0, True), (3.0, False), (4.0, True), (5.0, False), (6.0, True)]
    assert km(times, 0.1, 1 / 3, 0.5, 0.9) == [1.0, 2.0, 4.0, 6.0]
    assert km([(1.0, True), (2.0, False), (3.0, False)], 0.3, 0.5) == [1.0, None]
    assert km([], 0.5) == [None]


@given(st.lists(st.tuples(st.integers(1, 30), st.booleans()), min_size=1, max_size=60))
@settings(max_examples=200, deadline=None)
def test_percentiles_against_a_plain_loop(times: list[tuple[int, bool]]) -> None:
    surviving, reached = 1.0, {0.5: None, 0.9: None}
    for moment in sorted({hours for hours, _ in times}):
        at_risk = sum(hours >= moment for hours, _ in times)
        ended = sum(hours == moment and done for hours, done in times)
        surviving *= (at_risk - ended) / at_risk
        for share in reached:
            if reached[share] is None and 1 - surviving >= share - 1e-9 and ended:
                reached[share] = moment  # type: ignore[assignment]
    assert km([(float(hours), done) for hours, done in times], 0.5, 0.9) == list(reached.values())


@given(st.lists(st.integers(1, 30), min_size=1, max_size=60))
@settings(max_examples=100, deadline=None)
def test_without_open_cases_percentiles_are_plain_ones(hours: list[int]) -> None:
    median, p90 = km([(float(one), True) for one in hours], 0.5, 0.9)
    ordered = sorted(hours)
    assert median == ordered[-(-len(hours) // 2) - 1]
    assert p90 == ordered[-(-len(hours) * 9 // 10) - 1]


@pytest.mark.parametrize("calendar", [Calendar(), OFFICE_HOURS])
@pytest.mark.parametrize("days", [2, 5, 10, 15])
def test_the_figures_against_plain_loops(calendar: Calendar, days: int) -> None:
    dice = random.Random(days)
    start = datetime(2025, 9, 1, tzinfo=UTC)
    turns = []
    for _ in range(150):
        opened = start + timedelta(minutes=dice.randrange(60 * 24 * 200))
        wait = timedelta(minutes=int(dice.expovariate(1 / 9000)))
        turns.append(Turn(1, opened, Category.HELP, stop=opened + wait))
    cut_off = max(one.stop for one in turns if one.stop) + timedelta(days=1)
    found = figures(
        *(("甲", [one]) for one in turns), calendar=calendar, profile=within(days), cut_off=cut_off
    )
    natural, working, in_time = [], [], 0
    for one in turns:
        assert one.stop is not None
        natural.append((one.stop - one.start).total_seconds())
        working.append(calendar.working_seconds(one.start, one.stop))
        limit = due(one.start, Limit(days, Unit.WORKDAY), calendar)
        in_time += one.stop <= limit.at
    hours = found["response_hours"]
    assert hours["natural"]["median"] == pytest.approx(sorted(natural)[74] / 3600, abs=1e-4)
    assert hours["natural"]["p90"] == pytest.approx(sorted(natural)[134] / 3600, abs=1e-4)
    assert hours["working"]["median"] == pytest.approx(sorted(working)[74] / 3600, abs=1e-4)
    assert hours["working"]["p90"] == pytest.approx(sorted(working)[134] / 3600, abs=1e-4)
    assert hours["working"]["mean_answered"] == pytest.approx(sum(working) / 150 / 3600, abs=1e-4)
    assert found["on_time"]["answered_in_time"] == in_time
    assert found["on_time"]["rate"] == pytest.approx(in_time / 150, abs=1e-6)
    for limit_days, within_days in found["on_time"]["within"].items():
        workdays = Limit(int(limit_days), Unit.WORKDAY)
        kept = sum(one.stop <= due(one.start, workdays, calendar).at for one in turns if one.stop)
        assert (within_days["answered_in_time"], within_days["denominator"]) == (kept, 150)


def test_due_times_without_official_calendar_are_counted_as_provisional() -> None:
    opened = local("2027-03-01T09:00")
    beyond = ("甲", [Turn(1, opened, Category.HELP, stop=opened + timedelta(hours=1))])
    found = figures(beyond, case(), profile=within(5), cut_off=local("2027-04-01T00:00"))
    assert found["counts"]["provisional_due"] == 1


def test_figures_of_nothing_but_the_future() -> None:
    assert figures(case("2027-01-01T09:00"), cut_off=CUT_OFF)["counts"]["original"] == 0
