"""Staff: the cards' buttons, typed replies, and the queue; in the staff group or in private."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from aiogram import F, Router
from aiogram.dispatcher.event.bases import SkipHandler
from aiogram.enums import ChatType
from aiogram.filters import Command, CommandObject
from aiogram.types import CallbackQuery, Message, User

from bot.channels.base import (
    Attachment,
    Outgoing,
    RateLimitedError,
    RejectedError,
)
from bot.channels.telegram import TelegramChannel
from bot.desk import Desk, DeskError, prompts
from handlers.telegram import actions, texts
from handlers.telegram.actions import Press
from handlers.telegram.citizen import redraw
from handlers.telegram.commands import asks_for
from handlers.telegram.middleware import quoted, tell, toast

if TYPE_CHECKING:
    from storage.models import Staff

_TELEGRAM = re.compile(r"-?\d+:\d+")
_LONGEST_NUMBER = 9
_LONGEST_WAIT = 10.0


async def from_staff_chat(message: Message, staff_chat: str) -> bool:
    return str(message.chat.id) == staff_chat


async def in_staff_place(message: Message, staff_chat: str) -> bool:
    private = message.chat.type == ChatType.PRIVATE
    return private or await from_staff_chat(message, staff_chat)


def review_router() -> Router:
    router = Router(name="review")
    router.callback_query.register(pressed, F.data.startswith("s:"))
    router.callback_query.register(task_pressed, F.data.startswith("t:"))
    router.message.register(identity, Command("id", ignore_case=True))
    router.message.register(show_next, in_staff_place, asks_for("next"))
    router.message.register(show_queue, in_staff_place, asks_for("queue"))
    router.message.register(show_tasks, in_staff_place, asks_for("tasks"))
    router.message.register(show_case, in_staff_place, Command("case", ignore_case=True))
    router.message.register(answer, in_staff_place, F.reply_to_message, F.from_user)
    # What colleagues say to each other is not a citizen's.
    router.message.register(unanswerable, from_staff_chat)
    router.edited_message.register(pass_over, from_staff_chat)
    return router


async def pass_over(message: Message) -> None:
    """An edit changes nothing that was sent already."""


async def identity(message: Message, channel: TelegramChannel) -> None:
    """What the configuration needs to know: the person's and the chat's number."""
    user_id = message.from_user.id if message.from_user else "—"
    text = texts.IDENTITY.format(user_id=user_id, chat_id=message.chat.id)
    await channel.send(str(message.chat.id), Outgoing(text, reply_to=quoted(message)))


async def show_next(message: Message, desk: Desk, channel: TelegramChannel) -> None:
    staff = await _staff(desk, message.from_user)
    await tell(channel, message, await desk.review.next(staff, str(message.chat.id)))


async def show_queue(message: Message, desk: Desk, channel: TelegramChannel) -> None:
    await _staff(desk, message.from_user)
    text = f"{await desk.review.summary()}。发 /next 取下一件。"
    await channel.send(str(message.chat.id), Outgoing(text, reply_to=quoted(message)))


async def show_tasks(message: Message, desk: Desk, channel: TelegramChannel) -> None:
    staff = await _staff(desk, message.from_user)
    await tell(channel, message, await desk.tasks.listed(staff, str(message.chat.id)))


async def show_case(
    message: Message, desk: Desk, channel: TelegramChannel, command: CommandObject
) -> None:
    staff = await _staff(desk, message.from_user)
    number = (command.args or "").strip().lstrip("#")
    if not (number.isascii() and number.isdecimal() and len(number) <= _LONGEST_NUMBER):
        raise DeskError(texts.WHICH_NUMBER)
    await desk.review.look(staff, int(number), str(message.chat.id))


async def answer(message: Message, desk: Desk, channel: TelegramChannel) -> None:
    """A reply to a card is the text for the citizen; one to a request, what was asked for."""
    parent, place = message.reply_to_message, str(message.chat.id)
    if parent is None:
        raise SkipHandler
    asked = await prompts.answered(desk.office, place, str(parent.message_id))
    if asked is None:
        raise SkipHandler
    staff = await _staff(desk, message.from_user)
    if not message.text:
        raise DeskError(texts.WRITE_TEXT)
    if asked.verb != prompts.REPLY:
        text = await actions.typed(desk, staff, asked, place, message.text)
    else:
        case_id, version = asked.case_id, asked.version
        text = await desk.review.send(staff, case_id, version, place, message.text)
    await tell(channel, message, text)


async def unanswerable(message: Message) -> None:
    """In the staff chat, only a reply to one of the bot's messages expects something."""
    parent = message.reply_to_message
    ours = message.bot.id if message.bot else None
    if parent is not None and parent.from_user is not None and parent.from_user.id == ours:
        raise DeskError(texts.WHICH_CASE)


async def pressed(query: CallbackQuery, desk: Desk, channel: TelegramChannel) -> None:
    staff = await _staff(desk, query.from_user)
    press = Press.parse(query)
    match press.verb:
        case verb if verb in actions.ACTIONS:
            text = await actions.pressed(desk, channel, query, staff, press)
        case "files":
            text = await _files(desk, channel, query, staff, press)
        case "show":
            await redraw(channel, query, await desk.review.show(press.case_id))
            text = ""
        case "similar":
            text = await desk.learning.add(staff, press.case_id, press.argument)
            await redraw(channel, query, Outgoing(""))
        case "more":
            await redraw(channel, query, await desk.review.more(press.case_id))
            text = ""
        case _:
            text = await _act(desk, staff, press)
    await toast(query, text)


async def task_pressed(query: CallbackQuery, desk: Desk) -> None:
    """A button of a task's card, ``t:verb:task``."""
    staff = await _staff(desk, query.from_user)
    place = str(query.message.chat.id) if query.message else str(query.from_user.id)
    match (query.data or "").split(":"):
        case ["t", verb, number] if number.isdecimal():
            await toast(query, await desk.tasks.act(staff, int(number), verb, place))
        case _:
            raise DeskError(texts.STALE_BUTTON)


async def _act(desk: Desk, staff: Staff, press: Press) -> str:
    known = {
        "adopt": desk.review.adopt,
        "edit": desk.review.prompt,
        "other": desk.review.other,
        "later": desk.review.later,
        "unask": desk.supplement.take_back,
    }
    action = known.get(press.verb)
    if action is None:
        raise DeskError(texts.STALE_BUTTON)
    return await action(staff, press.case_id, press.version, press.place)


async def _files(
    desk: Desk, channel: TelegramChannel, query: CallbackQuery, staff: Staff, press: Press
) -> str:
    found = await desk.review.attachments(staff, press.case_id)
    if not found:
        raise DeskError(texts.NO_ATTACHMENTS)
    card = str(query.message.message_id) if query.message else ""
    for attachment in found:
        await _show(channel, press.place, attachment, card)
    return texts.ATTACHMENTS_SENT


async def _show(channel: TelegramChannel, place: str, attachment: Attachment, card: str) -> None:
    if not _TELEGRAM.fullmatch(attachment.reference):
        text = texts.OTHER_ATTACHMENT.format(title=attachment.title or attachment.kind)
        await channel.send(place, Outgoing(text, reply_to=card))
        return
    try:
        await _patiently(channel, place, attachment.reference, card)
    except RejectedError:
        await channel.send(place, Outgoing(texts.ATTACHMENT_GONE, reply_to=card))


async def _patiently(channel: TelegramChannel, place: str, reference: str, card: str) -> None:
    try:
        await channel.copy(place, reference, card)
    except RateLimitedError as error:
        await asyncio.sleep(min(error.after, _LONGEST_WAIT))
        await channel.copy(place, reference, card)


async def _staff(desk: Desk, user: User | None) -> Staff:
    """Raises DeskError that tells a stranger how to be registered."""
    staff = await desk.review.staff_by_telegram(str(user.id)) if user else None
    if staff is None:
        raise DeskError(texts.NOT_STAFF.format(user_id=user.id if user else "—"))
    return staff
