"""Receiving: nothing is lost or done twice, whatever happens to program, network or database."""

from __future__ import annotations

import asyncio
import json
import time
import traceback
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from fastapi import FastAPI
from prometheus_client import REGISTRY
from structlog.testing import capture_logs

from bot.desk import Desk
from bot.server import HttpServer
from handlers.api.system import Webhook, system_router
from handlers.telegram import handle, set_webhook, texts, updates
from handlers.telegram.updates import DatabaseAwayError, conversation
from storage.db import Database
from storage.models import Message
from tests.botapi import User
from tests.handlers.telegram_door import Door, opened

SECRET = "a-long-secret-for-tests"


@pytest.fixture
async def door(database: Database) -> AsyncIterator[Door]:
    async with opened(database) as running:
        yield running


@pytest.fixture
def citizen(door: Door) -> User:
    return door.api.user("小李")


async def texts_of(door: Door) -> list[str]:
    return [one.text for one in await door.rows(Message)]


def counted(outcome: str) -> float:
    found = REGISTRY.get_sample_value("wenban_telegram_updates_total", {"outcome": outcome})
    return found or 0.0


async def test_stopping_is_quick_and_confirms_what_was_handled(door: Door, citizen: User) -> None:
    await door.api.says(citizen, "低保怎么申请")
    await door.api.all_confirmed()
    started = time.monotonic()
    await door.close()
    assert time.monotonic() - started < 1.5
    assert await door.api.call("pending") == 0


async def test_stopping_in_a_batch_lets_it_end_first(door: Door, citizen: User) -> None:
    receive = slowly(door, 0.4)
    await door.api.says(citizen, "低保怎么申请")
    await receive.started.wait()
    await door.close()
    assert await door.api.call("pending") == 0
    assert await texts_of(door) == ["低保怎么申请"]


async def test_what_hangs_when_stopping_comes_again(door: Door, citizen: User) -> None:
    receive = slowly(door, 60)
    await door.api.says(citizen, "低保怎么申请")
    await receive.started.wait()
    started = time.monotonic()
    await door.close()
    assert time.monotonic() - started < 3
    assert await door.api.call("pending") == 1
    receive.seconds = 0
    door.open()
    await door.api.all_confirmed()
    assert await texts_of(door) == ["低保怎么申请"]


async def test_a_killed_program_gets_again_what_it_had_not_confirmed(
    door: Door, citizen: User
) -> None:
    receive = slowly(door, 0.5, after=True)
    await door.api.says(citizen, "低保怎么申请")
    await receive.started.wait()
    await door.kill()
    assert await texts_of(door) == ["低保怎么申请"]
    receive.seconds = 0
    door.open()
    await door.api.all_confirmed()
    assert receive.calls == 2
    assert await texts_of(door) == ["低保怎么申请"]


async def test_one_chats_messages_stay_in_order_beside_others(door: Door, citizen: User) -> None:
    await door.close()
    other = door.api.user("小王")
    for number in range(5):
        await door.api.says(citizen, f"第 {number} 句")
        await door.api.says(other, f"第 {number} 句")
    receive = slowly(door, 0.05)
    door.open()
    await door.api.all_confirmed()
    assert receive.most_at_once == 2
    for person in (citizen, other):
        mine = [text for place, text in receive.taken if place == str(person.id)]
        assert mine == [f"第 {number} 句" for number in range(5)]
    said = [one for one in await door.rows(Message) if one.external_id.startswith(f"{citizen.id}:")]
    assert [one.text for one in said] == [f"第 {number} 句" for number in range(5)]


async def test_a_lost_database_is_waited_for(door: Door, citizen: User) -> None:
    away = Database("postgresql+asyncpg://nobody@127.0.0.1:1/none")
    lost = Desk(replace(door.desk.office, db=away), {"telegram": door.channel})
    door.dispatcher["desk"] = lost
    with capture_logs() as logs:
        await door.api.says(citizen, "低保怎么申请")
        await asyncio.sleep(0.7)
        assert await door.api.call("pending") == 1
    assert len([line for line in logs if "数据库暂时不可用" in line["event"]]) > 1
    assert "低保" not in json.dumps(logs, ensure_ascii=False, default=str)
    door.dispatcher["desk"] = door.desk
    await door.api.all_confirmed()
    assert await texts_of(door) == ["低保怎么申请"]
    await away.close()


async def test_a_handler_that_fails_is_tried_again(door: Door, citizen: User) -> None:
    receive = slowly(door, 0, failures=2)
    await door.api.says(citizen, "低保怎么申请")
    await door.api.all_confirmed()
    assert receive.calls == 3
    assert await texts_of(door) == ["低保怎么申请"]


async def test_a_handler_that_keeps_failing_is_passed_and_the_person_told(
    door: Door, citizen: User
) -> None:
    receive = slowly(door, 0, failures=3)
    before = counted("failed")
    with capture_logs() as logs:
        await door.api.says(citizen, "我的电话是 13800001234")
        await door.api.all_confirmed()
    assert receive.calls == 3
    assert counted("failed") == before + 1
    assert "13800001234" not in json.dumps(logs, ensure_ascii=False, default=str)
    assert [line["log_level"] for line in logs if "处理消息出错" in line["event"]] == [
        "warning",
        "warning",
        "error",
    ]
    assert (await door.api.next_message(citizen)).text == texts.TROUBLE
    await door.api.says(citizen, "低保怎么申请")
    await door.api.all_confirmed()
    assert await texts_of(door) == ["低保怎么申请"]


async def test_a_failing_press_is_answered(door: Door, citizen: User) -> None:
    await door.api.says(citizen, "身份证丢了怎么办")
    await door.settle()
    answer = await door.api.next_message(citizen)

    async def broken(*_args: object) -> str:
        raise RuntimeError("secret words")

    door.desk.citizens.helpful = broken  # type: ignore[assignment]
    shown = await door.api.presses(citizen, answer, "有帮助")
    assert (shown.text, shown.show_alert) == (texts.TROUBLE, True)


async def test_an_update_nobody_can_read_hides_no_other(door: Door, citizen: User) -> None:
    before = counted("unreadable")
    with capture_logs() as logs:
        door.api.state.updates.push("message", {"message_id": "x", "chat": {"id": 5}})
        await door.api.says(citizen, "低保怎么申请")
        await door.api.all_confirmed()
    assert await texts_of(door) == ["低保怎么申请"]
    assert counted("unreadable") == before + 1
    assert any(line["event"] == "收到无法识别的消息，已跳过" for line in logs)


@pytest.mark.parametrize(
    ("code", "extra", "line"),
    [
        (502, {}, "连不上 Telegram"),
        (0, {}, "连不上 Telegram"),
        (409, {}, "同一个令牌"),
        (429, {"retry_after": 1}, "稍候"),
        (401, {}, "令牌无效"),
    ],
)
async def test_trouble_with_the_server_is_named_and_outlived(
    door: Door,
    citizen: User,
    monkeypatch: pytest.MonkeyPatch,
    code: int,
    extra: dict[str, Any],
    line: str,
) -> None:
    real = asyncio.sleep
    monkeypatch.setattr("handlers.telegram.polling.asyncio.sleep", lambda _seconds: real(0.05))
    await door.close()
    await door.api.fail_next("getUpdates", code, **extra)
    with capture_logs() as logs:
        door.open()
        await door.api.says(citizen, "低保怎么申请")
        await door.api.all_confirmed()
    warned = [one for one in logs if one["log_level"] == "warning"]
    assert [line in one["event"] for one in warned] == [True]
    assert any("已恢复接收" in one["event"] for one in logs)
    assert await texts_of(door) == ["低保怎么申请"]


async def test_network_loss_is_outlived(door: Door, citizen: User) -> None:
    await door.api.says(citizen, "在吗")
    await door.api.all_confirmed()
    await door.api.offline()
    await door.api.says(citizen, "低保怎么申请")
    await asyncio.sleep(0.2)
    await door.api.offline(False)
    await door.api.all_confirmed()
    assert await texts_of(door) == ["在吗", "低保怎么申请"]


async def test_a_webhook_left_over_is_taken_away(door: Door, citizen: User) -> None:
    await door.close()
    await door.bot.set_webhook("https://wenban.example.gov.cn/telegram/webhook")
    door.open()
    await door.api.says(citizen, "低保怎么申请")
    await door.api.all_confirmed()
    await door.bot.set_webhook("https://wenban.example.gov.cn/telegram/webhook")
    await door.api.says(citizen, "要什么材料")
    await door.api.all_confirmed()
    assert await texts_of(door) == ["低保怎么申请", "要什么材料"]


async def test_only_what_is_handled_is_asked_for(door: Door, citizen: User) -> None:
    await door.api.says(citizen, "在吗")
    await door.api.all_confirmed()
    assert door.api.state.updates.allowed == updates.ALLOWED


def test_the_key_of_order_is_the_chat() -> None:
    message = {"chat": {"id": 5}, "from": {"id": 7}}
    assert conversation({"update_id": 1, "message": message}) == 5
    press = {"from": {"id": 7}, "message": message}
    assert conversation({"update_id": 2, "callback_query": press}) == 5
    assert conversation({"update_id": 3, "callback_query": {"from": {"id": 7}}}) == 7
    assert conversation({"update_id": 4}) is None


@pytest.fixture
async def hook(door: Door) -> AsyncIterator[str]:
    """The door behind a webhook instead of a long poll; the address of the hook."""
    await door.close()

    webhook = Webhook(SECRET, partial(handle, door.dispatcher, door.bot))
    app = FastAPI()
    app.include_router(system_router(door.town.desk.office, webhook))
    server = HttpServer(app, "127.0.0.1", 0)
    await server.start()
    yield f"http://127.0.0.1:{server.port}/telegram/webhook"
    await server.stop()


async def test_updates_by_webhook(door: Door, citizen: User, hook: str) -> None:
    await set_webhook(door.dispatcher, door.bot, hook, SECRET, asyncio.Event())
    await door.api.says(citizen, "低保怎么申请")
    await door.settle()
    assert await texts_of(door) == ["低保怎么申请"]
    assert (await door.api.calls("webhook"))[0].status == 200
    assert door.api.state.updates.allowed == updates.ALLOWED


async def test_a_failing_update_is_delivered_again_by_webhook(
    door: Door, citizen: User, hook: str
) -> None:
    slowly(door, 0, failures=1, error=ConnectionRefusedError())
    await set_webhook(door.dispatcher, door.bot, hook, SECRET, asyncio.Event())
    await door.api.says(citizen, "低保怎么申请")
    await door.settle()
    assert [call.status for call in await door.api.calls("webhook")] == [500, 200]
    assert await texts_of(door) == ["低保怎么申请"]


async def test_setting_the_webhook_is_tried_until_it_works(
    door: Door, hook: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    quick = [0.01, 0.01, 0.01]
    monkeypatch.setattr("handlers.telegram.webhook.pauses", lambda *_bounds: quick)
    await door.api.fail_next("setWebhook", 502)
    await door.api.fail_next("setWebhook", 400)
    with capture_logs() as logs:
        await set_webhook(door.dispatcher, door.bot, hook, SECRET, asyncio.Event())
    assert door.api.state.updates.hook is not None
    assert [one["log_level"] for one in logs] == ["warning", "error"]


async def test_setting_the_webhook_ends_when_the_program_stops(door: Door, hook: str) -> None:
    await door.api.fail_next("setWebhook", 502)
    stop = asyncio.Event()
    stop.set()
    await asyncio.wait_for(set_webhook(door.dispatcher, door.bot, hook, SECRET, stop), 2)
    assert door.api.state.updates.hook is None


async def test_the_database_being_away_gets_out_of_handle(door: Door, citizen: User) -> None:
    slowly(door, 0, failures=1, error=TimeoutError("低保怎么申请"))
    raw = {
        "update_id": 1,
        "message": {
            "message_id": 1,
            "date": 1_780_000_000,
            "chat": {"id": citizen.id, "type": "private"},
            "from": citizen.json(),
            "text": "低保怎么申请",
        },
    }
    with pytest.raises(DatabaseAwayError) as caught:
        await handle(door.dispatcher, door.bot, raw)
    assert "低保" not in "".join(traceback.format_exception(caught.value))
    await handle(door.dispatcher, door.bot, raw)
    assert await texts_of(door) == ["低保怎么申请"]


class Slow:
    """The desk's intake, made slow or failing; ``after`` waits when the message is stored."""

    def __init__(
        self,
        receive: Callable[..., Any],
        seconds: float,
        after: bool,
        failures: int,
        error: Exception,
    ) -> None:
        self.seconds = seconds
        self.calls = 0
        self.taken: list[tuple[str, str]] = []
        self.at_once = self.most_at_once = 0
        self.started = asyncio.Event()
        self._receive = receive
        self._after = after
        self._failures = failures
        self._error = error

    async def __call__(self, inbound: Any) -> Any:
        self.calls += 1
        self.taken.append((inbound.place, inbound.text))
        if self.calls <= self._failures:
            raise self._error
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return await self._slowly(inbound)
        finally:
            self.at_once -= 1

    async def _slowly(self, inbound: Any) -> Any:
        if self._after:
            await self._receive(inbound)
        self.started.set()
        await asyncio.sleep(self.seconds)
        return await self._receive(inbound)


def slowly(
    door: Door,
    seconds: float,
    *,
    after: bool = False,
    failures: int = 0,
    error: Exception | None = None,
) -> Slow:
    error = error or RuntimeError("words of a citizen")
    slow = Slow(door.desk.intake.receive, seconds, after, failures, error)
    door.desk.intake.receive = slow  # type: ignore[method-assign]
    return slow
