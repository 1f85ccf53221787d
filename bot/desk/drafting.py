"""Drafts: what the desk proposes to staff, or offers a citizen to choose from."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.desk.office import key_of
from bot.desk.wording import answer_text
from knowledge.catalog import Entry
from knowledge.matcher import Candidate, Evidence
from storage.ledger import record
from storage.models import Case, Draft, utcnow
from storage.terms import DraftKind, DraftState, EventKind

CHOICES = 10  # more than a clarification ever offers


def propose(
    session: AsyncSession, case: Case, candidates: Sequence[Candidate], questions: int = 1
) -> Draft:
    """A draft reply from the first candidate, or from as many as questions were asked.

    Empty when there is none.
    """
    draft = Draft(case_id=key_of(case), candidates=[plain(one) for one in candidates])
    told = candidates[:questions]
    for one in draft.candidates[: len(told)] if len(told) > 1 else ():
        one["together"] = True
    if told:
        draft.text = draft.original = answer_text(*(one.entry for one in told))
        draft.entry_id = told[0].entry.id
        draft.probability = min(one.probability for one in told)
    session.add(draft)
    record(
        session,
        case,
        EventKind.DRAFTED,
        entry=draft.entry_id,
        probability=round(draft.probability, 4),
    )
    return draft


def basis(draft: Draft) -> list[str]:
    """Ids of the entries that the draft's original text was made of."""
    together = [one["entry_id"] for one in draft.candidates if one.get("together")]
    return together or [draft.entry_id] if draft.entry_id else []


def turn_to(draft: Draft, position: int, entry: Entry) -> None:
    """Make the answer of one candidate the whole draft; whatever was approved no longer is."""
    draft.candidates = [
        {key: value for key, value in one.items() if key != "together"} for one in draft.candidates
    ]
    draft.position, draft.entry_id = position, entry.id
    draft.probability = draft.candidates[position]["probability"]
    draft.text = draft.original = answer_text(entry)
    draft.approvals = []


def take_up(draft: Draft, entry: Entry) -> None:
    """Make the answer of an entry that a person looked up the whole draft."""
    known = [one["entry_id"] for one in draft.candidates]
    if entry.id not in known:
        by_hand = Evidence(entry.question, (), ("人工选用",))
        draft.candidates = [*draft.candidates, plain(Candidate(entry, 0.0, by_hand))]
        known.append(entry.id)
    turn_to(draft, known.index(entry.id), entry)


def offer(session: AsyncSession, case: Case, choices: Iterable[Candidate]) -> Draft:
    """The choices of a clarification, remembered so that a press can be understood."""
    draft = Draft(
        case_id=key_of(case),
        kind=DraftKind.CHOICES,
        candidates=[plain(choice) for choice in choices],
    )
    session.add(draft)
    return draft


def choice_number(draft: Draft, position: int) -> int:
    """The number a button carries: it names the clarification too, so an old one is refused."""
    return (draft.id or 0) * CHOICES + position


async def supersede(session: AsyncSession, case: Case) -> None:
    """Whatever stood open for a decision no longer does."""
    query = select(Draft).where(Draft.case_id == case.id, Draft.state == DraftState.OPEN)
    for draft in await session.exec(query):
        decide(draft, DraftState.SUPERSEDED, "system")


def decide(draft: Draft, state: DraftState, actor: str) -> None:
    draft.state, draft.decided_by, draft.decided_at = state, actor, utcnow()


def plain(candidate: Candidate) -> dict[str, Any]:
    """A candidate as drafts keep it."""
    return {
        "entry_id": candidate.entry.id,
        "probability": round(candidate.probability, 4),
        "wording": candidate.evidence.wording,
        "words": list(candidate.evidence.words),
        "notes": list(candidate.evidence.notes),
    }
