"""Knowledge files at the console: what one would change, looked at first; and the way out."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Collection
from dataclasses import dataclass, field, replace
from pathlib import Path

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.desk.editing import approved, check_scope, require_editor
from bot.desk.library import Library
from bot.desk.office import DeskError, Office
from bot.desk.uploads import check_size, read_upload
from knowledge.catalog import Entry, Problem
from knowledge.exchange import KnowledgeFileError, Reading, read_entries, write_entries
from knowledge.gold import Change, Gold, Verdict, breaks
from knowledge.screen import Screen
from storage import entries, gold
from storage.ledger import audit
from storage.models import EntryRow, Staff

MAX_ROWS = 20_000
FORMATS = (".xlsx", ".csv", ".tsv", ".jsonl")
_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class Plan:
    """What a file would do: entries added, changed (before and after), brought back into use.

    ``versions`` are those of the entries as they were looked at; ``withdrawn`` counts the
    approvals for automatic answers that end by it; ``broken`` are the saved questions that it
    spoils.
    """

    name: str
    rows: int
    added: tuple[Entry, ...]
    changed: tuple[tuple[Entry, Entry], ...]
    back: frozenset[str]
    unchanged: int
    problems: tuple[Problem, ...]
    ignored: tuple[str, ...]
    withdrawn: int
    broken: tuple[Verdict, ...]
    versions: dict[str, int] = field(default_factory=dict)

    @property
    def wanted(self) -> list[Entry]:
        return [*self.added, *(after for _, after in self.changed)]


class Importing:
    """By 审核, 主管 and 管理员, within their departments; everybody may export."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def plan(
        self, staff: Staff, name: str, content: bytes, automatic: bool | None = None
    ) -> Plan:
        """Read a file and say what it would do, without doing it. Raises DeskError.

        ``automatic`` takes the place of the file's own column.
        """
        require_editor(staff)
        check_size(name, content)
        reading = await asyncio.to_thread(_read, name, content)
        if automatic is not None:
            reading.entries = [replace(one, automatic=automatic) for one in reading.entries]
        async with self._office.db.read() as session:
            rows = await _rows(session, [one.id for one in reading.entries])
            questions = await gold.load(session)
        return await asyncio.to_thread(self._plan, staff, name, reading, rows, questions)

    async def apply(self, staff: Staff, plan: Plan, *, accept_broken: bool = False) -> str:
        """Do what was planned, all of it or nothing. Raises DeskError."""
        require_editor(staff)
        if plan.broken and not accept_broken:
            raise DeskError(f"有 {len(plan.broken)} 个测试问题会因此答错，没有导入。")
        if not plan.wanted:
            raise DeskError("没有要导入的内容。")
        async with self._office.db.write_alone() as session:
            rows = await _rows(session, [one.id for one in plan.wanted])
            now = {name: rows[name].version if name in rows else 0 for name in plan.versions}
            moved = [name for name, version in plan.versions.items() if now[name] != version]
            if moved:
                raise DeskError(
                    f"有 {len(moved)} 条在您核对时被改过（{_some(moved)}），没有导入，请重新核对。"
                )
            for entry in plan.wanted:
                check_scope(staff, entry)
            actor = f"staff:{staff.id}"
            saved = await entries.save(session, plan.wanted, actor)
            audit(session, actor, "kb.upload", plan.name, rows=plan.rows, withdrawn=plan.withdrawn)
        await self._office.library.refresh()
        return f"已导入：新增 {saved.added} 条，更新 {saved.changed} 条"

    async def export(self, staff: Staff, suffix: str) -> bytes:
        """Every entry in use as a file of this kind. Raises DeskError."""
        if suffix not in FORMATS:
            raise DeskError("不支持这种格式。")
        async with self._office.db.write() as session:
            known = await entries.load(session)
            audit(session, f"staff:{staff.id}", "kb.export", suffix, n=len(known))
        try:
            return await asyncio.to_thread(_written, known, suffix)
        except KnowledgeFileError as error:
            raise DeskError(str(error)) from None

    def _plan(
        self,
        staff: Staff,
        name: str,
        reading: Reading,
        rows: dict[str, EntryRow],
        questions: list[Gold],
    ) -> Plan:
        added: list[Entry] = []
        changed: list[tuple[Entry, Entry]] = []
        problems, unchanged, withdrawn = list(reading.problems), 0, 0
        for entry in reading.entries:
            row = rows.get(entry.id)
            before = entries.to_entry(row) if row is not None else None
            kept = approved(staff, before, entry)
            if row is not None and not row.retired and before == kept:
                unchanged += 1
                continue
            try:
                for one in (entry, before):
                    check_scope(staff, one) if one is not None else None
            except DeskError as error:
                problems.append(Problem(None, entry.id, "department", str(error)))
                continue
            withdrawn += entry.automatic and not kept.automatic
            problems += _unpublishable(kept, self._office.library.screen)
            if before is None:
                added.append(kept)
            else:
                changed.append((before, kept))
        wanted = [*added, *(after for _, after in changed)]
        return Plan(
            name=name,
            rows=reading.rows,
            added=tuple(added),
            changed=tuple(changed),
            back=frozenset(one.id for one in wanted if one.id in rows and rows[one.id].retired),
            unchanged=unchanged,
            problems=tuple(problems),
            ignored=reading.ignored_columns,
            withdrawn=withdrawn,
            broken=tuple(_broken(self._office.library, wanted, questions)),
            versions={one.id: rows[one.id].version if one.id in rows else 0 for one in wanted},
        )


def _read(name: str, content: bytes) -> Reading:
    reading = read_upload(name, content, FORMATS, read_entries)
    if reading.rows > MAX_ROWS:
        raise DeskError(f"文件有 {reading.rows:,} 行，一次最多 {MAX_ROWS:,} 行，请分几次导入。")
    return reading


async def _rows(session: AsyncSession, ids: Collection[str]) -> dict[str, EntryRow]:
    wanted, found = list(ids), dict[str, EntryRow]()
    for start in range(0, len(wanted), _AT_ONCE):
        for row in await entries.rows(session, wanted[start : start + _AT_ONCE]):
            found[row.id] = row
    return found


def _unpublishable(entry: Entry, screen: Screen) -> list[Problem]:
    """What would have to be mended before the entry can be edited here."""
    found = screen(entry.answer)
    return [Problem(None, entry.id, "answer", f"提醒：答案里有{one}。") for one in found[:2]]


def _broken(library: Library, wanted: list[Entry], questions: list[Gold]) -> list[Verdict]:
    """Saved questions that go wrong, by words, once these entries are there."""
    if not questions or not wanted:
        return []
    matcher, bundles = library.matcher, tuple(library.bundles.values())
    own = matcher.lexicon.own
    change = Change(matcher.entries(), wanted, own, own, bundles)
    return breaks(change, questions, weights=matcher.weights)


def _written(known: list[Entry], suffix: str) -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"knowledge{suffix}"
        write_entries(known, path)
        return path.read_bytes()


def _some(names: list[str]) -> str:
    return "、".join(names[:3]) + ("……" if len(names) > 3 else "")
