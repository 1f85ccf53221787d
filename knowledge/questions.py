"""A message that asks several questions: where each begins, and what to do about all of them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from knowledge.features import named, things
from knowledge.outcome import MAX_CANDIDATES, Decision, Match
from knowledge.text import normalize, stop_words, words

MAX_QUESTIONS = 4
READ = 600  # characters of a message in which further questions are looked for
LONG, FOCUS = 45, 45  # characters of a long text, and of what it comes to ask
AROUND = 64  # characters of a long text whose meaning is looked up, its question among them
OF_ITS_OWN = 0.6  # probability from which a part counts as another question
_MATTER = 3  # telling words without which a part says nothing of its own
_SENTENCE = re.compile(r"[^。！？；?!;\n]+[。！？；?!;\n]*")
_ALSO = re.compile(
    r"(?<![\d.])[1-9][、.．)）](?!\d)|"
    r"(?=另外|还有(?!效|没|多|几|什么)|顺便|再问|再请问|还想问|还要问|其次|第[二三四][，,、])"
)
_ANY_END = re.compile(r"(?<=[?？])|[。！；!;\n，,、]+")
_CLAUSE = re.compile(r"[，,、]+")
_EDGE = " \t\r\n，。！；;!.,、"
_TERSE = 12  # characters
_NEEDED = re.compile(r"要不要|需不需要|用不用|是否需要|需要带|要带|还要")
_LETTERS = re.compile(r"\w")
_ASKING = re.compile(r"[?？]|(.)[不没]\1|[吗么呢不没][\s。！!~…]*$|不[?？]")


def questions(text: str) -> tuple[str, ...]:
    """The parts of a text that each ask something, in its own words; at most MAX_QUESTIONS.

    What leads up to a question belongs to it; so does what asks on without naming a matter.
    """
    found: list[str] = []
    before = ""
    for part in _parts(text[:READ]):
        told = part.strip(_EDGE)
        before = f"{before}，{told}" if before else told
        if not _asks(part):
            continue
        if found and not _has_matter(before):
            found[-1] = f"{found[-1]}，{before}"
        else:
            found.append(before)
        before = ""
    if before and found:
        if _names_another(before):
            found.append(before)
        else:
            found[-1] = f"{found[-1]}，{before}"
    return tuple(found[:MAX_QUESTIONS])


def looks(text: str) -> tuple[str, ...]:
    """The texts whose meanings stand for a text: itself, or, of a long one, what is said around
    its last question, and that question. A model takes longer for more characters."""
    asked = focus(text)
    if not asked:
        return (text,)
    clauses, last = _last_asked(text)
    before, after = "，".join(clauses[: last + 1]), "，".join(clauses[last + 1 :])
    around = before[-AROUND:] if len(before) >= AROUND else f"{before}，{after}"[:AROUND]
    return around, asked[-AROUND:]


def _last_asked(text: str) -> tuple[list[str], int]:
    """The clauses of a text, and the place of the last one that asks, else of the last."""
    clauses = [clause for clause in _ANY_END.split(text[:READ]) if _LETTERS.search(clause)]
    asking = [place for place, clause in enumerate(clauses) if _asks(clause)]
    return clauses, asking[-1] if asking else len(clauses) - 1


def focus(text: str) -> str:
    """What a long text comes to ask at last, with the clauses before it; "" for a short one."""
    clauses, last = _last_asked(text)
    if len(text) <= LONG or not clauses:
        return ""
    found = clauses[last]
    for clause in reversed(clauses[:last]):
        if len(found) + len(clause) > FOCUS:
            break
        found = f"{clause}，{found}"
    return found if len(found) < 0.8 * len(text) else ""


def together(whole: Match, parts: Sequence[Match]) -> Match:
    """One match of a text whose questions were matched one by one.

    Several answers are sent only if each is sure. An answer to the text as a whole goes to a
    person first when one of its questions by itself leads elsewhere.
    """
    asked = _distinct(parts)
    if len(asked) < 2:
        by_itself = whole.decision in (Decision.ANSWER, Decision.CLARIFY)
        if by_itself and any(_leads_elsewhere(one, whole) for one in parts):
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


def _leads_elsewhere(part: Match, whole: Match) -> bool:
    """Whether a part is about something that what would be sent or offered is not about."""
    offered = [one.entry for one in whole.choices or whole.candidates[:1]]
    ids = {entry.id for entry in offered}
    if not part.candidates or part.candidates[0].entry.id not in ids:
        return True
    said = " ".join(text for one in offered for text in (*one.wordings, one.answer))
    there = things(normalize(part.query))
    return bool(there) and not there & things(normalize(said))


def _parts(text: str) -> Iterator[str]:
    """Sentences, and where one goes on to another matter, what comes before and after."""
    for sentence in _SENTENCE.findall(text):
        for part in _ALSO.split(sentence):
            yield from _groups(part)


def _groups(part: str) -> Iterator[str]:
    """Clauses together, but for those that ask about different papers or services."""
    clauses = [clause for clause in _CLAUSE.split(part) if _LETTERS.search(clause)]
    asked: frozenset[str] = frozenset()
    group: list[str] = []
    for clause in clauses:
        there = things(normalize(clause))
        if asked and there and not there & asked and named(normalize(clause)).kinds:
            yield "，".join(group)
            group, asked = [], frozenset()
        group.append(clause)
        if named(normalize(clause)).kinds:
            asked |= there
    if group:
        yield "，".join(group)


def _asks(text: str) -> bool:
    return bool(_ASKING.search(text) or named(normalize(text)).kinds)


def _names_another(text: str) -> bool:
    """Whether what was added after the last question is one more, only put tersely."""
    return _has_matter(text) and (len(text) <= _TERSE or bool(things(normalize(text))))


def _has_matter(text: str) -> bool:
    """Whether a part says what it is about, beside what it wants to know of it."""
    folded = normalize(text)
    if len(folded) <= _TERSE and _NEEDED.search(folded):
        return False
    return bool(things(folded)) or len(set(words(folded)) - stop_words()) >= _MATTER
