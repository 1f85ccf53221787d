"""Receiving by long poll so that a killed program gets again what it had not finished."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Coroutine, Iterator
from contextlib import suppress
from typing import Any, TypeVar

import structlog
from aiogram import Bot, Dispatcher
from aiogram.exceptions import (
    AiogramError,
    TelegramAPIError,
    TelegramConflictError,
    TelegramNotFound,
    TelegramRetryAfter,
    TelegramUnauthorizedError,
)
from aiogram.methods import TelegramMethod

from handlers.telegram.commands import introduce
from handlers.telegram.updates import ALLOWED, DatabaseAwayError, conversation, handle

log = structlog.get_logger(__name__)

POLL_SECONDS = 30
_NETWORK_MARGIN = 15
_GRACE = 1.0
_T = TypeVar("_T")


class GetRawUpdates(TelegramMethod[list[dict[str, Any]]]):
    """getUpdates as it came: one update that cannot be read must not hide the others."""

    __returning__ = list[dict[str, Any]]
    __api_method__ = "getUpdates"

    offset: int | None = None
    limit: int = 100
    timeout: int = POLL_SECONDS
    allowed_updates: list[str] = ALLOWED


async def poll(dispatcher: Dispatcher, bot: Bot, stop: asyncio.Event) -> None:
    """Receive and handle updates until ``stop`` is set.

    A batch is confirmed only when all of it is handled: in order within a chat, chats side by
    side. Handlers may therefore see an update twice and must not act twice.
    """
    receiver = _Receiver(dispatcher, bot)
    halt = asyncio.create_task(stop.wait())
    try:
        while not stop.is_set():
            batch = await _unless(halt, receiver.fetch())
            settled = await _unless(halt, receiver.settle(batch or []), grace=_GRACE)
            if batch and settled:
                receiver.offset = batch[-1]["update_id"] + 1
    finally:
        halt.cancel()
    await receiver.confirm()


class _Receiver:
    def __init__(self, dispatcher: Dispatcher, bot: Bot) -> None:
        self.offset: int | None = None
        self._dispatcher = dispatcher
        self._bot = bot
        self._ready = False
        self._failed = False

    async def fetch(self) -> list[dict[str, Any]]:
        """The next updates, however long the network or the token is out of order."""
        for pause in pauses(1, 30):
            try:
                return await self._fetch()
            except (AiogramError, OSError) as error:
                pause = self._explain(error, pause)
            await asyncio.sleep(pause)
        return []

    async def _fetch(self) -> list[dict[str, Any]]:
        if not self._ready:
            await self._bot.delete_webhook(drop_pending_updates=False)
            await introduce(self._bot, self._dispatcher["staff_chat"])
            self._ready = True
        call = GetRawUpdates(offset=self.offset)
        updates = await self._bot(call, request_timeout=POLL_SECONDS + _NETWORK_MARGIN)
        if self._failed:
            log.info("已恢复接收 Telegram 消息")
        self._failed = False
        return updates

    async def settle(self, batch: list[dict[str, Any]]) -> bool:
        """Handle a batch; True when all of it is done with."""
        chats: dict[Any, list[dict[str, Any]]] = defaultdict(list)
        for raw in batch:
            chats[conversation(raw)].append(raw)
        async with asyncio.TaskGroup() as group:
            for updates in chats.values():
                group.create_task(self._in_order(updates))
        return True

    async def _in_order(self, updates: list[dict[str, Any]]) -> None:
        for raw in updates:
            await self._persist(raw)

    async def _persist(self, raw: dict[str, Any]) -> None:
        """An update waits for the database as long as it must."""
        for pause in pauses(0.2, 5):
            try:
                await handle(self._dispatcher, self._bot, raw)
                return
            except DatabaseAwayError as error:
                log.error("数据库暂时不可用，消息保留待处理", error=str(error), retry_seconds=pause)
            await asyncio.sleep(pause)

    async def confirm(self) -> None:
        """Tell the server what is done with, so that the next start does not see it again."""
        if self.offset is None:
            return
        call = GetRawUpdates(offset=self.offset, limit=1, timeout=0)
        with suppress(AiogramError):
            await self._bot(call, request_timeout=1)

    def _explain(self, error: Exception, pause: float) -> float:
        """Say what is wrong and what to do; the seconds to wait."""
        self._failed = True
        match error:
            case TelegramRetryAfter():
                pause, reason = float(error.retry_after), "Telegram 要求稍候再收消息"
            case TelegramUnauthorizedError() | TelegramNotFound():
                pause, reason = 30.0, "机器人令牌无效，请向 @BotFather 核对后改正令牌并重启"
            case TelegramConflictError() if "webhook" in error.message.lower():
                self._ready = False
                reason = "这个机器人另设了推送地址，正在改回长轮询"
            case TelegramConflictError():
                reason = "另有程序正用同一个令牌收消息，请只保留一个"
            case TelegramAPIError():
                reason = "连不上 Telegram，请检查网络和 telegram.api_url"
            case _:
                reason = "Telegram 的应答无法识别"
        log.warning(reason, error=type(error).__name__, retry_seconds=pause)
        return pause


def pauses(first: float, longest: float) -> Iterator[float]:
    """Growing waits without end."""
    while True:
        yield first
        first = min(first * 2, longest)


async def _unless(
    halt: asyncio.Task[Any], work: Coroutine[Any, Any, _T], *, grace: float = 0
) -> _T | None:
    """The work's result; None when ``halt`` came first and the work did not end in time."""
    task = asyncio.create_task(work)
    try:
        await asyncio.wait({halt, task}, return_when=asyncio.FIRST_COMPLETED)
        if not task.done() and grace:
            await asyncio.wait({task}, timeout=grace)
        return task.result() if task.done() else None
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
