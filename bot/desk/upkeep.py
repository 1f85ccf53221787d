"""Keeping the knowledge base sound: what is wrong with it, its links, its saved questions."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from bot.desk.editing import require_editor
from bot.desk.office import DeskError, Office, storable
from bot.links import check_links
from knowledge.bundles import check_bundles
from knowledge.catalog import Entry, Problem, check_entries
from knowledge.gold import Gold, Verdict, check
from knowledge.text import normalize
from knowledge.twins import Twins, twins
from storage import accounts, entries, gold
from storage.ledger import audit
from storage.models import Staff

CONTRADICTION, DUPLICATE, EXPIRED, REVIEW, MISSING, ALIKE = (
    "矛盾",
    "重复",
    "已过期",
    "该复核",
    "缺项、写错",
    "很像",
)
KINDS = (CONTRADICTION, DUPLICATE, EXPIRED, REVIEW, MISSING, ALIKE)
_LONGEST_QUESTION = 500


@dataclass(frozen=True, slots=True)
class Trouble:
    """Something an editor should look at, of one of KINDS, with the entries it is about."""

    kind: str
    text: str
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class LinkState:
    """A service link with what came of opening it last; ``problem`` is "" when it opened, and
    ``checked_at`` None when it was never tried."""

    url: str
    problem: str
    checked_at: datetime | None
    failing_since: datetime | None
    entries: tuple[Entry, ...]


class Upkeep:
    """Everybody may look; editors open links and change the saved questions."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._opening = asyncio.Lock()

    async def troubles(self) -> list[Trouble]:
        """What is wrong with the entries in use, the worst first."""
        async with self._office.db.read() as session:
            known = await entries.load(session)
        found = await asyncio.to_thread(self._troubles, known)
        return sorted(found, key=lambda one: KINDS.index(one.kind))

    async def links(self) -> list[LinkState]:
        """Every link that entries in use give, the dead ones first, the longest dead on top."""
        async with self._office.db.read() as session:
            known = await entries.load(session)
            checked = await accounts.link_checks(session)
        users: dict[str, list[Entry]] = {}
        for entry in known:
            for link in entry.links:
                users.setdefault(link.url, []).append(entry)
        found = []
        for url, using in users.items():
            row = checked.get(url)
            problem = row.problem if row is not None else ""
            since, at = (row.failing_since, row.checked_at) if row is not None else (None, None)
            found.append(LinkState(url, problem, at, since, tuple(using)))
        return sorted(found, key=_deadest)

    async def open_links(self, staff: Staff) -> str:
        """Open all of them now, and keep what came of it."""
        require_editor(staff)
        if self._opening.locked():
            raise DeskError("正在检查，请等一会儿再看。")
        async with self._opening:
            found = await check_links(self._office.db)
            dead = sum(bool(one.problem) for one in found)
            async with self._office.db.write() as session:
                actor = f"staff:{staff.id}"
                audit(session, actor, "kb.links", opened=len(found), dead=dead)
        return f"查了 {len(found)} 个办事入口，{dead} 个打不开"

    async def verdicts(self) -> list[Verdict]:
        """Every saved question as the running program answers it, what goes wrong first."""
        async with self._office.db.read() as session:
            questions = await gold.load(session)
        library = self._office.library
        await library.refresh()
        today = self._office.today()
        found = await asyncio.to_thread(check, library.matcher, questions, today)
        return sorted(found, key=lambda one: one.passed)

    async def keep_question(self, staff: Staff, query: str, entry_id: str) -> str:
        """Save a question with the entry it must lead to, "" for none; an old one is changed."""
        require_editor(staff)
        said = " ".join(storable(query).split())[:_LONGEST_QUESTION]
        if not said:
            raise DeskError("请写群众会怎样问。")
        if findings := self._office.library.screen.blocking(said):
            raise DeskError(f"没有保存：{findings[0]}。")
        wanted = entry_id.strip()
        if wanted and self._office.library.get(wanted) is None:
            raise DeskError(f"在用的条目里没有编号“{wanted}”。")
        async with self._office.db.write_alone() as session:
            changed = await gold.save(session, [Gold(said, wanted)], f"staff:{staff.id}")
        return "已保存" if changed else "已经有这个测试问题"

    async def drop_question(self, staff: Staff, query: str) -> str:
        require_editor(staff)
        async with self._office.db.write() as session:
            if not await gold.drop(session, query, f"staff:{staff.id}"):
                raise DeskError("没有这个测试问题，可能已经删了。")
        return "已删除"

    def _troubles(self, known: list[Entry]) -> list[Trouble]:
        by_id = {entry.id: entry for entry in known}
        problems = check_entries(known, self._office.today())
        found = [_trouble(one, by_id) for one in problems]
        found += self._unbundled(by_id)
        return [*found, *_lookalikes(twins(known))]

    def _unbundled(self, by_id: dict[str, Entry]) -> Iterator[Trouble]:
        """What is wrong with a 一件事, with those of its entries that are there."""
        bundles = self._office.library.bundles
        today = self._office.today()
        for bundle_id, text in check_bundles(tuple(bundles.values()), by_id.get, today):
            steps = bundles[bundle_id].steps
            concerned = tuple(by_id[one.entry_id] for one in steps if one.entry_id in by_id)
            if concerned:
                yield Trouble(MISSING, text, concerned)


def _trouble(problem: Problem, by_id: dict[str, Entry]) -> Trouble:
    entry = by_id[problem.entry_id]
    if problem.other:
        other = by_id[problem.other]
        same = normalize(entry.answer) == normalize(other.answer)
        kind = DUPLICATE if same else CONTRADICTION
        text = problem.reason if same else f"答案不同：{problem.reason}"
        return Trouble(kind, text, (entry, other))
    kinds = {"expires_on": EXPIRED, "review_on": REVIEW}
    early = entry.effective_on and entry.expires_on and entry.effective_on > entry.expires_on
    kind = MISSING if early else kinds.get(problem.field, MISSING)
    return Trouble(kind, problem.reason, (entry,))


def _lookalikes(pairs: Iterable[Twins]) -> Iterator[Trouble]:
    for one in pairs:
        told = f"问法相似 {one.likeness:.0f}%"
        if one.differing:
            told += f"，答案里的数字不一样：{'、'.join(one.differing[:6])}"
        yield Trouble(ALIKE, told, (one.first, one.second))


def _deadest(link: LinkState) -> tuple[bool, float, str]:
    since = link.failing_since.timestamp() if link.failing_since else 0.0
    return not link.problem, since, link.url
