"""Messages that a platform's program or a file brings, one or thousands at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from sqlalchemy import func
from sqlmodel import col, select

from bot.desk.intake import Intake
from bot.desk.office import Inbound, Office, account_by_key, key_of
from storage import crowds, handed
from storage.models import Account, Message, MessageVersion

LOT = 200
_PER_SECOND = 20
_LONGEST_WAIT = 300


class Outcome(StrEnum):
    """What became of a message."""

    NEW = "new"
    KNOWN = "known"
    CHANGED = "changed"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Posted:
    """A message; ``edited_at`` is when it got this wording, if that is not its first one."""

    inbound: Inbound
    edited_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of one message, and in which case; ``reason`` is why it was refused."""

    outcome: Outcome
    case_id: int | None = None
    reason: str = ""


@dataclass(frozen=True, slots=True)
class _Kept:
    """A message as it is stored: its wording, and since when it has that."""

    case_id: int
    text: str
    since: datetime


class Ingesting:
    """The way in for everything without a door of its own."""

    def __init__(self, office: Office, intake: Intake) -> None:
        self._office = office
        self._intake = intake

    async def busy(self, limit: int) -> int:
        """Seconds to wait while more than ``limit`` cases wait to be decided, else 0."""
        async with self._office.db.read() as session:
            waiting = await handed.undecided(session)
        return min(1 + waiting // _PER_SECOND, _LONGEST_WAIT) if waiting > limit else 0

    async def take(self, posted: Sequence[Posted]) -> list[Taken]:
        """Store messages of one account in their order; the same message twice is once."""
        taken: list[Taken] = []
        for lot in _lots(posted):
            taken += await self._take_lot(lot)
        return taken

    async def _take_lot(self, lot: Sequence[Posted]) -> list[Taken]:
        await self._name_posts(lot)
        known = await self._known(lot)
        fresh = [one.inbound for one in lot if one.inbound.external_id not in known]
        receipts = iter(await self._intake.receive_many(fresh))
        taken = []
        for one in lot:
            kept = known.get(one.inbound.external_id)
            if kept is not None:
                taken.append(await self._again(one, kept))
                continue
            receipt = next(receipts)
            outcome = Outcome.KNOWN if receipt.duplicate else Outcome.NEW
            taken.append(Taken(outcome, receipt.case_id))
        return taken

    async def _name_posts(self, lot: Sequence[Posted]) -> None:
        told = {one.inbound.post: one.inbound.post_title for one in lot}
        titles = {post: title for post, title in told.items() if post and title}
        if titles:
            async with self._office.db.write() as session:
                account = await account_by_key(session, lot[0].inbound.account)
                await crowds.name_posts(session, key_of(account), titles)

    async def _again(self, one: Posted, kept: _Kept) -> Taken:
        """A message that is there already: the same, or a later wording of it."""
        if one.inbound.text == kept.text:
            return Taken(Outcome.KNOWN, kept.case_id)
        if one.edited_at is None:
            reason = "这个编号已经收过，文字却不同；群众改过的请带上 edited_at（修改时间）"
            return Taken(Outcome.REFUSED, kept.case_id, reason)
        if one.edited_at <= kept.since:
            return Taken(Outcome.KNOWN, kept.case_id)
        await self._intake.edit(replace(one.inbound, sent_at=one.edited_at))
        return Taken(Outcome.CHANGED, kept.case_id)

    async def _known(self, lot: Sequence[Posted]) -> dict[str, _Kept]:
        query = (
            select(
                Message.external_id,
                Message.case_id,
                Message.text,
                func.max(MessageVersion.sent_at),
            )
            .join(Account, col(Account.id) == Message.account_id)
            .join(MessageVersion, col(MessageVersion.message_id) == Message.id)
            .where(
                Account.key == lot[0].inbound.account,
                col(Message.external_id).in_([one.inbound.external_id for one in lot]),
            )
            .group_by(col(Message.external_id), col(Message.case_id), col(Message.text))
        )
        async with self._office.db.read() as session:
            rows = (await session.exec(query)).all()
        return {name: _Kept(case_id, text, since) for name, case_id, text, since in rows}


def _lots(posted: Sequence[Posted]) -> Iterator[list[Posted]]:
    """At most LOT messages at a time; in one lot no message twice."""
    lot: dict[str, Posted] = {}
    for one in posted:
        if len(lot) == LOT or one.inbound.external_id in lot:
            yield list(lot.values())
            lot = {}
        lot[one.inbound.external_id] = one
    if lot:
        yield list(lot.values())
