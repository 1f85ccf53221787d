"""记为相似问: what a card offers once another entry answered, and what a press does."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date

import pytest

from bot.desk import DeskError
from knowledge.gold import Gold
from knowledge.proposals import similar_key
from storage import entries, gold, proposals
from storage.db import Database
from storage.models import AuditRecord, EntryRevision, EntryRow, ProposalDecision
from tests.support import ENTRIES, STAFF_PLACE, Town, build_town

ASKED = "家里老人走了户口咋销？"
WORDING = "家里老人走了户口咋销"
DAY = date(2026, 11, 23)
GONE = replace(
    ENTRIES[3],
    id="gone",
    question="去世人员怎么注销户口",
    answer="带死亡证明到派出所。",
    similar=(),
)
MOVED = replace(GONE, id="moved", question="老人户口怎么迁", answer="带房产证到派出所。")


@pytest.fixture
async def town(database: Database) -> Town:
    return await build_town(database, known=(*ENTRIES, GONE, MOVED))


async def answered(town: Town, text: str = ASKED, wanted: str = "gone") -> int:
    return await town.answered(text, wanted)


def offered(town: Town) -> list[tuple[str, str]]:
    """The text and the key of every card that offers to keep a wording."""
    return [
        (one.text, button.action.rpartition(":")[2])
        for one in town.to(STAFF_PLACE)
        for row in one.buttons
        for button in row
        if button.title == "记为相似问"
    ]


async def taught(town: Town) -> list[str]:
    async with town.db.read() as session:
        return list((await session.get_one(EntryRow, "gone")).similar)


async def test_a_wording_is_offered_where_another_entry_answered(town: Town) -> None:
    await answered(town)
    ((text, key),) = offered(town)
    assert text.endswith(f"群众的问法：{WORDING}\n可记到：去世人员怎么注销户口")
    assert key == similar_key(WORDING, "gone")


async def test_nothing_is_offered_where_the_first_entry_answered(town: Town) -> None:
    await answered(town, wanted="moved")
    assert offered(town) == []


async def test_a_number_to_call_is_left_out_of_the_wording(town: Town) -> None:
    await answered(town, f"{ASKED}13800138000")
    ((text, _),) = offered(town)
    assert f"群众的问法：{WORDING}\n" in text


async def test_a_long_story_is_no_wording(town: Town) -> None:
    await answered(town, "老人户口" + "和这件事情有关的许多许多话" * 5)
    assert offered(town) == []


async def test_a_press_adds_it_for_good_and_at_once(town: Town) -> None:
    case_id = await answered(town)
    ((_, key),) = offered(town)
    staff = await town.staff(1)
    assert await town.desk.learning.add(staff, case_id, key) == "已记为相似问"
    assert await taught(town) == [WORDING]
    match = await town.desk.office.library.match(ASKED, DAY)
    assert match.candidates[0].entry.id == "gone"
    (revision,) = [one for one in await town.rows(EntryRevision) if one.version == 2]
    assert (revision.entry_id, revision.actor) == ("gone", f"staff:{staff.id}")
    (decision,) = await town.rows(ProposalDecision)
    assert (decision.key, decision.accepted) == (key, True)
    kept = [(one.action, one.target) for one in await town.rows(AuditRecord)][-2:]
    assert kept == [("kb.similar", "gone"), ("proposal.accept", key)]


async def test_the_audit_tells_of_which_case_but_not_what_was_asked(town: Town) -> None:
    case_id = await answered(town)
    await town.desk.learning.add(await town.staff(1), case_id, offered(town)[0][1])
    (record,) = [one for one in await town.rows(AuditRecord) if one.action == "kb.similar"]
    assert record.data == {"version": 2, "case": case_id}


async def test_who_may_not_edit_the_base_is_refused(town: Town) -> None:
    case_id = await answered(town)
    with pytest.raises(DeskError, match="审核、主管或管理员"):
        await town.desk.learning.add(await town.staff(0), case_id, offered(town)[0][1])
    assert await taught(town) == []


async def test_of_two_who_press_one_is_told_it_is_there(town: Town) -> None:
    case_id = await answered(town)
    key = offered(town)[0][1]
    staff = [await town.staff(number) for number in (1, 2)]
    presses = [town.desk.learning.add(one, case_id, key) for one in staff]
    assert "已记为相似问" in await asyncio.gather(*presses, return_exceptions=True)
    with pytest.raises(DeskError, match="已经有这个问法"):
        await town.desk.learning.add(staff[0], case_id, key)
    assert await taught(town) == [WORDING]
    assert len(await town.rows(EntryRevision)) == len(ENTRIES) + 3


async def test_what_the_citizen_says_later_takes_the_offer_back(town: Town) -> None:
    case_id = await answered(town)
    key = offered(town)[0][1]
    await town.desk.citizens.unhelpful("telegram", "7001", case_id)
    with pytest.raises(DeskError, match="有变化"):
        await town.desk.learning.add(await town.staff(1), case_id, key)
    assert await taught(town) == []


async def test_an_entry_that_was_retired_meanwhile_learns_nothing(town: Town) -> None:
    case_id = await answered(town)
    async with town.db.write() as session:
        await entries.retire(session, "gone", "test")
    with pytest.raises(DeskError, match="已经停用"):
        await town.desk.learning.add(await town.staff(1), case_id, offered(town)[0][1])


async def test_a_saved_question_that_would_go_wrong_stops_it(town: Town) -> None:
    async with town.db.write() as session:
        await gold.save(session, [Gold("老人户口咋迁走", "moved")], "test")
    case_id = await answered(town, "老人户口咋迁走的")
    with pytest.raises(DeskError, match="会让测试问题“老人户口咋迁走”答错"):
        await town.desk.learning.add(await town.staff(1), case_id, offered(town)[0][1])
    assert await taught(town) == []
    async with town.db.read() as session:
        assert await proposals.decided(session) == set()


async def test_what_somebody_rejected_is_not_offered_again(town: Town) -> None:
    key = similar_key(WORDING, "gone")
    async with town.db.write() as session:
        await proposals.decide(session, [key, key], accepted=False, actor="staff:2")
    await answered(town)
    assert offered(town) == []
    async with town.db.write() as session:
        await proposals.decide(session, [key], accepted=True, actor="staff:3")
    ((accepted, actor),) = [(o.accepted, o.actor) for o in await town.rows(ProposalDecision)]
    assert (accepted, actor) == (True, "staff:3")
