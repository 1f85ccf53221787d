"""Durable deliveries: written with the fact that causes them, sent later, in order per place.

A delivery is claimed for a lease. A process that dies while it holds one leaves it to be
claimed again when the lease ends, so nothing is lost; the only delivery that can go out twice
is one whose process died, or whose connection broke, between the platform's acceptance and
our note of it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import exists, func, or_
from sqlalchemy.orm import aliased
from sqlmodel import and_, col, select, update
from sqlmodel.ext.asyncio.session import AsyncSession

from storage.models import Case, Delivery, utcnow
from storage.terms import DeliveryState, Purpose

_UNSENT = (DeliveryState.PENDING, DeliveryState.SENDING)
UNDELIVERED = (*_UNSENT, DeliveryState.HANDED)
REPLIES = (Purpose.REPLY, Purpose.REPLY_PART)
WITH_COPIES = (*REPLIES, Purpose.REPLY_COPY)
NOT_OUT = (*UNDELIVERED, DeliveryState.HELD)


async def enqueue(
    session: AsyncSession,
    *,
    account_id: int,
    place: str,
    purpose: Purpose,
    payload: dict[str, Any],
    dedupe: str,
    case_id: int | None = None,
    context: dict[str, Any] | None = None,
    post: str = "",
    due_at: datetime | None = None,
) -> bool:
    """Add a delivery to this transaction, to leave at ``due_at`` (now), unless one with the same
    ``dedupe`` exists (False)."""
    if (await session.exec(select(Delivery.id).where(Delivery.dedupe == dedupe))).first():
        return False
    delivery = Delivery(
        account_id=account_id,
        place=place,
        purpose=purpose,
        payload=payload,
        dedupe=dedupe,
        case_id=case_id,
        context=context or {},
        post=post,
        due_at=due_at or utcnow(),
    )
    session.add(delivery)
    return True


async def claim(
    session: AsyncSession, now: datetime, lease: timedelta, limit: int, account_ids: list[int]
) -> list[Delivery]:
    """Take up to ``limit`` due deliveries, at most one a place and never past an earlier one."""
    earlier = aliased(Delivery)
    blocked = exists().where(
        col(earlier.account_id) == Delivery.account_id,
        col(earlier.place) == Delivery.place,
        col(earlier.id) < Delivery.id,
        col(earlier.state).in_(_UNSENT),
    )
    free = or_(
        and_(Delivery.state == DeliveryState.PENDING, Delivery.due_at <= now),
        and_(Delivery.state == DeliveryState.SENDING, col(Delivery.lease_until) < now),
    )
    query = (
        select(Delivery)
        .where(free, ~blocked, col(Delivery.account_id).in_(account_ids))
        .order_by(col(Delivery.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    taken = list(await session.exec(query))
    for delivery in taken:
        delivery.state = DeliveryState.SENDING
        delivery.lease_until = now + lease
        delivery.attempts += 1
    return taken


def sent(delivery: Delivery, external_id: str, at: datetime | None = None) -> None:
    """Note the platform's acceptance, now or ``at`` some time before."""
    delivery.state = DeliveryState.SENT
    delivery.external_id = external_id
    delivery.sent_at = at or utcnow()
    delivery.lease_until = None
    delivery.error = ""


def hand(delivery: Delivery, payload: dict[str, Any]) -> None:
    """Note that this, in the words of its platform, lies ready for whoever is to post it."""
    delivery.state = DeliveryState.HANDED
    delivery.payload = payload
    delivery.lease_until = None
    delivery.error = ""


def retry(delivery: Delivery, at: datetime, error: str, *, counts: bool = True) -> None:
    """Put a delivery back until ``at``; ``counts=False`` forgives the attempt (a rate limit)."""
    delivery.state = DeliveryState.PENDING
    delivery.due_at = at
    delivery.lease_until = None
    delivery.error = error
    if not counts:
        delivery.attempts -= 1


def give_up(delivery: Delivery, error: str) -> None:
    """The platform refused for good, or every attempt is used up."""
    delivery.state = DeliveryState.FAILED
    delivery.lease_until = None
    delivery.error = error


def hold(delivery: Delivery, error: str) -> None:
    """Keep a delivery until its citizen writes again; until then nothing waits behind it."""
    delivery.state = DeliveryState.HELD
    delivery.lease_until = None
    delivery.error = error


async def held(
    session: AsyncSession, *, account_id: int, place: str = "", case_id: int | None = None
) -> list[Delivery]:
    """What waits for the citizen of a place, or of a case, oldest first."""
    query = select(Delivery).where(
        Delivery.account_id == account_id, Delivery.state == DeliveryState.HELD
    )
    if place:
        query = query.where(Delivery.place == place)
    if case_id is not None:
        query = query.where(Delivery.case_id == case_id)
    return list(await session.exec(query.order_by(col(Delivery.id)).with_for_update()))


async def last_sent(
    session: AsyncSession, account_id: int, place: str, limit: int
) -> list[Delivery]:
    """The newest messages that stand in a place, newest first."""
    query = select(Delivery).where(
        Delivery.account_id == account_id,
        Delivery.place == place,
        Delivery.state == DeliveryState.SENT,
    )
    return list(await session.exec(query.order_by(col(Delivery.id).desc()).limit(limit)))


async def next_due(session: AsyncSession, account_ids: list[int]) -> datetime | None:
    """When the earliest unsent delivery may be tried."""
    query = (
        select(Delivery)
        .where(col(Delivery.state).in_(_UNSENT), col(Delivery.account_id).in_(account_ids))
        .order_by(func.coalesce(Delivery.lease_until, Delivery.due_at))
        .limit(1)
    )
    first = (await session.exec(query)).first()
    return (first.lease_until or first.due_at) if first else None


async def unsent(session: AsyncSession) -> int:
    """How many deliveries have not reached their platform yet."""
    query = select(func.count()).select_from(Delivery).where(col(Delivery.state).in_(_UNSENT))
    return (await session.exec(query)).one()


async def unsent_of_case(session: AsyncSession, case_id: int) -> list[Delivery]:
    """A case's deliveries that have not reached the citizen yet."""
    query = select(Delivery).where(
        Delivery.case_id == case_id, col(Delivery.state).in_(UNDELIVERED)
    )
    return list(await session.exec(query))


async def standing_as(
    session: AsyncSession, place: str, external_id: str, purposes: Iterable[Purpose]
) -> Delivery | None:
    """The newest delivery for one of these purposes that stands as this message in a place."""
    query = select(Delivery).where(
        Delivery.place == place,
        Delivery.external_id == external_id,
        col(Delivery.purpose).in_(tuple(purposes)),
    )
    return (await session.exec(query.order_by(col(Delivery.id).desc()).limit(1))).first()


async def hold_reply(session: AsyncSession, *, case_id: int, until: datetime) -> None:
    """Let a reply that was queued in this transaction, and its copies, not leave before then."""
    for delivery in [*await unsent_reply(session, case_id), *await _pin_of(session, case_id)]:
        if not delivery.attempts:
            delivery.due_at = max(delivery.due_at, until)


async def _pin_of(session: AsyncSession, case_id: int) -> list[Delivery]:
    """The 置顶答复 that the case waits behind, if nobody tried it yet."""
    query = (
        select(Delivery)
        .join(Case, col(Case.pinned_id) == Delivery.id)
        .where(Case.id == case_id, Delivery.state == DeliveryState.PENDING)
    )
    return list(await session.exec(query))


async def let_go(
    session: AsyncSession, case_ids: Iterable[int], until: datetime, held_until: datetime
) -> None:
    """Let what was held of the replies of these cases, and no longer, leave from then on."""
    cases = tuple(case_ids)
    pins = select(Case.pinned_id).where(col(Case.id).in_(cases))
    own = col(Delivery.case_id).in_(cases) & col(Delivery.purpose).in_(REPLIES)
    held = update(Delivery).where(
        or_(own, col(Delivery.id).in_(pins)),
        col(Delivery.state) == DeliveryState.PENDING,
        col(Delivery.attempts) == 0,
        col(Delivery.due_at) <= held_until,
    )
    await session.exec(held.values(due_at=until))


async def unsent_reply(session: AsyncSession, case_id: int) -> list[Delivery]:
    """The parts of a case's reply and its copies elsewhere that are not delivered yet."""
    copies = col(Delivery.dedupe).startswith(f"copy:{case_id}:")
    query = select(Delivery).where(
        or_(col(Delivery.case_id) == case_id, copies),
        col(Delivery.purpose).in_(WITH_COPIES),
        col(Delivery.state).in_(UNDELIVERED),
    )
    return list(await session.exec(query.with_for_update()))


async def in_flight(session: AsyncSession, place: str) -> bool:
    """Whether something is being sent to this place now."""
    query = select(Delivery.id).where(
        Delivery.place == place, Delivery.state == DeliveryState.SENDING
    )
    return (await session.exec(query.limit(1))).first() is not None
