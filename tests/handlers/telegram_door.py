"""A real desk behind the real Telegram door, before a local Bot API server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TypeVar

from aiogram import Bot, Dispatcher

from bot.channels.base import Capabilities
from bot.channels.telegram import TelegramChannel, build_bot
from bot.desk import Desk
from handlers.telegram import build_dispatcher, poll
from knowledge.bundles import Bundle
from knowledge.catalog import Entry
from storage.db import Database
from storage.models import Account, Case, Message
from tests.botapi import BotApi, Chat, User
from tests.support import ENTRIES, Town, build_town

T = TypeVar("T", Account, Case, Message)


@dataclass
class Door:
    """The program's parts around one bot; ``open`` receives until ``close``."""

    api: BotApi
    bot: Bot
    channel: TelegramChannel
    town: Town
    staff: Chat
    dispatcher: Dispatcher
    stop: asyncio.Event = field(default_factory=asyncio.Event)
    task: asyncio.Task[None] | None = None

    @property
    def desk(self) -> Desk:
        return self.town.desk

    def open(self) -> None:
        self.stop = asyncio.Event()
        self.task = asyncio.create_task(poll(self.dispatcher, self.bot, self.stop))

    async def close(self) -> None:
        self.stop.set()
        if self.task:
            await self.task
        self.task = None

    async def kill(self) -> None:
        """End as a killed process does: at once, confirming nothing."""
        assert self.task
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task
        self.task = None

    async def settle(self) -> None:
        """Let everything said so far be received, decided and delivered."""
        await self.api.all_confirmed()
        await self.town.settle()

    async def rows(self, table: type[T]) -> list[T]:
        found = await self.town.rows(table)
        return sorted((one for one in found if isinstance(one, table)), key=lambda one: one.id or 0)

    def colleague(self, number: int = 0) -> User:
        """A registered member of staff."""
        return self.api.user(f"同事{number}", user_id=900 + number)


@asynccontextmanager
async def opened(
    database: Database, known: Sequence[Entry] = ENTRIES, bundles: Sequence[Bundle] = ()
) -> AsyncIterator[Door]:
    """The door, open; closed when the block ends."""
    async with BotApi() as api:
        staff = await api.group("工作人员群")
        town = await build_town(database, known=known, bundles=bundles)
        bot = build_bot(api.token, api.url)
        channel = TelegramChannel(bot)
        channel.capabilities = Capabilities(max_length=4000, per_second=0)
        office = replace(
            town.desk.office,
            capabilities={"telegram": channel.capabilities},
            rules=replace(town.desk.office.rules, staff_place=str(staff.id)),
        )
        town.desk = Desk(office, {"telegram": channel})
        dispatcher = build_dispatcher(town.desk, "telegram", channel, str(staff.id))
        door = Door(api, bot, channel, town, staff, dispatcher)
        door.open()
        try:
            yield door
        finally:
            await door.close()
            await channel.close()
