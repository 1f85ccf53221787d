"""同问: which comments under one post ask the same, and the queue with them as one line each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func
from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from storage.models import Account, Case, CaseEvent, Citizen, Crowd, Draft, Message, Post, Staff
from storage.narrowing import Wanted, in_queue
from storage.queries import queue_order
from storage.terms import DraftState, EventKind

_HEADS = 200  # the newest: what was asked long ago under a post is seldom asked again


@dataclass(frozen=True, slots=True)
class Unit:
    """What stands as one line in the queue: a case, how many ask the same with it, and when the
    first of them all is due."""

    case_id: int
    size: int
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Together:
    """So many cases as one line: under which post they ask the same, and when the first is due."""

    crowd: Crowd
    title: str
    size: int
    due_at: datetime | None


@dataclass(frozen=True, slots=True)
class Member:
    """A waiting case of a crowd, with its citizen's name, who took it up, and who approved what is
    drafted so far."""

    case: Case
    citizen: str
    assignee: str
    approvals: list[dict[str, Any]]


async def units(
    session: AsyncSession, wanted: Wanted, now: datetime, start: int, limit: int
) -> list[Unit]:
    """The lines of the queue; a crowd stands where its most pressing case stands."""
    crowd, order = _unit(), queue_order(now)
    ranked = in_queue(
        wanted,
        select(
            col(Case.id).label("case_id"),
            func.row_number().over(partition_by=crowd, order_by=order).label("place"),
            func.count().over(partition_by=crowd).label("size"),
            func.min(col(Case.due_at)).over(partition_by=crowd).label("due_at"),
        ),
    ).subquery()
    query = (
        select(Case.id, ranked.c.size, ranked.c.due_at)
        .join(ranked, ranked.c.case_id == Case.id)
        .where(ranked.c.place == 1)
        .order_by(*order)
        .offset(start)
        .limit(limit)
    )
    return [Unit(case_id or 0, size, due) for case_id, size, due in await session.exec(query)]


async def count(session: AsyncSession, wanted: Wanted) -> tuple[int, int]:
    """How many lines the queue has, and how many cases stand in them."""
    query = select(func.count(func.distinct(_unit())), func.count()).select_from(Case)
    lines, cases = (await session.exec(in_queue(wanted, query))).one()
    return lines, cases


def _unit() -> ColumnElement[Any]:
    """The same for all cases of a crowd; of any other case its own number, turned negative."""
    return func.coalesce(col(Case.crowd_id), -col(Case.id))


async def together(session: AsyncSession, found: Sequence[Unit]) -> dict[int, Together]:
    """What the cases stand for that stand for several."""
    several = {one.case_id: one for one in found if one.size > 1}
    query = (
        select(Case.id, Crowd, Post.title)
        .join(Crowd, col(Crowd.id) == Case.crowd_id)
        .outerjoin(Post, _its_post())
        .where(col(Case.id).in_(tuple(several)))
    )
    rows = [
        (several[number or 0], crowd, title) for number, crowd, title in await session.exec(query)
    ]
    return {
        one.case_id: Together(crowd, title or "", one.size, one.due_at)
        for one, crowd, title in rows
    }


async def named(session: AsyncSession, crowd_id: int) -> tuple[Crowd, Account, str] | None:
    """A crowd with its account and the title of its post, "" for none."""
    query = (
        select(Crowd, Account, Post.title)
        .join(Account, col(Account.id) == Crowd.account_id)
        .outerjoin(Post, _its_post())
        .where(Crowd.id == crowd_id)
    )
    found = (await session.exec(query)).first()
    return None if found is None else (found[0], found[1], found[2] or "")


def _its_post() -> ColumnElement[bool]:
    return (col(Post.account_id) == Crowd.account_id) & (col(Post.external_id) == Crowd.post)


async def members(
    session: AsyncSession, crowd_id: int, wanted: Wanted, now: datetime
) -> list[Member]:
    """The waiting cases of a crowd, in the order they should be taken up."""
    query = (
        select(Case, Citizen.display_name, Staff.display_name, Draft.approvals)
        .select_from(Case)
        .outerjoin(Staff, col(Staff.id) == Case.assignee_id)
        .outerjoin(Draft, _its_draft())
        .where(col(Case.crowd_id) == crowd_id)
        .order_by(*queue_order(now))
    )
    rows = await session.exec(in_queue(wanted, query))
    return [Member(case, name, taker or "", list(steps or [])) for case, name, taker, steps in rows]


async def marks(session: AsyncSession, crowd_id: int, wanted: Wanted) -> set[tuple[int, int]]:
    """The numbers and versions of the waiting cases of a crowd."""
    query = select(Case.id, Case.version).where(col(Case.crowd_id) == crowd_id)
    found = await session.exec(in_queue(wanted, query))
    return {(number or 0, version) for number, version in found}


async def drafts(session: AsyncSession, crowd_id: int, wanted: Wanted, limit: int) -> list[Draft]:
    """What is drafted for the waiting cases of a crowd, what was approved before first."""
    approved = func.json_array_length(col(Draft.approvals)) > 0
    query = (
        select(Draft)
        .join(Case, _its_draft())
        .where(col(Case.crowd_id) == crowd_id, Draft.text != "")
        .order_by(approved.desc(), col(Draft.probability).desc(), col(Draft.id))
        .limit(limit)
    )
    return list(await session.exec(in_queue(wanted, query)))


def _its_draft() -> ColumnElement[bool]:
    return (col(Draft.case_id) == Case.id) & (col(Draft.state) == DraftState.OPEN)


async def only_message(session: AsyncSession, case_id: int) -> Message | None:
    """What was said in a case, if that is one message and nothing was answered to it yet."""
    said = select(Message).where(Message.case_id == case_id).limit(2)
    found = list(await session.exec(said))
    answered = select(CaseEvent.id).where(
        CaseEvent.case_id == case_id,
        col(CaseEvent.kind).in_((EventKind.REPLIED, EventKind.NOT_HELPFUL)),
    )
    if len(found) != 1 or (await session.exec(answered.limit(1))).first() is not None:
        return None
    return found[0]


async def about(session: AsyncSession, case: Case, entry_id: str) -> Crowd:
    """The crowd under the case's post that asks what an entry answers; made if there is none."""
    where = (Crowd.account_id == case.account_id, Crowd.post == case.post)
    query = select(Crowd).where(*where, Crowd.entry_id == entry_id)
    known = (await session.exec(query)).first()
    return known or await _new(session, Crowd(entry_id=entry_id, **_spot(case)))


async def apart(session: AsyncSession, case: Case) -> Crowd:
    """A crowd that this case alone is the beginning of; the same one each time."""
    where = (Crowd.account_id == case.account_id, Crowd.post == case.post)
    query = select(Crowd).where(*where, Crowd.head_id == case.id)
    known = (await session.exec(query)).first()
    return known or await _new(session, Crowd(head_id=case.id or 0, **_spot(case)))


async def heads(session: AsyncSession, case: Case) -> list[tuple[int, str]]:
    """The crowds under the case's post that no entry answers, with what the first of each said."""
    query = (
        select(Crowd.id, Case.subject)
        .join(Case, col(Case.id) == Crowd.head_id)
        .where(
            Crowd.account_id == case.account_id,
            Crowd.post == case.post,
            Crowd.head_id != case.id,
        )
        .order_by(col(Crowd.id).desc())
        .limit(_HEADS)
    )
    return [(number or 0, text) for number, text in await session.exec(query)]


async def name_posts(session: AsyncSession, account_id: int, titles: Mapping[str, str]) -> None:
    """Keep the titles of an account's posts, the newest of each."""
    query = select(Post).where(
        Post.account_id == account_id, col(Post.external_id).in_(tuple(titles))
    )
    known = {one.external_id: one for one in await session.exec(query)}
    for post, title in titles.items():
        row = known.get(post) or Post(account_id=account_id, external_id=post)
        row.title = title
        session.add(row)


def _spot(case: Case) -> dict[str, Any]:
    return {"account_id": case.account_id, "post": case.post}


async def _new(session: AsyncSession, crowd: Crowd) -> Crowd:
    """Keep a crowd; another process may have been quicker with the same."""
    try:
        async with session.begin_nested():
            session.add(crowd)
    except IntegrityError:
        query = select(Crowd).where(
            Crowd.account_id == crowd.account_id,
            Crowd.post == crowd.post,
            Crowd.entry_id == crowd.entry_id,
            Crowd.head_id == crowd.head_id,
        )
        return (await session.exec(query)).one()
    return crowd
