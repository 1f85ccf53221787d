"""The Telegram door: parse an update, make one call to the desk, show what it says."""

from __future__ import annotations

from aiogram import Dispatcher, Router

from bot.channels.telegram import TelegramChannel
from bot.desk import Desk
from handlers.telegram import middleware
from handlers.telegram.citizen import citizen_router
from handlers.telegram.comments import Discussions, comments_router
from handlers.telegram.menu import menu_router
from handlers.telegram.polling import poll
from handlers.telegram.review import review_router
from handlers.telegram.updates import handle
from handlers.telegram.webhook import set_webhook


def build_dispatcher(
    desk: Desk, account: str, channel: TelegramChannel, staff_chat: str
) -> Dispatcher:
    """All handlers of one bot; ``staff_chat`` is the staff group's id, empty when there is none."""
    dispatcher = Dispatcher(
        desk=desk,
        account=account,
        channel=channel,
        staff_chat=staff_chat,
        discussions=Discussions(),
        disable_fsm=True,
    )
    middleware.install(dispatcher)
    rest = Router(name="rest")
    rest.callback_query.register(middleware.stale)
    dispatcher.include_routers(
        review_router(), menu_router(), citizen_router(), comments_router(), rest
    )
    return dispatcher


__all__ = ["build_dispatcher", "handle", "poll", "set_webhook"]
