"""The Telegram channel against a local Bot API server."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from aiohttp import test_utils, web

from bot.channels.base import (
    Button,
    Outgoing,
    RateLimitedError,
    RejectedError,
    SendError,
    UnreachableError,
)
from bot.channels.telegram import TEXT_UNITS, TelegramChannel, build_bot, units
from tests.botapi import BotApi, Message, User

URL = Button("预约", url="https://zwfw.yunchuan.example/sfz")
HELPFUL = Button("有帮助", action="c:helpful:1")


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi() as running:
        yield running


@pytest.fixture
async def channel(api: BotApi) -> AsyncIterator[TelegramChannel]:
    opened = TelegramChannel(build_bot(api.token, api.url))
    yield opened
    await opened.close()


@pytest.fixture
async def citizen(api: BotApi) -> User:
    user = api.user("小李")
    await api.meet(user)
    return user


async def test_text_is_never_markup(api: BotApi, channel: TelegramChannel, citizen: User) -> None:
    text = "<b>粗体</b> *星* [链接](http://a.b) & _下划线_"
    number = await channel.send(str(citizen.id), Outgoing(text))
    sent = await api.next_message(citizen)
    assert (sent.text, str(sent.id)) == (text, number)
    assert "entities" not in sent.raw
    call = (await api.calls("sendMessage"))[0]
    assert "parse_mode" not in call.params


async def test_buttons_open_a_page_or_come_back(
    api: BotApi, channel: TelegramChannel, citizen: User
) -> None:
    await channel.send(str(citizen.id), Outgoing("好", ((URL,), (HELPFUL,))))
    sent = await api.next_message(citizen)
    assert sent.buttons == ["预约", "有帮助"]
    assert sent.keyboard[0][0]["url"] == URL.url
    assert sent.data("有帮助") == "c:helpful:1"


async def test_text_to_copy_is_one_block_counted_in_utf16(
    api: BotApi, channel: TelegramChannel, citizen: User
) -> None:
    await channel.send(str(citizen.id), Outgoing("请看😀", copy_text="𠮷祥街 12 号"))
    sent = await api.next_message(citizen)
    (entity,) = sent.raw["entities"]
    assert entity["type"] == "pre"
    raw = sent.text.encode("utf-16-le")
    start, end = entity["offset"] * 2, (entity["offset"] + entity["length"]) * 2
    assert raw[start:end].decode("utf-16-le") == "𠮷祥街 12 号"


async def test_asks_for_a_typed_reply(api: BotApi, channel: TelegramChannel, citizen: User) -> None:
    await channel.send(str(citizen.id), Outgoing("请写", ask_reply=True))
    markup = (await api.next_message(citizen)).markup
    assert (markup["force_reply"], markup["selective"]) == (True, True)


async def test_quotes_a_message_or_goes_without_when_it_is_gone(
    api: BotApi, channel: TelegramChannel, citizen: User
) -> None:
    said = await api.says(citizen, "在吗")
    await channel.send(str(citizen.id), Outgoing("在", reply_to=str(said.id)))
    assert (await api.next_message(citizen)).reply_to == said.id
    await api.deletes(said)
    await channel.send(str(citizen.id), Outgoing("还在", reply_to=str(said.id)))
    assert (await api.next_message(citizen)).reply_to is None


async def test_edits_text_and_keyboard(
    api: BotApi, channel: TelegramChannel, citizen: User
) -> None:
    place = str(citizen.id)
    number = await channel.send(place, Outgoing("一", ((HELPFUL,),)))
    assert await channel.send(place, Outgoing("二", edits=number)) == number
    edited = await api.next_edit(citizen)
    assert (edited.text, edited.buttons) == ("二", [])
    # The same once more: Telegram refuses, but what was wanted is there.
    assert await channel.send(place, Outgoing("二", edits=number)) == number


async def test_an_edit_without_text_replaces_only_the_keyboard(
    api: BotApi, channel: TelegramChannel, citizen: User
) -> None:
    number = await channel.send(str(citizen.id), Outgoing("一", ((URL,), (HELPFUL,))))
    await channel.send(str(citizen.id), Outgoing("", ((URL,),), edits=number))
    changed = await api.next_message(citizen, kind="markup")
    assert (changed.text, changed.buttons) == ("一", ["预约"])


async def test_an_edit_of_a_deleted_message_is_rejected(
    api: BotApi, channel: TelegramChannel, citizen: User
) -> None:
    number = await channel.send(str(citizen.id), Outgoing("一"))
    await api.deletes(Message((await api.next_message(citizen)).raw))
    with pytest.raises(RejectedError):
        await channel.send(str(citizen.id), Outgoing("二", edits=number))


@pytest.mark.parametrize("character", ["办", "😀"])
async def test_long_text_arrives_whole_in_parts(
    api: BotApi, channel: TelegramChannel, citizen: User, character: str
) -> None:
    text = character * 4500
    number = await channel.send(str(citizen.id), Outgoing(text, ((HELPFUL,),)))
    parts = await api.sent(citizen)
    assert "".join(part.text for part in parts) == text
    assert all(units(part.text) <= TEXT_UNITS for part in parts)
    assert [part.buttons for part in parts[:-1]] == [[]] * (len(parts) - 1)
    assert (parts[-1].buttons, str(parts[-1].id)) == (["有帮助"], number)


async def test_text_at_the_limit_is_one_message(
    api: BotApi, channel: TelegramChannel, citizen: User
) -> None:
    await channel.send(str(citizen.id), Outgoing("办" * TEXT_UNITS))
    assert len(await api.sent(citizen)) == 1


async def test_an_edit_that_does_not_fit_is_rejected(
    api: BotApi, channel: TelegramChannel, citizen: User
) -> None:
    number = await channel.send(str(citizen.id), Outgoing("一"))
    with pytest.raises(RejectedError, match="太长"):
        await channel.send(str(citizen.id), Outgoing("办" * 5000, edits=number))


async def test_an_address_that_is_no_button_becomes_text(
    api: BotApi, channel: TelegramChannel, citizen: User
) -> None:
    intranet = Button("内网入口", url="http://oa/apply")
    await channel.send(str(citizen.id), Outgoing("好", ((intranet,), (HELPFUL,))))
    sent = await api.next_message(citizen)
    assert "内网入口：http://oa/apply" in sent.text
    assert sent.buttons == ["有帮助"]


@pytest.mark.parametrize(
    ("code", "description", "expected"),
    [
        (403, None, UnreachableError),
        (400, "Bad Request: chat not found", UnreachableError),
        (403, "Forbidden: user is deactivated", UnreachableError),
        (400, "Bad Request: user is deactivated", UnreachableError),
        (400, None, RejectedError),
        (401, None, SendError),
        (409, None, SendError),
        (500, None, SendError),
        (502, None, SendError),
        (0, None, SendError),
    ],
)
async def test_refusals_in_the_desks_terms(
    api: BotApi,
    channel: TelegramChannel,
    citizen: User,
    code: int,
    description: str | None,
    expected: type[SendError],
) -> None:
    await api.fail_next("sendMessage", code, description=description)
    with pytest.raises(SendError) as caught:
        await channel.send(str(citizen.id), Outgoing("好"))
    assert type(caught.value) is expected


async def test_too_many_requests_say_how_long_to_wait(
    api: BotApi, channel: TelegramChannel, citizen: User
) -> None:
    await api.fail_next("sendMessage", 429, retry_after=7)
    with pytest.raises(RateLimitedError) as caught:
        await channel.send(str(citizen.id), Outgoing("好"))
    assert caught.value.after == 7


async def test_a_slow_server_is_a_failure_to_try_again(api: BotApi, citizen: User) -> None:
    bot = build_bot(api.token, api.url)
    bot.session.timeout = 0.2
    await api.fail_next("sendMessage", 200, delay=1)
    with pytest.raises(SendError) as caught:
        await TelegramChannel(bot).send(str(citizen.id), Outgoing("好"))
    assert type(caught.value) is SendError
    await bot.session.close()


async def test_nothing_to_say_and_no_such_number_are_rejected(
    channel: TelegramChannel, citizen: User
) -> None:
    for outgoing in (Outgoing(" \n"), Outgoing("好", reply_to="x"), Outgoing("\ud83d")):
        with pytest.raises(RejectedError):
            await channel.send(str(citizen.id), outgoing)


async def test_a_group_that_moved_is_followed() -> None:
    asked: list[str] = []

    async def send(request: web.Request) -> web.Response:
        asked.append(str((await request.post())["chat_id"]))
        if asked[-1] == "-5":
            moved = {"migrate_to_chat_id": -1005}
            error = {"ok": False, "description": "Bad Request: upgraded", "parameters": moved}
            return web.json_response(error, status=400)
        chat = {"id": -1005, "type": "supergroup", "title": "群"}
        return web.json_response({"ok": True, "result": {"message_id": 9, "date": 1, "chat": chat}})

    app = web.Application()
    app.router.add_post("/bot{token}/sendMessage", send)
    async with test_utils.TestServer(app) as server:
        channel = TelegramChannel(build_bot("7000000001:token", str(server.make_url(""))))
        assert await channel.send("-5", Outgoing("好")) == "9"
        await channel.close()
    assert asked == ["-5", "-1005"]


async def test_an_answer_that_is_no_json_may_be_tried_again() -> None:
    async def send(_request: web.Request) -> web.Response:
        return web.Response(text="<html>gateway of the hotel</html>")

    app = web.Application()
    app.router.add_post("/bot{token}/sendMessage", send)
    async with test_utils.TestServer(app) as server:
        channel = TelegramChannel(build_bot("7000000001:token", str(server.make_url(""))))
        with pytest.raises(SendError, match="无法识别"):
            await channel.send("-5", Outgoing("好"))
        await channel.close()


async def test_shows_what_somebody_sent(
    api: BotApi, channel: TelegramChannel, citizen: User
) -> None:
    photo = await api.sends_photo(citizen, caption="路灯坏了")
    group = await api.group("工作人员群")
    await channel.copy(str(group.id), f"{citizen.id}:{photo.id}")
    copied = await api.next_message(group)
    assert copied.raw["photo"] == photo.raw["photo"]
    await api.deletes(photo)
    with pytest.raises(RejectedError):
        await channel.copy(str(group.id), f"{citizen.id}:{photo.id}")


async def test_asking_in_a_group_mentions_whom_it_asks(
    api: BotApi, channel: TelegramChannel
) -> None:
    staff = api.user("张三")
    group = await api.group("值班群")
    asked = Outgoing("张三，请写", ask_reply=True, person=str(staff.id), person_name="张三")
    await channel.send(str(group.id), asked)
    (entity,) = (await api.next_message(group)).raw["entities"]
    assert (entity["type"], entity["length"], entity["user"]["id"]) == ("text_mention", 2, staff.id)
