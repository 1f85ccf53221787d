"""Delivering: the outbox is worked off, and confirmed replies stop the clock."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.channels.base import (
    Capabilities,
    Channel,
    Outgoing,
    RateLimitedError,
    RejectedError,
    SendError,
    UnreachableError,
    WindowClosedError,
)
from bot.desk import held, pauses, posting, rationing, serving, tasks, wording
from bot.desk.lots import Lots
from bot.desk.office import (
    TOPIC_OUTBOX,
    Office,
    account_by_key,
    key_of,
    locked_case,
    locked_cases,
)
from bot.desk.turns import set_due
from bot.telemetry import DELIVERIES
from storage import outbox, posts
from storage.ledger import record
from storage.models import Case, Citizen, Delivery
from storage.tasks import standing
from storage.terms import JUDGEABLE, CaseState, DeliveryState, EventKind, Purpose

log = structlog.get_logger(__name__)
_SHORT_WAIT = 0.05
_AT_ONCE = 50
_STOPS = (Purpose.REPLY, Purpose.ACKNOWLEDGEMENT, Purpose.SUPPLEMENT)


@dataclass(frozen=True, slots=True)
class Accepted:
    """What a platform took; ``awaits`` when it is for others to post."""

    delivery: Delivery
    outgoing: Outgoing
    external_id: str
    awaits: bool


class Dispatch:
    """The worker's part: sends what is due, in order per place, within every rate limit."""

    def __init__(self, office: Office, channels: Mapping[str, Channel]) -> None:
        self._office = office
        self._channels = channels
        self._keys: dict[int, str] = {}
        self._accepted = Lots(self._confirm, _AT_ONCE)
        self._early = Lots(self._put_off, _AT_ONCE)

    async def deliver_due(self, limit: int = _AT_ONCE) -> int:
        """Try every delivery that is due now, up to ``limit``; returns how many were tried."""
        await self._learn_accounts()
        async with self._office.db.write(brief=True) as session:
            taken = await outbox.claim(
                session,
                self._office.now(),
                self._office.rules.lease,
                limit,
                list(self._keys),
            )
        await asyncio.gather(*(self._deliver(delivery) for delivery in taken))
        return len(taken) + await serving.serve(self._office)

    async def next_due(self) -> datetime | None:
        """When the earliest unsent delivery may be tried."""
        await self._learn_accounts()
        async with self._office.db.read(brief=True) as session:
            return await outbox.next_due(session, list(self._keys))

    async def _learn_accounts(self) -> None:
        if self._keys:
            return
        async with self._office.db.read(brief=True) as session:
            for key in self._channels:
                self._keys[key_of(await account_by_key(session, key))] = key

    async def _deliver(self, delivery: Delivery) -> None:
        key = self._keys[delivery.account_id]
        channel = self._channels[key]
        if channel.capabilities.one_per_comment and await self._would_replace(delivery):
            return
        if rationing.limited(channel.capabilities, delivery.post) and await self._is_over(
            delivery, channel.capabilities
        ):
            return
        wait = await self._office.coordination.reserve(_slots(key, channel, delivery.place))
        if wait > 0:
            await self._early.do((delivery, max(wait, _SHORT_WAIT)))
            return
        outgoing = Outgoing.from_json(delivery.payload)
        outgoing = replace(wording.in_words(outgoing, channel.capabilities), key=str(delivery.id))
        try:
            external_id = await channel.send(delivery.place, outgoing)
        except SendError as error:
            await self._settle(delivery, error)
        else:
            awaits = bool(channel.capabilities.awaits)
            await self._accepted.do(Accepted(delivery, outgoing, external_id, awaits))
            self._office.notify(f"place:{key}:{delivery.place}")

    async def _is_over(self, delivery: Delivery, can: Capabilities) -> bool:
        """Whether the platform allows no more under the post now; what is not needed never goes."""
        if delivery.purpose in posts.COURTESY:
            async with self._office.db.write() as session:
                row = await session.get_one(Delivery, delivery.id)
                outbox.give_up(row, "平台限条数，不另发")
            return True
        wait = await rationing.leaves(self._office, delivery, can)
        if wait:
            await self._early.do((delivery, wait))
        return bool(wait)

    async def _would_replace(self, delivery: Delivery) -> bool:
        """Whether this would take an answer's place under its comment; then it never leaves."""
        if delivery.purpose not in (Purpose.RATING, Purpose.NOTICE):
            return False
        async with self._office.db.write(brief=True) as session:
            case = await session.get(Case, delivery.case_id or 0)
            if case is None or case.kind != "comment" or case.state not in JUDGEABLE:
                return False
            row = await session.get_one(Delivery, delivery.id)
            outbox.give_up(row, "一条留言只有一个回复，不再另发")
            return True

    async def _confirm(self, lot: Sequence[Accepted]) -> list[None]:
        """Note what was accepted. Nothing here looks for what another of the lot leaves behind."""
        taken = {key_of(one.delivery): one for one in lot}
        cases = {one.delivery.case_id or 0 for one in lot if one.delivery.purpose in _STOPS}
        query = select(Delivery).where(col(Delivery.id).in_(taken)).order_by(col(Delivery.id))
        async with self._office.db.write(brief=True) as session:
            known = await locked_cases(session, cases)
            asked = await standing(session, known, tasks.ABOUT_THE_CLOCK)
            busy = {one.case_id for one in asked}
            rows = list(await session.exec(query))
            with session.no_autoflush:
                for row in rows:
                    case = known.get(row.case_id or 0)
                    await self._note(session, row, taken[key_of(row)], case, row.case_id in busy)
        return [None] * len(lot)

    async def _note(
        self,
        session: AsyncSession,
        row: Delivery,
        accepted: Accepted,
        case: Case | None,
        busy: bool,
    ) -> None:
        if not accepted.awaits:
            await self._sent(session, row, accepted.external_id, None, case, busy)
        elif row.state == DeliveryState.SENDING:  # not erased meanwhile
            outbox.hand(row, accepted.outgoing.to_json())

    async def delivered(
        self,
        session: AsyncSession,
        delivery: Delivery,
        external_id: str,
        at: datetime | None = None,
    ) -> None:
        """Note that the citizen can read it since ``at`` (now): a reply stops the clock."""
        stops = delivery.purpose in _STOPS
        case = await locked_case(session, delivery.case_id or 0) if stops else None
        await self._sent(session, delivery, external_id, at, case, True)

    async def _sent(
        self,
        session: AsyncSession,
        delivery: Delivery,
        external_id: str,
        at: datetime | None,
        case: Case | None,
        busy: bool,
    ) -> None:
        """``busy`` when somebody may have been asked for something about the case's clock."""
        outbox.sent(delivery, external_id, at)
        DELIVERIES.labels(delivery.purpose, "sent").inc()
        if case is None:
            return
        if delivery.purpose == Purpose.ACKNOWLEDGEMENT:
            record(session, case, EventKind.ACKNOWLEDGED, delivery=delivery.id)
        if delivery.purpose == Purpose.SUPPLEMENT:
            await pauses.begin(self._office, session, case, delivery)
        if delivery.purpose == Purpose.REPLY:
            await serving.answered(self._office, session, case, delivery, busy=busy)

    async def _settle(self, delivery: Delivery, error: SendError) -> None:
        """Put a failed delivery back, or give it up and put its case before a person."""
        if isinstance(error, RateLimitedError):
            await self._early.do((delivery, error.after))
            return
        rules = self._office.rules
        async with self._office.db.write(brief=True) as session:
            row = await session.get_one(Delivery, delivery.id)
            final = isinstance(error, UnreachableError | WindowClosedError | RejectedError)
            if not final and row.attempts < rules.max_attempts:
                wait = min(rules.backoff * 2 ** (row.attempts - 1), rules.backoff_limit)
                outbox.retry(row, self._office.now() + wait, str(error))
                return
            await self.refused(session, row, error)
        self._office.notify(TOPIC_OUTBOX)

    async def _put_off(self, lot: Sequence[tuple[Delivery, float]]) -> list[None]:
        """What a rate limit holds back waits for so many seconds; that is no failed attempt."""
        seconds = {key_of(delivery): wait for delivery, wait in lot}
        query = select(Delivery).where(col(Delivery.id).in_(seconds)).order_by(col(Delivery.id))
        async with self._office.db.write(brief=True) as session:
            for row in await session.exec(query):
                again = self._office.now() + timedelta(seconds=seconds[key_of(row)])
                outbox.retry(row, again, "限速等待", counts=False)
        return [None] * len(lot)

    async def refused(self, session: AsyncSession, delivery: Delivery, error: SendError) -> None:
        """Give a delivery up for good and put its case before a person."""
        outbox.give_up(delivery, str(error))
        DELIVERIES.labels(delivery.purpose, "failed").inc()
        log.warning(
            "delivery.failed", delivery=delivery.id, purpose=delivery.purpose, error=str(error)
        )
        await self._undelivered(session, delivery, error)

    async def _undelivered(
        self, session: AsyncSession, delivery: Delivery, error: SendError
    ) -> None:
        case = await locked_case(session, delivery.case_id or 0)
        replying = delivery.purpose in outbox.REPLIES
        if case is None or not (replying or delivery.place == case.place):
            return
        if isinstance(error, WindowClosedError) and held.holdable(delivery):
            await held.hold(session, case, delivery, str(error))
        unreachable = isinstance(error, UnreachableError)
        citizen = await session.get_one(Citizen, case.citizen_id)
        citizen.reachable = citizen.reachable and not unreachable
        record(
            session,
            case,
            EventKind.DELIVERY_FAILED,
            delivery=delivery.id,
            purpose=delivery.purpose,
            unreachable=unreachable,
        )
        if delivery.purpose == Purpose.SUPPLEMENT:
            await pauses.undelivered(self._office, session, case)
        if replying and case.state == CaseState.REPLYING:
            case.state = CaseState.WAITING
            case.reason = _reason(error)
            case.version += 1
            await _withhold(session, delivery)
            await set_due(self._office, session, case)
            await posting.card(self._office, session, case)


def _reason(error: SendError) -> str:
    """What staff are told of a reply that did not arrive."""
    if isinstance(error, UnreachableError):
        return f"{error}，无法送达" if _chinese(error) else "群众已屏蔽或离开，无法送达"
    if isinstance(error, WindowClosedError):
        return f"{error}，{held.AWAITS}"
    return f"未送达：{error}" if _chinese(error) else "平台拒收，请修改后重发"


def _chinese(error: SendError) -> bool:
    """Whether the words are ours: a platform's own are for the log."""
    return any("\u4e00" <= char <= "\u9fff" for char in str(error))


async def _withhold(session: AsyncSession, failed: Delivery) -> None:
    """The later parts of a reply whose earlier part failed must not go out alone."""
    for row in await outbox.unsent_of_case(session, failed.case_id or 0):
        if row.purpose in outbox.REPLIES:
            outbox.give_up(row, "前一部分未送达")


def _slots(key: str, channel: Channel, place: str) -> dict[str, tuple[float, float]]:
    """The rate lines a message to this place stands in: (interval, burst tolerance) seconds."""
    can = channel.capabilities
    if can.per_second <= 0:
        return {}
    slots = {f"{key}:all": (1 / can.per_second, 1.0)}
    if can.per_place_seconds:
        slots[f"{key}:{place}"] = (can.per_place_seconds, 3 * can.per_place_seconds)
    if can.per_group_minute and place.startswith("-"):
        slots[f"{key}:group:{place}"] = (60 / can.per_group_minute, 30.0)
    return slots
