"""What somebody may see of the figures, and the groups that the screen can be opened by."""

from __future__ import annotations

import pytest

from bot.assessment import EVERYWHERE, Assessment, Reach
from bot.clock import Calendar
from tests.figures import CUT_OFF, GUANGDONG, Case, assessment, case, facts

TOWN: tuple[Case, ...] = (
    case("2026-06-01T09:00", "2026-06-01T10:00", department="市公安局"),
    case("2026-06-02T09:30", department="市公安局", account="乙"),
    case("2026-06-29T23:59", department="市民政局"),
    case("2026-06-30T11:00"),
)


def within(reach: Reach) -> Assessment:
    return Assessment(facts(TOWN), GUANGDONG, Calendar(), CUT_OFF, reach)


def test_figures_of_a_department_are_those_of_its_turns_alone() -> None:
    found = within(Reach(departments=("市公安局",))).figures()
    whole = assessment(*TOWN).figures()
    own = {**whole["by_department"]["市公安局"]}
    assert {key: found[key] for key in ("counts", "on_time", "response_hours")} == {
        key: own[key] for key in ("counts", "on_time", "response_hours")
    }
    assert set(found["by_department"]) == {"市公安局"}
    assert set(found["by_account"]) == {"甲", "乙"}


def test_a_list_holds_nothing_out_of_reach() -> None:
    reach = Reach(accounts=("甲",), departments=("市公安局", "市民政局"))
    total, turns = within(reach).turns_behind("counts.original")
    assert (total, [one.case_id for one in turns]) == (2, [1, 3])
    assert within(reach).turns_behind("counts.original", "account", "乙") == (0, [])
    assert within(Reach(departments=("没有",))).figures()["counts"]["original"] == 0


def test_day_hour_and_age_add_up_to_the_whole() -> None:
    town = assessment(*TOWN)
    assert town.counts("counts.original", "day") == {
        "2026-06-01": 1,
        "2026-06-02": 1,
        "2026-06-29": 1,
        "2026-06-30": 1,
    }
    assert town.counts("counts.original", "hour") == {"09": 2, "11": 1, "23": 1}
    assert town.counts("counts.unanswered.all", "age") == {"0-1": 2, "7-30": 1}
    assert town.counts("counts.unanswered.all", "span") == {"0-7": 2, "7-30": 1}
    for key, dimension in (("counts.valid", "hour"), ("counts.unanswered.all", "age")):
        groups = town.counts(key, dimension)
        assert sum(groups.values()) == town.count(key)
        for name, count in groups.items():
            assert town.turns_behind(key, dimension, name)[0] == count


def test_lists_come_in_pages_from_either_end() -> None:
    town = assessment(*TOWN)
    total, page = town.turns_behind("counts.original", limit=2, start=1)
    assert (total, [one.case_id for one in page]) == (4, [2, 3])
    _, newest = town.turns_behind("counts.original", limit=2, newest=True)
    assert [one.case_id for one in newest] == [4, 3]
    assert town.turns_behind("counts.original", limit=2, start=4) == (4, [])


def test_a_part_of_what_somebody_may_see_is_never_more() -> None:
    mine = Reach(departments=("市公安局", "市民政局"))
    assert EVERYWHERE.narrowed(mine) == mine.narrowed(EVERYWHERE) == mine
    one = mine.narrowed(Reach(accounts=("甲",), departments=("市民政局",)))
    assert one == Reach(("甲",), ("市民政局",))
    for other in ("市教育局", ""):
        with pytest.raises(LookupError):
            mine.narrowed(Reach(departments=(other,)))


def test_what_no_department_has_yet_can_be_looked_at_alone() -> None:
    found = within(Reach(departments=("",))).turns_behind("counts.original")
    assert [one.case_id for one in found[1]] == [4]
