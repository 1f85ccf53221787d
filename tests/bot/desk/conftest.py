"""The town that the desk's tests act in."""

from __future__ import annotations

import pytest

from storage.db import Database
from tests.support import Town, build_town


@pytest.fixture
async def town(database: Database) -> Town:
    return await build_town(database)
