"""A reply that the platform lets nobody send waits for the citizen, and its clock runs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.channels.base import WindowClosedError
from storage.models import Citizen, Delivery
from tests.support import STAFF_PLACE, Town

CLOSED = WindowClosedError("超过微信的 48 小时回复时限")


async def states(town: Town) -> list[str]:
    return [one.state for one in await town.rows(Delivery) if one.purpose.startswith("reply")]


async def reply(town: Town, case_id: int, text: str) -> None:
    case = await town.case(case_id)
    staff = await town.staff()
    await town.desk.review.send(staff, case_id, case.version, STAFF_PLACE, text)
    await town.settle()


async def refused(town: Town) -> int:
    town.channel.failures = [CLOSED]
    return await town.ask("身份证丢了怎么补办？")


async def test_the_reply_is_kept_and_the_case_is_back_with_staff(town: Town) -> None:
    case_id = await refused(town)
    case = await town.case(case_id)
    assert (case.state, case.answered_at) == ("waiting", None)
    assert case.reason == "超过微信的 48 小时回复时限，答复已存好，群众再来消息时自动送达"
    assert case.due_at is not None
    assert await states(town) == ["held"]
    assert "48 小时" in town.to(STAFF_PLACE)[-1].text
    assert (await town.rows(Citizen))[0].reachable
    await town.agrees()


async def test_it_goes_out_when_the_citizen_writes_again_and_stops_the_clock(town: Town) -> None:
    case_id = await refused(town)
    other = await town.ask("在吗")
    case = await town.case(case_id)
    assert case.state == "answered" and case.answered_at is not None
    assert (case.reason, other != case_id) == ("", True)
    assert "带户口簿" in town.to("7001")[0].text
    closing = town.to(STAFF_PLACE)[-1]
    assert closing.edits and not closing.buttons
    assert (await town.kinds(case_id)).count("replied") == 1
    await town.agrees()


async def test_a_command_lets_it_out_too(town: Town) -> None:
    case_id = await refused(town)
    await town.desk.citizens.heard("telegram", "7001")
    await town.settle()
    assert (await town.case(case_id)).state == "answered"


async def test_a_comment_lets_nothing_out(town: Town) -> None:
    await refused(town)
    await town.say("社保卡丢了怎么补", kind="comment", place="-55")
    await town.settle()
    assert "held" in await states(town)


async def test_it_may_be_refused_again(town: Town) -> None:
    case_id = await refused(town)
    town.channel.failures = [CLOSED]
    await town.desk.citizens.heard("telegram", "7001")
    await town.settle()
    assert (await town.case(case_id)).state == "waiting"
    assert await states(town) == ["held"]


async def test_another_reply_takes_its_place(town: Town) -> None:
    case_id = await refused(town)
    await reply(town, case_id, "请带户口簿到派出所，当天受理。")
    assert sorted(await states(town)) == ["failed", "sent"]
    await town.ask("在吗")
    assert [one.text for one in town.to("7001")].count("请带户口簿到派出所，当天受理。") == 1


async def test_a_case_dealt_with_otherwise_sends_nothing(town: Town) -> None:
    case_id = await refused(town)
    staff = await town.staff(2)
    case = await town.case(case_id)
    await town.desk.review.close(staff, case_id, case.version, STAFF_PLACE, "已电话答复")
    await town.ask("在吗")
    assert await states(town) == ["failed"]


async def test_all_parts_wait_together(town: Town) -> None:
    case_id = await town.ask("低保怎么申请")
    town.channel.failures = [CLOSED]
    await reply(town, case_id, "请到街道申请。" * 120)
    assert set(await states(town)) == {"held"}
    await town.desk.citizens.heard("telegram", "7001")
    await town.settle()
    assert set(await states(town)) == {"sent"}
    assert (await town.case(case_id)).state == "answered"


async def test_what_is_only_of_the_moment_is_given_up(town: Town) -> None:
    town.channel.failures = [CLOSED]
    await town.ask("低保怎么申请")
    (told,) = [one for one in await town.rows(Delivery) if one.purpose == "acknowledgement"]
    assert told.state == "failed"


async def test_an_erased_citizens_reply_never_leaves(town: Town) -> None:
    await refused(town)
    await town.desk.citizens.erase("telegram", "7001")
    assert await states(town) == ["failed"]
    await town.ask("在吗")
    assert not any("带户口簿" in one.text for one in town.to("7001"))


async def test_when_a_citizen_was_last_heard_is_kept(town: Town) -> None:
    at = datetime.now(UTC) - timedelta(hours=3)
    await town.say("低保怎么申请", at=at)
    (citizen,) = await town.rows(Citizen)
    assert citizen.heard_at == at
    await town.say("社保卡丢了怎么补", at=at - timedelta(hours=5))
    assert (await town.rows(Citizen))[0].heard_at == at
