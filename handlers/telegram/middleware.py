"""Around every handler: a correlation id, and an answer when something cannot be done."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

import structlog
from aiogram import Dispatcher
from aiogram.exceptions import TelegramAPIError
from aiogram.types import CallbackQuery, Message, TelegramObject, Update

from bot.channels.base import Channel, Outgoing, RejectedError, SendError, UnreachableError
from bot.desk import DeskError
from handlers.telegram import texts

log = structlog.get_logger(__name__)

Handler = Callable[[TelegramObject, dict[str, Any]], Awaitable[Any]]
_TOAST = 200


def install(dispatcher: Dispatcher) -> None:
    dispatcher.update.outer_middleware(correlate)
    dispatcher.message.middleware(explain)
    dispatcher.callback_query.middleware(explain)


async def correlate(handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
    """Every log line of one update carries its number."""
    number = event.update_id if isinstance(event, Update) else 0
    with structlog.contextvars.bound_contextvars(telegram_update=number):
        return await handler(event, data)


async def explain(handler: Handler, event: TelegramObject, data: dict[str, Any]) -> Any:
    """Tell the person what the desk refused; let go of what can never be delivered."""
    try:
        return await handler(event, data)
    except DeskError as error:
        await _refuse(event, str(error), data["channel"])
    except (UnreachableError, RejectedError) as error:
        log.warning("telegram.undeliverable", reason=str(error))
    return None


async def _refuse(event: TelegramObject, text: str, channel: Channel) -> None:
    if isinstance(event, CallbackQuery):
        await toast(event, text, alert=True)
    elif isinstance(event, Message):
        await tell(channel, event, text)


async def toast(query: CallbackQuery, text: str = "", *, alert: bool = False) -> None:
    """Answer a press; never fails, because the press may be too old to be answered."""
    short = text if len(text) <= _TOAST else text[: _TOAST - 1] + "…"
    with suppress(TelegramAPIError):
        await query.answer(short, show_alert=alert)


async def stale(query: CallbackQuery) -> None:
    """A button of an earlier version of this program."""
    await toast(query, texts.STALE_BUTTON, alert=True)


async def tell(channel: Channel, message: Message, text: str) -> None:
    """Confirm something done; the deed stands even when the confirmation is lost."""
    with suppress(SendError):
        await channel.send(str(message.chat.id), Outgoing(text, reply_to=quoted(message)))


def quoted(message: Message) -> str:
    """In a group an answer quotes the message it is for."""
    return "" if message.chat.type == "private" else str(message.message_id)
