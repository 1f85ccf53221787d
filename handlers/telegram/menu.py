"""The menu of services: topics, then their questions; pressing a question asks it.

Buttons carry a fingerprint of the words they show, not a position: the menu may change between
being shown and being pressed.
"""

from __future__ import annotations

import hashlib

from aiogram import F, Router
from aiogram.enums import ChatType
from aiogram.types import CallbackQuery, Message

from bot.channels.base import Button, Outgoing
from bot.channels.telegram import TelegramChannel
from bot.desk import Desk, DeskError
from handlers.telegram import parsing, texts
from handlers.telegram.citizen import redraw
from handlers.telegram.commands import asks_for
from handlers.telegram.middleware import toast

PAGE = 8
_TITLE = 60

Menu = list[tuple[str, list[str]]]
Rows = tuple[tuple[Button, ...], ...]


def menu_router() -> Router:
    router = Router(name="menu")
    router.message.filter(F.chat.type == ChatType.PRIVATE, F.from_user)
    router.message.register(show_menu, asks_for("menu"))
    router.callback_query.register(topics, F.data.startswith("m:topics:"))
    router.callback_query.register(questions, F.data.startswith("m:topic:"))
    router.callback_query.register(ask, F.data.startswith("m:ask:"))
    router.callback_query.register(mine, F.data == "m:mine")
    return router


async def show_menu(message: Message, desk: Desk, channel: TelegramChannel) -> None:
    await channel.send(str(message.chat.id), topic_page(await desk.citizens.menu(), 0))


async def topics(query: CallbackQuery, desk: Desk, channel: TelegramChannel) -> None:
    page = _number((query.data or "").split(":")[-1])
    await redraw(channel, query, topic_page(await desk.citizens.menu(), page))
    await toast(query)


async def questions(query: CallbackQuery, desk: Desk, channel: TelegramChannel) -> None:
    mark, page = (query.data or "").split(":")[2:4]
    for topic, standard in await desk.citizens.menu():
        if fingerprint(topic) == mark:
            await redraw(channel, query, question_page(topic, standard, _number(page)))
            await toast(query)
            return
    raise DeskError(texts.MENU_CHANGED)


async def ask(query: CallbackQuery, desk: Desk, account: str, channel: TelegramChannel) -> None:
    mark = (query.data or "").split(":")[2]
    question = _find(await desk.citizens.menu(), mark)
    await desk.intake.receive(parsing.asked(query, question, mark, account))
    await toast(query, texts.ASKED_TOAST)
    await redraw(channel, query, Outgoing(texts.ASKED.format(question=question)))


async def mine(query: CallbackQuery, desk: Desk, account: str, channel: TelegramChannel) -> None:
    person = str(query.from_user.id)
    await channel.send(person, Outgoing(await desk.citizens.cases(account, person)))
    await toast(query)


def topic_page(menu: Menu, page: int) -> Outgoing:
    """Topics as buttons, a page of them."""
    if not menu:
        return Outgoing(texts.MENU_EMPTY)
    choices = [
        (f"{topic}（{len(ones)}）", f"m:topic:{fingerprint(topic)}:0") for topic, ones in menu
    ]
    return Outgoing(texts.MENU, paged(choices, page, "m:topics"))


def question_page(topic: str, standard: list[str], page: int) -> Outgoing:
    """A topic's questions as buttons, a page of them, and the way back."""
    choices = [(question, f"m:ask:{fingerprint(question)}") for question in standard]
    rows = paged(choices, page, f"m:topic:{fingerprint(topic)}")
    back = (Button("返回", action="m:topics:0"),)
    return Outgoing(texts.MENU_TOPIC.format(topic=topic), (*rows, back))


def paged(choices: list[tuple[str, str]], page: int, action: str) -> Rows:
    """One choice (title, action) a row, eight a page, with buttons to the pages around."""
    last = max(0, (len(choices) - 1) // PAGE)
    page = min(page, last)
    shown = choices[page * PAGE : (page + 1) * PAGE]
    rows = [(Button(title[:_TITLE], action=data),) for title, data in shown]
    turns = []
    if page > 0:
        turns.append(Button("上一页", action=f"{action}:{page - 1}"))
    if page < last:
        turns.append(Button(f"下一页（{page + 1}/{last + 1}）", action=f"{action}:{page + 1}"))
    return (*rows, tuple(turns)) if turns else tuple(rows)


def fingerprint(words: str) -> str:
    return hashlib.blake2b(words.encode(), digest_size=8).hexdigest()


def _find(menu: Menu, mark: str) -> str:
    for _, standard in menu:
        for question in standard:
            if fingerprint(question) == mark:
                return question
    raise DeskError(texts.MENU_CHANGED)


def _number(text: str) -> int:
    return int(text) if text.isdecimal() else 0
