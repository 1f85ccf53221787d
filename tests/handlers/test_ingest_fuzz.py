"""Whatever is sent to the ingest API, its answers are those that its description promises."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.core.transport import Response
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi import checks

from bot.channels.signing import headers
from storage.db import Database
from tests.ingesting import SECRET, SITE, fetched
from tests.website import open_website

NOT_IN_A_SCHEMA = ("早于 2000 年或在将来", "没有文字")


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A website on a thread and a loop of its own; its address."""
    path = tmp_path_factory.mktemp("fuzz") / "wenban.db"
    found: list[str] = []
    ready, stop = threading.Event(), threading.Event()

    def serve() -> None:
        try:
            asyncio.run(_serve(path, found, ready, stop))
        finally:
            ready.set()

    thread = threading.Thread(target=serve)
    thread.start()
    ready.wait()
    yield found[0]
    stop.set()
    thread.join()


async def _serve(
    path: Path, found: list[str], ready: threading.Event, stop: threading.Event
) -> None:
    database = Database(f"sqlite+aiosqlite:///{path}")
    await database.upgrade()
    async with open_website(database, ingest=SITE, sources=fetched()) as website:
        found.append(website.url)
        ready.set()
        await asyncio.to_thread(stop.wait)
    await database.close()


@pytest.fixture(scope="module")
def schema(base: str) -> Any:
    described = httpx.get(f"{base}/api/v1/openapi.json", trust_env=False, timeout=None).json()
    for path in described["paths"].values():
        for operation in path.values():
            del operation["security"]  # every request here is signed as it should be
    loaded = schemathesis.openapi.from_dict(described)
    loaded.config.update(base_url=base)
    return loaded


@pytest.mark.parametrize("mode", [GenerationMode.POSITIVE, GenerationMode.NEGATIVE])
def test_every_answer_is_one_that_is_described(schema: Any, mode: GenerationMode) -> None:
    seen = set()
    for found in schema.get_all_operations():
        operation = found.ok()
        seen.add(operation.label)

        @given(case=operation.as_strategy(generation_mode=mode))
        @settings(
            max_examples=60,
            deadline=None,
            derandomize=True,
            database=None,
            phases=[Phase.explicit, Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        def ask(case: Any) -> None:
            _ask(case, right=mode is GenerationMode.POSITIVE)

        ask()
    assert len(seen) == 5


def _ask(case: Any, *, right: bool) -> None:
    case.path_parameters = {**(case.path_parameters or {}), "source": "weibo"}
    request = case.as_transport_kwargs()
    made = httpx.Request(
        request["method"],
        request["url"],
        params=request.get("params"),
        json=request.get("json"),
        content=request.get("data") if "json" not in request else None,
    )
    parts = urlsplit(str(made.url))
    target = made.url.raw_path.decode()
    assert parts.path.startswith("/api/v1/")
    signed = headers("1", SECRET, made.method, target, made.content)
    with httpx.Client(trust_env=False, timeout=None) as client:
        made.headers.update(signed)
        answer = client.send(made)
    # A batch takes what is right in it, and names the rest.
    batch = [checks.negative_data_rejection] if parts.path.endswith(":batch") else []
    case.validate_response(
        Response.from_httpx(answer, verify=False),
        excluded_checks=[
            checks.ignored_auth,
            checks.missing_required_header,
            checks.positive_data_acceptance,
            *batch,
        ],
    )
    assert answer.status_code < 500 or answer.status_code == 503
    if answer.status_code >= 400:
        assert set(answer.json()) == {"error"}
    if batch and not right and answer.status_code == 200:
        assert answer.json()["refused"] >= 1
    if right and answer.status_code == 400:
        assert any(words in answer.text for words in NOT_IN_A_SCHEMA), answer.text
