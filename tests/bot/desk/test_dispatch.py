"""The outbox: order, retries, limits, refusals."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.channels.base import RateLimitedError, RejectedError, SendError, UnreachableError
from storage.models import Citizen, Delivery
from tests.support import STAFF_PLACE, Town


async def _deliveries(town: Town, purpose: str = "reply") -> list[Delivery]:
    return [row for row in await town.rows(Delivery) if row.purpose == purpose]


async def test_failed_send_is_tried_again(town: Town) -> None:
    town.channel.failures = [SendError("网络中断"), SendError("502")]
    case_id = await town.ask("身份证丢了怎么补办？")
    assert len(town.to("7001")) == 1
    assert (await town.case(case_id)).state == "answered"
    assert (await _deliveries(town))[0].attempts == 3


async def test_rate_limit_costs_no_attempt(town: Town) -> None:
    town.channel.failures = [RateLimitedError(1.0)] * 20
    await town.ask("身份证丢了怎么补办？")
    assert (await _deliveries(town))[0].attempts == 1
    assert len(town.to("7001")) == 1


async def test_blocked_citizen_is_marked_and_put_before_staff(town: Town) -> None:
    town.channel.failures = [UnreachableError("bot was blocked")]
    case_id = await town.ask("身份证丢了怎么补办？")
    case = await town.case(case_id)
    assert (case.state, case.answered_at) == ("waiting", None)
    assert "replied" not in await town.kinds(case_id)
    citizen = (await town.rows(Citizen))[0]
    assert not citizen.reachable
    assert "无法送达" in town.to(STAFF_PLACE)[-1].text


async def test_refused_reply_does_not_stop_the_clock(town: Town) -> None:
    town.channel.failures = [RejectedError("message is too long")]
    case_id = await town.ask("身份证丢了怎么补办？")
    assert (await town.case(case_id)).state == "waiting"
    assert "delivery_failed" in await town.kinds(case_id)


async def test_gives_up_after_the_last_attempt(town: Town) -> None:
    town.channel.failures = [SendError("down")] * 12
    case_id = await town.ask("身份证丢了怎么补办？")
    assert (await town.case(case_id)).state == "waiting"
    assert (await _deliveries(town))[0].state == "failed"


async def test_one_place_is_served_in_order(town: Town) -> None:
    await town.say("身份证丢了怎么补办？")
    await town.desk.answering.consider_due()
    await town.settle()
    await town.ask("低保怎么申请")
    town.channel.failures = [SendError("down")]
    await town.ask("租房怎么提取公积金？")
    texts = [one.text for one in town.to("7001")]
    assert texts[0].startswith("带户口簿") and "工作人员" in texts[1]
    assert texts[2].startswith("在公积金小程序")


async def test_a_dead_process_leaves_its_delivery_to_be_claimed_again(town: Town) -> None:
    case_id = await town.ask("身份证丢了怎么补办？")
    async with town.db.write() as session:
        row = await session.get_one(Delivery, (await _deliveries(town))[0].id)
        row.state, row.lease_until = "sending", datetime.now(UTC) - timedelta(seconds=1)
    await town.settle()
    assert len(town.to("7001")) == 2
    assert (await town.case(case_id)).state == "answered"
