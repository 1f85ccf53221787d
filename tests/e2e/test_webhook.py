"""Telegram delivering to the program's own address."""

from __future__ import annotations

import socket
from functools import partial

import httpx
import pytest

from tests.e2e.harness import PATIENCE, Scene, texts, until
from tests.e2e.knowledge import ID_LOST, LOW_INCOME

SECRET = "a-secret-of-at-least-16-characters"


@pytest.fixture
def webhook() -> dict[str, str]:
    """Settings for a program that is delivered to; its port is known before it starts."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    return {
        "telegram__mode": "webhook",
        "telegram__webhook_secret": SECRET,
        "http__port": str(port),
        "http__public_url": f"http://127.0.0.1:{port}",
    }


async def test_questions_and_presses_come_by_webhook(scene: Scene, webhook: dict[str, str]) -> None:
    program = await scene.start(**webhook)
    (clerk,) = await scene.hire("张三")
    easy, hard = scene.api.user("小李"), scene.api.user("小吴")
    await scene.api.says(easy, "身份证丢了怎么办")
    await scene.api.says(hard, "低保怎么申请")
    assert ID_LOST in (await scene.api.next_message(easy, PATIENCE)).text
    card = await scene.card((await scene.case_in(hard, "waiting")).id or 0)
    assert (await scene.api.presses(clerk, card, "采用")).text == "已发送"
    await scene.api.next_message(hard, PATIENCE, containing=LOW_INCOME)
    assert await scene.api.calls("getUpdates") == []

    url = f"{program.url}/telegram/webhook"
    async with httpx.AsyncClient(trust_env=False) as stranger:
        forged = await stranger.post(url, json={"update_id": 1})
        assert forged.status_code == 403
        header = {"x-telegram-bot-api-secret-token": SECRET}
        broken = await stranger.post(url, content=b"{", headers=header)
        assert broken.status_code == 400
        health = (await stranger.get(f"{program.url}/healthz")).json()
    assert health["status"] == "ok"


async def test_a_delivery_cut_by_a_kill_is_taken_again(
    scene: Scene, webhook: dict[str, str]
) -> None:
    citizen = scene.api.user("小李")
    program = await scene.start(**webhook)
    await until(partial(_hooked, scene), what="webhook set")
    async with scene.held_database():
        await scene.api.says(citizen, "身份证丢了怎么办")
        await scene.api.calls("webhook", count=1, within=PATIENCE)
        await program.kill()
    await scene.start(**webhook)
    await scene.case_in(citizen, "answered")
    await scene.settled()
    await scene.api.all_confirmed(PATIENCE)
    assert len(texts(await scene.api.sent(citizen), ID_LOST)) == 1


async def _hooked(scene: Scene) -> bool:
    return any(call.status == 200 for call in await scene.api.calls("setWebhook"))
