"""Staff in their group and in private: cards, buttons, typed replies."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from bot.channels.base import Attachment
from bot.desk import Desk
from handlers.telegram import texts
from storage.db import Database
from storage.models import Case, EntryRow, Message
from tests.botapi import Sent, User
from tests.handlers.telegram_door import Door, opened
from tests.support import ENTRIES

HARD = "低保怎么申请"


@pytest.fixture
async def door(database: Database) -> AsyncIterator[Door]:
    async with opened(database) as running:
        yield running


@pytest.fixture
def citizen(door: Door) -> User:
    return door.api.user("小李")


async def card_for(door: Door, citizen: User, text: str = HARD) -> Sent:
    await door.api.says(citizen, text)
    await door.settle()
    return await door.api.next_message(door.staff, containing="诉求 #")


async def test_a_draft_is_adopted_and_the_card_closed(door: Door, citizen: User) -> None:
    card = await card_for(door, citizen)
    shown = await door.api.presses(door.colleague(), card, "采用")
    assert shown.text == "已发送"
    await door.settle()
    await door.api.next_message(citizen, containing="街道提出申请")
    closed = await door.api.next_edit(door.staff)
    assert (closed.id, closed.buttons) == (card.id, [])
    assert "张三" in closed.text


async def test_of_two_who_press_one_wins_and_the_other_is_told(door: Door, citizen: User) -> None:
    card = await card_for(door, citizen)
    adopt = card.data("采用")
    await door.api.presses(door.colleague(0), card, adopt, stale=True)
    shown = await door.api.presses(door.colleague(1), card, adopt, stale=True)
    assert (shown.text, shown.show_alert) == ("已由张三答复，您的操作没有执行。", True)


async def test_an_edited_reply_is_typed_and_sent(door: Door, citizen: User) -> None:
    card = await card_for(door, citizen)
    shown = await door.api.presses(door.colleague(), card, "编辑")
    assert shown.text == "请在下面写答复"
    await door.settle()
    prompt = await door.api.next_message(door.staff)
    assert prompt.markup["force_reply"]
    typed = await door.api.says(
        door.colleague(), "请带户口簿到街道 <b>2 楼</b> 申请。", door.staff, reply_to=prompt
    )
    confirmed = await door.api.next_message(door.staff)
    assert (confirmed.text, confirmed.reply_to) == ("已发送", typed.id)
    await door.settle()
    await door.api.next_message(citizen, containing="<b>2 楼</b>")


async def test_a_reply_to_the_card_itself_is_a_reply_too(door: Door, citizen: User) -> None:
    card = await card_for(door, citizen)
    await door.api.says(door.colleague(), "请到街道申请。", door.staff, reply_to=card)
    await door.api.next_message(door.staff, containing="已发送")
    await door.settle()
    answer = await door.api.next_message(citizen, containing="请到街道申请。")
    assert answer.text.startswith("请到街道申请。")
    assert [case.state for case in await door.rows(Case)] == ["answered"]


async def test_a_reply_to_an_outdated_card_is_refused_with_a_fresh_one(
    door: Door, citizen: User
) -> None:
    card = await card_for(door, citizen)
    await door.api.says(citizen, "我是残疾人，低保怎么申请")
    await door.settle()
    await door.api.says(door.colleague(), "请到街道。", door.staff, reply_to=card)
    await door.api.next_message(door.staff, containing="已过时")
    await door.settle()
    await door.api.next_message(door.staff, containing="残疾人")
    assert not [one for one in await door.api.sent(citizen) if "请到街道" in one.text]


async def test_a_photo_is_no_reply(door: Door, citizen: User) -> None:
    card = await card_for(door, citizen)
    await door.api.sends_photo(door.colleague(), caption="看图", chat=door.staff, reply_to=card)
    assert (await door.api.next_message(door.staff)).text == texts.WRITE_TEXT
    assert (await door.rows(Case))[0].state == "waiting"


async def test_a_reply_that_fits_no_case_is_said_so(door: Door, citizen: User) -> None:
    await door.api.says(door.colleague(), "/queue", door.staff)
    summary = await door.api.next_message(door.staff)
    await door.api.says(door.colleague(), "请到街道。", door.staff, reply_to=summary)
    assert (await door.api.next_message(door.staff)).text == texts.WHICH_CASE


async def test_talk_among_colleagues_is_nobodys_case(door: Door, citizen: User) -> None:
    said = await door.api.says(door.colleague(), "中午吃什么", door.staff)
    await door.api.says(citizen, "我也在这个群里", door.staff, reply_to=said)
    await door.api.edits(said, "晚上吃什么")
    await door.api.all_confirmed()
    assert await door.rows(Message) == []
    assert await door.api.sent(door.staff) == []


async def test_strangers_are_refused_with_their_number(door: Door, citizen: User) -> None:
    card = await card_for(door, citizen)
    shown = await door.api.presses(citizen, card, "采用")
    assert shown.show_alert
    assert str(citizen.id) in shown.text
    assert "wenban user add" in shown.text
    await door.api.says(citizen, "请到街道。", door.staff, reply_to=card)
    refusal = await door.api.next_message(door.staff)
    assert str(citizen.id) in refusal.text
    await door.api.says(citizen, "/queue")
    await door.api.next_message(citizen, containing="wenban user add")
    assert (await door.rows(Case))[0].state == "waiting"


async def test_transfer_asks_to_whom_and_why(door: Door, citizen: User) -> None:
    card = await card_for(door, citizen)
    member = door.colleague()
    shown = await door.api.presses(member, card, "转办")
    assert shown.text == texts.CHOOSE_DEPARTMENT
    asked = await door.api.next_message(door.staff, kind="markup")
    assert asked.text == card.text
    assert asked.buttons[-1] == "返回"
    await door.api.presses(member, asked, "市公安局")
    asked = await door.api.next_message(door.staff, kind="markup")
    shown = await door.api.presses(member, asked, "职责归口")
    assert shown.text.startswith("已转给市公安局，等对方签收")
    await door.settle()
    request = await door.api.next_message(door.staff, containing="转办待接收 · 诉求 #1")
    shown = await door.api.presses(member, request, "签收")
    assert shown.show_alert and "您自己转出" in shown.text
    assert (await door.rows(Case))[0].department == "市民政局"
    assert (await door.api.presses(door.colleague(2), request, "签收")).text == "市公安局已签收"
    assert (await door.rows(Case))[0].department == "市公安局"
    await door.settle()
    await door.api.next_message(door.staff, containing="承办：市公安局")


async def test_a_transfer_is_returned_with_a_reason(door: Door, citizen: User) -> None:
    card, chief = await card_for(door, citizen), door.colleague(2)
    await door.api.presses(door.colleague(), card, "转办")
    for title in ("市公安局", "职责归口"):
        card = await door.api.next_message(door.staff, kind="markup")
        await door.api.presses(door.colleague(), card, title)
    await door.settle()
    request = await door.api.next_message(door.staff, containing="转办待接收")
    assert (await door.api.presses(chief, request, "退件")).text == "请在下面写退件的理由"
    await door.settle()
    prompt = await door.api.next_message(door.staff, containing="退件的理由")
    await door.api.says(chief, "不属公安职责", door.staff, reply_to=prompt)
    await door.api.next_message(door.staff, containing="市公安局退件")
    await door.settle()
    await door.api.next_message(door.staff, containing="注意：市公安局退件：不属公安职责")


async def test_a_category_is_changed_for_a_reason(door: Door, citizen: User) -> None:
    card = await card_for(door, citizen)
    for title in ("更多", "改类别", "投诉"):
        await door.api.presses(door.colleague(), card, title)
        card = await door.api.next_message(door.staff, kind="markup")
    shown = await door.api.presses(door.colleague(), card, "研判有误")
    assert shown.text.startswith("已改为“投诉”，时限改为")
    await door.settle()
    await door.api.next_message(door.staff, containing="· 投诉 ·")
    await door.api.next_message(citizen, containing="按“投诉”办理")


async def test_a_citizen_is_asked_for_more_and_the_waiting_ended(door: Door, citizen: User) -> None:
    card, member = await card_for(door, citizen), door.colleague()
    await door.api.presses(member, card, "更多")
    asked = await door.api.next_message(door.staff, kind="markup")
    await door.api.presses(member, asked, "请群众补充")
    await door.settle()
    prompt = await door.api.next_message(door.staff, containing="要群众补充什么")
    await door.api.says(member, "请补充一下。", door.staff, reply_to=prompt)
    await door.api.next_message(door.staff, containing="没有说清要补充什么")
    await door.api.says(member, "您的户口在哪个街道？", door.staff, reply_to=prompt)
    await door.api.next_message(door.staff, containing="送达后暂停计时")
    await door.settle()
    await door.api.next_message(citizen, containing="您的户口在哪个街道？")
    await door.api.says(member, "/case 1", door.staff)
    await door.settle()
    card = await door.api.next_message(door.staff, containing="时限：已暂停")
    for title in ("更多", "结束等待"):
        await door.api.presses(member, card, title)
        card = await door.api.next_message(door.staff, kind="markup")
    shown = await door.api.presses(member, card, "不用补充也能答复")
    assert shown.text == "已恢复计时"


async def test_a_poor_grade_is_called_back(door: Door, citizen: User) -> None:
    card, chief = await card_for(door, citizen), door.colleague(2)
    await door.api.presses(door.colleague(), card, "采用")
    await door.settle()
    answer = await door.api.next_message(citizen, containing="街道提出申请")
    await door.api.presses(citizen, answer, "有帮助")
    await door.settle()
    grades = await door.api.next_message(citizen, containing="满意吗")
    assert "派人回访" in (await door.api.presses(citizen, grades, "不满意")).text
    await door.settle()
    request = await door.api.next_message(door.staff, containing="差评回访 · 诉求 #1")
    shown = await door.api.presses(door.colleague(), request, "联系不上")
    assert shown.show_alert and "经过您的手" in shown.text
    await door.api.presses(chief, request, "联系上，已整改")
    await door.settle()
    prompt = await door.api.next_message(door.staff, containing="写上诉求 #1 的整改情况")
    await door.api.says(chief, "已上门说明并补办", door.staff, reply_to=prompt)
    await door.api.next_message(door.staff, containing="联系上，已整改")
    await door.settle()
    await door.api.next_edit(door.staff, containing="差评回访：联系上，已整改（王五）")


async def test_closing_asks_why_and_can_be_thought_better_of(door: Door, citizen: User) -> None:
    card = await card_for(door, citizen)
    await door.api.presses(door.colleague(), card, "无需答复")
    asked = await door.api.next_message(door.staff, kind="markup")
    await door.api.presses(door.colleague(), asked, "返回")
    back = await door.api.next_edit(door.staff)
    assert back.buttons == card.buttons
    await door.api.presses(door.colleague(), back, "无需答复")
    asked = await door.api.next_message(door.staff, kind="markup")
    await door.api.presses(door.colleague(), asked, "重复提交")
    (case,) = await door.rows(Case)
    assert (case.state, case.reason) == ("closed", "重复提交")


@pytest.mark.parametrize(
    "verb",
    [
        "transfer:1:{v}:99",
        "transfer:1:{v}:0.99",
        "close:1:{v}:.9",
        "close:1:{v}:9",
        "overrule:1:{v}:.9",
        "exclude:1:{v}:rain",
        "fly:1:{v}",
    ],
)
async def test_choices_that_do_not_exist_change_nothing(
    door: Door, citizen: User, verb: str
) -> None:
    card = await card_for(door, citizen)
    version = (await door.rows(Case))[0].version
    data = "s:" + verb.format(v=version)
    shown = await door.api.presses(door.colleague(), card, data, stale=True)
    assert (shown.text, shown.show_alert) == (texts.STALE_BUTTON, True)
    assert (await door.rows(Case))[0].version == version


async def test_later_brings_the_next_case(door: Door, citizen: User) -> None:
    card = await card_for(door, citizen)
    await card_for(door, door.api.user("小王"), "低保申请条件有哪些")
    shown = await door.api.presses(door.colleague(), card, "稍后")
    assert "时限照算" in shown.text
    await door.settle()
    await door.api.next_message(door.staff, containing="诉求 #2")


async def test_queue_and_next(door: Door, citizen: User) -> None:
    await card_for(door, citizen)
    await door.api.says(door.colleague(), "/queue", door.staff)
    assert "待人工 1 件" in (await door.api.next_message(door.staff)).text
    await door.api.says(door.colleague(), "/next@wenban_test_bot", door.staff)
    assert (await door.api.next_message(door.staff)).text == "下一件在下面。"
    await door.settle()
    await door.api.next_message(door.staff, containing="诉求 #1 ")


async def test_private_chats_of_staff_work_without_a_group(door: Door, citizen: User) -> None:
    office = door.desk.office
    office = replace(office, rules=replace(office.rules, staff_place=""))
    door.town.desk = Desk(office, {"telegram": door.channel})
    door.dispatcher["desk"], door.dispatcher["staff_chat"] = door.town.desk, ""
    for number in range(3):
        await door.api.meet(door.colleague(number))
    await door.api.says(citizen, HARD)
    await door.settle()
    card = await door.api.next_message(door.colleague(1), containing="诉求 #1")
    await door.api.says(door.colleague(1), "请到街道申请。", reply_to=card)
    assert (await door.api.next_message(door.colleague(1))).text == "已发送"
    await door.settle()
    await door.api.next_message(citizen, containing="请到街道申请。")
    assert "李四" in (await door.api.next_edit(door.colleague(0))).text


async def test_staff_can_ask_as_citizens(door: Door) -> None:
    await door.api.says(door.colleague(), "身份证丢了怎么办")
    await door.settle()
    answer = await door.api.next_message(door.colleague())
    await door.api.says(door.colleague(), "低保怎么申请", reply_to=answer)
    await door.settle()
    assert len(await door.rows(Message)) == 2


async def test_attachments_are_shown_to_staff(door: Door, citizen: User) -> None:
    photo = await door.api.sends_photo(citizen, caption="低保怎么申请，这是材料")
    gone = await door.api.sends_voice(citizen)
    await door.settle()
    await door.town.say(
        "还有这个",
        citizen=str(citizen.id),
        external_id="elsewhere:1",
        attachments=(Attachment("document", "upload/1", "申请表.pdf"),),
    )
    await door.settle()
    card = (await door.api.sent(door.staff, "send"))[-1]
    await door.api.deletes(gone)
    await door.api.fail_next("copyMessage", 429, retry_after=1)
    shown = await door.api.presses(door.colleague(), card, "看附件")
    assert shown.text == texts.ATTACHMENTS_SENT
    copied, missing, elsewhere = (await door.api.sent(door.staff, "send"))[-3:]
    assert (copied.raw["photo"], copied.reply_to) == (photo.raw["photo"], card.id)
    assert missing.text == texts.ATTACHMENT_GONE
    assert "申请表.pdf" in elsewhere.text


async def test_the_numbers_a_configuration_needs(door: Door, citizen: User) -> None:
    await door.api.says(door.colleague(), "/id", door.staff)
    shown = await door.api.next_message(door.staff)
    assert shown.text == f"您的编号：900\n本会话编号：{door.staff.id}"


async def test_the_confirmation_may_get_lost_but_the_reply_is_sent_once(
    door: Door, citizen: User
) -> None:
    card = await card_for(door, citizen)
    await door.api.fail_next("sendMessage", 500, chat=door.staff)
    await door.api.says(door.colleague(), "请到街道申请。", door.staff, reply_to=card)
    await door.settle()
    replies = [one for one in await door.api.sent(citizen) if "请到街道申请" in one.text]
    assert len(replies) == 1


async def test_a_perfunctory_reply_is_warned_of_and_may_be_overruled(
    door: Door, citizen: User
) -> None:
    card = await card_for(door, citizen)
    await door.api.says(
        door.colleague(), "已转市民政局处理，请耐心等待。", door.staff, reply_to=card
    )
    await door.api.next_message(door.staff, containing="还没有发送")
    await door.settle()
    warned = await door.api.next_message(door.staff, containing="⚠ 这条答复看起来只转办未答复")
    await door.api.presses(door.colleague(), warned, "仍要发送")
    await door.settle()
    await door.api.next_message(citizen, containing="已转市民政局处理")
    again = await door.api.next_message(door.staff, containing="计时未停")
    await door.api.presses(door.colleague(1), again, "上一条算作答复")
    asked = await door.api.next_message(door.staff, kind="markup")
    shown = await door.api.presses(door.colleague(1), asked, "已告知去处和方式")
    assert shown.text == "已算作答复，计时停在送达之时"
    (case,) = await door.rows(Case)
    assert (case.state, case.answered_at is not None) == ("answered", True)


async def test_an_exclusion_is_proposed_and_decided_by_two(door: Door, citizen: User) -> None:
    card = await card_for(door, citizen)
    member, chief = door.colleague(0), door.colleague(2)
    await door.api.presses(member, card, "更多")
    asked = await door.api.next_message(door.staff, kind="markup")
    await door.api.presses(member, asked, "剔除")
    asked = await door.api.next_message(door.staff, kind="markup")
    assert asked.buttons[:2] == ["超辖区", "应走法定途径"]
    shown = await door.api.presses(member, asked, "超辖区")
    assert shown.text == "请在下面写证据"
    await door.settle()
    prompt = await door.api.next_message(door.staff, containing="张三，请回复本消息")
    await door.api.says(member, "属邻市管辖", door.staff, reply_to=prompt)
    await door.api.next_message(door.staff, containing="已提出剔除")
    await door.settle()
    request = await door.api.next_message(door.staff, containing="剔除申请 · 诉求 #1")
    assert "证据：属邻市管辖" in request.text
    shown = await door.api.presses(member, request, "同意剔除")
    assert "主管或管理员" in shown.text and shown.show_alert
    shown = await door.api.presses(chief, request, "不同意")
    await door.settle()
    prompt = await door.api.next_message(door.staff, containing="不同意的理由")
    await door.api.says(chief, "/tasks", door.staff)
    await door.api.next_message(door.staff, containing="共 1 项")
    await door.settle()
    await door.api.says(chief, "属我市", door.staff, reply_to=prompt)
    await door.api.next_message(door.staff, containing="不同意剔除")
    await door.settle()
    assert (await door.rows(Case))[0].excluded == ""
    assert (await door.api.next_edit(door.staff)).buttons == []


async def test_any_case_can_be_looked_at_by_its_number(door: Door, citizen: User) -> None:
    await door.api.says(citizen, "身份证丢了怎么办")
    await door.settle()
    await door.api.says(door.colleague(), "/case 1", door.staff)
    await door.settle()
    card = await door.api.next_message(door.staff, containing="诉求 #1")
    assert "状态：已答复" in card.text and card.buttons == ["更多"]
    for wrong in ("/case", "/case abc", "/case 9999999999"):
        await door.api.says(door.colleague(), wrong, door.staff)
        assert (await door.api.next_message(door.staff)).text == texts.WHICH_NUMBER
    await door.api.says(door.colleague(), "/case 77", door.staff)
    await door.api.next_message(door.staff, containing="找不到")


async def test_a_ready_reason_may_be_replaced_by_ones_own(door: Door, citizen: User) -> None:
    card = await card_for(door, citizen)
    await door.api.presses(door.colleague(), card, "无需答复")
    asked = await door.api.next_message(door.staff, kind="markup")
    await door.api.presses(door.colleague(), asked, "自己写")
    await door.settle()
    prompt = await door.api.next_message(door.staff, containing="不用答复的理由")
    await door.api.says(door.colleague(), "来电已说明", door.staff, reply_to=prompt)
    await door.api.next_message(door.staff, containing="已记为无需答复")
    assert (await door.rows(Case))[0].reason == "来电已说明"


async def test_an_extension_is_asked_for_and_approved(door: Door, citizen: User) -> None:
    card = await card_for(door, citizen)
    for title in ("更多", "申请延期", "3 个工作日"):
        await door.api.presses(door.colleague(), card, title)
        card = await door.api.next_message(door.staff, kind="markup")
    shown = await door.api.presses(door.colleague(), card, "需要多个部门会商")
    assert "已申请延期" in shown.text
    await door.settle()
    request = await door.api.next_message(door.staff, containing="延期申请 · 诉求 #1")
    shown = await door.api.presses(door.colleague(2), request, "同意延期")
    assert shown.text.startswith("同意延期到")
    await door.settle()
    await door.api.next_message(citizen, containing="需要更多时间办理")


async def test_repeats_are_merged_and_separated(door: Door, citizen: User) -> None:
    group = await door.api.group("居民群")
    await door.api.says(citizen, HARD, group)
    await door.settle()
    card = await card_for(door, citizen, "低保怎么申请呢")
    card = (await door.api.sent(door.staff, "send"))[-1]
    await door.api.presses(door.colleague(), card, "更多")
    asked = await door.api.next_message(door.staff, kind="markup")
    await door.api.presses(door.colleague(), asked, "合并")
    asked = await door.api.next_message(door.staff, kind="markup")
    assert asked.buttons[0].startswith(f"#1 {HARD}（相似")
    shown = await door.api.presses(door.colleague(), asked, asked.buttons[0])
    assert shown.text.startswith("已把 #2 并入 #1")
    await door.settle()
    card = await door.api.next_message(door.staff, containing="已并入：#2")
    for title in ("更多", "撤销合并"):
        await door.api.presses(door.colleague(), card, title)
        card = await door.api.next_message(door.staff, kind="markup")
    shown = await door.api.presses(door.colleague(), card, "#2")
    assert "已分开" in shown.text


async def test_the_wording_of_another_entry_is_kept_at_a_press(database: Database) -> None:
    gone = replace(ENTRIES[3], id="gone", question="去世人员怎么注销户口", similar=())
    moved = replace(gone, id="moved", question="老人户口怎么迁")
    async with opened(database, known=(*ENTRIES, gone, moved)) as door:
        card = await card_for(door, door.api.user("小李"), "老人走了户口咋销")
        while "出处：gone" not in card.text:
            await door.api.presses(door.colleague(), card, "换一条")
            await door.settle()
            card = await door.api.next_message(door.staff, containing="诉求 #1 ")
        await door.api.presses(door.colleague(), card, "采用")
        await door.settle()
        closed = await door.api.next_edit(door.staff)
        while "群众的问法：老人走了户口咋销" not in closed.text:
            closed = await door.api.next_edit(door.staff)
        refused = await door.api.presses(door.colleague(0), closed, "记为相似问")
        assert (refused.show_alert, "审核、主管或管理员" in refused.text) == (True, True)
        forged = closed.data("记为相似问")[:-1] + "x"
        refused = await door.api.presses(door.colleague(1), closed, forged, stale=True)
        assert (refused.show_alert, "有变化" in refused.text) == (True, True)
        shown = await door.api.presses(door.colleague(1), closed, "记为相似问")
        assert shown.text == "已记为相似问"
        assert (await door.api.next_message(door.staff, kind="markup")).buttons == []
        async with database.read() as session:
            assert (await session.get_one(EntryRow, "gone")).similar == ["老人走了户口咋销"]
