"""附件 from the web page: what may be sent, and how staff get to see it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.channels.base import Attachment
from bot.desk.inbox import own_case
from bot.desk.office import DeskError, Office
from storage import queries
from storage.enclosed import named
from storage.files import PREFIX, FullError
from storage.ledger import audit
from storage.models import Staff

MAX_BYTES = 5 * 1024 * 1024
_LONGEST = 60
_UNNAMED = re.compile(
    r"[\x00-\x1f\x7f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff/\\:*?\"<>|]"
)
_KINDS = (
    (b"\xff\xd8\xff", "photo", ".jpg"),
    (b"\x89PNG\r\n\x1a\n", "photo", ".png"),
    (b"%PDF-", "document", ".pdf"),
)


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
    for beginning, kind, suffix in _KINDS:
        if content.startswith(beginning):
            return kind, suffix
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "photo", ".webp"
    raise DeskError("只能发 JPG、PNG、WebP 图片和 PDF 文件。")


def _title(name: str, suffix: str) -> str:
    """A name that is safe to save under, with the ending of what it really is."""
    plain = _UNNAMED.sub("", name).strip(". ")
    stem = plain.rpartition(".")[0] or plain
    return f"{stem.strip('. ')[:_LONGEST] or '附件'}{suffix}"
