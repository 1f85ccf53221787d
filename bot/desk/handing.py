"""Answers that others post: fetched by a platform's program, or copied by a member of staff.

They count as delivered only when whoever posts them says so; until then the clock runs.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.channels.base import Outgoing, RejectedError, UnreachableError
from bot.channels.cutting import split_at_sense
from bot.channels.wire import Spot, wire
from bot.desk.desktop import in_scope, reason_given
from bot.desk.dispatch import Dispatch
from bot.desk.office import TOPIC_OUTBOX, DeskError, Office, account_by_key, storable
from storage import handed, posts
from storage.handed import Handed
from storage.ledger import audit
from storage.models import Account, Case, Delivery, Staff
from storage.terms import DeliveryState, Purpose

_SKEW = timedelta(minutes=5)
_SHOWN = 200
_ID = 200


@dataclass(frozen=True, slots=True)
class ToPost:
    """One answer for a person to look after: in as many posts as it takes, where, and what it
    answers. ``by_program`` is one that a platform's program fetched, or should have; ``behind`` is
    how many wait for it where it is a 置顶答复."""

    handed: Handed
    parts: tuple[str, ...]
    spot: Spot
    reply_to: str
    by_program: bool
    behind: int = 0


class Handing:
    """What was handed over and is not confirmed yet."""

    def __init__(self, office: Office, dispatch: Dispatch) -> None:
        self._office = office
        self._dispatch = dispatch
        self._keys = tuple(key for key, can in office.capabilities.items() if can.awaits)

    @property
    def used(self) -> bool:
        """Whether any account's answers are posted by others."""
        return bool(self._keys)

    # ---- the platform's program ----

    async def waiting(
        self, account: str, after: int = 0, limit: int = 100
    ) -> tuple[list[dict[str, Any]], bool]:
        """What is to be posted, oldest first, and whether there is more."""
        async with self._office.db.read() as session:
            row = await account_by_key(session, account)
            found = await handed.of_account(session, row.id or 0, after, limit + 1)
            most = self._office.can(row).max_length
        return [_told(one, most) for one in found[:limit]], len(found) > limit

    async def confirm(
        self, account: str, delivery_id: int, posted_at: datetime | None, external_id: str
    ) -> bool:
        """It stands there since ``posted_at`` (now): whether that is news. Raises DeskError."""
        async with self._held(account, delivery_id) as (session, row):
            if row.state == DeliveryState.SENT:
                return False
            await self._check(session, row)
            at = self._moment(row, posted_at)
            await self._dispatch.delivered(session, row, storable(external_id)[:_ID], at)
        return True

    async def decline(self, account: str, delivery_id: int, reason: str, *, gone: bool) -> bool:
        """It will not be posted: whether that is news. Raises DeskError."""
        async with self._held(account, delivery_id) as (session, row):
            if row.state == DeliveryState.FAILED:
                return False
            self._ready(row)
            said = reason_given(storable(reason))
            error = UnreachableError(said) if gone else RejectedError(said)
            await self._dispatch.refused(session, row, error)
        return True

    # ---- people ----

    async def for_staff(self, staff: Staff) -> list[ToPost]:
        """What lies ready in this person's accounts and departments, what people post first.

        What a program is to post is among it once it has waited for long.
        """
        if not self.used:
            return []
        async with self._office.db.read() as session:
            found = await handed.for_people(session, self._keys, _SHOWN)
            pins = [one.delivery.id or 0 for one in found if one.delivery.purpose == Purpose.PINNED]
            behind = {number: await posts.behind(session, number) for number in pins}
        theirs = (one for one in found if in_scope(staff, one.case.department, one.account.key))
        limit = self._office.now() - handed.PATIENCE
        shown = [self._to_post(one, behind.get(one.delivery.id or 0, 0)) for one in theirs]
        late = [one for one in shown if one.by_program and one.handed.delivery.created_at < limit]
        return [one for one in shown if not one.by_program] + late

    def _to_post(self, one: Handed, behind: int) -> ToPost:
        can, outgoing = self._office.can(one.account), Outgoing.from_json(one.delivery.payload)
        parts = tuple(split_at_sense(outgoing.text, can.max_length))
        spot = Spot.of(one.delivery.place)
        return ToPost(one, parts, spot, outgoing.reply_to, can.awaits == "program", behind)

    async def posted(self, staff: Staff, delivery_id: int) -> str:
        """已发布: this person has just posted it. Raises DeskError."""
        async with self._theirs(staff, delivery_id) as (session, row):
            await self._check(session, row)
            await self._dispatch.delivered(session, row, "")
            audit(session, f"staff:{staff.id}", "case.posted", str(row.case_id), delivery=row.id)
        return "已标记发布，计时停在现在"

    async def not_posted(self, staff: Staff, delivery_id: int, reason: str) -> str:
        """It cannot be posted: the case is back in the queue. Raises DeskError."""
        said = reason_given(reason)
        async with self._theirs(staff, delivery_id) as (session, row):
            self._ready(row)
            await self._dispatch.refused(session, row, RejectedError(said))
            audit(
                session,
                f"staff:{staff.id}",
                "case.unposted",
                str(row.case_id),
                delivery=row.id,
                reason=said,
            )
        return "已退回待办，计时没有停"

    # ---- both ----

    @asynccontextmanager
    async def _held(
        self, account: str, delivery_id: int
    ) -> AsyncIterator[tuple[AsyncSession, Delivery]]:
        async with self._office.db.write() as session:
            known = await account_by_key(session, account)
            row = await handed.held(session, delivery_id)
            if row is None or row.account_id != known.id:
                raise DeskError("没有这条答复，请核对编号。")
            yield session, row
        self._office.notify(TOPIC_OUTBOX)

    @asynccontextmanager
    async def _theirs(
        self, staff: Staff, delivery_id: int
    ) -> AsyncIterator[tuple[AsyncSession, Delivery]]:
        async with self._office.db.write() as session:
            row = await handed.held(session, delivery_id)
            case = await session.get(Case, row.case_id) if row and row.case_id else None
            if row is None or case is None:
                raise DeskError("没有这条答复，请刷新再看。")
            account = await session.get_one(Account, row.account_id)
            if not in_scope(staff, case.department, account.key):
                raise DeskError("这件诉求不归您办理，您的操作没有执行。")
            yield session, row
        self._office.notify(TOPIC_OUTBOX)

    async def _check(self, session: AsyncSession, row: Delivery) -> None:
        self._ready(row)
        first = await handed.earlier(session, row)
        if first is not None:
            raise DeskError(f"同一处还有先写的一条（编号 {first}）没有发布，请按先后发布。")

    def _ready(self, row: Delivery) -> None:
        if row.state == DeliveryState.SENT:
            raise DeskError("这条已经标记发布了。")
        if row.state == DeliveryState.FAILED:
            raise DeskError(f"这条已经不用发了（{row.error}）。")
        if row.state != DeliveryState.HANDED:
            raise DeskError("这条还没有交出来发布，请稍后再看。")

    def _moment(self, row: Delivery, posted_at: datetime | None) -> datetime:
        now = self._office.now()
        if posted_at is None:
            return now
        if not row.created_at - _SKEW <= posted_at <= now + _SKEW:
            raise DeskError("发布时间不在答复写好之后、现在之前，请核对对方的时钟。")
        return min(max(posted_at, row.created_at), now)


def _told(row: Delivery, limit: int) -> dict[str, Any]:
    outgoing = Outgoing.from_json(row.payload)
    told = wire(str(row.id), row.place, outgoing, limit)
    return {**told, "purpose": row.purpose, "case": row.case_id, "written_at": row.created_at}
