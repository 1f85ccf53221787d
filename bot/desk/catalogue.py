"""知识库 as the console shows it: entries in pages, one entry whole, what it looks like sent."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from bot.channels.base import Capabilities
from bot.channels.cutting import split_at_sense
from bot.desk import wording
from bot.desk.course import Course, course, forbidden
from bot.desk.editing import FIELDS, editable, texts
from bot.desk.inbox import scope_of
from bot.desk.office import DeskError, Office
from bot.triage import Triage, triage
from knowledge.catalog import Entry
from knowledge.matcher import Match
from storage import accounts, entries, inbox, shelf
from storage.models import EntryRevision, EntryRow, LinkCheck, Staff
from storage.narrowing import Filters
from storage.shelf import PAGE, SOON, Used, Wanted

YEAR = timedelta(days=365)
_FRESH = timedelta(seconds=60)
_LONGEST_QUESTION = 500
_TELEGRAM_LIMIT = 4000
_NONE = Used()


@dataclass(frozen=True, slots=True)
class Line:
    """One entry in the list; ``standing`` is valid, soon, expired, pending or retired."""

    row: EntryRow
    standing: str
    to_review: bool
    used: Used


@dataclass(frozen=True, slots=True)
class Shelf:
    lines: list[Line]
    total: int


@dataclass(frozen=True, slots=True)
class Changed:
    """One field of an entry before and after, in the words of the page."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class Version:
    """An entry as somebody left it, and what they changed."""

    number: int
    at: datetime
    actor: str
    retired: bool
    changes: tuple[Changed, ...]
    entry: Entry


@dataclass(frozen=True, slots=True)
class Opened:
    """One entry with everything around it; ``editable`` says whether this person may change it,
    ``dead`` which of its links could not be opened last, and why."""

    entry: Entry
    version: int
    standing: str
    to_review: bool
    changed_at: datetime
    versions: list[Version]
    used: Used
    names: dict[int, str]
    editable: bool
    dead: dict[str, str]


@dataclass(frozen=True, slots=True)
class Preview:
    """What citizens of one account get: the parts, and the buttons under the last."""

    platform: str
    account: str
    parts: tuple[str, ...]
    links: tuple[str, ...]
    buttons: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Asked:
    """What the running program makes of a sentence; ``answer_at`` is how sure it must be now.

    ``question`` is what citizens would be asked back, "" if nothing. ``by_words`` when likeness
    of meaning did not count. ``held`` says, by entry, what was ruled out of its answer since.
    """

    verdict: Triage
    match: Match
    course: Course
    answer_at: float
    question: str = ""
    by_words: bool = False
    held: dict[str, str] = field(default_factory=dict)


class Catalogue:
    """Reading for everybody who signed in; changing is :mod:`bot.desk.editing`."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._used: tuple[datetime, dict[str, Used]] | None = None

    async def page(self, wanted: Wanted, start: int) -> Shelf:
        """``PAGE`` entries from ``start`` on."""
        today, used = self._office.today(), await self.used()
        async with self._office.db.read() as session:
            found = await shelf.ids(session, wanted, today)
            if wanted.order == "used":
                found.sort(key=lambda one: -used.get(one, _NONE).adopted)
            shown = found[start : start + PAGE]
            rows = {row.id: row for row in await entries.rows(session, shown)}
        lines = [self._line(rows[one], today, used) for one in shown if one in rows]
        return Shelf(lines, len(found))

    async def counts(self) -> dict[str, int]:
        """How many entries there are by state; "" for those in use."""
        async with self._office.db.read() as session:
            return await shelf.counts(session, self._office.today())

    async def departments(self) -> list[str]:
        async with self._office.db.read() as session:
            return await entries.departments(session)

    async def used(self) -> dict[str, Used]:
        """How entries were used in the last year, up to a minute old."""
        now = self._office.now()
        if self._used is None or now - self._used[0] > _FRESH:
            async with self._office.db.read() as session:
                self._used = now, await shelf.used(session, now - YEAR)
        return self._used[1]

    async def open(self, staff: Staff, entry_id: str) -> Opened:
        """An entry in or out of use. Raises DeskError."""
        used = await self.used()
        async with self._office.db.read() as session:
            row = await session.get(EntryRow, entry_id)
            if row is None:
                raise DeskError("知识库里没有这一条。")
            kept = await shelf.revisions(session, entry_id)
            names = await inbox.everyone(session)
            checked = await accounts.link_checks(session)
        entry = entries.to_entry(row)
        line = self._line(row, self._office.today(), used)
        return Opened(
            entry,
            row.version,
            line.standing,
            line.to_review,
            row.changed_at,
            _versions(reversed(kept)),
            line.used,
            names,
            editable(staff, entry),
            _dead(entry, checked),
        )

    async def cases(self, staff: Staff, entry_id: str, start: int) -> inbox.Page:
        """The cases of this person's that the entry answers, the latest first."""
        filters = Filters(state="all", entry=entry_id)
        async with self._office.db.read() as session:
            now = self._office.now()
            return await inbox.page(session, filters, scope_of(staff), now, start, staff)

    async def previews(self, entry: Entry) -> list[Preview]:
        """The entry's answer as each account would send it by itself."""
        async with self._office.db.read() as session:
            known = [one for one in await accounts.everyone(session) if one.key in _PLATFORMS]
        text = wording.answer_text(entry)
        links = tuple(row[0].title for row in wording.link_rows([entry]))
        buttons = tuple(one.title for one in wording.feedback_row(0))
        shown = {one.platform: one for one in known}
        return [
            Preview(platform, one.name, self._parts(one.key, text), links, buttons)
            for platform, one in shown.items()
        ]

    async def ask(self, text: str) -> Asked:
        """What the program would make of this, were it a citizen's first private message."""
        said = text.strip()[:_LONGEST_QUESTION]
        if not said:
            raise DeskError("请写一句群众会问的话。")
        library = self._office.library
        match = await library.match(said, self._office.today())
        verdict = await asyncio.to_thread(triage, said)
        found = {one.entry.id: forbidden(one.entry, library.screen) for one in match.candidates}
        held = {entry_id: str(ruled[0]) for entry_id, ruled in found.items() if ruled}
        way, question = course(verdict, match), ""
        if way is Course.ANSWER and any(one.entry.id in held for one in match.answered):
            way = Course.STAFF
        if way is Course.CLARIFY:
            question = wording.clarification(0, 0, match.choices, "").text
        meaning = library.matcher.meaning
        by_words = meaning is None or bool(meaning.failing)
        return Asked(verdict, match, way, library.standing.answer_at, question, by_words, held)

    def _parts(self, key: str, text: str) -> tuple[str, ...]:
        plain = Capabilities(max_length=_TELEGRAM_LIMIT)
        known = self._office.capabilities.get(key, plain)
        return tuple(split_at_sense(text, known.max_length))

    def _line(self, row: EntryRow, today: date, used: Mapping[str, Used]) -> Line:
        review = row.review_on is not None and row.review_on <= today and not row.retired
        return Line(row, standing(row, today), review, used.get(row.id, _NONE))


_PLATFORMS = ("telegram", "web")


def standing(row: EntryRow, today: date) -> str:
    """In which state an entry is; see :class:`Line`."""
    if row.retired:
        return "retired"
    if row.expires_on is not None and row.expires_on < today:
        return "expired"
    if row.effective_on is not None and row.effective_on > today:
        return "pending"
    soon = row.expires_on is not None and row.expires_on <= today + SOON
    return "soon" if soon else "valid"


def changes(before: Entry | None, after: Entry) -> tuple[Changed, ...]:
    """The fields in which two entries differ; all that are filled in when there was none."""
    old, new = texts(before) if before else {}, texts(after)
    return tuple(
        Changed(name, old.get(key, ""), new[key])
        for key, name in FIELDS.items()
        if old.get(key, "") != new[key]
    )


def _versions(kept: Iterable[EntryRevision]) -> list[Version]:
    """Revisions, the oldest first, as what each changed; the newest first."""
    found: list[Version] = []
    before: Entry | None = None
    for one in kept:
        entry, retired = entries.from_snapshot(one.snapshot)
        told = changes(before, entry)
        found.insert(0, Version(one.version, one.at, one.actor, retired, told, entry))
        before = entry
    return found


def _dead(entry: Entry, checked: Mapping[str, LinkCheck]) -> dict[str, str]:
    known = ((link.url, checked.get(link.url)) for link in entry.links)
    return {url: one.problem for url, one in known if one is not None and not one.reachable}
