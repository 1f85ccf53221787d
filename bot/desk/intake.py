"""Receiving: every message is stored with its case, once, before anything else happens."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta

from sqlalchemy.exc import IntegrityError
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession
from sqlmodel.sql.expression import SelectOfScalar

from bot.desk import held, pauses
from bot.desk.office import (
    TOPIC_CONSIDER,
    Inbound,
    Office,
    account_by_key,
    citizen_of,
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

    async def receive(self, inbound: Inbound) -> Receipt:
        """Store a message and its case in one transaction; the same message twice is once."""
        try:
            receipt = await self._receive(inbound)
        except IntegrityError:  # two processes stored the same citizen or message at once
            receipt = await self._receive(inbound)
        self._office.notify(TOPIC_CONSIDER)
        return receipt

    async def _receive(self, inbound: Inbound) -> Receipt:
        async with self._office.db.write() as session:
            account = await account_by_key(session, inbound.account)
            known = await _known(session, account, inbound.external_id)
            if known is not None:
                return Receipt(known.case_id, duplicate=True)
            citizen = await _welcome(session, account, inbound)
            if inbound.kind == "direct":
                await held.release(self._office, session, account, citizen, inbound.sent_at)
            case = await _open_case(session, account, citizen, inbound)
            if case is None and wants_more(inbound.text):
                case = await _dispute(session, account, citizen, inbound)
            new = case is None
            if case is None:
                case = await _start(session, account, citizen, inbound)
            await self._attach(session, case, inbound)
            MESSAGES.labels(inbound.account, inbound.kind).inc()
            return Receipt(key_of(case), new_case=new)

    async def edit(self, inbound: Inbound) -> Receipt | None:
        """Keep an edited message as a new version of the same message; None if never seen."""
        match = await self._office.library.match(inbound.text, self._office.today())
        async with self._office.db.write() as session:
            account = await account_by_key(session, inbound.account)
            message = await _known(session, account, inbound.external_id)
            if message is None:
                return None
            if message.text != inbound.text:
                await self._revise(session, message, inbound, match)
        self._office.notify(TOPIC_CONSIDER)
        return Receipt(message.case_id)

    async def _attach(self, session: AsyncSession, case: Case, inbound: Inbound) -> None:
        message = Message(
            account_id=case.account_id,
            citizen_id=case.citizen_id,
            case_id=key_of(case),
            external_id=inbound.external_id,
            kind=inbound.kind,
            text=inbound.text,
            attachments=[asdict(one) for one in inbound.attachments],
            sent_at=inbound.sent_at,
        )
        session.add(message)
        await session.flush()
        assert message.id is not None  # noqa: S101
        first = MessageVersion(
            message_id=message.id, number=1, text=inbound.text, sent_at=inbound.sent_at
        )
        session.add(first)
        case.version += 1
        case.opened_at = min(case.opened_at, inbound.sent_at)  # received out of order
        if case.thread == inbound.thread:
            case.reply_to = inbound.reply_to
        case.consider_at = self._office.now() + self._patience(inbound)
        record(session, case, EventKind.MESSAGE, at=inbound.sent_at, message=message.id)
        await self._resume(session, case, inbound)

    async def _revise(
        self, session: AsyncSession, message: Message, inbound: Inbound, match: Match
    ) -> None:
        assert message.id is not None  # noqa: S101
        message.version += 1
        message.text = inbound.text
        version = MessageVersion(
            message_id=message.id,
            number=message.version,
            text=inbound.text,
            sent_at=inbound.sent_at,
        )
        session.add(version)
        case = await session.get_one(Case, message.case_id, with_for_update=True)
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


async def _welcome(session: AsyncSession, account: Account, inbound: Inbound) -> Citizen:
    citizen = await citizen_of(session, account, inbound.citizen)
    if citizen is None:
        citizen = Citizen(account_id=key_of(account), external_id=inbound.citizen)
        session.add(citizen)
    citizen.display_name = inbound.name
    citizen.reachable = True
    await session.flush()
    return citizen


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
    session: AsyncSession, account: Account, citizen: Citizen, inbound: Inbound
) -> Case | None:
    """The recently answered case that 转人工 or 没解决 is about, opened again."""
    since = inbound.sent_at - _DISPUTABLE
    query = _in_thread(account, citizen, inbound).where(
        col(Case.state).in_((CaseState.ANSWERED, CaseState.RESOLVED)),
        col(Case.answered_at) > since,
    )
    case = (await session.exec(query)).first() or await _heir(
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


async def _start(
    session: AsyncSession, account: Account, citizen: Citizen, inbound: Inbound
) -> Case:
    case = Case(
        account_id=key_of(account),
        citizen_id=key_of(citizen),
        kind=inbound.kind,
        place=inbound.place,
        thread=inbound.thread,
        opened_at=inbound.sent_at,
    )
    session.add(case)
    await session.flush()
    record(session, case, EventKind.OPENED, at=inbound.sent_at, channel=account.platform)
    return case
