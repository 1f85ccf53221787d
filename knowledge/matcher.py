"""The one door: what a citizen's text means, how sure that is, and what to do about it."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import TYPE_CHECKING

from knowledge.catalog import Entry, local_today
from knowledge.explain import explained
from knowledge.index import Hit, Index
from knowledge.lexicon import Lexicon, Names
from knowledge.outcome import (
    MAX_CANDIDATES,
    Candidate,
    Decision,
    Evidence,
    Match,
    Policy,
    plausible,
)
from knowledge.questions import looks, questions, together
from knowledge.ranker import CERTAIN, Ranked, Ranking, Weights, rank
from knowledge.reading import Reader, Terms
from knowledge.search import gather, tabulate
from knowledge.semantic import SemanticError
from knowledge.vectors import Meaning

if TYPE_CHECKING:
    from knowledge.vectors import Vector

__all__ = ["Candidate", "Decision", "Evidence", "Match", "Matcher", "Policy"]

NO_RANKING = Ranking((), 1.0)


class Matcher:
    """Entries ready to be matched. Changes and matches may come from several threads.

    With `meaning`, whose vectors may still be missing, likeness of meaning counts too: a match
    then takes as long as the model needs for one text (some 30 ms), so call it off an event loop.
    `popular` says for ids of entries how often they are asked for, from 0 to 1.
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
        self.popular: Mapping[str, float] = {}
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
        reader = Reader(lexicon) if lexicon else self._index.reader
        whole = self._match(text, day, by_words, reader)
        asked = questions(text)
        if len(asked) < 2:
            return whole
        return together(whole, [self._match(one, day, by_words, reader) for one in asked])

    def _match(self, text: str, day: date, by_words: bool, reader: Reader) -> Match:
        query = reader.query(text)
        view = self._view(query, day, ())
        if not by_words and (vectors := self._vectors(text, query, view)):
            first, view = view, self._view(query, day, vectors)
            if self.meaning is not None and not self.meaning.embedder.measured:
                view = replace(view, sure=view.sure and first.sure)
        found = explained(query, view.shown[:MAX_CANDIDATES], day)
        decision = self._decide(found, view)
        return Match(text, decision, found, self.policy.max_choices, view.nothing)

    def _vectors(self, text: str, query: Terms, view: _View) -> tuple[Vector, ...]:
        """That of the text and of what it comes to ask, unless the words are certain already."""
        if self.meaning is None or not query.chars or view.certain:
            return ()
        try:
            return tuple(self.meaning.vector(one) for one in looks(text))
        except SemanticError:  # said once by `meaning`
            return ()

    def _view(self, query: Terms, day: date, vectors: Sequence[Vector]) -> _View:
        with self._lock:
            hits = gather(query, self._index, self.meaning, vectors)
            valid = [hit for hit in hits if hit.slot.entry.valid_on(day)]
            ranking = self._rank(query, valid, vectors)
            every = self._rank(query, hits, vectors) if len(valid) < len(hits) else ranking
        outdated = bool(every.found) and not every.found[0].hit.slot.entry.valid_on(day)
        shown = (every if outdated else ranking).found
        likely = bool(shown) and not (shown[0].barred or outdated)
        likely = likely and shown[0].probability >= self.policy.threshold(ranking.by_words)
        doubted = bool(shown) and shown[0].doubted
        return _View(
            shown, ranking.nothing, likely and not doubted, outdated, doubted and not likely
        )

    def _rank(self, query: Terms, hits: Sequence[Hit], vectors: Sequence[Vector]) -> Ranking:
        if not hits:
            return NO_RANKING
        model, table = tabulate(query, hits, self._index, self.meaning, vectors)
        return rank(query, hits, self._index, table, model, self.popular, self.weights)

    def _decide(self, found: Sequence[Candidate], view: _View) -> Decision:
        """Nothing is sent or asked by itself when the best is outdated or something bars it."""
        policy = self.policy
        if not found or found[0].probability < policy.draft_at:
            return Decision.NONE
        best, second = found[0], found[1].probability if len(found) > 1 else 0.0
        if view.sure and best.probability - second >= policy.margin:
            return Decision.ANSWER if best.entry.automatic else Decision.DRAFT
        if view.outdated or view.shown[0].barred or view.unlikely:
            return Decision.DRAFT
        choices = list(plausible(found, policy.max_choices))
        asked = all(choice.entry.automatic for choice in choices)
        if asked and sum(choice.probability for choice in choices) >= policy.clarify_at:
            return Decision.CLARIFY
        return Decision.DRAFT


@dataclass(frozen=True, slots=True)
class _View:
    """What one look at a query says; `sure` enough to answer, as far as the first goes.

    `unlikely` if the first is in doubt and not even probable enough to be asked about.
    """

    shown: tuple[Ranked, ...]
    nothing: float
    sure: bool
    outdated: bool
    unlikely: bool = False

    @property
    def certain(self) -> bool:
        return self.sure and self.shown[0].probability >= CERTAIN
