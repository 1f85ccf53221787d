"""The HTTP application itself: health, metrics, webhook, headers, limits, errors."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from sqlalchemy import text

from handlers.api import Webhook
from handlers.api.app import MAX_BODY
from handlers.policy import HEADERS
from storage.db import Database
from tests.embeddings import Letters
from tests.website import Website, answers, open_website, write

SECRET = "a-long-enough-secret"


async def test_health_counts_what_waits(website: Website) -> None:
    client = website.browser()
    await write(client, "低保怎么申请")
    await answers(client)
    answer = await client.get("/healthz")
    assert answer.status_code == 200
    assert answer.json() == {
        "status": "ok",
        "database": True,
        "knowledge_entries": 4,
        "waiting_cases": 1,
        "unsent_deliveries": 0,
        "unconfirmed_deliveries": 0,
    }


async def test_health_says_how_far_the_vectors_are(database: Database) -> None:
    async with open_website(database) as website:
        library = website.desk.office.library
        library.understand(Letters, None)
        assert library.keeper is not None
        async with asyncio.timeout(10):
            while library.keeper.state != "ready":  # noqa: ASYNC110
                await asyncio.sleep(0.01)
        health = (await website.browser().get("/healthz")).json()
        metrics = (await website.browser().get("/metrics")).text
        await library.close()
    assert health["semantic"] == {"state": "ready", "missing_vectors": 0}
    assert "wenban_vectors_missing 0.0" in metrics


async def test_health_is_503_when_the_database_fails_and_metrics_go_on(
    database: Database,
) -> None:
    async with open_website(database, working=False) as website:
        await _lose(database, "delivery")
        answer = await website.browser().get("/healthz")
        assert answer.status_code == 503
        assert answer.json() == {"status": "error", "database": False}
        assert (await website.browser().get("/metrics")).status_code == 200


async def test_a_failing_request_is_a_calm_sentence_with_the_headers(
    database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    async with open_website(database, working=False) as website:
        await _lose(database, "message_version")
        answer = await write(website.browser(), "我的电话是13800001111")
    assert answer.status_code == 500
    assert answer.json() == {"error": "服务器出了点问题，请稍后再试。"}
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "request failed: POST /chat/messages" in caplog.text
    assert "13800001111" not in caplog.text


async def test_metrics_name_the_offices_figures(website: Website) -> None:
    answer = await website.browser().get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    assert "wenban_knowledge_entries 4.0" in answer.text
    assert "wenban_cases_waiting 0.0" in answer.text
    assert "wenban_deliveries_unsent 0.0" in answer.text


@pytest.mark.parametrize(
    "path", ["/", "/healthz", "/chat/history", "/chat/static/chat.js", "/none", "/metrics"]
)
async def test_every_answer_carries_the_security_headers(website: Website, path: str) -> None:
    answer = await website.browser().get(path)
    for name, value in HEADERS.items():
        assert answer.headers[name] == value
    policy = answer.headers["content-security-policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'self'" in policy
    assert "server" not in answer.headers


@pytest.mark.parametrize(
    ("method", "path", "status", "error"),
    [
        ("GET", "/none", 404, "没有这个网址，请核对后再试。"),
        ("DELETE", "/chat/messages", 405, "这个网址不支持这种请求方式。"),
        ("GET", "/docs", 404, "没有这个网址，请核对后再试。"),
        ("GET", "/openapi.json", 404, "没有这个网址，请核对后再试。"),
        ("POST", "/telegram/webhook", 404, "没有这个网址，请核对后再试。"),
    ],
)
async def test_errors_are_chinese_json(
    website: Website, method: str, path: str, status: int, error: str
) -> None:
    answer = await website.browser().request(method, path)
    assert (answer.status_code, answer.json()) == (status, {"error": error})


async def test_an_oversized_body_is_refused_by_its_length(website: Website) -> None:
    answer = await website.browser().post(
        "/chat/messages",
        content=b"x" * (MAX_BODY + 1),
        headers={"content-type": "application/json"},
    )
    assert answer.status_code == 413
    assert answer.json() == {"error": "发来的内容太大，请缩短后再发。"}
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_an_oversized_body_of_unknown_length_is_refused(website: Website) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(MAX_BODY // 4096 + 2):
            yield b"x" * 4096

    answer = await website.browser().post(
        "/chat/messages", content=pieces(), headers={"content-type": "application/json"}
    )
    assert answer.status_code == 413
    assert answer.json() == {"error": "发来的内容太大，请缩短后再发。"}


async def test_without_a_site_there_is_no_page(database: Database) -> None:
    async with open_website(database, site=None) as website:
        client = website.browser()
        assert (await client.get("/")).status_code == 404
        assert (await client.get("/chat/history")).status_code == 404
        assert (await client.get("/healthz")).status_code == 200


async def _lose(database: Database, table: str) -> None:
    async with database.engine.begin() as connection:
        await connection.execute(text(f"ALTER TABLE {table} RENAME TO lost"))


# ---- Telegram's webhook ----


async def _post(website: Website, content: bytes, secret: str = SECRET) -> tuple[int, Any]:
    headers = {"x-telegram-bot-api-secret-token": secret} if secret else {}
    answer = await website.browser().post("/telegram/webhook", content=content, headers=headers)
    return answer.status_code, answer.json()


async def test_an_update_with_the_secret_is_handed_on(database: Database) -> None:
    taken: list[dict[str, Any]] = []

    async def take(update: dict[str, Any]) -> None:
        taken.append(update)

    async with open_website(database, webhook=Webhook(SECRET, take)) as website:
        assert await _post(website, b'{"update_id": 1}') == (200, {})
        for secret in ("", "wrong", SECRET + "x"):
            status, body = await _post(website, b'{"update_id": 2}', secret)
            assert (status, "口令" in body["error"]) == (403, True)
        for content in (b"", b"{", b"[1]", b"\xff"):
            assert (await _post(website, content))[0] == 400
    assert taken == [{"update_id": 1}]


async def test_an_update_that_could_not_be_taken_is_asked_for_again(database: Database) -> None:
    async def fail(update: dict[str, Any]) -> None:
        raise ConnectionError

    async with open_website(database, webhook=Webhook(SECRET, fail)) as website:
        status, body = await _post(website, b'{"update_id": 1}')
    assert (status, "error" in body) == (500, True)


async def test_the_server_stops_in_a_moment_with_a_stream_open(database: Database) -> None:
    started = asyncio.get_running_loop().time()
    async with open_website(database) as website:
        client = website.browser()
        await client.post("/chat/visitor", json={})
        stream = client.stream("GET", "/chat/events")
        response = await stream.__aenter__()
        website.clients.remove(client)
    await response.aread()
    await stream.__aexit__(None, None, None)
    await client.aclose()
    assert asyncio.get_running_loop().time() - started < 2.5
