"""Reminders, digest and 办结 by the clock; each once."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from apscheduler.triggers.cron import CronTrigger

from bot.clock import SHANGHAI
from bot.jobs import Job, Jobs, awake, table
from storage import entries
from storage.jobs import claim_run, last_run
from storage.models import Account, Case, JobRun
from tests.support import ENTRIES, STAFF_PLACE, Town


async def _set(town: Town, case_id: int, **values: object) -> None:
    async with town.db.write() as session:
        case = await session.get_one(Case, case_id)
        case.sqlmodel_update(values)


async def test_each_deadline_point_is_told_once_and_closes_nothing(town: Town) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=60)
    case_id = await town.say("低保怎么申请", at=long_ago)
    await town.settle()
    assert await town.desk.duties.remind() == 1
    assert await town.desk.duties.remind() == 0
    await town.settle()
    told = [one for one in town.to(STAFF_PLACE) if "督办" in one.text]
    assert len(told) == 1 and "已超期" in told[0].text
    assert (await town.case(case_id)).state == "waiting"


async def test_the_digest_reminds_of_entries_to_look_at(town: Town) -> None:
    today = town.desk.office.today()
    old = replace(ENTRIES[0], expires_on=today - timedelta(days=1))
    due = replace(ENTRIES[1], review_on=today)
    async with town.db.write() as session:
        await entries.save(session, [old, due], "test")
    await town.desk.duties.digest()
    await town.settle()
    (digest,) = [one.text for one in town.to(STAFF_PLACE) if "晨报" in one.text]
    assert "知识库：已过期 1 条、该复核 1 条" in digest


async def test_digest_counts_and_is_sent_once_a_day(town: Town) -> None:
    await town.ask("低保怎么申请")
    await town.desk.duties.digest()
    await town.desk.duties.digest()
    await town.settle()
    digests = [one.text for one in town.to(STAFF_PLACE) if "晨报" in one.text]
    assert len(digests) == 1
    assert "待人工 1 件（超期 0 件" in digests[0] and "新增诉求 1 件" in digests[0]


async def test_unopposed_answers_are_resolved_after_the_days_set(town: Town) -> None:
    old = await town.ask("身份证丢了怎么补办？")
    new = await town.ask("社保卡丢了怎么补办？")
    waiting = await town.ask("低保怎么申请")
    await _set(town, old, answered_at=datetime.now(UTC) - timedelta(days=8))
    assert await town.desk.duties.resolve_unopposed() == 1
    assert (await town.case(old)).state == "resolved"
    assert (await town.case(new)).state == "answered"
    assert (await town.case(waiting)).state == "waiting"


async def test_publication_keeps_the_newest_moment(town: Town) -> None:
    now = datetime.now(UTC)
    await town.desk.duties.publication("telegram", now)
    await town.desk.duties.publication("telegram", now - timedelta(days=1))
    account = (await town.rows(Account))[0]
    assert account.last_published_at == now


async def test_a_missed_run_is_made_up_once(town: Town) -> None:
    ran: list[str] = []

    async def call() -> None:
        ran.append("x")

    job = Job("daily", CronTrigger(hour=8, minute=30, timezone=SHANGHAI), call)
    jobs = Jobs(town.desk, "08:30", 10)
    await jobs._catch_up(job)
    assert ran == []
    async with town.db.write() as session:
        row = await session.get_one(JobRun, "daily")
        row.last_due_at = datetime.now(UTC) - timedelta(days=3)
    await jobs._catch_up(job)
    await jobs._catch_up(job)
    assert ran == ["x"]


async def test_a_run_happens_in_one_process(town: Town) -> None:
    now = datetime.now(UTC)
    await last_run(town.db, "x", now - timedelta(hours=1))
    claims = [await claim_run(town.db, "x", now, timedelta(minutes=5)) for _ in range(3)]
    assert claims == [True, False, False]


def test_the_table_holds_every_scheduled_duty(town: Town) -> None:
    names = {job.name for job in table(town.desk, "08:30", 10)}
    assert names == {
        "outbox_sweep",
        "hand_over",
        "remind",
        "resolve",
        "pauses",
        "transfers",
        "digest",
        "expire",
        "menu",
        "links",
        "renew_dues",
        "fold",
        "verify",
    }


def test_nobody_is_reminded_at_night(town: Town) -> None:
    night = datetime(2026, 11, 20, 23, 0, tzinfo=SHANGHAI)
    by_day = [job for job in table(town.desk, "08:30", 10) if job.by_day]
    assert [job.name for job in by_day] == ["remind", "resolve"]
    for job in by_day:
        following = job.trigger.get_next_fire_time(None, night)
        assert following == datetime(2026, 11, 21, 8, 0, tzinfo=SHANGHAI)
    hours = [night.replace(hour=hour) for hour in range(24)]
    assert [one.hour for one in hours if awake(one)] == list(range(8, 21))
