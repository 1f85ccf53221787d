"""One contract for signals and rate limits, in process and through Redis."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator

import pytest

from storage.coordination import Coordination, LocalCoordination, RedisCoordination


@pytest.fixture(
    params=["local", pytest.param("redis", marks=pytest.mark.redis)],
)
async def coordination(request: pytest.FixtureRequest) -> AsyncIterator[Coordination]:
    if request.param == "local":
        yield LocalCoordination()
        return
    redis_url = request.getfixturevalue("redis_url")
    shared = RedisCoordination(redis_url, prefix=f"test:{uuid.uuid4().hex}")
    await shared.start()
    yield shared
    await shared.close()


async def test_a_signal_reaches_every_listener_of_its_topic(coordination: Coordination) -> None:
    one, two, other = (coordination.listen(topic) for topic in ("a", "a", "b"))
    coordination.notify("a")
    assert await one.wait(5)
    assert await two.wait(5)
    assert not await other.wait(0.05)


async def test_a_signal_between_two_waits_is_kept(coordination: Coordination) -> None:
    ear = coordination.listen("a")
    coordination.notify("a")
    await asyncio.sleep(0.05)
    assert await ear.wait(1)
    assert not await ear.wait(0.2)


async def test_a_line_takes_its_burst_then_asks_to_wait(coordination: Coordination) -> None:
    line = {"chat": (10.0, 20.0)}
    waits = [await coordination.reserve(line) for _ in range(4)]
    assert waits[:3] == [0.0, 0.0, 0.0]
    assert 9 < waits[3] <= 10


async def test_lines_are_taken_together_or_not_at_all(coordination: Coordination) -> None:
    assert await coordination.reserve({"full": (60.0, 0.0)}) == 0
    assert await coordination.reserve({"full": (60.0, 0.0), "free": (60.0, 0.0)}) > 0
    assert await coordination.reserve({"free": (60.0, 0.0)}) == 0


async def test_a_line_frees_with_time(coordination: Coordination) -> None:
    assert await coordination.reserve({"quick": (0.1, 0.0)}) == 0
    await asyncio.sleep(0.15)
    assert await coordination.reserve({"quick": (0.1, 0.0)}) == 0


@pytest.mark.redis
async def test_processes_share_signals_and_limits(redis_url: str) -> None:
    prefix = f"test:{uuid.uuid4().hex}"
    one, two = RedisCoordination(redis_url, prefix), RedisCoordination(redis_url, prefix)
    await one.start()
    await two.start()
    ear = two.listen("work")
    await asyncio.sleep(0.2)
    one.notify("work")
    assert await ear.wait(5)
    assert await one.reserve({"x": (60.0, 0.0)}) == 0
    assert await two.reserve({"x": (60.0, 0.0)}) > 50
    await one.close()
    await two.close()
