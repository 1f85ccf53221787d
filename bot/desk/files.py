"""附件: what may be sent at the web page, what is fetched from a platform, who gets to see it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.channels.base import Attachment
from bot.desk.inbox import own_case
from bot.desk.office import (
    TOPIC_OUTBOX,
    DeskError,
    Office,
    account_by_key,
    key_of,
    locked_case,
)
from storage import media, queries
from storage.enclosed import named
from storage.files import PREFIX, FullError
from storage.ledger import audit
from storage.models import Message, Staff

MAX_BYTES = 5 * 1024 * 1024
_LONGEST = 60
_UNNAMED = re.compile(
    r"[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff/\\:*?\"<>|]"
)
_AT_ONCE = 50
_STILL_WRITTEN = 1000  # a message numbered lower may be written later than one numbered higher
_NAMES = {"photo": "照片", "voice": "语音"}
_KINDS = (
    (b"\xff\xd8\xff", "photo", ".jpg"),
    (b"\x89PNG\r\n\x1a\n", "photo", ".png"),
    (b"%PDF-", "document", ".pdf"),
)


_OTHERS = ((b"GIF8", "photo", ".gif"), (b"#!AMR", "voice", ".amr"))


@dataclass(frozen=True, slots=True)
class Abroad:
    """What an attachment of a message is called by the platform that keeps it."""

    message_id: int
    reference: str
    kind: str


@dataclass(frozen=True, slots=True)
class Sent:
    """A file for a member of staff to keep: its name and what is in it."""

    name: str
    content: bytes


class Files:
    """Files are told apart by what is in them, never by what they are called."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def keep(self, name: str, content: bytes) -> Attachment:
        """Store what a citizen sends. Raises DeskError with a text for them."""
        store = self._office.files
        if store is None:
            raise DeskError("这里不能发图片和文件，请用文字说明。")
        if not content:
            raise DeskError("这个文件是空的，请重新选择。")
        if len(content) > MAX_BYTES:
            raise DeskError("文件超过 5 MB，请压缩后再发。")
        kind, suffix = _sniffed(content)
        try:
            reference = await store.keep(content)
        except FullError:
            raise DeskError("暂时收不了文件，请先用文字说明，或稍后再发。") from None
        title = _title(name, suffix)
        return Attachment(kind, f"{PREFIX}{reference}", title, {"file_size": len(content)})

    async def drop(self, attachment: Attachment) -> None:
        """Take back what was stored but belongs to no message."""
        if self._office.files is not None:
            await self._office.files.remove([attachment.reference.removeprefix(PREFIX)])

    async def abroad(self, account: str, since: datetime, after: int) -> tuple[list[Abroad], int]:
        """What a platform still keeps of messages numbered higher and come later than this.

        Returns besides it where to look from the next time, if nothing of it is left.
        """
        async with self._office.db.read() as session:
            row = await account_by_key(session, account)
            newest = await media.newest(session)
            found = await media.abroad(session, key_of(row), since, after, _AT_ONCE)
        left = [
            Abroad(one.id or 0, held["reference"], held["kind"])
            for one in found
            for held in one.attachments
            if media.is_abroad(held)
        ]
        return left, newest - _STILL_WRITTEN

    async def bring(self, one: Abroad, content: bytes) -> bool:
        """Keep what a platform gave out, in place of its reference; whether it could be kept.

        What is of no kind that staff may be handed, and nothing at all, is not asked for again.
        Raises FullError.
        """
        store, suffix = self._office.files, _suffix(content)
        if store is None or not suffix:
            await self._settle(one, {})
            return False
        name = await store.keep(content)
        title = f"{_NAMES.get(one.kind, '附件')}{suffix}"
        kept = {"reference": f"{PREFIX}{name}", "title": title, "size": len(content)}
        if await self._settle(one, kept):
            return True
        await store.remove([name])
        return False

    async def _settle(self, one: Abroad, changes: dict[str, Any]) -> bool:
        """Change a message's attachment, if it was not erased meanwhile."""
        async with self._office.db.write() as session:
            message = await session.get_one(Message, one.message_id)
            await locked_case(session, message.case_id)
            await session.refresh(message)
            before = message.attachments
            message.attachments = [
                media.settled(held, **changes) if held["reference"] == one.reference else held
                for held in before
            ]
            changed = message.attachments != before
        if changed:
            self._office.notify(TOPIC_OUTBOX)
        return changed

    async def read(self, staff: Staff, case_id: int, reference: str) -> Sent:
        """One file of a case this person may see; that they took it is kept. Raises DeskError."""
        async with self._office.db.write() as session:
            await own_case(session, staff, case_id)
            held = await _held(session, case_id, reference)
            audit(session, f"staff:{staff.id}", "case.files", str(case_id))
        store = self._office.files
        content = await store.read(reference.removeprefix(PREFIX)) if store and held else None
        if held is None or content is None:
            raise DeskError("这个文件已经删除，或不在这台机器上。")
        return Sent(held.title, content)


async def sweep(office: Office) -> int:
    """Delete files that no message names any more; returns how many."""
    if office.files is None:
        return 0
    async with office.db.read() as session:
        kept = await named(await session.connection())
    return await office.files.sweep(kept)


async def _held(session: AsyncSession, case_id: int, reference: str) -> Attachment | None:
    for message in await queries.messages(session, case_id):
        for one in message.attachments:
            if one["reference"] == reference and reference.startswith(PREFIX):
                return Attachment(**one)
    return None


def _sniffed(content: bytes) -> tuple[str, str]:
    """The kind of attachment and the ending its name must have. Raises DeskError."""
    found = _kind(content, _KINDS)
    if found is None:
        raise DeskError("只能发 JPG、PNG、WebP 图片和 PDF 文件。")
    return found


def _suffix(content: bytes) -> str:
    """The ending for what a platform gave out; "" for what staff are not handed."""
    found = _kind(content, (*_KINDS, *_OTHERS))
    return found[1] if found else ""


def _kind(content: bytes, kinds: Iterable[tuple[bytes, str, str]]) -> tuple[str, str] | None:
    for beginning, kind, suffix in kinds:
        if content.startswith(beginning):
            return kind, suffix
    webp = content[:4] == b"RIFF" and content[8:12] == b"WEBP"
    return ("photo", ".webp") if webp else None


def _title(name: str, suffix: str) -> str:
    """A name that is safe to save under, with the ending of what it really is."""
    plain = _UNNAMED.sub("", name).strip(". ")
    stem = plain.rpartition(".")[0] or plain
    return f"{stem.strip('. ')[:_LONGEST] or '附件'}{suffix}"
