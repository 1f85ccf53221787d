"""The Official Account's channel against a local server that speaks the platform's protocol."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from starlette.responses import JSONResponse, PlainTextResponse, Response

from bot.channels.base import (
    Button,
    Outgoing,
    RateLimitedError,
    RejectedError,
    SendError,
    UnreachableError,
    WindowClosedError,
)
from bot.channels.wechat import TEXT_BYTES, WechatChannel, article_place, cut, rendered
from bot.channels.wechatapi import WechatApi
from storage.coordination import Coordination, LocalCoordination
from tests.wechatapi import APP_ID, SECRET, WechatServer

SEND = "/cgi-bin/message/custom/send"
OPENID = "oLVPpjqs9BhvzwPj5A-vTYAX3GLc"
ARTICLE = "2247483660_1"
URL = Button("预约", url="https://zwfw.yunchuan.example/sfz")
VERDICT = (Button("有帮助", action="c:helpful:1"), Button("没解决", action="c:unhelpful:1"))


@pytest.fixture
async def server() -> AsyncIterator[WechatServer]:
    async with WechatServer(APP_ID) as running:
        running.heard(OPENID)
        yield running


@pytest.fixture
async def channel(server: WechatServer) -> AsyncIterator[WechatChannel]:
    opened = process(server, LocalCoordination())
    yield opened
    await opened.close()


def process(server: WechatServer, coordination: Coordination, **options: bool) -> WechatChannel:
    return WechatChannel(WechatApi(APP_ID, SECRET, server.url, coordination, 5.0), **options)


# ---- text ----


async def test_links_and_choices_are_text(server: WechatServer, channel: WechatChannel) -> None:
    await channel.send(OPENID, Outgoing("好", ((URL,), VERDICT)))
    assert server.texts(OPENID) == [
        "好\n\n预约：https://zwfw.yunchuan.example/sfz\n\n您可以回复：“有帮助”“没解决”"
    ]


def test_text_is_never_a_link_of_its_own() -> None:
    text = 'x < 3，<a href="http://evil.example">点我</a><A>'
    assert rendered(Outgoing(text)) == 'x < 3，＜a href="http://evil.example">点我＜/a>＜A>'


@pytest.mark.parametrize("letter", ["办", "a", "𠮷", "é"])
def test_long_text_is_cut_by_bytes_and_nothing_is_lost(letter: str) -> None:
    text = letter * 5000
    pieces = list(cut(text))
    assert all(0 < len(piece.encode()) <= TEXT_BYTES for piece in pieces)
    assert "".join(pieces) == text


def test_long_text_is_cut_at_lines_where_there_are_any() -> None:
    lines = [f"{number}、" + "办" * 90 for number in range(20)]
    assert all(piece.split("\n")[-1] in lines for piece in cut("\n".join(lines)))


async def test_a_long_message_arrives_whole(server: WechatServer, channel: WechatChannel) -> None:
    await channel.send(OPENID, Outgoing("办" * 1500))
    assert "".join(server.texts(OPENID)) == "办" * 1500


async def test_what_cannot_be_edited_is_sent_anew(
    server: WechatServer, channel: WechatChannel
) -> None:
    number = await channel.send(OPENID, Outgoing("一"))
    assert await channel.send(OPENID, Outgoing("二", edits=number)) != number
    assert await channel.send(OPENID, Outgoing("", (VERDICT,), edits=number)) == number
    assert server.texts(OPENID) == ["一", "二"]


# ---- the platform's refusals ----


@pytest.mark.parametrize(
    ("code", "kind", "words"),
    [
        (45015, WindowClosedError, "48 小时"),
        (45047, WindowClosedError, "5 条"),
        (48001, RejectedError, "接口权限"),
        (45002, RejectedError, "太长"),
        (40003, UnreachableError, "openid"),
        (43004, UnreachableError, "取消关注"),
        (45009, RateLimitedError, ""),
        (-1, SendError, "繁忙"),
        (40164, SendError, "白名单"),
        (99999, RejectedError, "99999"),
    ],
)
async def test_refusals_in_the_desks_terms(
    server: WechatServer, channel: WechatChannel, code: int, kind: type[SendError], words: str
) -> None:
    server.fail(SEND, code)
    with pytest.raises(kind) as refused:
        await channel.send(OPENID, Outgoing("好"))
    assert type(refused.value) is kind or isinstance(refused.value, RejectedError)
    assert words in str(refused.value)
    assert "rid" not in str(refused.value)


async def test_the_platforms_own_limits(server: WechatServer, channel: WechatChannel) -> None:
    for _ in range(5):
        await channel.send(OPENID, Outgoing("好"))
    with pytest.raises(WindowClosedError):
        await channel.send(OPENID, Outgoing("第六条"))
    server.heard(OPENID)
    await channel.send(OPENID, Outgoing("第六条"))
    with pytest.raises(UnreachableError):
        await channel.send("oStranger", Outgoing("好"))


@pytest.mark.parametrize(
    "answer",
    [
        Response(status_code=502),
        PlainTextResponse("<html>"),
        JSONResponse([1]),
        JSONResponse({"errcode": "x"}),
    ],
)
async def test_a_broken_answer_is_tried_again(
    server: WechatServer, channel: WechatChannel, answer: Response
) -> None:
    await channel.probe()
    server.broken.append(answer)
    with pytest.raises(SendError) as failed:
        await channel.send(OPENID, Outgoing("好"))
    assert type(failed.value) is SendError
    await channel.send(OPENID, Outgoing("好"))


async def test_no_connection_is_told_without_the_token(channel: WechatChannel) -> None:
    nowhere = WechatChannel(
        WechatApi(APP_ID, SECRET, "http://127.0.0.1:1", LocalCoordination(), 5.0)
    )
    with pytest.raises(SendError) as failed:
        await nowhere.send(OPENID, Outgoing("好"))
    assert "连不上" in str(failed.value)
    assert SECRET not in str(failed.value)
    assert failed.value.__cause__ is None
    await nowhere.close()


# ---- the token ----


async def test_one_token_serves_many_calls(server: WechatServer, channel: WechatChannel) -> None:
    server.quota[OPENID] = 100
    await asyncio.gather(*(channel.send(OPENID, Outgoing("好")) for _ in range(10)))
    assert server.calls.count("/cgi-bin/stable_token") == 1


@pytest.mark.parametrize("code", [40001, 40014, 42001])
async def test_a_refused_token_is_renewed_once(
    server: WechatServer, channel: WechatChannel, code: int
) -> None:
    await channel.send(OPENID, Outgoing("一"))
    server.fail(SEND, code)
    await channel.send(OPENID, Outgoing("二"))
    assert server.forced == 1
    server.fail(SEND, code, code)
    with pytest.raises(SendError):
        await channel.send(OPENID, Outgoing("三"))
    assert server.texts(OPENID) == ["一", "二"]


async def test_a_token_renewed_elsewhere_is_taken_over(server: WechatServer) -> None:
    shared = LocalCoordination()
    first, second = process(server, shared), process(server, shared)
    for channel in (first, second):
        await channel.send(OPENID, Outgoing("好"))
    server.fail(SEND, 40001)
    await first.send(OPENID, Outgoing("第一个进程换了凭证"))
    await second.send(OPENID, Outgoing("第二个进程跟着用"))
    assert server.forced == 1
    for channel in (first, second):
        await channel.close()


async def test_only_one_process_renews_by_force(server: WechatServer) -> None:
    shared = LocalCoordination()
    processes = [process(server, shared) for _ in range(4)]
    server.quota[OPENID] = 100
    for channel in processes:
        await channel.probe()
    server.fail(SEND, *[40001] * 4)
    tried = await asyncio.gather(
        *(channel.send(OPENID, Outgoing("好")) for channel in processes), return_exceptions=True
    )
    assert server.forced == 1
    assert all(isinstance(one, str) or type(one) is SendError for one in tried)
    for channel in processes:
        await channel.send(OPENID, Outgoing("好"))
        await channel.close()


@pytest.mark.parametrize(("secret", "words"), [("f" * 32, "AppSecret 不对")])
async def test_a_wrong_secret_is_said(server: WechatServer, secret: str, words: str) -> None:
    channel = WechatChannel(WechatApi(APP_ID, secret, server.url, LocalCoordination(), 5.0))
    with pytest.raises(SendError, match=words):
        await channel.probe()
    await channel.close()


# ---- comments ----


async def test_a_comment_is_replied_to_and_a_later_reply_replaces_it(
    server: WechatServer, channel: WechatChannel
) -> None:
    comment = server.comment(ARTICLE, OPENID, "身份证丢了怎么办", 1_700_000_000)
    place = article_place(ARTICLE)
    await channel.send(place, Outgoing("收到", reply_to=str(comment.number)))
    await channel.send(place, Outgoing("带户口簿", ((URL,),), reply_to=str(comment.number)))
    assert comment.reply.startswith("带户口簿\n\n预约：https://")
    assert (comment.comment_type, server.sent) == (0, [])


async def test_a_reply_elects_its_comment_where_that_is_wanted(server: WechatServer) -> None:
    channel = process(server, LocalCoordination(), elect_replied=True)
    comment = server.comment(ARTICLE, OPENID, "身份证丢了怎么办", 1_700_000_000)
    await channel.send(article_place(ARTICLE), Outgoing("好", reply_to=str(comment.number)))
    assert comment.comment_type == 1
    await channel.close()


async def test_a_reply_stands_though_its_comment_cannot_be_elected(server: WechatServer) -> None:
    channel = process(server, LocalCoordination(), elect_replied=True)
    comment = server.comment(ARTICLE, OPENID, "身份证丢了怎么办", 1_700_000_000)
    server.fail("/cgi-bin/comment/markelect", 88003)
    await channel.send(article_place(ARTICLE), Outgoing("好", reply_to=str(comment.number)))
    assert (comment.reply, comment.comment_type) == ("好", 0)
    await channel.close()


async def test_a_message_for_no_comment_is_rejected(channel: WechatChannel) -> None:
    with pytest.raises(RejectedError, match="哪条留言"):
        await channel.send(article_place(ARTICLE), Outgoing("好"))


async def test_half_characters_and_nothing_at_all(
    server: WechatServer, channel: WechatChannel
) -> None:
    await channel.send(OPENID, Outgoing("半个\ud83d字符"))
    assert server.texts(OPENID) == ["半个?字符"]
    with pytest.raises(RejectedError, match="没有内容"):
        await channel.send(OPENID, Outgoing(" "))


async def test_a_comment_that_is_gone_is_rejected(
    server: WechatServer, channel: WechatChannel
) -> None:
    server.comment(ARTICLE, OPENID, "身份证丢了怎么办", 1_700_000_000)
    with pytest.raises(RejectedError, match="找不到这条留言"):
        await channel.send(article_place(ARTICLE), Outgoing("好", reply_to="99"))
