"""The ledger on a real desk: folded, sealed, verified, and what a forger leaves behind."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text
from sqlmodel import select

from bot.assessment import Assessment, Figures
from bot.clock import Calendar
from bot.deadlines import profiles
from bot.ledger import catch_up, facts, provenance, verify
from storage import seals
from storage.db import Database
from storage.ledger import record
from storage.models import AuditRecord, Case, CaseEvent, FigureQueue, Staff, TurnFact
from storage.terms import EventKind
from tests.support import STAFF_PLACE, Town, build_town

DAY = timedelta(days=1)


@pytest.fixture
async def town(database: Database) -> Town:
    """An office after a day's work: answered, waiting, rated, reopened, closed."""
    town = await build_town(database)
    helped = await town.ask("身份证丢了怎么办", "1")
    await town.desk.citizens.helpful("telegram", "1", helped)
    await town.desk.satisfaction.rate("telegram", "1", helped, 2)
    again = await town.ask("社保卡丢了怎么补", "2")
    await town.desk.citizens.unhelpful("telegram", "2", again)
    await town.ask("楼下工地半夜施工太吵了，要投诉", "3")
    await town.ask("谢谢", "4")
    (staff, *_) = await town.rows(Staff)
    case = await town.case(again)
    await town.desk.review.send(staff, again, case.version, STAFF_PLACE, "带身份证到网点补卡。")
    await town.settle()
    return town


def tomorrow() -> datetime:
    return datetime.now(UTC) + 2 * DAY


async def said(town: Town, now: datetime | None = None) -> list[str]:
    return [one.text for one in await verify(town.db, "test", now or datetime.now(UTC))]


async def figures(town: Town) -> Figures:
    found = await facts(town.db)
    now = datetime.now(UTC) + timedelta(seconds=1)
    return Assessment(found, profiles()["guangdong_2022"], Calendar(), now).figures()


@asynccontextmanager
async def forging(database: Database, *tables: str) -> AsyncIterator[Any]:
    """A connection of somebody who has taken the triggers away."""
    async with database.engine.begin() as connection:
        for table in tables:
            if database.is_sqlite:
                for action in ("update", "delete"):
                    await connection.execute(text(f"DROP TRIGGER {table}_no_{action}"))
            else:
                await connection.execute(text(f"ALTER TABLE {table} DISABLE TRIGGER USER"))
        yield connection


async def test_a_days_work_agrees_with_its_ledger(town: Town) -> None:
    assert await said(town) == []
    assert await said(town, tomorrow()) == []
    (*_, audited) = [one for one in await town.rows(AuditRecord) if one.action == "ledger.verify"]
    assert (audited.actor, audited.data, len(audited.target)) == ("test", {"differences": 0}, 64)


async def test_facts_are_folded_as_events_come(town: Town) -> None:
    assert await catch_up(town.db) == 4
    assert await catch_up(town.db) == 0
    before = await figures(town)
    await town.ask("租房怎么提取公积金", "5")
    assert len(await town.rows(FigureQueue)) > 0
    after = await figures(town)
    assert await town.rows(FigureQueue) == []
    assert after["counts"]["original"] == before["counts"]["original"] + 1 == 5
    assert after["counts"]["answered_automatically"] == 2


async def test_the_figures_of_a_days_work(town: Town) -> None:
    found = await figures(town)
    counts = found["counts"]
    assert (counts["original"], counts["valid"], counts["answered"]) == (4, 3, 2)
    assert counts["excluded_by"] == {"感谢": 1}
    assert (found["satisfaction"]["satisfied"], found["resolution"]["confirmed"]) == (1, 1)
    assert found["resolution"]["reopened"] == 1
    assert {"市公安局", "市人社局"} <= set(found["by_department"])
    assert found["by_person"]["staff:1"]["counts"]["answered"] == 1
    assert found["by_category"]["投诉"]["counts"]["answered"] == 0


async def test_a_report_says_how_far_the_ledger_can_be_trusted(town: Town) -> None:
    nothing = await provenance(town.db, datetime.now(UTC))
    assert (nothing["sealed_until"], nothing["digest"], nothing["verified_at"]) == (None,) * 3
    assert await seals.seal(town.db, tomorrow()) >= 1
    await said(town)
    found = await provenance(town.db, tomorrow())
    events = await town.rows(CaseEvent)
    assert (found["events"], found["missing_events"]) == (len(events), 0)
    assert (found["cases_without_facts"], found["differences"], found["unsealed_days"]) == (0, 0, 0)
    async with town.db.read() as session:
        assert await seals.has_digest(session, found["digest"]) is not None
        assert await seals.has_digest(session, "0" * 64) is None


async def test_every_report_looks_at_cases_chosen_by_lot(town: Town) -> None:
    assert (await provenance(town.db, datetime.now(UTC)))["spot_check"] == {
        "cases": len(await town.rows(Case)),
        "differences": 0,
    }
    await catch_up(town.db)
    async with town.db.write() as session:
        fact = (await session.exec(select(TurnFact))).first()
        assert fact is not None
        fact.stop = fact.start + 1
    found = await provenance(town.db, datetime.now(UTC))
    assert found["spot_check"]["differences"] == 1


async def test_an_edited_event_is_named_with_its_day_and_case(town: Town) -> None:
    await seals.seal(town.db, tomorrow())
    async with town.db.read() as session:
        query = select(CaseEvent).where(CaseEvent.kind == "replied")
        reply = (await session.exec(query)).first()
    assert reply is not None
    async with forging(town.db, "case_event") as connection:
        await connection.execute(
            CaseEvent.__table__.update()  # type: ignore[attr-defined]
            .where(CaseEvent.id == reply.id)
            .values(at=reply.at - timedelta(hours=20))
        )
    found = await said(town)
    day = f"{reply.recorded_at.astimezone(seals.CHINA):%Y-%m-%d}"
    assert f"{day}，诉求 #{reply.case_id}：事件与封存时不同" in found
    assert any(one.startswith(f"诉求 #{reply.case_id}：答复时间库里是") for one in found)
    assert all(f"#{reply.case_id}" in one for one in found)


async def test_a_removed_event_is_missed_in_the_report_itself(town: Town) -> None:
    await seals.seal(town.db, tomorrow())
    async with forging(town.db, "case_event") as connection:
        await connection.execute(text("DELETE FROM case_event WHERE case_id = 3"))
    assert (await provenance(town.db, tomorrow()))["missing_events"] > 0
    found = await said(town)
    assert "诉求 #3：台账里没有任何事件" in found
    assert any(one.endswith("诉求 #3：封存的事件不见了") for one in found)


async def test_a_removed_case_is_missed_too(town: Town) -> None:
    await seals.seal(town.db, tomorrow())
    async with forging(town.db, "case_event") as connection:
        for table in ("case_event", "turn_fact", "message_version", "message", "draft", "delivery"):
            clause = "case_id = 3"
            if table == "message_version":
                clause = "message_id IN (SELECT id FROM message WHERE case_id = 3)"
            await connection.execute(text(f"DELETE FROM {table} WHERE {clause}"))
        await connection.execute(text('DELETE FROM "case" WHERE id = 3'))
    assert (await provenance(town.db, tomorrow()))["missing_events"] > 0
    assert any(one.endswith("诉求 #3：封存的事件不见了") for one in await said(town))


async def test_an_added_event_is_named(town: Town) -> None:
    await seals.seal(town.db, tomorrow())
    async with town.db.write() as session:
        case = await session.get_one(Case, 3)
        event = record(session, case, EventKind.REPLIED, automatic=False)
        event.recorded_at -= timedelta(minutes=1)
    assert (await provenance(town.db, tomorrow()))["missing_events"] == -1
    assert any(one.endswith("诉求 #3：事件与封存时不同") for one in await said(town))


async def test_a_moved_case_is_named(town: Town) -> None:
    """To give a case to another account, one must change what was sealed."""
    await seals.seal(town.db, tomorrow())
    async with town.db.engine.begin() as connection:
        await connection.execute(
            text(
                "INSERT INTO account (id, key, platform, name, sponsor, supervisor, responsible,"
                " state, review_steps, created_at) SELECT 99, 'other', platform, name, sponsor,"
                " supervisor, responsible, state, review_steps, created_at FROM account"
            )
        )
        await connection.execute(text('UPDATE "case" SET account_id = 99 WHERE id = 3'))
    assert any(one.endswith("诉求 #3：事件与封存时不同") for one in await said(town))


async def test_a_forged_seal_breaks_the_chain(town: Town) -> None:
    await seals.seal(town.db, tomorrow())
    async with forging(town.db, "seal") as connection:
        await connection.execute(text("UPDATE seal SET events = events - 1"))
    assert any("封存记录被改过" in one for one in await said(town))


async def test_a_removed_seal_is_missed(town: Town) -> None:
    await seals.seal(town.db, tomorrow() + 3 * DAY)
    async with forging(town.db, "seal") as connection:
        await connection.execute(text("DELETE FROM seal WHERE day = (SELECT min(day) FROM seal)"))
    assert any("封存记录被改过" in one or "多出了事件" in one for one in await said(town))


async def test_changed_rows_and_facts_are_named(town: Town) -> None:
    await catch_up(town.db)
    async with town.db.engine.begin() as connection:
        await connection.execute(text('UPDATE "case" SET grade = 1, state = state WHERE id = 1'))
        await connection.execute(text("UPDATE turn_fact SET stop = start WHERE case_id = 3"))
    assert await said(town) == [
        "诉求 #1：评价库里是“1”，台账是“2”",
        "诉求 #3：考核底数与台账重算的不同",
    ]


async def test_events_that_make_no_sense_stop_no_report(town: Town) -> None:
    async with town.db.write() as session:
        case = await session.get_one(Case, 3)
        record(session, case, EventKind.CALLBACK_OPENED, due="明天")
    assert (await figures(town))["counts"]["original"] == 3
    assert (await provenance(town.db, datetime.now(UTC)))["cases_without_facts"] == 1
    assert "诉求 #3：台账里的事件读不懂，可能被改过" in await said(town)


async def test_only_days_that_are_over_are_sealed(town: Town) -> None:
    assert await seals.seal(town.db, datetime.now(UTC)) == 0
    midnight = datetime.now(seals.CHINA).replace(hour=0, minute=0, second=0, microsecond=0) + DAY
    assert await seals.seal(town.db, midnight + timedelta(minutes=59)) == 0
    assert await seals.seal(town.db, midnight + timedelta(minutes=61)) == 1
    assert await seals.seal(town.db, midnight + 4 * DAY + timedelta(hours=2)) == 4
    async with town.db.read() as session:
        sealed = await seals.standing(session, midnight + 5 * DAY + timedelta(hours=2))
        assert sealed.unsealed == 1
        assert [one async for one in seals.broken_seals(session)] == []


async def test_what_happened_before_but_is_recorded_now_goes_into_today(town: Town) -> None:
    await seals.seal(town.db, datetime.now(UTC))
    async with town.db.write() as session:
        case = await session.get_one(Case, 3)
        record(session, case, EventKind.MESSAGE, at=datetime.now(UTC) - 30 * DAY)
        case.opened_at = datetime.now(UTC) - 30 * DAY
    assert await seals.seal(town.db, tomorrow()) >= 1
    async with town.db.read() as session:
        assert [one async for one in seals.broken_seals(session)] == []


async def test_facts_do_not_depend_on_when_they_were_folded(town: Town) -> None:
    await catch_up(town.db)
    kept = [one.model_dump() for one in await town.rows(TurnFact)]
    async with town.db.engine.begin() as connection:
        await connection.execute(text("DELETE FROM turn_fact"))
        await connection.execute(
            text("INSERT INTO figure_queue (case_id, event_id) SELECT case_id, id FROM case_event")
        )
    assert await catch_up(town.db) == 4
    assert [one.model_dump() for one in await town.rows(TurnFact)] == kept
