"""Groups and the comments under channel posts: every question there is a case too."""

from __future__ import annotations

import time

from aiogram import Bot, F, Router
from aiogram.enums import ChatType
from aiogram.exceptions import TelegramAPIError
from aiogram.types import Message, User

from bot.channels.base import Outgoing
from bot.channels.telegram import TelegramChannel
from bot.desk import Desk
from handlers.telegram import parsing, texts
from handlers.telegram.citizen import opinion, wanted
from handlers.telegram.commands import asks_for, is_command
from handlers.telegram.middleware import quoted

_GROUPS = {ChatType.GROUP, ChatType.SUPERGROUP}
_PERSONAL = ("mine", "rate", "mydata", "erase", "menu")


class Discussions:
    """Which groups hold the comments of a channel, asked of Telegram now and then."""

    def __init__(self, keep_seconds: float = 600) -> None:
        self._keep = keep_seconds
        self._known: dict[int, tuple[float, bool]] = {}

    async def includes(self, bot: Bot, chat_id: int) -> bool:
        """True as well when Telegram cannot be asked: a thread kept apart does less harm."""
        known = self._known.get(chat_id)
        if known is not None and time.monotonic() - known[0] < self._keep:
            return known[1]
        try:
            linked = (await bot.get_chat(chat_id)).linked_chat_id is not None
        except TelegramAPIError:
            return True
        self._known[chat_id] = (time.monotonic(), linked)
        return linked


def comments_router() -> Router:
    router = Router(name="comments")
    router.message.filter(F.chat.type.in_(_GROUPS))
    router.edited_message.filter(F.chat.type.in_(_GROUPS))
    router.channel_post.register(published)
    router.message.register(published, F.is_automatic_forward)
    router.message.register(pass_over, F.sender_chat | ~F.from_user | F.from_user.is_bot)
    router.message.register(group_help, asks_for("help"))
    router.message.register(human, asks_for("human"))
    for command in _PERSONAL:
        router.message.register(in_private, asks_for(command))
    router.message.register(pass_over, is_command)
    router.message.register(receive, parsing.is_content)
    router.edited_message.register(
        revise, parsing.is_content, ~F.sender_chat, F.from_user, ~F.from_user.is_bot
    )
    return router


async def published(message: Message, desk: Desk, account: str) -> None:
    """Note that the account published something, for its 最后更新时间."""
    await desk.duties.publication(account, message.date)


async def pass_over(message: Message) -> None:
    """Bots, anonymous administrators, channels, others' commands: nobody to answer."""


async def group_help(message: Message, channel: TelegramChannel) -> None:
    outgoing = Outgoing(texts.GROUP_HELP, reply_to=quoted(message))
    await channel.send(str(message.chat.id), outgoing)


async def in_private(message: Message, channel: TelegramChannel) -> None:
    outgoing = Outgoing(texts.PRIVATE_ONLY, reply_to=quoted(message))
    await channel.send(str(message.chat.id), outgoing)


async def human(
    message: Message,
    desk: Desk,
    account: str,
    bot: Bot,
    event_from_user: User,
    discussions: Discussions,
) -> None:
    thread = await _thread(message, bot, discussions)
    inbound = parsing.comment(message, event_from_user, account, thread, wanted(message))
    await desk.intake.receive(inbound)


async def receive(
    message: Message,
    desk: Desk,
    account: str,
    bot: Bot,
    event_from_user: User,
    discussions: Discussions,
    channel: TelegramChannel,
) -> None:
    if await desk.review.staff_by_telegram(str(event_from_user.id)):
        return
    if await opinion(message, desk, account, event_from_user, channel):
        return
    thread = await _thread(message, bot, discussions)
    await desk.intake.receive(parsing.comment(message, event_from_user, account, thread))


async def revise(message: Message, desk: Desk, account: str, event_from_user: User) -> None:
    inbound = parsing.comment(message, event_from_user, account, str(message.chat.id))
    await desk.intake.edit(parsing.revised(inbound, message))


async def _thread(message: Message, bot: Bot, discussions: Discussions) -> str:
    threaded = bool(message.message_thread_id)
    discussion = threaded and await discussions.includes(bot, message.chat.id)
    return parsing.thread_of(message, discussion=discussion)
