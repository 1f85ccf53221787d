"""Who may change the knowledge base, what is refused, and what is kept of each change."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from sqlmodel import select

from bot.desk import DeskError
from bot.desk.editing import Kept, texts
from knowledge.catalog import Entry
from knowledge.gold import Gold
from storage import entries, gold
from storage.models import AuditRecord, EntryRow, Staff
from tests.support import ENTRIES, Town, open_town

LOST, _, RENT, POOR = ENTRIES
ANSWER = "向户籍所在街道提出申请，10 个工作日内入户核查。"


async def save(town: Town, number: int, entry: Entry, version: int = 1) -> Kept:
    return await town.desk.editing.save(await town.staff(number), texts(entry), version)


async def row(town: Town, entry_id: str) -> EntryRow:
    async with town.db.read() as session:
        return await session.get_one(EntryRow, entry_id)


async def scoped(town: Town, *departments: str) -> None:
    """Keep the 审核 to these departments."""
    async with town.db.write() as session:
        staff = (await session.exec(select(Staff).where(Staff.login == "s1"))).one()
        staff.departments = list(departments)


async def test_a_change_is_live_at_once_and_kept_as_a_version(town: Town) -> None:
    other = await open_town(town.db)  # another process of the same office
    changed = replace(POOR, answer=ANSWER, similar=(*POOR.similar, "吃低保要啥手续"))
    kept = await save(town, 1, changed)
    assert (kept.version, "第 2 版" in kept.said) == (2, True)
    match = await town.desk.office.library.match("吃低保要啥手续", town.desk.office.today())
    assert match.candidates[0].entry.answer == ANSWER
    assert await other.desk.office.library.refresh() == 1
    assert other.desk.office.library.get("low-income") == changed
    (audited,) = [one for one in await town.rows(AuditRecord) if one.action == "kb.edit"]
    reviewer = await town.staff(1)
    assert (audited.actor, audited.target) == (f"staff:{reviewer.id}", "low-income")
    assert audited.data == {"version": 2, "fields": ["similar", "answer"]}
    assert (await save(town, 1, changed, 2)).said == "没有改动"
    assert (await row(town, "low-income")).version == 2


async def test_whoever_was_second_is_told_and_loses_nothing_of_the_first(town: Town) -> None:
    await save(town, 1, replace(POOR, answer=ANSWER))
    with pytest.raises(DeskError, match=r"李四.*刚改过"):
        await save(town, 2, replace(POOR, answer="另一种说法，请到街道办理。"))
    assert (await row(town, "low-income")).answer == ANSWER


async def test_of_two_at_the_same_moment_one_is_kept(town: Town) -> None:
    both = await asyncio.gather(
        save(town, 1, replace(POOR, answer=ANSWER)),
        save(town, 2, replace(POOR, answer=f"{ANSWER}带户口簿。")),
        return_exceptions=True,
    )
    assert sorted(isinstance(one, DeskError) for one in both) == [False, True]
    assert (await row(town, "low-income")).version == 2


async def test_a_clerk_may_look_but_change_nothing(town: Town) -> None:
    clerk, editing = await town.staff(0), town.desk.editing
    for attempt in (
        editing.save(clerk, texts(replace(POOR, answer=ANSWER)), 1),
        editing.save(clerk, texts(replace(POOR, id="mine", question="新的问法")), 0),
        editing.retire(clerk, "low-income", 1),
        editing.bring_back(clerk, "low-income", 1),
        editing.restore(clerk, "low-income", 1, 1),
    ):
        with pytest.raises(DeskError, match="审核、主管或管理员"):
            await attempt
    assert (await row(town, "low-income")).version == 1
    assert not [one for one in await town.rows(EntryRow) if one.id == "mine"]


async def test_editors_keep_to_their_departments(town: Town) -> None:
    await scoped(town, "市民政局")
    await save(town, 1, replace(POOR, answer=ANSWER))
    for attempt in (
        save(town, 1, replace(RENT, topic="住房")),
        save(town, 1, replace(POOR, department="市公安局"), 2),
        town.desk.editing.retire(await town.staff(1), "fund-rent", 1),
    ):
        with pytest.raises(DeskError, match="不在您的范围"):
            await attempt
    # Taking a foreign entry over by naming an own department is refused too.
    with pytest.raises(DeskError, match="不在您的范围"):
        await save(town, 1, replace(RENT, department="市民政局"))
    assert (await row(town, "fund-rent")).version == 1


async def test_what_goes_out_by_itself_is_approved_by_those_who_decide(town: Town) -> None:
    with pytest.raises(DeskError, match="主管或管理员批准"):
        await save(town, 1, replace(POOR, automatic=True))
    wording = replace(LOST, similar=(*LOST.similar, "身份证掉了"))
    assert (await save(town, 1, wording)).version == 2
    assert (await row(town, "id-lost")).automatic  # what is sent is the same
    kept = await save(town, 1, replace(wording, answer="到派出所补领，15 个工作日取证。"), 2)
    assert "重新批准" in kept.said
    assert not (await row(town, "id-lost")).automatic
    again = entries.to_entry(await row(town, "id-lost"))
    await save(town, 2, replace(again, automatic=True), 3)
    assert (await row(town, "id-lost")).automatic
    approvals = [one.data for one in await town.rows(AuditRecord) if one.action == "kb.approve"]
    assert approvals == [{"automatic": False}, {"automatic": True}]


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"question": " "}, "标准问"),
        ({"answer": ""}, "答案"),
        ({"answer": "请打张经理手机13812345678。"}, "手机号"),
        ({"similar": "我电话13812345678，低保怎么办"}, "手机号"),
        ({"links": "申请入口 javascript:alert(1)"}, "完整网址"),
        ({"effective_on": "2026-12-01", "expires_on": "2026-11-01"}, "早于生效日"),
        ({"review_on": "明年"}, "不是有效日期"),
        ({"answer": "请到 XX 街道办理，{地址}。"}, "未填完"),
    ],
)
async def test_what_must_not_be_published_is_not_saved(
    town: Town, change: dict[str, str], why: str
) -> None:
    fields = {**texts(POOR), **change}
    checked = await town.desk.editing.check(fields, POOR)
    assert why in checked.objection
    with pytest.raises(DeskError, match=why):
        await town.desk.editing.save(await town.staff(2), fields, 1)
    assert (await row(town, "low-income")).version == 1


async def test_what_should_be_looked_at_is_said_but_not_refused(town: Town) -> None:
    fields = {
        **texts(POOR),
        "similar": "社保卡丢了怎么补",
        "expires_on": "2020-01-01",
        "department": "",
    }
    checked = await town.desk.editing.check(fields, POOR)
    said = {one.field: one.text for one in checked.remarks}
    assert not checked.objection
    assert "社保卡丢失怎么补办" in said["similar"]
    assert "失效" in said["expires_on"]
    assert {"basis", "department"} <= set(said)


async def test_saved_questions_that_would_go_wrong_stop_a_change(town: Town) -> None:
    async with town.db.write() as session:
        await gold.save(session, [Gold("低保怎么申请", "low-income")], "test")
    thief = replace(RENT, similar=(*RENT.similar, "低保怎么申请"), question="低保怎么申请")
    spoilt = replace(POOR, question="孤儿怎么领补助", similar=(), answer="到街道领。")
    kept = await save(town, 2, spoilt)
    assert kept.version == 0
    assert [one.gold.query for one in kept.broken] == ["低保怎么申请"]
    assert (await row(town, "low-income")).version == 1
    staff = await town.staff(2)
    kept = await town.desk.editing.save(staff, texts(spoilt), 1, accept_broken=True)
    assert kept.version == 2
    assert (await save(town, 2, thief)).version == 2  # it was wrong already


async def test_out_of_use_and_back(town: Town) -> None:
    editing, reviewer = town.desk.editing, await town.staff(1)
    library = town.desk.office.library
    await editing.retire(reviewer, "id-lost", 1)
    assert library.get("id-lost") is None
    with pytest.raises(DeskError, match="先启用"):
        await save(town, 2, replace(LOST, answer="新的答案，请到派出所。"), 2)
    # A 审核 cannot bring back what then goes out by itself without those who decide.
    assert "人工审核" in await editing.bring_back(reviewer, "id-lost", 2)
    back = library.get("id-lost")
    assert back == replace(LOST, automatic=False)
    opened = await town.desk.catalogue.open(reviewer, "id-lost")
    assert [(one.number, one.retired) for one in opened.versions] == [
        (3, False),
        (2, True),
        (1, False),
    ]


async def test_an_earlier_version_comes_back_as_a_new_one(town: Town) -> None:
    await save(town, 2, replace(POOR, answer=ANSWER))
    kept = await town.desk.editing.restore(await town.staff(2), "low-income", 2, 1)
    assert kept.version == 3
    assert entries.to_entry(await row(town, "low-income")) == POOR
    with pytest.raises(DeskError, match="没有这一版"):
        await town.desk.editing.restore(await town.staff(2), "low-income", 3, 9)


async def test_new_entries_get_a_number_of_their_own(town: Town) -> None:
    editing = town.desk.editing
    first = await editing.fresh_id()
    fresh = replace(POOR, id=first, question="孤儿怎么领补助", similar=(), automatic=False)
    assert (await save(town, 1, fresh, 0)).version == 1
    assert town.desk.office.library.get(first) == fresh
    assert await editing.fresh_id() not in ("", first)
    with pytest.raises(DeskError, match="已经有了"):
        await save(town, 1, fresh, 0)
    # A new one of a 审核 never goes out by itself.
    kept = await save(town, 1, replace(fresh, id="own", question="别的", automatic=True), 0)
    assert kept.version == 1 and not (await row(town, "own")).automatic
