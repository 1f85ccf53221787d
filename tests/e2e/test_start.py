"""Starting, stopping, and refusing to start."""

from __future__ import annotations

import asyncio
import signal
import socket
import time
from datetime import timedelta

import pytest

from bot.clock import SHANGHAI
from storage.models import Delivery, JobRun, utcnow
from tests.e2e.harness import PATIENCE, Scene, texts
from tests.e2e.knowledge import ID_LOST

IN_ORDER = 10.0


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
async def test_a_signal_stops_in_order_and_what_was_just_said_is_answered_later(
    scene: Scene, number: signal.Signals
) -> None:
    program = await scene.start()
    people = [scene.api.user(f"市民{n}") for n in range(12)]
    for citizen in people[:6]:
        await scene.api.says(citizen, "身份证丢了怎么办")
    await scene.case_in(people[0], "answered")
    for citizen in people[6:]:
        await scene.api.says(citizen, "身份证丢了怎么办")
    program.send(number)
    asked = time.monotonic()
    assert await program.exit_code() == 0
    assert time.monotonic() - asked < IN_ORDER
    assert program.output.endswith("正在停止，请稍候…\n已停止，没有丢失任何消息。\n")
    assert "Traceback" not in program.output

    await scene.start()
    for citizen in people:
        await scene.case_in(citizen, "answered")
        assert len(texts(await scene.api.sent(citizen), ID_LOST)) == 1


async def test_a_send_that_hangs_does_not_hold_up_the_stop(scene: Scene) -> None:
    await scene.api.fail_next("sendMessage", 200, delay=120)
    program = await scene.start(outbox__lease_seconds="3")
    citizen = scene.api.user("小李")
    await scene.api.says(citizen, "身份证丢了怎么办")
    await scene.api.calls("sendMessage", count=1, within=PATIENCE)
    asked = time.monotonic()
    assert await program.stop() == 0
    assert time.monotonic() - asked < IN_ORDER
    assert "Traceback" not in program.output
    await scene.start(outbox__lease_seconds="3")
    await scene.case_in(citizen, "answered")
    assert len(texts(await scene.api.sent(citizen), ID_LOST)) == 1


async def test_a_second_signal_does_no_harm(scene: Scene) -> None:
    program = await scene.start()
    program.send(signal.SIGINT)
    await asyncio.sleep(0.1)
    assert await program.stop(signal.SIGINT) == 0
    assert "Traceback" not in program.output


BAD = {
    "token": ({"telegram__token": "12345"}, "telegram.token：不像机器人令牌"),
    "unknown key": ({"desk__brust_seconds": "1"}, "desk.brust_seconds：没有这个设置项"),
    "unknown section": ({"desks__burst_seconds": "1"}, "没有这个设置项"),
    "bad value": ({"outbox__max_attempts": "many"}, "outbox.max_attempts：要填整数"),
    "unknown profile": ({"clock__profile": "nowhere"}, "clock.profile：没有这个时限方案"),
    "no database": (
        {"database__url": "postgresql://wenban@127.0.0.1:1/none"},
        "请核对 database.url",
    ),
    "no redis": ({"redis__url": "redis://127.0.0.1:1/0"}, "redis.url：连不上 Redis"),
    "foreign database": ({"database__url": "mysql://a@b/c"}, "请改用 SQLite 或 PostgreSQL"),
    "no knowledge": ({"knowledge__initial_file": "没有这个.csv"}, "没有这个.csv"),
    "hook without address": (
        {"telegram__mode": "webhook", "telegram__webhook_secret": "x" * 20},
        "http.public_url：",
    ),
}


@pytest.mark.parametrize("trouble", BAD)
async def test_what_cannot_work_is_refused_at_start_in_plain_chinese(
    scene: Scene, trouble: str
) -> None:
    settings, reason = BAD[trouble]
    program = scene.launch(**settings)
    assert await program.exit_code() == 1
    assert reason in program.output
    assert "Traceback" not in program.output
    assert len(program.output.strip().splitlines()) == 1


async def test_a_port_in_use_is_refused_at_start(scene: Scene) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        program = scene.launch(http__port=str(port))
        assert await program.exit_code() == 1
    reason = f"http.port：127.0.0.1:{port} 已被占用或不可用，请换一个端口"
    assert program.output.splitlines()[-1] == reason
    assert "Traceback" not in program.output


async def test_a_digest_missed_while_the_program_was_down_is_made_up_once(scene: Scene) -> None:
    today = utcnow().astimezone(SHANGHAI).date()
    days = "".join(f'"{today + timedelta(n)}" = "班"\n' for n in (-1, 0, 1))
    calendar = scene.folder / "放假.toml"
    calendar.write_text(f'source = "测试"\n[days]\n{days}', encoding="utf-8")
    every_day = {"clock__calendar_file": str(calendar)}
    program = await scene.start(**every_day)
    assert await scene.rows(Delivery, purpose="digest") == []
    await program.stop()
    async with scene.database.write() as session:
        row = await session.get_one(JobRun, "digest")
        row.last_due_at -= timedelta(days=3)

    program = await scene.start(**every_day)
    digest = await scene.api.next_message(scene.group, PATIENCE, containing="晨报")
    assert "待人工 0 件（超期 0 件" in digest.text
    await scene.settled()
    await program.stop()
    await scene.start(**every_day)
    await scene.settled()
    assert len(texts(await scene.api.sent(scene.group), "晨报")) == 1
