"""Seals on the ledger: each day's events closed by a digest that includes the day before.

Whoever changes, adds or removes an event of a sealed day must change every seal since, and then
the newest digest is no longer the one that reports have shown.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy import func
from sqlalchemy import select as columns
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from storage.db import Database
from storage.models import Case, CaseEvent, Seal
from storage.terms import EventKind

CHINA = ZoneInfo("Asia/Shanghai")
SETTLED = timedelta(hours=1)
"""How long after midnight the last transactions of a day are waited for."""
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Broken:
    """A day, and the case if it is one case's events, that are not as they were sealed."""

    day: date
    case_id: int | None
    text: str


@dataclass(frozen=True, slots=True)
class Sealed:
    """How far the ledger is sealed. ``missing`` events of sealed days are there no more (negative:
    there are more than were sealed); ``unsealed`` days are over and wait for their seal."""

    day: date | None
    digest: str
    events: int
    missing: int
    unsealed: int


async def seal(database: Database, now: datetime) -> int:
    """Seal every day that is over; returns how many. Days are those in China."""
    count = 0
    while True:
        async with database.write_alone() as session:
            day = await _next_day(session)
            if day is None or day > _last_over(now):
                return count
            _, previous = await _newest(session)
            session.add(await _close(session, day, previous))
        count += 1


async def standing(session: AsyncSession, now: datetime) -> Sealed:
    """How far the ledger is sealed, and whether the number of events still agrees."""
    waiting = await _next_day(session)
    unsealed = max((_last_over(now) - waiting).days + 1, 0) if waiting else 0
    day, digest = await _newest(session)
    if day is None:
        return Sealed(None, "", 0, 0, unsealed)
    sealed = (await session.exec(select(func.sum(Seal.events)))).one() or 0
    before = col(CaseEvent.recorded_at) < _midnight(day + _DAY)
    found = (await session.exec(select(func.count()).select_from(CaseEvent).where(before))).one()
    return Sealed(day, digest, sealed, sealed - found, unsealed)


async def broken_seals(session: AsyncSession) -> AsyncIterator[Broken]:
    """Whatever is not as it was sealed, the earliest day first."""
    previous, expected = "", None
    seals = list(await session.exec(select(col(Seal.day)).order_by(col(Seal.day))))
    if seals and await _recorded_before(session, seals[0]):
        yield Broken(seals[0] - _DAY, None, "首个封存日之前多出了事件")
    for day in seals:
        kept = await session.get_one(Seal, day)
        if expected is not None and day != expected:
            yield Broken(expected, None, "这一天的封存不见了")
        if kept.previous != previous or kept.digest != _digest(kept):
            yield Broken(day, None, "封存记录被改过，或与前一天接不上")
        for broken in _compare(kept, _cases(await _events(session, day))):
            yield broken
        previous, expected = kept.digest, day + _DAY
        session.expunge(kept)


async def has_digest(session: AsyncSession, digest: str) -> date | None:
    """The day whose seal has this digest, as a report showed it."""
    found = await session.exec(select(col(Seal.day)).where(col(Seal.digest).startswith(digest)))
    return found.first()


async def _next_day(session: AsyncSession) -> date | None:
    """The first day without a seal; None while there is no event at all."""
    newest, _ = await _newest(session)
    if newest is not None:
        return newest + _DAY
    first = (await session.exec(select(func.min(CaseEvent.recorded_at)))).one()
    return first.astimezone(CHINA).date() if first else None


async def _newest(session: AsyncSession) -> tuple[date | None, str]:
    query = select(col(Seal.day), col(Seal.digest)).order_by(col(Seal.day).desc()).limit(1)
    return (await session.exec(query)).first() or (None, "")


async def _close(session: AsyncSession, day: date, previous: str) -> Seal:
    events = await _events(session, day)
    opened = sum(kind == EventKind.OPENED for _, _, _, kind, *_ in events)
    made = Seal(
        day=day,
        events=len(events),
        opened=opened,
        cases=_cases(events),
        previous=previous,
        digest="",
    )
    made.digest = _digest(made)
    return made


async def _events(session: AsyncSession, day: date) -> list[Any]:
    """The day's events, a case's together and in order."""
    query = (
        columns(
            col(CaseEvent.case_id),
            col(CaseEvent.id),
            col(Case.account_id),
            col(CaseEvent.kind),
            col(CaseEvent.at),
            col(CaseEvent.recorded_at),
            col(CaseEvent.actor),
            col(CaseEvent.data),
        )
        .join(Case, col(Case.id) == CaseEvent.case_id, isouter=True)
        .where(
            col(CaseEvent.recorded_at) >= _midnight(day),
            col(CaseEvent.recorded_at) < _midnight(day + _DAY),
        )
        .order_by(col(CaseEvent.case_id), col(CaseEvent.id))
    )
    return list((await (await session.connection()).execute(query)).all())


def _cases(events: Iterable[Any]) -> dict[str, str]:
    return {
        str(case_id): hashlib.sha256(b"\n".join(_lines(group))).hexdigest()[:32]
        for case_id, group in groupby(events, key=lambda row: row[0])
    }


def _lines(events: Iterable[Any]) -> Iterator[bytes]:
    for case_id, event_id, account_id, kind, at, recorded_at, actor, data in events:
        moments = (at.astimezone(UTC).isoformat(), recorded_at.astimezone(UTC).isoformat())
        yield _plain([case_id, event_id, account_id, kind, *moments, actor, data])


def _digest(kept: Seal) -> str:
    whole = [kept.previous, kept.day.isoformat(), kept.events, kept.opened, kept.cases]
    return hashlib.sha256(_plain(whole)).hexdigest()


def _plain(value: Any) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _compare(kept: Seal, found: dict[str, str]) -> Iterator[Broken]:
    for case in sorted(kept.cases.keys() | found.keys(), key=int):
        if case not in found:
            yield Broken(kept.day, int(case), "封存的事件不见了")
        elif case not in kept.cases:
            yield Broken(kept.day, int(case), "封存之后多出了事件")
        elif found[case] != kept.cases[case]:
            yield Broken(kept.day, int(case), "事件与封存时不同")


async def _recorded_before(session: AsyncSession, day: date) -> bool:
    query = select(CaseEvent.id).where(col(CaseEvent.recorded_at) < _midnight(day)).limit(1)
    return (await session.exec(query)).first() is not None


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time(), CHINA)


def _last_over(now: datetime) -> date:
    return (now - SETTLED).astimezone(CHINA).date() - _DAY
