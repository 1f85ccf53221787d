"""What a pair of words would do, tried on past questions and on saved ones before it counts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from knowledge.gold import Gold, Verdict, broken, judge
from knowledge.lexicon import Lexicon
from knowledge.matcher import Matcher
from knowledge.pairs import Pair, Words
from knowledge.proposals import Asked, folded, standing
from knowledge.text import normalize

_TRIED = 20  # past questions on which a pair is tried
_SURER = 0.02
_KIN = "tried"


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
    others = [one for one in asked if one.chosen and any(word in one.text for word in words)]
    tried = dict.fromkeys((*pair.asked[-_TRIED:], *others[-_TRIED:]))
    saved = [one for one in gold if _says(words, one.query, lexicon)]
    return Probe(words, tuple(tried), tuple(saved))


def _says(words: Words, text: str, lexicon: Lexicon) -> bool:
    """Whether one of the words stands in a text, be it cut apart or under another name."""
    known = normalize(text)
    heads = {lexicon.fold(word) for word in words}
    return any(word in known for word in words) or bool(heads & folded(known, lexicon))


def weigh(matcher: Matcher, probe: Probe, today: date) -> Trial:
    """What a pair does, by words: questions are read by it, the base as it stands."""
    present = matcher.lexicon
    joined = replace(present, own=_renamed(present, probe.words))
    was, now = (_ranked(matcher, probe, today, one) for one in (present, joined))
    passed, passes = (_judged(matcher, probe, today, one) for one in (present, joined))
    lost = broken(passed, passes)
    return Trial(
        len(probe.tried),
        (_firsts(was), _firsts(now)),
        (_mean(was), _mean(now)),
        lost[0].gold.query if lost else "",
    )


def _renamed(lexicon: Lexicon, words: Words) -> dict[str, str]:
    """The office's words when one takes on the name under which the base has the other."""
    word, meant = words
    group = lexicon.group_of(meant)
    own = {one: kin for one, kin in lexicon.own.items() if one != word}
    return {**own, word: group.kin} if group else {**own, meant: _KIN, word: _KIN}


Ranked = tuple[int, float]


def _ranked(matcher: Matcher, probe: Probe, today: date, lexicon: Lexicon) -> list[Ranked]:
    return [standing(matcher, one.text, one.chosen, today, lexicon) for one in probe.tried]


def _judged(matcher: Matcher, probe: Probe, today: date, lexicon: Lexicon) -> list[Verdict]:
    return [
        judge(one, matcher.match(one.query, today, by_words=True, lexicon=lexicon))
        for one in probe.saved
    ]


def _firsts(ranked: Sequence[Ranked]) -> int:
    return sum(place == 1 for place, _ in ranked)


def _mean(ranked: Sequence[Ranked]) -> float:
    return sum(chance for _, chance in ranked) / max(1, len(ranked))
