"""The 管理员's look at the running office: its health, jobs, accounts, words and backups."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.channels.base import Channel, SendError
from bot.clock import SHANGHAI
from bot.desk.office import DeskError, Office
from bot.desk.premises import Finding
from knowledge.gold import Change, Gold, breaks
from knowledge.lexicon import ALONE, Lexicon, LexiconError, join, part
from storage import accounts, backup, gold, jobs, lexicon
from storage.ledger import audit
from storage.models import Account, Staff
from storage.terms import Role
from storage.web_queries import Health, health

_NAME = re.compile(r"wenban-\d{8}-\d{6}\.zip")
_PATIENCE = 15.0
Own = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Running:
    """How the program is: counts, the vectors, and when each job was last due."""

    health: Health
    entries: int
    semantic: str
    missing_vectors: int
    runs: Mapping[str, datetime]


@dataclass(frozen=True, slots=True)
class Kept:
    """One backup in the folder; size in bytes."""

    name: str
    size: int
    made_at: datetime


@dataclass(frozen=True, slots=True)
class WordGroup:
    """Words of one meaning: those shipped, and those the office added."""

    shipped: tuple[str, ...]
    added: tuple[str, ...]


class Administering:
    """Every call names the 管理员 who acts; anybody else is refused with a DeskError."""

    def __init__(self, office: Office, channels: Mapping[str, Channel]) -> None:
        self._office, self._channels = office, channels

    async def running(self, admin: Staff) -> Running:
        _check(admin)
        keeper, library = self._office.library.keeper, self._office.library
        async with self._office.db.read() as session:
            known = await jobs.runs(session)
        return Running(
            await health(self._office.db),
            len(library),
            keeper.state if keeper else "",
            keeper.missing if keeper else 0,
            known,
        )

    async def findings(self, admin: Staff) -> Sequence[Finding]:
        """What `wenban check` says now; nothing where the program cannot look."""
        _check(admin)
        look = self._office.premises.check
        return await look() if look else ()

    async def accounts(self, admin: Staff) -> list[Account]:
        """The register of accounts."""
        _check(admin)
        async with self._office.db.read() as session:
            return list(await accounts.everyone(session))

    def connected(self, key: str) -> bool:
        """Whether this program answers in the account's name."""
        return key in self._channels

    async def probe(self, admin: Staff, key: str) -> str:
        """Try the account's connection: what the platform says. Raises DeskError."""
        _check(admin)
        channel = self._channels.get(key)
        if channel is None:
            raise DeskError("这个账号只是登记的，不由本程序收发。")
        try:
            async with asyncio.timeout(_PATIENCE):
                said = await channel.probe()
        except TimeoutError:
            raise DeskError("连不上：等了 15 秒没有应答，请核对网络和地址。") from None
        except SendError as error:
            raise DeskError(f"连不上：{error}。请核对令牌、地址和网络。") from None
        async with self._office.db.write() as session:
            audit(session, _actor(admin), "account.probe", key)
        return said

    async def words(self, admin: Staff, text: str = "") -> tuple[list[WordGroup], list[str]]:
        """The groups of words the office changed, or all with ``text`` in them; and the shipped
        words that it lets stand alone."""
        _check(admin)
        async with self._office.db.read() as session:
            own = await lexicon.load(session)
        groups = [
            WordGroup(
                tuple(word for word in group.words if word not in own),
                tuple(word for word in group.words if word in own),
            )
            for group in Lexicon(own).groups
        ]
        chosen = [one for one in groups if _wanted(one, text.strip())]
        return chosen, [word for word, kin in own.items() if kin == ALONE]

    async def join(self, admin: Staff, words: Sequence[str]) -> None:
        """Make words mean the same, unless a saved question would go wrong by it."""
        await self._reword(admin, lambda own: join(own, words), "kb.words.add")

    async def part(self, admin: Staff, word: str) -> None:
        """Let a word stand alone."""
        await self._reword(admin, lambda own: part(own, [word]), "kb.words.remove")

    async def _reword(
        self, admin: Staff, changed: Callable[[Own], dict[str, str]], action: str
    ) -> None:
        _check(admin)
        library = self._office.library
        await library.refresh()
        try:
            async with self._office.db.read() as session:
                own, saved = changed(await lexicon.load(session)), await gold.load(session)
            spoilt = await asyncio.to_thread(self._spoilt, own, saved)
            if spoilt:
                raise DeskError(f"没有改：测试问题“{spoilt}”会因此答错。")
            async with self._office.db.write_alone() as session:
                await lexicon.change(session, changed, _actor(admin), action)
        except LexiconError as error:
            raise DeskError(str(error)) from None
        await library.refresh()

    def _spoilt(self, own: Own, saved: Sequence[Gold]) -> str:
        """The first saved question that these words would make go wrong."""
        matcher = self._office.library.matcher
        change = Change(matcher.entries(), words=matcher.lexicon.own, own=own)
        today = self._office.today()
        lost = breaks(change, saved, today, weights=matcher.weights) if saved else []
        return lost[0].gold.query if lost else ""

    async def backups(self, admin: Staff) -> list[Kept]:
        """What lies in the folder of backups, the newest first."""
        _check(admin)
        folder = self._office.premises.backups
        return await asyncio.to_thread(_listed, folder) if folder else []

    async def back_up(self, admin: Staff) -> Kept:
        """Make a backup now, while the office goes on working."""
        async with self._keeping(admin, "db.backup") as (folder, noted):
            name = f"wenban-{self._office.now().astimezone(SHANGHAI):%Y%m%d-%H%M%S}.zip"
            await asyncio.to_thread(_prepare, folder)
            try:
                manifest = await backup.backup(
                    self._office.db, folder / name, files=self._office.files
                )
            except backup.BackupError as error:
                raise DeskError(str(error)) from None
            noted.append((name, {"rows": manifest.rows}))
        return next(one for one in await self.backups(admin) if one.name == name)

    async def hand_over(self, admin: Staff, name: str) -> Path:
        """The file of a backup, to be taken along; audited."""
        async with self._keeping(admin, "db.download") as (folder, noted):
            path = _existing(folder, name)
            noted.append((name, {}))
        return path

    async def discard(self, admin: Staff, name: str) -> None:
        """Delete a backup."""
        async with self._keeping(admin, "db.discard") as (folder, noted):
            await asyncio.to_thread(_existing(folder, name).unlink)
            noted.append((name, {}))

    @asynccontextmanager
    async def _keeping(
        self, admin: Staff, action: str
    ) -> AsyncIterator[tuple[Path, list[tuple[str, dict[str, int]]]]]:
        """The folder of backups, and a list of (file, details) to be noted in the audit."""
        _check(admin)
        folder = self._office.premises.backups
        if folder is None:
            raise DeskError("这里没有设备份文件夹，请用 wenban db backup。")
        noted: list[tuple[str, dict[str, int]]] = []
        yield folder, noted
        async with self._office.db.write() as session:
            _note(session, admin, action, noted)


def _note(
    session: AsyncSession, admin: Staff, action: str, noted: list[tuple[str, dict[str, int]]]
) -> None:
    for name, data in noted:
        audit(session, _actor(admin), action, name, **data)


def _prepare(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def _listed(folder: Path) -> list[Kept]:
    found = []
    for path in folder.glob("wenban-*.zip"):
        if _NAME.fullmatch(path.name):
            status = path.stat()
            made = datetime.fromtimestamp(status.st_mtime, UTC)
            found.append(Kept(path.name, status.st_size, made))
    return sorted(found, key=lambda one: one.name, reverse=True)


def _existing(folder: Path, name: str) -> Path:
    """A backup of this folder and no other file. Raises DeskError."""
    path = folder / name
    if not _NAME.fullmatch(name) or not path.is_file():
        raise DeskError("没有这个备份，请刷新再看。")
    return path


def _wanted(group: WordGroup, text: str) -> bool:
    if not text:
        return bool(group.added)
    return any(text in word for word in (*group.shipped, *group.added))


def _check(admin: Staff) -> None:
    if admin.role != Role.ADMIN:
        raise DeskError("要由管理员来做，您的操作没有执行。")


def _actor(admin: Staff) -> str:
    return f"staff:{admin.id}"
