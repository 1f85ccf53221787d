"""Citizens' words and names go after their time; what is open, recent or counted stays."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from bot import ledger
from bot.assessment import Assessment
from bot.desk import Desk
from bot.desk.retention import EXPIRED, expire
from bot.settings import DeskSettings
from storage.models import AuditRecord, Case, Citizen, Delivery, Draft, Message
from tests.support import Town

LONG_AGO = datetime.now(UTC) - timedelta(days=400)


def keeping(town: Town, days: int) -> None:
    office = town.desk.office
    rules = replace(office.rules, keep_citizen_days=days)
    town.desk = Desk(replace(office, rules=rules), {"telegram": town.channel})


async def aged(town: Town, case_id: int) -> None:
    """As if nothing had happened to this case and its citizen for long."""
    async with town.db.write() as session:
        case = await session.get_one(Case, case_id)
        case.updated_at = LONG_AGO
        (await session.get_one(Citizen, case.citizen_id)).created_at = LONG_AGO


async def counts(town: Town) -> object:
    office = town.desk.office
    found = await ledger.facts(town.db)
    cut_off = datetime.now(UTC)
    figures = Assessment(found, office.rules.profile, office.rules.calendar, cut_off).figures(())
    return figures["counts"], figures["on_time"], figures["satisfaction"]


async def test_nothing_goes_unless_a_limit_is_set(town: Town) -> None:
    await aged(town, await town.ask("身份证丢了怎么补办？"))
    assert await expire(town.desk.office) == 0
    assert (await town.rows(Message))[0].text == "身份证丢了怎么补办？"


async def test_after_the_limit_words_and_names_go_and_figures_stay(town: Town) -> None:
    keeping(town, 365)
    case_id = await town.ask("身份证丢了怎么补办？")
    await aged(town, case_id)
    before = await counts(town)
    assert await expire(town.desk.office) == 1
    assert [row.text for row in await town.rows(Message)] == [EXPIRED]
    assert all(row.text == EXPIRED for row in await town.rows(Draft))
    assert all("身份证" not in str(row.payload) for row in await town.rows(Delivery))
    (citizen,) = await town.rows(Citizen)
    assert citizen.display_name == "" and "7001" not in citizen.external_id
    assert (await town.case(case_id)).state == "answered"
    assert await counts(town) == before
    kept = [row for row in await town.rows(AuditRecord) if row.action == "citizen.expire"]
    assert [(row.actor, row.target) for row in kept] == [("system", str(citizen.id))]
    assert await expire(town.desk.office) == 0
    await town.agrees()


async def test_what_is_open_or_recent_is_kept(town: Town) -> None:
    keeping(town, 365)
    waiting, _ = await town.waiting("低保怎么申请", "7001")
    await aged(town, waiting)
    await town.ask("身份证丢了怎么补办？", "7002")
    assert await expire(town.desk.office) == 0
    assert EXPIRED not in [row.text for row in await town.rows(Message)]


@pytest.mark.parametrize("days", [-1, 1, 29])
def test_a_limit_too_short_is_refused(days: int) -> None:
    with pytest.raises(ValidationError, match="30 日"):
        DeskSettings(keep_citizen_days=days)
