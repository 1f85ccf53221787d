"""What the console shows of the queue and of one case, and what only the console can do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.channels.base import Attachment, Outgoing
from bot.desk.countdown import Countdown, countdown
from bot.desk.desktop import in_scope
from bot.desk.drafting import plain
from bot.desk.office import DeskError, Office, key_of, storable
from knowledge.catalog import Entry
from knowledge.masking import mask
from knowledge.screen import Finding
from storage import inbox, ledger, outbox, queries, sessions, tasks
from storage.ledger import audit
from storage.models import (
    Account,
    Case,
    CaseEvent,
    CaseNote,
    Delivery,
    Draft,
    MessageVersion,
    SavedView,
    Staff,
    StaffSession,
)
from storage.narrowing import Filters, Scope
from storage.terms import Role, TaskKind

TOPIC_PRESENCE = "presence"
_MAX_VIEWS = 20
_REVEALERS = {Role.REVIEWER, Role.SUPERVISOR, Role.ADMIN}
_NOT_YOURS = "这件诉求不归您办理。"
_EARLIER = 10


@dataclass(frozen=True, slots=True)
class Spoken:
    """One line of a conversation: the citizen's, or the office's with what became of it."""

    at: datetime
    text: str
    mine: bool
    state: str = ""
    purpose: str = ""
    attachments: tuple[Attachment, ...] = ()
    versions: tuple[MessageVersion, ...] = ()


@dataclass(frozen=True, slots=True)
class Proposal:
    """An entry that may answer, with what speaks for it; ``usable`` is "" or why it is not."""

    entry: Entry
    probability: float
    wording: str
    words: tuple[str, ...]
    notes: tuple[str, ...]
    usable: str = ""


@dataclass(frozen=True, slots=True)
class Item:
    """Everything that is needed to work on one case.

    ``reply_until`` is when the platform stops letting the citizen be written to, None for never;
    ``elsewhere`` where what was sent beside words is to be seen if it is not kept here.
    """

    view: queries.CaseView
    talk: list[Spoken]
    countdown: Countdown
    proposals: list[Proposal]
    events: list[CaseEvent]
    notes: list[CaseNote]
    earlier: list[Case]
    names: dict[int, str]
    present: list[str]
    limit: int
    held_until: datetime | None = None
    reply_until: datetime | None = None
    elsewhere: str = ""

    @property
    def case(self) -> Case:
        return self.view.case


class Inbox:
    """The staff's queue; every call names the person who looks or acts."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def page(self, staff: Staff, filters: Filters, start: int) -> inbox.Page:
        async with self._office.db.read() as session:
            now = self._office.now()
            return await inbox.page(session, filters, scope_of(staff), now, start, staff)

    async def counts(self, staff: Staff) -> dict[str, int]:
        async with self._office.db.read() as session:
            return await inbox.counts(session, scope_of(staff), self._office.now(), staff)

    async def choices(self) -> tuple[dict[str, str], list[str], dict[int, str]]:
        """The accounts, departments and colleagues that the queue can be narrowed to."""
        async with self._office.db.read() as session:
            return (
                await inbox.accounts(session),
                await inbox.departments(session),
                await inbox.colleagues(session),
            )

    async def open(self, staff: Staff, case_id: int, session_id: int) -> Item:
        """A case to work on; colleagues see that this person has it before them."""
        item = await self._item(staff, case_id)
        async with self._office.db.write() as session:
            await _show(session, session_id, case_id, self._office.now())
            audit(session, f"staff:{staff.id}", "case.look", str(case_id))
        self._office.notify(TOPIC_PRESENCE)
        return item

    async def look_again(self, staff: Staff, case_id: int) -> Item:
        """The same case as it is by now."""
        return await self._item(staff, case_id)

    async def beat(self, session_id: int, case_id: int | None) -> None:
        """Note what is on this person's screen now."""
        async with self._office.db.write() as session:
            await _show(session, session_id, case_id, self._office.now())
        self._office.notify(TOPIC_PRESENCE)

    async def reveal(self, staff: Staff, case_id: int) -> list[Spoken]:
        """The conversation with its personal data; audited. Raises DeskError."""
        if staff.role not in _REVEALERS:
            raise DeskError("要由审核、主管或管理员查看原文。")
        async with self._office.db.write() as session:
            case = await own_case(session, staff, case_id)
            audit(session, f"staff:{staff.id}", "case.reveal", str(case_id))
            return await _talk(session, case, plain=True)

    async def search(self, text: str, limit: int = 8) -> list[Proposal]:
        """Entries for a text of the staff's own."""
        if not text.strip():
            return []
        found = await self._office.library.match(text.strip()[:500], self._office.today())
        return [self._proposal(one.entry, plain(one)) for one in found.candidates[:limit]]

    def findings(self, text: str) -> list[Finding]:
        """What must or should not be published as it is, the former first."""
        found = self._office.library.screen(text)
        return sorted(found, key=lambda one: not one.blocks)

    async def views(self, staff: Staff) -> list[SavedView]:
        async with self._office.db.read() as session:
            return await inbox.views(session, staff.id or 0)

    async def keep_view(self, staff: Staff, name: str, filters: Filters) -> None:
        """Keep filters under a name; the same name is written over. Raises DeskError."""
        title = storable(name).strip()[:20]
        if not title:
            raise DeskError("请给这个视图起个名字。")
        async with self._office.db.write() as session:
            known = await inbox.views(session, staff.id or 0)
            if len(known) >= _MAX_VIEWS:
                raise DeskError(f"最多存 {_MAX_VIEWS} 个视图，请先删去一个。")
            row = next((one for one in known if one.name == title), None)
            row = row or SavedView(staff_id=staff.id or 0, name=title)
            row.filters = filters.to_json()
            session.add(row)
            audit(session, f"staff:{staff.id}", "view.save", title)

    async def drop_view(self, staff: Staff, view_id: int) -> None:
        async with self._office.db.write() as session:
            for row in await inbox.views(session, staff.id or 0):
                if row.id == view_id:
                    await session.delete(row)
                    audit(session, f"staff:{staff.id}", "view.drop", row.name)

    async def stamp(self) -> tuple[int, int]:
        """Changes whenever anything in the queue did."""
        async with self._office.db.read() as session:
            return await inbox.stamp(session)

    async def _item(self, staff: Staff, case_id: int) -> Item:
        now = self._office.now()
        async with self._office.db.read() as session:
            case = await own_case(session, staff, case_id)
            view = await queries.case_view(session, case_id, now)
            since = now - inbox.PRESENT
            unsent = await outbox.unsent_reply(session, case_id)
            others = await queries.cases_of(session, case.citizen_id, _EARLIER + 1)
            return Item(
                view=view,
                talk=await _talk(session, case),
                countdown=countdown(case, self._office.rules.calendar, now),
                proposals=self._proposals(view.draft),
                events=await ledger.events(session, case_id),
                notes=await inbox.notes(session, case_id),
                earlier=[one for one in others if one.id != case_id][:_EARLIER],
                names=await inbox.everyone(session),
                present=await sessions.present(session, case_id, since, staff.id or 0),
                limit=self._office.can(view.account).max_length,
                held_until=max((one.due_at for one in unsent), default=None),
                reply_until=self._reply_until(view),
                elsewhere=self._office.can(view.account).elsewhere,
            )

    def _reply_until(self, view: queries.CaseView) -> datetime | None:
        lasts, heard = self._office.can(view.account).reply_window, view.citizen.heard_at
        if lasts is None or heard is None or view.case.kind == "comment":
            return None
        return heard + lasts

    def _proposals(self, draft: Draft | None) -> list[Proposal]:
        found = []
        for one in draft.candidates if draft else ():
            entry = self._office.library.get(one["entry_id"])
            if entry is not None:
                found.append(self._proposal(entry, one))
        return found

    def _proposal(self, entry: Entry, one: Mapping[str, Any]) -> Proposal:
        valid = entry.valid_on(self._office.today())
        return Proposal(
            entry,
            one["probability"],
            one["wording"],
            tuple(one["words"]),
            tuple(one["notes"]),
            "" if valid else "不在有效期内",
        )


def scope_of(staff: Staff) -> Scope:
    """The accounts and departments whose cases this person may see."""
    return Scope(tuple(staff.accounts), tuple(staff.departments))


async def own_case(session: AsyncSession, staff: Staff, case_id: int) -> Case:
    """The case, if this person may see it: whoever is to sign for it may too. Raises DeskError."""
    case = await session.get(Case, case_id)
    if case is None:
        raise DeskError("找不到这件诉求。")
    account = await session.get_one(Account, case.account_id)
    if in_scope(staff, case.department, account.key):
        return case
    offered = await tasks.standing(session, [case_id], [TaskKind.TRANSFER])
    if not any(in_scope(staff, one.data["department"], account.key) for one in offered):
        raise DeskError(_NOT_YOURS)
    return case


async def _show(session: AsyncSession, session_id: int, case_id: int | None, now: datetime) -> None:
    row = await session.get(StaffSession, session_id)
    if row is not None:
        row.case_id, row.seen_at = case_id, now


async def _talk(session: AsyncSession, case: Case, *, plain: bool = False) -> list[Spoken]:
    """Both sides in order of time; without ``plain`` personal data is hidden."""
    hide: Callable[[str], str] = str if plain else mask
    lines = []
    for message in await queries.messages(session, key_of(case)):
        earlier = await queries.versions(session, message.id or 0) if message.version > 1 else []
        held = tuple(Attachment(**one) for one in message.attachments)
        for one in earlier:
            one.text = hide(one.text)
        lines.append(
            Spoken(
                message.sent_at,
                hide(message.text),
                mine=False,
                attachments=held,
                versions=tuple(earlier[:-1]),
            )
        )
    family = [key_of(case), *(key_of(one) for one in await queries.absorbed(session, key_of(case)))]
    lines += [_said(one, hide) for one in await inbox.told(session, family)]
    return sorted(lines, key=lambda one: one.at)


def _said(delivery: Delivery, hide: Callable[[str], str]) -> Spoken:
    return Spoken(
        delivery.sent_at or delivery.created_at,
        hide(Outgoing.from_json(delivery.payload).text),
        mine=True,
        state=delivery.state,
        purpose=delivery.purpose,
    )
