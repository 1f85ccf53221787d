"""爆款评论区: a rush of comments over signed HTTP into a database file; nobody is lost in it."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlmodel import col, select

from bot.ledger import verify
from handlers.api import IngestSite
from storage.db import Database
from storage.inbox import Page
from storage.models import Case, CaseEvent, Delivery, Staff
from storage.narrowing import Filters
from storage.terms import EventKind, Purpose
from tests.e2e.harness import until
from tests.ingesting import SITE, fetched, platform_of, post
from tests.support import PEOPLE
from tests.website import Website, open_website

COMMENTS = int(os.environ.get("BURST", "300"))
"""How many comments come; BURST=3000 is the rush of a day."""
BATCH = 500
WORDS = (
    *("哈哈哈哈", "[赞][赞]", "加油", "666", "来了来了"),  # noise
    *("低保怎么申请", "请问低保怎么申请", "低保申请要什么条件呀", "申请低保，怎么办理？"),
    *("体育馆周末几点开门", "请问体育馆周末几点开门？", "体育馆周末几点开门呀"),
    *("身份证丢了怎么办", "社保卡丢了怎么补"),  # answered by themselves
    "低保怎么申请，我电话13812345678",
    "救命，有人煤气中毒昏倒了",
)
TEXT = "向户籍所在街道提出申请，入户核查后公示，一个月内有结果。"
WIDE: IngestSite = replace(SITE, max_waiting=20_000)


@dataclass
class Rush:
    """What the rush left behind."""

    website: Website
    cases: list[Case]

    def of(self, words: str) -> list[Case]:
        return [one for one in self.cases if words in one.subject]


@pytest.fixture
async def website(database: Database) -> AsyncIterator[Website]:
    async with open_website(database, ingest=WIDE, sources=fetched()) as website:
        async with database.write() as session:
            for number, (name, role) in enumerate(PEOPLE):
                staff = Staff(login=f"s{number}", display_name=name, role=role)
                staff.telegram_id = f"90{number}"
                session.add(staff)
        yield website


async def comes(website: Website) -> Rush:
    """Send them, each by another citizen, and wait until all of them are decided."""
    platform, moment = platform_of(website), datetime.now(UTC) - timedelta(minutes=5)
    platform.client.timeout = 120
    rows: list[dict[str, Any]] = [
        post(
            number, WORDS[number % len(WORDS)], citizen_id=f"u{number}", sent_at=moment.isoformat()
        )
        for number in range(COMMENTS)
    ]
    for start in range(0, COMMENTS, BATCH):
        answer = await platform.batch(rows[start : start + BATCH])
        assert answer.json()["taken"] == len(rows[start : start + BATCH])
    again = await platform.batch(rows[:BATCH])
    assert {one["status"] for one in again.json()["results"]} == {"known"}
    db = website.desk.office.db

    async def decided() -> list[Case]:
        async with db.read() as session:
            found = list(await session.exec(select(Case)))
        busy = [one for one in found if one.consider_at or one.state == "received"]
        return [] if busy else found

    cases = await until(decided, 600, "all decided")
    assert len(cases) == COMMENTS
    return Rush(website, cases)


async def queue(website: Website) -> tuple[Page, float]:
    """The first page of the queue, and the seconds it took."""
    async with website.desk.office.db.read() as session:
        staff = (await session.exec(select(Staff).where(Staff.login == "s0"))).one()
    started = time.perf_counter()
    page = await website.desk.inbox.page(staff, Filters(), 0)
    return page, time.perf_counter() - started


async def test_of_a_rush_everybody_is_accounted_for(website: Website) -> None:
    rush = await comes(website)
    page, took = await queue(website)
    closed = [one for one in rush.cases if one.state == "closed"]
    assert {one.subject for one in closed} == set(WORDS[:5])
    assert all(one.reason and one.category in ("闲聊", "无效", "感谢") for one in closed)
    by_itself = [one for one in rush.cases if one.state in ("replying", "answered")]
    assert {one.subject for one in by_itself} == {"身份证丢了怎么办", "社保卡丢了怎么补"}
    waiting = [one for one in rush.cases if one.state == "waiting"]
    assert len(closed) + len(by_itself) + len(waiting) == COMMENTS
    alone = [one for one in waiting if one.crowd_id is None]
    assert {one.subject for one in alone} == set(WORDS[-2:])
    groups = Counter(one.crowd_id for one in waiting if one.crowd_id is not None)
    assert len(groups) == 2 and (page.total, page.cases) == (2 + len(alone), len(waiting))
    shown = {line.crowd.crowd.id: line.crowd.size for line in page.lines if line.crowd}
    assert shown.items() <= groups.items()
    assert took < 2
    print(f"{COMMENTS} comments, {page.total} lines, first page in {took:.3f} s")


async def test_a_group_that_is_answered_while_programs_die_is_answered_once(
    website: Website,
) -> None:
    rush, db = await comes(website), website.desk.office.db
    asked = {one.id for one in rush.of("低保") if one.crowd_id is not None}
    (crowd,) = {one.crowd_id for one in rush.cases if one.id in asked}

    async def queued() -> int:
        async with db.read() as session:
            found = await session.exec(
                select(CaseEvent.case_id).where(
                    CaseEvent.kind == EventKind.REPLY_QUEUED, col(CaseEvent.case_id).in_(asked)
                )
            )
            return len(set(found))

    async def begun() -> bool:
        return await queued() >= len(asked) // 3

    first = await _answering(db.url, crowd or 0)
    await until(begun, 120, "a third answered")
    first.kill()
    await first.wait()
    assert len(asked) // 3 <= await queued() < len(asked)
    second = await _answering(db.url, crowd or 0)
    assert await asyncio.wait_for(second.wait(), 300) == 0
    assert await queued() == len(asked)
    async with db.read() as session:
        told = await session.exec(
            select(Delivery.case_id).where(
                Delivery.purpose == Purpose.REPLY, col(Delivery.case_id).in_(asked)
            )
        )
        assert Counter(told) == Counter(asked)
    assert await verify(db, "test", datetime.now(UTC)) == []


async def _answering(url: str, crowd: int) -> asyncio.subprocess.Process:
    command = (sys.executable, "-m", "tests.e2e.crowding", url, str(crowd), TEXT)
    return await asyncio.create_subprocess_exec(*command)
