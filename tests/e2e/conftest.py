"""Scenes for the end-to-end tests, on the same databases as every other test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from redis.asyncio import Redis

from knowledge.exchange import write_entries
from storage.db import Database
from tests.botapi import BotApi
from tests.conftest import REDIS_URL
from tests.e2e.browsing import browser
from tests.e2e.harness import Scene
from tests.e2e.knowledge import ENTRIES

__all__ = ["browser"]


@pytest.fixture
async def scene(database_url: str, tmp_path: Path) -> AsyncIterator[Scene]:
    """Everything a program needs, and no program yet."""
    async with open_scene(database_url, tmp_path) as opened:
        yield opened


@asynccontextmanager
async def open_scene(database_url: str, folder: Path) -> AsyncIterator[Scene]:
    known = folder / "知识库.csv"
    write_entries(ENTRIES, known)
    await _fresh_rate_limits()
    database = Database(database_url)
    async with BotApi() as api:
        group = await api.group("工作人员群")
        settings = {
            "telegram__token": api.token,
            "telegram__api_url": api.url,
            "telegram__staff_chat": str(group.id),
            "database__url": database_url,
            "redis__url": REDIS_URL,
            "http__port": "0",
            "app__data_dir": str(folder / "var"),
            "knowledge__initial_file": str(known),
            "knowledge__refresh_seconds": "0.5",
            "knowledge__semantic": "off",
            "outbox__backoff_seconds": "0.2",
            "outbox__backoff_limit_seconds": "2",
        }
        scene = Scene(api, database, folder, group, settings)
        try:
            yield scene
        finally:
            await scene.close()
            await database.close()


async def _fresh_rate_limits() -> None:
    """Chats have the same numbers in every test, but not the same history."""
    if not REDIS_URL:
        return
    async with Redis.from_url(REDIS_URL) as redis:
        lines = [key async for key in redis.scan_iter("wenban:line:*")]
        if lines:
            await redis.delete(*lines)
