"""Writing cases that happened before the office had this program."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import insert
from sqlmodel import SQLModel, col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from storage.ledger import audit, record
from storage.models import (
    Account,
    Case,
    CaseEvent,
    Citizen,
    Delivery,
    Message,
    MessageVersion,
    utcnow,
)
from storage.terms import OPEN_STATES, CaseState, DeliveryState, EventKind, Purpose

PLATFORM = "历史导入"
Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class PastReply:
    """What was answered and when; ``payload`` is the outgoing message as JSON.

    ``evasive`` is the kind of a perfunctory reply; with ``strict`` it does not stop the clock,
    else the ledger only notes the suspicion.
    """

    payload: dict[str, Any]
    at: datetime
    imprecise: bool
    evasive: str = ""
    strict: bool = False

    @property
    def answers(self) -> bool:
        return not (self.evasive and self.strict)


@dataclass(frozen=True, slots=True)
class PastCase:
    """One message of an export with all that the desk would have worked out about it.

    ``imprecise`` says that only the day of ``sent_at`` is known.
    """

    external_id: str
    citizen: str
    name: str
    subject: str
    text: str
    sent_at: datetime
    imprecise: bool
    reply: PastReply | None
    likes: int | None
    dislikes: int | None
    department: str
    triage: str
    category: str
    urgency: int
    due_at: datetime
    due_provisional: bool
    calendar_version: str
    profile: str


@dataclass(frozen=True, slots=True)
class Stored:
    """What became of a batch: new cases, known ones, known ones that got their reply.

    ``evasive`` counts the perfunctory among the replies that were stored.
    """

    added: int = 0
    known: int = 0
    completed: int = 0
    evasive: int = 0

    def __add__(self, other: Stored) -> Stored:
        return Stored(
            self.added + other.added,
            self.known + other.known,
            self.completed + other.completed,
            self.evasive + other.evasive,
        )


async def open_account(session: AsyncSession, name: str, actor: str) -> Account:
    """The account with this key, created for imported history when there is none."""
    account = (await session.exec(select(Account).where(Account.key == name))).first()
    if account is None:
        account = Account(key=name, platform=PLATFORM, name=name)
        session.add(account)
        audit(session, actor, "account.add", name, platform=PLATFORM)
        await session.flush()
    return account


async def store(
    session: AsyncSession, account_id: int, batch: Sequence[PastCase], actor: str
) -> Stored:
    """Add a batch in this transaction; messages that are there already are left alone,
    but an unanswered one gets the reply that the export knows."""
    known = await _known(session, account_id, [past.external_id for past in batch])
    fresh = [past for past in batch if past.external_id not in known]
    await _add(session, account_id, fresh, actor)
    waiting = await _unanswered(session, known.values())
    told = await _told(session, account_id, [past for past in batch if past.external_id in known])
    late = []
    for past in batch:
        case = waiting.get(known.get(past.external_id, 0))
        if case is not None and past.reply and _mark(account_id, past, past.reply) not in told:
            _complete(session, case, past, past.reply, actor)
            late.append(past)
    evasive = sum(bool(past.reply and past.reply.evasive) for past in (*fresh, *late))
    return Stored(len(fresh), len(batch) - len(fresh) - len(late), len(late), evasive)


async def _known(session: AsyncSession, account_id: int, ids: list[str]) -> dict[str, int]:
    query = select(Message.external_id, Message.case_id).where(
        Message.account_id == account_id, col(Message.external_id).in_(ids)
    )
    return dict((await session.exec(query)).all())


async def _told(session: AsyncSession, account_id: int, batch: list[PastCase]) -> set[str]:
    """Which of these cases' replies are stored already, though they may not have answered."""
    marks = [_mark(account_id, past, past.reply) for past in batch if past.reply]
    query = select(Delivery.dedupe).where(col(Delivery.dedupe).in_(marks))
    return set(await session.exec(query))


async def _unanswered(session: AsyncSession, case_ids: Iterable[int]) -> dict[int, Case]:
    query = select(Case).where(
        col(Case.id).in_(list(case_ids)),
        col(Case.state).in_(OPEN_STATES),
        Case.place == "",  # where the citizen can be written to, only the desk answers
    )
    return {case.id or 0: case for case in await session.exec(query)}


async def _add(
    session: AsyncSession, account_id: int, batch: Sequence[PastCase], actor: str
) -> None:
    if not batch:
        return
    people = await _citizens(session, account_id, batch)
    cases = [_case(account_id, people[past.citizen], past) for past in batch]
    case_ids = await _insert_keyed(session, Case, cases)
    pairs = list(zip(case_ids, batch, strict=True))
    messages = [_message(account_id, people[past.citizen], key, past) for key, past in pairs]
    message_ids = await _insert_keyed(session, Message, messages)
    originals = [
        {"message_id": key, "number": 1, "text": past.text, "sent_at": past.sent_at}
        for key, past in zip(message_ids, batch, strict=True)
    ]
    await _insert(session, MessageVersion, originals)
    events = [
        event
        for (case_id, past), message_id in zip(pairs, message_ids, strict=True)
        for event in _events(case_id, message_id, past, actor)
    ]
    await _insert(session, CaseEvent, events)
    deliveries = [
        _delivery(account_id, case_id, past, past.reply)
        for case_id, past in pairs
        if past.reply is not None
    ]
    await _insert(session, Delivery, deliveries)


async def _citizens(
    session: AsyncSession, account_id: int, batch: Sequence[PastCase]
) -> dict[str, int]:
    names = {past.citizen: past.name for past in batch}
    query = select(Citizen.external_id, Citizen.id).where(
        Citizen.account_id == account_id, col(Citizen.external_id).in_(list(names))
    )
    people = {external_id: key or 0 for external_id, key in await session.exec(query)}
    new = [
        {"account_id": account_id, "external_id": key, "display_name": name, "reachable": False}
        for key, name in names.items()
        if key not in people
    ]
    keys = await _insert_keyed(session, Citizen, new)
    return people | {str(one["external_id"]): key for one, key in zip(new, keys, strict=True)}


def _case(account_id: int, citizen_id: int, past: PastCase) -> Row:
    answer = past.reply if past.reply and past.reply.answers else None
    return {
        "account_id": account_id,
        "citizen_id": citizen_id,
        "subject": past.subject,
        "state": CaseState.ANSWERED if answer else CaseState.RECEIVED,
        "category": past.category,
        "urgency": past.urgency,
        "department": past.department,
        "opened_at": past.sent_at,
        "due_at": past.due_at,
        "due_provisional": past.due_provisional,
        "calendar_version": past.calendar_version,
        "profile": past.profile,
        "answered_at": answer.at if answer else None,
    }


def _message(account_id: int, citizen_id: int, case_id: int, past: PastCase) -> Row:
    return {
        "account_id": account_id,
        "citizen_id": citizen_id,
        "case_id": case_id,
        "external_id": past.external_id,
        "text": past.text,
        "considered": True,
        "imprecise": past.imprecise,
        "likes": past.likes,
        "dislikes": past.dislikes,
        "sent_at": past.sent_at,
    }


def _events(case_id: int, message_id: int, past: PastCase, actor: str) -> Iterator[Row]:
    """What happened when it happened, and what was concluded now."""
    now = utcnow()

    def event(kind: EventKind, at: datetime = now, who: str = "system", **data: Any) -> Row:
        return {"case_id": case_id, "kind": kind, "at": at, "actor": who, "data": data}

    flag: dict[str, Any] = {"imprecise": True} if past.imprecise else {}
    yield event(EventKind.OPENED, past.sent_at, channel=PLATFORM, **flag)
    yield event(EventKind.MESSAGE, past.sent_at, message=message_id)
    yield event(EventKind.IMPORTED, who=actor)
    yield event(EventKind.TRIAGED, triage=past.triage, category=past.category)
    yield event(
        EventKind.DUE_SET,
        due=past.due_at.isoformat(),
        provisional=past.due_provisional,
        calendar=past.calendar_version,
        profile=past.profile,
        category=past.category,
        department=past.department,
    )
    if past.reply is not None:
        yield event(EventKind.REPLIED, past.reply.at, actor, **_reply_data(past.reply))


def _reply_data(reply: PastReply) -> dict[str, Any]:
    flag: dict[str, Any] = {"imprecise": True} if reply.imprecise else {}
    if reply.evasive:
        flag["evasive" if reply.strict else "suspected"] = reply.evasive
    return {"automatic": False, "imported": True, **flag}


def _delivery(account_id: int, case_id: int, past: PastCase, reply: PastReply) -> Row:
    return {
        "account_id": account_id,
        "case_id": case_id,
        "purpose": Purpose.REPLY,
        "place": "",
        "payload": reply.payload,
        "dedupe": _mark(account_id, past, reply),
        "state": DeliveryState.SENT,
        "due_at": reply.at,
        "sent_at": reply.at,
    }


def _mark(account_id: int, past: PastCase, reply: PastReply) -> str:
    """One reply of one message; another one of the same message may come with a later export."""
    return f"import:{account_id}:{past.external_id}:{reply.at.timestamp():.0f}"


def _complete(
    session: AsyncSession, case: Case, past: PastCase, reply: PastReply, actor: str
) -> None:
    """Give an unanswered case the reply that a later export knows."""
    session.add(Delivery(**_delivery(case.account_id, case.id or 0, past, reply)))
    if reply.answers:
        case.state, case.answered_at = CaseState.ANSWERED, reply.at
    case.version += 1
    told = {"later": True, **_reply_data(reply)}
    record(session, case, EventKind.REPLIED, at=reply.at, actor=actor, **told)


async def _insert(session: AsyncSession, table: type[SQLModel], rows: list[Row]) -> None:
    """Add rows in bulk, without objects: an export has tens of thousands of them."""
    if rows:
        filled = _filled(table, rows)
        await (await session.connection()).execute(insert(table), filled)


async def _insert_keyed(
    session: AsyncSession, table: type[Account | Case | Citizen | Message], rows: list[Row]
) -> list[int]:
    """Add rows in bulk; their new keys in the same order."""
    if not rows:
        return []
    adding = insert(table).returning(col(table.id), sort_by_parameter_order=True)
    found = await (await session.connection()).execute(adding, _filled(table, rows))
    return [key or 0 for (key,) in found]


def _filled(table: type[SQLModel], rows: list[Row]) -> list[Row]:
    defaults = {
        name: field.get_default(call_default_factory=True)
        for name, field in table.model_fields.items()
        if name != "id" and not field.is_required()
    }
    return [{**defaults, **row} for row in rows]
