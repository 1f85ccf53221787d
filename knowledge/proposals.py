"""What an office could learn from questions that people have decided about."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from knowledge.catalog import MAX_SIMILAR, Entry
from knowledge.gold import Gold, broken, check, judge
from knowledge.masking import mask
from knowledge.matcher import Matcher
from knowledge.screen import screen
from knowledge.text import matter, normalize, stop_words, words

SHORTEST, LONGEST = 4, 50  # letters and characters of a similar question
SURE = 0.985  # a wording that is found as surely as this teaches nothing
_EDGE = "，。！？；：、,.!?;:~…\n"
_PRIVATE = re.compile(rf"[^{_EDGE}]*(?:\*|我叫|我姓|名叫|本人姓)[^{_EDGE}]*[{_EDGE}]*")
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


def similar_wording(text: str) -> str:
    """What of a citizen's text could stand among the questions of an entry; "" if nothing."""
    told = _PRIVATE.sub("", mask(text))
    wording = " ".join(matter(normalize(told)).split()).strip(_EDGE + " ")
    letters = sum(char.isalnum() for char in wording)
    if not SHORTEST <= letters <= LONGEST or 2 * len(_HAN.findall(wording)) < letters:
        return ""
    if _ADDRESS.search(wording) or screen(wording) or not set(words(wording)) - stop_words():
        return ""
    return wording


def similar(asked: Iterable[Asked]) -> list[Similar]:
    """Wordings that led elsewhere first, or that citizens confirmed; the most asked first.

    A wording for which different entries were chosen is none.
    """
    found: dict[str, dict[str, list[Asked]]] = {}
    for one in asked:
        if one.chosen and (wording := similar_wording(one.text)):
            found.setdefault(wording, {}).setdefault(one.chosen, []).append(one)
    proposals = [
        Similar(wording, entry_id, len({one.citizen for one in all_}), max(one.at for one in all_))
        for wording, chosen in found.items()
        for entry_id, all_ in chosen.items()
        if len(chosen) == 1 and any(map(_teaches, all_))
    ]
    return sorted(proposals, key=lambda one: (-one.citizens, -one.latest.timestamp()))


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
    if owners:
        return f"这已经是“{min(owners)}”的问法。"
    if len(entry.similar) >= MAX_SIMILAR:
        return f"这一条的相似问已有 {MAX_SIMILAR} 个，请先删去没有代表性的。"
    spoilt = _spoilt(matcher, entry, wording, gold, today)
    return f"会让测试问题“{spoilt}”答错。" if spoilt else ""


def _spoilt(matcher: Matcher, entry: Entry, wording: str, gold: Sequence[Gold], today: date) -> str:
    """The first saved question that would go wrong; only those that share a word can."""
    told = set(words(wording)) - stop_words()
    near = [one for one in gold if told & set(words(one.query))]
    if not near:
        return ""
    matches = matcher.trial(taught(entry, wording), [one.query for one in near], today)
    after = [judge(one, match) for one, match in zip(near, matches, strict=True)]
    lost = broken(check(matcher, near, today, by_words=True), after)
    return lost[0].gold.query if lost else ""


def taught(entry: Entry, wording: str) -> Entry:
    """The entry with one more similar question."""
    return replace(entry, similar=(*entry.similar, wording))


def worthwhile(matcher: Matcher, proposal: Similar, today: date) -> bool:
    """Whether the matcher is not sure of it anyway."""
    match = matcher.match(proposal.wording, today, by_words=True)
    sure = [one.entry.id for one in match.candidates[:1] if one.probability >= SURE]
    return sure != [proposal.entry_id]
