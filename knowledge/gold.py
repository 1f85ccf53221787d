"""The gold set: saved questions with the entry each must lead to, and what a change breaks."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from knowledge.bundles import Bundle, composed
from knowledge.catalog import Entry
from knowledge.matcher import Decision, Match, Matcher
from knowledge.ranker import Weights
from knowledge.vectors import Meaning


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


@dataclass(frozen=True, slots=True)
class Change:
    """What changes: the `wanted` entries beside the `present` ones, or `words` into `own`.

    `bundles` are put together anew of the entries before and after.
    """

    present: Sequence[Entry]
    wanted: Sequence[Entry] = ()
    words: Mapping[str, str] = field(default_factory=dict)
    own: Mapping[str, str] = field(default_factory=dict)
    bundles: Sequence[Bundle] = ()


def breaks(
    change: Change,
    questions: Sequence[Gold],
    today: date | None = None,
    *,
    meaning: Meaning | None = None,
    weights: Mapping[str, Weights] | None = None,
    prepare: Callable[[Matcher], None] = lambda _: None,
) -> list[Verdict]:
    """Saved questions that pass now and would not after the change.

    `prepare` is called with the matcher before it is asked anything, and after it was changed.
    """
    before = _matched(change.present, change.bundles)
    after = _matched([*change.present, *change.wanted], change.bundles)
    matcher = Matcher(after.values(), meaning=meaning, own=change.own, weights=weights)
    prepare(matcher)
    failed = [verdict for verdict in check(matcher, questions, today) if not verdict.passed]
    if failed:
        _turn_back(matcher, before, after)
        for _ in matcher.learn(change.words):
            pass
        prepare(matcher)
    return broken(check(matcher, [verdict.gold for verdict in failed], today), failed)


def _matched(entries: Iterable[Entry], bundles: Sequence[Bundle]) -> dict[str, Entry]:
    known = {entry.id: entry for entry in entries}
    return known | {entry.id: entry for entry in composed(bundles, known)}


def _turn_back(matcher: Matcher, before: Mapping[str, Entry], after: Mapping[str, Entry]) -> None:
    for entry_id in after:
        if entry_id not in before:
            matcher.remove(entry_id)
        elif before[entry_id] != after[entry_id]:
            matcher.put(before[entry_id])


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
