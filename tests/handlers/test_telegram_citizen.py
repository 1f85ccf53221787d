"""Citizens in the private chat, from their message to what they are shown."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from handlers.telegram import texts
from handlers.telegram.commands import GROUP, PRIVATE, STAFF
from handlers.telegram.menu import question_page, topic_page
from knowledge.catalog import Entry
from storage.db import Database
from storage.models import Case, Message
from tests.botapi import Sent, User
from tests.handlers.telegram_door import Door, opened

LOST = "身份证丢了怎么办"
SIBLINGS = tuple(
    Entry(f"move-{word}", f"户口{word}怎么办理", f"{word}请到派出所。", automatic=True)
    for word in ("市内迁移", "投靠迁入", "大学生落户")
)


@pytest.fixture
async def door(database: Database) -> AsyncIterator[Door]:
    async with opened(database) as running:
        yield running


@pytest.fixture
def citizen(door: Door) -> User:
    return door.api.user("小李")


async def ask(door: Door, citizen: User, text: str) -> Sent:
    await door.api.says(citizen, text)
    await door.settle()
    return await door.api.next_message(citizen)


async def test_a_question_is_answered_with_links_and_feedback(door: Door, citizen: User) -> None:
    answer = await ask(door, citizen, LOST)
    assert "派出所" in answer.text
    assert answer.buttons == ["预约补领", "有帮助", "没解决"]
    (message,) = await door.rows(Message)
    (case,) = await door.rows(Case)
    assert (message.text, message.external_id) == (LOST, f"{citizen.id}:1")
    assert (case.place, case.thread) == (str(citizen.id), str(citizen.id))


async def test_the_clock_starts_at_the_platforms_time(door: Door, citizen: User) -> None:
    await door.api.says(citizen, LOST, date=1_780_000_000)
    await door.settle()
    assert (await door.rows(Case))[0].opened_at.timestamp() == 1_780_000_000


async def test_feedback_leaves_only_the_links(door: Door, citizen: User) -> None:
    answer = await ask(door, citizen, LOST)
    shown = await door.api.presses(citizen, answer, "有帮助")
    assert (shown.text, shown.show_alert) == ("谢谢您的反馈。", False)
    await door.settle()
    changed = await door.api.next_message(citizen, kind="markup")
    assert (changed.id, changed.buttons) == (answer.id, ["预约补领"])
    rating = await door.api.next_message(citizen)
    shown = await door.api.presses(citizen, rating, "非常满意")
    assert "非常满意" in shown.text
    assert (await door.rows(Case))[0].grade == 1
    changed = await door.api.next_edit(citizen)
    assert (changed.id, changed.buttons) == (rating.id, [])
    assert changed.text.endswith(texts.COMMENT_HOW)


async def test_words_on_a_grade_are_an_answer_to_its_message(door: Door, citizen: User) -> None:
    answer = await ask(door, citizen, LOST)
    await door.api.presses(citizen, answer, "有帮助")
    await door.settle()
    rating = await door.api.next_message(citizen, containing="满意吗")
    for said, told in (
        ("满意", "已记下您的评价：满意"),
        ("很快就答了", "已记下您的意见"),
        ("过了一个月回头看，确实好办", "已记下您的追评"),
    ):
        await door.api.says(citizen, said, reply_to=rating)
        await door.api.next_message(citizen, containing=told)
    await door.settle()
    (case,) = await door.rows(Case)
    assert (case.grade, case.comment, case.follow_up) == (
        2,
        "很快就答了",
        "过了一个月回头看，确实好办",
    )
    assert len(await door.rows(Message)) == 1


async def test_a_question_asked_in_answer_to_the_grade_is_a_question(
    door: Door, citizen: User
) -> None:
    answer = await ask(door, citizen, LOST)
    await door.api.presses(citizen, answer, "有帮助")
    await door.settle()
    rating = await door.api.next_message(citizen, containing="满意吗")
    await door.api.presses(citizen, rating, "满意")
    await door.api.says(citizen, "社保卡丢了怎么补？", reply_to=rating)
    await door.settle()
    await door.api.next_message(citizen, containing="12333")
    assert len(await door.rows(Case)) == 2


async def test_not_solved_goes_to_a_person(door: Door, citizen: User) -> None:
    answer = await ask(door, citizen, LOST)
    shown = await door.api.presses(citizen, answer, "没解决")
    assert "工作人员" in shown.text
    await door.settle()
    assert (await door.rows(Case))[0].state == "waiting"
    assert "诉求 #1" in (await door.api.next_message(door.staff)).text


async def test_only_the_person_who_asked_may_press(door: Door, citizen: User) -> None:
    answer = await ask(door, citizen, LOST)
    stranger = door.api.user("路人")
    await door.api.meet(stranger)
    shown = await door.api.presses(stranger, answer, "有帮助")
    assert shown.show_alert
    assert "只有提问的人" in shown.text
    assert (await door.api.current(answer)).raw["reply_markup"] == answer.markup


@pytest.mark.parametrize("data", ["c:choose:1:x", "c:helpful:一", "c:fly:1", "c:", "z:1", "s:a"])
async def test_buttons_that_are_none_of_ours_get_an_answer(
    door: Door, citizen: User, data: str
) -> None:
    answer = await ask(door, citizen, LOST)
    shown = await door.api.presses(citizen, answer, data, stale=True)
    assert shown.show_alert
    assert shown.text


async def test_a_press_on_a_deleted_message_still_counts(door: Door, citizen: User) -> None:
    answer = await ask(door, citizen, LOST)
    await door.api.deletes(answer)
    shown = await door.api.presses(citizen, answer, "c:helpful:1", stale=True)
    assert shown.text == "谢谢您的反馈。"


async def test_a_press_too_old_to_be_answered_still_counts(door: Door, citizen: User) -> None:
    answer = await ask(door, citizen, LOST)
    door.api.state.callback_lifetime = -1
    await door.api.taps(citizen, answer, "有帮助")
    await door.settle()
    assert (await door.rows(Case))[0].state == "resolved"


@pytest.fixture
async def hesitant(database: Database) -> AsyncIterator[Door]:
    """A door whose knowledge base makes the desk ask back."""
    async with opened(database, SIBLINGS) as running:
        yield running


async def test_a_choice_answers_and_takes_the_choices_away(hesitant: Door) -> None:
    door, citizen = hesitant, hesitant.api.user("小李")
    question = await ask(door, citizen, "户口怎么办理")
    assert question.buttons[-1] == "都不是，转人工"
    await door.api.presses(citizen, question, question.buttons[0])
    await door.settle()
    assert (await door.api.next_message(citizen, kind="markup")).buttons == []
    assert "有帮助" in (await door.api.next_message(citizen)).buttons


async def test_none_of_the_choices_leads_to_a_person(hesitant: Door) -> None:
    door, citizen = hesitant, hesitant.api.user("小李")
    question = await ask(door, citizen, "户口怎么办理")
    await door.api.presses(citizen, question, "都不是，转人工")
    assert (await door.rows(Case))[0].state == "waiting"


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("/start", texts.START),
        ("/start source_1", texts.START),
        ("/help", texts.HELP),
        ("/HELP", texts.HELP),
        ("帮助", texts.HELP),
        (" 帮助！", texts.HELP),
        ("/mine", "还没有提过问题"),
        ("我的诉求", "还没有提过问题"),
        ("/mydata", "没有保存您的任何信息"),
        ("/rate", "没有可以评价的"),
        ("/nothing", texts.UNKNOWN_COMMAND),
        ("/help@another_bot", texts.UNKNOWN_COMMAND),
        ("/menu", texts.MENU),
        ("菜单", texts.MENU),
        ("/erase", texts.ERASE_ASK),
    ],
)
async def test_commands(door: Door, citizen: User, said: str, shown: str) -> None:
    await door.api.says(citizen, said)
    assert shown in (await door.api.next_message(citizen)).text
    await door.api.all_confirmed()
    assert await door.rows(Message) == []


async def test_mine_shows_how_things_stand(door: Door, citizen: User) -> None:
    await ask(door, citizen, LOST)
    await door.api.says(citizen, "/mine")
    assert "已答复" in (await door.api.next_message(citizen, containing="最近的诉求")).text
    await door.api.says(citizen, "/start")
    start = await door.api.next_message(citizen, containing="直接告诉我")
    await door.api.presses(citizen, start, "我的诉求")
    assert LOST in (await door.api.next_message(citizen)).text


async def test_rate_asks_for_the_newest_answer(door: Door, citizen: User) -> None:
    await ask(door, citizen, LOST)
    await door.api.says(citizen, "/rate")
    assert LOST in (await door.api.next_message(citizen)).text
    await door.settle()
    assert "不满意" in (await door.api.next_message(citizen)).buttons


@pytest.mark.parametrize(
    ("said", "kept"),
    [("/human", "转人工"), ("/human 低保没批", "转人工：低保没批"), ("转人工", "转人工")],
)
async def test_human_is_a_case_for_a_person(
    door: Door, citizen: User, said: str, kept: str
) -> None:
    await door.api.says(citizen, said)
    await door.settle()
    assert [one.text for one in await door.rows(Message)] == [kept]
    assert (await door.rows(Case))[0].state == "waiting"


async def test_erasing_needs_a_second_word(door: Door, citizen: User) -> None:
    await ask(door, citizen, LOST)
    await door.api.says(citizen, "/erase")
    question = await door.api.next_message(citizen)
    await door.api.presses(citizen, question, texts.ERASE_NO)
    assert (await door.api.next_edit(citizen)).text == texts.ERASE_KEPT
    assert (await door.rows(Message))[0].text == LOST
    await door.api.says(citizen, "删除我的信息")
    question = await door.api.next_message(citizen)
    await door.api.presses(citizen, question, texts.ERASE_YES)
    assert "已删除" in (await door.api.next_edit(citizen)).text
    assert LOST not in (await door.rows(Message))[0].text


async def test_an_edited_message_is_a_new_version(door: Door, citizen: User) -> None:
    said = await door.api.says(citizen, "低保怎么申请")
    await door.settle()
    await door.api.edits(said, "低保怎么申请，要户口本吗")
    await door.settle()
    (message,) = await door.rows(Message)
    assert (message.text, message.version) == ("低保怎么申请，要户口本吗", 2)
    assert len(await door.rows(Case)) == 1


CONTENTS = [
    ({"location": {"latitude": 30.1, "longitude": 104.2}}, "location", ""),
    ({"contact": {"phone_number": "10086", "first_name": "老王"}}, "contact", "老王"),
    ({"dice": {"emoji": "🎲", "value": 3}}, "dice", "🎲"),
    (
        {
            "venue": {
                "location": {"latitude": 30.1, "longitude": 104.2},
                "title": "政务中心",
                "address": "人民路 1 号",
            }
        },
        "location",
        "政务中心",
    ),
    ({"checklist": {"title": "清单", "tasks": []}}, "other", "清单"),
    ({"something_of_next_year": {"x": 1}}, "other", ""),
]


@pytest.mark.parametrize(("content", "kind", "title"), CONTENTS)
async def test_nothing_that_is_sent_is_dropped(
    door: Door, citizen: User, content: dict[str, object], kind: str, title: str
) -> None:
    sent = await door.api.sends(citizen, content)
    await door.api.all_confirmed()
    ((message),) = await door.rows(Message)
    (attachment,) = message.attachments
    assert (attachment["kind"], attachment["title"]) == (kind, title)
    assert attachment["reference"] == f"{citizen.id}:{sent.id}"


FILES = {
    "photo": "photo",
    "voice": "voice",
    "audio": "audio",
    "video": "video",
    "video_note": "video",
    "animation": "video",
    "document": "document",
    "sticker": "sticker",
}


@pytest.mark.parametrize(("sent", "kind"), FILES.items())
async def test_files_are_kept_by_reference_with_their_caption(
    door: Door, citizen: User, sent: str, kind: str
) -> None:
    caption = "" if sent in ("sticker", "video_note") else "路灯坏了"
    await door.api.sends_file(citizen, sent, name="灯.bin", caption=caption)
    await door.api.all_confirmed()
    (message,) = await door.rows(Message)
    (attachment,) = message.attachments
    assert (message.text, attachment["kind"]) == (caption, kind)
    assert attachment["details"]["file_id"]


async def test_an_album_is_one_case(door: Door, citizen: User) -> None:
    await door.api.sends_photo(citizen, album="a1", caption="楼道里堆满杂物，没人管")
    await door.api.sends_photo(citizen, album="a1")
    await door.api.sends_photo(citizen, album="a1")
    await door.settle()
    assert len(await door.rows(Case)) == 1
    assert [len(one.attachments) for one in await door.rows(Message)] == [1, 1, 1]


async def test_notes_of_the_platform_are_no_messages(door: Door, citizen: User) -> None:
    await door.api.sends(
        citizen, {"message_auto_delete_timer_changed": {"message_auto_delete_time": 60}}
    )
    await door.api.all_confirmed()
    assert await door.rows(Message) == []


async def test_the_menu_asks_the_question_once(door: Door, citizen: User) -> None:
    await door.api.says(citizen, "/menu")
    menu = await door.api.next_message(citizen)
    assert "户籍（1）" in menu.buttons
    await door.api.presses(citizen, menu, "户籍（1）")
    questions = await door.api.next_edit(citizen)
    assert questions.buttons == ["身份证丢失怎么补领", "返回"]
    data = questions.data("身份证丢失怎么补领")
    for _ in range(2):
        await door.api.presses(citizen, questions, data, stale=True)
    await door.settle()
    assert [one.text for one in await door.rows(Message)] == ["身份证丢失怎么补领"]
    assert "派出所" in (await door.api.next_message(citizen)).text
    assert (await door.api.current(questions)).text == "您问的是：身份证丢失怎么补领"


async def test_the_menu_leads_back_and_says_when_it_changed(door: Door, citizen: User) -> None:
    await door.api.says(citizen, "/start")
    start = await door.api.next_message(citizen)
    await door.api.presses(citizen, start, "常办的事")
    topics = await door.api.next_edit(citizen)
    await door.api.presses(citizen, topics, "社保（1）")
    await door.api.presses(citizen, await door.api.next_edit(citizen), "返回")
    assert (await door.api.next_edit(citizen)).text == texts.MENU
    for data in ("m:ask:0011", "m:topic:0011:0"):
        shown = await door.api.presses(citizen, topics, data, stale=True)
        assert (shown.text, shown.show_alert) == (texts.MENU_CHANGED, True)


def test_long_lists_are_turned_page_by_page() -> None:
    standard = [f"第 {number} 问" for number in range(17)]
    pages = [question_page("户籍", standard, number) for number in (0, 1, 2, 9)]
    titles = [[one.title for row in page.buttons for one in row] for page in pages]
    assert titles[0] == [*standard[:8], "下一页（1/3）", "返回"]
    assert titles[1] == [*standard[8:16], "上一页", "下一页（2/3）", "返回"]
    assert titles[2] == titles[3] == [standard[16], "上一页", "返回"]
    data = [one.action for page in pages for row in page.buttons for one in row]
    assert max(len(one.encode()) for one in data) <= 64


def test_a_topic_of_many_is_a_page_too() -> None:
    menu = [(f"主题 {number}", ["问"]) for number in range(9)]
    assert [one.title for one in topic_page(menu, 1).buttons[-1]] == ["上一页"]
    assert topic_page([], 0).text == texts.MENU_EMPTY


async def test_the_commands_are_shown_in_chinese(door: Door, citizen: User) -> None:
    await ask(door, citizen, LOST)
    calls = await door.api.calls("setMyCommands")
    assert [call.status for call in calls] == [200, 200, 200]
    shown = {
        scope: {one["command"]: one["description"] for one in commands}
        for scope, commands in door.api.state.settings.items()
        if scope.startswith("commands/")
    }
    assert shown["commands/all_private_chats///"] == PRIVATE
    assert shown["commands/all_group_chats///"] == GROUP
    assert shown[f"commands/chat/{door.staff.id}//"] == STAFF


async def test_a_blocked_chat_does_not_stop_the_others(door: Door, citizen: User) -> None:
    await door.api.says(citizen, "/help")
    await door.api.next_message(citizen)
    await door.api.fail_next("sendMessage", 403, chat=citizen)
    await door.api.says(citizen, "/help")
    await door.api.all_confirmed()
    await door.api.says(citizen, "/menu")
    assert (await door.api.next_message(citizen)).text == texts.MENU
