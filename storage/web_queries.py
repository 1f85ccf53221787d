"""Read models of the web page and of the health check."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from storage import entries, handed, outbox, queries, steps
from storage.db import Database
from storage.models import Account, Case, CaseEvent, Citizen, Delivery, Message
from storage.terms import CaseState, DeliveryState, EventKind

_WORKING = (CaseState.RECEIVED, CaseState.REPLYING)
_JUDGED = {EventKind.HELPFUL: "helpful", EventKind.NOT_HELPFUL: "unhelpful"}


@dataclass(frozen=True, slots=True, order=True)
class Cursor:
    """How far a page has read: the newest delivery and the newest own message it knows."""

    delivery: int = 0
    message: int = 0


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a conversation, the citizen's (``mine``) or the office's.

    ``key`` is the external id, which ``payload["edits"]`` of a later line may name. ``spent``
    says that the choices under the line are no longer open; ``pressed`` is the one taken;
    ``opinion`` how often the citizen may still say something of their grade; ``ticked`` the marks
    of all steps they ticked off; ``files`` the names of what the citizen sent beside words.
    """

    mine: bool
    key: str
    at: datetime
    cursor: Cursor
    text: str = ""
    case_id: int | None = None
    payload: dict[str, Any] | None = None
    spent: bool = False
    pressed: str = ""
    opinion: int = 0
    ticked: frozenset[str] = frozenset()
    files: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conversation:
    """A visitor's lines in order, and who is at work: the desk itself, or a person."""

    lines: list[Line]
    busy: bool = False
    waiting: bool = False


@dataclass(frozen=True, slots=True)
class Health:
    """Counts of entries in use, cases waiting for a person, deliveries not sent yet, and of those
    that were handed over to be posted and are not confirmed."""

    entries: int
    waiting: int
    unsent: int
    unconfirmed: int


async def health(db: Database) -> Health:
    """The figures of the health check; raises what the database raises."""
    async with db.read() as session:
        return Health(
            entries=await entries.count(session),
            waiting=await queries.waiting_count(session),
            unsent=await outbox.unsent(session),
            unconfirmed=await handed.unconfirmed(session),
        )


async def conversation(
    db: Database, account: str, visitor: str, after: Cursor = Cursor(), limit: int = 300
) -> Conversation:
    """The newest ``limit`` lines after a cursor; empty for a visitor who never wrote."""
    async with db.read(brief=True) as session:
        citizen = await _citizen(session, account, visitor)
        if citizen is None:
            return Conversation([])
        mine = await _messages(session, citizen, after.message, limit)
        theirs = await _deliveries(session, citizen, visitor, after.delivery, limit)
        cases = await _cases(session, citizen)
        events = await _judgements(session, [line.case_id for line in theirs if line.case_id])
        ticked = await steps.done(session, citizen.id or 0)
    lines = _in_order([*mine, *theirs], after)[-limit:]
    lines = [_with_choices(line, lines, cases, events) for line in lines]
    lines = [line if line.mine else replace(line, ticked=ticked) for line in lines]
    return Conversation(
        lines,
        busy=any(case.state in _WORKING or case.consider_at for case in cases.values()),
        waiting=any(case.state == CaseState.WAITING for case in cases.values()),
    )


async def _citizen(session: AsyncSession, account: str, visitor: str) -> Citizen | None:
    query = (
        select(Citizen)
        .join(Account, col(Account.id) == Citizen.account_id)
        .where(Account.key == account, Citizen.external_id == visitor)
    )
    return (await session.exec(query)).first()


async def _messages(session: AsyncSession, citizen: Citizen, after: int, limit: int) -> list[Line]:
    query = (
        select(Message)
        .where(Message.citizen_id == citizen.id, col(Message.id) > after)
        .order_by(col(Message.id).desc())
        .limit(limit)
    )
    return [
        Line(
            mine=True,
            key=row.external_id,
            at=row.received_at,
            cursor=Cursor(message=row.id or 0),
            text=row.text,
            case_id=row.case_id,
            files=tuple(one["title"] for one in row.attachments),
        )
        for row in await session.exec(query)
    ]


async def _deliveries(
    session: AsyncSession, citizen: Citizen, visitor: str, after: int, limit: int
) -> list[Line]:
    query = (
        select(Delivery)
        .where(
            Delivery.account_id == citizen.account_id,
            Delivery.place == visitor,
            Delivery.state == DeliveryState.SENT,
            col(Delivery.id) > after,
        )
        .order_by(col(Delivery.id).desc())
        .limit(limit)
    )
    return [
        Line(
            mine=False,
            key=row.external_id,
            at=row.sent_at or row.created_at,
            cursor=Cursor(delivery=row.id or 0),
            text=row.payload["text"],
            case_id=row.case_id,
            payload=row.payload,
        )
        for row in await session.exec(query)
    ]


async def _cases(session: AsyncSession, citizen: Citizen) -> dict[int, Case]:
    query = select(Case).where(Case.citizen_id == citizen.id)
    return {case.id: case for case in await session.exec(query) if case.id is not None}


async def _judgements(session: AsyncSession, case_ids: list[int]) -> list[CaseEvent]:
    if not case_ids:
        return []
    query = select(CaseEvent).where(
        col(CaseEvent.case_id).in_(set(case_ids)), col(CaseEvent.kind).in_(tuple(_JUDGED))
    )
    return list(await session.exec(query.order_by(col(CaseEvent.id))))


def _in_order(lines: list[Line], after: Cursor) -> list[Line]:
    """By time, each line with the cursor of a page that has read up to it."""
    ordered = []
    for line in sorted(lines, key=lambda one: (one.at, one.cursor)):
        after = Cursor(
            max(after.delivery, line.cursor.delivery), max(after.message, line.cursor.message)
        )
        ordered.append(replace(line, cursor=after))
    return ordered


def _with_choices(
    line: Line, lines: list[Line], cases: dict[int, Case], events: list[CaseEvent]
) -> Line:
    """The line with what became of the choices under it."""
    actions = [
        button["action"]
        for row in (line.payload or {}).get("buttons", ())
        for button in row
        if button["action"] and not button["action"].startswith("c:tick:")
    ]
    case = cases.get(line.case_id or 0)
    if not actions or case is None:
        return line
    later = any(one.at > line.at for one in lines if not one.mine and one.case_id == case.id)
    verb = actions[0].split(":")[1]
    if verb == "choose":
        return replace(line, spent=later or case.state != CaseState.CLARIFYING)
    if verb == "rate":
        pressed = f"c:rate:{case.id}:{case.grade}" if case.grade else ""
        left = (not case.comment) + (not case.follow_up) if case.grade else 0
        return replace(line, spent=case.grade is not None, pressed=pressed, opinion=left)
    taken = [one for one in events if one.case_id == case.id and one.recorded_at >= line.at]
    pressed = f"c:{_JUDGED[EventKind(taken[0].kind)]}:{case.id}" if taken else ""
    return replace(line, spent=bool(taken), pressed=pressed)
