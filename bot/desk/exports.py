"""What platforms export, taken in from files at the console like messages of any other way."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial
from pathlib import Path

from bot.desk.desktop import DECIDERS
from bot.desk.office import DeskError, Office, storable
from bot.desk.uploads import check_size, read_upload
from bot.exports import Export, UnknownColumnsError, read, remember, remembered
from storage import accounts
from storage.ledger import audit
from storage.models import Staff

FORMATS = (".xlsx", ".csv", ".tsv")
MAX_ROWS = 50_000


class Exports:
    """By 主管 and 管理员, for those sources that are accounts of theirs."""

    def __init__(self, office: Office) -> None:
        self._office = office

    @property
    def used(self) -> bool:
        """Whether there is any account whose files may be taken in."""
        return bool(self._office.premises.sources)

    async def sources(self, staff: Staff) -> dict[str, str]:
        """The accounts that this person may take files in for, by their keys. Raises DeskError."""
        if staff.role not in DECIDERS:
            raise DeskError("导入要由主管或管理员来做，您的操作没有执行。")
        async with self._office.db.read() as session:
            known = await accounts.everyone(session)
        own = [key for key in self._office.premises.sources if key in (staff.accounts or [key])]
        return {one.key: f"{one.platform} · {one.name}" for one in known if one.key in own}

    async def read(
        self,
        staff: Staff,
        source: str,
        name: str,
        content: bytes,
        chosen: Mapping[str, str] | None = None,
        *,
        direct: bool = False,
    ) -> Export:
        """A file as it would be taken in; without ``chosen`` the columns named last count.

        Of a file whose text or time is not found, only its columns. Raises DeskError.
        """
        await self._check(staff, source)
        check_size(name, content)
        export = await asyncio.to_thread(
            read_upload, name, content, FORMATS, partial(self._read, source, chosen, direct)
        )
        if (rows := len(export.rows) + len(export.skipped)) > MAX_ROWS:
            raise DeskError(
                f"文件有 {rows:,} 行，一次最多 {MAX_ROWS:,} 行，请拆成几个文件，"
                "或用命令 wenban intake 导入。"
            )
        return export

    def _read(
        self, source: str, chosen: Mapping[str, str] | None, direct: bool, path: Path
    ) -> Export:
        folder = self._office.premises.folder
        if chosen is None:
            chosen = remembered(folder, source) if folder else {}
        try:
            return read(path, chosen, direct=direct)
        except UnknownColumnsError as error:
            return Export(ignored=error.titles)

    async def begin(
        self, staff: Staff, source: str, name: str, export: Export, chosen: Mapping[str, str]
    ) -> None:
        """This person takes the file in now; which columns they named is kept. Raises DeskError."""
        await self._check(staff, source)
        folder = self._office.premises.folder
        if folder and chosen:
            await asyncio.to_thread(remember, folder, source, chosen)
        async with self._office.db.write() as session:
            told = {"name": storable(name)[-80:], "rows": len(export.rows)}
            audit(session, f"staff:{staff.id}", "account.file", source, **told)

    async def end(self, staff: Staff, source: str, rows: int, counts: Mapping[str, int]) -> None:
        """Note what became of a file's rows."""
        async with self._office.db.write() as session:
            audit(session, f"staff:{staff.id}", "account.intake", source, rows=rows, **counts)

    async def _check(self, staff: Staff, source: str) -> None:
        if source not in await self.sources(staff):
            raise DeskError("这个账号不在您的范围内，您的操作没有执行。")
