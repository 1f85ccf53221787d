"""What is asked for at the same time is done together, and nobody suffers from another's lot."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from bot.desk.lots import Lots


class Office:
    """Doubles numbers, lot by lot; refuses what it is told to."""

    def __init__(self) -> None:
        self.lots: list[list[int]] = []
        self.refused: set[int] = set()
        self.open = asyncio.Event()
        self.open.set()

    async def double(self, lot: Sequence[int]) -> list[int]:
        self.lots.append(list(lot))
        await self.open.wait()
        if self.refused & set(lot):
            raise ValueError("refused")
        return [2 * one for one in lot]


@pytest.fixture
def office() -> Office:
    return Office()


async def test_who_comes_alone_is_served_alone(office: Office) -> None:
    lots = Lots(office.double, 10)
    assert [await lots.do(1), await lots.do(2)] == [2, 4]
    assert office.lots == [[1], [2]]


async def test_what_comes_meanwhile_is_done_together(office: Office) -> None:
    lots = Lots(office.double, 3)
    office.open.clear()
    asked = [asyncio.create_task(lots.do(number)) for number in range(6)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    office.open.set()
    assert await asyncio.gather(*asked) == [0, 2, 4, 6, 8, 10]
    assert office.lots == [[0, 1, 2], [3, 4, 5]]


async def test_a_bad_one_spoils_nothing_for_the_others(office: Office) -> None:
    lots = Lots(office.double, 10)
    office.refused = {2}
    found = await asyncio.gather(*(lots.do(one) for one in (1, 2, 3)), return_exceptions=True)
    assert found[0] == 2
    assert isinstance(found[1], ValueError)
    assert found[2] == 6
    assert await lots.do(5) == 10


async def test_a_failure_is_tried_once_more(office: Office) -> None:
    calls = 0

    async def at_the_second_try(lot: Sequence[int]) -> list[int]:
        nonlocal calls
        calls += 1
        if calls == 1:
            raise ValueError("two at once")
        return list(lot)

    assert await Lots(at_the_second_try, 10).do(7) == 7


async def test_groups_and_repeated_ones_go_in_lots_of_their_own_in_order(office: Office) -> None:
    lots = Lots(office.double, 10, group=lambda one: one // 100, one=lambda one: one % 10)
    asked = [1, 2, 11, 101, 3, 21]
    assert await asyncio.gather(*(lots.do(one) for one in asked)) == [2 * one for one in asked]
    assert office.lots == [[1, 2, 3], [11], [101], [21]]


async def test_whoever_asked_may_go_away(office: Office) -> None:
    lots = Lots(office.double, 10)
    office.open.clear()
    gone, stays = asyncio.create_task(lots.do(1)), asyncio.create_task(lots.do(2))
    await asyncio.sleep(0.01)
    gone.cancel()
    office.open.set()
    assert await stays == 4
    assert gone.cancelled() or gone.cancelling()


async def test_what_comes_while_it_rests_goes_together_unless_there_is_a_full_lot(
    office: Office,
) -> None:
    lots = Lots(office.double, 3, rest=0.2)
    assert await lots.do(0) == 0
    asked = [asyncio.create_task(lots.do(1))]
    await asyncio.sleep(0.05)
    asked.append(asyncio.create_task(lots.do(2)))
    assert office.lots == [[0]]
    assert await asyncio.gather(*asked) == [2, 4]
    assert office.lots == [[0], [1, 2]]
    many = await asyncio.wait_for(
        asyncio.gather(*(lots.do(number) for number in range(30))), timeout=1.5
    )
    assert many == [2 * number for number in range(30)]
