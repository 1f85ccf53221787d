"""What a delivered answer does to its case, and to all that waited behind a 置顶答复."""

from __future__ import annotations

from typing import Any

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.desk import gathering, pauses, perfunctory, pinning, posting, tasks
from bot.desk.office import TOPIC_OUTBOX, Office
from bot.desk.turns import set_due
from bot.evasion import Kind
from bot.telemetry import ANSWER_SECONDS
from storage import posts
from storage.ledger import record
from storage.models import Case, Delivery
from storage.terms import CaseState, DeliveryState, EventKind, Purpose

_AT_ONCE = 200


async def answered(
    office: Office, session: AsyncSession, case: Case, delivery: Delivery, *, busy: bool = True
) -> None:
    """The citizen can read the answer since it was delivered: the clock stops, unless it says
    nothing. ``busy`` when somebody may have been asked for something about the clock."""
    evasive = delivery.context.get("evasive")
    if not evasive and case.state == CaseState.REPLYING:
        await pauses.end(office, session, case, "已答复", at=delivery.sent_at)
    how: dict[str, Any] = {"evasive": evasive} if evasive else {}
    if delivery.purpose == Purpose.PINNED:
        how["pinned"] = True
    record(
        session,
        case,
        EventKind.REPLIED,
        at=delivery.sent_at,
        delivery=delivery.id,
        entry=case.entry_id,
        automatic=case.automatic,
        **how,
    )
    if case.state == CaseState.REPLYING and evasive:
        perfunctory.go_on(case, Kind(evasive))
        await set_due(office, session, case)
        await posting.card(office, session, case)
    elif case.state == CaseState.REPLYING:
        case.state, case.answered_at = CaseState.ANSWERED, delivery.sent_at
        case.version += 1
        if busy:
            await tasks.withdraw(session, case, tasks.ABOUT_THE_CLOCK, "已答复")
        if case.automatic and case.answered_at:
            ANSWER_SECONDS.observe((case.answered_at - case.opened_at).total_seconds())


async def serve(office: Office) -> int:
    """Settle every case whose pinned answer stands, or never will; returns how many.

    A program that dies in between leaves the rest to the next one that looks.
    """
    if not any(can.beyond == "pin" for can in office.capabilities.values()):
        return 0
    served = 0
    while True:
        async with office.db.read() as session:
            numbers = await posts.settled(session, _AT_ONCE)
        if not numbers:
            return served
        async with office.db.write() as session:
            query = select(Case).where(col(Case.id).in_(numbers), Case.state == CaseState.REPLYING)
            held = list(await session.exec(query.with_for_update(skip_locked=True)))
            for case in held:
                await _settle(office, session, case)
        if not held:
            return served
        served += len(held)
        office.notify(TOPIC_OUTBOX)


async def _settle(office: Office, session: AsyncSession, case: Case) -> None:
    pin = await session.get_one(Delivery, case.pinned_id)
    if pin.state == DeliveryState.FAILED:
        await _back(office, session, case, pin)
    elif pin.sent_at is not None and case.opened_at > pin.sent_at:
        await pinning.wait_for_next(office, session, case, pin)
    elif pin.state == DeliveryState.SENT:
        await answered(office, session, case, pin)


async def _back(office: Office, session: AsyncSession, case: Case, pin: Delivery) -> None:
    """What was to be pinned never will be: a person decides again."""
    record(session, case, EventKind.DELIVERY_FAILED, delivery=pin.id, purpose=Purpose.PINNED)
    case.state, case.reason = CaseState.WAITING, f"置顶答复没有发出：{pin.error}"
    case.pinned_id = None
    case.version += 1
    await set_due(office, session, case)
    await gathering.card(office, session, case)
