"""The one door: what a citizen's text means, how sure that is, and what to do about it."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING

from knowledge.catalog import Entry, local_today
from knowledge.index import Hit, Index
from knowledge.lexicon import Lexicon, Names
from knowledge.ranker import CERTAIN, Ranked, Ranking, Weights, rank
from knowledge.reading import Terms, analyse, sound_of
from knowledge.search import gather, tabulate
from knowledge.semantic import SemanticError
from knowledge.vectors import Meaning

if TYPE_CHECKING:
    from knowledge.vectors import Vector

MAX_CANDIDATES = 10
EXPLAINED = 3  # candidates for which assumed typos are looked for
CAUTION = 0.4
NO_RANKING = Ranking((), 1.0)
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
    """Up to ten candidates, best first; their probabilities add up to at most 1.

    `nothing` is the estimate that no entry answers.
    """

    query: str
    decision: Decision
    candidates: tuple[Candidate, ...]
    max_choices: int = 3
    nothing: float = 1.0

    @property
    def choices(self) -> tuple[Candidate, ...]:
        """What to let the citizen choose from; empty unless the decision is CLARIFY."""
        if self.decision is not Decision.CLARIFY:
            return ()
        return tuple(_plausible(self.candidates, self.max_choices))


@dataclass(frozen=True, slots=True)
class Policy:
    """When to act.

    answer_at: probability at which an approved entry is sent without a person. By words alone,
    3 of 119 development questions answered at the shipped value were answered wrongly, a rate of
    at most 6.4 % (95 %); at 0.97 it was 0 of 18. A site's own evidence takes its place;
    margin: by how much it must lead the next one;
    clarify_at: probability, summed over the choices, at which the citizen is asked to choose;
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


class Matcher:
    """Entries ready to be matched. Changes and matches may come from several threads.

    With `meaning`, whose vectors may still be missing, likeness of meaning counts too: a match
    then takes as long as the model needs for one text (some 30 ms), so call it off an event loop.
    `own` are the office's synonyms, `weights` its own models in place of the shipped ones.
    """

    def __init__(
        self,
        entries: Iterable[Entry] = (),
        policy: Policy | None = None,
        meaning: Meaning | None = None,
        own: Mapping[str, str] | None = None,
        weights: Mapping[str, Weights] | None = None,
    ) -> None:
        self.policy = policy or Policy()
        self.meaning = meaning
        self.weights = weights
        self._names = Names()
        known = list(entries)
        for entry in known:
            self._names.put(entry)
        self._index = Index(Lexicon(own or {}, self._names.words))
        self._lock = threading.RLock()
        for entry in known:
            self.put(entry)

    def __len__(self) -> int:
        return len(self._index)

    def put(self, entry: Entry) -> None:
        """Add the entry or replace the one with its id; the rest is not touched.

        Its vectors are taken from the cache; `meaning.fill` computes those that are missing.
        """
        with self._lock:
            self._names.put(entry)
            self._index.put(entry)
        if self.meaning is not None:
            self.meaning.put(entry)

    def remove(self, entry_id: str) -> None:
        """Forget the entry; an unknown id is no error."""
        with self._lock:
            self._names.remove(entry_id)
            self._index.remove(entry_id)
        if self.meaning is not None:
            self.meaning.remove(entry_id)

    def learn(self, own: Mapping[str, str]) -> Iterator[str]:
        """Read by these words of the office and the present names of the base from now on.

        Entries that must be read anew are, one for each id that is yielded; matches go on
        meanwhile. A call takes up what an earlier one was kept from finishing.
        """
        with self._lock:
            lexicon = Lexicon(own, self._names.words)
            concerned = self._index.turn_to(lexicon)
        for entry_id in concerned:
            with self._lock:
                entry = self._index.get(entry_id)
                if entry is not None:
                    self._index.put(entry)
            yield entry_id
        with self._lock:
            self._index.settle()

    def get(self, entry_id: str) -> Entry | None:
        with self._lock:
            return self._index.get(entry_id)

    def entries(self) -> list[Entry]:
        """Every entry that is known now."""
        with self._lock:
            return [entry for name in self._index.slots if (entry := self._index.get(name))]

    @property
    def lexicon(self) -> Lexicon:
        """How texts are read now."""
        return self._index.reader.lexicon

    def owners(self, text: str) -> set[str]:
        """Ids of the entries that have this very wording."""
        query = self._index.reader.query(text)
        with self._lock:
            hits = self._index.find(query)
            return {hit.slot.entry.id for hit in hits if hit.row.terms.text == query.text}

    def trial(self, entry: Entry, texts: Iterable[str], today: date | None = None) -> list[Match]:
        """What texts would lead to by words if the entry were so; other matches wait."""
        with self._lock:
            before = self._index.get(entry.id)
            self._index.put(entry)
            try:
                return [self.match(text, today, by_words=True) for text in texts]
            finally:
                if before is None:
                    self._index.remove(entry.id)
                else:
                    self._index.put(before)

    def match(
        self,
        text: str,
        today: date | None = None,
        *,
        by_words: bool = False,
        lexicon: Lexicon | None = None,
    ) -> Match:
        """Candidates and decision for any text. `today` defaults to the date in China.

        With `by_words` the meaning is left out, as it is when its vectors are not to be had. A
        `lexicon` reads the text alone, to see what other words would make of it.
        """
        day = today or local_today()
        query = analyse(text, lexicon=lexicon) if lexicon else self._index.reader.query(text)
        view = self._view(query, day, None)
        if not by_words and (vector := self._vector(text, query, view)) is not None:
            first, view = view, self._view(query, day, vector)
            if self.meaning is not None and not self.meaning.embedder.measured:
                view = replace(view, sure=view.sure and first.sure)
        found = tuple(
            _candidate(query, one, day, number < EXPLAINED)
            for number, one in enumerate(view.shown[:MAX_CANDIDATES])
        )
        decision = self._decide(found, view)
        return Match(text, decision, found, self.policy.max_choices, view.nothing)

    def _vector(self, text: str, query: Terms, view: _View) -> Vector | None:
        """That of the text, unless the words are certain already or there is nothing to read."""
        if self.meaning is None or not query.chars or view.certain:
            return None
        try:
            return self.meaning.vector(text)
        except SemanticError:  # said once by `meaning`
            return None

    def _view(self, query: Terms, day: date, vector: Vector | None) -> _View:
        with self._lock:
            hits = gather(query, self._index, self.meaning, vector)
            valid = [hit for hit in hits if hit.slot.entry.valid_on(day)]
            ranking = self._rank(query, valid, vector)
            every = self._rank(query, hits, vector) if len(valid) < len(hits) else ranking
        outdated = bool(every.found) and not every.found[0].hit.slot.entry.valid_on(day)
        shown = (every if outdated else ranking).found
        sure = bool(shown) and not shown[0].barred
        sure = sure and shown[0].probability >= self.policy.threshold(ranking.by_words)
        return _View(shown, ranking.nothing, sure and not outdated, outdated)

    def _rank(self, query: Terms, hits: Sequence[Hit], vector: Vector | None) -> Ranking:
        if not hits:
            return NO_RANKING
        model, table = tabulate(query, hits, self._index, self.meaning, vector)
        return rank(query, hits, self._index, table, model, self.weights)

    def _decide(self, found: Sequence[Candidate], view: _View) -> Decision:
        """Nothing is sent or asked by itself when the best is outdated or something bars it."""
        policy = self.policy
        if not found or found[0].probability < policy.draft_at:
            return Decision.NONE
        best, second = found[0], found[1].probability if len(found) > 1 else 0.0
        if view.sure and best.probability - second >= policy.margin:
            return Decision.ANSWER if best.entry.automatic else Decision.DRAFT
        if view.outdated or view.shown[0].barred:
            return Decision.DRAFT
        choices = list(_plausible(found, policy.max_choices))
        asked = len(choices) > 1 and all(choice.entry.automatic for choice in choices)
        if asked and sum(choice.probability for choice in choices) >= policy.clarify_at:
            return Decision.CLARIFY
        return Decision.DRAFT


@dataclass(frozen=True, slots=True)
class _View:
    """What one look at a query says; `sure` enough to answer, as far as the first goes."""

    shown: tuple[Ranked, ...]
    nothing: float
    sure: bool
    outdated: bool

    @property
    def certain(self) -> bool:
        return self.sure and self.shown[0].probability >= CERTAIN


def _plausible(found: Sequence[Candidate], limit: int) -> Iterator[Candidate]:
    return (one for one in found[:limit] if one.probability >= 0.1 * found[0].probability)


def _candidate(query: Terms, ranked: Ranked, day: date, explained: bool) -> Candidate:
    entry, row = ranked.hit.slot.entry, ranked.hit.row
    typos = _typos(query, row.wording, row.words) if explained else ()
    notes = [*_validity(entry, day), *typos]
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
