"""The real program between a citizen on WeChat and staff on Telegram."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from storage.models import Case, Delivery, Message
from tests.e2e.harness import PATIENCE, Scene, until
from tests.e2e.knowledge import ID_LOST, LOW_INCOME
from tests.wechatapi import AES_KEY, APP_ID, SECRET, TOKEN, Answer, Platform, WechatServer

OPENID = "oLVPpjqs9BhvzwPj5A-vTYAX3GLc"


@pytest.fixture
async def server() -> AsyncIterator[WechatServer]:
    async with WechatServer(APP_ID) as running:
        yield running


def settings(server: WechatServer) -> dict[str, str]:
    return {
        "wechat__app_id": APP_ID,
        "wechat__app_secret": SECRET,
        "wechat__token": TOKEN,
        "wechat__aes_key": AES_KEY,
        "wechat__api_url": server.url,
    }


async def hears(server: WechatServer, answer: Answer | None, words: str) -> None:
    """The citizen is told this, with their request or later."""

    async def told() -> bool:
        said = [answer.text if answer else "", *server.texts(OPENID)]
        return any(words in text for text in said)

    await until(told, what=words)


async def test_a_conversation_through_the_program(scene: Scene, server: WechatServer) -> None:
    program = await scene.start(**settings(server))
    assert "/wechat/callback" in program.output
    (clerk,) = await scene.hire("张三")
    platform = Platform(program.url, server, safe=True, patience=PATIENCE)
    await hears(server, await platform.says(OPENID, "身份证丢了怎么办"), ID_LOST)
    await hears(server, await platform.says(OPENID, "低保怎么申请"), "工作人员回复您")
    case = (await scene.rows(Case, state="waiting"))[0]
    card = await scene.card(case.id or 0)
    assert (await scene.api.presses(clerk, card, "采用")).text == "已发送"
    await hears(server, None, LOW_INCOME)
    await scene.settled()
    assert {one.state for one in await scene.rows(Case)} == {"answered"}
    assert not any(secret in program.output for secret in (SECRET, TOKEN, AES_KEY, "token-"))


async def test_a_killed_program_answers_what_it_had_taken(
    scene: Scene, server: WechatServer
) -> None:
    program = await scene.start(**settings(server), desk__burst_seconds="30")
    platform = Platform(program.url, server, safe=True, patience=PATIENCE)
    message = platform.text(OPENID, "身份证")
    assert (await platform.deliver(message, OPENID)).body == "success"
    await program.kill()
    program = await scene.start(**settings(server))
    platform.url = program.url
    await platform.deliver(message, OPENID)
    await platform.says(OPENID, "身份证丢了怎么办")
    await scene.settled()
    assert len(await scene.rows(Message)) == 2
    sent = [one.external_id for one in await scene.rows(Delivery, state="sent")]
    assert sent and len(set(sent)) == len(sent)


async def test_a_console_of_its_own_leaves_the_answer_to_the_worker(
    scene: Scene, server: WechatServer
) -> None:
    if not scene.shared:
        pytest.skip("needs PostgreSQL and Redis")
    console = await scene.start("console", **settings(server))
    await scene.start("worker", **settings(server))
    platform = Platform(console.url, server, safe=True, patience=PATIENCE)
    assert (await platform.says(OPENID, "身份证丢了怎么办")).body == "success"
    await hears(server, None, ID_LOST)
    assert server.calls.count("/cgi-bin/stable_token") == 1
