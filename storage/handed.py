"""Deliveries that were handed over and not confirmed yet, and how much waits to be decided."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from storage.models import Account, Case, Citizen, Delivery, Message
from storage.terms import CaseState, DeliveryState

PATIENCE = timedelta(minutes=10)
"""How long a platform's program may take before people look after what it was handed."""


@dataclass(frozen=True, slots=True)
class Handed:
    """One delivery that lies ready, for whom, and what it answers (the newest message)."""

    delivery: Delivery
    account: Account
    case: Case
    citizen: Citizen
    asked: str


async def of_account(
    session: AsyncSession, account_id: int, after: int, limit: int
) -> list[Delivery]:
    """What lies ready in one account beyond the delivery ``after``, oldest first."""
    query = (
        select(Delivery)
        .where(
            Delivery.account_id == account_id,
            Delivery.state == DeliveryState.HANDED,
            col(Delivery.id) > after,
        )
        .order_by(col(Delivery.id))
        .limit(limit)
    )
    return list(await session.exec(query))


async def for_people(session: AsyncSession, accounts: Sequence[str], limit: int) -> list[Handed]:
    """What lies ready in the accounts with these keys, oldest first."""
    query = (
        select(Delivery, Account, Case, Citizen)
        .join(Account, col(Account.id) == Delivery.account_id)
        .join(Case, col(Case.id) == Delivery.case_id)
        .join(Citizen, col(Citizen.id) == Case.citizen_id)
        .where(Delivery.state == DeliveryState.HANDED, col(Account.key).in_(accounts))
        .order_by(col(Delivery.id))
        .limit(limit)
    )
    rows = list(await session.exec(query))
    said = await _newest(session, [case.id or 0 for _, _, case, _ in rows])
    return [
        Handed(delivery, account, case, citizen, said.get(case.id or 0, ""))
        for delivery, account, case, citizen in rows
    ]


async def unconfirmed(session: AsyncSession) -> int:
    """How many deliveries lie ready and were not confirmed."""
    query = select(func.count()).select_from(Delivery)
    return (await session.exec(query.where(Delivery.state == DeliveryState.HANDED))).one()


async def without_due(session: AsyncSession, before: datetime, limit: int) -> list[int]:
    """Cases whose replies were handed over before then, are not confirmed, and have no due time."""
    query = (
        select(Case.id)
        .join(Delivery, col(Delivery.case_id) == col(Case.id))
        .where(
            Delivery.state == DeliveryState.HANDED,
            Delivery.created_at < before,
            Case.state == CaseState.REPLYING,
            col(Case.due_at).is_(None),
        )
        .distinct()
        .limit(limit)
    )
    return [one for one in await session.exec(query) if one is not None]


async def held(session: AsyncSession, delivery_id: int) -> Delivery | None:
    """A delivery, held against other writers until the transaction ends."""
    query = select(Delivery).where(col(Delivery.id) == delivery_id).with_for_update()
    return (await session.exec(query)).first()


async def earlier(session: AsyncSession, delivery: Delivery) -> int | None:
    """A delivery to the same place that lies ready since before this one."""
    query = select(Delivery.id).where(
        Delivery.account_id == delivery.account_id,
        Delivery.place == delivery.place,
        Delivery.state == DeliveryState.HANDED,
        col(Delivery.id) < (delivery.id or 0),
    )
    return (await session.exec(query.order_by(col(Delivery.id)).limit(1))).first()


async def undecided(session: AsyncSession) -> int:
    """How many cases wait for the desk's own decision."""
    query = select(func.count()).select_from(Case).where(col(Case.consider_at).is_not(None))
    return (await session.exec(query)).one()


async def _newest(session: AsyncSession, case_ids: Sequence[int]) -> dict[int, str]:
    """The newest text of each of these cases."""
    newest = (
        select(func.max(Message.id))
        .where(col(Message.case_id).in_(case_ids))
        .group_by(col(Message.case_id))
    )
    query = select(Message.case_id, Message.text).where(col(Message.id).in_(newest))
    return dict((await session.exec(query)).all())
