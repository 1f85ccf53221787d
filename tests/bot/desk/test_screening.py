"""不能发的词: ruled by the 管理员 alone, held against replies at once, and kept on record."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlmodel import select

from bot.desk import DeskError, Library
from bot.desk.desktop import CONSOLE
from bot.desk.phrases import Wording
from bot.desk.screening import Screening
from knowledge.matcher import Policy
from storage.models import AuditRecord, Staff
from tests.support import Town

REPLY = "请向户籍所在街道提出申请，入户核查后公示，三十日内答复您。"


async def admin(town: Town) -> Staff:
    async with town.db.write() as session:
        row = (await session.exec(select(Staff).where(Staff.login == "s2"))).one()
        row.role = "管理员"
    return await town.staff(2)


async def send(town: Town, text: str = REPLY) -> str:
    case_id, version = await town.waiting("低保怎么申请", "7001")
    return await town.desk.review.send(await town.staff(), case_id, version, CONSOLE, text)


async def test_only_the_administrator_rules(town: Town) -> None:
    desk = town.desk.screening
    for number in range(3):
        staff = await town.staff(number)
        for act in (
            desk.add(staff, "公示", "block", ""),
            desk.switch_off(staff, "傻子", "误拦"),
            desk.drop(staff, "公示"),
        ):
            with pytest.raises(DeskError, match="管理员"):
                await act
        with pytest.raises(DeskError, match="管理员"):
            await desk.words(staff)


async def test_a_word_ruled_out_holds_up_replies_in_every_process(town: Town) -> None:
    boss = await admin(town)
    elsewhere = replace(town.desk.office, library=Library(town.db, Policy()))
    await Screening(elsewhere).add(boss, "入户核查", "block", "请改为“上门了解情况”")
    assert town.desk.screening.try_out(REPLY) == []
    with pytest.raises(DeskError, match="上门了解情况"):
        await send(town)
    await town.desk.office.library.refresh()
    assert [one.text for one in town.desk.inbox.findings(REPLY)] == ["入户核查"]
    with pytest.raises(DeskError, match="入户核查"):
        await town.desk.phrases.add(boss, Wording("办理", REPLY))
    await town.desk.screening.drop(boss, "入户核查")
    assert await send(town) == "已发送"
    done = [one for one in await town.rows(AuditRecord) if one.action.startswith("screen.")]
    assert [one.action for one in done] == ["screen.add", "screen.drop"]
    assert {one.actor for one in done} == {f"staff:{boss.id}"}


async def test_a_word_to_be_warned_of_lets_the_reply_go(town: Town) -> None:
    await town.desk.screening.add(await admin(town), "公示", "warn", "")
    (found,) = town.desk.inbox.findings(REPLY)
    assert not found.blocks and "再看看" in str(found)
    assert await send(town) == "已发送"


async def test_an_answer_with_a_word_ruled_out_goes_out_by_itself_no_more(town: Town) -> None:
    said = await town.desk.screening.add(await admin(town), "派出所", "block", "")
    assert "它们不再自动答复" in said
    await town.say("身份证丢了怎么办", "7002")
    await town.settle()
    assert not any("派出所" in one.text for one in town.to("7002"))
    assert await town.case(1) and (await town.case(1)).state == "waiting"


async def test_a_question_tried_out_says_that_its_answer_is_held_back(town: Town) -> None:
    ask, text = town.desk.catalogue.ask, "身份证丢失怎么补领"
    before = await ask(text)
    assert (before.course, before.held) == ("answer", {})
    await town.desk.screening.add(await admin(town), "户口簿", "block", "请写“户口本”")
    after = await ask(text)
    assert after.course == "staff"
    assert after.held == {"id-lost": "本单位词表“户口簿”：请写“户口本”"}


async def test_shipped_words_pass_only_for_a_reason(town: Town) -> None:
    desk, boss = town.desk.screening, await admin(town)
    with pytest.raises(DeskError, match="写明"):
        await desk.switch_off(boss, "维稳", " ")
    with pytest.raises(DeskError, match="没有这个词"):
        await desk.switch_off(boss, "天气", "不用拦")
    await desk.switch_off(boss, "维稳", "本地有维稳路，误拦")
    assert desk.try_out("请到维稳路 3 号办理，内部资料请勿带走。")[0].text == "内部资料"
    assert [one.advice for one in (await desk.words(boss)).off] == ["本地有维稳路，误拦"]
    await desk.drop(boss, "维稳")
    assert [one.text for one in desk.try_out("请到维稳路办理")] == ["维稳"]


async def test_a_shipped_word_is_let_pass_by_switching_it_off_alone(town: Town) -> None:
    with pytest.raises(DeskError, match="拦下还是"):
        await town.desk.screening.add(await admin(town), "公示", "off", "")


@pytest.mark.parametrize(
    ("word", "refusal"), [("一", "2 到"), ("长" * 31, "2 到"), ("内部资料", "已经有")]
)
async def test_words_that_make_no_sense_are_refused(town: Town, word: str, refusal: str) -> None:
    with pytest.raises(DeskError, match=refusal):
        await town.desk.screening.add(await admin(town), word, "block", "")
