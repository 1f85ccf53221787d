"""How many messages a platform allows under one post in a while, and what becomes of the rest.

What leaves counts from the moment it leaves; what is queued is given a time at which it may.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.channels.base import Capabilities
from bot.channels.wire import Spot
from bot.desk.office import Office
from storage import posts
from storage.models import Account, Case, Citizen, Delivery


@dataclass(frozen=True, slots=True)
class Way:
    """How an answer goes: to which place, under which post, not before when; or behind a pin."""

    place: str
    reply_to: str
    post: str = ""
    due_at: datetime | None = None
    pinned: bool = False


def limited(can: Capabilities, post: str) -> bool:
    return bool(can.post_limit and post)


async def way_of(office: Office, session: AsyncSession, case: Case, text: str) -> Way:
    """The way of an answer with this text."""
    account = await session.get_one(Account, case.account_id)
    can, post = office.can(account), case.post if case.kind == "comment" else ""
    plain = Way(case.place, case.reply_to, post)
    if not limited(can, post):
        return plain
    pins = can.beyond == "pin" and await _for_many(session, case, text)
    due = await due_under(office, session, account, post, spare=can.beyond == "pin")
    if due <= office.now():
        return plain
    if pins:
        return Way("", "", post, pinned=True)
    if can.beyond == "private":
        citizen = await session.get_one(Citizen, case.citizen_id)
        return Way(Spot("direct", citizen.external_id).place, "")
    return Way(case.place, case.reply_to, post, due)


async def due_under(
    office: Office, session: AsyncSession, account: Account, post: str, *, spare: bool = False
) -> datetime:
    """When one more message may go under a post; ``spare`` leaves room for another one."""
    can, now = office.can(account), office.now()
    await session.flush()  # what this transaction queued under the post counts too
    await posts.hold(session, account)
    nth = await posts.planned(session, account, post, can.post_limit - spare)
    return now if nth is None else max(now, nth + can.post_window)


async def leaves(office: Office, delivery: Delivery, can: Capabilities) -> float:
    """Let a message under a post leave now (0), or say in how many seconds it may."""
    async with office.db.write() as session:
        account = await session.get_one(Account, delivery.account_id)
        await posts.hold(session, account)
        row = await session.get_one(Delivery, delivery.id)
        now = office.now()
        nth = await posts.left(session, row, can.post_limit)
        if nth is not None and nth + can.post_window > now:
            return (nth + can.post_window - now).total_seconds()
        row.left_at = now
        return 0.0


async def _for_many(session: AsyncSession, case: Case, text: str) -> bool:
    """Whether the text answers a question that others ask too, and nobody by name."""
    if case.crowd_id is None and not case.automatic:
        return False
    citizen = await session.get_one(Citizen, case.citizen_id)
    named = bool(citizen.display_name) and citizen.display_name in text
    return not named and f"#{case.id}" not in text
