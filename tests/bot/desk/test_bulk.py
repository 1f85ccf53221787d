"""One answer for many cases: each sent and kept by itself, collisions told one by one."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlmodel import select

from bot.desk import DeskError
from bot.desk.desktop import CONSOLE
from bot.desk.placeholders import fill
from knowledge.screen import screen
from storage import entries
from storage.models import Account, AuditRecord, Case, Citizen, Staff
from storage.terms import EventKind
from tests.support import ENTRIES, Town

TEXT = "{称呼}：向户籍所在街道提出申请，入户核查后公示。您的诉求 {诉求编号} 请记好。"


async def three(town: Town) -> list[tuple[int, int]]:
    asked = ("低保怎么申请", "请问低保怎么申请", "低保申请要什么条件")
    return [await town.waiting(text, f"700{number}") for number, text in enumerate(asked)]


async def test_similar_cases_are_found_and_others_are_not(town: Town) -> None:
    first, second, third = await three(town)
    other = await town.waiting("我要投诉，楼下烧烤摊半夜冒烟", "7009")
    found = await town.desk.bulk.alike(await town.staff(), first[0])
    assert {one.case_id for one in found} == {second[0], third[0]}
    assert found[0].likely and (found[0].case_id, found[0].version) == second
    assert other[0] not in {one.case_id for one in found}


async def test_each_citizen_gets_an_answer_and_a_clock_of_their_own(town: Town) -> None:
    picks, staff = await three(town), await town.staff()
    done = await town.desk.bulk.answer(staff, picks, TEXT, "low-income")
    assert [(one.case_id, one.sent) for one in done] == [(number, True) for number, _ in picks]
    await town.settle()
    for place, (number, _) in enumerate(picks):
        (reply,) = [one for one in town.to(f"700{place}") if "街道提出申请" in one.text]
        assert reply.text.startswith("小李：") and f"#{number} 请记好" in reply.text
        case = await town.case(number)
        assert (case.state, case.entry_id) == ("answered", "low-income")
        kinds = await town.kinds(number)
        assert (kinds.count(EventKind.REPLY_QUEUED), kinds.count(EventKind.REPLIED)) == (1, 1)
    kept = [one for one in await town.rows(AuditRecord) if one.action == "case.bulk"]
    assert [one.target for one in kept] == [str(number) for number, _ in picks]
    assert {one.actor for one in kept} == {f"staff:{staff.id}"}
    await town.agrees()


async def test_what_a_colleague_was_quicker_with_is_said_and_the_rest_goes_out(town: Town) -> None:
    picks, staff = await three(town), await town.staff()
    await town.desk.review.adopt(await town.staff(1), *picks[1], CONSOLE)
    await town.say("再问一句，家里四口人", "7002")
    done = {one.case_id: one for one in await town.desk.bulk.answer(staff, picks, TEXT)}
    assert done[picks[0][0]].sent
    assert not done[picks[1][0]].sent and "李四" in done[picks[1][0]].said
    assert not done[picks[2][0]].sent and "刚有变化" in done[picks[2][0]].said
    assert (await town.case(picks[2][0])).state == "waiting"


async def test_one_outside_the_scope_is_refused_alone(town: Town) -> None:
    picks = await three(town)
    async with town.db.write() as session:
        (await session.get_one(Case, picks[0][0])).department = "市教育局"
        staff = (await session.exec(select(Staff).where(Staff.login == "s0"))).one()
        staff.departments = ["市民政局"]
    narrow = await town.staff()
    assert {one.case_id for one in await town.desk.bulk.alike(narrow, picks[1][0])} == {picks[2][0]}
    with pytest.raises(DeskError, match="不归您"):
        await town.desk.bulk.alike(narrow, picks[0][0])
    done = await town.desk.bulk.answer(narrow, picks, TEXT)
    assert [one.sent for one in done] == [False, True, True]
    assert "不归您" in done[0].said


async def test_all_of_it_can_be_taken_back_before_it_leaves(town: Town) -> None:
    picks, staff = await three(town), await town.staff()
    await town.desk.bulk.answer(staff, picks, TEXT)
    said = await town.desk.bulk.take_back(staff, [number for number, _ in picks])
    assert said == "撤销了 3 件，没有发出"
    assert [(await town.case(number)).state for number, _ in picks] == ["waiting"] * 3
    await town.settle()
    assert "3 件已经发出" in await town.desk.bulk.take_back(staff, [n for n, _ in picks])
    await town.agrees()


async def test_where_more_steps_are_needed_each_case_takes_its_first(town: Town) -> None:
    picks, staff = await three(town), await town.staff()
    async with town.db.write() as session:
        (await session.exec(select(Account))).one().review_steps = 2
    done = await town.desk.bulk.answer(staff, picks, TEXT)
    assert all("第 1 步" in one.said for one in done)
    assert [(await town.case(number)).state for number, _ in picks] == ["waiting"] * 3
    with pytest.raises(DeskError, match="逐件审"):  # what is filled in by now is one citizen's own
        await town.desk.bulk.alike(await town.staff(1), picks[0][0])


@pytest.mark.parametrize(
    ("text", "why"), [(" ", "空的"), ("您的诉求已收悉，正在核实，请耐心等待。", "不停止计时")]
)
async def test_what_answers_nobody_goes_to_nobody(town: Town, text: str, why: str) -> None:
    picks = await three(town)
    with pytest.raises(DeskError, match=why):
        await town.desk.bulk.answer(await town.staff(), picks, text)
    assert [(await town.case(number)).version for number, _ in picks] == [v for _, v in picks]


async def test_an_outdated_entry_answers_nobody(town: Town) -> None:
    picks = await three(town)
    today = town.desk.office.today()
    async with town.db.write() as session:
        late = replace(ENTRIES[3], expires_on=today.replace(year=today.year - 1))
        await entries.save(session, [late], "test")
    await town.desk.office.library.refresh()
    text = "向户籍所在街道提出申请，入户核查后公示。\n\n承办：市民政局"
    with pytest.raises(DeskError, match="有效期"):
        await town.desk.bulk.answer(await town.staff(), picks, text, "low-income")


def test_placeholders_are_filled_once_and_repeat_no_odd_names() -> None:
    case = Case(id=7, account_id=1, citizen_id=1)
    for name, called in (
        ("小李", "小李"),
        ("", "市民朋友"),
        ("加微信13812345678", "市民朋友"),
        ("{诉求编号}", "市民朋友"),
        ("http://x.cn", "市民朋友"),
    ):
        citizen = Citizen(account_id=1, external_id="1", display_name=name)
        assert (
            fill("{称呼}，见 {诉求编号}，{别的}", case, citizen, screen)
            == f"{called}，见 #7，{{别的}}"
        )
    with pytest.raises(DeskError, match="没有期限"):
        fill("{期限}前回复", case, citizen, screen)
    with pytest.raises(DeskError, match="没有承办单位"):
        fill("请找{承办单位}", case, citizen, screen)


async def test_a_single_reply_has_its_placeholders_filled_too(town: Town) -> None:
    case_id, version = await town.waiting()
    text = "{称呼}，{期限}前由{承办单位}上门核查，请在家等候。"
    await town.desk.review.send(await town.staff(), case_id, version, CONSOLE, text)
    await town.settle()
    (reply,) = [one for one in town.to("7001") if "上门核查" in one.text]
    assert reply.text.startswith("小李，") and "市民政局" in reply.text and "{" not in reply.text
