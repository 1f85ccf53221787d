from __future__ import annotations

import asyncio
import sys
import textwrap
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path

import pytest
from aiogram import Bot
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    TelegramAPIError,
    TelegramBadRequest,
    TelegramConflictError,
    TelegramForbiddenError,
    TelegramNetworkError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramServerError,
    TelegramUnauthorizedError,
)
from aiogram.methods import SendMessage, SendPoll
from aiogram.types import (
    BotCommand,
    BufferedInputFile,
    ChatMemberAdministrator,
    ForceReply,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    KeyboardButton,
    MenuButtonCommands,
    MessageOriginChannel,
    ReplyKeyboardMarkup,
    ReplyParameters,
    Update,
)
from aiohttp import ClientSession, FormData, web

from tests.botapi import BotApi, Control, ControlError, RemoteBotApi, Sent, User, spawned
from tests.botapi.updates import Signal

ROOT = Path(__file__).parents[2]


def keyboard(**buttons: str) -> InlineKeyboardMarkup:
    row = [InlineKeyboardButton(text=text, callback_data=data) for text, data in buttons.items()]
    return InlineKeyboardMarkup(inline_keyboard=[row])


@asynccontextmanager
async def connected(api: Control) -> AsyncIterator[Bot]:
    session = AiohttpSession(api=TelegramAPIServer.from_base(api.url))
    async with Bot(api.token, session=session) as bot:
        yield bot


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi() as server:
        yield server


@pytest.fixture
async def bot(api: BotApi) -> AsyncIterator[Bot]:
    async with connected(api) as bot:
        yield bot


@pytest.fixture
async def alice(api: BotApi) -> User:
    user = api.user("小李")
    await api.meet(user)
    return user


# Envelope and bodies


async def test_get_me_names_the_bot(bot: Bot) -> None:
    me = await bot.get_me()
    assert me.is_bot
    assert me.id == bot.id


async def test_a_wrong_token_is_unauthorized(api: BotApi) -> None:
    session = AiohttpSession(api=TelegramAPIServer.from_base(api.url))
    async with Bot("1:wrong", session=session) as stranger:
        with pytest.raises(TelegramUnauthorizedError):
            await stranger.get_me()


async def test_an_unknown_method_is_not_found(bot: Bot, alice: User) -> None:
    with pytest.raises(TelegramNotFound, match="method not found"):
        await bot(SendPoll(chat_id=alice.id, question="?", options=["a", "b"]))


@pytest.mark.parametrize("form", ["query", "urlencoded", "json", "multipart"])
async def test_every_kind_of_body_is_read(api: BotApi, alice: User, form: str) -> None:
    url = f"{api.url}/bot{api.token}/sendMessage"
    fields = {"chat_id": str(alice.id), "text": "您好"}
    async with ClientSession() as session:
        if form == "query":
            response = await session.get(url, params=fields)
        elif form == "json":
            response = await session.post(url, json=fields)
        elif form == "urlencoded":
            response = await session.post(url, data=fields)
        else:
            form_data = FormData({**fields, "unused": BytesIO(b"bytes")})
            response = await session.post(url, data=form_data)
        body = await response.json()
    assert body["ok"] is True
    assert (await api.next_message(alice)).text == "您好"


async def test_a_refusal_has_the_real_envelope(api: BotApi) -> None:
    async with ClientSession() as session:
        response = await session.post(f"{api.url}/bot{api.token}/sendMessage", json={"text": "x"})
        assert response.status == 400
        assert await response.json() == {
            "ok": False,
            "error_code": 400,
            "description": "Bad Request: chat_id is empty",
        }
        response = await session.post(f"{api.url}/bot{api.token}/getMe", data=b"{", headers=JSON)
        assert response.status == 400


JSON = {"Content-Type": "application/json"}


# getUpdates


async def test_an_update_is_forgotten_only_when_confirmed(
    api: BotApi, bot: Bot, alice: User
) -> None:
    for text in ("一", "二", "三"):
        await api.says(alice, text)
    first = await bot.get_updates(limit=2)
    assert [u.message.text for u in first if u.message] == ["一", "二"]
    assert [u.update_id for u in first] == [first[0].update_id, first[0].update_id + 1]
    again = await bot.get_updates(offset=first[0].update_id)
    assert len(again) == 3
    left = await bot.get_updates(offset=first[1].update_id + 1)
    assert [u.message.text for u in left if u.message] == ["三"]
    assert await bot.get_updates(offset=left[0].update_id + 1) == []
    await api.all_confirmed()


async def test_a_negative_offset_keeps_the_last_updates(api: BotApi, bot: Bot, alice: User) -> None:
    for text in ("一", "二", "三"):
        await api.says(alice, text)
    last = await bot.get_updates(offset=-1)
    assert [u.message.text for u in last if u.message] == ["三"]
    assert len(await bot.get_updates()) == 1


async def test_a_long_poll_ends_when_something_comes(api: BotApi, bot: Bot, alice: User) -> None:
    poll = asyncio.create_task(bot.get_updates(timeout=20))
    await api.calls("getUpdates", count=1)
    started = time.monotonic()
    await api.says(alice, "在吗")
    updates = await poll
    assert time.monotonic() - started < 2
    assert updates[0].message
    assert updates[0].message.from_user
    assert updates[0].message.from_user.first_name == "小李"


async def test_a_long_poll_ends_empty_after_its_time(bot: Bot) -> None:
    started = time.monotonic()
    assert await bot.get_updates(timeout=1) == []
    assert 0.9 < time.monotonic() - started < 3


async def test_allowed_updates_are_remembered_for_later_updates(
    api: BotApi, bot: Bot, alice: User
) -> None:
    said = await api.says(alice, "一")
    await bot.get_updates(allowed_updates=["edited_message"])
    await api.says(alice, "二")
    await api.edits(said, "一改")
    kinds = [u.event_type for u in await bot.get_updates()]
    assert kinds == ["message", "edited_message"]


async def test_chat_member_comes_only_on_request(api: BotApi, bot: Bot, alice: User) -> None:
    group = await api.group("工作群")
    await api.sets_member(group, alice, "administrator")
    assert await bot.get_updates() == []
    await bot.get_updates(allowed_updates=["chat_member"])
    await api.sets_member(group, alice, "left")
    (update,) = await bot.get_updates()
    assert update.chat_member
    assert update.chat_member.old_chat_member.status == "administrator"


async def test_the_second_of_two_long_polls_ends_the_first(
    api: BotApi, bot: Bot, alice: User
) -> None:
    first = asyncio.create_task(bot.get_updates(timeout=20))
    await api.calls("getUpdates", count=1)
    second = asyncio.create_task(bot.get_updates(timeout=20))
    with pytest.raises(TelegramConflictError, match="other getUpdates"):
        await first
    await api.says(alice, "在吗")
    assert len(await second) == 1


# Webhook


class HookHost:
    """A bot's webhook: answers from `statuses`, then 200; an `answer` is sent as JSON body."""

    def __init__(self) -> None:
        self.statuses: list[int] = []
        self.seen: list[tuple[int, str, float]] = []
        self.secrets: list[str] = []
        self.answer: dict[str, object] | None = None
        self.slow: dict[str, float] = {}
        self.url = ""

    async def receive(self, request: web.Request) -> web.Response:
        update = Update.model_validate(await request.json())
        text = update.message.text if update.message else ""
        self.secrets.append(request.headers.get("X-Telegram-Bot-Api-Secret-Token", ""))
        await asyncio.sleep(self.slow.get(text or "", 0))
        self.seen.append((update.update_id, text or "", time.monotonic()))
        status = self.statuses.pop(0) if self.statuses else 200
        if self.answer and status == 200:
            return web.json_response(self.answer)
        return web.Response(status=status)


@pytest.fixture
async def hook() -> AsyncIterator[HookHost]:
    host = HookHost()
    app = web.Application()
    app.router.add_post("/hook", host.receive)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host.url = f"http://127.0.0.1:{runner.addresses[0][1]}/hook"
    yield host
    await runner.cleanup()


async def test_a_webhook_gets_updates_with_the_secret_and_again_after_an_error(
    api: BotApi, bot: Bot, alice: User, hook: HookHost
) -> None:
    hook.statuses = [500, 503]
    await api.says(alice, "一")
    await bot.set_webhook(hook.url, secret_token="s3cret")
    await api.says(alice, "二")
    await api.all_confirmed()
    assert [text for _, text, _ in hook.seen] == ["一", "一", "一", "二"]
    assert set(hook.secrets) == {"s3cret"}
    times = [at for _, _, at in hook.seen]
    assert times[2] - times[1] > times[1] - times[0] > 0.09
    info = await bot.get_webhook_info()
    assert info.url == hook.url
    assert info.pending_update_count == 0
    assert info.last_error_message == "Wrong response from the webhook: 503 Service Unavailable"
    assert [c.status for c in await api.calls("webhook")] == [500, 503, 200, 200]


async def test_a_slow_chat_does_not_hold_up_another(
    api: BotApi, bot: Bot, alice: User, hook: HookHost
) -> None:
    hook.slow = {"慢": 0.4}
    await bot.set_webhook(hook.url)
    for user, text in ((alice, "慢"), (alice, "后"), (api.user("小王"), "快")):
        await api.says(user, text)
    await api.all_confirmed()
    assert [text for _, text, _ in hook.seen] == ["快", "慢", "后"]


async def test_get_updates_conflicts_with_a_webhook(
    api: BotApi, bot: Bot, alice: User, hook: HookHost
) -> None:
    poll = asyncio.create_task(bot.get_updates(timeout=20))
    await api.calls("getUpdates", count=1)
    await bot.set_webhook(hook.url)
    with pytest.raises(TelegramConflictError, match="terminated by setWebhook"):
        await poll
    with pytest.raises(TelegramConflictError, match="webhook is active"):
        await bot.get_updates()
    await bot.delete_webhook()
    await api.says(alice, "在吗")
    assert len(await bot.get_updates()) == 1
    await bot.delete_webhook(drop_pending_updates=True)
    assert await bot.get_updates() == []


async def test_a_method_in_the_hooks_answer_is_carried_out(
    api: BotApi, bot: Bot, alice: User, hook: HookHost
) -> None:
    hook.answer = {"method": "sendMessage", "chat_id": alice.id, "text": "收到"}
    await bot.set_webhook(hook.url)
    await api.says(alice, "在吗")
    assert (await api.next_message(alice)).text == "收到"


async def test_a_bad_secret_or_address_is_refused(bot: Bot) -> None:
    with pytest.raises(TelegramBadRequest, match="unallowed characters"):
        await bot.set_webhook("https://example.org/h", secret_token="两个字")
    with pytest.raises(TelegramBadRequest, match="HTTPS URL"):
        await bot.set_webhook("ftp://example.org")


# Sending


async def test_html_becomes_entities_in_utf16_units(api: BotApi, bot: Bot, alice: User) -> None:
    text = (
        '  😀<b>补<i>领</i></b> &lt;证&gt; <a href="https://example.gov.cn/a?x=1&amp;y=2">入口</a>'
        '<blockquote expandable>依据</blockquote><a href="http://localhost/">本机</a>\n'
    )
    message = await bot.send_message(alice.id, text, parse_mode="HTML")
    assert message.text == "😀补领 <证> 入口依据本机"
    assert message.entities
    assert [(e.type, e.offset, e.length) for e in message.entities] == [
        ("bold", 2, 2),
        ("italic", 3, 1),
        ("text_link", 9, 2),
        ("expandable_blockquote", 11, 2),
    ]
    assert message.entities[2].url == "https://example.gov.cn/a?x=1&y=2"
    assert (await api.next_message(alice)).text == message.text


@pytest.mark.parametrize(
    ("markup", "error"),
    [
        ("身<b>份", 'Can\'t find end tag corresponding to start tag "b"'),
        ("份<br>", 'Unsupported start tag "br" at byte offset 3'),
        ("1 < 2", 'Unsupported start tag "" at byte offset 2'),
        ("<b>x</i>", 'Unmatched end tag at byte offset 4, expected "</b>", found "</i>"'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("<b", "Unclosed start tag at byte offset 0"),
        ('<a href="x', "Unclosed start tag at byte offset 0"),
        ("<b>x</b", "Unclosed end tag at byte offset 4"),
        ("<span>x</span>", 'Tag "span" must have class "tg-spoiler" at byte offset 0'),
    ],
)
async def test_malformed_html_is_refused(bot: Bot, alice: User, markup: str, error: str) -> None:
    with pytest.raises(TelegramBadRequest) as refusal:
        await bot.send_message(alice.id, markup, parse_mode="HTML")
    assert refusal.value.message == f"Bad Request: can't parse entities: {error}"


async def test_length_limits(bot: Bot, alice: User) -> None:
    assert await bot.send_message(alice.id, f"<b>{'字' * 4096}</b>", parse_mode="HTML")
    with pytest.raises(TelegramBadRequest, match="message is too long"):
        await bot.send_message(alice.id, "字" * 4097)
    with pytest.raises(TelegramBadRequest, match="message text is empty"):
        await bot.send_message(alice.id, " <b></b>\n", parse_mode="HTML")
    with pytest.raises(TelegramBadRequest, match="caption is too long"):
        await bot.send_document(alice.id, BufferedInputFile(b"x", "a.txt"), caption="字" * 1025)


async def test_keyboards_are_checked_and_kept(api: BotApi, bot: Bot, alice: User) -> None:
    await bot.send_message(alice.id, "选", reply_markup=keyboard(有帮助="a" * 64, 没解决="n"))
    sent = await api.next_message(alice)
    assert sent.buttons == ["有帮助", "没解决"]
    assert sent.data("没解决") == "n"
    with pytest.raises(TelegramBadRequest, match="BUTTON_DATA_INVALID"):
        await bot.send_message(alice.id, "选", reply_markup=keyboard(长="字" * 22))
    local = InlineKeyboardButton(text="本机", url="http://localhost:8000/")
    with pytest.raises(TelegramBadRequest, match="Wrong HTTP URL"):
        markup = InlineKeyboardMarkup(inline_keyboard=[[local]])
        await bot.send_message(alice.id, "选", reply_markup=markup)
    with pytest.raises(TelegramBadRequest, match="text buttons are unallowed"):
        markup = InlineKeyboardMarkup(inline_keyboard=[[InlineKeyboardButton(text="空")]])
        await bot.send_message(alice.id, "选", reply_markup=markup)
    menu = ReplyKeyboardMarkup(keyboard=[[KeyboardButton(text="办事菜单")]])
    below = await bot.send_message(alice.id, "菜单", reply_markup=menu)
    assert below.reply_markup is None
    assert (await api.next_message(alice)).buttons == ["办事菜单"]
    await bot.send_message(alice.id, "请写", reply_markup=ForceReply(input_field_placeholder="写"))
    assert (await api.next_message(alice)).markup["force_reply"] is True


async def test_replies_need_their_message(api: BotApi, bot: Bot, alice: User) -> None:
    asked = await api.says(alice, "问")
    reply = await bot.send_message(alice.id, "答", reply_to_message_id=asked.id)
    assert reply.reply_to_message
    assert reply.reply_to_message.text == "问"
    assert (await api.next_message(alice)).reply_to == asked.id
    await api.deletes(asked)
    gone = ReplyParameters(message_id=asked.id)
    with pytest.raises(TelegramBadRequest, match="message to be replied not found"):
        await bot.send_message(alice.id, "答", reply_parameters=gone)
    lenient = ReplyParameters(message_id=asked.id, allow_sending_without_reply=True)
    sent = await bot.send_message(alice.id, "答", reply_parameters=lenient)
    assert sent.reply_to_message is None


async def test_who_cannot_be_written_to(api: BotApi, bot: Bot, alice: User) -> None:
    with pytest.raises(TelegramBadRequest, match="chat not found"):
        await bot.send_message(api.user("路人").id, "您好")
    await api.blocks(alice)
    with pytest.raises(TelegramForbiddenError, match="bot was blocked by the user"):
        await bot.send_message(alice.id, "您好")
    await api.unblocks(alice)
    await bot.send_message(alice.id, "您好")
    group = await api.group("群")
    await api.sets_bot_status(group, "kicked", by=alice)
    with pytest.raises(TelegramForbiddenError, match="kicked from the supergroup chat"):
        await bot.send_message(group.id, "您好")
    changes = [u.my_chat_member for u in await bot.get_updates()]
    assert [c.new_chat_member.status for c in changes if c] == ["kicked", "member", "kicked"]


async def test_message_ids_grow_per_chat(api: BotApi, bot: Bot, alice: User) -> None:
    group = await api.group("群")
    ids = [(await api.says(alice, "一")).id, (await bot.send_message(alice.id, "二")).message_id]
    ids.append((await api.says(alice, "三")).id)
    assert ids == [1, 2, 3]
    assert (await bot.send_message(group.id, "您好")).message_id == 1


# Editing and deleting


async def test_editing(api: BotApi, bot: Bot, alice: User) -> None:
    sent = await bot.send_message(alice.id, "一", reply_markup=keyboard(采用="ok"))
    await bot.edit_message_text(
        "一", chat_id=alice.id, message_id=sent.message_id, reply_markup=keyboard(采用="ok:2")
    )
    with pytest.raises(TelegramBadRequest, match="message is not modified"):
        await bot.edit_message_text(
            " 一 ", chat_id=alice.id, message_id=sent.message_id, reply_markup=keyboard(采用="ok:2")
        )
    edited = await bot.edit_message_text("二", chat_id=alice.id, message_id=sent.message_id)
    assert isinstance(edited, object) and edited is not True
    assert (await api.next_edit(alice)).buttons == ["采用"]
    last = await api.next_edit(alice)
    assert last.text == "二"
    assert last.buttons == []
    await bot.edit_message_reply_markup(
        chat_id=alice.id, message_id=sent.message_id, reply_markup=keyboard(好="y")
    )
    assert (await api.sent(alice, "markup"))[0].buttons == ["好"]
    with pytest.raises(TelegramBadRequest, match="message to edit not found"):
        await bot.edit_message_text("二", chat_id=alice.id, message_id=99)
    theirs = await api.says(alice, "问")
    with pytest.raises(TelegramBadRequest, match="message can't be edited"):
        await bot.edit_message_text("二", chat_id=alice.id, message_id=theirs.id)


async def test_deleting(api: BotApi, bot: Bot, alice: User) -> None:
    sent = await bot.send_message(alice.id, "一")
    assert await bot.delete_message(alice.id, sent.message_id)
    with pytest.raises(TelegramBadRequest, match="message to delete not found"):
        await bot.delete_message(alice.id, sent.message_id)
    assert [s.kind for s in await api.sent(alice)] == ["send", "delete"]
    group = await api.group("群", bot_status="member")
    theirs = await api.says(alice, "问", group)
    with pytest.raises(TelegramBadRequest, match="message can't be deleted"):
        await bot.delete_message(group.id, theirs.id)


# Buttons


async def test_pressing_returns_the_answer(api: BotApi, bot: Bot, alice: User) -> None:
    await bot.send_message(alice.id, "有用吗", reply_markup=keyboard(有帮助="h:1", 没解决="n:1"))
    sent = await api.next_message(alice)
    press = asyncio.create_task(api.presses(alice, sent, "有帮助"))
    (update,) = await bot.get_updates(timeout=5)
    assert update.callback_query
    assert update.callback_query.data == "h:1"
    assert update.callback_query.message
    assert update.callback_query.message.message_id == sent.id
    await bot.answer_callback_query(update.callback_query.id, text="谢谢", show_alert=True)
    answer = await press
    assert (answer.text, answer.show_alert) == ("谢谢", True)
    with pytest.raises(TelegramBadRequest, match="query is too old"):
        await bot.answer_callback_query(update.callback_query.id)
    with pytest.raises(TelegramBadRequest, match="query ID is invalid"):
        await bot.answer_callback_query("12345")


async def test_an_unanswered_press_times_out_and_an_old_query_is_refused(alice: User) -> None:
    async with BotApi(callback_lifetime=0.1) as api, connected(api) as bot:
        await api.meet(alice)
        await bot.send_message(alice.id, "选", reply_markup=keyboard(好="y"))
        sent = await api.next_message(alice)
        with pytest.raises(TimeoutError):
            await api.presses(alice, sent, "好", within=0.3)
        (update,) = await bot.get_updates()
        assert update.callback_query
        with pytest.raises(TelegramBadRequest, match="query is too old"):
            await bot.answer_callback_query(update.callback_query.id)


async def test_only_buttons_that_are_there_can_be_pressed(
    api: BotApi, bot: Bot, alice: User
) -> None:
    await bot.send_message(alice.id, "选", reply_markup=keyboard(采用="ok"))
    sent = await api.next_message(alice)
    await bot.edit_message_reply_markup(chat_id=alice.id, message_id=sent.id)
    with pytest.raises(ControlError, match="0 buttons match"):
        await api.taps(alice, sent, "采用")
    await bot.delete_message(alice.id, sent.id)
    await api.taps(alice, sent, "ok", stale=True)
    (update,) = await bot.get_updates()
    assert update.callback_query
    assert update.callback_query.message
    assert update.callback_query.message.date == 0


# Channels


async def test_a_post_is_forwarded_and_commented(api: BotApi, bot: Bot, alice: User) -> None:
    group = await api.group("讨论组")
    channel = await api.channel("某市发布", group)
    post = await api.posts(channel, "社保缴费通知")
    comment = await api.comments(alice, post, "怎么交")
    second = await api.comments(api.user("小王"), post, "同问", reply_to=comment)
    updates = await bot.get_updates()
    assert [u.event_type for u in updates] == ["channel_post", "message", "message", "message"]
    forward, first, third = (u.message for u in updates[1:])
    assert forward and first and third
    assert forward.is_automatic_forward
    assert forward.sender_chat and forward.sender_chat.id == channel.id
    assert isinstance(forward.forward_origin, MessageOriginChannel)
    assert forward.forward_origin.message_id == post.message.id
    assert forward.message_thread_id is None
    assert first.message_thread_id == forward.message_id == post.thread.id
    assert first.reply_to_message
    assert first.reply_to_message.message_id == forward.message_id
    assert third.message_thread_id == forward.message_id
    assert third.reply_to_message
    assert third.reply_to_message.message_id == comment.id == second.reply_to

    reply = await bot.send_message(group.id, "这样交", reply_to_message_id=comment.id)
    assert reply.message_thread_id == forward.message_id
    sent = await api.next_message(group)
    assert (sent.thread_id, sent.reply_to) == (forward.message_id, comment.id)
    await bot.send_message(group.id, "补充", message_thread_id=forward.message_id)
    sent = await api.next_message(group)
    assert (sent.thread_id, sent.reply_to) == (forward.message_id, forward.message_id)
    with pytest.raises(TelegramBadRequest, match="message thread not found"):
        await bot.send_message(group.id, "补充", message_thread_id=999)


async def test_the_bots_own_post_is_forwarded_too(api: BotApi, bot: Bot) -> None:
    group = await api.group("讨论组")
    channel = await api.channel("某市发布", group, username="city_news")
    await bot.send_message("@city_news", "通知")
    (update,) = await bot.get_updates()
    assert update.message
    assert update.message.is_automatic_forward
    assert update.message.chat.id == group.id
    assert (await bot.get_chat(channel.id)).linked_chat_id == group.id


# People's messages


async def test_edits_keep_the_id_and_dates_can_be_given(api: BotApi, bot: Bot, alice: User) -> None:
    when = datetime(2026, 9, 30, 8, 0, tzinfo=UTC)
    said = await api.says(alice, "/start 问", date=when)
    await api.edits(said, "改", date=when.timestamp() + 60)
    first, second = await bot.get_updates()
    assert first.message and second.edited_message
    assert first.message.date == when
    assert first.message.entities
    assert first.message.entities[0].type == "bot_command"
    assert second.edited_message.message_id == said.id
    assert second.edited_message.edit_date == int(when.timestamp()) + 60
    assert second.edited_message.entities is None


async def test_media_comes_with_a_file_to_download(api: BotApi, bot: Bot, alice: User) -> None:
    await api.sends_photo(alice, b"picture", caption="看这里")
    await api.sends_voice(alice, b"sound")
    await api.sends_document(alice, "材料.pdf", b"%PDF", caption="材料")
    await api.sends_sticker(alice)
    await api.sends_location(alice, 23.13, 113.26)
    photo, voice, document, sticker, place = (u.message for u in await bot.get_updates())
    assert photo and voice and document and sticker and place
    assert photo.photo and photo.caption == "看这里"
    assert voice.voice and sticker.sticker
    assert document.document and document.document.file_name == "材料.pdf"
    assert place.location and place.location.latitude == 23.13
    file = await bot.get_file(photo.photo[-1].file_id)
    assert file.file_path
    stream = await bot.download_file(file.file_path)
    assert stream and stream.read() == b"picture"
    with pytest.raises(TelegramBadRequest, match="wrong file_id"):
        await bot.get_file("nothing")
    resent = await bot.send_photo(alice.id, photo.photo[-1].file_id)
    assert resent.photo
    with pytest.raises(TelegramBadRequest, match="can't use file of type"):
        await bot.send_document(alice.id, voice.voice.file_id)


async def test_documents_are_uploaded_and_messages_copied(
    api: BotApi, bot: Bot, alice: User
) -> None:
    staff = await api.group("值班群")
    sent = await bot.send_document(
        staff.id, BufferedInputFile(b"a,b\n", "报表.csv"), caption="日报"
    )
    assert sent.document and sent.document.file_name == "报表.csv"
    assert await api.download(sent.document.file_id) == b"a,b\n"
    photo = await api.sends_photo(alice, caption="证")
    await bot.copy_message(staff.id, alice.id, photo.id, reply_markup=keyboard(看过="s"))
    copy = await api.next_message(staff, containing="证")
    assert "photo" in copy.raw
    assert copy.buttons == ["看过"]
    forwarded = await bot.forward_message(staff.id, alice.id, photo.id)
    assert forwarded.forward_origin and forwarded.forward_origin.type == "user"
    with pytest.raises(TelegramBadRequest, match="message to copy not found"):
        await bot.copy_message(staff.id, alice.id, 99)


# The account


async def test_commands_and_menu_are_kept(bot: Bot, alice: User) -> None:
    commands = [BotCommand(command="start", description="开始")]
    assert await bot.set_my_commands(commands)
    kept = await bot.get_my_commands()
    assert [(c.command, c.description) for c in kept] == [("start", "开始")]
    assert await bot.get_my_commands(language_code="en") == []
    with pytest.raises(TelegramBadRequest, match="BOT_COMMAND_INVALID"):
        await bot.set_my_commands([BotCommand(command="开始", description="开始")])
    await bot.set_chat_menu_button(alice.id, MenuButtonCommands())
    assert (await bot.get_chat_menu_button(alice.id)).type == "commands"
    await bot.set_my_short_description("测试")
    assert (await bot.get_my_short_description()).short_description == "测试"


async def test_chats_and_members(api: BotApi, bot: Bot, alice: User) -> None:
    group = await api.group("值班群")
    await api.sets_member(group, alice, "creator")
    assert (await bot.get_chat(group.id)).title == "值班群"
    assert (await bot.get_chat_member(group.id, alice.id)).status == "creator"
    me = await bot.get_chat_member(group.id, bot.id)
    assert isinstance(me, ChatMemberAdministrator)
    assert len(await bot.get_chat_administrators(group.id)) == 2
    assert await bot.send_chat_action(group.id, "typing")
    assert [s.text for s in await api.sent(group, "action")] == ["typing"]
    with pytest.raises(TelegramBadRequest, match="user not found"):
        await bot.get_chat_member(group.id, 5)


# Trouble


async def test_failures_on_demand(api: BotApi, bot: Bot, alice: User) -> None:
    await api.fail_next("sendMessage", 429, retry_after=3)
    with pytest.raises(TelegramRetryAfter) as limited:
        await bot.send_message(alice.id, "一")
    assert limited.value.retry_after == 3
    await api.fail_next("*", 502, times=2)
    for _ in range(2):
        with pytest.raises(TelegramServerError):
            await bot.get_me()
    await api.fail_next("sendMessage", 0)
    with pytest.raises(TelegramNetworkError):
        await bot.send_message(alice.id, "二")
    assert await api.sent(alice) == []
    await bot.send_message(alice.id, "三")
    assert [c.status for c in await api.calls("sendMessage")] == [429, 0, 200]


@pytest.mark.parametrize(("code", "error"), [(0, TelegramNetworkError), (500, TelegramServerError)])
async def test_an_effect_whose_answer_is_lost(
    api: BotApi, bot: Bot, alice: User, code: int, error: type[TelegramAPIError]
) -> None:
    await api.fail_next("sendMessage", code, after_effect=True)
    with pytest.raises(error):
        await bot.send_message(alice.id, "一")
    assert [s.text for s in await api.sent(alice)] == ["一"]


async def test_a_fault_can_be_for_one_chat_and_slow(api: BotApi, bot: Bot, alice: User) -> None:
    group = await api.group("群")
    await api.fail_next("sendMessage", 200, delay=0.3, chat=group)
    started = time.monotonic()
    await bot.send_message(alice.id, "一")
    assert time.monotonic() - started < 0.25
    await bot.send_message(group.id, "一")
    assert time.monotonic() - started > 0.3


async def test_a_lost_network_comes_back_with_nothing_lost(
    api: BotApi, bot: Bot, alice: User
) -> None:
    poll = asyncio.create_task(bot.get_updates(timeout=20))
    await api.calls("getUpdates", count=1)
    await api.offline()
    with pytest.raises(TelegramNetworkError):
        await poll
    await api.says(alice, "在吗")
    with pytest.raises(TelegramNetworkError):
        await bot.get_updates(timeout=5)
    await api.offline(False)
    assert len(await bot.get_updates(timeout=5)) == 1


async def test_rate_limits(api: BotApi, bot: Bot, alice: User) -> None:
    await api.limits(overall=3, per_group=2, per_chat=1)
    await bot.send_message(alice.id, "一")
    with pytest.raises(TelegramRetryAfter) as limited:
        await bot.send_message(alice.id, "二")
    assert limited.value.retry_after == 1
    await asyncio.sleep(1.05)
    await bot.send_message(alice.id, "二")

    await api.limits(overall=0, per_chat=0, per_group=2)
    group = await api.group("群")
    for text in ("一", "二"):
        await bot.send_message(group.id, text)
    with pytest.raises(TelegramRetryAfter) as limited:
        await bot.send_message(group.id, "三")
    assert limited.value.retry_after > 50

    await api.limits(overall=3, per_chat=0)
    for _ in range(3):
        await bot.send_message(alice.id, "话")
    with pytest.raises(TelegramRetryAfter):
        await bot.send_message(alice.id, "话")
    await api.limits(False)
    await bot.send_message(alice.id, "话")


# Looking back


async def test_waiting_for_messages(api: BotApi, bot: Bot, alice: User) -> None:
    async def later() -> None:
        await asyncio.sleep(0.1)
        await bot.send_message(alice.id, "草稿")
        await bot.send_message(alice.id, "答复")

    task = asyncio.create_task(later())
    assert (await api.wait_for(lambda s: "答复" in s.text)).chat_id == alice.id
    await task
    assert (await api.next_message(alice)).text == "草稿"
    assert (await api.next_message(alice)).text == "答复"
    await api.no_message(alice, within=0.1)
    with pytest.raises(TimeoutError, match="答复"):
        await api.wait_for(lambda s: s.text == "没有", 0.1)
    await bot.send_message(alice.id, "多余")
    with pytest.raises(AssertionError, match="多余"):
        await api.no_message(alice)
    assert all(isinstance(s, Sent) and abs(s.at - time.time()) < 60 for s in await api.sent())


async def test_impossible_wishes_are_control_errors(api: BotApi, alice: User) -> None:
    with pytest.raises(ControlError, match="no operation"):
        await api.call("nonsense")
    with pytest.raises(ControlError, match="unexpected keyword"):
        await api.call("meet", user={}, nobody=1)
    with pytest.raises(ControlError, match="no message 9"):
        await api.says(alice, "答", reply_to=9)
    with pytest.raises(ControlError, match="no chat"):
        await api.says(alice, "您好", chat=-5)


@pytest.mark.parametrize("ticks", range(5))
async def test_a_waiter_can_be_cancelled_while_it_is_woken(ticks: int) -> None:
    signal = Signal()
    waiting = asyncio.create_task(signal.until(lambda: False, 60))
    await asyncio.sleep(0.01)
    signal.fire()
    for _ in range(ticks):
        await asyncio.sleep(0)
    waiting.cancel()
    done, _ = await asyncio.wait([waiting], timeout=1)
    assert done
    assert waiting.cancelled()


# Other processes

ECHO = textwrap.dedent("""
    import asyncio, sys
    from aiogram import Bot, Dispatcher
    from aiogram.client.session.aiohttp import AiohttpSession
    from aiogram.client.telegram import TelegramAPIServer

    async def echo(message):
        await message.answer("回" + message.text)

    async def main(url, token):
        session = AiohttpSession(api=TelegramAPIServer.from_base(url))
        dispatcher = Dispatcher()
        dispatcher.message.register(echo)
        await dispatcher.start_polling(Bot(token, session=session))

    asyncio.run(main(*sys.argv[1:]))
""")


@asynccontextmanager
async def echo_bot(api: Control) -> AsyncIterator[asyncio.subprocess.Process]:
    command = (sys.executable, "-c", ECHO, api.url, api.token)
    quiet = asyncio.subprocess.DEVNULL
    process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, stderr=quiet)
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


async def test_a_killed_bot_finds_its_updates_after_a_restart(api: BotApi) -> None:
    alice = api.user("小李")
    await api.fail_next("sendMessage", 200, delay=30)
    async with echo_bot(api) as first:
        await api.says(alice, "一")
        await api.calls("sendMessage", count=1, within=30)
        first.kill()
        await first.wait()
    assert await api.sent(alice) == []
    await api.says(alice, "二")
    async with echo_bot(api):
        await api.next_message(alice, within=30, containing="回二")
        await api.all_confirmed()
    assert (await api.calls("sendMessage"))[0].status == 499


async def test_the_same_calls_work_on_a_server_of_its_own() -> None:
    async with spawned() as api, connected(api) as bot:
        assert isinstance(api, RemoteBotApi)
        alice = api.user("小李")
        await api.says(alice, "办证")
        (update,) = await bot.get_updates(timeout=5)
        assert update.message
        answer = SendMessage(chat_id=alice.id, text="好", reply_markup=keyboard(有帮助="h"))
        await bot(answer)
        reply = await api.next_message(alice)
        press = asyncio.create_task(api.presses(alice, reply, "有帮助"))
        (update,) = await bot.get_updates(offset=update.update_id + 1, timeout=5)
        assert update.callback_query
        await bot.answer_callback_query(update.callback_query.id, text="谢谢")
        assert (await press).text == "谢谢"
        assert (await api.current(reply)).text == "好"
        photo = await api.sends_photo(alice, b"\x00\x01")
        assert await api.download(photo.raw["photo"][0]["file_id"]) == b"\x00\x01"
        with pytest.raises(ControlError, match="no message 99"):
            await api.says(alice, "答", reply_to=99)
        with pytest.raises(TimeoutError):
            await api.wait_for(lambda s: s.text == "没有", 0.2)
