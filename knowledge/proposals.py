"""What an office could learn from questions that people have decided about."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from knowledge.catalog import MAX_SIMILAR, Entry
from knowledge.gold import Gold, Verdict, broken, check, judge
from knowledge.lexicon import Lexicon
from knowledge.masking import mask
from knowledge.matcher import Matcher
from knowledge.screen import screen
from knowledge.text import MAX_ANALYSED, matter, normalize, stop_words, words

SHORTEST, LONGEST = 4, 50  # letters and characters of a similar question
SURE = 0.985  # a wording that is found as surely as this teaches nothing
BREAKS = "会让测试问题“{question}”答错。"
_EDGE = "，。！？；：、,.!?;:~…\n"
_PRIVATE = re.compile(rf"[^{_EDGE}]*(?:\*|\d{{6}}|我叫|我姓|名叫|本人姓)[^{_EDGE}]*[{_EDGE}]*")
_ADDRESS = re.compile(r"https?:|www\.|[a-z0-9]\.(?:com|cn|net|top|vip)")
_HAN = re.compile(r"[\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, masked, and what people made of it.

    `offered` are ids of entries, best first; `chosen` is the one that answered it, "" if none of
    them did or nobody said so; `rejected` those that did not. `by` is who decided: "staff",
    "citizen", or "" while nobody has. `citizen` only tells people apart.
    """

    text: str
    citizen: int
    at: datetime
    offered: tuple[str, ...] = ()
    chosen: str = ""
    rejected: tuple[str, ...] = ()
    by: str = ""


@dataclass(frozen=True, slots=True)
class Similar:
    """A wording that could become a 相似问 of an entry; how many asked so, and last when."""

    wording: str
    entry_id: str
    citizens: int
    latest: datetime

    @property
    def key(self) -> str:
        return similar_key(self.wording, self.entry_id)


def similar_key(wording: str, entry_id: str) -> str:
    """Names a proposal without telling what was asked."""
    return hashlib.sha256(f"similar\0{entry_id}\0{wording}".encode()).hexdigest()[:16]


def impersonal(text: str) -> str:
    """A text without the clauses that tell who asks: a name, an address, a long number."""
    return _PRIVATE.sub("", mask(text)).strip()


def similar_wording(text: str) -> str:
    """What of a citizen's text could stand among the questions of an entry; "" if nothing."""
    wording = _plain(impersonal(text))
    letters = _letters(wording)
    if not SHORTEST <= letters <= LONGEST or 2 * len(_HAN.findall(wording)) < letters:
        return ""
    if _ADDRESS.search(wording) or screen(wording) or not set(words(wording)) - stop_words():
        return ""
    return wording


def _plain(text: str) -> str:
    return " ".join(matter(normalize(text)).split()).strip(_EDGE + " ")


def _letters(text: str) -> int:
    return sum(char.isalnum() for char in text)


def similar(asked: Iterable[Asked]) -> list[Similar]:
    """Wordings that led elsewhere first, or that citizens confirmed; the most asked first.

    A wording for which different entries were chosen is none; neither is one whose entry was
    rejected for it by as many citizens as it helped, nor one that a single citizen had to be
    asked back about.
    """
    found: dict[str, list[Asked]] = {}
    for one in asked:
        if wording := similar_wording(one.text):
            found.setdefault(wording, []).append(one)
    proposals = (_proposed(wording, all_) for wording, all_ in found.items())
    return sorted(filter(None, proposals), key=lambda one: (-one.citizens, -one.latest.timestamp()))


def _proposed(wording: str, asked: Sequence[Asked]) -> Similar | None:
    entry_id, *others = dict.fromkeys(one.chosen for one in asked if one.chosen) or [""]
    confirmed = [one for one in asked if one.chosen]
    if not entry_id or others or not any(map(_teaches, confirmed)):
        return None
    citizens = {one.citizen for one in confirmed}
    refused = {one.citizen for one in asked if entry_id in one.rejected}
    vague = all(one.by == "citizen" and len(one.offered) > 1 for one in confirmed)
    if len(refused - citizens) >= len(citizens) or (vague and len(citizens) < 2):
        return None
    return Similar(wording, entry_id, len(citizens), max(one.at for one in confirmed))


def _teaches(one: Asked) -> bool:
    return one.by == "citizen" or one.offered[:1] != (one.chosen,)


def objection(
    matcher: Matcher, wording: str, entry_id: str, gold: Sequence[Gold], today: date
) -> str:
    """Why a wording cannot become a 相似问 of an entry, in Chinese; "" if it can.

    By words alone, on what the matcher knows now.
    """
    entry = matcher.get(entry_id)
    if entry is None:
        return "这一条已经停用。"
    owners = matcher.owners(wording)
    if entry_id in owners:
        return "这一条已经有这个问法。"
    if owner := next(filter(None, map(matcher.get, sorted(owners))), None):
        return f"这已经是“{owner.question}”的问法。"
    if len(entry.similar) >= MAX_SIMILAR:
        return f"这一条的相似问已有 {MAX_SIMILAR} 个，请先删去没有代表性的。"
    lost = _spoilt(matcher, entry, wording, gold, today)
    return BREAKS.format(question=lost) if lost else ""


def _spoilt(matcher: Matcher, entry: Entry, wording: str, gold: Sequence[Gold], today: date) -> str:
    """The first saved question that would go wrong; only others' that share a word can."""
    told = folded(wording, matcher.lexicon)
    near = [one for one in gold if one.entry_id != entry.id]
    near = [one for one in near if told & folded(one.query, matcher.lexicon)]
    lost = spoilt(matcher, taught(entry, wording), near, today)
    return lost[0].gold.query if lost else ""


def spoilt(matcher: Matcher, changed: Entry, gold: Sequence[Gold], today: date) -> list[Verdict]:
    """Those of some saved questions that would go wrong, by words, if an entry were so."""
    if not gold:
        return []
    matches = matcher.trial(changed, [one.query for one in gold], today)
    after = [judge(one, match) for one, match in zip(gold, matches, strict=True)]
    return broken(check(matcher, gold, today, by_words=True), after)


def touched(matcher: Matcher, changed: Entry, gold: Sequence[Gold]) -> list[Gold]:
    """The saved questions on which a change of an entry can have a bearing."""
    before = matcher.get(changed.id)
    wordings = {*changed.wordings, *(before.wordings if before else ())}
    told: set[str] = set().union(*(folded(one, matcher.lexicon) for one in wordings))
    own = (one.entry_id == changed.id or folded(one.query, matcher.lexicon) & told for one in gold)
    return [one for one, concerned in zip(gold, own, strict=True) if concerned]


def folded(text: str, lexicon: Lexicon) -> set[str]:
    """The words of a text that say something, as a lexicon reads them."""
    told = lexicon.words_of(normalize(text)[:MAX_ANALYSED])
    return {lexicon.fold(word) for word in told if word not in stop_words()}


def restates(entry: Entry, wording: str) -> bool:
    """Whether one of the entry's own wordings stands in this one."""
    own = map(_plain, entry.wordings)
    return any(one in wording for one in own if _letters(one) >= SHORTEST)


def taught(entry: Entry, wording: str) -> Entry:
    """The entry with one more similar question."""
    return replace(entry, similar=(*entry.similar, wording))


def standing(
    matcher: Matcher, text: str, entry_id: str, today: date, lexicon: Lexicon | None = None
) -> tuple[int, float]:
    """The place that an entry has for a text by words, 0 for none, and how probable it is."""
    match = matcher.match(text, today, by_words=True, lexicon=lexicon)
    for place, one in enumerate(match.candidates, 1):
        if one.entry.id == entry_id:
            return place, one.probability
    return 0, 0.0
