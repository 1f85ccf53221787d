"""督办: the owner first, from the due time the supervisor too; each point once, none forgotten."""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from datetime import time as dtime
from pathlib import Path
from typing import Any

from sqlalchemy import insert
from sqlmodel import col, select

from bot.clock import SHANGHAI, Limit, Unit, due
from bot.desk import Desk
from bot.desk.escalation import spoken_point
from storage.db import Database
from storage.models import Case, CaseEvent, Citizen, Delivery, Staff, Task
from storage.narrowing import Filters
from storage.terms import EventKind
from tests.support import STAFF_PLACE, Town

BUREAU = "市民政局"
ROOT = Path(__file__).parents[3]


def _reminders(town: Town, place: str = STAFF_PLACE) -> list[str]:
    return [one.text for one in town.to(place) if "督办：" in one.text]


async def _asked(town: Town, workdays: int, citizen: str = "7001") -> int:
    """A case before staff, due at the end of the second working day after the citizen wrote;
    that day is ``workdays`` before today or the working day that comes."""
    calendar, day = town.desk.office.rules.calendar, town.desk.office.today()
    left = 2 + workdays
    if not calendar.is_workday(day):
        day = calendar.next_workday(day)
    while left:
        day -= timedelta(days=1)
        left -= calendar.is_workday(day)
    case_id = await town.say("低保怎么申请", citizen, at=datetime.combine(day, dtime(10), SHANGHAI))
    await town.settle()
    return case_id


async def _soon(town: Town, citizen: str = "7001") -> int:
    """A case with its last working day left."""
    return await _asked(town, 0, citizen)


async def _late(town: Town, citizen: str = "7001") -> int:
    """A case that has been due for some days."""
    return await _asked(town, 5, citizen)


async def _remind(town: Town) -> int:
    told = await town.desk.duties.remind()
    await town.settle()
    return told


async def _colleague(town: Town) -> Staff:
    async with town.db.write() as session:
        session.add(
            Staff(login="m", display_name="赵六", role="坐席", telegram_id="950", department=BUREAU)
        )
    staff = await town.desk.review.staff_by_telegram("950")
    assert staff is not None
    return staff


def _without_group(town: Town) -> None:
    office = town.desk.office
    rules = replace(office.rules, staff_place="")
    town.desk = Desk(replace(office, rules=rules), {"telegram": town.channel})


async def test_a_fresh_case_is_not_reminded_of_and_not_looked_at_again(town: Town) -> None:
    case_id, _ = await town.waiting()
    assert (await town.case(case_id)).remind_at is None
    assert await _remind(town) == 0
    case = await town.case(case_id)
    assert case.remind_at is not None and case.due_at is not None
    assert datetime.now(UTC) < case.remind_at < case.due_at
    assert await town.events("escalated") == []


async def test_several_points_passed_give_one_message_and_the_ledger_tells_all(town: Town) -> None:
    case_id = await _late(town)
    assert await _remind(town) == 1
    (event,) = await town.events("escalated")
    overdue = int(event.data["point"].removeprefix("overdue_"))
    assert event.data["missed"] == [
        "half",
        "last_day",
        "due",
        *(f"overdue_{number}" for number in range(1, overdue)),
    ]
    (text,) = _reminders(town)
    assert f"诉求 #{case_id}（咨询）已超期 {overdue} 个工作日" in text
    assert await _remind(town) == 0
    await town.agrees()


async def test_a_restart_neither_repeats_nor_forgets(town: Town) -> None:
    await _late(town)
    await town.desk.duties.remind()
    town.desk = Desk(town.desk.office, {"telegram": town.channel})
    assert await _remind(town) == 0
    assert len(_reminders(town)) == 1
    async with town.db.write() as session:
        for case in await session.exec(select(Case)):
            case.remind_at = None  # as after every change of the due time
    assert await _remind(town) == 0
    assert len(_reminders(town)) == 1


async def test_the_owner_is_told_first_and_the_supervisor_from_the_due_time_on(
    town: Town,
) -> None:
    await _colleague(town)
    _without_group(town)
    soon, late = await _soon(town), await _late(town, "7002")
    assert await _remind(town) == 2
    (mine,), (chiefs,) = _reminders(town, "950"), _reminders(town, "902")
    assert f"#{soon}" in mine and f"#{late}" in mine
    assert f"#{late}" in chiefs and f"#{soon}" not in chiefs
    assert _reminders(town, "900") == []


async def test_in_the_group_they_are_named(town: Town) -> None:
    colleague = await _colleague(town)
    await _late(town)
    await _remind(town)
    (message,) = [one for one in town.to(STAFF_PLACE) if "督办：" in one.text]
    assert message.text.startswith("赵六、王五：督办：诉求 #1")
    assert message.person == "950"
    (event,) = await town.events("escalated")
    assert event.data["told"] == [colleague.id, 3]


async def test_who_took_the_case_up_is_its_owner(town: Town) -> None:
    await _colleague(town)
    case_id = await _soon(town)
    async with town.db.write() as session:
        (await session.get_one(Case, case_id)).assignee_id = (await town.staff(1)).id
    await _remind(town)
    assert [one[:2] for one in _reminders(town)] == ["李四"]


async def test_what_nobody_owns_is_everybodys(town: Town) -> None:
    _without_group(town)
    await _late(town)
    await _remind(town)
    for number in range(3):
        assert len(_reminders(town, f"90{number}")) == 1


async def test_many_cases_make_one_message(town: Town) -> None:
    for number in range(12):
        await _late(town, f"80{number:02}")
    assert await _remind(town) == 12
    (text,) = _reminders(town)
    assert text.count("诉求 #") == 10 and "……共 12 件" in text
    assert len(await town.events("escalated")) == 12


async def test_after_an_extension_the_new_points_are_told(town: Town) -> None:
    case_id = await _soon(town)
    assert await _remind(town) == 1
    version = (await town.case(case_id)).version
    await town.desk.extension.ask(await town.staff(), case_id, version, "", 3, "需要现场核实")
    (task,) = await town.rows(Task)
    await town.desk.tasks.act(await town.staff(2), task.id or 0, "approve", "")
    case = await town.case(case_id)
    assert case.remind_at is None and case.due_at is not None
    assert await _remind(town) == 0
    assert (await town.case(case_id)).remind_at != case.due_at
    first = (await town.events("escalated"))[0].data["keys"]
    assert not any(key.endswith(f"{case.due_at.timestamp():.0f}") for key in first)


async def test_answered_closed_and_paused_cases_are_left_alone(town: Town) -> None:
    answered, closed = await _late(town), await _late(town, "7002")
    zhang = await town.staff()
    for number, act in ((answered, "adopt"), (closed, "close")):
        version = (await town.case(number)).version
        more = ["重复提交"] if act == "close" else []
        await getattr(town.desk.review, act)(zhang, number, version, STAFF_PLACE, *more)
    await town.settle()
    assert await _remind(town) == 0
    assert (await town.case(closed)).state == "closed"


async def test_a_callback_has_points_of_its_own(town: Town) -> None:
    case_id, version = await town.waiting()
    await town.desk.review.adopt(await town.staff(), case_id, version, STAFF_PLACE)
    await town.settle()
    await town.desk.satisfaction.rate("telegram", "7001", case_id, 5)
    assert await _remind(town) == 0
    calendar = town.desk.office.rules.calendar
    async with town.db.write() as session:
        (task,) = await session.exec(select(Task))
        task.created_at = datetime.now(UTC) - timedelta(days=30)
        task.due_at = due(task.created_at, Limit(5, Unit.WORKDAY), calendar).at
        task.remind_at = None
    assert await _remind(town) == 1
    assert await _remind(town) == 0
    (text,) = _reminders(town)
    assert text.startswith("王五：督办：诉求 #1（差评回访）已超期")
    (event,) = await town.events("escalated")
    assert event.data["task"] == 1 and event.data["missed"][0] == "half"
    await town.desk.tasks.act(await town.staff(2), 1, "unreachable", "", "打了三次没人接")
    assert await _remind(town) == 0
    await town.agrees()


async def _open_cases(db: Database, count: int) -> None:
    """Open cases none of which is near a point."""
    now = datetime.now(UTC)
    later = now + timedelta(days=10)
    async with db.write() as session:
        citizen = Citizen(account_id=1, external_id="many")
        session.add(citizen)
        await session.flush()
        connection = await session.connection()
        rows: Sequence[dict[str, Any]] = [
            Case(
                id=1000 + number,
                account_id=1,
                citizen_id=citizen.id or 0,
                state="waiting",
                opened_at=now,
                due_at=later,
                remind_at=later,
            ).model_dump()
            for number in range(count)
        ]
        await connection.execute(insert(Case), rows)


async def test_ten_thousand_open_cases_cost_nothing_until_one_is_due(town: Town) -> None:
    await _open_cases(town.db, 10_000)
    assert await _remind(town) == 0
    began = time.perf_counter()
    assert await town.desk.duties.remind() == 0
    quiet = time.perf_counter() - began
    assert quiet < 0.2, f"{quiet:.3f} s"
    await _late(town)
    async with town.db.read() as session:
        before = len(list(await session.exec(select(CaseEvent.id))))
    assert await _remind(town) == 1
    async with town.db.read() as session:
        added = select(CaseEvent.kind).order_by(col(CaseEvent.id)).offset(before)
        assert list(await session.exec(added)) == [EventKind.ESCALATED]
        sent = select(Delivery.id).where(Delivery.purpose == "reminder")
        assert len(list(await session.exec(sent))) == 1


_CHILD = """
import asyncio, sys
from bot.channels.base import Capabilities
from bot.desk import Desk, Library, Office
from knowledge.matcher import Policy
from storage.coordination import LocalCoordination
from storage.db import Database
from storage.narrowing import Filters
from tests.support import office_rules

async def remind():
    db = Database(sys.argv[1])
    office = Office(db, Library(db, Policy()), LocalCoordination(), office_rules(),
                    {"telegram": Capabilities(500)})
    print("ready", flush=True)
    await Desk(office, {}).duties.remind()
    print("done", flush=True)
    await db.close()

asyncio.run(remind())
"""


async def _killed_after(url: str, seconds: float) -> str:
    """What a process that reminds said before it was killed."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _CHILD, url), cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"ready\n"
    await asyncio.sleep(seconds)
    with suppress(ProcessLookupError):
        process.kill()
    said = await process.stdout.read()
    await process.wait()
    return said.decode()


async def test_killed_at_any_moment_each_point_is_told_once(town: Town, database_url: str) -> None:
    await _open_cases(town.db, 500)
    async with town.db.write() as session:
        for case in await session.exec(select(Case)):
            case.due_at = case.opened_at = datetime.now(UTC) - timedelta(days=9)
            case.remind_at = None
    ends = [await _killed_after(database_url, 0.05 * number**2) for number in range(6)]
    assert "" in ends
    await town.desk.duties.remind()
    told = [event.case_id for event in await town.events("escalated")]
    assert sorted(told) == list(range(1000, 1500))
    shown = [row for row in await town.rows(Delivery) if row.purpose == "reminder"]
    assert len(shown) == 3  # two hundred cases a message


async def test_the_console_lists_what_one_was_told_of(town: Town) -> None:
    clerk, chief, told = await town.staff(), await town.staff(2), Filters(state="escalated")
    soon, late = await _soon(town), await _late(town, "7002")
    await town.waiting("低保要什么条件", "7003")
    await _remind(town)
    async with town.db.write() as session:
        for case_id in (soon, late):
            (await session.get_one(Case, case_id)).assignee_id = clerk.id

    async def listed(staff: Staff) -> dict[int, str]:
        page = await town.desk.inbox.page(staff, told, 0)
        assert (await town.desk.inbox.counts(staff))["escalated"] == page.total
        return {line.case.id or 0: spoken_point(line.escalated) for line in page.lines}

    mine = await listed(clerk)
    assert mine[soon] == "只剩最后 1 个工作日"
    assert mine[late].startswith("已超期")
    assert set(mine) == {soon, late}
    assert set(await listed(chief)) == {late}
    assert await listed(await _colleague(town)) == {}
