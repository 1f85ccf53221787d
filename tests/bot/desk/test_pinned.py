"""Where a platform allows so many answers under a post: what waits, and what one pin answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from bot.channels.base import Capabilities, RejectedError, UnreachableError
from bot.channels.waiting import WaitingChannel
from bot.desk import Desk, Inbound, serving
from bot.desk.crowds import Run
from bot.reports.gather import cases_behind, gather
from storage.db import Database
from storage.models import Account, AuditRecord, Case, Delivery
from storage.terms import EventKind, Purpose
from tests.bot.test_gather import wanted
from tests.ingesting import CAN
from tests.support import STAFF_PLACE, MemoryChannel, Town, build_town

WINDOW = timedelta(hours=1)
LOST = "身份证丢了怎么办"
ID_LOST = "任一派出所补领"
STAFF_TEXT = "向户籍所在街道提出申请，入户核查后公示，一个月内有结果。"
HARD = ("低保怎么申请", "请问低保怎么申请", "低保申请要什么条件呀", "申请低保，怎么办理？")


async def platform(database: Database, *, awaits: bool = False, **changes: Any) -> Town:
    """A town with an account on a platform that allows three answers an hour under a post."""
    async with database.write() as session:
        session.add(Account(key="weibo", platform="微博", name="云川发布"))
    town = await build_town(database)
    can: Capabilities = replace(CAN, post_limit=3, post_window=WINDOW, awaits="", **changes)
    can = replace(can, awaits="person") if awaits else can
    channel = WaitingChannel(can, "手工发布") if awaits else MemoryChannel(can)
    if isinstance(channel, MemoryChannel):
        town.channel.sent = channel.sent
    told = {**town.desk.office.capabilities, "weibo": can}
    office = replace(town.desk.office, capabilities=told)
    town.desk = Desk(office, {"telegram": town.channel, "weibo": channel})
    return town


async def ask(town: Town, text: str, name: str, *, direct: bool = False) -> int:
    place = f"direct/{name}" if direct else f"comment/{name}/p1/"
    inbound = Inbound(
        account="weibo",
        citizen=name,
        name=f"网友{name}",
        kind="direct" if direct else "comment",
        place=place,
        thread=place,
        external_id=f"{name}:{next(town.numbers)}",
        text=text,
        sent_at=datetime.now(UTC),
        reply_to=f"c{name}",
        post="" if direct else "p1",
    )
    return (await town.desk.intake.receive(inbound)).case_id


async def work(town: Town) -> None:
    """Decide everything, and deliver what may leave now."""
    async with town.db.write() as session:
        for case in await session.exec(select(Case).where(col(Case.consider_at).is_not(None))):
            case.consider_at = datetime.now(UTC) - timedelta(seconds=1)
    while await town.desk.answering.consider_due():
        pass
    await town.desk.dispatch.deliver_due()
    await town.desk.dispatch.deliver_due()


async def an_hour_passes(town: Town) -> None:
    async with town.db.write() as session:
        for row in await session.exec(select(Delivery)):
            row.due_at -= WINDOW
            row.left_at = row.left_at - WINDOW if row.left_at else None


async def rush(town: Town, count: int, first: int = 0, text: str = LOST) -> list[int]:
    return [await ask(town, text, str(first + number)) for number in range(count)]


async def answers(town: Town) -> list[Delivery]:
    kinds = (Purpose.REPLY, Purpose.PINNED)
    return [one for one in await town.rows(Delivery) if one.purpose in kinds]


async def states(town: Town, numbers: list[int]) -> list[str]:
    return [(await town.case(number)).state for number in numbers]


async def test_beyond_the_limit_answers_wait_for_the_next_window(database: Database) -> None:
    town = await platform(database)
    numbers = await rush(town, 5)
    await work(town)
    assert await states(town, numbers) == ["answered"] * 3 + ["replying"] * 2
    late = [one for one in await answers(town) if one.state == "pending"]
    assert all(one.due_at > datetime.now(UTC) + WINDOW * 0.9 for one in late)
    await an_hour_passes(town)
    await work(town)
    assert await states(town, numbers) == ["answered"] * 5
    await town.agrees()


async def test_what_piled_up_while_the_program_was_away_does_not_leave_at_once(
    database: Database,
) -> None:
    town = await platform(database)
    numbers = await rush(town, 8)
    await work(town)
    async with town.db.write() as session:
        for row in await session.exec(select(Delivery).where(Delivery.state == "pending")):
            row.due_at = datetime.now(UTC) - timedelta(hours=9)
    await work(town)
    assert (await states(town, numbers)).count("answered") == 3


async def test_one_pin_answers_all_who_had_asked_and_is_told_apart(database: Database) -> None:
    town = await platform(database, beyond="pin")
    numbers = await rush(town, 6)
    await work(town)
    assert await states(town, numbers) == ["answered"] * 6
    sent = await answers(town)
    (pin,) = [one for one in sent if one.purpose == Purpose.PINNED]
    assert [one.place for one in sent if one is not pin] == ["comment/0/p1/", "comment/1/p1/"]
    assert pin.place == "pinned//p1/" and pin.sent_at is not None
    text = str(pin.payload["text"])
    assert text.startswith("【统一答复】大家问的“身份证丢失怎么补领”：") and ID_LOST in text
    served = [one for one in await town.events(EventKind.REPLIED) if one.data.get("pinned")]
    assert [one.case_id for one in served] == numbers[2:]
    assert {(one.at, one.data["delivery"]) for one in served} == {(pin.sent_at, pin.id)}
    report = await gather(town.db, wanted())
    counts = report.figures["counts"]
    assert (counts["answered"], counts["answered_by_pin"]) == (6, 4)
    behind = await cases_behind(town.db, wanted(), "counts.answered_by_pin")
    assert (
        sorted(row.turn.case_id for row in behind.lists["counts.answered_by_pin"].rows)
        == (numbers[2:])
    )
    item = await town.desk.inbox.look_again(await town.staff(), numbers[4])
    assert [one.purpose for one in item.talk if one.mine] == ["pinned"]
    await town.agrees()


async def test_who_asks_after_the_pin_stood_waits_for_the_next(database: Database) -> None:
    town = await platform(database, beyond="pin")
    early = await rush(town, 4)
    await work(town)
    late = await rush(town, 2, first=20)
    await work(town)
    assert await states(town, early + late) == ["answered"] * 4 + ["replying"] * 2
    await an_hour_passes(town)
    await work(town)
    assert await states(town, late) == ["answered"] * 2
    pins = [one for one in await answers(town) if one.purpose == Purpose.PINNED]
    assert len(pins) == 2


async def test_a_pin_that_others_post_answers_nobody_who_asked_after_it_stood(
    database: Database,
) -> None:
    town = await platform(database, beyond="pin", awaits=True)
    numbers, staff = await rush(town, 4), await town.staff()
    await work(town)
    posted = await town.desk.handing.for_staff(staff)
    (pin,) = [one for one in posted if one.handed.delivery.purpose == Purpose.PINNED]
    assert (pin.behind, pin.spot.kind, pin.spot.post) == (2, "pinned", "p1")
    stood = datetime.now(UTC)
    (late,) = await rush(town, 1, first=30)
    await work(town)
    number = pin.handed.delivery.id or 0
    await town.desk.handing.confirm("weibo", number, stood, "w1")
    await town.desk.dispatch.deliver_due()
    assert await states(town, [*numbers[2:], late]) == ["answered", "answered", "replying"]
    assert (await town.case(late)).pinned_id != number


async def test_a_pin_marked_by_a_person_is_in_the_audit(database: Database) -> None:
    town = await platform(database, beyond="pin", awaits=True)
    numbers, staff = await rush(town, 4), await town.staff()
    await work(town)
    found, more = await town.desk.handing.waiting("weibo")
    (told,) = [one for one in found if one["kind"] == "pinned"]
    assert (told["post_id"], told["citizen_id"], told["reply_to"], more) == ("p1", "", "", False)
    await town.desk.handing.posted(staff, int(told["id"]))
    await town.desk.dispatch.deliver_due()
    assert await states(town, numbers[2:]) == ["answered"] * 2
    kept = [one for one in await town.rows(AuditRecord) if one.action == "case.posted"]
    assert [one.data["delivery"] for one in kept] == [int(told["id"])]


async def test_a_pin_that_cannot_be_posted_puts_all_before_staff(database: Database) -> None:
    town = await platform(database, beyond="pin", awaits=True)
    numbers, staff = await rush(town, 5), await town.staff()
    await work(town)
    (pin,) = [
        one
        for one in await town.desk.handing.for_staff(staff)
        if one.handed.delivery.purpose == Purpose.PINNED
    ]
    await town.desk.handing.not_posted(staff, pin.handed.delivery.id or 0, "评论区已关闭")
    await town.desk.dispatch.deliver_due()
    cases = [await town.case(number) for number in numbers[2:]]
    assert {(one.state, one.reason) for one in cases} == {
        ("waiting", "置顶答复没有发出：评论区已关闭")
    }
    assert (await town.events(EventKind.REPLIED)) == []
    await town.agrees()


async def answer_all(town: Town, numbers: list[int], text: str) -> Run:
    staff, crowd = await town.staff(), (await town.case(numbers[0])).crowd_id or 0
    opened = await town.desk.crowds.open(staff, crowd)
    picks = [(one.case_id, one.version) for one in opened.askers]
    run = Run(len(picks), [])
    return await town.desk.crowds.answer(staff, crowd, picks, text, opened.entry_id, run)


async def hard(town: Town, count: int = 6) -> list[int]:
    numbers = [await ask(town, HARD[n % len(HARD)], str(n)) for n in range(count)]
    await work(town)
    return numbers


async def test_a_group_that_staff_answer_is_served_by_a_pin_and_can_be_taken_back(
    database: Database,
) -> None:
    town = await platform(database, beyond="pin")
    numbers = await hard(town)
    run = await answer_all(town, numbers, STAFF_TEXT)
    pins = [one for one in await answers(town) if one.purpose == Purpose.PINNED]
    soon = datetime.now(UTC) + town.desk.office.rules.undo
    assert len(pins) == 1 and pins[0].due_at <= soon
    said = await town.desk.crowds.take_back(await town.staff(), run.sent)
    assert said == "撤销了 6 件，没有发出"
    assert [one.state for one in await answers(town)] == ["failed"] * 3
    assert await states(town, numbers) == ["waiting"] * 6
    again = await answer_all(town, numbers, STAFF_TEXT)
    assert len(again.sent) == 6
    async with town.db.write() as session:
        for row in await session.exec(select(Delivery).where(Delivery.state == "pending")):
            row.due_at = datetime.now(UTC) - timedelta(seconds=1)
    await work(town)
    assert await states(town, numbers) == ["answered"] * 6
    served = [one for one in await town.events(EventKind.REPLIED) if one.data.get("pinned")]
    assert len(served) == 4
    await town.agrees()


async def test_what_names_one_citizen_is_no_answer_for_all(database: Database) -> None:
    town = await platform(database, beyond="pin")
    numbers = await hard(town, 4)
    await answer_all(town, numbers, f"{STAFF_TEXT}您的诉求是 {{诉求编号}}。")
    assert {one.purpose for one in await answers(town)} == {Purpose.REPLY}


async def test_whom_a_pin_did_not_help_is_open_again_from_the_start(database: Database) -> None:
    town = await platform(database, beyond="pin")
    numbers = await rush(town, 4)
    await work(town)
    opened = (await town.case(numbers[3])).opened_at
    assert await ask(town, "没解决", "3") == numbers[3]
    await work(town)
    case = await town.case(numbers[3])
    assert (case.state, case.opened_at) == ("waiting", opened)
    report = await gather(town.db, wanted())
    assert report.figures["counts"]["answered_by_pin"] == 1
    await town.agrees()


async def test_beyond_the_limit_answers_may_go_in_private(database: Database) -> None:
    town = await platform(database, beyond="private")
    numbers = await rush(town, 5)
    await work(town)
    assert await states(town, numbers) == ["answered"] * 5
    places = [one.place for one in await answers(town)]
    assert places[3:] == ["direct/3", "direct/4"]
    assert await ask(town, "没解决", "4", direct=True) == numbers[4]


async def test_a_private_answer_that_does_not_arrive_is_a_matter_for_staff(
    database: Database,
) -> None:
    town = await platform(database, beyond="private")
    await rush(town, 3)
    await work(town)
    (number,) = await rush(town, 1, first=9)
    channel = town.desk.dispatch._channels["weibo"]
    assert isinstance(channel, MemoryChannel)
    channel.failures.append(UnreachableError("群众不收私信"))
    await work(town)
    case = await town.case(number)
    assert (case.state, case.reason) == ("waiting", "群众不收私信，无法送达")
    await town.desk.citizens.erase("weibo", "9")
    kept = [one.place for one in await town.rows(Delivery) if one.case_id == number]
    assert "" in kept
    assert set(kept) <= {"", STAFF_PLACE}  # the card of the people who took it up


async def test_nothing_but_answers_counts_under_a_post_with_a_limit(database: Database) -> None:
    town = await platform(database, wait="已转工作人员，{due}答复您。")
    numbers = await hard(town, 2)
    kept = [one for one in await town.rows(Delivery) if one.case_id in numbers]
    told = {one.error for one in kept if one.purpose == "acknowledgement"}
    assert told == {"平台限条数，不另发"}


async def test_a_program_that_dies_while_it_serves_goes_on_later(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = await platform(database, beyond="pin")
    numbers, real, calls = await rush(town, 6), serving.answered, 0

    async def dies(*arguments: Any, **how: Any) -> None:
        nonlocal calls
        calls += 1
        if calls == 5:  # two in thread, the third of four behind the pin
            raise RuntimeError("gone")
        await real(*arguments, **how)

    monkeypatch.setattr(serving, "_AT_ONCE", 1)
    monkeypatch.setattr(serving, "answered", dies)
    with pytest.raises(RuntimeError, match="gone"):
        await work(town)
    monkeypatch.setattr(serving, "answered", real)
    assert (await states(town, numbers)).count("answered") == 4
    await town.desk.dispatch.deliver_due()
    replied = [one.case_id for one in await town.events(EventKind.REPLIED)]
    assert sorted(replied) == numbers


async def test_who_is_forgotten_takes_no_pin_from_the_others(database: Database) -> None:
    town = await platform(database, beyond="pin", awaits=True)
    numbers = await rush(town, 5)
    await work(town)
    (pin,) = [one for one in await answers(town) if one.purpose == Purpose.PINNED]
    assert pin.case_id == numbers[2]
    await town.desk.citizens.erase("weibo", "2")
    await town.desk.handing.confirm("weibo", pin.id or 0, None, "")
    await town.desk.dispatch.deliver_due()
    assert await states(town, numbers[2:]) == ["closed", "answered", "answered"]


async def test_a_pin_that_the_platform_refuses_is_a_matter_for_staff(database: Database) -> None:
    town = await platform(database, beyond="pin")
    numbers = await rush(town, 2)
    await work(town)
    more = await rush(town, 2, first=10)
    channel = town.desk.dispatch._channels["weibo"]
    assert isinstance(channel, MemoryChannel)
    channel.failures.append(RejectedError("平台不收"))
    await work(town)
    assert await states(town, numbers + more) == ["answered"] * 2 + ["waiting"] * 2
