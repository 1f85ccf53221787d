"""Staff actions: one wins, nothing outdated or unreviewed leaves."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import date

import pytest

from bot.desk import DeskError, prompts
from storage import entries
from storage.db import Database
from storage.models import AuditRecord, Delivery
from tests.support import ENTRIES, STAFF_PLACE, Town, build_town


async def test_adopt_sends_the_draft_and_stops_the_clock(town: Town) -> None:
    case_id, version = await town.waiting()
    assert (
        await town.desk.review.adopt(await town.staff(), case_id, version, STAFF_PLACE) == "已发送"
    )
    await town.settle()
    assert town.to("7001")[-1].text.startswith("向户籍所在街道提出申请")
    case = await town.case(case_id)
    assert (case.state, case.automatic) == ("answered", False)
    assert (await town.kinds(case_id))[-3:] == ["reviewed", "reply_queued", "replied"]
    last = town.to(STAFF_PLACE)[-1]
    assert last.edits and "已由张三答复" in last.text
    kept = [(row.actor, row.action, row.target) for row in await town.rows(AuditRecord)]
    assert ("staff:1", "case.adopt", str(case_id)) in kept


async def test_edited_text_goes_out_in_place_of_the_draft(town: Town) -> None:
    case_id, version = await town.waiting()
    staff = await town.staff()
    await town.desk.review.send(
        staff, case_id, version, STAFF_PLACE, "请到街道办事处民政窗口申请。"
    )
    await town.settle()
    assert town.to("7001")[-1].text == "请到街道办事处民政窗口申请。"
    assert (await town.case(case_id)).entry_id == ""


async def test_of_two_people_one_wins_and_the_other_is_told(town: Town) -> None:
    case_id, version = await town.waiting()
    zhang, li = await town.staff(0), await town.staff(1)
    results = await asyncio.gather(
        town.desk.review.adopt(zhang, case_id, version, STAFF_PLACE),
        town.desk.review.adopt(li, case_id, version, STAFF_PLACE),
        return_exceptions=True,
    )
    await town.settle()
    refused = [one for one in results if isinstance(one, DeskError)]
    assert len(refused) == 1 and "已由" in str(refused[0])
    replies = [row for row in await town.rows(Delivery) if row.purpose == "reply"]
    assert len(replies) == 1


async def test_outdated_card_is_refused_with_a_fresh_one(town: Town) -> None:
    case_id, version = await town.waiting()
    await town.ask("补充一下，我家三口人")
    with pytest.raises(DeskError, match="已过时"):
        await town.desk.review.adopt(await town.staff(), case_id, version, STAFF_PLACE)
    await town.settle()
    assert "我家三口人" in town.to(STAFF_PLACE)[-1].text
    assert (await town.case(case_id)).state == "waiting"


async def test_other_candidate_takes_the_drafts_place(town: Town) -> None:
    case_id, version = await town.waiting("低保和公积金租房提取都怎么申请，我要投诉没人回")
    await town.desk.review.other(await town.staff(), case_id, version, STAFF_PLACE)
    await town.settle()
    cards = [one for one in town.to(STAFF_PLACE) if "拟答" in one.text]
    assert cards[-1].text != cards[-2].text


async def test_close_and_later_keep_the_record(town: Town) -> None:
    case_id, _ = await town.waiting()
    staff = await town.staff()
    case = await town.case(case_id)
    due = case.due_at
    await town.desk.review.later(staff, case_id, case.version, STAFF_PLACE)
    assert (await town.case(case_id)).due_at == due
    await town.desk.review.close(staff, case_id, case.version, STAFF_PLACE, "重复提交")
    case = await town.case(case_id)
    assert (case.state, case.reason) == ("closed", "重复提交")
    assert {"snoozed", "closed"} <= set(await town.kinds(case_id))


async def test_edit_prompt_is_understood_when_answered(town: Town) -> None:
    case_id, version = await town.waiting()
    await town.desk.review.prompt(await town.staff(), case_id, version, STAFF_PLACE)
    await town.settle()
    prompt = next(row for row in await town.rows(Delivery) if row.purpose == "prompt")
    assert town.to(STAFF_PLACE)[-1].ask_reply
    office = town.desk.office
    found = await prompts.answered(office, STAFF_PLACE, prompt.external_id)
    assert found == prompts.Asked(case_id, version)
    assert await prompts.answered(office, STAFF_PLACE, "99999") is None


@pytest.mark.parametrize("text", ["请联系 13812341234 张经理", "您好，{姓名}，请到窗口办理", " "])
async def test_what_must_not_be_published_is_not(town: Town, text: str) -> None:
    case_id, version = await town.waiting()
    with pytest.raises(DeskError):
        await town.desk.review.send(await town.staff(), case_id, version, STAFF_PLACE, text)
    await town.settle()
    assert (await town.case(case_id)).state == "waiting"


async def test_expired_entry_is_not_adopted(town: Town) -> None:
    case_id, version = await town.waiting()
    expired = replace(ENTRIES[3], expires_on=date(2020, 1, 1))
    async with town.db.write() as session:
        await entries.save(session, [expired], "test")
    await town.desk.office.library.refresh()
    with pytest.raises(DeskError, match="有效期"):
        await town.desk.review.adopt(await town.staff(), case_id, version, STAFF_PLACE)


async def test_three_steps_need_three_people_and_the_right_roles(database: Database) -> None:
    town = await build_town(database, review_steps=3)
    case_id, version = await town.waiting()
    zhang, li, wang = [await town.staff(number) for number in range(3)]
    review = town.desk.review
    assert "还需 2 步" in await review.adopt(zhang, case_id, version, STAFF_PLACE)
    version += 1
    with pytest.raises(DeskError, match="换一位同事"):
        await review.adopt(zhang, case_id, version, STAFF_PLACE)
    assert "还需 1 步" in await review.adopt(li, case_id, version, STAFF_PLACE)
    await town.settle()
    assert "初审 张三、复审 李四" in town.to(STAFF_PLACE)[-1].text
    assert (await town.case(case_id)).state != "answered"
    assert await review.adopt(wang, case_id, version + 1, STAFF_PLACE) == "已发送"
    await town.settle()
    assert town.to("7001")[-1].text.startswith("向户籍所在街道提出申请")


async def test_second_step_is_not_for_an_agent(database: Database) -> None:
    town = await build_town(database, review_steps=2)
    case_id, version = await town.waiting()
    await town.desk.review.adopt(await town.staff(1), case_id, version, STAFF_PLACE)
    with pytest.raises(DeskError, match="审核或主管"):
        await town.desk.review.adopt(await town.staff(0), case_id, version + 1, STAFF_PLACE)


async def test_card_masks_people_and_counts_the_queue(town: Town) -> None:
    await town.waiting("我要投诉！打了三次没人管，我电话13812341234", "7001")
    await town.waiting("低保怎么申请", "7002")
    card = await town.desk.review.show(1)
    assert "138****1234" in card.text and "13812341234" not in card.text
    assert ("前面" in card.text and "后面 1 件" in card.text) or "前面 1 件" in card.text


async def test_next_and_summary(town: Town) -> None:
    staff = await town.staff()
    assert await town.desk.review.next(staff, "900") == "没有待办的诉求。"
    await town.waiting()
    assert await town.desk.review.next(staff, "900") == "下一件在下面。"
    await town.settle()
    assert "诉求 #1" in town.to("900")[-1].text
    assert "待人工 1 件" in await town.desk.review.summary()
