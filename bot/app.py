"""The composition root: builds the office from settings, starts its roles, stops them in order."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import structlog
from sqlmodel import select

from bot import telemetry
from bot.channels.base import Channel
from bot.channels.web import WebChannel
from bot.checks import look
from bot.config import ConfigError, read_ranker, session_secret
from bot.desk import Desk, Office
from bot.desk.library import keep_for_good
from bot.desk.office import TOPIC_CONSIDER, TOPIC_OUTBOX
from bot.doors import looking, open_doors
from bot.jobs import Jobs
from bot.outfit import open_library, open_wechat, premises, rules, source_channels
from bot.passage import Passage
from bot.sections import AccountSettings
from bot.settings import Settings
from knowledge.exchange import read_entries
from knowledge.semantic import open_embedder
from storage import entries
from storage.coordination import Coordination, LocalCoordination, RedisCoordination
from storage.db import Database
from storage.files import FileStore
from storage.models import Account
from storage.terms import ProcessRole

if TYPE_CHECKING:
    from aiogram import Bot


log = structlog.get_logger(__name__)
_GATHERING = 0.05  # seconds between two rounds: what comes in them is done together
_IDLE = 1.0
_WEIGH_SECONDS = 600.0
_LAST_ROUND = 5.0
_BETWEEN_COLLECTIONS = 20_000
_T = TypeVar("_T")


@dataclass
class App:
    """A built office with its connections, not yet running."""

    settings: Settings
    db: Database
    coordination: Coordination
    channels: dict[str, Channel]
    desk: Desk
    bot: Bot | None = None
    tasks: list[asyncio.Task[None]] = field(default_factory=list)
    stopping: asyncio.Event = field(default_factory=asyncio.Event)
    failed: str = ""

    def start(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Run something until the program stops; its failure stops the program."""
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(self._ended)
        self.tasks.append(task)

    def _ended(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and task.exception() is not None:
            self.failed = task.get_name()
            log.error("task.failed", task=self.failed, exc_info=task.exception())
            self.stopping.set()


async def run(settings: Settings, role: ProcessRole = ProcessRole.ALL) -> None:
    """Serve until SIGINT or SIGTERM, then stop in order: doors, jobs, workers, connections.

    Raises ConfigError when the program cannot start or a part of it failed.
    """
    telemetry.configure(settings.app.log_level, settings.app.log_format)
    async with build(settings) as app:
        _own_signals(app.stopping)
        app.start(_refresh_library(app), "library")
        app.start(_weigh_evidence(app), "evidence")
        if role in (ProcessRole.ALL, ProcessRole.WORKER):
            app.start(_consider(app), "consider")
            app.start(_deliver(app), "deliver")
        serve_http = role in (ProcessRole.ALL, ProcessRole.CONSOLE)
        receive = role in (ProcessRole.ALL, ProcessRole.BOT)
        # The platform's request waits for an answer only where answers are sent.
        own = role is ProcessRole.ALL
        doors = open_doors(app, http=serve_http, telegram=receive, delivers=own)
        async with _timetable(app, role), doors:
            if role in (ProcessRole.ALL, ProcessRole.WORKER):
                _understand(app)
            _spare_the_collector()
            await app.stopping.wait()
            print("正在停止，请稍候…", flush=True)  # noqa: T201
        await _finish(app.tasks)
    if app.failed:
        raise ConfigError(
            f"{app.failed} 出错，程序已停止；原因见上面的日志，改正后重新启动即可接着办"
        )
    print("已停止，没有丢失任何消息。", flush=True)  # noqa: T201


async def _finish(tasks: list[asyncio.Task[None]]) -> None:
    """Let every task end its round; a delivery that hangs is left to its lease."""
    _, late = await asyncio.wait(tasks, timeout=_LAST_ROUND)
    for task in late:
        task.cancel()
    await asyncio.gather(*late, return_exceptions=True)


@asynccontextmanager
async def build(settings: Settings) -> AsyncIterator[App]:
    """Connect everything; on leaving, disconnect in the reverse order."""
    db = Database(settings.database_url)
    await db.upgrade()
    coordination = await _coordination(settings)
    channels, bot = _channels(settings, coordination)
    await _register_accounts(db, settings)
    await _first_entries(db, settings)
    library = open_library(db, settings, read_ranker(settings.knowledge))
    await library.refresh()
    await library.weigh()
    office = Office(
        db=db,
        library=library,
        coordination=coordination,
        rules=rules(settings),
        capabilities={key: channel.capabilities for key, channel in channels.items()},
        premises=premises(settings, partial(look, settings)),
        files=FileStore(settings.attachments_dir),
        passage=Passage(
            session_secret(settings), settings.http.public_url, pages=settings.web.enabled
        ),
    )
    try:
        yield App(settings, db, coordination, channels, Desk(office, channels), bot)
    finally:
        for channel in channels.values():
            await channel.close()
        await library.close()
        await coordination.close()
        await db.close()


async def _coordination(settings: Settings) -> Coordination:
    if not settings.redis.url:
        return LocalCoordination()
    shared = RedisCoordination(settings.redis.url)
    try:
        await shared.start()
    except Exception as error:
        raise ConfigError(f"redis.url：连不上 Redis（{error}），请核对地址或留空") from None
    return shared


def _channels(
    settings: Settings, coordination: Coordination
) -> tuple[dict[str, Channel], Bot | None]:
    channels: dict[str, Channel] = source_channels(settings)
    if settings.web.enabled:
        channels["web"] = WebChannel()
    if settings.wechat.enabled:
        channels["wechat"] = open_wechat(settings, coordination)
    if not settings.telegram.enabled:
        return channels, None
    # aiogram takes seconds to import; without a token nobody should wait for it.
    from bot.channels.telegram import SEND_TIMEOUT, TelegramChannel, build_bot

    token = settings.telegram.token.get_secret_value()
    # A send ends before its delivery's lease does, so that no other worker sends it too.
    timeout = min(SEND_TIMEOUT, settings.outbox.lease_seconds / 2)
    bot = build_bot(token, settings.telegram.api_url, timeout)
    channels["telegram"] = TelegramChannel(bot)
    return channels, bot


async def _register_accounts(db: Database, settings: Settings) -> None:
    """Create or update the account of every channel from its section of the settings."""
    sections: list[tuple[str, str, AccountSettings]] = [
        ("web", "网站", settings.web),
        ("telegram", "Telegram", settings.telegram),
        *((key, source.platform, source) for key, source in settings.sources.items()),
    ]
    if settings.wechat.enabled:
        sections.append(("wechat", "微信公众号", settings.wechat))
    async with db.write_alone() as session:
        for key, platform, section in sections:
            found = await session.exec(select(Account).where(Account.key == key))
            account = found.first() or Account(key=key, platform=platform, name=section.name)
            account.name, account.platform = section.name, platform
            account.review_steps = section.review_steps
            for name in ("sponsor", "supervisor", "responsible", "description"):
                # What the settings leave empty stays as it was registered.
                setattr(account, name, getattr(section, name) or getattr(account, name))
            session.add(account)


async def _first_entries(db: Database, settings: Settings) -> None:
    source = settings.knowledge.initial_file
    if not source:
        return
    async with db.read() as session:
        if await entries.count(session):
            return
    path = Path(source)
    if source == "sample":
        path = Path(str(files("knowledge") / "data" / "sample.csv"))
    reading = await asyncio.to_thread(read_entries, path)
    async with db.write_alone() as session:
        if not await entries.count(session):
            await entries.save(session, reading.entries, "system")


def _understand(app: App) -> None:
    """Match by meaning too, unless that is not wanted."""
    settings = app.settings
    if settings.knowledge.semantic != "off":
        opens = partial(open_embedder, *settings.knowledge.embedder)
        app.desk.office.library.understand(opens, settings.vectors_dir)


def _spare_the_collector() -> None:
    """What was made to start with stays; a message makes thousands of objects that do not."""
    keep_for_good()
    gc.set_threshold(_BETWEEN_COLLECTIONS, 20, 20)


async def _refresh_library(app: App) -> None:
    while not await _pause(app, app.settings.knowledge.refresh_seconds):
        await _persist(app.desk.office.library.refresh, "library.refresh")


async def _weigh_evidence(app: App) -> None:
    while not await _pause(app, _WEIGH_SECONDS):
        await _persist(app.desk.office.library.weigh, "library.weigh")


async def _consider(app: App) -> None:
    ear = app.coordination.listen(TOPIC_CONSIDER)
    while not app.stopping.is_set():
        taken = await _persist(app.desk.answering.consider_due, "consider")
        if taken:
            await asyncio.sleep(_GATHERING)
        else:
            due = await _persist(app.desk.answering.next_due, "consider")
            await ear.wait(_seconds_until(due))


async def _deliver(app: App) -> None:
    ear = app.coordination.listen(TOPIC_OUTBOX)
    while not app.stopping.is_set():
        tried = await _persist(app.desk.dispatch.deliver_due, "deliver")
        if tried:
            await asyncio.sleep(_GATHERING)
        else:
            due = await _persist(app.desk.dispatch.next_due, "deliver")
            await ear.wait(_seconds_until(due))


async def _persist(call: Callable[[], Awaitable[_T]], name: str) -> _T | None:
    """Work goes on when one round fails: a lost database comes back, a bad case stays noted."""
    try:
        return await call()
    except Exception:
        log.exception("round.failed", round=name)
        await asyncio.sleep(1)
        return None


def _seconds_until(due: datetime | None) -> float:
    if due is None:
        return _IDLE
    return min(max((due - datetime.now(UTC)).total_seconds(), 0.01), _IDLE)


async def _pause(app: App, seconds: float) -> bool:
    """Wait; True when the program stops."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await app.stopping.wait()
    return app.stopping.is_set()


@asynccontextmanager
async def _timetable(app: App, role: ProcessRole) -> AsyncIterator[None]:
    if role not in (ProcessRole.ALL, ProcessRole.SCHEDULER):
        yield
        return
    own = app.settings.jobs
    jobs = Jobs(app.desk, own.digest_at, own.reminder_minutes, looking(app))
    await jobs.start()
    try:
        yield
    finally:
        jobs.stop()


def _own_signals(stopping: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopping.set)
