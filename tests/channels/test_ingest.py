"""Answers for platforms without a connector: places, parts, and pushing to a real server."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as some
from starlette.responses import Response

from bot.channels.base import (
    Outgoing,
    RateLimitedError,
    RejectedError,
    SendError,
    UnreachableError,
)
from bot.channels.ingest import WebhookChannel
from bot.channels.waiting import WaitingChannel
from bot.channels.wire import Spot, wire
from tests.ingesting import CAN, SECRET, Receiver, receiving

IDS = some.text(some.characters(exclude_categories=["Cs"]), max_size=20)


@given(IDS, IDS, IDS)
def test_a_place_says_again_what_it_was_made_of(citizen: str, post: str, thread: str) -> None:
    spot = Spot("comment", citizen, post, thread)
    assert Spot.of(spot.place) == spot
    assert Spot.of(Spot("direct", citizen).place) == Spot("direct", citizen)


def test_no_id_can_be_taken_for_another() -> None:
    spots = [
        Spot("comment", "a/b", "c", ""),
        Spot("comment", "a", "b/c", ""),
        Spot("comment", "a", "b", "c"),
        Spot("direct", "a/b/c"),
    ]
    assert len({spot.place for spot in spots}) == 4


def test_what_is_too_long_for_one_post_comes_in_parts() -> None:
    text = "带户口簿到派出所补领。" * 10
    told = wire("5", Spot("direct", "u7").place, Outgoing(text), 50)
    assert told["text"] == text == "".join(told["parts"])
    assert all(len(part) <= 50 and part.endswith("。") for part in told["parts"])


async def test_what_waits_leaves_nothing_and_says_how_it_goes_out() -> None:
    channel = WaitingChannel(CAN, "由对方来取答复")
    assert await channel.send("direct/u7", Outgoing("好")) == ""
    assert await channel.probe() == "由对方来取答复"
    await channel.close()


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    async with receiving() as receiver:
        yield receiver


@pytest.fixture
async def channel(receiver: Receiver) -> AsyncIterator[WebhookChannel]:
    opened = WebhookChannel("weibo", receiver.url, "1", SECRET, replace(CAN, awaits=""))
    yield opened
    await opened.close()


async def test_an_answer_is_pushed_signed(channel: WebhookChannel, receiver: Receiver) -> None:
    place = Spot("comment", "u7", "p1", "t2").place
    outgoing = Outgoing("带户口簿补领。", reply_to="c1", key="41")
    assert await channel.send(place, outgoing) == "w99"
    assert receiver.pushed == [
        {
            "type": "reply",
            "source": "weibo",
            "id": "41",
            "kind": "comment",
            "citizen_id": "u7",
            "post_id": "p1",
            "thread_id": "t2",
            "reply_to": "c1",
            "text": "带户口簿补领。",
            "parts": ["带户口簿补领。"],
        }
    ]


@pytest.mark.parametrize(
    "answer", [b"", b"ok", b"[]", b'{"external_id": 5}', b"{" * 100, b"\xff" * 100_000]
)
async def test_without_an_id_the_answer_keeps_ours(
    channel: WebhookChannel, receiver: Receiver, answer: bytes
) -> None:
    receiver.answers.append(lambda: Response(answer))
    assert await channel.send("direct/u7", Outgoing("好", key="41")) == "41"


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (404, UnreachableError),
        (410, UnreachableError),
        (400, RejectedError),
        (422, RejectedError),
        (429, RateLimitedError),
        (401, SendError),
        (302, SendError),
        (500, SendError),
        (503, SendError),
    ],
)
async def test_a_refusal_is_told_in_the_desks_terms(
    channel: WebhookChannel, receiver: Receiver, status: int, kind: type[SendError]
) -> None:
    receiver.answers.append(_status(status, location=receiver.url))
    with pytest.raises(SendError) as refused:
        await channel.send("direct/u7", Outgoing("秘密", key="41"))
    assert type(refused.value) is kind and "秘密" not in str(refused.value)
    assert len(receiver.pushed) == 1


@pytest.mark.parametrize(
    ("told", "seconds"), [("7", 7), ("0", 1), ("999999", 3600), ("", 30), ("Fri", 30)]
)
async def test_it_waits_as_long_as_it_is_asked_to(
    channel: WebhookChannel, receiver: Receiver, told: str, seconds: float
) -> None:
    receiver.answers.append(_status(429, **{"retry-after": told}))
    with pytest.raises(RateLimitedError) as refused:
        await channel.send("direct/u7", Outgoing("好", key="41"))
    assert refused.value.after == seconds


async def test_a_server_that_is_not_there_may_come_back() -> None:
    channel = WebhookChannel("weibo", "http://127.0.0.1:9/push", "1", SECRET, CAN)
    with pytest.raises(SendError, match="推送不通"):
        await channel.send("direct/u7", Outgoing("好", key="41"))
    await channel.close()


async def test_the_connection_can_be_tried(channel: WebhookChannel, receiver: Receiver) -> None:
    assert "127.0.0.1" in await channel.probe()
    assert receiver.pushed == [{"type": "ping", "source": "weibo"}]


def _status(status: int, **headers: str) -> Callable[[], Response]:
    return lambda: Response(status_code=status, headers=headers)
