"""Groups and comments under channel posts."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from handlers.telegram import texts
from storage.db import Database
from storage.models import Account, Case, Message
from tests.botapi import Chat, User
from tests.handlers.telegram_door import Door, opened

LOST = "身份证丢了怎么办"


@pytest.fixture
async def door(database: Database) -> AsyncIterator[Door]:
    async with opened(database) as running:
        yield running


@pytest.fixture
def citizen(door: Door) -> User:
    return door.api.user("小李")


@pytest.fixture
async def group(door: Door) -> Chat:
    return await door.api.group("云川发布 讨论区")


@pytest.fixture
async def channel(door: Door, group: Chat) -> Chat:
    return await door.api.channel("云川发布", group)


async def test_a_comment_is_answered_in_its_thread(
    door: Door, citizen: User, group: Chat, channel: Chat
) -> None:
    post = await door.api.posts(channel, "身份证办理新规")
    said = await door.api.comments(citizen, post, LOST)
    await door.settle()
    answer = await door.api.next_message(group)
    assert (answer.reply_to, answer.thread_id) == (said.id, post.thread.id)
    (case,) = await door.rows(Case)
    assert (case.kind, case.place) == ("comment", str(group.id))
    assert case.thread == f"{group.id}/{post.thread.id}"


async def test_the_thread_is_the_post_however_deep_the_answer(
    door: Door, citizen: User, group: Chat, channel: Chat
) -> None:
    first = await door.api.posts(channel, "甲")
    second = await door.api.posts(channel, "乙")
    said = await door.api.comments(citizen, first, "低保怎么申请")
    await door.settle()
    await door.api.comments(citizen, first, "要什么材料", reply_to=said)
    await door.api.comments(citizen, second, "低保怎么申请")
    await door.settle()
    threads = {case.thread for case in await door.rows(Case)}
    assert threads == {f"{group.id}/{post.thread.id}" for post in (first, second)}


async def test_a_group_without_a_channel_is_one_conversation(
    door: Door, citizen: User, group: Chat
) -> None:
    said = await door.api.says(citizen, "低保怎么申请", group)
    await door.api.sends(citizen, {"text": "要什么材料"}, group, reply_to=said, thread=said)
    await door.settle()
    (case,) = await door.rows(Case)
    assert case.thread == str(group.id)


async def test_a_forum_topic_is_a_conversation(door: Door, citizen: User, group: Chat) -> None:
    content = {"text": "低保怎么申请", "is_topic_message": True}
    await door.api.sends(citizen, content, group, thread=77)
    await door.api.all_confirmed()
    assert (await door.rows(Case))[0].thread == f"{group.id}/77"


async def test_an_unknown_kind_of_group_keeps_threads_apart(
    door: Door, citizen: User, group: Chat
) -> None:
    await door.api.fail_next("getChat", 500)
    await door.api.sends(citizen, {"text": "低保怎么申请"}, group, thread=77)
    await door.api.all_confirmed()
    assert (await door.rows(Case))[0].thread == f"{group.id}/77"


async def test_who_is_no_citizen_is_passed_over(door: Door, group: Chat, channel: Chat) -> None:
    anonymous = {"id": group.id, "type": "supergroup", "title": group.title}
    admin = door.api.user("GroupAnonymousBot", user_id=1087968824)
    await door.api.posts(channel, LOST)
    await door.api.sends(admin, {"text": LOST, "sender_chat": anonymous}, group)
    await door.api.says(door.colleague(), LOST, group)
    robot = {**door.api.user("别的机器人").json(), "is_bot": True}
    said = {"user": robot, "content": {"text": LOST}, "chat_id": group.id}
    message = await door.api.call("says", **said)
    edit = {"chat_id": group.id, "message_id": message["message_id"], "content": {"text": "改"}}
    await door.api.call("edits", **edit)
    await door.api.all_confirmed()
    assert await door.rows(Message) == []


async def test_a_publication_is_noted(door: Door, group: Chat, channel: Chat) -> None:
    await door.api.posts(channel, "身份证办理新规")
    await door.api.all_confirmed()
    (account,) = await door.rows(Account)
    assert account.last_published_at is not None


async def test_an_edited_comment_is_a_new_version(door: Door, citizen: User, channel: Chat) -> None:
    post = await door.api.posts(channel, "甲")
    said = await door.api.comments(citizen, post, "低保怎么申请")
    await door.settle()
    await door.api.edits(said, "低保怎么申请啊")
    await door.settle()
    (message,) = await door.rows(Message)
    assert (message.version, message.text) == (2, "低保怎么申请啊")
    assert (await door.rows(Case))[0].thread.endswith(f"/{post.thread.id}")


async def test_an_album_in_a_group_is_one_case(door: Door, citizen: User, group: Chat) -> None:
    for caption in ("楼道里堆满杂物，没人管", "", ""):
        await door.api.sends_photo(citizen, album="a", caption=caption, chat=group)
    await door.settle()
    assert len(await door.rows(Case)) == 1
    assert len(await door.rows(Message)) == 3


@pytest.mark.parametrize(
    ("said", "shown"),
    [
        ("/help", texts.GROUP_HELP),
        ("/help@wenban_test_bot", texts.GROUP_HELP),
        ("/mine", texts.PRIVATE_ONLY),
        ("我的信息", texts.PRIVATE_ONLY),
    ],
)
async def test_commands_in_a_group_show_nothing_private(
    door: Door, citizen: User, group: Chat, said: str, shown: str
) -> None:
    await door.api.says(citizen, said, group)
    assert (await door.api.next_message(group)).text == shown


@pytest.mark.parametrize("said", ["/help@another_bot", "/play", "/next", "/queue"])
async def test_commands_of_others_are_theirs(
    door: Door, citizen: User, group: Chat, said: str
) -> None:
    await door.api.says(citizen, said, group)
    await door.api.all_confirmed()
    assert await door.api.sent(group) == []
    assert await door.rows(Message) == []


async def test_a_person_can_be_asked_for_in_a_group(door: Door, citizen: User, group: Chat) -> None:
    await door.api.says(citizen, "/human@wenban_test_bot 低保没批", group)
    await door.settle()
    assert (await door.rows(Message))[0].text == "转人工：低保没批"
    assert (await door.rows(Case))[0].state == "waiting"


async def test_only_the_one_who_asked_may_judge(door: Door, citizen: User, group: Chat) -> None:
    await door.api.says(citizen, LOST, group)
    await door.settle()
    answer = await door.api.next_message(group)
    shown = await door.api.presses(door.api.user("路人"), answer, "有帮助")
    assert shown.show_alert
    shown = await door.api.presses(citizen, answer, "有帮助")
    assert shown.text == "谢谢您的反馈。"


async def test_a_grade_asked_for_in_a_group_is_only_the_citizens(
    door: Door, citizen: User, group: Chat
) -> None:
    await door.api.says(citizen, LOST, group)
    await door.settle()
    answer = await door.api.next_message(group, containing="派出所")
    await door.api.presses(citizen, answer, "有帮助")
    await door.settle()
    rating = await door.api.next_message(group, containing="满意吗")
    neighbour = door.api.user("邻居")
    shown = await door.api.presses(neighbour, rating, "非常不满意")
    assert shown.show_alert and (await door.rows(Case))[0].grade is None
    await door.api.presses(citizen, rating, "满意")
    await door.api.says(neighbour, "我也觉得好", group, reply_to=rating)
    await door.api.says(citizen, "答得快", group, reply_to=rating)
    told = await door.api.next_message(group, containing="已记下您的意见")
    assert told.reply_to
    await door.settle()
    case = (await door.rows(Case))[0]
    assert (case.grade, case.comment) == (2, "答得快")
