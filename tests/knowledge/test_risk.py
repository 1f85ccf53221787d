"""The bounds against their definition, and the threshold they allow."""

from __future__ import annotations

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from knowledge.risk import Decided, Source, lower_bound, stand, upper_bound

RIGHT, WRONG = True, False


def exact(wrong: int, n: int, rate: float) -> float:
    return sum(comb(n, k) * rate**k * (1 - rate) ** (n - k) for k in range(wrong + 1))


@given(st.integers(1, 60), st.data())
def test_bounds_solve_their_equations(n: int, data: st.DataObject) -> None:
    wrong = data.draw(st.integers(0, n))
    low, high = lower_bound(wrong, n), upper_bound(wrong, n)
    assert 0 <= low <= wrong / n <= high <= 1
    if wrong < n:
        assert exact(wrong, n, high) == pytest.approx(0.05, abs=1e-6)
    if wrong:
        assert 1 - exact(wrong - 1, n, low) == pytest.approx(0.05, abs=1e-6)


@pytest.mark.parametrize(("wrong", "n", "bound"), [(0, 299, 0.01), (0, 59, 0.0495), (1, 473, 0.01)])
def test_known_bounds(wrong: int, n: int, bound: float) -> None:
    assert upper_bound(wrong, n) == pytest.approx(bound, abs=2e-4)


def test_the_shipped_threshold_serves_until_there_is_proof() -> None:
    standing = stand([Decided(0.99, RIGHT)] * 50, shipped=0.9, risk=0.01)
    assert (standing.answer_at, standing.source) == (0.9, Source.SHIPPED)
    assert (standing.decisions, standing.wrong, standing.coverage) == (50, 0, 1.0)


def test_enough_right_answers_lower_the_threshold() -> None:
    decided = [Decided(0.95, RIGHT)] * 300 + [Decided(0.8, RIGHT)] * 100
    decided += [Decided(0.5, WRONG)] * 50
    standing = stand(decided, shipped=0.9, risk=0.01)
    assert (standing.answer_at, standing.source) == (0.8, Source.OWN)
    assert standing.bound <= 0.01


def test_wrong_answers_above_the_threshold_stop_automatic_answering() -> None:
    decided = [Decided(0.95, RIGHT)] * 90 + [Decided(0.95, WRONG)] * 10
    standing = stand(decided, shipped=0.9, risk=0.01)
    assert standing.source is Source.WITHHELD
    assert standing.answer_at > 1


def test_a_site_may_ask_for_decisions_first() -> None:
    assert stand([], shipped=0.9, risk=0.01, required=1).source is Source.WITHHELD
    assert stand([], shipped=0.9, risk=0.01).source is Source.SHIPPED


@given(st.lists(st.builds(Decided, st.floats(0, 1), st.booleans()), max_size=80))
def test_a_threshold_of_ones_own_always_keeps_its_bound(decided: list[Decided]) -> None:
    standing = stand(decided, shipped=0.9, risk=0.2)
    if standing.source is Source.OWN:
        above = [one for one in decided if one.probability >= standing.answer_at]
        wrong = sum(not one.right for one in above)
        assert (standing.decisions, standing.wrong) == (len(above), wrong)
        assert upper_bound(wrong, len(above)) <= 0.2
