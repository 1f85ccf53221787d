"""Considering: what a citizen wrote becomes an answer, a question back, or staff work."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.channels.base import Outgoing
from bot.desk import posting, wording
from bot.desk.course import FOR_PEOPLE, Course, course
from bot.desk.drafting import choice_number, offer, propose, supersede
from bot.desk.office import TOPIC_OUTBOX, Office, key_of, locked_case
from bot.desk.turns import set_due
from bot.telemetry import DECISIONS
from bot.triage import Category, Kind, Triage, triage
from knowledge.catalog import Entry
from knowledge.matcher import Candidate, Decision, Match
from knowledge.text import stop_words, words
from storage import queries
from storage.ledger import category_settled, record
from storage.models import Account, Case, Message
from storage.terms import CaseState, DraftKind, EventKind, Purpose

_CLEARLY = 0.5
_CLAIMED = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Reading:
    """A case as it was read for a decision; ``fresh`` is what no decision has seen yet."""

    case: Case
    messages: list[Message]
    fresh: list[Message]
    choices: tuple[str, ...]
    drafted: str = ""

    @property
    def text(self) -> str:
        return _said(self.fresh)

    @property
    def whole(self) -> str:
        return _said(self.messages)

    @property
    def follows_up(self) -> bool:
        return len(self.fresh) < len(self.messages)

    def is_apart(self, verdict: Triage, match: Match) -> bool:
        """Whether the fresh words, which match so, are another matter than the open one."""
        if not self.follows_up or verdict.wants_person:
            return False
        if self.case.state == CaseState.CLARIFYING:
            return verdict.kind in FOR_PEOPLE
        if self.case.state != CaseState.WAITING or verdict.kind is not Kind.QUESTION:
            return False
        if match.decision is Decision.ANSWER:
            return True
        best = match.candidates[0] if match.candidates else None
        if best is not None and best.probability >= _CLEARLY:
            return best.entry.id != self.drafted
        return verdict.asks and verdict.complete and not self._shares_words()

    def _shares_words(self) -> bool:
        """Whether the fresh words speak of anything that was spoken of before."""
        before = _said(one for one in self.messages if one.considered)
        return bool((set(words(self.text)) & set(words(before))) - stop_words())


class Answering:
    """The worker's part: takes cases whose citizen has finished writing, and decides."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def consider_due(self, limit: int = 20) -> int:
        """Decide up to ``limit`` due cases; returns how many were taken."""
        for_decision, others = await self._claim(limit)
        for position, case_id in enumerate(for_decision, 1):
            await self.consider(case_id, others + len(for_decision) - position)
        if for_decision:
            self._office.notify(TOPIC_OUTBOX)
        return len(for_decision)

    async def next_due(self) -> datetime | None:
        """When the earliest undecided case is to be decided."""
        query = select(Case).where(col(Case.consider_at).is_not(None))
        async with self._office.db.read() as session:
            first = (await session.exec(query.order_by(col(Case.consider_at)).limit(1))).first()
        return first.consider_at if first else None

    async def consider(self, case_id: int, others: int = 0) -> None:
        """Decide one case, unless it changes meanwhile: then it is due again anyway.

        ``others`` is how many more cases wait to be decided.
        """
        reading = await self._read(case_id)
        if reading is None or not reading.fresh:
            return
        public = reading.case.kind == "comment"
        verdict = triage(
            reading.text,
            in_public=public,
            has_attachment=any(one.attachments for one in reading.fresh),
        )
        match, apart = await self._match(reading, verdict, others)
        async with self._office.db.write() as session:
            case = await locked_case(session, case_id)
            if case is None or case.version != reading.case.version or case.consider_at is None:
                return
            await self._mark(session, case, reading)
            await self._decide(session, case, reading, verdict, match, apart)

    async def _match(self, reading: Reading, verdict: Triage, others: int) -> tuple[Match, bool]:
        """By the fresh words alone when they are a matter of their own (True), else by all."""
        today = self._office.today()
        alone = await self._office.library.match(reading.text, today, others)
        apart = reading.is_apart(verdict, alone)
        if apart or not reading.follows_up or alone.decision is Decision.ANSWER:
            return alone, apart
        return await self._office.library.match(reading.whole, today, others), False

    async def _claim(self, limit: int) -> tuple[list[int], int]:
        """Due cases taken for decision, and how many more are due."""
        now = self._office.now()
        due = col(Case.consider_at) <= now
        query = select(Case).where(due).order_by(col(Case.consider_at)).limit(limit)
        async with self._office.db.write() as session:
            cases = list(await session.exec(query.with_for_update(skip_locked=True)))
            for case in cases:
                case.consider_at = now + _CLAIMED
            await session.flush()
            more = 0
            if len(cases) == limit:
                more = (await session.exec(select(func.count()).where(due))).one()
            return [key_of(case) for case in cases], more

    async def _read(self, case_id: int) -> Reading | None:
        async with self._office.db.read() as session:
            case = await session.get(Case, case_id)
            if case is None:
                return None
            messages = await queries.messages(session, case_id)
            draft = await queries.open_draft(session, case_id)
        offered = draft is not None and draft.kind == DraftKind.CHOICES
        choices = tuple(one["entry_id"] for one in draft.candidates) if draft and offered else ()
        fresh = [one for one in messages if not one.considered]
        drafted = draft.entry_id if draft else ""
        return Reading(case, messages, fresh, choices, drafted)

    async def _mark(self, session: AsyncSession, case: Case, reading: Reading) -> None:
        ids = [one.id for one in reading.fresh]
        for message in await session.exec(select(Message).where(col(Message.id).in_(ids))):
            message.considered = True
        case.consider_at = None

    async def _decide(
        self,
        session: AsyncSession,
        case: Case,
        reading: Reading,
        verdict: Triage,
        match: Match,
        apart: bool,
    ) -> None:
        way = course(verdict, match, follows_up=reading.follows_up)
        aside = way is Course.ASIDE
        chosen = self._typed_choice(reading)
        if apart and chosen is None and not aside:
            case = await self._split(session, case, reading)
            reading = replace(reading, case=case, messages=reading.fresh)
            way = course(verdict, match)
        record(
            session,
            case,
            EventKind.TRIAGED,
            triage=verdict.kind,
            category=verdict.category,
            decision=match.decision,
            **_found(match),
        )
        DECISIONS.labels(match.decision).inc()
        if aside:
            await self._set_aside(session, case, reading, verdict)
            return
        person = verdict.kind in FOR_PEOPLE or verdict.wants_person or not reading.text.strip()
        case.subject = case.subject or reading.whole[:200]
        if person:
            await self._to_staff(session, case, verdict, match)
        elif chosen is not None:
            await self.answer(session, case, [chosen], match)
        elif way is Course.ANSWER:
            await self._classify(session, case, verdict.category)
            asked = [one.entry.id for one in match.candidates[: len(match.parts) or 1]]
            await self.answer(session, case, asked, match)
        elif way is Course.CLARIFY:
            await self._clarify(session, case, match)
        elif way is Course.ASK_MORE:
            await self._ask_more(session, case)
        else:
            await self._to_staff(session, case, verdict, match)

    def _typed_choice(self, reading: Reading) -> str | None:
        """The entry whose number or title a citizen typed in place of pressing it."""
        offered = [self._office.library.get(entry_id) for entry_id in reading.choices]
        questions = [entry.question if entry else "" for entry in offered]
        place = wording.typed_choice(reading.text, questions) if questions else None
        return None if place is None else reading.choices[place]

    async def answer(
        self, session: AsyncSession, case: Case, entry_ids: Sequence[str], match: Match
    ) -> None:
        """Queue the answers of approved entries; if one of them no longer holds, staff decide.

        ``match`` is what staff then get to see.
        """
        found = [self._office.library.get(entry_id) for entry_id in entry_ids]
        today = self._office.today()
        good = [one for one in found if one and one.automatic and self._holds(one, today)]
        # Already said: the citizen edited a word.
        repeated = case.automatic and [case.entry_id] == list(entry_ids)
        if len(good) < len(found) or repeated:
            await self.hand_over(session, case, match)
            return
        case.department = good[0].department
        await supersede(session, case)
        text = wording.answer_text(*good)
        await posting.reply(self._office, session, case, text, good, actor="system")

    def _holds(self, entry: Entry, today: date) -> bool:
        """Whether the entry is valid, and says nothing the office has ruled out since."""
        ruled_out = any(
            one.blocks for one in self._office.library.screen.of_site(wording.answer_text(entry))
        )
        return entry.valid_on(today) and not ruled_out

    async def hand_over(self, session: AsyncSession, case: Case, match: Match) -> None:
        """Put a case before staff with what was found for it; see :meth:`look_up`."""
        messages = await queries.messages(session, key_of(case))
        text = _said(messages)
        verdict = triage(text, has_attachment=any(one.attachments for one in messages))
        await self._to_staff(session, case, verdict, match)

    async def look_up(self, case_id: int) -> Match:
        """What all that was written in a case leads to. It may take long: not in transactions."""
        async with self._office.db.read() as session:
            messages = await queries.messages(session, case_id)
        text = _said(messages)
        return await self._office.library.match(text, self._office.today())

    async def _clarify(self, session: AsyncSession, case: Case, match: Match) -> None:
        case.state = CaseState.CLARIFYING
        draft = await offer(session, case, match.choices)
        await set_due(self._office, session, case)
        first = choice_number(draft, 0)
        question = wording.clarification(key_of(case), first, match.choices, case.reply_to)
        await posting.notice(session, case, question, Purpose.CLARIFICATION)
        record(session, case, EventKind.CLARIFIED, entries=[one.entry.id for one in match.choices])

    async def _ask_more(self, session: AsyncSession, case: Case) -> None:
        """A fragment nobody could answer: ask for a sentence, the clock keeps running."""
        case.state = CaseState.CLARIFYING
        await set_due(self._office, session, case)
        outgoing = Outgoing(wording.PUZZLED, reply_to=case.reply_to)
        await posting.notice(session, case, outgoing, Purpose.CLARIFICATION)
        record(session, case, EventKind.CLARIFIED, entries=[])

    async def hand_over_unanswered(self, patience: timedelta) -> int:
        """Citizens who were asked back and did not react get a person; returns how many."""
        query = select(Case.id).where(
            Case.state == CaseState.CLARIFYING,
            Case.updated_at < self._office.now() - patience,
        )
        async with self._office.db.read() as session:
            quiet = [case_id for case_id in await session.exec(query) if case_id]
        for case_id in quiet:
            match = await self.look_up(case_id)
            async with self._office.db.write() as session:
                case = await locked_case(session, case_id)
                if case is not None and case.state == CaseState.CLARIFYING:
                    case.version += 1
                    await self.hand_over(session, case, match)
        return len(quiet)

    async def _to_staff(
        self, session: AsyncSession, case: Case, verdict: Triage, match: Match
    ) -> None:
        first_time = case.state != CaseState.WAITING
        case.state = CaseState.WAITING
        if verdict.category.must_answer and first_time:
            await self._classify(session, case, verdict.category)
        case.urgency = max(case.urgency, verdict.urgency)
        useful: tuple[Candidate, ...] = ()
        if match.decision is not Decision.NONE and verdict.kind is not Kind.MANIPULATION:
            useful = match.candidates
        if useful and not case.department:
            case.department = useful[0].entry.department
            record(session, case, EventKind.ASSIGNED, department=case.department)
        await propose(session, case, useful, len(match.parts) or 1)
        await set_due(self._office, session, case)
        await self._tell_citizen(session, case, verdict, first_time)
        await posting.card(self._office, session, case)

    async def _classify(self, session: AsyncSession, case: Case, category: Category) -> None:
        """What triage takes the case for, unless a person said otherwise."""
        if not await category_settled(session, key_of(case)):
            case.category = category

    async def _tell_citizen(
        self, session: AsyncSession, case: Case, verdict: Triage, first_time: bool
    ) -> None:
        text = ""
        own = self._office.can(await session.get_one(Account, case.account_id)).wait
        if verdict.kind is Kind.EMERGENCY:
            text = wording.EMERGENCY
        elif own is not None:
            text = wording.wait(own, case.due_at) if first_time else ""
        elif self._office.rules.acknowledge and first_time:
            text = wording.acknowledgement(case.due_at, case.due_provisional)
        elif self._office.rules.acknowledge and case.kind != "comment":
            text = wording.ADDED.format(case=case.id)
        if text:
            outgoing = Outgoing(text, reply_to=case.reply_to)
            await posting.notice(session, case, outgoing, Purpose.ACKNOWLEDGEMENT)

    async def _set_aside(
        self, session: AsyncSession, case: Case, reading: Reading, verdict: Triage
    ) -> None:
        """Thanks, noise and advertising open no clock; a case already waiting keeps waiting."""
        if reading.follows_up and case.state == CaseState.CLARIFYING:
            return
        if reading.follows_up and case.state == CaseState.WAITING:
            await posting.card(self._office, session, case)
            return
        case.state, case.category = CaseState.CLOSED, verdict.category
        case.subject, case.reason = reading.whole[:200], f"{verdict.category}，无需答复"
        record(session, case, EventKind.CLOSED, reason=case.reason, automatic=True)
        text = self._courtesy(case, verdict)
        if text:
            await posting.notice(session, case, Outgoing(text))

    def _courtesy(self, case: Case, verdict: Triage) -> str:
        if case.kind == "comment" or verdict.kind is Kind.SPAM:
            return ""
        if verdict.kind is Kind.THANKS:
            return wording.THANKS
        return wording.GREETING if verdict.category is Category.CHAT else wording.PUZZLED

    async def _split(self, session: AsyncSession, case: Case, reading: Reading) -> Case:
        """Another matter than the one that is open becomes a case of its own."""
        first = reading.fresh[0]
        own = Case(
            account_id=case.account_id,
            citizen_id=case.citizen_id,
            kind=case.kind,
            place=case.place,
            thread=case.thread,
            reply_to=case.reply_to,
            subject=reading.text[:200],
            opened_at=first.sent_at,
        )
        session.add(own)
        await session.flush()
        ids = [one.id for one in reading.fresh]
        for message in await session.exec(select(Message).where(col(Message.id).in_(ids))):
            message.case_id = key_of(own)
        record(session, own, EventKind.OPENED, at=first.sent_at, split_from=case.id)
        record(session, case, EventKind.SPLIT, into=own.id, messages=ids)
        return own


def _found(match: Match) -> dict[str, Any]:
    """What the ledger keeps of a match: its first candidate, or those of several questions."""
    if match.parts:
        asked = match.candidates[: len(match.parts)]
        return {"entry": "", "probability": 0, "entries": [one.entry.id for one in asked]}
    if not match.candidates:
        return {"entry": "", "probability": 0}
    best = match.candidates[0]
    return {"entry": best.entry.id, "probability": round(best.probability, 4)}


def _said(messages: Iterable[Message]) -> str:
    return "\n".join(one.text for one in messages if one.text)
