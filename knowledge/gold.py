"""The gold set: saved questions with the entry each must lead to, and what a change breaks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from knowledge.matcher import Decision, Match, Matcher


@dataclass(frozen=True, slots=True)
class Gold:
    """A question and the id of its entry; empty when no entry may be offered for it."""

    query: str
    entry_id: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a base makes of one gold question; `found` is the first candidate's id."""

    gold: Gold
    passed: bool
    decision: Decision
    found: str = ""
    probability: float = 0.0


def check(
    matcher: Matcher,
    questions: Sequence[Gold],
    today: date | None = None,
    *,
    by_words: bool = False,
) -> list[Verdict]:
    """Every question's verdict on what the matcher knows, in the given order."""
    return [judge(one, matcher.match(one.query, today, by_words=by_words)) for one in questions]


def broken(before: Sequence[Verdict], after: Sequence[Verdict]) -> list[Verdict]:
    """The verdicts of `after` that fail where the same question passed `before`."""
    passed = {verdict.gold.query for verdict in before if verdict.passed}
    return [verdict for verdict in after if not verdict.passed and verdict.gold.query in passed]


def judge(gold: Gold, match: Match) -> Verdict:
    """What a match is worth.

    A question with an entry passes when that entry comes first; one without passes when nothing
    would be sent by itself or offered to choose from.
    """
    best = match.candidates[0] if match.candidates else None
    found = best.entry.id if best else ""
    quiet = match.decision in (Decision.DRAFT, Decision.NONE)
    passed = found == gold.entry_id if gold.entry_id else quiet
    return Verdict(gold, passed, match.decision, found, best.probability if best else 0.0)
