"""Staff in their group: cards, drafts, typed replies, and two people at once."""

from __future__ import annotations

import asyncio

from storage.models import CaseEvent, Draft
from tests.botapi import Message, Sent, User
from tests.e2e.harness import PATIENCE, Scene, texts
from tests.e2e.knowledge import ID_LOST, LOW_INCOME

TYPED = "夜间施工由街道城管现场核实，今晚起停工到早六点。"


async def _asks(scene: Scene, name: str, text: str) -> tuple[User, int, Sent]:
    """A question that needs a person: who asked, the case, its card."""
    citizen = scene.api.user(name)
    await scene.api.says(citizen, text)
    case = await scene.case_in(citizen, "waiting")
    assert case.id
    return citizen, case.id, await scene.card(case.id)


async def test_a_hard_question_is_answered_by_typing_and_rated(scene: Scene) -> None:
    await scene.start()
    (clerk,) = await scene.hire("张三")
    question = "楼下夜里施工太吵了没人管，打我电话 13812345678"
    citizen, case_id, card = await _asks(scene, "小吴", question)
    assert "138****5678" in card.text
    assert "13812345678" not in card.text
    assert "时限：" in card.text
    assert "前面 0 件 · 后面 0 件" in card.text
    told = await scene.api.next_message(citizen, PATIENCE)
    assert "工作人员回复您" in told.text

    await scene.api.presses(clerk, card, "编辑")
    prompt = await scene.api.next_message(scene.group, PATIENCE, containing="请回复本消息")
    assert prompt.markup["force_reply"] is True
    await scene.settled()
    await scene.api.says(clerk, TYPED, scene.group, reply_to=prompt)
    reply = await scene.api.next_message(citizen, PATIENCE)
    assert (reply.text, reply.buttons) == (TYPED, ["有帮助", "没解决"])
    await scene.settled()
    await scene.api.next_message(scene.group, PATIENCE, containing="已发送")
    closed = await scene.api.next_edit(scene.group, PATIENCE)
    assert (closed.id, "已由张三答复" in closed.text) == (card.id, True)

    await scene.api.presses(citizen, reply, "有帮助")
    grades = await scene.api.next_message(citizen, PATIENCE)
    await scene.api.presses(citizen, grades, "基本满意")
    case = await scene.case_in(citizen, "resolved")
    assert (case.grade, case.automatic) == (3, False)
    facts = await scene.events(case_id)
    assert facts.index("acknowledged") < facts.index("reviewed") < facts.index("replied")


async def test_drafts_are_changed_for_another_and_adopted(scene: Scene) -> None:
    await scene.start()
    (clerk,) = await scene.hire("张三")
    citizen, case_id, card = await _asks(scene, "小郑", "低保怎么申请")
    assert LOW_INCOME in card.text
    assert (await scene.api.presses(clerk, card, "换一条")).text == "已换一条"
    other = await scene.card(case_id)
    assert LOW_INCOME not in other.text
    (draft,) = await scene.rows(Draft, case_id=case_id, state="open")
    assert (await scene.api.presses(clerk, other, "采用")).text == "已发送"
    await scene.case_in(citizen, "answered")
    assert texts(await scene.api.sent(citizen))[1:] == [draft.text]


async def test_cases_are_transferred_closed_and_put_off(scene: Scene) -> None:
    await scene.start()
    clerk, chief = await scene.hire("张三", "李四")
    api = scene.api
    moved, moved_id, card = await _asks(scene, "小甲", "路灯坏了一个月没人修")
    assert (await api.presses(clerk, card, "转办")).text == "转给哪个单位？"
    departments = await api.current(card)
    await api.presses(clerk, departments, "市教育局")
    assert "等对方签收" in (await api.presses(clerk, card, "职责归口")).text
    request = await api.next_message(scene.group, PATIENCE, containing="转办待接收")
    assert (await api.presses(chief, request, "签收")).text == "市教育局已签收"
    after = await scene.card(moved_id)
    assert "承办：市教育局" in after.text

    closed, closed_id, card = await _asks(scene, "小乙", "我要投诉物业乱收费")
    assert "前面 " in card.text
    assert (await api.presses(clerk, card, "无需答复")).text == "因为什么？"
    assert (await api.presses(clerk, card, "返回")).text == ""
    assert "采用" not in str((await api.current(card)).raw["reply_markup"])
    await api.presses(clerk, card, "无需答复")
    assert (await api.presses(clerk, card, "重复提交")).text == "已记为无需答复"
    assert (await scene.case_in(closed, "closed")).reason == "重复提交"
    following = await scene.card(moved_id)

    _, later_id, card = await _asks(scene, "小丙", "公园的健身器材坏了没人管")
    assert "已放后 30 分钟" in (await api.presses(clerk, following, "稍后")).text
    assert f"#{later_id} " in (await scene.card(later_id)).text
    (transferred,) = await scene.rows(CaseEvent, case_id=moved_id, kind="transferred")
    assert transferred.data["after"] == "市教育局"
    assert "snoozed" in await scene.events(moved_id)
    for citizen, case_id in ((moved, moved_id), (closed, closed_id)):
        assert "replied" not in await scene.events(case_id)
        assert len(texts(await api.sent(citizen))) == 1  # only the receipt


async def test_of_two_who_press_at_once_one_wins_and_the_other_is_told(scene: Scene) -> None:
    await scene.start()
    clerks = await scene.hire("张三", "李四")
    stranger = scene.api.user("路人")
    citizen, _, card = await _asks(scene, "小王", "低保怎么申请")
    refused = await scene.api.presses(stranger, card, "采用")
    assert "还没有登记为工作人员" in refused.text
    presses = [await scene.api.taps(clerk, card, "采用") for clerk in clerks]
    shown = await asyncio.gather(*(scene.api.answer(one, PATIENCE) for one in presses))
    assert sorted(one.text[:2] for one in shown) == ["已发", "已由"]
    await scene.case_in(citizen, "answered")
    assert len(texts(await scene.api.sent(citizen), LOW_INCOME)) == 1


async def test_a_card_whose_conversation_moved_on_is_refused_with_a_fresh_one(
    scene: Scene,
) -> None:
    await scene.start()
    (clerk,) = await scene.hire("张三")
    citizen, case_id, old = await _asks(scene, "小冯", "楼下夜里施工太吵了没人管")
    await scene.api.presses(clerk, old, "编辑")
    prompt = await scene.api.next_message(scene.group, PATIENCE, containing="请回复本消息")
    await scene.api.says(citizen, "昨晚两点还在打桩，孩子没法睡")
    fresh = await scene.card(case_id)
    assert "昨晚两点还在打桩" in fresh.text

    pressed = await scene.api.presses(clerk, old, old.data("无需答复") + ":.repeated", stale=True)
    assert "已过时" in pressed.text
    again = await scene.card(case_id)
    await scene.settled()
    typed: Message = await scene.api.says(clerk, TYPED, scene.group, reply_to=prompt)
    told = await scene.api.next_message(scene.group, PATIENCE, containing="已过时")
    assert told.reply_to == typed.id
    assert texts(await scene.api.sent(citizen), TYPED) == []

    newest = await scene.card(case_id)
    await scene.settled()
    assert newest.id > again.id
    await scene.api.says(clerk, TYPED, scene.group, reply_to=newest)
    assert (await scene.api.next_message(citizen, PATIENCE, containing=TYPED)).text == TYPED


async def test_without_a_group_every_member_of_staff_has_the_card(scene: Scene) -> None:
    await scene.start(telegram__staff_chat="")
    clerks = await scene.hire("张三", "李四")
    for clerk in clerks:
        await scene.api.meet(clerk)
    citizen = scene.api.user("小林")
    await scene.api.says(citizen, "低保怎么申请")
    cards = [await scene.api.next_message(clerk, PATIENCE, containing="诉求 #") for clerk in clerks]
    assert (await scene.api.presses(clerks[1], cards[1], "采用")).text == "已发送"
    late = await scene.api.presses(clerks[0], cards[0], cards[0].data("采用"), stale=True)
    assert "已由李四答复" in late.text
    await scene.api.next_edit(clerks[0], PATIENCE, containing="已由李四答复")
    await scene.case_in(citizen, "answered")


async def test_other_questions_are_answered_while_one_waits_for_staff(scene: Scene) -> None:
    await scene.start()
    await scene.hire("张三")
    citizen, case_id, _ = await _asks(scene, "小孙", "路灯坏了一个月没人修")
    await scene.api.says(citizen, "身份证丢了怎么办")
    await scene.api.next_message(citizen, PATIENCE, containing=ID_LOST)
    assert (await scene.case_in(citizen, "answered")).id != case_id
