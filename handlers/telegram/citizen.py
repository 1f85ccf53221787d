"""The private chat with citizens: commands, questions, and the buttons under answers."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass

from aiogram import F, Router
from aiogram.enums import ChatType
from aiogram.types import CallbackQuery, InlineKeyboardMarkup, Message, User

from bot.channels.base import Button, Outgoing, SendError
from bot.channels.telegram import TelegramChannel
from bot.desk import Desk, DeskError
from handlers.press import act
from handlers.telegram import parsing, texts
from handlers.telegram.commands import asks_for, is_command
from handlers.telegram.middleware import tell, toast


@dataclass(frozen=True, slots=True)
class Press:
    """A pressed ``c:verb:case[:argument]``."""

    verb: str
    case_id: int
    argument: str = ""

    @classmethod
    def parse(cls, data: str) -> Press:
        """Raises DeskError for what no button of ours sends."""
        match data.split(":"):
            case ["c", verb, number, *rest] if number.isdecimal() and len(rest) < 2:
                return cls(verb, int(number), *rest)
        raise DeskError(texts.STALE_BUTTON)


def citizen_router() -> Router:
    router = Router(name="citizen")
    router.message.filter(F.chat.type == ChatType.PRIVATE, F.from_user)
    router.edited_message.filter(F.chat.type == ChatType.PRIVATE, F.from_user)
    router.message.register(start, asks_for("start"))
    router.message.register(show_help, asks_for("help"))
    router.message.register(mine, asks_for("mine"))
    router.message.register(human, asks_for("human"))
    router.message.register(rate, asks_for("rate"))
    router.message.register(stored, asks_for("mydata"))
    router.message.register(ask_erase, asks_for("erase"))
    router.message.register(unknown_command, is_command)
    router.message.register(receive, parsing.is_content)
    router.edited_message.register(revise, parsing.is_content)
    router.callback_query.register(erase, F.data.startswith("e:"))
    router.callback_query.register(pressed, F.data.startswith("c:"))
    return router


async def start(message: Message, channel: TelegramChannel) -> None:
    rows = ((Button("常办的事", action="m:topics:0"), Button("我的诉求", action="m:mine")),)
    await channel.send(str(message.chat.id), Outgoing(texts.START, rows))


async def show_help(message: Message, channel: TelegramChannel) -> None:
    await channel.send(str(message.chat.id), Outgoing(texts.HELP))


async def mine(message: Message, desk: Desk, account: str, channel: TelegramChannel) -> None:
    place = str(message.chat.id)
    await channel.send(place, Outgoing(await desk.citizens.cases(account, place)))


async def human(message: Message, desk: Desk, account: str, event_from_user: User) -> None:
    await desk.intake.receive(parsing.direct(message, event_from_user, account, wanted(message)))


async def rate(message: Message, desk: Desk, account: str, channel: TelegramChannel) -> None:
    place = str(message.chat.id)
    await channel.send(place, Outgoing(await desk.satisfaction.ask(account, place)))


async def stored(message: Message, desk: Desk, account: str, channel: TelegramChannel) -> None:
    place = str(message.chat.id)
    await channel.send(place, Outgoing(await desk.citizens.stored(account, place)))


async def ask_erase(message: Message, channel: TelegramChannel) -> None:
    row = (Button(texts.ERASE_YES, action="e:yes"), Button(texts.ERASE_NO, action="e:no"))
    await channel.send(str(message.chat.id), Outgoing(texts.ERASE_ASK, (row,)))


async def erase(query: CallbackQuery, desk: Desk, account: str, channel: TelegramChannel) -> None:
    text = texts.ERASE_KEPT
    if query.data == "e:yes":
        text = await desk.citizens.erase(account, str(query.from_user.id))
    await toast(query, text)
    if query.message:
        await redraw(channel, query, Outgoing(text))


async def unknown_command(message: Message, channel: TelegramChannel) -> None:
    await channel.send(str(message.chat.id), Outgoing(texts.UNKNOWN_COMMAND))


async def receive(
    message: Message, desk: Desk, account: str, event_from_user: User, channel: TelegramChannel
) -> None:
    if not await opinion(message, desk, account, event_from_user, channel):
        await desk.intake.receive(parsing.direct(message, event_from_user, account))


async def opinion(
    message: Message, desk: Desk, account: str, sender: User, channel: TelegramChannel
) -> bool:
    """Take what answers the question for a grade; False for any other message."""
    parent, place = message.reply_to_message, str(message.chat.id)
    if parent is None or not message.text:
        return False
    asked = str(parent.message_id)
    told = await desk.satisfaction.said(account, str(sender.id), place, asked, message.text)
    if told is not None:
        await tell(channel, message, told)
    return told is not None


async def revise(message: Message, desk: Desk, account: str, event_from_user: User) -> None:
    inbound = parsing.direct(message, event_from_user, account)
    await desk.intake.edit(parsing.revised(inbound, message))


async def pressed(query: CallbackQuery, desk: Desk, account: str, channel: TelegramChannel) -> None:
    press = Press.parse(query.data or "")
    if press.verb == "tick":
        await tick(query, desk, account, channel, press)
        return
    said = act(desk, account, str(query.from_user.id), query.data or "")
    if said is None:
        raise DeskError(texts.STALE_BUTTON)
    text = await said
    await toast(query, text)
    shown = f"{text}\n{texts.COMMENT_HOW}" if press.verb == "rate" else ""
    await redraw(channel, query, Outgoing(shown, kept_buttons(query)))


async def tick(
    query: CallbackQuery, desk: Desk, account: str, channel: TelegramChannel, press: Press
) -> None:
    """Show a step of 一件事 as done, or not, where its button stands."""
    citizen = str(query.from_user.id)
    ticked = await desk.bundles.tick(account, citizen, press.case_id, press.argument)
    await toast(query, ticked.text)
    now = {one.action[:-1]: one for row in ticked.rows for one in row}
    rows = tuple(tuple(now.get(one.action[:-1], one) for one in row) for row in buttons_of(query))
    await redraw(channel, query, Outgoing("", rows))


def wanted(message: Message) -> str:
    """What /human asks for: a person, and what about if that was said."""
    _, _, matter = (message.text or "").partition(" ")
    return f"{texts.HUMAN}：{matter.strip()}" if matter.strip() else texts.HUMAN


def buttons_of(query: CallbackQuery) -> tuple[tuple[Button, ...], ...]:
    """The buttons of the message as it stands."""
    markup = query.message.reply_markup if isinstance(query.message, Message) else None
    if not isinstance(markup, InlineKeyboardMarkup):
        return ()
    return tuple(
        tuple(Button(one.text, url=one.url or "", action=one.callback_data or "") for one in row)
        for row in markup.inline_keyboard
    )


def kept_buttons(query: CallbackQuery) -> tuple[tuple[Button, ...], ...]:
    """Those that open a page or tick a step: they stay when a choice is made."""
    rows = (
        tuple(one for one in row if one.url or one.action.startswith("c:tick:"))
        for row in buttons_of(query)
    )
    return tuple(row for row in rows if row)


async def redraw(channel: TelegramChannel, query: CallbackQuery, outgoing: Outgoing) -> None:
    """Change the message whose button was pressed, if it is still there."""
    if query.message is None:
        return
    place, number = str(query.message.chat.id), str(query.message.message_id)
    changed = Outgoing(outgoing.text, outgoing.buttons, edits=number)
    with suppress(SendError):
        await channel.send(place, changed)
