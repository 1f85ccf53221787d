"""Considering: what a citizen wrote becomes an answer, a question back, or staff work."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import update
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.channels.base import Outgoing
from bot.desk import gathering, posting, wording
from bot.desk.course import FOR_PEOPLE, Course, course
from bot.desk.drafting import choice_number, offer, propose, supersede
from bot.desk.lots import Lots
from bot.desk.office import TOPIC_OUTBOX, Office, key_of, locked_case, locked_cases
from bot.desk.readings import Reading, said, take
from bot.desk.turns import set_due
from bot.telemetry import DECISIONS
from bot.triage import Category, Kind, Triage, triage
from knowledge.matcher import Candidate, Decision, Match
from storage import queries
from storage.ledger import categories_settled, record, stored_events
from storage.models import Account, Case, CaseEvent, Draft, Message
from storage.terms import CaseState, EventKind, Purpose

_AT_ONCE = 20


@dataclass(frozen=True, slots=True)
class Thought:
    """What a reading leads to; ``apart`` when its fresh words are a matter of their own."""

    reading: Reading
    verdict: Triage
    match: Match
    apart: bool


@dataclass(frozen=True, slots=True)
class Known:
    """What was read of a case that is held, and need not be looked for again: its events, and
    whether anything stands open for a decision."""

    events: Sequence[CaseEvent]
    standing: bool


@dataclass(frozen=True, slots=True)
class Asked:
    """A clarification whose buttons carry the number that its draft has once it is stored."""

    case: Case
    draft: Draft
    choices: tuple[Candidate, ...]


class Answering:
    """The worker's part: takes cases whose citizen has finished writing, and decides."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._lots = Lots(self._conclude, _AT_ONCE)

    async def consider_due(self, limit: int = _AT_ONCE) -> int:
        """Decide up to ``limit`` due cases; returns how many were taken.

        What goes wrong with one is raised when the others are decided.
        """
        readings, more = await take(self._office, limit)
        done = await asyncio.gather(
            *(self._consider(one, more) for one in readings if one.fresh), return_exceptions=True
        )
        for error in done:
            if error is not None:
                raise error
        return len(readings)

    async def next_due(self) -> datetime | None:
        """When the earliest undecided case is to be decided."""
        query = select(Case).where(col(Case.consider_at).is_not(None))
        async with self._office.db.read(brief=True) as session:
            first = (await session.exec(query.order_by(col(Case.consider_at)).limit(1))).first()
        return first.consider_at if first else None

    async def _consider(self, reading: Reading, others: int) -> None:
        """Decide one case, unless it changes meanwhile: then it is due again anyway.

        ``others`` is how many more cases wait to be decided.
        """
        verdict = triage(
            reading.text,
            in_public=reading.case.kind == "comment",
            has_attachment=any(one.attachments for one in reading.fresh),
        )
        match, apart = await self._match(reading, verdict, others)
        await self._lots.do(Thought(reading, verdict, match, apart))

    async def _conclude(self, lot: Sequence[Thought]) -> list[None]:
        """What is decided together is written together, at the end: nothing here looks for what
        another case of the lot leaves behind."""
        read = {key_of(one.reading.case): one for one in lot}
        async with self._office.db.write(brief=True) as session:
            held = await locked_cases(session, read)
            standing = [
                (case, read[number])
                for number, case in held.items()
                if case.version == read[number].reading.case.version and case.consider_at
            ]
            await self._mark(session, [one for _, one in standing])
            told = await stored_events(session, list(held))
            with session.no_autoflush:
                asked = []
                for case, thought in standing:
                    case.consider_at = None
                    known = Known(told[key_of(case)], thought.reading.standing)
                    asked.append(await self._decide(session, case, thought, known))
                await self._ask(session, [one for one in asked if one is not None])
        self._office.notify(TOPIC_OUTBOX)
        return [None] * len(lot)

    async def _match(self, reading: Reading, verdict: Triage, others: int) -> tuple[Match, bool]:
        """By the fresh words alone when they are a matter of their own (True), else by all."""
        today = self._office.today()
        alone = await self._office.library.match(reading.text, today, others)
        apart = reading.is_apart(verdict, alone)
        if apart or not reading.follows_up or alone.decision is Decision.ANSWER:
            return alone, apart
        return await self._office.library.match(reading.whole, today, others), False

    async def _mark(self, session: AsyncSession, lot: Sequence[Thought]) -> None:
        ids = [message.id for one in lot for message in one.reading.fresh]
        done = update(Message).where(col(Message.id).in_(ids)).values(considered=True)
        await session.exec(done.execution_options(synchronize_session=False))

    async def _decide(
        self, session: AsyncSession, case: Case, thought: Thought, known: Known
    ) -> Asked | None:
        reading, verdict, match = thought.reading, thought.verdict, thought.match
        way = course(verdict, match, follows_up=reading.follows_up)
        aside = way is Course.ASIDE
        chosen = self._typed_choice(reading)
        if thought.apart and chosen is None and not aside:
            case = await self._split(session, case, reading)
            reading = replace(reading, messages=reading.fresh, settled=False)
            known = Known((), standing=False)
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
            return None
        person = verdict.kind in FOR_PEOPLE or verdict.wants_person or not reading.text.strip()
        case.subject = case.subject or reading.whole[:200]
        if person:
            await self._to_staff(session, case, verdict, match, reading.settled, known)
        elif chosen is not None:
            await self.answer(session, case, [chosen], match, reading.whole, known)
        elif way is Course.ANSWER:
            if not reading.settled:
                case.category = verdict.category
            found = [one.entry.id for one in match.answered]
            await self.answer(session, case, found, match, reading.whole, known)
        elif way is Course.CLARIFY:
            return await self._clarify(session, case, match, known)
        elif way is Course.ASK_MORE:
            await self._ask_more(session, case, known)
        else:
            await self._to_staff(session, case, verdict, match, reading.settled, known)
        return None

    def _typed_choice(self, reading: Reading) -> str | None:
        """The entry whose number or title a citizen typed in place of pressing it."""
        offered = [self._office.library.get(entry_id) for entry_id in reading.choices]
        questions = [entry.question if entry else "" for entry in offered]
        place = wording.typed_choice(reading.text, questions) if questions else None
        return None if place is None else reading.choices[place]

    async def answer(
        self,
        session: AsyncSession,
        case: Case,
        entry_ids: Sequence[str],
        match: Match,
        asked: str = "",
        known: Known | None = None,
    ) -> None:
        """Queue the answers of approved entries; if one of them no longer holds, staff decide.

        ``match`` is what staff then get to see; ``asked`` the words it was found for.
        """
        found = [self._office.library.get(entry_id) for entry_id in entry_ids]
        today = self._office.today()
        library = self._office.library
        good = [one for one in found if one and library.approves(one, today)]
        # Already said: the citizen edited a word.
        repeated = case.automatic and [case.entry_id] == list(entry_ids)
        if len(good) < len(found) or repeated:
            await self.hand_over(session, case, match)
            return
        case.department = good[0].department
        await _supersede(session, case, known)
        text = wording.answer_text(*good)
        await posting.reply(self._office, session, case, text, good, actor="system", asked=asked)

    async def hand_over(self, session: AsyncSession, case: Case, match: Match) -> None:
        """Put a case before staff with what was found for it; see :meth:`look_up`."""
        messages = await queries.messages(session, key_of(case))
        text = said(messages)
        verdict = triage(text, has_attachment=any(one.attachments for one in messages))
        settled = bool(await categories_settled(session, [key_of(case)]))
        await self._to_staff(session, case, verdict, match, settled, None)

    async def look_up(self, case_id: int) -> Match:
        """What all that was written in a case leads to. It may take long: not in transactions."""
        async with self._office.db.read(brief=True) as session:
            messages = await queries.messages(session, case_id)
        text = said(messages)
        return await self._office.library.match(text, self._office.today())

    async def _clarify(
        self, session: AsyncSession, case: Case, match: Match, known: Known
    ) -> Asked:
        case.state = CaseState.CLARIFYING
        await set_due(self._office, session, case, known.events)
        await _supersede(session, case, known)
        record(session, case, EventKind.CLARIFIED, entries=[one.entry.id for one in match.choices])
        return Asked(case, offer(session, case, match.choices), match.choices)

    async def _ask(self, session: AsyncSession, asked: Sequence[Asked]) -> None:
        """Put clarifications to their citizens."""
        if asked:
            await session.flush()
        for one in asked:
            first = choice_number(one.draft, 0)
            question = wording.clarification(
                key_of(one.case), first, one.choices, one.case.reply_to
            )
            await posting.notice(session, one.case, question, Purpose.CLARIFICATION)

    async def _ask_more(self, session: AsyncSession, case: Case, known: Known) -> None:
        """A fragment nobody could answer: ask for a sentence, the clock keeps running."""
        case.state = CaseState.CLARIFYING
        await set_due(self._office, session, case, known.events)
        outgoing = Outgoing(wording.PUZZLED, reply_to=case.reply_to)
        await posting.notice(session, case, outgoing, Purpose.CLARIFICATION)
        record(session, case, EventKind.CLARIFIED, entries=[])

    async def hand_over_unanswered(self, patience: timedelta) -> int:
        """Citizens who were asked back and did not react get a person; returns how many."""
        query = select(Case.id).where(
            Case.state == CaseState.CLARIFYING,
            Case.updated_at < self._office.now() - patience,
        )
        async with self._office.db.read(brief=True) as session:
            quiet = [case_id for case_id in await session.exec(query) if case_id]
        for case_id in quiet:
            match = await self.look_up(case_id)
            async with self._office.db.write(brief=True) as session:
                case = await locked_case(session, case_id)
                if case is not None and case.state == CaseState.CLARIFYING:
                    case.version += 1
                    await self.hand_over(session, case, match)
        return len(quiet)

    async def _to_staff(
        self,
        session: AsyncSession,
        case: Case,
        verdict: Triage,
        match: Match,
        settled: bool,
        known: Known | None,
    ) -> None:
        """``settled`` when a person said what the case is about: triage does not overrule it."""
        first_time = case.state != CaseState.WAITING
        case.state = CaseState.WAITING
        if verdict.category.must_answer and first_time and not settled:
            case.category = verdict.category
        case.urgency = max(case.urgency, verdict.urgency)
        useful: tuple[Candidate, ...] = ()
        if match.decision is not Decision.NONE and verdict.kind is not Kind.MANIPULATION:
            useful = match.candidates
        if useful and not case.department:
            case.department = useful[0].entry.department
            record(session, case, EventKind.ASSIGNED, department=case.department)
        await _supersede(session, case, known)
        draft = propose(session, case, useful, len(match.parts) or 1)
        await set_due(self._office, session, case, known.events if known else None)
        await self._tell_citizen(session, case, verdict, first_time)
        await gathering.gather(session, case, verdict, draft)
        await gathering.card(self._office, session, case)

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
            post=case.post,
            reply_to=case.reply_to,
            subject=reading.text[:200],
            opened_at=first.sent_at,
        )
        session.add(own)
        await session.flush()
        ids = [one.id for one in reading.fresh]
        for message in await session.exec(select(Message).where(col(Message.id).in_(ids))):
            message.case_id = key_of(own)
        await session.flush()
        record(session, own, EventKind.OPENED, at=first.sent_at, split_from=case.id)
        record(session, case, EventKind.SPLIT, into=own.id, messages=ids)
        return own


async def _supersede(session: AsyncSession, case: Case, known: Known | None) -> None:
    """Nothing is looked for where nothing stands."""
    if known is None or known.standing:
        await supersede(session, case)


def _found(match: Match) -> dict[str, Any]:
    """What the ledger keeps of a match: its first candidate, or those of several questions."""
    found: dict[str, Any] = {"entry": "", "probability": 0}
    if match.lacking:
        found["lacking"] = match.lacking
    if match.parts:
        asked = match.candidates[: len(match.parts)]
        found["entries"] = [one.entry.id for one in asked]
    elif match.candidates:
        best = match.candidates[0]
        found.update(entry=best.entry.id, probability=round(best.probability, 4))
    return found
