"""A message that asks several questions: where each begins, and what to do about all of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import replace

from knowledge.features import named, things
from knowledge.outcome import MAX_CANDIDATES, Decision, Match
from knowledge.text import normalize, stop_words, words

MAX_QUESTIONS = 4
READ = 600  # characters of a message in which further questions are looked for
OF_ITS_OWN = 0.6  # probability from which a part counts as another question
_END = re.compile(r"[。！？；?!;\n]+")
_ALSO = re.compile(
    r"(?<![\d.])[1-9][、.．)）](?!\d)|"
    r"(?=另外|还有(?!效|没|多|几|什么)|顺便|再问|再请问|还想问|还要问|其次|第[二三四])"
)
_CLAUSE = re.compile(r"[，,、]+")
_LETTERS = re.compile(r"\w")
_MATTER = 3  # telling words without which a part says nothing of its own


def questions(text: str) -> tuple[str, ...]:
    """The parts of a text that each ask something, in its own words; at most MAX_QUESTIONS.

    What leads up to a question belongs to it; so does what asks on without naming a matter.
    """
    found: list[str] = []
    before = ""
    for sentence in _END.split(text[:READ]):
        for part in _ALSO.split(sentence):
            for group in _groups(part):
                before = f"{before}，{group}" if before else group
                if not _asks(group):
                    continue
                if found and not _has_matter(group):
                    found[-1], before = f"{found[-1]}，{before}", ""
                    continue
                found.append(before)
                before = ""
    if before and found:
        found[-1] = f"{found[-1]}，{before}"
    return tuple(found[:MAX_QUESTIONS])


def together(whole: Match, parts: Sequence[Match]) -> Match:
    """One match of a text whose questions were matched one by one.

    Several answers are sent only if each is sure. A text that is answered as a whole goes to a
    person when a part names something else that the answer is not about.
    """
    asked = _distinct(parts)
    if len(asked) < 2:
        answered = whole.decision is Decision.ANSWER
        if answered and any(_is_elsewhere(one, whole) for one in parts):
            return replace(whole, decision=Decision.DRAFT)
        return whole
    sure = len(asked) == len(parts) and all(one.decision is Decision.ANSWER for one in asked)
    first = [one.candidates[0] for one in asked]
    if not sure and whole.candidates:
        best = whole.candidates[0].entry.id
        first.sort(key=lambda one: one.entry.id != best)
    named_already = {one.entry.id for one in first}
    others = [one for one in whole.candidates if one.entry.id not in named_already]
    return replace(
        whole,
        decision=Decision.ANSWER if sure else Decision.DRAFT,
        candidates=(*first, *others)[:MAX_CANDIDATES],
        parts=tuple(asked),
    )


def _distinct(parts: Iterable[Match]) -> list[Match]:
    """Those that lead to an entry of their own."""
    found: dict[str, Match] = {}
    for one in parts:
        if one.candidates and one.candidates[0].probability >= OF_ITS_OWN:
            found.setdefault(one.candidates[0].entry.id, one)
    return list(found.values())


def _is_elsewhere(part: Match, whole: Match) -> bool:
    """Whether a part names papers or services that the entry answering the whole does not."""
    entry = whole.candidates[0].entry
    about = things(normalize(" ".join((entry.question, *entry.similar, entry.answer))))
    there = things(normalize(part.query))
    return bool(there) and not there & about


def _groups(part: str) -> list[str]:
    """The clauses of a part, each joined with those before it that ask nothing."""
    found: list[str] = []
    before = ""
    for clause in _CLAUSE.split(part):
        if not _LETTERS.search(clause):
            continue
        before = f"{before}，{clause}" if before else clause
        if _asks(clause):
            found.append(before)
            before = ""
    return [*found, before] if before else found


def _asks(text: str) -> bool:
    return bool(named(normalize(text)).kinds)


def _has_matter(text: str) -> bool:
    """Whether a part says what it is about, beside what it wants to know of it."""
    folded = normalize(text)
    return bool(things(folded)) or len(set(words(folded)) - stop_words()) >= _MATTER
