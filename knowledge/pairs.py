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
from datetime import date, datetime
from itertools import groupby

from rapidfuzz import fuzz

from knowledge.catalog import Entry
from knowledge.gold import Gold, Verdict, broken, check
from knowledge.lexicon import Lexicon, LexiconError, join
from knowledge.matcher import Matcher
from knowledge.proposals import Asked, folded, standing
from knowledge.text import MAX_ANALYSED, matter, normalize, stop_words

SEVERAL = 3  # citizens who must have used the word; twice as many if the base has it elsewhere
_USUALLY = 0.6  # of those who used the word meant an entry with the other one
_RIVAL = 0.8  # what is as strong as this share of a pair leaves it open which one is meant
_SELDOM = 4  # accepted matches for each rejected one
_JOINED, _LONGEST = 3, 6  # words and characters of what the dictionaries do not know as one word
_TRIED = 40  # past questions on which a pair is tried
_SURER = 0.02
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


@dataclass(frozen=True, slots=True)
class Trial:
    """What past questions would make of a pair: how many find their entry first, and how surely.

    `spoilt` is a saved question that would go wrong.
    """

    asked: int
    first: tuple[int, int]
    sure: tuple[float, float]
    spoilt: str = ""

    @property
    def helps(self) -> bool:
        """Some question is answered better, and none that was saved worse."""
        more, surer = self.first[1] - self.first[0], self.sure[1] - self.sure[0]
        return not self.spoilt and (more > 0 or (more == 0 and surer >= _SURER))


@dataclass(frozen=True, slots=True)
class Probe:
    """What a pair is tried on: past questions, and the saved ones that it could spoil."""

    words: Words
    tried: tuple[Asked, ...] = ()
    saved: tuple[Gold, ...] = ()


def probe(pair: Pair, asked: Iterable[Asked], gold: Iterable[Gold], lexicon: Lexicon) -> Probe:
    """The questions that a pair comes from, and the others with one of its words."""
    words = pair.word, pair.meant
    others = [one for one in asked if one.chosen and _says(words, one.text, lexicon)]
    tried = dict.fromkeys((*pair.asked[-_TRIED:], *others[-_TRIED:]))
    saved = [one for one in gold if _says(words, one.query, lexicon)]
    return Probe(words, tuple(tried), tuple(saved))


def _says(words: Words, text: str, lexicon: Lexicon) -> bool:
    """Whether one of the words stands in a text, be it cut apart or under another name."""
    known = normalize(text)
    heads = {lexicon.fold(word) for word in words}
    return any(word in known for word in words) or bool(heads & folded(known, lexicon))


def concerned(matcher: Matcher, probe: Probe, today: date) -> list[Entry]:
    """The entries whose places the pair can change: a small base to try it on."""
    texts = [*(one.text for one in probe.tried), *(one.query for one in probe.saved)]
    found = [
        one.entry for text in texts for one in matcher.match(text, today, by_words=True).candidates
    ]
    found += matcher.holding(probe.words)
    return list({entry.id: entry for entry in found}.values())


def weigh(matcher: Matcher, probe: Probe, today: date) -> Trial:
    """What a pair does, by words. The matcher learns it meanwhile: not one that others use."""
    own = dict(matcher.lexicon.own)
    was, passed = _ranked(matcher, probe, today), _passed(matcher, probe, today)
    _turn(matcher, join(own, probe.words))
    now, passes = _ranked(matcher, probe, today), _passed(matcher, probe, today)
    _turn(matcher, own)
    lost = broken(passed, passes)
    return Trial(
        len(probe.tried),
        (_firsts(was), _firsts(now)),
        (_mean(was), _mean(now)),
        lost[0].gold.query if lost else "",
    )


def _turn(matcher: Matcher, own: dict[str, str]) -> None:
    for _ in matcher.learn(own):
        pass


def _ranked(matcher: Matcher, probe: Probe, today: date) -> list[tuple[int, float]]:
    return [standing(matcher, one.text, one.chosen, today) for one in probe.tried]


def _passed(matcher: Matcher, probe: Probe, today: date) -> list[Verdict]:
    return check(matcher, probe.saved, today, by_words=True)


def _firsts(ranked: Sequence[tuple[int, float]]) -> int:
    return sum(place == 1 for place, _ in ranked)


def _mean(ranked: Sequence[tuple[int, float]]) -> float:
    return sum(chance for _, chance in ranked) / max(1, len(ranked))


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
    """A judged match: the terms of either side that the other lacks."""

    asked: Asked
    foreign: set[str]
    known: set[str]


class _Tally:
    """Which citizens used a word, meant a word, and did both at once."""

    def __init__(self, cases: Iterable[_Case]) -> None:
        self._used: dict[str, set[int]] = {}
        self._meant: dict[str, set[int]] = {}
        self._both: dict[Words, set[int]] = {}
        self._meanings: dict[str, set[str]] = {}
        self._words: dict[str, set[str]] = {}
        for case in cases:
            self._add(case)

    def _add(self, case: _Case) -> None:
        for word in case.known:
            self._meant.setdefault(word, set()).add(case.asked.citizen)
        for word in case.foreign:
            self._used.setdefault(word, set()).add(case.asked.citizen)
            self._meanings.setdefault(word, set()).update(case.known)
            for meant in case.known:
                self._both.setdefault((word, meant), set()).add(case.asked.citizen)
                self._words.setdefault(meant, set()).add(word)

    def count(self, pair: Words) -> int:
        return len(self._both.get(pair, ()))

    def uses(self, word: str) -> int:
        return len(self._used.get(word, ()))

    def strength(self, pair: Words) -> float:
        """Dice's coefficient: 1 when neither is ever without the other."""
        alone = len(self._used[pair[0]]) + len(self._meant[pair[1]])
        return 2 * self.count(pair) / alone

    def recurring(self) -> list[Words]:
        return [pair for pair, citizens in self._both.items() if len(citizens) >= SEVERAL]

    def rivals(self, pair: Words) -> Iterator[Words]:
        """Other meanings of the word, and other words of that meaning, that are no part of it."""
        word, meant = pair
        for other in self._meanings[word]:
            if other not in meant and meant not in other:
                yield word, other
        for other in self._words[meant]:
            if not set(other) & set(word):
                yield other, meant


class _Search:
    """The strongest pair first; what it explains is no evidence for another one."""

    def __init__(self, judged: Sequence[Asked], entries: Sequence[Entry], lexicon: Lexicon) -> None:
        self._lexicon = lexicon
        self._entries = {entry.id: entry for entry in entries}
        self._wordings = [one.lower() for entry in entries for one in entry.wordings]
        self._about: dict[str, _Text] = {}
        found = [self._case(one, one.chosen) for one in judged if one.chosen]
        self._accepted = [case for case in found if case is not None]
        self._against = _Tally(self._refused(judged))

    def found(self) -> list[Pair]:
        used = _Tally(_Case(one.asked, one.foreign, set()) for one in self._accepted)
        for case in self._accepted:
            case.foreign = {word for word in case.foreign if used.uses(word) >= SEVERAL}
        pairs: list[Pair] = []
        while (best := self._best(_Tally(self._accepted), used)) is not None:
            pairs.append(self._explain(best))
        return pairs

    def _case(self, one: Asked, entry_id: str) -> _Case | None:
        known = self._entry(entry_id)
        if known is None:
            return None
        told = _read(one.text, self._lexicon)
        return _Case(one, told.lacking(known, self._lexicon), known.lacking(told, self._lexicon))

    def _entry(self, entry_id: str) -> _Text | None:
        if entry_id not in self._about and (entry := self._entries.get(entry_id)):
            self._about[entry_id] = _read("\n".join(entry.wordings), self._lexicon)
        return self._about.get(entry_id)

    def _refused(self, judged: Iterable[Asked]) -> Iterator[_Case]:
        """Rejected matches, but for what the entry that was chosen has too."""
        for one in judged:
            chosen = self._entry(one.chosen)
            for case in (self._case(one, entry_id) for entry_id in one.rejected):
                if case is not None:
                    case.known -= chosen.terms.keys() if chosen else set()
                    yield case

    def _best(self, tally: _Tally, used: _Tally) -> Words | None:
        """The strongest pair that is usual, that stands alone, and that may be."""
        usual = [
            pair for pair in tally.recurring() if tally.count(pair) >= _USUALLY * used.uses(pair[0])
        ]
        order = {pair: (tally.count(pair) * tally.strength(pair), _alike(pair)) for pair in usual}
        for pair in sorted(
            usual, key=lambda pair: (order[pair], -len(pair[0]), pair), reverse=True
        ):
            if self._allowed(pair, tally.count(pair)) and not _rivalled(pair, tally):
                return pair
        return None

    def _allowed(self, pair: Words, citizens: int) -> bool:
        """Neither part of the other nor beside it in a wording; seldom rejected; joinable.

        Words that do not even look alike must recur in several entries.
        """
        word, meant = pair
        here = [one for one in self._wordings if word in one]
        if word in meant or meant in word or any(meant in one for one in here):
            return False
        if citizens < (2 * SEVERAL if here else SEVERAL):
            return False
        if self._against.count(pair) * _SELDOM > citizens:
            return False
        if not _alike(pair) and len({case.asked.chosen for case in self._cases(pair)}) < 2:
            return False
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
        return Pair(word, meant, tuple(case.asked for case in explained))

    def _cases(self, pair: Words) -> list[_Case]:
        word, meant = pair
        return [one for one in self._accepted if word in one.foreign and meant in one.known]


def _rivalled(pair: Words, tally: _Tally) -> bool:
    """Whether another word explains these questions as well."""
    least, alike = _RIVAL * tally.strength(pair), _alike(pair)
    return any(
        tally.strength(other) >= least and _alike(other) >= alike for other in tally.rivals(pair)
    )


def _alike(pair: Words) -> float:
    return fuzz.ratio(*pair)
