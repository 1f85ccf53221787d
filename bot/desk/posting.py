"""Putting messages into the outbox in the same transaction as what causes them."""

from __future__ import annotations

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.channels.base import Button, Capabilities, Outgoing
from bot.desk import cards, wording
from bot.desk.office import Office, account_by_key, key_of
from knowledge.catalog import Entry
from storage import outbox, queries
from storage.ledger import record
from storage.models import Account, Case, Delivery, Staff
from storage.terms import CaseState, DeliveryState, EventKind, Purpose

_PLAIN = Capabilities(max_length=4000)


async def notice(
    session: AsyncSession,
    case: Case,
    outgoing: Outgoing,
    purpose: Purpose = Purpose.NOTICE,
) -> None:
    """Tell the citizen of a case something; the same purpose once for each case version."""
    await outbox.enqueue(
        session,
        account_id=case.account_id,
        place=case.place,
        purpose=purpose,
        payload=outgoing.to_json(),
        dedupe=f"{purpose}:{case.id}:{case.version}",
        case_id=case.id,
    )


async def reply(
    office: Office, session: AsyncSession, case: Case, text: str, entry: Entry | None, *, actor: str
) -> None:
    """Queue the substantive reply, cut to the platform's length, with links and feedback."""
    account = await session.get_one(Account, case.account_id)
    limit = office.capabilities.get(account.key, _PLAIN).max_length
    parts = wording.split_at_sense(text, limit)
    buttons = (*wording.link_rows(entry), wording.feedback_row(key_of(case)))
    for number, part in enumerate(parts, 1):
        last = number == len(parts)
        await _part(session, case, part, buttons if last else (), number, last)
    case.state = CaseState.REPLYING
    case.consider_at = None
    case.entry_id = entry.id if entry else ""
    case.automatic = actor == "system"
    record(
        session,
        case,
        EventKind.REPLY_QUEUED,
        actor=actor,
        entry=case.entry_id,
        automatic=case.automatic,
    )


async def _part(
    session: AsyncSession,
    case: Case,
    text: str,
    buttons: tuple[tuple[Button, ...], ...],
    number: int,
    last: bool,
) -> None:
    outgoing = Outgoing(text, buttons, reply_to=case.reply_to)
    await outbox.enqueue(
        session,
        account_id=case.account_id,
        place=case.place,
        purpose=Purpose.REPLY if last else Purpose.REPLY_PART,
        payload=outgoing.to_json(),
        dedupe=f"reply:{case.id}:{case.version}:{number}",
        case_id=case.id,
    )


async def staff_places(office: Office, session: AsyncSession) -> list[str]:
    """Where staff read their cards: the one group, or every registered person's chat."""
    if office.rules.staff_account not in office.capabilities:
        return []
    if office.rules.staff_place:
        return [office.rules.staff_place]
    query = select(Staff.telegram_id).where(col(Staff.active), col(Staff.telegram_id).is_not(None))
    return [place for place in await session.exec(query) if place]


async def to_staff(
    office: Office, session: AsyncSession, outgoing: Outgoing, purpose: Purpose, dedupe: str
) -> None:
    """Send one message to every staff place."""
    places = await staff_places(office, session)
    if not places:
        return
    account = await account_by_key(session, office.rules.staff_account)
    for place in places:
        await outbox.enqueue(
            session,
            account_id=key_of(account),
            place=place,
            purpose=purpose,
            payload=outgoing.to_json(),
            dedupe=f"{dedupe}:{place}",
        )


async def card(office: Office, session: AsyncSession, case: Case, place: str = "") -> None:
    """Show a case to staff: a new card in ``place`` (all places when empty).

    Cards of the case that already stand in those places lose their buttons.
    """
    view = await queries.case_view(session, key_of(case), office.now())
    outgoing = cards.card(view, office.now())
    account = await account_by_key(session, office.rules.staff_account)
    for target in [place] if place else await staff_places(office, session):
        await retire_cards(session, case, cards.moved_on(view), place=target)
        await outbox.enqueue(
            session,
            account_id=key_of(account),
            place=target,
            purpose=Purpose.CARD,
            payload=outgoing.to_json(),
            dedupe=f"card:{case.id}:{case.version}:{target}:{office.now().timestamp()}",
            case_id=case.id,
            context={"version": case.version},
        )


async def retire_cards(
    session: AsyncSession, case: Case, outgoing: Outgoing, place: str = ""
) -> None:
    """Replace the case's standing cards by a closing line; cards not sent yet never leave."""
    query = select(Delivery).where(
        Delivery.case_id == case.id,
        Delivery.purpose == Purpose.CARD,
        col(Delivery.state).in_((DeliveryState.SENT, DeliveryState.PENDING)),
    )
    if place:
        query = query.where(Delivery.place == place)
    for delivery in await session.exec(query):
        if delivery.state == DeliveryState.PENDING:
            outbox.give_up(delivery, "已处理")
            continue
        await outbox.enqueue(
            session,
            account_id=delivery.account_id,
            place=delivery.place,
            purpose=Purpose.CARD_UPDATE,
            payload={**outgoing.to_json(), "edits": delivery.external_id},
            dedupe=f"retire:{delivery.id}",
            case_id=case.id,
        )
