"""From Telegram's messages to the desk's: text, time, thread, attachments."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from aiogram.enums import ContentType
from aiogram.types import CallbackQuery, Message, User

from bot.channels.base import Attachment
from bot.desk import Inbound

# What people send, by the kind staff see it as; every other content is a note of the platform.
KINDS = {
    ContentType.PHOTO: "photo",
    ContentType.LIVE_PHOTO: "photo",
    ContentType.VOICE: "voice",
    ContentType.AUDIO: "audio",
    ContentType.VIDEO: "video",
    ContentType.VIDEO_NOTE: "video",
    ContentType.ANIMATION: "video",
    ContentType.DOCUMENT: "document",
    ContentType.LOCATION: "location",
    ContentType.VENUE: "location",
    ContentType.STICKER: "sticker",
    ContentType.CONTACT: "contact",
    ContentType.POLL: "poll",
    ContentType.DICE: "dice",
    ContentType.STORY: "story",
    ContentType.GAME: "other",
    ContentType.CHECKLIST: "other",
    ContentType.PAID_MEDIA: "other",
    ContentType.RICH_MESSAGE: "other",
    ContentType.INVOICE: "other",
    ContentType.GIVEAWAY: "other",
}
_TITLES = ("file_name", "title", "question", "first_name", "emoji")
_DETAILS = (
    "file_id",
    "file_size",
    "mime_type",
    "duration",
    "latitude",
    "longitude",
    "address",
    "phone_number",
    "value",
)


def is_content(message: Message) -> bool:
    """Whether a person said something; in a private chat, also what this program cannot name."""
    unnamed = message.content_type == ContentType.UNKNOWN and message.chat.type == "private"
    return message.content_type in {ContentType.TEXT, *KINDS} or unnamed


def direct(message: Message, sender: User, account: str, text: str | None = None) -> Inbound:
    """A message of the private chat; ``text`` stands in for what was written."""
    return _inbound(message, sender, account, text, thread="")


def comment(
    message: Message, sender: User, account: str, thread: str, text: str | None = None
) -> Inbound:
    """A message of a group, answered by quoting it."""
    return _inbound(message, sender, account, text, thread=thread)


def revised(inbound: Inbound, message: Message) -> Inbound:
    """The same message at the time of its last edit."""
    moment = datetime.fromtimestamp(message.edit_date or message.date.timestamp(), UTC)
    return replace(inbound, sent_at=moment)


def asked(query: CallbackQuery, question: str, mark: str, account: str) -> Inbound:
    """A question pressed in a menu; the same question of one menu is one message."""
    place = str(query.from_user.id)
    number = query.message.message_id if query.message else query.id
    return Inbound(
        account=account,
        citizen=place,
        name=query.from_user.full_name,
        kind="direct",
        place=place,
        thread=place,
        external_id=f"{place}:{number}:{mark}",
        text=question,
        sent_at=datetime.now(UTC),
    )


def thread_of(message: Message, *, discussion: bool) -> str:
    """The conversation a group message belongs to.

    Under a channel post it is the post's automatic forward, in a forum the topic; elsewhere
    Telegram starts a thread with every answer, so the group itself is the conversation.
    """
    place, parent = str(message.chat.id), message.reply_to_message
    if parent is not None and parent.is_automatic_forward:
        return f"{place}/{parent.message_id}"
    if message.message_thread_id and (discussion or message.is_topic_message):
        return f"{place}/{message.message_thread_id}"
    return place


def _inbound(
    message: Message, sender: User, account: str, text: str | None, *, thread: str
) -> Inbound:
    place, number = str(message.chat.id), message.message_id
    written = message.text or message.caption or ""
    return Inbound(
        account=account,
        citizen=str(sender.id),
        name=sender.full_name,
        kind="comment" if thread else "direct",
        place=place,
        thread=thread or place,
        post=thread if thread != place else "",
        external_id=f"{place}:{number}",
        text=written if text is None else text,
        sent_at=message.date.astimezone(UTC),
        attachments=attachments(message),
        reply_to=str(number) if thread else "",
    )


def attachments(message: Message) -> tuple[Attachment, ...]:
    """Everything that is not text, by ``chat:message`` so that it can be shown again."""
    if message.content_type == ContentType.TEXT:
        return ()
    kind = KINDS.get(ContentType(message.content_type), "other")
    content = getattr(message, message.content_type, None)
    if isinstance(content, list):
        content = content[-1] if content else None
    reference = f"{message.chat.id}:{message.message_id}"
    return (Attachment(kind, reference, _title(content), _details(content)),)


def _title(content: Any) -> str:
    found = (getattr(content, name, None) for name in _TITLES)
    return next((str(one) for one in found if one), "")


def _details(content: Any) -> dict[str, Any]:
    place = getattr(content, "location", None)
    return {
        name: value
        for name in _DETAILS
        for value in (getattr(content, name, None), getattr(place, name, None))
        if isinstance(value, str | int | float)
    }
