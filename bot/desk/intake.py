"""Receiving: every message is stored with its case, once, before anything else happens."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import timedelta

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from bot.desk import held, pauses
from bot.desk.lots import Lots
from bot.desk.office import (
    TOPIC_CONSIDER,
    Inbound,
    Office,
    account_by_key,
    key_of,
    locked_case,
)
from bot.desk.turns import asked_anew, not_helpful
from bot.telemetry import MESSAGES
from bot.triage import Kind, triage
from knowledge.matcher import Decision, Match
from storage.ledger import record
from storage.models import Account, Case, Citizen, Message, MessageVersion
from storage.terms import CaseState, EventKind

_LOT = 50  # nothing else happens while so many are stored
_REST = 0.02
_DISPUTABLE = timedelta(days=1)
_UNHELPFUL = {"没解决", "没有解决", "没用", "没有用", "没帮助", "不对", "答非所问", "还是不行"}
_JOINABLE = (CaseState.RECEIVED, CaseState.CLARIFYING, CaseState.WAITING)


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a message: its case, and whether it was new."""

    case_id: int
    new_case: bool = False
    duplicate: bool = False


class Intake:
    """The door's one call for every citizen message."""

    def __init__(self, office: Office) -> None:
        self._office = office
        self._lots = Lots(
            self._receive,
            _LOT,
            lambda one: one.account,
            lambda one: (one.account, one.citizen),
            _REST,
        )

    async def receive(self, inbound: Inbound) -> Receipt:
        """Store a message and its case in one transaction; the same message twice is once."""
        return await self._lots.do(inbound)

    async def receive_many(self, lot: Sequence[Inbound]) -> list[Receipt]:
        """Store messages in their order, as :meth:`receive` does."""
        return await asyncio.gather(*(self._lots.do(one) for one in lot))

    async def _receive(self, lot: Sequence[Inbound]) -> list[Receipt]:
        """It fails, and is tried again, when two processes store the same at once."""
        async with self._office.db.write(brief=True) as session:
            account = await account_by_key(session, lot[0].account)
            known = await _known_cases(session, account, [one.external_id for one in lot])
            fresh = [one for one in lot if one.external_id not in known]
            taken = iter(await self._store(session, account, fresh))
        self._office.notify(TOPIC_CONSIDER)
        return [
            Receipt(known[one.external_id], duplicate=True)
            if one.external_id in known
            else next(taken)
            for one in lot
        ]

    async def _store(
        self, session: AsyncSession, account: Account, lot: Sequence[Inbound]
    ) -> list[Receipt]:
        """A statement does for the whole lot where it can: thousands may come at a time."""
        citizens, strangers = await _welcome(session, account, lot)
        found: list[tuple[Case, bool]] = []
        for inbound in lot:
            citizen, case = citizens[inbound.citizen], None
            if inbound.kind == "direct" and self._office.can(account).reply_window is not None:
                await held.release(self._office, session, account, citizen, inbound.sent_at)
            if inbound.citizen not in strangers:
                case = await self._case_for(session, account, citizen, inbound)
            new = case is None
            case = case or _start(session, account, citizen, inbound)
            self._touch(case, inbound)
            found.append((case, new))
        await session.flush()
        messages = [_message(case, one) for (case, _), one in zip(found, lot, strict=True)]
        session.add_all(messages)
        await session.flush()
        for (case, new), message, inbound in zip(found, messages, lot, strict=True):
            if new:
                record(
                    session, case, EventKind.OPENED, at=inbound.sent_at, channel=account.platform
                )
            await self._attach(session, case, message, inbound)
        return [Receipt(key_of(case), new_case=new) for case, new in found]

    async def _case_for(
        self, session: AsyncSession, account: Account, citizen: Citizen, inbound: Inbound
    ) -> Case | None:
        """The case that this message belongs to; None for one of its own."""
        case = await _open_case(session, account, citizen, inbound)
        if case is None and wants_more(inbound.text):
            in_private = self._office.can(account).beyond == "private"
            case = await _dispute(session, account, citizen, inbound, in_private)
        return case

    async def edit(self, inbound: Inbound) -> Receipt | None:
        """Keep an edited message as a new version of the same message; None if never seen."""
        match = await self._office.library.match(inbound.text, self._office.today())
        async with self._office.db.write(brief=True) as session:
            account = await account_by_key(session, inbound.account)
            message = await _known(session, account, inbound.external_id)
            if message is None:
                return None
            if message.text != inbound.text:
                await self._revise(session, message, inbound, match)
        self._office.notify(TOPIC_CONSIDER)
        return Receipt(message.case_id)

    def _touch(self, case: Case, inbound: Inbound) -> None:
        """What a message changes of its case."""
        case.version += 1
        case.opened_at = min(case.opened_at, inbound.sent_at)  # received out of order
        if case.thread == inbound.thread:
            case.reply_to = inbound.reply_to
        case.consider_at = self._office.now() + self._patience(inbound)

    async def _attach(
        self, session: AsyncSession, case: Case, message: Message, inbound: Inbound
    ) -> None:
        assert message.id is not None  # noqa: S101
        first = MessageVersion(
            message_id=message.id, number=1, text=inbound.text, sent_at=inbound.sent_at
        )
        session.add(first)
        record(session, case, EventKind.MESSAGE, at=inbound.sent_at, message=message.id)
        await self._resume(session, case, inbound)
        MESSAGES.labels(inbound.account, inbound.kind).inc()

    async def _revise(
        self, session: AsyncSession, message: Message, inbound: Inbound, match: Match
    ) -> None:
        assert message.id is not None  # noqa: S101
        case = await session.get_one(Case, message.case_id, with_for_update=True)
        message.version += 1
        message.text = inbound.text
        version = MessageVersion(
            message_id=message.id,
            number=message.version,
            text=inbound.text,
            sent_at=inbound.sent_at,
        )
        session.add(version)
        record(session, case, EventKind.EDITED, at=inbound.sent_at, message=message.id)
        await self._resume(session, case, inbound)
        if case.state not in _JOINABLE:
            if _says_the_same(case, match):
                return
            asked_anew(session, case, inbound.sent_at)
        case.version += 1
        message.considered = False
        case.consider_at = self._office.now() + self._office.rules.settle

    async def _resume(self, session: AsyncSession, case: Case, inbound: Inbound) -> None:
        """Whoever was asked for more has written: the clock runs on."""
        at = inbound.sent_at
        await pauses.end(self._office, session, case, "群众已补充", at=at, actor="citizen")

    def _patience(self, inbound: Inbound) -> timedelta:
        """How long to wait for the rest of what this message may be the start of."""
        public = inbound.kind == "comment"
        verdict = triage(inbound.text, in_public=public, has_attachment=bool(inbound.attachments))
        if verdict.kind is Kind.EMERGENCY:
            return timedelta(0)
        if not verdict.complete:
            return self._office.rules.burst
        alone = public and not inbound.attachments  # an album comes in several messages
        return timedelta(0) if alone else self._office.rules.settle


def _says_the_same(case: Case, match: Match) -> bool:
    """Whether the answer that was given answers the new wording, which matches so, too."""
    same = match.decision is Decision.ANSWER and match.candidates[0].entry.id == case.entry_id
    return same and case.state != CaseState.CLOSED


async def _known(session: AsyncSession, account: Account, external_id: str) -> Message | None:
    query = select(Message).where(
        Message.account_id == account.id, Message.external_id == external_id
    )
    return (await session.exec(query)).first()


async def _known_cases(
    session: AsyncSession, account: Account, external_ids: Sequence[str]
) -> dict[str, int]:
    """The cases of the messages that are there already."""
    query = select(Message.external_id, Message.case_id).where(
        Message.account_id == account.id, col(Message.external_id).in_(external_ids)
    )
    return dict((await session.exec(query)).all())


async def _welcome(
    session: AsyncSession, account: Account, lot: Sequence[Inbound]
) -> tuple[dict[str, Citizen], set[str]]:
    """Those who wrote, by their platform ids, and which of them never wrote before."""
    query = select(Citizen).where(
        Citizen.account_id == account.id,
        col(Citizen.external_id).in_([one.citizen for one in lot]),
    )
    citizens = {one.external_id: one for one in await session.exec(query)}
    strangers = {one.citizen for one in lot} - citizens.keys()
    for inbound in lot:
        citizen = citizens.get(inbound.citizen)
        if citizen is None:
            citizen = Citizen(account_id=key_of(account), external_id=inbound.citizen)
            citizens[inbound.citizen] = citizen
            session.add(citizen)
        citizen.display_name = inbound.name
        citizen.reachable = True
    await session.flush()
    return citizens, strangers


async def _open_case(
    session: AsyncSession, account: Account, citizen: Citizen, inbound: Inbound
) -> Case | None:
    """The case this message continues: the citizen's newest open one in the same thread.

    Where the thread's case was merged into another that is still open, it is that one.
    """
    query = _in_thread(account, citizen, inbound).where(col(Case.state).in_(_JOINABLE))
    case = (await session.exec(query)).first()
    return case or await _heir(session, account, citizen, inbound, _JOINABLE)


async def _heir(
    session: AsyncSession,
    account: Account,
    citizen: Citizen,
    inbound: Inbound,
    states: tuple[CaseState, ...],
) -> Case | None:
    query = _in_thread(account, citizen, inbound).where(Case.state == CaseState.MERGED)
    merged = (await session.exec(query)).first()
    if merged is None or merged.merged_into is None:
        return None
    kept = await locked_case(session, merged.merged_into)
    return kept if kept is not None and kept.state in states else None


async def _dispute(
    session: AsyncSession, account: Account, citizen: Citizen, inbound: Inbound, in_private: bool
) -> Case | None:
    """The recently answered case that 转人工 or 没解决 is about, opened again.

    Where comments are answered ``in_private``, words in private may be about a comment.
    """
    since = inbound.sent_at - _DISPUTABLE
    lately = (
        col(Case.state).in_((CaseState.ANSWERED, CaseState.RESOLVED)),
        col(Case.answered_at) > since,
    )
    query = _in_thread(account, citizen, inbound).where(*lately)
    case = (await session.exec(query)).first()
    if case is None and in_private and inbound.kind == "direct":
        public = select(Case).where(
            Case.account_id == account.id,
            Case.citizen_id == citizen.id,
            Case.kind == "comment",
            *lately,
        )
        newest = public.order_by(col(Case.answered_at).desc()).limit(1).with_for_update()
        case = (await session.exec(newest)).first()
    case = case or await _heir(
        session, account, citizen, inbound, (CaseState.ANSWERED, CaseState.RESOLVED)
    )
    if case is not None and (case.answered_at is None or case.answered_at <= since):
        return None
    if case is not None:
        not_helpful(session, case, inbound.text.strip()[:20])
    return case


def _in_thread(account: Account, citizen: Citizen, inbound: Inbound) -> SelectOfScalar[Case]:
    query = select(Case).where(
        Case.account_id == account.id,
        Case.citizen_id == citizen.id,
        Case.thread == inbound.thread,
    )
    return query.order_by(col(Case.id).desc()).limit(1).with_for_update()


def wants_more(text: str) -> bool:
    """A bare 转人工 or 没解决, which speaks of the answer before it."""
    bare = text.strip(" 。！!？?，,～~")
    return bare in _UNHELPFUL or (len(bare) <= 8 and triage(bare).wants_person)


def _start(session: AsyncSession, account: Account, citizen: Citizen, inbound: Inbound) -> Case:
    case = Case(
        account_id=key_of(account),
        citizen_id=key_of(citizen),
        kind=inbound.kind,
        place=inbound.place,
        thread=inbound.thread,
        post=inbound.post,
        opened_at=inbound.sent_at,
    )
    session.add(case)
    return case


def _message(case: Case, inbound: Inbound) -> Message:
    return Message(
        account_id=case.account_id,
        citizen_id=case.citizen_id,
        case_id=key_of(case),
        external_id=inbound.external_id,
        kind=inbound.kind,
        text=inbound.text,
        attachments=[asdict(one) for one in inbound.attachments],
        sent_at=inbound.sent_at,
    )
