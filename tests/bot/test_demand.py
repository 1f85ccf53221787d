"""The order of a menu: what is wanted comes first, nothing jumps, pins stay."""

from __future__ import annotations

import itertools

from hypothesis import given
from hypothesis import strategies as st

from bot.demand import LEAST, MARGIN, arranged

NAMES = st.lists(st.sampled_from("甲乙丙丁戊己庚辛壬癸"), unique=True, max_size=10)
WANTED = st.dictionaries(st.sampled_from("甲乙丙丁戊己庚辛壬癸"), st.floats(0, 1000))
WOBBLE = st.floats(-LEAST / 2, LEAST / 2)


@given(NAMES, WANTED, NAMES)
def test_nothing_is_lost_and_pins_keep_their_places(
    before: list[str], demand: dict[str, float], pins: list[str]
) -> None:
    after = arranged(before, demand, pins)
    assert sorted(after) == sorted(before)
    here = [one for one in pins if one in before]
    assert after[: len(here)] == here


@given(NAMES, WANTED, NAMES)
def test_the_same_figures_change_nothing_twice(
    before: list[str], demand: dict[str, float], pins: list[str]
) -> None:
    once = arranged(before, demand, pins)
    assert arranged(once, demand, pins) == once


@given(NAMES, WANTED)
def test_nobody_stands_below_what_is_clearly_less_wanted(
    before: list[str], demand: dict[str, float]
) -> None:
    after = arranged(before, demand)
    for upper, lower in itertools.pairwise(after):
        assert demand.get(lower, 0) <= demand.get(upper, 0) * (1 + MARGIN) + LEAST


@given(NAMES, WANTED)
def test_only_a_clear_lead_lets_an_item_pass(before: list[str], demand: dict[str, float]) -> None:
    after = arranged(before, demand)
    for place, upper in enumerate(before):
        for lower in before[place + 1 :]:
            if after.index(lower) < after.index(upper):
                assert demand.get(lower, 0) > demand.get(upper, 0) * (1 + MARGIN) + LEAST


@given(NAMES, WANTED, st.data())
def test_noise_makes_no_two_change_places_more_than_once(
    before: list[str], demand: dict[str, float], data: st.DataObject
) -> None:
    orders = [before]
    for _ in range(5):
        noisy = {one: demand.get(one, 0) + data.draw(WOBBLE) for one in before}
        orders.append(arranged(orders[-1], noisy))
    for place, upper in enumerate(before):
        for lower in before[place + 1 :]:
            above = [one.index(upper) < one.index(lower) for one in orders]
            assert sum(a != b for a, b in itertools.pairwise(above)) <= 1


def test_what_nobody_asks_for_stays_as_it_was() -> None:
    assert arranged(["甲", "乙", "丙"], {}) == ["甲", "乙", "丙"]
    assert arranged(["甲", "乙", "丙"], {"丙": LEAST}) == ["甲", "乙", "丙"]
    assert arranged(["甲", "乙", "丙"], {"丙": LEAST + 1}) == ["丙", "甲", "乙"]
    assert arranged(["甲", "乙"], {"甲": 100, "乙": 110}) == ["甲", "乙"]
