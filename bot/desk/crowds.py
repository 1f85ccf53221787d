"""同问: those who ask the same under one post before staff, and one answer for all of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.desk.bulk import Answered, Bulk
from bot.desk.drafting import basis
from bot.desk.gathering import SURELY
from bot.desk.inbox import scope_of
from bot.desk.office import TOPIC_OUTBOX, DeskError, Office, key_of
from knowledge.catalog import Entry
from knowledge.masking import mask
from storage import crowds, outbox
from storage.crowds import Member
from storage.ledger import audit
from storage.models import Crowd, Draft, Staff
from storage.narrowing import Filters, wanted

_LOT = 50
_RUN = timedelta(minutes=3)


@dataclass(frozen=True, slots=True)
class Asker:
    """One who asks, as staff see them; ``apart`` is why they might be left out, "" for nothing."""

    case_id: int
    version: int
    text: str
    name: str
    opened_at: datetime
    due_at: datetime | None
    urgency: int
    department: str
    steps: int
    apart: str = ""


@dataclass(frozen=True, slots=True)
class Opened:
    """Those who ask the same under a post, the most pressing first, and a reply to begin with."""

    crowd: Crowd
    title: str
    account: str
    review_steps: int
    entry: Entry | None
    text: str
    entry_id: str
    askers: list[Asker]


@dataclass(slots=True)
class Run:
    """An answer on its way to many: how far it is; who set ``stop`` ends it after this one."""

    total: int
    done: list[Answered]
    stop: bool = False

    @property
    def sent(self) -> list[int]:
        return [one.case_id for one in self.done if one.sent]


class Crowds:
    """What staff do with those who ask the same, each call by the person who acts."""

    def __init__(self, office: Office, bulk: Bulk) -> None:
        self._office = office
        self._bulk = bulk

    async def open(self, staff: Staff, crowd_id: int) -> Opened:
        """Those of a crowd who wait and are this person's to answer. Raises DeskError."""
        now = self._office.now()
        async with self._office.db.read() as session:
            named = await crowds.named(session, crowd_id)
            where = wanted(Filters(), scope_of(staff), now)
            found = await crowds.members(session, crowd_id, where, now)
            drafts = await crowds.drafts(session, crowd_id, where, _LOT)
        if named is None:
            raise DeskError("没有这一组，请回到待办再看。")
        crowd, account, title = named
        first = drafts[0] if drafts and _holds(drafts) else None
        rests = basis(first) if first is not None else []
        return Opened(
            crowd=crowd,
            title=title,
            account=account.name,
            review_steps=account.review_steps,
            entry=self._office.library.get(crowd.entry_id) if crowd.entry_id else None,
            text=first.text if first is not None else "",
            entry_id=rests[0] if len(rests) == 1 else "",
            askers=[_asker(one, staff, now) for one in found],
        )

    async def marks(self, staff: Staff, crowd_id: int) -> set[tuple[int, int]]:
        """The numbers and versions of those that :meth:`open` would show now."""
        async with self._office.db.read() as session:
            where = wanted(Filters(), scope_of(staff), self._office.now())
            return await crowds.marks(session, crowd_id, where)

    async def answer(
        self,
        staff: Staff,
        crowd_id: int,
        picks: Sequence[tuple[int, int]],
        text: str,
        entry_id: str,
        run: Run,
    ) -> Run:
        """Answer these cases, as seen in these versions, one by one; nothing leaves before the
        last of them is through, so that all of it can be taken back. Raises DeskError.

        Without a text each is answered as it was approved for it in the step before.

        A program that dies in the middle leaves the rest to be answered: those that were are not
        among them any more, and leave after a few minutes.
        """
        each = (
            self._bulk.each(staff, picks, text, entry_id, hold=_RUN)
            if text.strip()
            else self._bulk.approve_each(staff, picks, hold=_RUN)
        )
        async for one in each:
            run.done.append(one)
            if run.stop:
                break
            if len(run.done) % _LOT == 0 and not await self._still(staff):
                break
        await self._let_go(staff, crowd_id, run)
        return run

    async def take_back(self, staff: Staff, case_ids: Sequence[int]) -> str:
        """撤销 what was just sent to all of them, as far as it has not left."""
        await self._hold(case_ids, _RUN)
        try:
            return await self._bulk.take_back(staff, case_ids)
        finally:
            await self._hold(case_ids, timedelta(0))

    async def _still(self, staff: Staff) -> bool:
        """Whether this person may go on: it takes a while, and rights may be taken away."""
        async with self._office.db.read() as session:
            now = await session.get(Staff, staff.id)
        return now is not None and now.active and now.role == staff.role

    async def _let_go(self, staff: Staff, crowd_id: int, run: Run) -> None:
        sent, tried = run.sent, len(run.done)
        async with self._office.db.write() as session:
            actor = f"staff:{staff.id}"
            audit(session, actor, "crowd.answer", str(crowd_id), cases=tried, sent=len(sent))
        await self._hold(sent, self._office.rules.undo)

    async def _hold(self, case_ids: Sequence[int], until: timedelta) -> None:
        """Let what waits to leave wait until then; what a limit holds back longer stays."""
        now = self._office.now()
        for start in range(0, len(case_ids), 500):
            async with self._office.db.write() as session:
                await outbox.let_go(session, case_ids[start : start + 500], now + until, now + _RUN)
        self._office.notify(TOPIC_OUTBOX)


def _holds(drafts: Sequence[Draft]) -> bool:
    """Whether the first of these may begin an answer to many: likely right, or what somebody
    approved for all of them. What was approved for one may name that one."""
    if drafts[0].approvals:
        return len({one.text for one in drafts if one.approvals}) == 1
    return drafts[0].probability >= SURELY


def _asker(one: Member, staff: Staff, now: datetime) -> Asker:
    case = one.case
    return Asker(
        case_id=key_of(case),
        version=case.version,
        text=mask(case.subject),
        name=mask(one.citizen),
        opened_at=case.opened_at,
        due_at=case.due_at,
        urgency=case.urgency,
        department=case.department,
        steps=len(one.approvals),
        apart=_apart(one, staff, now),
    )


def _apart(one: Member, staff: Staff, now: datetime) -> str:
    case = one.case
    if case.assignee_id not in (None, staff.id):
        return f"{one.assignee}已认领"
    if case.paused_at is not None:
        return "等群众补充"
    if case.snoozed_until is not None and case.snoozed_until > now:
        return "已放后"
    if any(step["staff"] == staff.id for step in one.approvals):
        return "前一步是您审的"
    return ""
