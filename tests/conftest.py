"""A fresh, migrated database for each test: SQLite, or PostgreSQL when an address is given."""

from __future__ import annotations

import asyncio
import itertools
import os
import shutil
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest
from hypothesis import settings
from sqlalchemy.engine import URL, make_url
from xdist.scheduler import LoadScopeScheduling

from storage.db import Database

if TYPE_CHECKING:
    from tests.website import Website

SERVER_URL = os.environ.get("TEST_DATABASE_URL", "")
HISTORY = os.environ.get("TEST_HISTORY", "")
"""An export of real messages with replies (xlsx) to work out besides the one made here."""
REDIS_URL = os.environ.get("TEST_REDIS_URL", "")
ALL_MUST_RUN = os.environ.get("NO_TEST_MAY_SKIP") == "1"
_ONE_BY_ONE = "tests/e2e/"
_numbers = itertools.count(1)
settings.register_profile("unhurried", deadline=None)  # a busy machine is slow at times
settings.load_profile("unhurried")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Where everything is installed, a skipped test is a failed one."""
    report = yield
    if ALL_MUST_RUN and report.skipped:
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def redis_url() -> str:
    """The address of a Redis server; the test is skipped where there is none."""
    if not REDIS_URL:
        pytest.skip("TEST_REDIS_URL is not set")
    return REDIS_URL


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What every test's database is copied from: an SQLite file, or a PostgreSQL database."""
    if not SERVER_URL:
        path = tmp_path_factory.mktemp("database") / "template.db"
        asyncio.run(_migrate(f"sqlite+aiosqlite:///{path}"))
        yield str(path)
        return
    name = f"wenban_test_{os.getpid()}"
    asyncio.run(_on_server(f'CREATE DATABASE "{name}"'))
    asyncio.run(_migrate(_address(name)))
    yield name
    asyncio.run(_on_server(f'DROP DATABASE "{name}" WITH (FORCE)'))


@asynccontextmanager
async def copied(template: str, folder: Path) -> AsyncIterator[tuple[str, str]]:
    """A copy of a template that nobody is connected to: what it can be copied from, its address."""
    if not SERVER_URL:
        path = folder / "wenban.db"
        shutil.copy(template, path)
        yield str(path), f"sqlite+aiosqlite:///{path}"
        return
    name = f"{template}_{next(_numbers)}"
    await _on_server(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    yield name, _address(name)
    await _on_server(f'DROP DATABASE "{name}" WITH (FORCE)')


@pytest.fixture
async def database_url(template: str, tmp_path: Path) -> AsyncIterator[str]:
    """The address of a migrated, empty database that is the test's own."""
    async with copied(template, tmp_path) as (_, address):
        yield address


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """A migrated, empty database."""
    opened = Database(database_url)
    yield opened
    await opened.close()


@pytest.fixture
async def website(database: Database) -> AsyncIterator[Website]:
    """The program's web doors over real HTTP, as most tests want them."""
    from tests.website import open_website  # most tests do without, and without its imports

    async with open_website(database) as opened:
        yield opened


@pytest.fixture
def attic(tmp_path: Path) -> Path:
    """Where files from citizens are kept."""
    return tmp_path / "attachments"


async def _migrate(url: str) -> None:
    database = Database(url)
    await database.upgrade()
    await database.close()


async def _on_server(statement: str) -> None:
    connection = await asyncpg.connect(_text(_server().set(drivername="postgresql")))
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _address(name: str) -> str:
    return _text(_server().set(drivername="postgresql+asyncpg", database=name))


def _server() -> URL:
    return make_url(SERVER_URL)


def _text(url: URL) -> str:
    return url.render_as_string(hide_password=False)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadScopeScheduling:
    return _ByFile(config, log)


class _ByFile(LoadScopeScheduling):  # type: ignore[misc]  # without types
    """Tests of a file stay together, for the sake of what they share; so do all of programs and
    browsers, one after the other: two at once starve each other."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return _ONE_BY_ONE if file.startswith(_ONE_BY_ONE) else file
