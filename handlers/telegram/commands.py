"""The commands Telegram shows beside the input field, and how people say them in words."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

import structlog
from aiogram import Bot
from aiogram.exceptions import AiogramError
from aiogram.filters import Command
from aiogram.types import (
    BotCommand,
    BotCommandScopeAllGroupChats,
    BotCommandScopeAllPrivateChats,
    BotCommandScopeChat,
    BotCommandScopeUnion,
    Message,
)

from handlers.aliases import command_of

log = structlog.get_logger(__name__)

PRIVATE = {
    "menu": "常办的事",
    "mine": "我的诉求到哪一步了",
    "human": "转人工",
    "rate": "给答复打分",
    "mydata": "保存了我的哪些信息",
    "erase": "删除我的信息",
    "help": "怎么用",
}
GROUP = {"help": "怎么提问", "human": "转人工"}
STAFF = {
    "next": "取下一件待办",
    "queue": "还有多少待办",
    "case": "看一件诉求，后面写编号",
    "tasks": "待审批、待回访的事项",
}
_COMMAND = re.compile(r"/[A-Za-z0-9_]+(@\w+)?(\s|$)")

Filter = Callable[..., Awaitable[bool]]


def asks_for(command: str) -> Filter:
    """Whether a message is this command, or says it in words."""
    slash = Command(command, ignore_case=True)

    async def matches(message: Message, bot: Bot) -> bool:
        if message.text and command_of(message.text) == command:
            return True
        return bool(await slash(message, bot))

    return matches


def is_command(message: Message) -> bool:
    """Whether a message is some command, known or not."""
    return bool(message.text and _COMMAND.match(message.text))


async def introduce(bot: Bot, staff_chat: str) -> None:
    """Tell Telegram the commands; the program works without."""
    scopes: list[tuple[BotCommandScopeUnion, dict[str, str]]] = [
        (BotCommandScopeAllPrivateChats(), PRIVATE),
        (BotCommandScopeAllGroupChats(), GROUP),
    ]
    if staff_chat:
        scopes.append((BotCommandScopeChat(chat_id=staff_chat), STAFF))
    for scope, titles in scopes:
        shown = [BotCommand(command=name, description=title) for name, title in titles.items()]
        try:
            await bot.set_my_commands(shown, scope=scope)
        except AiogramError as error:
            log.warning("命令菜单没有设好", scope=scope.type, error=type(error).__name__)
