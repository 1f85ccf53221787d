"""A citizen's conversation with the Official Account, over real HTTP from both sides."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TypeVar

import pytest
from sqlalchemy import text
from sqlmodel import SQLModel, select

from bot.channels.wechat import WechatChannel
from bot.channels.wechatapi import WechatApi
from bot.desk.desktop import CONSOLE
from handlers.wechat.door import WechatSite
from handlers.wechat.envelope import Safe
from knowledge.catalog import Entry
from storage import entries
from storage.coordination import LocalCoordination
from storage.db import Database
from storage.models import Case, Citizen, Delivery, Message, Staff
from storage.terms import CaseState
from tests.e2e.harness import until
from tests.website import Website, open_website
from tests.wechatapi import AES_KEY, APP_ID, SECRET, TOKEN, Platform, WechatServer

LOST = "身份证丢了怎么办"
OPENID = "oLVPpjqs9BhvzwPj5A-vTYAX3GLc"
Row = TypeVar("Row", bound=SQLModel)
SIBLINGS = [
    Entry(f"id-{number}", f"居民身份证{way}怎么办理", f"{way}：到派出所办。", automatic=True)
    for number, way in enumerate(("首次申领", "到期换领", "丢失补领"))
]
GREETING = "您好，请直接说您要办的事。"


@dataclass
class Scene:
    """The account's server, the platform, and the database between them."""

    website: Website
    server: WechatServer
    platform: Platform
    database: Database

    async def rows(self, table: type[Row]) -> list[Row]:
        """Everything a table holds, oldest first."""
        async with self.database.read() as session:
            return list(await session.exec(select(table).order_by(text("1"))))

    async def settled(self) -> None:
        """Wait until everything is decided and sent."""

        async def quiet() -> bool:
            # In this order: a decision and its delivery are written at once.
            if any(one.consider_at for one in await self.rows(Case)):
                return False
            return not any(one.state in ("pending", "sending") for one in await self.rows(Delivery))

        await until(quiet)


@asynccontextmanager
async def scene(
    database: Database,
    *,
    safe: bool = False,
    wait: float = 30.0,
    working: bool = True,
    console: bool = False,
    attic: Path | None = None,
) -> AsyncIterator[Scene]:
    """A website with an account, and the platform before it, which waits as long as it takes."""
    async with WechatServer(APP_ID) as server:
        api = WechatApi(APP_ID, SECRET, server.url, LocalCoordination(), 5.0)
        channel = WechatChannel(api)
        key = Safe(AES_KEY, APP_ID) if safe else None
        site = WechatSite(channel, TOKEN, key, GREETING, wait)
        opened = open_website(database, wechat=site, working=working, console=console, attic=attic)
        async with opened as website:
            platform = Platform(website.url, server, safe, patience=40)
            yield Scene(website, server, platform, database)
        await channel.close()


@pytest.fixture
async def plain(database: Database) -> AsyncIterator[Scene]:
    async with scene(database) as opened:
        yield opened


@pytest.fixture
async def safe(database: Database) -> AsyncIterator[Scene]:
    async with scene(database, safe=True) as opened:
        yield opened


# ---- the conversation ----


async def test_the_answer_goes_back_with_the_request_and_counts_as_delivered(plain: Scene) -> None:
    answer = await plain.platform.says(OPENID, LOST)
    assert "带户口簿" in answer.text
    assert "预约补领：https://zwfw.yunchuan.example/sfz" in answer.text
    assert answer.text.endswith("您可以回复：“有帮助”“没解决”")
    await plain.settled()
    assert plain.server.sent == []
    (delivery,) = await plain.rows(Delivery)
    assert (delivery.state, delivery.external_id[:8]) == ("sent", "passive:")
    (case,) = await plain.rows(Case)
    assert case.state == CaseState.ANSWERED and case.answered_at is not None


async def test_the_safe_mode_is_sealed_both_ways(safe: Scene) -> None:
    answer = await safe.platform.says(OPENID, LOST)
    assert "带户口簿" in answer.text
    assert "户口簿" not in answer.body
    (message,) = await safe.rows(Message)
    assert message.text == LOST


async def test_what_is_not_ready_in_time_comes_by_customer_service(database: Database) -> None:
    async with scene(database, wait=0) as late:
        answer = await late.platform.says(OPENID, LOST)
        assert answer.body == "success"
        await late.settled()
        (text,) = late.server.texts(OPENID)
        assert "带户口簿" in text
        (delivery,) = await late.rows(Delivery)
        assert not delivery.external_id.startswith("passive:")


async def test_a_clarification_is_answered_by_its_number(database: Database) -> None:
    async with database.write() as session:
        await entries.save(session, SIBLINGS, "test")
    async with scene(database) as opened:
        asked = await opened.platform.says(OPENID, "居民身份证怎么办理")
        assert "回复数字：\n1. " in asked.text
        assert "点一下" not in asked.text
        assert asked.text.endswith("您可以回复：“转人工”")
        answer = await opened.platform.says(OPENID, "1")
        assert "您可以回复：“有帮助”“没解决”" in answer.text


async def test_a_single_guess_is_confirmed_in_words(plain: Scene) -> None:
    asked = await plain.platform.says(OPENID, "丢了怎么补办")
    assert asked.text.endswith("您可以回复：“是的”“转人工”")
    assert "12333" in (await plain.platform.says(OPENID, "是的")).text


async def test_helpful_and_a_grade_are_typed(plain: Scene) -> None:
    await plain.platform.says(OPENID, LOST)
    await plain.settled()
    assert (await plain.platform.says(OPENID, "有帮助。")).text == "谢谢您的反馈。"
    await plain.settled()
    assert "“非常满意”“满意”" in plain.server.texts(OPENID)[-1]
    answer = await plain.platform.says(OPENID, "满意")
    assert "已记下您的评价：满意" in answer.text
    (case,) = await plain.rows(Case)
    assert (case.state, case.grade) == ("resolved", 2)


async def test_unhelpful_puts_the_case_before_a_person(plain: Scene) -> None:
    await plain.platform.says(OPENID, LOST)
    await plain.settled()
    answer = await plain.platform.says(OPENID, "没解决")
    assert "已转给工作人员" in answer.text
    (case,) = await plain.rows(Case)
    assert (case.state, case.answered_at) == ("waiting", None)


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ("我的诉求", "您还没有提过问题"),
        ("我的信息", "我们没有保存您的任何信息。"),
        ("帮助！", "直接发您的问题就行"),
        ("菜单", "【户籍】\n· 身份证丢失怎么补领"),
        ("评价", "现在没有可以评价的答复。"),
        ("删除我的信息", "请回复“确认删除我的信息”"),
    ],
)
async def test_words_do_what_commands_do(plain: Scene, said: str, expected: str) -> None:
    assert expected in (await plain.platform.says(OPENID, said)).text
    assert await plain.rows(Message) == []


async def test_everything_can_be_erased(plain: Scene) -> None:
    await plain.platform.says(OPENID, LOST)
    await plain.settled()
    answer = await plain.platform.says(OPENID, "确认删除我的信息")
    assert "已删除您的信息" in answer.text
    (message,) = await plain.rows(Message)
    assert LOST not in message.text
    assert OPENID not in str([one.model_dump() for one in await plain.rows(Citizen)])


async def test_the_menu_and_following_are_answered(plain: Scene) -> None:
    assert (await plain.platform.happens(OPENID, "subscribe")).text == GREETING
    topic = await plain.platform.happens(OPENID, "CLICK", "topic:户籍")
    assert "· 身份证丢失怎么补领" in topic.text
    mine = await plain.platform.happens(OPENID, "CLICK", "command:mine")
    assert "您还没有提过问题" in mine.text
    for event, key in (("VIEW", "https://a.example"), ("SCAN", "1"), ("CLICK", "other")):
        assert (await plain.platform.happens(OPENID, event, key)).body == "success"


async def test_who_unfollows_is_marked_until_they_come_back(plain: Scene) -> None:
    await plain.platform.says(OPENID, LOST)
    await plain.settled()
    for event, reachable in (("unsubscribe", False), ("subscribe", True)):
        await plain.platform.happens(OPENID, event)
        (citizen,) = await plain.rows(Citizen)
        assert citizen.reachable is reachable


MEDIA = "<MediaId><![CDATA[m-1]]></MediaId>"


@pytest.mark.parametrize(
    ("kind", "more", "text", "held"),
    [
        ("image", f"<PicUrl>http://mmbiz.qpic.cn/1</PicUrl>{MEDIA}", "", "photo"),
        (
            "voice",
            f"{MEDIA}<Format>amr</Format><Recognition>我要投诉</Recognition>",
            "我要投诉",
            "voice",
        ),
        ("video", f"{MEDIA}<ThumbMediaId>t</ThumbMediaId>", "", "video"),
        (
            "location",
            "<Location_X>23.13</Location_X><Location_Y>113.35</Location_Y><Label>人民路</Label>",
            "",
            "location",
        ),
        (
            "link",
            "<Title>标题</Title><Description>说明</Description><Url>http://a.b</Url>",
            "标题\n说明\nhttp://a.b",
            "link",
        ),
        ("dance", "<New>1</New>", "", "other"),
    ],
)
async def test_every_kind_of_message_reaches_staff(
    plain: Scene, kind: str, more: str, text: str, held: str
) -> None:
    answer = await plain.platform.deliver(plain.platform.xml(OPENID, kind, more), OPENID)
    assert "工作人员回复您" in answer.text
    (message,) = await plain.rows(Message)
    assert (message.text, message.attachments[0]["kind"]) == (text, held)
    if kind == "location":
        assert message.attachments[0]["details"] == {"latitude": 23.13, "longitude": 113.35}
        assert message.attachments[0]["title"] == "人民路"


async def test_what_the_door_says_fits_and_is_text(plain: Scene) -> None:
    for number in range(12):
        await plain.platform.says(OPENID, f"低保{number}：{'很长的事' * 40}<a href='x'>怎么申请？")
        await plain.settled()
        async with plain.database.write() as session:
            for case in await session.exec(select(Case)):
                case.state, case.subject = "waiting", f"<a href='x'>{'长' * 60}\x0b"
    answer = await plain.platform.says(OPENID, "我的诉求")
    assert answer.text.startswith("您最近的诉求：")
    assert len(answer.text.encode()) <= 2048
    assert "<a" not in answer.text and "\x0b" not in answer.text


# ---- the 48 hours ----


async def test_staff_see_how_long_the_platform_lets_them_reply(plain: Scene) -> None:
    async with plain.database.write() as session:
        session.add(Staff(login="boss", display_name="王五", role="主管"))
    said = int(time.time()) - 3600
    await plain.platform.says(OPENID, "低保怎么申请", at=said)
    (staff,), (case,) = await plain.rows(Staff), await plain.rows(Case)
    item = await plain.website.desk.inbox.look_again(staff, case.id or 0)
    assert item.reply_until == datetime.fromtimestamp(said, UTC) + timedelta(hours=48)


async def test_a_reply_after_the_48_hours_arrives_with_the_next_message(plain: Scene) -> None:
    async with plain.database.write() as session:
        session.add(Staff(login="boss", display_name="王五", role="主管"))
    await plain.platform.says(OPENID, "低保怎么申请")
    await plain.settled()
    plain.server.close_window(OPENID)
    (staff,), (case,) = await plain.rows(Staff), await plain.rows(Case)
    review = plain.website.desk.review
    await review.send(staff, case.id or 0, case.version, CONSOLE, "请到街道申请，当天受理。")
    await until(lambda: state_of(plain, "held"))
    (case,) = await plain.rows(Case)
    assert (case.state, case.answered_at) == ("waiting", None)
    assert "48 小时" in case.reason
    answer = await plain.platform.says(OPENID, "在吗")
    await plain.settled()
    assert "请到街道申请，当天受理。" in "".join([answer.text, *plain.server.texts(OPENID)])
    assert (await plain.rows(Case))[0].state == "answered"


async def state_of(plain: Scene, state: str) -> bool:
    return any(one.state == state for one in await plain.rows(Delivery))


# ---- once only ----


async def test_a_repeated_message_is_answered_alike_and_does_nothing(plain: Scene) -> None:
    message = plain.platform.text(OPENID, LOST)
    first = await plain.platform.deliver(message, OPENID)
    again = [await plain.platform.deliver(message, OPENID) for _ in range(2)]
    assert {one.text for one in again} == {first.text}
    await plain.settled()
    assert (len(await plain.rows(Message)), len(await plain.rows(Delivery))) == (1, 1)
    assert plain.server.sent == []


async def test_the_same_words_sent_at_once_are_taken_once(plain: Scene) -> None:
    message = plain.platform.text(OPENID, LOST)
    answers = await asyncio.gather(*(plain.platform.deliver(message, OPENID) for _ in range(3)))
    await plain.settled()
    assert len(await plain.rows(Message)) == 1
    shown = [one.text for one in answers if one.text] + plain.server.texts(OPENID)
    assert len(shown) == 1


async def test_a_restarted_server_takes_a_repeated_message_for_known(database: Database) -> None:
    async with scene(database) as before:
        message = before.platform.text(OPENID, LOST)
        await before.platform.deliver(message, OPENID)
        await before.settled()
    async with scene(database) as after:
        assert (await after.platform.deliver(message, OPENID)).body == "success"
        await after.settled()
        assert after.server.sent == []


async def test_who_hangs_up_gets_the_answer_by_customer_service(database: Database) -> None:
    async with scene(database, working=False) as opened:
        message = opened.platform.text(OPENID, LOST)
        call = asyncio.create_task(opened.platform.deliver(message, OPENID))
        await until(lambda: opened.rows(Message), what="message stored")
        call.cancel()
        with suppress(asyncio.CancelledError):
            await call
        desk = opened.website.desk
        await desk.answering.consider_due()
        await desk.dispatch.deliver_due()
        (text,) = opened.server.texts(OPENID)
        assert "带户口簿" in text
        (delivery,) = await opened.rows(Delivery)
        assert not delivery.external_id.startswith("passive:")


# ---- who is not the platform ----


async def test_the_address_proves_itself(plain: Scene) -> None:
    query, _ = plain.platform.wrapped("")
    client = plain.website.browser()
    good = await client.get("/wechat/callback", params={**query, "echostr": "5927<b>"})
    assert (good.status_code, good.text) == (200, "5927<b>")
    assert good.headers["content-type"].startswith("text/plain")
    forged = {**query, "signature": "0" * 40, "echostr": "5927"}
    assert (await client.get("/wechat/callback", params=forged)).status_code == 403
    assert (await client.get("/wechat/callback")).status_code == 403


@pytest.mark.parametrize("mode", ["plain", "safe"])
@pytest.mark.parametrize("part", ["signature", "msg_signature", "timestamp", "nonce"])
async def test_a_forged_query_is_refused(database: Database, mode: str, part: str) -> None:
    if mode == "plain" and part == "msg_signature":
        part = "signature"
    async with scene(database, safe=mode == "safe") as opened:
        message = opened.platform.text(OPENID, LOST)
        answer = await opened.platform.deliver(message, OPENID, **{part: "1795684460x"})
        assert answer.status == 403
        assert await opened.rows(Message) == []


async def test_an_old_signature_is_refused(plain: Scene) -> None:
    for moment in (int(time.time()) - 3600, int(time.time()) + 3600):
        query, body = plain.platform.wrapped(plain.platform.text(OPENID, LOST), moment)
        answer = await plain.website.browser().post("/wechat/callback", params=query, content=body)
        assert answer.status_code == 403
        assert "时钟" in answer.json()["error"]


async def test_a_signature_is_good_for_one_message(plain: Scene) -> None:
    query, body = plain.platform.wrapped(plain.platform.text(OPENID, LOST))
    client = plain.website.browser()
    assert (await client.post("/wechat/callback", params=query, content=body)).status_code == 200
    other = plain.platform.text(OPENID, "我要投诉").encode()
    answer = await client.post("/wechat/callback", params=query, content=other)
    assert answer.status_code == 403
    assert (await client.post("/wechat/callback", params=query, content=body)).status_code == 200
    assert [one.text for one in await plain.rows(Message)] == [LOST]


async def test_a_message_sealed_for_another_account_is_refused(safe: Scene) -> None:
    sealed = Safe(AES_KEY, "wxfedcba9876543210").seal(safe.platform.text(OPENID, LOST).encode())
    assert await _answered(safe, sealed) == 403
    assert await safe.rows(Message) == []


@pytest.mark.parametrize("sealed", ["", "AAAA", "不是", "A" * 64, "QUJD" * 16])
async def test_what_was_not_sealed_with_the_key_is_refused(safe: Scene, sealed: str) -> None:
    assert await _answered(safe, sealed) == 403
    assert await safe.rows(Message) == []


async def _answered(safe: Scene, sealed: str) -> int:
    """What this is answered, sealed as it is and signed with the account's token."""
    from tests.wechatapi.platform import sign

    query, _ = safe.platform.wrapped(safe.platform.text(OPENID, LOST))
    proof = sign(TOKEN, query["timestamp"], query["nonce"], sealed)
    body = f"<xml><Encrypt><![CDATA[{sealed}]]></Encrypt></xml>".encode()
    answer = await safe.website.browser().post(
        "/wechat/callback", params={**query, "msg_signature": proof}, content=body
    )
    return answer.status_code


async def test_the_safe_mode_takes_nothing_unsealed(safe: Scene) -> None:
    safe.platform.safe = False
    assert (await safe.platform.says(OPENID, LOST)).status == 403


LAUGHS = (
    '<!DOCTYPE lolz [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">'
    '<!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;">]>'
)
FILE = '<!DOCTYPE x [<!ENTITY f SYSTEM "file:///etc/hostname">]>'


@pytest.mark.parametrize(
    "body",
    [
        f"{LAUGHS}<xml><Content>&c;</Content></xml>",
        f"{FILE}<xml><Content>&f;</Content></xml>",
        '<!DOCTYPE xml SYSTEM "http://127.0.0.1:1/x.dtd"><xml></xml>',
        "<xml>" + "<a>" * 5000 + "</a>" * 5000 + "</xml>",
        "<xml><FromUserName>a</FromUserName><MsgType>text</MsgType></xml>",
        "<xml><FromUserName>a</FromUserName><MsgType>text</MsgType><CreateTime>9e9</CreateTime></xml>",
        "<xml><FromUserName>a</FromUserName></xml",
        "",
        "{}",
        '<?xml version="1.0" encoding="none-such"?><xml></xml>',
    ],
)
async def test_what_is_no_message_is_refused(plain: Scene, body: str) -> None:
    query, _ = plain.platform.wrapped("")
    answer = await plain.website.browser().post(
        "/wechat/callback", params=query, content=body.encode()
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "内容不是微信的消息。")
    assert await plain.rows(Message) == []


async def test_a_huge_body_is_refused(plain: Scene) -> None:
    answer = await plain.platform.says(OPENID, "大" * 400_000)
    assert answer.status == 413


async def test_markup_in_a_message_is_text(plain: Scene) -> None:
    text = '<a href="http://evil.example">点我</a> ]]> {{x}} =1+1'
    message = plain.platform.xml(
        OPENID, "text", f"<Content>{text.replace('<', '&lt;').replace(']]>', ']]&gt;')}</Content>"
    )
    answer = await plain.platform.deliver(message, OPENID)
    assert "<a" not in answer.text
    (stored,) = await plain.rows(Message)
    assert stored.text == text
