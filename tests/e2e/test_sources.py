"""Platforms without a connector and the real program: signed in, handed over, killed, confirmed."""

from __future__ import annotations

from typing import Any

import httpx

from storage.models import Case
from tests.e2e.harness import Program, Scene, until
from tests.ingesting import SECRET, Platform, Receiver, post, receiving

CONFIG = """[sources.weibo]
platform = "微博"
delivery = "poll"
max_length = 140
links = false

[sources.portal]
platform = "网站"
delivery = "webhook"
webhook_url = "{url}"
"""
SECRETS = {"sources__weibo__secret": SECRET, "sources__portal__secret": SECRET}


async def _start(scene: Scene, receiver: Receiver) -> Program:
    text = CONFIG.format(url=receiver.url)
    (scene.folder / "config.toml").write_text(text, encoding="utf-8")
    return await scene.start(**SECRETS)


async def test_an_answer_that_was_handed_over_outlives_the_program(scene: Scene) -> None:
    async with receiving() as receiver:
        program = await _start(scene, receiver)
        async with httpx.AsyncClient(base_url=program.url, trust_env=False) as client:
            weibo = Platform(client)
            assert (await weibo.send(post())).status_code == 200
            reply = await weibo.reply()
        await program.kill()
        program = await _start(scene, receiver)
        async with httpx.AsyncClient(base_url=program.url, trust_env=False) as client:
            weibo = Platform(client)
            assert (await weibo.replies())["replies"] == [reply]
            done = await weibo.call("POST", f"replies/{reply['id']}/confirm", {})
            assert done.json() == {"new": True}
            assert (await weibo.replies())["replies"] == []


async def test_an_answer_is_pushed_and_stops_the_clock(scene: Scene) -> None:
    async with receiving() as receiver:
        program = await _start(scene, receiver)
        async with httpx.AsyncClient(base_url=program.url, trust_env=False) as client:
            sent = await Platform(client, source="portal").send(post())
        assert sent.status_code == 200

        async def pushed() -> list[dict[str, Any]]:
            return receiver.pushed

        (told,) = await until(pushed)
        assert told["source"] == "portal" and told["reply_to"] == "c1"
        assert "没解决请回复“转人工”" in told["text"]

        async def answered() -> bool:
            (case,) = await scene.rows(Case, id=sent.json()["case"])
            return case.state == "answered"

        await until(answered)
