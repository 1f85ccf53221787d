"""What citizens sent beside words, as files under random names in the data directory."""

from __future__ import annotations

import asyncio
import re
import secrets
import shutil
import time
from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import Any

PREFIX = "file:"
"""What the reference of an attachment that is stored here begins with."""
_NAME = re.compile(r"[0-9a-f]{32}")
_SPARE = 1024**3
_SETTLED = 24 * 3600.0


class FullError(Exception):
    """The disk has no room to spare."""


class FileStore:
    """A folder of files nobody serves by name; only the office's account may look into it."""

    def __init__(self, folder: Path, spare: int = _SPARE) -> None:
        self._folder = folder
        self._spare = spare

    async def keep(self, content: bytes) -> str:
        """Store bytes and return their name. Raises FullError."""
        return await asyncio.to_thread(self._keep, content)

    async def put(self, name: str, content: bytes) -> None:
        """Store bytes under the name they had before. Raises FullError."""
        if is_name(name):
            await asyncio.to_thread(self._write, name, content)

    async def read(self, name: str) -> bytes | None:
        """What is stored under a name; None when there is nothing."""
        if not is_name(name):
            return None
        try:
            return await asyncio.to_thread((self._folder / name).read_bytes)
        except FileNotFoundError:
            return None

    async def remove(self, names: Collection[str]) -> None:
        """Delete these, as far as they are there."""
        known = [name for name in names if is_name(name)]
        await asyncio.to_thread(self._remove, known)

    async def sweep(self, kept: Collection[str]) -> int:
        """Delete what no message names a day after it came; returns how many."""
        return await asyncio.to_thread(self._sweep, frozenset(kept))

    def _keep(self, content: bytes) -> str:
        name = secrets.token_hex(16)
        self._write(name, content)
        return name

    def _write(self, name: str, content: bytes) -> None:
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if shutil.disk_usage(self._folder).free < self._spare + len(content):
            raise FullError
        path = self._folder / name
        path.touch(mode=0o600)
        path.write_bytes(content)

    def _remove(self, names: Collection[str]) -> None:
        for name in names:
            (self._folder / name).unlink(missing_ok=True)

    def _sweep(self, kept: frozenset[str]) -> int:
        if not self._folder.exists():
            return 0
        before = time.time() - _SETTLED
        stray = [
            path.name
            for path in self._folder.iterdir()
            if is_name(path.name) and path.name not in kept and path.stat().st_mtime < before
        ]
        self._remove(stray)
        return len(stray)


def is_name(name: str) -> bool:
    """Whether a file may be stored under this."""
    return _NAME.fullmatch(name) is not None


def names(held: Iterable[Mapping[str, Any]]) -> list[str]:
    """The stored files among a message's attachments."""
    references = (str(one.get("reference", "")) for one in held)
    return [one.removeprefix(PREFIX) for one in references if one.startswith(PREFIX)]
