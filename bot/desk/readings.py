"""Cases as they are read for a decision: what a citizen wrote, and what stood there before."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.desk.course import FOR_PEOPLE
from bot.desk.office import Office, key_of
from bot.triage import Kind, Triage
from knowledge.matcher import Decision, Match
from knowledge.text import stop_words, words
from storage import queries
from storage.ledger import categories_settled
from storage.models import Case, Draft, Message
from storage.terms import CaseState, DraftKind

_CLEARLY = 0.5
_CLAIMED = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Reading:
    """A case as it was read for a decision; ``fresh`` is what no decision has seen yet.

    ``standing`` when something stands open for a decision, ``drafted`` for the entry that it is
    made of; ``settled`` when a person has set its category.
    """

    case: Case
    messages: list[Message]
    fresh: list[Message]
    choices: tuple[str, ...]
    standing: bool = False
    drafted: str = ""
    settled: bool = False

    @property
    def text(self) -> str:
        return said(self.fresh)

    @property
    def whole(self) -> str:
        return said(self.messages)

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
        before = said(one for one in self.messages if one.considered)
        return bool((set(words(self.text)) & set(words(before))) - stop_words())


async def take(office: Office, limit: int) -> tuple[list[Reading], int]:
    """Due cases, taken for decision for some seconds, and how many more are due."""
    now = office.now()
    due = col(Case.consider_at) <= now
    query = select(Case).where(due).order_by(col(Case.consider_at)).limit(limit)
    async with office.db.write(brief=True) as session:
        cases = list(await session.exec(query.with_for_update(skip_locked=True)))
        for case in cases:
            case.consider_at = now + _CLAIMED
        await session.flush()
        more = 0
        if len(cases) == limit:
            more = (await session.exec(select(func.count()).where(due))).one()
        return await _read(session, cases), more


async def _read(session: AsyncSession, cases: list[Case]) -> list[Reading]:
    ids = [key_of(case) for case in cases]
    messages = await queries.messages_of(session, ids)
    drafts = await queries.open_drafts(session, ids)
    settled = await categories_settled(session, ids)
    return [
        _reading(case, messages[number], drafts.get(number), number in settled)
        for number, case in zip(ids, cases, strict=True)
    ]


def _reading(case: Case, messages: list[Message], draft: Draft | None, settled: bool) -> Reading:
    offered = draft is not None and draft.kind == DraftKind.CHOICES
    choices = tuple(one["entry_id"] for one in draft.candidates) if draft and offered else ()
    fresh = [one for one in messages if not one.considered]
    entry = draft.entry_id if draft else ""
    return Reading(case, messages, fresh, choices, draft is not None, entry, settled)


def said(messages: Iterable[Message]) -> str:
    """The words of messages, one below the other."""
    return "\n".join(one.text for one in messages if one.text)
