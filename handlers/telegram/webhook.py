"""Receiving by webhook: the HTTP door hands each update to ``updates.handle``."""

from __future__ import annotations

import asyncio
from contextlib import suppress

import structlog
from aiogram import Bot, Dispatcher
from aiogram.exceptions import AiogramError, TelegramBadRequest

from handlers.telegram.commands import introduce
from handlers.telegram.polling import pauses
from handlers.telegram.updates import ALLOWED

log = structlog.get_logger(__name__)


async def set_webhook(
    dispatcher: Dispatcher, bot: Bot, url: str, secret: str, stop: asyncio.Event
) -> None:
    """Tell Telegram where to deliver; tries until it is accepted or ``stop`` is set."""
    for pause in pauses(1, 60):
        try:
            await bot.set_webhook(url, secret_token=secret, allowed_updates=ALLOWED)
            await introduce(bot, dispatcher["staff_chat"])
            return
        except TelegramBadRequest as error:
            log.error("Telegram 不接受推送地址，请核对 http.public_url", reason=error.message)
        except AiogramError as error:
            log.warning("推送地址还没有设好，稍后重试", error=type(error).__name__)
        with suppress(TimeoutError):
            async with asyncio.timeout(pause):
                await stop.wait()
            return
