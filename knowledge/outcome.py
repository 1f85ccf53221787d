"""What matching says of a text: candidates with their evidence, and what to do about them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from knowledge.catalog import Entry

MAX_CANDIDATES = 10
CAUTION = 0.4


class Decision(StrEnum):
    """What the desk does with a message."""

    ANSWER = "answer"
    CLARIFY = "clarify"
    DRAFT = "draft"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a candidate was proposed, for a reader."""

    wording: str
    words: tuple[str, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Candidate:
    """An entry and how probably it is what the text asks."""

    entry: Entry
    probability: float
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Match:
    """Up to ten candidates, best first; their probabilities add up to at most 1.

    `nothing` is the estimate that no entry answers. `parts` are the matches of the questions in
    a text that asks several: the candidates then begin with the best of each. `lacking` is why
    likeness of meaning, which usually counts, does not: "crowded", "slow", "failing", else "".
    """

    query: str
    decision: Decision
    candidates: tuple[Candidate, ...]
    max_choices: int = 3
    nothing: float = 1.0
    parts: tuple[Match, ...] = ()
    lacking: str = ""

    @property
    def answered(self) -> tuple[Candidate, ...]:
        """What an answer would be made of: the first, or the best of each part."""
        return self.candidates[: len(self.parts) or 1]

    @property
    def choices(self) -> tuple[Candidate, ...]:
        """What to let the citizen choose from; empty unless the decision is CLARIFY."""
        if self.decision is not Decision.CLARIFY:
            return ()
        return tuple(plausible(self.candidates, self.max_choices))


@dataclass(frozen=True, slots=True)
class Policy:
    """When to act.

    answer_at: probability at which an approved entry is sent without a person. Out of fold, 24 of
    1,031 development questions answered at the shipped value were answered wrongly (upper bound
    3.3 %, 95 %), by words alone 6 of 338 (3.5 %). A site's own evidence takes its place;
    margin: by how much it must lead the next one;
    clarify_at: probability, summed over the choices, at which the citizen is asked which one, or
    whether the only one, is meant;
    draft_at: probability at which an entry is worth proposing to staff.
    """

    answer_at: float = 0.90
    clarify_at: float = 0.5
    draft_at: float = 0.10
    margin: float = 0.50
    max_choices: int = 3

    def threshold(self, by_words: bool) -> float:
        """What is found by words alone must be surer: it is wrong more often when it says so."""
        return self.answer_at + (1.0 - self.answer_at) * CAUTION * by_words


def plausible(found: Sequence[Candidate], limit: int) -> Iterator[Candidate]:
    """Those of the first few that come near the best."""
    return (one for one in found[:limit] if one.probability >= 0.1 * found[0].probability)
