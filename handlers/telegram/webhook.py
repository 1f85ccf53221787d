"""Receiving by webhook: Telegram delivers again until it is told that all went well."""

from __future__ import annotations

import asyncio
import hmac
import json
from collections.abc import Mapping
from typing import Any

import structlog
from aiogram import Bot, Dispatcher
from aiogram.exceptions import AiogramError, TelegramBadRequest

from handlers.telegram.commands import introduce
from handlers.telegram.polling import pauses
from handlers.telegram.updates import ALLOWED, DatabaseAwayError, handle

log = structlog.get_logger(__name__)

SECRET_HEADER = "x-telegram-bot-api-secret-token"  # noqa: S105


async def set_webhook(dispatcher: Dispatcher, bot: Bot, url: str, secret: str) -> None:
    """Tell Telegram where to deliver; tries until it is accepted."""
    for pause in pauses(1, 60):
        try:
            await bot.set_webhook(url, secret_token=secret, allowed_updates=ALLOWED)
            await introduce(bot, dispatcher["staff_chat"])
            return
        except TelegramBadRequest as error:
            log.error("Telegram 不接受推送地址，请核对 http.public_url", reason=error.message)
        except AiogramError as error:
            log.warning("推送地址还没有设好，稍后重试", error=type(error).__name__)
        await asyncio.sleep(pause)


async def handle_webhook(
    dispatcher: Dispatcher, bot: Bot, secret: str, headers: Mapping[str, str], body: bytes
) -> int:
    """The HTTP status to answer with: 200 only when the update is done with."""
    given = next((one for name, one in headers.items() if name.lower() == SECRET_HEADER), "")
    if not hmac.compare_digest(given.encode(), secret.encode()):
        return 403
    raw = _update(body)
    if raw is None:
        return 400
    try:
        await handle(dispatcher, bot, raw)
    except DatabaseAwayError as error:
        log.error("数据库暂时不可用，请 Telegram 稍后重发", error=type(error.__cause__).__name__)
        return 503
    return 200


def _update(body: bytes) -> dict[str, Any] | None:
    try:
        raw = json.loads(body)
    except ValueError:
        return None
    return raw if isinstance(raw, dict) else None
