"""Telegram: plain text, inline buttons, and the platform's refusals in the desk's terms."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from aiogram import Bot
from aiogram.client.default import DefaultBotProperties
from aiogram.client.session.aiohttp import AiohttpSession
from aiogram.client.telegram import TelegramAPIServer
from aiogram.exceptions import (
    AiogramError,
    ClientDecodeError,
    TelegramAPIError,
    TelegramBadRequest,
    TelegramEntityTooLarge,
    TelegramForbiddenError,
    TelegramMigrateToChat,
    TelegramRetryAfter,
)
from aiogram.types import (
    ForceReply,
    InlineKeyboardButton,
    InlineKeyboardMarkup,
    MessageEntity,
    ReplyParameters,
    User,
)

from bot.channels.base import (
    Button,
    Capabilities,
    Outgoing,
    RateLimitedError,
    RejectedError,
    SendError,
    UnreachableError,
)

TEXT_UNITS = 4096
SEND_TIMEOUT = 20.0
_GONE = ("chat not found", "user is deactivated", "PEER_ID_INVALID")
_BAD_LINK = ("BUTTON_URL_INVALID", "button URL")

Piece = tuple[str, bool]


def build_bot(token: str, api_url: str, timeout: float = SEND_TIMEOUT) -> Bot:
    """A bot that talks to this Bot API server, each call at most ``timeout`` seconds.

    Close it with ``bot.session.close()``.
    """
    session = AiohttpSession(api=TelegramAPIServer.from_base(api_url), timeout=timeout)
    default = DefaultBotProperties(parse_mode=None, link_preview_is_disabled=True)
    return Bot(token, session=session, default=default)


class TelegramChannel:
    """A bot's way out; ``place`` is a chat id, a message's id is its number in that chat."""

    capabilities = Capabilities(max_length=4000, elsewhere="在 Telegram 的卡片上按“看附件”")

    def __init__(self, bot: Bot) -> None:
        self._bot = bot

    async def send(self, place: str, outgoing: Outgoing) -> str:
        """Send or edit. Without text, only the keyboard of the message ``edits`` is replaced."""
        with _platform_errors():
            try:
                return await self._deliver(place, outgoing)
            except TelegramMigrateToChat as moved:
                return await self._deliver(str(moved.migrate_to_chat_id), outgoing)
            except TelegramBadRequest as error:
                if not any(mark in error.message for mark in _BAD_LINK):
                    raise
                return await self._deliver(place, _links_as_text(outgoing))

    async def copy(self, place: str, source: str, reply_to: str = "") -> str:
        """Show a message somebody sent (``chat:message``) in ``place``; raises as ``send``."""
        chat, _, message = source.rpartition(":")
        with _platform_errors():
            copied = await self._bot.copy_message(
                place, chat, int(message), reply_parameters=_quoting(reply_to)
            )
        return str(copied.message_id)

    async def probe(self) -> str:
        with _platform_errors():
            return f"@{(await self._bot.get_me()).username}"

    async def close(self) -> None:
        await self._bot.session.close()

    async def _deliver(self, place: str, outgoing: Outgoing) -> str:
        if outgoing.edits:
            return await self._edit(place, outgoing)
        pieces = _pieces(outgoing.text.strip(), outgoing.copy_text.strip())
        for piece in pieces[:-1]:
            await self._post(place, piece, Outgoing("", reply_to=outgoing.reply_to))
        return await self._post(place, pieces[-1], outgoing)

    async def _post(self, place: str, piece: list[Piece], outgoing: Outgoing) -> str:
        text, entities = _joined(piece)
        entities += _mention(text, outgoing)
        markup = _asking() if outgoing.ask_reply else keyboard(outgoing.buttons)
        message = await self._bot.send_message(
            place,
            text,
            entities=entities or None,
            reply_markup=markup,
            reply_parameters=_quoting(outgoing.reply_to),
        )
        return str(message.message_id)

    async def _edit(self, place: str, outgoing: Outgoing) -> str:
        try:
            await self._replace(place, outgoing)
        except TelegramBadRequest as error:
            if "message is not modified" not in error.message:
                raise
        return outgoing.edits

    async def _replace(self, place: str, outgoing: Outgoing) -> None:
        number, markup = int(outgoing.edits), keyboard(outgoing.buttons)
        if not outgoing.text.strip() and not outgoing.copy_text.strip():
            await self._bot.edit_message_reply_markup(
                chat_id=place, message_id=number, reply_markup=markup
            )
            return
        pieces = _pieces(outgoing.text.strip(), outgoing.copy_text.strip())
        if len(pieces) > 1:
            raise RejectedError("文字太长，一条消息放不下")
        text, entities = _joined(pieces[0])
        await self._bot.edit_message_text(
            text,
            chat_id=place,
            message_id=number,
            entities=entities or None,
            reply_markup=markup,
        )


@contextmanager
def _platform_errors() -> Iterator[None]:
    """Telegram's refusals as the channel's; never with the text of a message in them."""
    try:
        yield
    except TelegramRetryAfter as error:
        raise RateLimitedError(float(error.retry_after)) from error
    except TelegramForbiddenError as error:
        raise UnreachableError(error.message) from error
    except TelegramBadRequest as error:
        gone = any(mark in error.message for mark in _GONE)
        raise (UnreachableError if gone else RejectedError)(error.message) from error
    except (TelegramEntityTooLarge, TelegramMigrateToChat) as error:
        raise RejectedError(error.message) from error
    except ClientDecodeError:
        raise SendError("Telegram 的应答无法识别") from None
    except TelegramAPIError as error:
        raise SendError(error.message) from error
    except (AiogramError, OSError) as error:
        raise SendError(type(error).__name__) from error
    except ValueError as error:  # an id that is no number, half of a character
        raise RejectedError(f"不能发送的内容（{type(error).__name__}）") from None


def keyboard(rows: tuple[tuple[Button, ...], ...]) -> InlineKeyboardMarkup | None:
    """Buttons as an inline keyboard; None when there are none."""
    if not rows:
        return None
    return InlineKeyboardMarkup(inline_keyboard=[[_button(one) for one in row] for row in rows])


def _button(button: Button) -> InlineKeyboardButton:
    if button.url:
        return InlineKeyboardButton(text=button.title, url=button.url)
    return InlineKeyboardButton(text=button.title, callback_data=button.action)


def _asking() -> ForceReply:
    return ForceReply(selective=True, input_field_placeholder="在这里写")


def _quoting(message_id: str) -> ReplyParameters | None:
    if not message_id:
        return None
    return ReplyParameters(message_id=int(message_id), allow_sending_without_reply=True)


def _links_as_text(outgoing: Outgoing) -> Outgoing:
    """An address that Telegram takes for no button is still worth reading."""
    links = [one for row in outgoing.buttons for one in row if one.url]
    lines = "\n".join(f"{one.title}：{one.url}" for one in links)
    rows = (tuple(one for one in row if not one.url) for row in outgoing.buttons)
    text = f"{outgoing.text}\n\n{lines}"
    return replace(outgoing, text=text, buttons=tuple(row for row in rows if row))


def units(text: str) -> int:
    """Length in UTF-16 units, in which Telegram counts."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def _pieces(text: str, copy_text: str) -> list[list[Piece]]:
    """What goes into one message each: plain text (False) and text to copy (True)."""
    whole = [(part, copied) for part, copied in ((text, False), (copy_text, True)) if part]
    if units(_joined(whole)[0]) <= TEXT_UNITS:
        return [whole]
    return [[(cut, copied)] for part, copied in whole for cut in _cut(part)]


def _cut(text: str) -> Iterator[str]:
    while units(text) > TEXT_UNITS:
        end = TEXT_UNITS
        while (over := units(text[:end]) - TEXT_UNITS) > 0:
            end -= (over + 1) // 2
        line = text.rfind("\n", end // 2, end)
        end = line + 1 if line >= 0 else end
        yield text[:end].rstrip()
        text = text[end:].lstrip()
    if text:
        yield text


def _mention(text: str, outgoing: Outgoing) -> list[MessageEntity]:
    """In a group, a selective reply box opens only for whom the text mentions."""
    if not outgoing.person or not text.startswith(outgoing.person_name):
        return []
    user = User(id=int(outgoing.person), is_bot=False, first_name=outgoing.person_name)
    length = units(outgoing.person_name)
    return [MessageEntity(type="text_mention", offset=0, length=length, user=user)]


def _joined(pieces: list[Piece]) -> tuple[str, list[MessageEntity]]:
    text = ""
    entities: list[MessageEntity] = []
    for part, copied in pieces:
        text += f"\n\n{part}" if text else part
        if copied:
            offset = units(text) - units(part)
            entities.append(MessageEntity(type="pre", offset=offset, length=units(part)))
    return text, entities
