"""What stands, and is about to, under one post of an account, and who waits behind a 置顶答复."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from storage.models import Account, Case, Delivery
from storage.outbox import UNDELIVERED
from storage.terms import CaseState, DeliveryState, Purpose

COURTESY = (Purpose.ACKNOWLEDGEMENT, Purpose.NOTICE, Purpose.RATING)
"""What is left out under a post where every message counts."""


async def hold(session: AsyncSession, account: Account) -> None:
    """Let no other transaction count what is under this account's posts until this one ends."""
    row = select(Account.id).where(Account.id == account.id)
    await session.exec(row.with_for_update(key_share=True))  # others may still refer to it


async def planned(
    session: AsyncSession, account: Account, post: str, number: int
) -> datetime | None:
    """When the message that is ``number``-th from the last one left or is to leave."""
    moment = func.coalesce(col(Delivery.left_at), col(Delivery.due_at))
    query = (
        select(Delivery.left_at, Delivery.due_at)
        .where(
            Delivery.account_id == account.id,
            Delivery.post == post,
            Delivery.state != DeliveryState.FAILED,
            col(Delivery.purpose).not_in(COURTESY),
        )
        .order_by(moment.desc())
        .offset(number - 1)
        .limit(1)
    )
    found = (await session.exec(query)).first()
    return None if found is None else found[0] or found[1]


async def left(session: AsyncSession, delivery: Delivery, number: int) -> datetime | None:
    """When the message that is ``number``-th from the last one left, this one not counted."""
    query = (
        select(Delivery.left_at)
        .where(
            Delivery.account_id == delivery.account_id,
            Delivery.post == delivery.post,
            Delivery.id != delivery.id,
            Delivery.state != DeliveryState.FAILED,
            col(Delivery.left_at).is_not(None),
        )
        .order_by(col(Delivery.left_at).desc())
        .offset(number - 1)
        .limit(1)
    )
    return (await session.exec(query)).first()


async def pin(session: AsyncSession, mark: str) -> Delivery | None:
    """The 置顶答复 whose ``dedupe`` begins so and that does not stand yet."""
    query = select(Delivery).where(
        Delivery.purpose == Purpose.PINNED,
        col(Delivery.dedupe).startswith(mark, autoescape=True),
        col(Delivery.state).in_(UNDELIVERED),
    )
    return (await session.exec(query.order_by(col(Delivery.id).desc()).limit(1))).first()


async def behind(session: AsyncSession, pin_id: int) -> int:
    """How many cases wait behind a 置顶答复."""
    query = select(func.count()).where(
        col(Case.pinned_id) == pin_id, col(Case.state) == CaseState.REPLYING
    )
    return (await session.exec(query)).one()


async def heir(session: AsyncSession, pin_id: int, but: int) -> Case | None:
    """One that waits behind a 置顶答复 besides this one."""
    query = select(Case).where(
        col(Case.pinned_id) == pin_id, col(Case.state) == CaseState.REPLYING, col(Case.id) != but
    )
    return (await session.exec(query.order_by(col(Case.id)).limit(1))).first()


async def settled(session: AsyncSession, limit: int) -> Sequence[int]:
    """Cases whose 置顶答复 stands by now, or never will."""
    query = (
        select(Case.id)
        .join(Delivery, col(Delivery.id) == Case.pinned_id)
        .where(
            Case.state == CaseState.REPLYING,
            col(Delivery.state).in_((DeliveryState.SENT, DeliveryState.FAILED)),
        )
        .order_by(col(Case.id))
        .limit(limit)
    )
    return [number or 0 for number in await session.exec(query)]
