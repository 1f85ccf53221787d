"""The files of a backup: what citizens sent beside words, each as it was kept, and a list of it."""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import Text, cast
from sqlalchemy.ext.asyncio import AsyncConnection
from sqlmodel import col, select

from storage.files import PREFIX, FileStore, is_name, names
from storage.models import Message

_FOLDER = "files/"
INDEX = f"{_FOLDER}index.jsonl"
_LARGEST_INDEX = 500_000_000


class EnclosedError(ValueError):
    """The files of a backup are not those that were put in."""


@dataclass(frozen=True, slots=True)
class Enclosed:
    """How many files a backup holds, and the digest of the list of them."""

    count: int
    sha256: str


@dataclass(frozen=True, slots=True)
class _File:
    name: str
    size: int
    sha256: str


async def named(connection: AsyncConnection) -> list[str]:
    """The stored files that messages name, in the state the connection sees."""
    held = cast(col(Message.attachments), Text).contains(f'"{PREFIX}')
    query = select(Message.attachments).where(held).order_by(col(Message.id))
    rows = (await connection.execute(query)).scalars()
    return list(dict.fromkeys(name for row in rows for name in names(row)))


async def enclose(archive: zipfile.ZipFile, store: FileStore, wanted: Sequence[str]) -> Enclosed:
    """Put these files in, as far as they are there: what was sent may be erased meanwhile."""
    lines = []
    for name in wanted:
        content = await store.read(name)
        if content is None:
            continue
        one = _File(name, len(content), hashlib.sha256(content).hexdigest())
        lines.append(json.dumps(asdict(one)).encode() + b"\n")
        # Pictures do not shrink; and what a citizen sent must not look like a bomb.
        archive.writestr(f"{_FOLDER}{name}", content, zipfile.ZIP_STORED)
    index = b"".join(lines)
    archive.writestr(INDEX, index)
    return Enclosed(len(lines), hashlib.sha256(index).hexdigest())


def listed(archive: zipfile.ZipFile, note: Enclosed) -> list[str]:
    """What the archive must hold of files. Raises EnclosedError."""
    return [INDEX, *(f"{_FOLDER}{one.name}" for one in _index(archive, note))]


async def unpack(archive: zipfile.ZipFile, note: Enclosed, store: FileStore) -> int:
    """Put the files back where they were; how many. Raises EnclosedError."""
    for one in _index(archive, note):
        try:
            content = archive.read(f"{_FOLDER}{one.name}")
        except zipfile.BadZipFile:
            content = b""
        if (len(content), hashlib.sha256(content).hexdigest()) != (one.size, one.sha256):
            raise EnclosedError(one.name)
        await store.put(one.name, content)
    return note.count


def _index(archive: zipfile.ZipFile, note: Enclosed) -> Iterator[_File]:
    try:
        if archive.getinfo(INDEX).file_size > _LARGEST_INDEX:
            raise EnclosedError(INDEX)
        content = archive.read(INDEX)
        found = [_File(**json.loads(line)) for line in content.splitlines()]
    except (KeyError, ValueError, TypeError, zipfile.BadZipFile) as error:
        raise EnclosedError(INDEX) from error
    right = (len(found), hashlib.sha256(content).hexdigest()) == (note.count, note.sha256)
    if not right or not all(is_name(one.name) for one in found):
        raise EnclosedError(INDEX)
    return iter(found)
