"""From a citizen's words to an answer, a question back, or a person."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from prometheus_client import REGISTRY

from bot.channels.base import Attachment
from bot.channels.cutting import split_at_sense
from bot.desk import DeskError, wording
from storage import entries, evidence
from storage.models import AuditRecord, Case, CaseEvent, Message, MessageVersion
from tests.support import ENTRIES, STAFF_PLACE, Town


async def test_known_question_is_answered_with_links_and_feedback(town: Town) -> None:
    case_id = await town.ask("身份证丢了怎么补办？")
    answer = town.to("7001")[-1]
    assert answer.text.startswith("带户口簿到任一派出所补领")
    assert "依据：《中华人民共和国居民身份证法》第十一条" in answer.text
    assert answer.buttons[0][0].url == "https://zwfw.yunchuan.example/sfz"
    assert [button.title for button in answer.buttons[-1]] == ["有帮助", "没解决"]
    case = await town.case(case_id)
    assert (case.state, case.automatic, case.entry_id) == ("answered", True, "id-lost")
    assert await town.kinds(case_id) == ["opened", "message", "triaged", "reply_queued", "replied"]


async def test_several_questions_are_answered_in_one_reply(town: Town) -> None:
    case_id = await town.ask("身份证丢了怎么补办？另外，社保卡丢了怎么补")
    answer = town.to("7001")[-1]
    assert answer.text.startswith("您问了两件事，逐件答复：\n\n一、身份证丢失怎么补领\n带户口簿")
    assert "二、社保卡丢失怎么补办\n先打 12333 挂失" in answer.text
    assert [row[0].url for row in answer.buttons[:-1]] == ["https://zwfw.yunchuan.example/sfz"]
    case = await town.case(case_id)
    assert (case.state, case.automatic, case.entry_id) == ("answered", True, "")
    (queued,) = [one for one in await town.rows(CaseEvent) if one.kind == "reply_queued"]
    assert queued.data["entries"] == ["id-lost", "card-lost"]
    await town.desk.citizens.helpful("telegram", "7001", case_id)
    async with town.db.read() as session:
        assert await evidence.decided(session, datetime(2020, 1, 1, tzinfo=UTC)) == []


async def test_several_questions_wait_together_when_one_is_for_staff(town: Town) -> None:
    case_id = await town.ask("身份证丢了怎么补办？还有，低保怎么申请")
    assert (await town.case(case_id)).state == "waiting"
    card = town.to(STAFF_PLACE)[-1]
    assert "一、身份证丢失怎么补领" in card.text and "二、低保怎么申请" in card.text
    assert card.text.count("出处：") == 2
    case = await town.case(case_id)
    staff = await town.staff()
    await town.desk.review.other(staff, case_id, case.version, STAFF_PLACE)
    await town.settle()
    assert town.to(STAFF_PLACE)[-1].text.count("出处：") == 1


async def test_expired_part_of_a_draft_is_not_adopted(town: Town) -> None:
    case_id, version = await town.waiting("身份证丢了怎么补办？还有，低保怎么申请")
    async with town.db.write() as session:
        await entries.save(session, [replace(ENTRIES[0], expires_on=date(2020, 1, 1))], "test")
    await town.desk.office.library.refresh()
    with pytest.raises(DeskError, match="有效期"):
        await town.desk.review.adopt(await town.staff(1), case_id, version, STAFF_PLACE)


@pytest.mark.parametrize("typed", ["是的", "1", "租房怎么提取公积金"])
async def test_a_likely_answer_is_confirmed_before_it_is_given(town: Town, typed: str) -> None:
    case_id = await town.ask("公积金能拿出来付房租吗")
    question = town.to("7001")[-1]
    assert question.text == "您问的是这件事吗？\n租房怎么提取公积金"
    assert [row[0].title for row in question.buttons] == ["是的，看答复", "不是，转人工"]
    assert (await town.case(case_id)).due_at is not None
    assert await town.ask(typed) == case_id
    assert town.to("7001")[-1].text.startswith("在公积金小程序选租房提取")


async def test_unapproved_entry_waits_for_staff_with_its_draft(town: Town) -> None:
    case_id = await town.ask("低保怎么申请")
    case = await town.case(case_id)
    assert case.state == "waiting"
    assert case.due_at is not None and case.due_at > case.opened_at
    assert "需要工作人员回复您，最晚" in town.to("7001")[-1].text
    card = town.to(STAFF_PLACE)[-1]
    assert "向户籍所在街道提出申请" in card.text
    assert "采用" in [button.title for row in card.buttons for button in row]


async def test_complaint_goes_to_staff_even_when_something_matches(town: Town) -> None:
    case_id = await town.ask("我要投诉派出所，身份证丢了去补办被赶出来，态度太差了")
    case = await town.case(case_id)
    assert (case.state, case.category) == ("waiting", "投诉")
    assert "需要工作人员回复您" in town.to("7001")[-1].text


async def test_burst_of_short_messages_is_one_question(town: Town) -> None:
    first = await town.say("你好")
    second = await town.say("我身份证丢了")
    third = await town.say("怎么补办")
    await town.settle()
    assert first == second == third
    assert len(town.to("7001")) == 1
    assert "派出所补领" in town.to("7001")[0].text


async def test_the_same_message_twice_is_once(town: Town) -> None:
    first = await town.say("身份证丢了怎么补办？", external_id="7001:55")
    await town.settle()
    again = await town.say("身份证丢了怎么补办？", external_id="7001:55")
    await town.settle()
    assert first == again
    assert len(await town.rows(Message)) == 1
    assert len(town.to("7001")) == 1


async def test_edit_becomes_a_version_of_the_same_case(town: Town) -> None:
    case_id = await town.say("身份证", external_id="7001:5")
    receipt = await town.edit("社保卡丢了怎么补", "7001:5")
    await town.settle()
    assert receipt is not None and receipt.case_id == case_id
    texts = [row.text for row in await town.rows(MessageVersion)]
    assert texts == ["身份证", "社保卡丢了怎么补"]
    assert "12333" in town.to("7001")[-1].text


async def test_edit_after_the_answer_opens_the_case_again(town: Town) -> None:
    case_id = await town.say("身份证丢了怎么补办？", external_id="7001:5")
    await town.settle()
    await town.edit("社保卡丢了怎么补办？", "7001:5")
    await town.settle()
    assert "12333" in town.to("7001")[-1].text
    assert "reopened" in await town.kinds(case_id)
    assert (await town.case(case_id)).entry_id == "card-lost"


async def test_photo_without_words_is_put_before_staff(town: Town) -> None:
    photo = Attachment("photo", "7001:12")
    case_id = await town.say("", attachments=(photo,))
    await town.settle()
    assert (await town.case(case_id)).state == "waiting"
    card = town.to(STAFF_PLACE)[-1]
    assert "附件：照片 1 个" in card.text
    assert card.buttons[-1][0].title == "看附件"
    staff = await town.desk.review.staff_by_telegram("900")
    assert staff is not None
    assert await town.desk.review.attachments(staff, case_id) == [photo]
    assert any(row.action == "case.files" for row in await town.rows(AuditRecord))


async def test_thanks_after_an_answer_opens_no_clock(town: Town) -> None:
    await town.ask("身份证丢了怎么补办？")
    thanks = await town.ask("谢谢啊")
    case = await town.case(thanks)
    assert (case.state, case.category, case.due_at) == ("closed", "感谢", None)
    assert town.to("7001")[-1].text == wording.THANKS


async def test_public_noise_is_set_aside_in_silence(town: Town) -> None:
    case_id = await town.say("哈哈哈哈😂😂", kind="comment", place="-100", thread="-100/5")
    await town.settle()
    assert (await town.case(case_id)).state == "closed"
    assert town.to("-100") == []


async def test_comment_is_answered_in_its_thread(town: Town) -> None:
    await town.say("租房怎么提取公积金啊？", kind="comment", place="-100", thread="-100/5")
    await town.settle()
    reply = town.to("-100")[-1]
    assert "公积金小程序" in reply.text
    assert reply.reply_to == "1"


async def test_emergency_is_redirected_and_urgent(town: Town) -> None:
    case_id = await town.ask("救命！楼下着火了，有人困在里面！")
    assert "119" in town.to("7001")[-1].text
    case = await town.case(case_id)
    assert (case.state, case.urgency) == ("waiting", 2)
    assert town.to(STAFF_PLACE)[-1].text.startswith("【紧急】")
    assert "replied" not in await town.kinds(case_id)


async def test_more_words_refresh_the_waiting_case(town: Town) -> None:
    case_id = await town.ask("低保怎么申请")
    before = await town.case(case_id)
    assert await town.ask("我家就我一个人有工资，小孩还在读书") == case_id
    after = await town.case(case_id)
    assert after.version > before.version
    assert after.opened_at == before.opened_at
    assert "小孩还在读书" in town.to(STAFF_PLACE)[-1].text
    assert town.to("7001")[-1].text == wording.ADDED.format(case=case_id)


async def test_new_question_beside_a_waiting_one_is_answered_at_once(town: Town) -> None:
    waiting = await town.ask("低保怎么申请")
    await town.ask("社保卡丢了怎么补办？")
    assert "12333" in town.to("7001")[-1].text
    assert (await town.case(waiting)).state == "waiting"
    assert "split" in await town.kinds(waiting)
    assert len(await town.rows(Case)) == 2


async def test_another_matter_for_staff_is_a_case_of_its_own(town: Town) -> None:
    complaint = await town.ask("我要投诉，小区垃圾没人管，打了好几次电话")
    other = await town.ask("低保怎么申请")
    assert other == complaint
    own = await town.case(complaint + 1)
    assert (own.state, own.subject) == ("waiting", "低保怎么申请")
    assert (await town.case(complaint)).subject.startswith("我要投诉")


async def test_unknown_question_beside_a_waiting_case_is_its_own_case(town: Town) -> None:
    waiting = await town.ask("低保怎么申请")
    await town.ask("那低保一个月有多少钱？")
    assert len(await town.rows(Case)) == 1
    await town.ask("飞机模型在公园里放要不要报备？")
    assert (await town.case(waiting + 1)).state == "waiting"


async def test_complaint_beside_an_open_clarification_is_its_own_case(town: Town) -> None:
    asked = await town.ask("那个")
    await town.ask("我要投诉，小区垃圾没人管，打了好几次电话")
    assert (await town.case(asked)).state == "clarifying"
    own = await town.case(asked + 1)
    assert (own.state, own.category) == ("waiting", "投诉")
    assert "垃圾" in town.to(STAFF_PLACE)[-1].text and "那个" not in town.to(STAFF_PLACE)[-1].text


async def test_clock_starts_at_the_platforms_own_time(town: Town) -> None:
    sent = datetime.now(UTC).replace(microsecond=0) - timedelta(hours=3)
    case_id = await town.say("低保怎么申请", at=sent)
    await town.settle()
    assert (await town.case(case_id)).opened_at == sent


async def test_greeting_is_answered_with_a_greeting_and_no_clock(town: Town) -> None:
    case_id = await town.ask("你好")
    case = await town.case(case_id)
    assert (case.state, case.due_at) == ("closed", None)
    assert town.to("7001")[-1].text == wording.GREETING


async def test_fragment_is_asked_back_then_goes_to_staff(town: Town) -> None:
    case_id = await town.ask("那个")
    assert (await town.case(case_id)).state == "clarifying"
    assert town.to("7001")[-1].text == wording.PUZZLED
    assert await town.ask("就是那个东西") == case_id
    assert (await town.case(case_id)).state == "waiting"


async def test_unanswered_clarification_goes_to_staff_in_time(town: Town) -> None:
    case_id = await town.ask("那个")
    assert await town.desk.answering.hand_over_unanswered(timedelta(hours=1)) == 0
    assert await town.desk.answering.hand_over_unanswered(timedelta(0)) == 1
    await town.settle()
    assert (await town.case(case_id)).state == "waiting"
    assert town.to(STAFF_PLACE)


@pytest.mark.parametrize("text", ["", "   ", "😂" * 400, "\x00\x01", "a" * 100_000, "。。。？！"])
async def test_odd_input_ends_in_some_state(town: Town, text: str) -> None:
    case_id = await town.ask(text)
    assert (await town.case(case_id)).state in {"closed", "waiting", "clarifying"}


async def test_long_answer_is_cut_at_sense_and_keeps_its_end(town: Town) -> None:
    parts = split_at_sense("第一段。\n\n" + "很长的一句话，" * 60 + "完。", 100)
    assert all(len(part) <= 100 for part in parts)
    assert "".join(parts).replace("\n", "").endswith("完。")


async def test_metrics_count_messages_decisions_and_answers(town: Town) -> None:
    def value(name: str, **labels: str) -> float:
        return REGISTRY.get_sample_value(name, labels) or 0.0

    messages = value("wenban_messages_total", account="telegram", kind="direct")
    answers = value("wenban_answer_seconds_count")
    await town.ask("身份证丢了怎么补办？")
    assert value("wenban_messages_total", account="telegram", kind="direct") == messages + 1
    assert value("wenban_answer_seconds_count") == answers + 1
    assert value("wenban_decisions_total", decision="answer") >= 1
