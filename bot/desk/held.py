"""Replies that a platform lets nobody send before the citizen writes again."""

from __future__ import annotations

from datetime import datetime

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.desk import cards, posting
from bot.desk.office import TOPIC_OUTBOX, Office, locked_case
from storage import outbox, queries
from storage.models import Account, Case, Citizen, Delivery
from storage.terms import CaseState, Purpose

AWAITS = "答复已存好，群众再来消息时自动送达"


async def hold(session: AsyncSession, case: Case, refused: Delivery, reason: str) -> None:
    """Keep the reply that was refused, and its later parts, for the citizen's next message."""
    outbox.hold(refused, reason)
    for row in await outbox.unsent_of_case(session, case.id or 0):
        if row.purpose in outbox.WITH_COPIES and row.place == refused.place:
            outbox.hold(row, reason)


def holdable(delivery: Delivery) -> bool:
    """Whether it is worth keeping: replies are, what is only of the moment is not."""
    return delivery.purpose in outbox.WITH_COPIES


async def release(
    office: Office, session: AsyncSession, account: Account, citizen: Citizen, at: datetime
) -> None:
    """The citizen did something in private at this time: what was held for them may go out.

    A reply whose case was dealt with otherwise meanwhile never leaves.
    """
    citizen.heard_at = max(at, citizen.heard_at or at)
    rows = await outbox.held(session, account_id=account.id or 0, place=citizen.external_id)
    for number in {row.case_id for row in rows}:
        case = await locked_case(session, number or 0)
        own = [row for row in rows if row.case_id == number]
        if case is None or case.state not in (CaseState.WAITING, CaseState.MERGED):
            for row in own:
                outbox.give_up(row, "诉求已另行处理")
            continue
        for row in own:
            outbox.retry(row, office.now(), "", counts=False)
            row.attempts = 0
        if any(row.purpose == Purpose.REPLY for row in own):
            case.state, case.reason = CaseState.REPLYING, ""
            case.version += 1
            view = await queries.case_view(session, case.id or 0, office.now())
            await posting.retire_cards(session, case, cards.moved_on(view))
    if rows:
        office.notify(TOPIC_OUTBOX)
