"""Citizens and the program: asked, answered, judged; in private, in groups, in bursts, by voice."""

from __future__ import annotations

import asyncio
import signal

from storage.models import Case, Message, MessageVersion
from tests.botapi import Post, User
from tests.e2e.harness import PATIENCE, Scene, texts, until
from tests.e2e.knowledge import CARD_LOST, DOGS, ENTRIES, ID_LOST, MIDDLE, PRIMARY


async def test_from_an_empty_folder_to_a_rated_answer(scene: Scene) -> None:
    code, said = await scene.command("kb", "import", "知识库.csv")
    assert (code, str(len(ENTRIES)) in said) == (0, True), said
    clerk = scene.api.user("张三")
    person = ("--name", "张三", "--role", "主管", "--telegram-id", str(clerk.id))
    assert (await scene.command("user", "add", "zhangsan", *person))[0] == 0
    program = await scene.run("run", knowledge__initial_file="")
    assert f"知识库　　{len(ENTRIES)} 条" in program.output

    citizen = scene.api.user("小李")
    await scene.api.says(citizen, "身份证丢了怎么办")
    reply = await scene.api.next_message(citizen, PATIENCE, containing=ID_LOST)
    assert "承办：市公安局" in reply.text
    assert reply.buttons == ["预约补领", "有帮助", "没解决"]
    assert reply.keyboard[0][0]["url"] == "https://zwfw.yunchuan.example/sfz"

    await scene.settled()
    assert (await scene.api.presses(citizen, reply, "有帮助")).text == "谢谢您的反馈。"
    question = await scene.api.next_message(citizen, PATIENCE, containing="满意吗")
    assert question.buttons == ["非常满意", "满意", "基本满意", "不满意", "非常不满意"]
    assert "非常满意" in (await scene.api.presses(citizen, question, "非常满意")).text
    left = await scene.api.current(reply)
    assert [row[0]["text"] for row in left.raw["reply_markup"]["inline_keyboard"]] == ["预约补领"]

    case = await scene.case_in(citizen, "resolved")
    assert (case.grade, case.automatic, case.entry_id) == (1, True, "id-lost")
    facts = [kind for kind in await scene.events(case.id or 0) if kind != "triaged"]
    wanted = ["opened", "message", "reply_queued", "replied", "helpful", "resolved"]
    wanted += ["rating_asked", "rated"]
    assert facts == wanted
    assert texts(await scene.api.sent(scene.group)) == []
    assert await program.stop(signal.SIGINT) == 0
    assert "Traceback" not in program.output


async def test_clarified_by_button_by_number_or_by_a_person(scene: Scene) -> None:
    await scene.start()
    presser, typist, lost = (scene.api.user(name) for name in ("小按", "小写", "小别"))
    for citizen in (presser, typist, lost):
        await scene.api.says(citizen, "怎么报名入学")
    asked = {
        citizen: await scene.api.next_message(citizen, PATIENCE, containing="哪一种")
        for citizen in (presser, typist, lost)
    }
    await scene.api.presses(presser, asked[presser], "小学")
    assert PRIMARY in (await scene.api.next_message(presser, PATIENCE)).text

    number = asked[typist].text.split(". 初中")[0][-1]
    await scene.api.says(typist, number)
    assert MIDDLE in (await scene.api.next_message(typist, PATIENCE)).text

    await scene.api.presses(lost, asked[lost], "转人工")
    case = await scene.case_in(lost, "waiting")
    await scene.card(case.id or 0)
    again = await scene.api.presses(
        presser, asked[presser], asked[presser].data("初中"), stale=True
    )
    assert "已经处理过" in again.text
    assert len(texts(await scene.api.sent(presser), "报名")) == 2  # the question, one answer


async def test_an_answer_that_did_not_help_goes_to_a_person_with_the_first_clock(
    scene: Scene,
) -> None:
    await scene.start()
    citizen = scene.api.user("小陈")
    await scene.api.says(citizen, "养犬登记怎么办理")
    reply = await scene.api.next_message(citizen, PATIENCE, containing=DOGS)
    opened = (await scene.case_in(citizen, "answered")).opened_at
    await scene.api.presses(citizen, reply, "没解决")
    case = await scene.case_in(citizen, "waiting")
    assert case.opened_at == opened
    assert "养犬登记怎么办理" in (await scene.card(case.id or 0)).text


async def test_comments_under_a_channel_post_are_answered_in_their_thread(scene: Scene) -> None:
    await scene.start()
    discussion = await scene.api.group("云川发布讨论组")
    channel = await scene.api.channel("云川发布", discussion)
    post = await scene.api.posts(channel, "便民通知：户籍业务可网上预约")
    asker, shouter, clerk = (scene.api.user(name) for name in ("网友甲", "网友乙", "网友丙"))

    noise = await scene.api.comments(shouter, post, "顶")
    question = await scene.api.comments(asker, post, "身份证丢了怎么办")
    reply = await scene.api.next_message(discussion, PATIENCE)
    assert ID_LOST in reply.text
    assert (reply.reply_to, reply.thread_id) == (question.id, post.thread.id)
    await scene.settled()
    assert (await scene.api.presses(asker, reply, "有帮助")).text == "谢谢您的反馈。"
    await scene.api.next_message(discussion, PATIENCE, containing="满意吗")
    refused = await scene.api.presses(clerk, reply, reply.data("没解决"), stale=True)
    assert "不是您的诉求" in refused.text

    await _nothing_said_about(scene, shouter, post)
    replies = [one for one in await scene.api.sent(discussion, "send") if one.reply_to == noise.id]
    assert replies == []


async def _nothing_said_about(scene: Scene, shouter: User, post: Post) -> None:
    """The noise was looked at, and the office kept quiet."""

    async def closed() -> list[Case]:
        found = await scene.rows(Case, thread=f"{post.thread.chat_id}/{post.thread.id}")
        return [case for case in found if case.state == "closed"]

    (case,) = await until(closed, what="noise set aside")
    assert await scene.events(case.id or 0) == ["opened", "message", "triaged", "closed"]


async def test_a_burst_is_one_question_and_an_edit_is_a_new_version(scene: Scene) -> None:
    await scene.start()
    hasty, editor = scene.api.user("小急"), scene.api.user("小改")
    for part in ("你好", "我想问下", "身份证", "丢了怎么办"):
        await scene.api.says(hasty, part)
    typed = await scene.api.says(editor, "养犬登记怎么办理")
    assert ID_LOST in (await scene.api.next_message(hasty, PATIENCE)).text
    await scene.api.next_message(editor, PATIENCE, containing=DOGS)

    await scene.api.edits(typed, "社保卡丢了怎么补")
    await scene.api.next_message(editor, PATIENCE, containing=CARD_LOST)
    (message,) = await scene.rows(Message, case_id=(await scene.case_of(editor)).id)
    versions = await scene.rows(MessageVersion, message_id=message.id)
    assert [one.text for one in versions] == ["养犬登记怎么办理", "社保卡丢了怎么补"]

    case = await scene.case_in(hasty, "answered")
    assert len(await scene.rows(Message, case_id=case.id)) == 4
    assert len(await scene.rows(Case)) == 2
    assert len(texts(await scene.api.sent(hasty))) == 1


async def test_photos_voices_places_and_stickers_are_put_before_staff(scene: Scene) -> None:
    await scene.start()
    (clerk,) = await scene.hire("张三")
    api = scene.api
    people = [api.user(name) for name in ("小照", "小音", "小位", "小贴")]
    sent = await asyncio.gather(
        api.sends_photo(people[0], caption="井盖坏了，看图"),
        api.sends_voice(people[1]),
        api.sends_location(people[2], 30.5, 114.3),
        api.sends_sticker(people[3]),
    )
    for citizen, message, word in zip(people, sent, ("照片", "语音", "位置", "表情"), strict=True):
        case = await scene.case_in(citizen, "waiting")
        card = await scene.card_of(case.id or 0)
        assert f"附件：{word} 1 个" in card.text
        (row,) = await scene.rows(Message, case_id=case.id)
        assert row.attachments[0]["reference"] == f"{citizen.id}:{message.id}"
    await api.presses(clerk, card, "看附件")
    shown = await api.wait_for(lambda one: "sticker" in one.raw, PATIENCE)
    assert shown.chat_id == scene.group.id
    assert shown.reply_to == card.id
