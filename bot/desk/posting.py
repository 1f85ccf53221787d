"""Putting messages into the outbox in the same transaction as what causes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.channels.base import Capabilities, Outgoing
from bot.channels.cutting import split_at_sense
from bot.desk import bundles, cards, perfunctory, pinning, rationing, wording
from bot.desk.entrances import Rows, links_of
from bot.desk.office import Office, account_by_key, key_of
from bot.evasion import find
from knowledge.catalog import Entry
from storage import outbox, queries
from storage.ledger import record
from storage.models import Account, Case, Citizen, Delivery, Staff
from storage.terms import CaseState, DeliveryState, EventKind, Purpose

_WORTH_READING = 40  # characters of an answer below which it is sent in parts


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
        post=case.post if case.kind == "comment" else "",
    )


async def reply(
    office: Office,
    session: AsyncSession,
    case: Case,
    text: str,
    sources: Sequence[Entry],
    *,
    actor: str,
    asked: str = "",
) -> None:
    """Queue the reply, cut to the platform's length, with the links of its sources and feedback.

    A reply from several entries is no evidence for any of them alone, and names none.

    What is perfunctory about it goes with it, for whoever sees it delivered. An approved entry
    was found for what was ``asked``: nobody has to look whether it speaks of the same.
    """
    await _give_up_held(office, session, case)
    case.automatic, case.pinned_id = actor == "system", None
    found = find(text, asked) if asked else await perfunctory.judge(office, session, case, text)
    marks: dict[str, Any] = {"evasive": str(found.kind)} if found else {}
    way = await rationing.way_of(office, session, case, text)
    if way.pinned:
        marks["pinned"] = await pinning.wait_behind(office, session, case, text, sources, marks)
    else:
        await _parts_of(office, session, case, text, sources, way, marks)
    await _copies(office, session, case, text, sources)
    case.state = CaseState.REPLYING
    case.consider_at = None
    case.entry_id = sources[0].id if len(sources) == 1 else ""
    if len(sources) > 1:
        marks["entries"] = [entry.id for entry in sources]
    record(
        session,
        case,
        EventKind.REPLY_QUEUED,
        actor=actor,
        entry=case.entry_id,
        automatic=case.automatic,
        category=case.category,
        department=case.department,
        **marks,
    )


async def _give_up_held(office: Office, session: AsyncSession, case: Case) -> None:
    """What was kept until the citizen writes again is out of date."""
    account = await session.get_one(Account, case.account_id)
    if office.can(account).reply_window is None:
        return
    for held in await outbox.held(session, account_id=case.account_id, case_id=case.id):
        outbox.give_up(held, "另有新的答复")
        case.reason = ""


async def _parts_of(
    office: Office,
    session: AsyncSession,
    case: Case,
    text: str,
    sources: Sequence[Entry],
    way: rationing.Way,
    marks: dict[str, Any],
) -> None:
    """Queue a reply to this citizen alone, in as many parts as it takes."""
    steps = await bundles.rows_for(office, session, case, sources)
    parts, rows = await _dressed(office, session, case, case, text, sources, steps)
    for number, part in enumerate(parts, 1):
        last = number == len(parts)
        known = marks if last else None
        await _part(session, case, way, part, rows if last else (), number, known)


async def _dressed(
    office: Office,
    session: AsyncSession,
    case: Case,
    answered: Case,
    text: str,
    sources: Sequence[Entry],
    steps: Rows = (),
) -> tuple[list[str], Rows]:
    """A reply in the manner of the case's platform: its parts, and the buttons that remain.

    ``answered`` is the case that a citizen's word about the answer goes to. What is too long
    under a post is cut, and says where it can be read whole.
    """
    account = await session.get_one(Account, case.account_id)
    can = office.can(account)
    feedback = wording.feedback_row(key_of(answered))
    ticks = steps if can.edits else ()  # a tick changes the list where it stands
    links = links_of(office, account.key, sources, on_own_pages=can.own_pages)
    worded = wording.in_words(Outgoing(text, (*links, *ticks, feedback)), can)
    public = case.kind == "comment"
    name = await _mentioned(session, case) if can.mentions and public else ""
    parts = split_at_sense(f"{name}{worded.text}", can.max_length)
    if len(parts) == 1 or not public:
        return parts, worded.buttons
    page = _page(office, account.key, can, text, sources)
    rest = wording.in_words(Outgoing(wording.READ_ON.format(url=page), (feedback,)), can)
    room = can.max_length - len(rest.text)
    if page and room >= _WORTH_READING:
        return [f"{split_at_sense(f'{name}{text}', room)[0]}{rest.text}"], rest.buttons
    if can.one_per_comment:
        room = can.max_length - len(wording.ABRIDGED)
        parts = [f"{split_at_sense(f'{name}{worded.text}', room)[0]}{wording.ABRIDGED}"]
    return parts, worded.buttons


async def _mentioned(session: AsyncSession, case: Case) -> str:
    """How an answer in public begins: with whom it is for."""
    citizen = await session.get_one(Citizen, case.citizen_id)
    return f"@{citizen.display_name} " if citizen.display_name else ""


def _page(
    office: Office, account: str, can: Capabilities, text: str, sources: Sequence[Entry]
) -> str:
    """Where anybody may read a text whole: what an entry says word for word, if it is approved."""
    if office.passage is None or not can.links or len(sources) != 1:
        return ""
    entry, today = sources[0], office.today()
    public = text == wording.answer_text(entry) and office.library.approves(entry, today)
    return office.passage.page(account, entry.id) if public else ""


async def _part(
    session: AsyncSession,
    case: Case,
    way: rationing.Way,
    text: str,
    buttons: Rows,
    number: int,
    last: dict[str, Any] | None,
) -> None:
    """Queue one part of a reply; the last one carries what is known of the whole."""
    outgoing = Outgoing(text, buttons, reply_to=way.reply_to)
    await outbox.enqueue(
        session,
        account_id=case.account_id,
        place=way.place,
        purpose=Purpose.REPLY_PART if last is None else Purpose.REPLY,
        payload=outgoing.to_json(),
        dedupe=f"reply:{case.id}:{case.version}:{number}",
        case_id=case.id,
        context=last or {},
        post=way.post,
        due_at=way.due_at,
    )


async def _copies(
    office: Office,
    session: AsyncSession,
    case: Case,
    text: str,
    sources: Sequence[Entry],
) -> None:
    """The same answer for every other thread in which the citizen asked the same."""
    threads = {case.thread: case}
    for merged in await queries.absorbed(session, key_of(case)):
        if threads.setdefault(merged.thread, merged) is not merged:
            continue
        parts, rows = await _dressed(office, session, merged, case, text, sources)
        for number, part in enumerate(parts, 1):
            last = rows if number == len(parts) else ()
            outgoing = Outgoing(part, last, reply_to=merged.reply_to)
            await outbox.enqueue(
                session,
                account_id=merged.account_id,
                place=merged.place,
                purpose=Purpose.REPLY_COPY,
                payload=outgoing.to_json(),
                dedupe=f"copy:{case.id}:{case.version}:{merged.id}:{number}",
                case_id=merged.id,
                post=merged.post if merged.kind == "comment" else "",
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


async def to_people(
    office: Office,
    session: AsyncSession,
    people: Sequence[Staff],
    outgoing: Outgoing,
    purpose: Purpose,
    dedupe: str,
    case: Case | None = None,
    context: dict[str, Any] | None = None,
    place: str = "",
) -> None:
    """Send one message to these members of staff: by name in the group, else each in private.

    A ``place`` goes before all that.
    """
    if office.rules.staff_account not in office.capabilities or not people:
        return
    places = [place] if place else [one.telegram_id for one in people if one.telegram_id]
    if office.rules.staff_place and not place:
        names = "、".join(one.display_name for one in people)
        outgoing = replace(
            outgoing,
            text=f"{names}：{outgoing.text}",
            person=people[0].telegram_id or "",
            person_name=people[0].display_name,
        )
        places = [office.rules.staff_place]
    account = await account_by_key(session, office.rules.staff_account)
    for target in places:
        await outbox.enqueue(
            session,
            account_id=key_of(account),
            place=target,
            purpose=purpose,
            payload=outgoing.to_json(),
            dedupe=f"{dedupe}:{target}",
            case_id=case.id if case else None,
            context=context,
        )


async def card(office: Office, session: AsyncSession, case: Case, place: str = "") -> None:
    """Show a case to staff: a new card in ``place`` (all places when empty).

    Cards of the case that already stand in those places lose their buttons.
    """
    places = [place] if place else await staff_places(office, session)
    if not places:
        return
    await session.flush()
    view = await queries.case_view(session, key_of(case), office.now())
    outgoing = cards.card(view, office.now())
    account = await account_by_key(session, office.rules.staff_account)
    for target in places:
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
        await retire(session, delivery, outgoing)


async def retire(session: AsyncSession, delivery: Delivery, outgoing: Outgoing) -> None:
    """Put a closing line in the place of a message with buttons; one not sent never leaves."""
    if delivery.state == DeliveryState.PENDING:
        outbox.give_up(delivery, "已处理")
        return
    await outbox.enqueue(
        session,
        account_id=delivery.account_id,
        place=delivery.place,
        purpose=Purpose.CARD_UPDATE,
        payload={**outgoing.to_json(), "edits": delivery.external_id},
        dedupe=f"retire:{delivery.id}",
        case_id=delivery.case_id,
    )
