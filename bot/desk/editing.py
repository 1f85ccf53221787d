"""Changing the knowledge base from the console: checked, kept as versions, live at once."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.clock import SHANGHAI
from bot.desk.desktop import DECIDERS
from bot.desk.office import DeskError, Office, storable
from knowledge.catalog import Entry, Problem, check_entries
from knowledge.exchange import HEADERS, read_one
from knowledge.gold import Gold, Verdict
from knowledge.matcher import Matcher
from knowledge.proposals import spoilt, touched
from knowledge.screen import Screen
from storage import entries, gold, inbox, shelf
from storage.ledger import audit
from storage.models import EntryRow, Staff
from storage.terms import Role

EDITORS = (Role.REVIEWER, Role.SUPERVISOR, Role.ADMIN)
FIELDS = {**HEADERS, "automatic": "自动答复"}
"""What the fields of an entry are called, in the order of the page."""
_SENT = ("answer", "basis", "department", "links", "effective_on", "expires_on")
"""What is approved when an entry is approved for automatic answers."""
_ADDRESS = re.compile(r"https?://\S+")
_PUBLISHED = ("question", "answer", "basis", "similar", "links")


@dataclass(frozen=True, slots=True)
class Remark:
    """Something about a field; ``bad`` keeps the entry from being saved."""

    field: str
    text: str
    bad: bool = False


@dataclass(frozen=True, slots=True)
class Checked:
    """What was typed: as an entry, if it can be read as one, and what there is to say of it."""

    entry: Entry | None
    remarks: tuple[Remark, ...]

    @property
    def objection(self) -> str:
        """The first thing that keeps it from being saved, "" if nothing does."""
        return next((one.text for one in self.remarks if one.bad), "")


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of a change: the new ``version``, or 0 and the saved questions it breaks."""

    version: int
    said: str = ""
    broken: tuple[Verdict, ...] = ()


class Editing:
    """审核, 主管 and 管理员 change entries of their departments; the rest raises DeskError.

    An answer that goes out by itself stands as a 主管 or 管理员 approved it: when a 审核 changes
    what is sent, the approval ends.
    """

    def __init__(self, office: Office) -> None:
        self._office = office

    async def check(self, fields: Mapping[str, str], known: Entry | None = None) -> Checked:
        """What there is to say of what somebody typed, by the names of FIELDS.

        ``known`` is the entry as it stands, when there is one.
        """
        entry, problems = read_one(_record(fields))
        screen = self._office.library.screen
        remarks = [Remark(one.field, one.reason, bad=True) for one in problems]
        if entry is None:
            return Checked(None, (*remarks, *_unpublishable(fields, screen)))
        remarks += _unpublishable(texts(entry), screen)
        remarks += await asyncio.to_thread(lambda: list(self._doubts(entry, known)))
        return Checked(entry, tuple(remarks))

    async def save(
        self, staff: Staff, fields: Mapping[str, str], version: int, *, accept_broken: bool = False
    ) -> Kept:
        """Keep what was typed as a new version of the entry; of a new entry when version is 0.

        Nothing is kept when saved questions would go wrong, unless that is accepted.
        """
        require_editor(staff)
        checked = await self.check(fields)
        entry = checked.entry
        if entry is None or checked.objection:
            raise DeskError(f"没有保存：{checked.objection}")
        check_scope(staff, entry)
        if not accept_broken and (broken := await self.breaks(entry)):
            return Kept(0, broken=tuple(broken))
        async with self._office.db.write_alone() as session:
            kept = await self._save(session, staff, entry, version)
        await self._office.library.refresh()
        return kept

    async def breaks(self, entry: Entry) -> list[Verdict]:
        """Saved questions that pass now and would not, by words, if the entry were so."""
        async with self._office.db.read() as session:
            questions = await gold.load(session)
        library = self._office.library
        await library.refresh()
        return await asyncio.to_thread(self._spoilt, library.matcher, entry, questions)

    async def retire(self, staff: Staff, entry_id: str, version: int) -> str:
        """停用: the entry is matched no more; everything about it is kept."""
        async with self._office.db.write_alone() as session:
            row = await self._row(session, staff, entry_id, version)
            if not await entries.retire(session, row.id, _actor(staff)):
                raise DeskError("这一条已经停用。")
        await self._office.library.refresh()
        return "已停用，不再用来答复"

    async def bring_back(self, staff: Staff, entry_id: str, version: int) -> str:
        """启用 an entry that was out of use, as it was."""
        async with self._office.db.write_alone() as session:
            row = await self._row(session, staff, entry_id, version)
            if not row.retired:
                raise DeskError("这一条正在使用。")
            entry = self._approved(staff, None, replace(entries.to_entry(row)))
            await entries.put(session, row, entry, _actor(staff), "kb.enable")
        await self._office.library.refresh()
        return "已启用" if entry.automatic else "已启用，由人工审核后答复"

    async def restore(
        self,
        staff: Staff,
        entry_id: str,
        version: int,
        number: int,
        *,
        accept_broken: bool = False,
    ) -> Kept:
        """Put an earlier version back, as a new one."""
        async with self._office.db.read() as session:
            kept = await shelf.revisions(session, entry_id)
        found = next((one for one in kept if one.version == number), None)
        if found is None:
            raise DeskError("没有这一版。")
        entry, _ = entries.from_snapshot(found.snapshot)
        return await self.save(staff, texts(entry), version, accept_broken=accept_broken)

    async def fresh_id(self) -> str:
        """A number that no entry has, for one that is written today."""
        day = self._office.today()
        async with self._office.db.read() as session:
            known = set(await shelf.numbers(session, prefix := f"K{day:%Y%m%d}-"))
        return next(
            name for number in range(1, 10_000) if (name := f"{prefix}{number:02}") not in known
        )

    async def _save(self, session: AsyncSession, staff: Staff, entry: Entry, version: int) -> Kept:
        row = await entries.locked(session, entry.id)
        if version == 0:
            if row is not None:
                raise DeskError(f"编号“{entry.id}”已经有了，请换一个。")
            entry = self._approved(staff, None, entry)
            number = await entries.put(session, None, entry, _actor(staff), "kb.add")
            return Kept(number, "已新建")
        row = await self._row(session, staff, entry.id, version)
        if row.retired:
            raise DeskError("这一条已停用，请先启用再改。")
        before = entries.to_entry(row)
        if before == entry:
            return Kept(version, "没有改动")
        kept = self._approved(staff, before, entry)
        changed = [name for name in FIELDS if getattr(before, name) != getattr(kept, name)]
        actor = _actor(staff)
        number = await entries.put(session, row, kept, actor, "kb.edit", fields=changed)
        if "automatic" in changed:
            audit(session, actor, "kb.approve", entry.id, automatic=kept.automatic)
        withdrawn = entry.automatic and not kept.automatic
        note = "；答复有改动，要主管重新批准才自动答复" if withdrawn else ""
        return Kept(number, f"已保存为第 {number} 版{note}")

    async def _row(
        self, session: AsyncSession, staff: Staff, entry_id: str, version: int
    ) -> EntryRow:
        """The entry as this person saw it, held. Raises DeskError."""
        require_editor(staff)
        row = await entries.locked(session, entry_id)
        if row is None:
            raise DeskError("知识库里没有这一条。")
        check_scope(staff, entries.to_entry(row))
        if row.version != version:
            who = await self._last(session, entry_id)
            raise DeskError(f"{who}刚改过这一条，您的改动没有保存。请看最新的再改。")
        return row

    async def _last(self, session: AsyncSession, entry_id: str) -> str:
        kept = await shelf.revisions(session, entry_id)
        names = await inbox.everyone(session)
        actor = kept[0].actor if kept else ""
        when = f"在 {kept[0].at.astimezone(SHANGHAI):%H:%M} " if kept else ""
        number = actor.removeprefix("staff:")
        return f"{names.get(int(number), '同事') if number.isdigit() else '同事'}{when}"

    def _approved(self, staff: Staff, before: Entry | None, entry: Entry) -> Entry:
        """As :func:`approved`; asking for an approval one cannot give is refused."""
        wanted = before is not None and entry.automatic and not before.automatic
        if wanted and staff.role not in DECIDERS:
            raise DeskError("自动答复要由主管或管理员批准。没有保存。")
        return approved(staff, before, entry)

    def _doubts(self, entry: Entry, known: Entry | None) -> Iterator[Remark]:
        """What does not keep an entry from being saved, but should be looked at."""
        today = self._office.today()
        for problem in check_entries([entry], today):
            yield Remark(problem.field, problem.reason, bad=_hinders(problem))
        if entry.effective_on and entry.effective_on > today:
            yield Remark("effective_on", f"{entry.effective_on} 起才用来答复。")
        if not entry.basis:
            yield Remark("basis", "没有写依据文号，群众和审核的人无从核对。")
        if not entry.department:
            yield Remark("department", "没有写承办单位，转人工时不知道派给谁。")
        if entry.review_on is None and entry.expires_on is None:
            yield Remark("review_on", "没有复核日，也没有失效日，内容过时了不会有人提醒。")
        old = set(known.wordings) if known else set()
        yield from self._taken([one for one in entry.wordings if one not in old], entry)

    def _taken(self, wordings: list[str], entry: Entry) -> Iterator[Remark]:
        matcher = self._office.library.matcher
        for one in wordings:
            others = sorted(matcher.owners(one) - {entry.id})
            if others and (other := matcher.get(others[0])):
                where = "question" if one == entry.question else "similar"
                yield Remark(where, f"“{one}”已经是“{other.question}”（{other.id}）的问法。")

    def _spoilt(self, matcher: Matcher, entry: Entry, questions: list[Gold]) -> list[Verdict]:
        near = touched(matcher, entry, questions)
        return spoilt(matcher, entry, near, self._office.today())


def approved(staff: Staff, before: Entry | None, entry: Entry) -> Entry:
    """The entry with the approval for automatic answers that this person can give it, or leave it.

    An approval is of what is sent; whoever cannot give one ends it by changing that.
    """
    if staff.role in DECIDERS or not entry.automatic:
        return entry
    same = before is not None and before.automatic
    same = same and all(getattr(before, name) == getattr(entry, name) for name in _SENT)
    return entry if same else replace(entry, automatic=False)


def editable(staff: Staff, entry: Entry) -> bool:
    """Whether this person may change the entry."""
    try:
        require_editor(staff)
        check_scope(staff, entry)
    except DeskError:
        return False
    return True


def texts(entry: Entry) -> dict[str, str]:
    """The fields of an entry as a person reads and types them, by the names of FIELDS."""
    return {
        "id": entry.id,
        "question": entry.question,
        "similar": "\n".join(entry.similar),
        "answer": entry.answer,
        "department": entry.department,
        "topic": entry.topic,
        "basis": entry.basis,
        "links": "\n".join(f"{link.title} {link.url}".strip() for link in entry.links),
        "effective_on": str(entry.effective_on or ""),
        "expires_on": str(entry.expires_on or ""),
        "review_on": str(entry.review_on or ""),
        "automatic": "是" if entry.automatic else "否",
    }


def _record(fields: Mapping[str, str]) -> dict[str, object]:
    """What was typed, as a row of a file is read."""
    record: dict[str, object] = {key: storable(fields.get(key, "")) for key in FIELDS}
    for key in ("similar", "links"):
        lines = (line.strip() for line in str(record[key]).splitlines())
        record[key] = [line for line in lines if line]
    return record


def _unpublishable(fields: Mapping[str, str], screen: Screen) -> Iterator[Remark]:
    for name in _PUBLISHED:
        for finding in screen(_ADDRESS.sub("", fields.get(name, ""))):
            yield Remark(name, f"{FIELDS[name]}里有{finding}。", bad=finding.blocks)


def _hinders(problem: Problem) -> bool:
    """A passed date is no mistake of the one who saves; all else that is checked is one."""
    return problem.field not in ("expires_on", "review_on")


def require_editor(staff: Staff) -> None:
    """Raises DeskError unless this person may change the knowledge base."""
    if staff.role not in EDITORS:
        raise DeskError("知识库要由审核、主管或管理员来改，您的操作没有执行。")


def check_scope(staff: Staff, entry: Entry) -> None:
    """Raises DeskError unless the entry is of a department of this person's, or of none."""
    own = staff.departments
    if own and entry.department and entry.department not in own:
        raise DeskError(f"“{entry.department}”的条目不在您的范围内，您的操作没有执行。")


def _actor(staff: Staff) -> str:
    return f"staff:{staff.id}"
