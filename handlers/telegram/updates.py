"""One update handled until it is done with: tried again, or passed with a note, never lost."""

from __future__ import annotations

import asyncio
import traceback
from contextlib import suppress
from typing import Any

import structlog
from aiogram import Bot, Dispatcher
from aiogram.exceptions import TelegramAPIError
from aiogram.types import Update
from prometheus_client import Counter
from pydantic import ValidationError

from bot.channels.base import RateLimitedError
from handlers.telegram import texts
from storage.outage import is_outage

log = structlog.get_logger(__name__)

ALLOWED = ["message", "edited_message", "channel_post", "callback_query"]
UPDATES = Counter("wenban_telegram_updates_total", "Telegram updates by outcome", ["outcome"])
_TRIES = 3
_LONGEST_WAIT = 10.0


class DatabaseAwayError(Exception):
    """The update must be handled again when the database is back."""


async def handle(dispatcher: Dispatcher, bot: Bot, raw: dict[str, Any]) -> None:
    """Give one update to its handler. Raises DatabaseAwayError; no other failure gets out."""
    update = _read(bot, raw)
    if update is None:
        return
    for number in range(1, _TRIES + 1):
        try:
            await dispatcher.feed_update(bot, update)
        except Exception as error:
            if is_outage(error):
                # The cause quotes its statement's values: it must not reach a log.
                raise DatabaseAwayError(type(error).__name__) from None
            _note(update, error, number)
            if number < _TRIES:
                await asyncio.sleep(_pause(error, number))
        else:
            UPDATES.labels("handled").inc()
            return
    UPDATES.labels("failed").inc()
    await _apologise(bot, update)


def conversation(raw: dict[str, Any]) -> Any:
    """What must be handled in order: updates with the same key."""
    content = next((one for key, one in raw.items() if key != "update_id"), None)
    if not isinstance(content, dict):
        return None
    message = content.get("message")
    chat = (message if isinstance(message, dict) else content).get("chat") or content.get("from")
    return chat.get("id") if isinstance(chat, dict) else None


def _read(bot: Bot, raw: dict[str, Any]) -> Update | None:
    """None for what this version of the program cannot understand, which would never change."""
    try:
        return Update.model_validate(raw, context={"bot": bot})
    except ValidationError as error:
        fields = sorted({".".join(map(str, one["loc"])) for one in error.errors()})[:5]
        log.error("收到无法识别的消息，已跳过", number=raw.get("update_id"), fields=fields)
        UPDATES.labels("unreadable").inc()
        return None


def _note(update: Update, error: Exception, number: int) -> None:
    """What failed and where, without the error's text: it may quote a citizen."""
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{one.filename.rpartition('/')[2]}:{one.lineno}" for one in frames[-3:]]
    level = log.warning if number < _TRIES else log.error
    outcome = "稍后重试" if number < _TRIES else "已放弃"
    level(
        f"处理消息出错，{outcome}",
        number=update.update_id,
        error=type(error).__name__,
        places=places,
    )


def _pause(error: Exception, number: int) -> float:
    if isinstance(error, RateLimitedError):
        return min(error.after, _LONGEST_WAIT)
    return (0.3, 1.0)[number - 1]


async def _apologise(bot: Bot, update: Update) -> None:
    """Ask to try again, where only the person concerned can see it."""
    with suppress(TelegramAPIError):
        if update.callback_query:
            await bot.answer_callback_query(update.callback_query.id, texts.TROUBLE, True)
        elif update.message and update.message.chat.type == "private":
            await bot.send_message(update.message.chat.id, texts.TROUBLE)
