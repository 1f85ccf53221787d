"""The ledger at work: folding events into facts, and checking that all agrees with it."""

from __future__ import annotations

import random
from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.clock import SHANGHAI
from bot.facts import CASE, Facts, Row, encode, microseconds
from bot.replay import replay
from bot.turn import ChangeKind, Happening, Turn
from storage import blocks, figures, seals
from storage.db import Database
from storage.figures import CaseFile
from storage.ledger import audit, last_audit
from storage.models import Case

VERIFIED = "ledger.verify"
"""The action under which the audit keeps every verification."""
FOLDED_AT_ONCE = 500
CHECKED_AT_ONCE = 200
SPOT_CHECKED = 200


@dataclass(frozen=True, slots=True)
class Difference:
    """Something that is not as the ledger or its seals tell; the text is in Chinese."""

    text: str
    case_id: int | None = None


class UnreadableError(ValueError):
    """A case's events make no sense: somebody wrote them past the program."""


def turns_of(file: CaseFile) -> list[Turn]:
    """The turns of a case as its events tell. Raises UnreadableError."""
    try:
        return replay(Happening(one.kind, one.at, one.data, one.actor) for one in file.told)
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise UnreadableError(file.case_id) from error


async def catch_up(database: Database, advance: Callable[[int], None] = lambda _n: None) -> int:
    """Fold every new event into the facts; returns how many cases were told anew.

    One process does it at a time, in short transactions, so that the office goes on working.
    """
    folded = last = 0
    while await _behind(database):
        async with database.write_alone() as session:
            files = await figures.take_queued(session, last, FOLDED_AT_ONCE)
            if not files:
                break
            known = await figures.words(await session.connection())
            coined: dict[str, int] = {}
            rows, changes = fold(files, known, coined)
            await figures.store(session, [file.case_id for file in files], rows, changes, coined)
        last, folded = files[-1].case_id, folded + len(files)
        advance(len(files))
    if folded:
        await _pack(database)
    return folded


async def _behind(database: Database) -> bool:
    async with database.read() as session:
        return await figures.behind(session)


async def _pack(database: Database) -> None:
    """Pack the facts when too many of them lie loose."""
    async with database.read() as session:
        loose = await blocks.missing(await session.connection())
    if len(loose) <= blocks.LOOSE:
        return
    for number in loose:
        async with database.write_alone() as session:
            await blocks.pack(session, [number])


async def facts(
    database: Database,
    first: datetime | None = None,
    end: datetime | None = None,
    *,
    open_at: datetime | None = None,
) -> Facts:
    """The facts of all turns that start from ``first`` up to but not including ``end``, or of
    those among them that nobody had answered by ``open_at``."""
    await catch_up(database)
    begin = None if first is None else microseconds(first)
    until = None if end is None else microseconds(end)
    at = None if open_at is None else microseconds(open_at)
    async with database.snapshot() as connection:
        turns, changes = await figures.fetch(connection, begin, until, open_at=at)
        words = {number: word for word, number in (await figures.words(connection)).items()}
        return Facts(turns, changes, words, await figures.accounts(connection))


def fold(
    files: Iterable[CaseFile], known: dict[str, int], coined: dict[str, int]
) -> tuple[list[Row], list[Row]]:
    """Rows of facts and of changes; new words go into ``coined`` with their numbers.

    A case that cannot be read has no facts, which every report counts and `verify` names.
    """

    def coder(word: str) -> int:
        if word not in known:
            known[word] = coined[word] = len(known) + 1
        return known[word]

    rows: list[Row] = []
    changes: list[Row] = []
    for file in files:
        try:
            told = [encode(file.case_id, file.account_id, one, coder) for one in turns_of(file)]
        except UnreadableError:
            continue
        rows.extend(row for row, _ in told)
        changes.extend(change for _, own in told for change in own)
    return rows, changes


async def verify(
    database: Database,
    actor: str,
    now: datetime,
    advance: Callable[[int], None] = lambda _n: None,
) -> list[Difference]:
    """Seal the days that are over, replay everything, and note in the audit what was found."""
    await seals.seal(database, now)
    await catch_up(database)
    found = [one async for one in differences(database, advance)]
    async with database.write() as session:
        sealed = await seals.standing(session, now)
        audit(session, actor, VERIFIED, sealed.digest, differences=len(found))
    return found


async def differences(
    database: Database, advance: Callable[[int], None] = lambda _n: None
) -> AsyncIterator[Difference]:
    """Whatever the cases, the facts and the seals say otherwise than the ledger."""
    async with database.read() as session:
        async for first, last in figures.walk(session, CHECKED_AT_ONCE):
            for found in await _check(database, range(first, last + 1)):
                yield found
            advance(last - first + 1)
        if not await figures.behind(session):
            async for first, last in blocks.broken(session):
                yield Difference(f"诉求 #{first}–#{last}：成块存放的考核底数与逐件的不同")
        async for broken in seals.broken_seals(session):
            where = "" if broken.case_id is None else f"，诉求 #{broken.case_id}"
            yield Difference(f"{broken.day:%Y-%m-%d}{where}：{broken.text}", broken.case_id)


async def spot_check(database: Database) -> tuple[int, list[Difference]]:
    """How many cases were looked at, chosen by lot, and what they say otherwise than the ledger.

    Cheap enough for every report: whoever edits what reports rest on cannot know which.
    """
    async with database.read() as session:
        last = await figures.last_case(session)
    lot = random.SystemRandom().sample(range(1, last + 1), min(last, SPOT_CHECKED))
    found = await _check(database, lot)
    async with database.read() as session:
        return len(await figures.cases(session, lot)), found


async def _check(database: Database, numbers: Collection[int]) -> list[Difference]:
    """Differences that are there when looked at twice: the office goes on working meanwhile."""
    found = await _look(database, numbers)
    if not found:
        return []
    return await _look(database, {one.case_id for one in found if one.case_id is not None})


async def _look(database: Database, numbers: Collection[int]) -> list[Difference]:
    async with database.read() as session:
        files = {one.case_id: one for one in await figures.case_files(session, numbers)}
        cases = await figures.cases(session, numbers)
        facts = await figures.stored(session, numbers)
        known = await figures.words(await session.connection())
        waiting = await figures.behind(session)
    found = [
        Difference(f"诉求 #{number}：{text}", number)
        for number, case in cases.items()
        for text in _case_differences(case, files.get(number))
    ]
    if not waiting:  # something happened meanwhile: what is behind is not wrong
        found += _fact_differences(files.values(), facts, known)
    return found


def _case_differences(case: Case, file: CaseFile | None) -> Iterator[str]:
    """What the row of a case says otherwise than its events."""
    if file is None:
        yield "台账里没有任何事件"
        return
    try:
        turns = turns_of(file)
    except UnreadableError:
        yield "台账里的事件读不懂，可能被改过"
        return
    turn = turns[-1]
    grades = [one.grade for one in turns if one.grade is not None]
    told = {
        "计时起点": (case.opened_at, turn.start),
        "答复时间": (case.answered_at, turn.stop),
        "类别": (case.category, _last(turn, ChangeKind.CATEGORY) or str(turn.category)),
        "承办单位": (case.department, _last(turn, ChangeKind.DEPARTMENT, turn.department)),
        "评价": (case.grade, grades[-1] if grades else None),
        "是否办结": (case.resolved_at is not None, turn.resolved),
        "是否剔除": (case.excluded, turn.excluded),
        "是否并入别件": (case.merged_into is not None, turn.merged),
        "是否暂停": (case.paused_at is not None, _paused(turn)),
        "到期时间": (case.due_at, _promised(file)),
    }
    for name, (kept, replayed) in told.items():
        if kept != replayed:
            yield f"{name}库里是{_shown(kept)}，台账是{_shown(replayed)}"


def _last(turn: Turn, kind: ChangeKind, first: str = "") -> str:
    return next((one.to for one in reversed(turn.changes) if one.kind is kind), first)


def _paused(turn: Turn) -> bool:
    return any(one.kind is ChangeKind.PAUSE and one.until is None for one in turn.changes)


def _promised(file: CaseFile) -> datetime | None:
    """The due time that was set last."""
    dues = [one.data["due"] for one in file.told if one.kind == "due_set"]
    return datetime.fromisoformat(dues[-1]) if dues else None


def _shown(value: object) -> str:
    if isinstance(value, datetime):
        return f"{value.astimezone(SHANGHAI):%Y-%m-%d %H:%M:%S}"
    if isinstance(value, bool):
        return "是" if value else "否"
    return f"“{value}”" if value not in (None, "") else "空"


def _fact_differences(
    files: Iterable[CaseFile], facts: tuple[list[Row], list[Row]], known: dict[str, int]
) -> list[Difference]:
    """Cases whose facts are not those that a replay gives."""
    expected = fold(files, dict(known), {})
    wrong = {
        row[CASE]
        for kept, replayed in zip(facts, expected, strict=True)
        for row in set(kept) ^ set(replayed)
    }
    return [
        Difference(f"诉求 #{number}：考核底数与台账重算的不同", number) for number in sorted(wrong)
    ]


async def provenance(database: Database, now: datetime) -> dict[str, Any]:
    """What a report says of the ledger it rests on.

    ``digest`` stands for every event up to and including ``sealed_until``; ``missing_events`` and
    ``cases_without_facts`` are 0 unless somebody took something away past the program, and
    ``spot_check`` finds no difference unless somebody changed something.
    """
    looked_at, odd = await spot_check(database)
    async with database.read() as session:
        sealed = await seals.standing(session, now)
        checked = await last_audit(session, VERIFIED)
        return {
            "sealed_until": sealed.day.isoformat() if sealed.day else None,
            "digest": sealed.digest or None,
            "events": sealed.events,
            "missing_events": sealed.missing,
            "unsealed_days": sealed.unsealed,
            "cases_without_facts": await figures.without_facts(session),
            "spot_check": {"cases": looked_at, "differences": len(odd)},
            "verified_at": _iso(checked.at) if checked else None,
            "differences": checked.data["differences"] if checked else None,
        }


def _iso(moment: datetime) -> str:
    return moment.astimezone(SHANGHAI).isoformat(timespec="seconds")
