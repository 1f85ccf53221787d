"""The one door: what a citizen's text means, how sure that is, and what to do about it."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from knowledge.catalog import Entry, local_today
from knowledge.index import Index, Terms, analyse, sound_of
from knowledge.ranker import Ranked, rank

MAX_CANDIDATES = 10
_HAN = re.compile(r"[\u3400-\u9fff]+")


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
    """Up to ten candidates, best first; their probabilities add up to at most 1."""

    query: str
    decision: Decision
    candidates: tuple[Candidate, ...]
    max_choices: int = 3

    @property
    def choices(self) -> tuple[Candidate, ...]:
        """What to let the citizen choose from; empty unless the decision is CLARIFY."""
        if self.decision is not Decision.CLARIFY:
            return ()
        return tuple(_plausible(self.candidates, self.max_choices))


@dataclass(frozen=True, slots=True)
class Policy:
    """When to act. The defaults come from `python -m benchmarks.matching`.

    answer_at: probability at which an approved entry is sent without a person;
    margin: by how much it must lead the next one;
    clarify_at: probability, summed over the choices, at which the citizen is asked to choose;
    draft_at: probability at which an entry is worth proposing to staff.
    """

    answer_at: float = 0.80
    clarify_at: float = 0.65
    draft_at: float = 0.10
    margin: float = 0.50
    max_choices: int = 3


class Matcher:
    """Entries ready to be matched. Changes and matches may come from several threads."""

    def __init__(self, entries: Iterable[Entry] = (), policy: Policy | None = None) -> None:
        self.policy = policy or Policy()
        self._index = Index()
        self._lock = threading.Lock()
        for entry in entries:
            self.put(entry)

    def __len__(self) -> int:
        return len(self._index)

    def put(self, entry: Entry) -> None:
        """Add the entry or replace the one with its id; the rest is not touched."""
        with self._lock:
            self._index.put(entry)

    def remove(self, entry_id: str) -> None:
        """Forget the entry; an unknown id is no error."""
        with self._lock:
            self._index.remove(entry_id)

    def get(self, entry_id: str) -> Entry | None:
        with self._lock:
            return self._index.get(entry_id)

    def match(self, text: str, today: date | None = None) -> Match:
        """Candidates and decision for any text. `today` defaults to the date in China."""
        day = today or local_today()
        query = analyse(text)
        with self._lock:
            hits = self._index.find(query)
            ranked = rank(query, [h for h in hits if h.slot.entry.valid_on(day)], self._index)
            everything = rank(query, hits, self._index) if len(ranked) < len(hits) else ranked
        outdated = bool(everything) and not everything[0].hit.slot.entry.valid_on(day)
        shown = (everything if outdated else ranked)[:MAX_CANDIDATES]
        found = tuple(_candidate(query, one, day) for one in shown)
        doubtful = outdated or (bool(shown) and shown[0].thin)
        decision = self._decide(found, doubtful, not _outdone(ranked))
        return Match(text, decision, found, self.policy.max_choices)

    def _decide(self, found: Sequence[Candidate], doubtful: bool, leads: bool) -> Decision:
        """Nothing is sent or asked by itself when the best is outdated or has too little."""
        policy = self.policy
        if not found or found[0].probability < policy.draft_at:
            return Decision.NONE
        if doubtful:
            return Decision.DRAFT
        best, second = found[0], found[1].probability if len(found) > 1 else 0.0
        ahead = best.probability - second >= policy.margin
        if leads and ahead and best.probability >= policy.answer_at:
            return Decision.ANSWER if best.entry.automatic else Decision.DRAFT
        choices = list(_plausible(found, policy.max_choices))
        asked = len(choices) > 1 and all(choice.entry.automatic for choice in choices)
        if asked and sum(choice.probability for choice in choices) >= policy.clarify_at:
            return Decision.CLARIFY
        return Decision.DRAFT


def _outdone(ranked: Sequence[Ranked]) -> bool:
    """Another entry has more of the query's words than the most probable one."""
    return any(one.covered > ranked[0].covered + 1e-9 for one in ranked)


def _plausible(found: Sequence[Candidate], limit: int) -> Iterator[Candidate]:
    return (one for one in found[:limit] if one.probability >= 0.1 * found[0].probability)


def _candidate(query: Terms, ranked: Ranked, day: date) -> Candidate:
    entry, row = ranked.hit.slot.entry, ranked.hit.row
    notes = [*_validity(entry, day), *_typos(query, row.wording, row.words)]
    return Candidate(entry, ranked.probability, Evidence(row.wording, ranked.shared, tuple(notes)))


def _validity(entry: Entry, day: date) -> Iterator[str]:
    if entry.expired_on(day):
        yield f"已过期（{entry.expires_on} 失效）"
    elif not entry.valid_on(day):
        yield f"尚未生效（{entry.effective_on} 起）"


def _typos(query: Terms, wording: str, words: Iterable[str]) -> Iterator[str]:
    """Words of the wording that the query has by sound only."""
    written = "".join(_HAN.findall(query.text))
    understood: list[str] = []
    for word in sorted(set(words) - set(query.words), key=lambda word: (-len(word), word)):
        sound = sound_of(word)
        place = query.sound.find(sound) if len(sound) == len(word) > 1 else -1
        known = word in written or word not in wording or any(word in one for one in understood)
        if place >= 0 and not known:
            understood.append(word)
            yield f"“{written[place : place + len(word)]}”按同音词“{word}”理解"
