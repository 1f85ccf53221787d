"""Words that citizens use where the knowledge base has others, found in accepted matches.

What a question has and its entry lacks may mean what the entry has and the question lacks. One
match says little; a pair that recurs among several citizens, and that no other word of the same
questions and entries explains as well, is worth a person's look.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from rapidfuzz import fuzz

from knowledge.catalog import Entry
from knowledge.lexicon import Lexicon, LexiconError, join
from knowledge.proposals import Asked, folded
from knowledge.text import MAX_ANALYSED, matter, normalize, stop_words

SEVERAL = 3  # citizens who must have used the word; twice as many if the base has it elsewhere
_USUALLY = 0.6  # of those who used the word meant an entry with the other one
_RIVAL = 0.8  # what is as strong as this share of a pair leaves it open which one is meant
_SELDOM = 4  # accepted matches for each rejected one
_MOST = 30
_JOINED, _LONGEST = 3, 6  # words and characters of what the dictionaries do not know as one word
_TERM = re.compile(r"[\u3400-\u9fffa-z0-9]+")
Words = tuple[str, str]
"""A citizen's word, and what it may mean."""


@dataclass(frozen=True, slots=True)
class Pair:
    """A word of citizens and the word of the base that it may mean; in which questions."""

    word: str
    meant: str
    asked: tuple[Asked, ...]

    @property
    def key(self) -> str:
        """Names the proposal without telling the words, whichever of them comes first."""
        return pair_key(self.word, self.meant)

    @property
    def citizens(self) -> int:
        return len({one.citizen for one in self.asked})

    @property
    def latest(self) -> datetime:
        return max(one.at for one in self.asked)


def pair_key(word: str, meant: str) -> str:
    """The same for both orders."""
    told = "\0".join(("pair", *sorted((word, meant))))
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def pairs(asked: Iterable[Asked], entries: Iterable[Entry], lexicon: Lexicon) -> list[Pair]:
    """Pairs that the lexicon could join, those that most citizens used first."""
    found = _Search(list(asked), list(entries), lexicon).found()
    return sorted(found, key=lambda one: (-one.citizens, -one.latest.timestamp()))


@dataclass(slots=True)
class _Text:
    """A question, or all wordings of an entry: its words and terms, each by its head."""

    text: str
    words: set[str]
    terms: dict[str, tuple[str, ...]]

    def lacking(self, other: _Text, lexicon: Lexicon) -> set[str]:
        """Terms of this text of which no part stands in the other, under any name."""
        return {
            term
            for term, parts in self.terms.items()
            if not any(lexicon.fold(one) in other.words or one in other.text for one in parts)
        }


def _read(text: str, lexicon: Lexicon) -> _Text:
    known = normalize(text)[:MAX_ANALYSED]
    return _Text(known, folded(known, lexicon), dict(_terms(matter(known), lexicon)))


def _terms(known: str, lexicon: Lexicon) -> Iterator[tuple[str, tuple[str, ...]]]:
    """What may be a word: words of the dictionaries, and neighbours that are hardly words."""
    cut = lexicon.cut(known)
    for is_told, run in groupby(cut, key=lambda word: bool(_TERM.fullmatch(word))):
        told = list(run) if is_told else []
        for start in range(len(told)):
            for end in range(start + 1, min(start + _JOINED, len(told)) + 1):
                part = told[start:end]
                if _is_term(part):
                    term = "".join(part)
                    parts = tuple(one for one in part if len(one) > 1)
                    yield lexicon.fold(term), (term, *parts)


def _is_term(part: Sequence[str]) -> bool:
    """A word of the dictionaries, or one that single characters make of it or by themselves."""
    term = "".join(part)
    if len(term) < 2 or term in stop_words() or term.isdecimal():
        return False
    if len(part) == 1:
        return True
    said = part[:-1] if len(term) == 2 and part[-1] == "了" else part  # as one says 掉了
    if any(word in stop_words() for word in said):
        return False
    return len(term) <= _LONGEST and sum(len(word) > 1 for word in part) <= 1


@dataclass(slots=True)
class _Case:
    """One wording of a question, whoever used it, and the terms of either side the other lacks."""

    asked: list[Asked]
    foreign: set[str]
    known: set[str]


class _Tally:
    """Which citizens used a word, meant a word, and did both at once."""

    def __init__(self, cases: Iterable[_Case]) -> None:
        self._used: dict[str, set[int]] = {}
        self._meant: dict[str, set[int]] = {}
        self._both: dict[str, dict[str, set[int]]] = {}
        self._words: dict[str, set[str]] = {}
        for case in cases:
            self._add(case, {one.citizen for one in case.asked})

    def _add(self, case: _Case, citizens: set[int]) -> None:
        for meant in case.known:
            self._meant.setdefault(meant, set()).update(citizens)
        for word in case.foreign:
            self._used.setdefault(word, set()).update(citizens)
            meanings = self._both.setdefault(word, {})
            for meant in case.known:
                meanings.setdefault(meant, set()).update(citizens)
                self._words.setdefault(meant, set()).add(word)

    def uses(self, word: str) -> int:
        return len(self._used.get(word, ()))

    def count(self, pair: Words) -> int:
        return len(self._both[pair[0]][pair[1]])

    def strength(self, pair: Words) -> float:
        """Dice's coefficient: 1 when neither is ever without the other."""
        alone = len(self._used[pair[0]]) + len(self._meant[pair[1]])
        return 2 * self.count(pair) / alone

    def outstanding(self) -> Iterator[Words]:
        """Pairs of several citizens that no other word explains as well, on either side."""
        for word, meanings in self._both.items():
            pairs = [(word, meant) for meant in meanings]
            for pair in self._undisputed(pairs):
                others = ((other, pair[1]) for other in self._words[pair[1]])
                rivals = (other for other in others if not set(other[0]) & set(word))
                if not self._rivalled(pair, rivals):
                    yield pair

    def _undisputed(self, pairs: Sequence[Words]) -> Iterator[Words]:
        """Meanings of one word that none of the others rivals, but for parts of each other."""
        for pair in pairs:
            rivals = (one for one in pairs if one[1] not in pair[1] and pair[1] not in one[1])
            if self.count(pair) >= SEVERAL and not self._rivalled(pair, rivals):
                yield pair

    def _rivalled(self, pair: Words, others: Iterable[Words]) -> bool:
        least, alike = _RIVAL * self.strength(pair), _alike(pair)
        return any(self.strength(one) >= least and _alike(one) >= alike for one in others)


class _Search:
    """The strongest pairs first; what they explain is no evidence for others."""

    def __init__(self, judged: Sequence[Asked], entries: Sequence[Entry], lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._entries = {entry.id: entry for entry in entries}
        self._wordings = [one.lower() for entry in entries for one in entry.wordings]
        self._about: dict[str, _Text] = {}
        self._refused = [(normalize(one.text), one) for one in judged if one.rejected]
        self._accepted = list(self._grouped(judged))
        self._used = _Tally(_Case(one.asked, one.foreign, set()) for one in self._accepted)
        for case in self._accepted:
            case.foreign = {word for word in case.foreign if self._used.uses(word) >= SEVERAL}

    def found(self) -> list[Pair]:
        pairs: list[Pair] = []
        while len(pairs) < _MOST and (fresh := list(self._round())):
            pairs += fresh
        return pairs

    def _grouped(self, judged: Iterable[Asked]) -> Iterator[_Case]:
        """Accepted matches; who repeats a question word by word says nothing new of its words."""
        groups: dict[tuple[str, str], list[Asked]] = {}
        for one in judged:
            if self._entry(one.chosen) is not None:
                groups.setdefault((normalize(one.text), one.chosen), []).append(one)
        for (text, entry_id), asked in groups.items():
            told, known = _read(text, self._lexicon), self._entry(entry_id)
            if known is not None:
                foreign = told.lacking(known, self._lexicon)
                yield _Case(asked, foreign, known.lacking(told, self._lexicon))

    def _entry(self, entry_id: str) -> _Text | None:
        if entry_id not in self._about and (entry := self._entries.get(entry_id)):
            self._about[entry_id] = _read("\n".join(entry.wordings), self._lexicon)
        return self._about.get(entry_id)

    def _round(self) -> Iterator[Pair]:
        """The pairs that hold as things stand, but for those that share something."""
        tally = _Tally(self._accepted)
        usual = [
            pair
            for pair in tally.outstanding()
            if tally.count(pair) >= _USUALLY * self._used.uses(pair[0])
        ]
        order = {pair: (tally.count(pair) * tally.strength(pair), _alike(pair)) for pair in usual}
        usual.sort(key=lambda pair: (order[pair], -len(pair[0]), pair), reverse=True)
        explained: set[str] = set()
        for pair in usual:
            letters = {*pair[0], *pair[1]}
            if not letters & explained and self._allowed(pair, tally.count(pair)):
                explained |= letters
                yield self._explain(pair)

    def _allowed(self, pair: Words, citizens: int) -> bool:
        """Neither part of the other nor beside it in a wording; seldom rejected; joinable.

        It must recur in several questions, and in several entries if the words are not alike.
        """
        word, meant = pair
        if word in meant or meant in word:
            return False
        cases = self._cases(pair)
        if len(cases) < 2:
            return False
        if not _alike(pair) and len({case.asked[0].chosen for case in cases}) < 2:
            return False
        here = [one for one in self._wordings if word in one]
        if any(meant in one for one in here) or (here and citizens < 2 * SEVERAL):
            return False
        return self._against(pair) * _SELDOM <= citizens and self._joinable(pair)

    def _against(self, pair: Words) -> int:
        """Citizens who used the word and for whom an entry of that meaning was wrong."""
        word, meant = pair
        citizens = set()
        for text, one in self._refused:
            if word in text and meant not in text:
                chosen = self._entry(one.chosen)
                refused = map(self._entry, one.rejected)
                wrong = any(known is not None and meant in known.terms for known in refused)
                if wrong and (chosen is None or meant not in chosen.terms):
                    citizens.add(one.citizen)
        return len(citizens)

    def _joinable(self, pair: Words) -> bool:
        try:
            join(self._lexicon.own, pair)
        except LexiconError:
            return False
        return True

    def _explain(self, pair: Words) -> Pair:
        """The pair with its questions, whose words it takes out of the search."""
        word, meant = pair
        explained = self._cases(pair)
        for case in explained:
            case.foreign = {one for one in case.foreign if not set(one) & set(word)}
            case.known = {one for one in case.known if one not in meant and meant not in one}
        asked = sorted((one for case in explained for one in case.asked), key=lambda one: one.at)
        return Pair(word, meant, tuple(asked))

    def _cases(self, pair: Words) -> list[_Case]:
        word, meant = pair
        return [one for one in self._accepted if word in one.foreign and meant in one.known]


def _alike(pair: Words) -> float:
    return fuzz.ratio(*pair)
