"""What people decided about candidates, read from the ledger."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple, TypeVar

from sqlalchemy import and_, or_
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from knowledge.masking import mask
from knowledge.proposals import Asked
from knowledge.risk import Decided
from storage.models import Case, CaseEvent, Citizen, Draft, Message, MessageVersion
from storage.terms import DraftKind, DraftState, EventKind

Row = TypeVar("Row", CaseEvent, Draft)
_AT_ONCE = 300  # cases read together
_KINDS = (
    EventKind.TRIAGED,
    EventKind.REPLY_QUEUED,
    EventKind.REPLY_TAKEN_BACK,
    EventKind.HELPFUL,
    EventKind.NOT_HELPFUL,
)
_DECIDING = (EventKind.CHOSEN, EventKind.HELPFUL, EventKind.NOT_HELPFUL)


async def decided(session: AsyncSession, since: datetime) -> list[Decided]:
    """The best candidates of questions that a person has judged since a moment.

    Staff judge by the entry of the reply they send, citizens by 有帮助 or 没解决 on an automatic
    answer; silence judges nothing.
    """
    query = select(CaseEvent).where(
        col(CaseEvent.kind).in_(_KINDS), col(CaseEvent.recorded_at) >= since
    )
    found: list[Decided] = []
    cases: dict[int, list[CaseEvent]] = {}
    for event in await session.exec(query.order_by(col(CaseEvent.id))):
        cases.setdefault(event.case_id, []).append(event)
    for events in cases.values():
        found += _judged(_stood(events))
    return found


def _stood(events: Iterable[CaseEvent]) -> list[CaseEvent]:
    """The events without the replies that were taken back before they left."""
    kept: list[CaseEvent] = []
    for event in events:
        if event.kind != EventKind.REPLY_TAKEN_BACK:
            kept.append(event)
            continue
        queued = [place for place, one in enumerate(kept) if one.kind == EventKind.REPLY_QUEUED]
        del kept[queued[-1]]
    return kept


def _judged(events: Iterable[CaseEvent]) -> Iterable[Decided]:
    best: CaseEvent | None = None
    automatic = False
    for event in events:
        if event.kind == EventKind.TRIAGED:
            asked = event.data.get("triage") == "question" and event.data.get("entry")
            best = event if asked else None
        elif best is None:
            continue
        elif event.kind == EventKind.REPLY_QUEUED:
            automatic = bool(event.data["automatic"])
            if not automatic:
                same = event.data["entry"] == best.data["entry"]
                yield Decided(best.data["probability"], same)
                best = None
        elif automatic:
            yield Decided(best.data["probability"], event.kind == EventKind.HELPFUL)
            best, automatic = None, False


async def asked(session: AsyncSession, since: datetime) -> list[Asked]:
    """Every question that somebody decided about since a moment, oldest first; masked.

    What erased citizens asked is left out.
    """
    by_staff = and_(col(CaseEvent.kind) == EventKind.REPLY_QUEUED, col(CaseEvent.actor) != "system")
    query = select(CaseEvent.case_id).where(
        or_(col(CaseEvent.kind).in_(_DECIDING), by_staff), col(CaseEvent.recorded_at) >= since
    )
    cases = sorted(set(await session.exec(query)))
    found: list[Asked] = []
    for start in range(0, len(cases), _AT_ONCE):
        found += await _asked(session, cases[start : start + _AT_ONCE])
    return sorted(found, key=lambda one: one.at)


async def asked_in(session: AsyncSession, case_id: int) -> list[Asked]:
    """The questions of one case."""
    return await _asked(session, [case_id])


async def _asked(session: AsyncSession, cases: Sequence[int]) -> list[Asked]:
    events = await _by_case(session, CaseEvent, cases)
    drafts = await _by_case(session, Draft, cases)
    said = await _said(session, cases)
    people = (
        select(Case.id, Case.citizen_id)
        .join(Citizen, col(Citizen.id) == col(Case.citizen_id))
        .where(col(Case.id).in_(cases), col(Citizen.erased_at).is_(None))
    )
    return [
        question
        for case_id, citizen in await session.exec(people)
        if case_id is not None
        for turn in _turns(events[case_id], drafts[case_id])
        if (question := turn.question(citizen, said[case_id])) is not None
    ]


async def _by_case(
    session: AsyncSession, table: type[Row], cases: Sequence[int]
) -> dict[int, list[Row]]:
    query = select(table).where(col(table.case_id).in_(cases)).order_by(col(table.id))
    rows: dict[int, list[Row]] = defaultdict(list)
    for row in await session.exec(query):
        rows[row.case_id].append(row)
    return rows


class _Said(NamedTuple):
    """One wording of a message, and when it came."""

    message: int
    text: str
    at: datetime


async def _said(session: AsyncSession, cases: Sequence[int]) -> dict[int, list[_Said]]:
    """By case what was written, edited wordings after earlier ones of the same message."""
    query = (
        select(
            Message.case_id,
            MessageVersion.message_id,
            MessageVersion.text,
            MessageVersion.received_at,
        )
        .join(Message, col(Message.id) == col(MessageVersion.message_id))
        .where(col(Message.case_id).in_(cases))
        .order_by(col(MessageVersion.message_id), col(MessageVersion.number))
    )
    found: dict[int, list[_Said]] = defaultdict(list)
    for case_id, message, text, at in await session.exec(query):
        found[case_id].append(_Said(message, text, at))
    return found


@dataclass
class _Turn:
    """One question of a case, as far as its events were followed."""

    after: datetime | None
    at: datetime
    is_question: bool = False
    offered: tuple[str, ...] = ()
    sent: str = ""
    chosen: str = ""
    rejected: dict[str, None] = field(default_factory=dict)
    by: str = ""
    answered_at: datetime | None = None
    disputed: bool = False

    def settle(self, entry_id: str, by: str, seen: int = 0) -> None:
        """Somebody said which entry answers; with "" that none of the first ``seen`` does."""
        place = self.offered.index(entry_id) if entry_id in self.offered else seen
        self.refuse(*self.offered[:place])
        self.rejected.pop(entry_id, None)
        self.chosen, self.by = entry_id, by

    def refuse(self, *entry_ids: str) -> None:
        self.rejected.update(dict.fromkeys(filter(None, entry_ids)))
        if self.chosen in self.rejected:
            self.chosen = self.by = ""

    def answer(self, entry_id: str, at: datetime) -> None:
        self.sent, self.disputed = entry_id, False
        self.answered_at = self.answered_at or at

    def question(self, citizen: int, said: Iterable[_Said]) -> Asked | None:
        """With what the citizen wrote before the first answer; None if that is nothing."""
        told = {one.message: one for one in said if self._before_answer(one.at)}
        fresh = [one.text.strip() for one in told.values() if self._is_new(one.at)]
        text = "\n".join(one for one in fresh if len(one) > 1)
        if not text:
            return None
        rejected = tuple(self.rejected)
        return Asked(mask(text), citizen, self.at, self.offered, self.chosen, rejected, self.by)

    def _before_answer(self, moment: datetime) -> bool:
        return self.answered_at is None or moment <= self.answered_at

    def _is_new(self, moment: datetime) -> bool:
        return self.after is None or moment > self.after


def _turns(events: Iterable[CaseEvent], drafts: Sequence[Draft]) -> list[_Turn]:
    """The questions of one case; complaints and small talk are none.

    What follows an answer that did not help belongs to the same question; only an edit after
    an answer asks anew.
    """
    turns: list[_Turn] = []
    anew = True
    for event in _stood(events):
        if event.kind == EventKind.REOPENED:
            anew = bool(turns) and not turns[-1].disputed
        elif event.kind == EventKind.TRIAGED:
            if anew:
                last = turns[-1].answered_at if turns else None
                turns.append(_Turn(last, event.recorded_at))
                anew = False
            if event.data.get("triage") == "question":
                turns[-1].is_question = True
                turns[-1].offered = tuple(filter(None, [event.data.get("entry")]))
        elif turns:
            _follow(turns[-1], event, drafts)
    return [one for one in turns if one.is_question]


def _follow(turn: _Turn, event: CaseEvent, drafts: Sequence[Draft]) -> None:
    data = event.data
    match event.kind:
        case EventKind.CLARIFIED:
            turn.offered = tuple(data["entries"]) or turn.offered
        case EventKind.CHOSEN:
            turn.settle(data["entry"], "citizen", len(turn.offered))
        case EventKind.REPLY_QUEUED if "entries" in data:  # several questions: says of none
            turn.answer("", event.recorded_at)
        case EventKind.REPLY_QUEUED if data["automatic"]:
            turn.answer(data["entry"], event.recorded_at)
        case EventKind.REPLY_QUEUED:
            offered, seen = _before_staff(event, drafts)
            turn.offered = offered or turn.offered
            turn.settle(data["entry"], "staff", seen)
            turn.answer(data["entry"], event.recorded_at)
        case EventKind.HELPFUL if turn.sent and turn.by != "staff":
            turn.settle(turn.sent, "citizen")
        case EventKind.NOT_HELPFUL:
            turn.refuse(turn.sent)
            turn.disputed = True


def _before_staff(event: CaseEvent, drafts: Sequence[Draft]) -> tuple[tuple[str, ...], int]:
    """What stood before the person who sent this reply, best first, and how much they looked at."""
    sent = [
        draft
        for draft in drafts
        if draft.state == DraftState.SENT
        and draft.kind == DraftKind.REPLY
        and draft.decided_by == event.actor
        and draft.decided_at is not None
        and draft.decided_at <= event.recorded_at
    ]
    if not sent or not sent[-1].candidates:
        return (), 0
    return tuple(one["entry_id"] for one in sent[-1].candidates), sent[-1].position + 1
