"""Evidence in words: what was understood, what speaks against the others, how choices differ."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from datetime import date

from knowledge.catalog import Entry
from knowledge.features import Named, named
from knowledge.outcome import Candidate, Evidence
from knowledge.ranker import Ranked
from knowledge.reading import Terms, sound_of

EXPLAINED = 3  # candidates for which assumed typos are looked for
_HAN = re.compile(r"[\u3400-\u9fff]+")
_TELLING = 2  # characters of a common frame that are worth saying


def explained(query: Terms, ranked: Sequence[Ranked], day: date) -> tuple[Candidate, ...]:
    """The candidates with what a reader wants to know of them, in the order given."""
    found = []
    for number, one in enumerate(ranked):
        entry, row = one.hit.slot.entry, one.hit.row
        notes = list(_validity(entry, day))
        if number < EXPLAINED:
            notes += _typos(query, row.wording, row.words)
        if number == 1:
            notes += _second(query, ranked[0], one)
        evidence = Evidence(row.wording, one.shared, tuple(notes))
        found.append(Candidate(entry, one.probability, evidence))
    return tuple(found)


def differences(questions: Sequence[str]) -> tuple[str, tuple[str, ...]]:
    """What questions have in common at either end, "…" for what differs, and what differs.

    ("", questions) where they have nothing worth saying in common, or one says nothing more.
    """
    if len(questions) < 2:
        return "", tuple(questions)
    cut = [_cut(one) for one in questions]
    shortest = min(map(len, cut))
    start = _common(cut, shortest)
    end = _common([one[::-1] for one in cut], shortest - start)
    own = tuple("".join(one[start : len(one) - end]) for one in cut)
    head, tail = "".join(cut[0][:start]), "".join(cut[0][len(cut[0]) - end :])
    if len(head + tail) < _TELLING or not all(own) or len(set(own)) < len(own):
        return "", tuple(questions)
    return f"{head}…{tail}", own


def _cut(question: str) -> list[str]:
    """The words of a question one after the other, with all that stands between them."""
    import jieba

    return list(jieba.dt.lcut(question))


def _common(cut: Sequence[Sequence[str]], most: int) -> int:
    count = 0
    while count < most and len({one[count] for one in cut}) == 1:
        count += 1
    return count


def _validity(entry: Entry, day: date) -> Iterator[str]:
    if entry.expired_on(day):
        yield f"已过期（{entry.expires_on} 失效）"
    elif not entry.valid_on(day):
        yield f"尚未生效（{entry.effective_on} 起）"


def _typos(query: Terms, wording: str, known: Iterable[str]) -> Iterator[str]:
    """Words of the wording that the query has by sound only."""
    written = "".join(_HAN.findall(query.text))
    understood: list[str] = []
    for word in sorted(set(known) - set(query.words), key=lambda word: (-len(word), word)):
        sound = sound_of(word)
        place = query.sound.find(sound) if len(sound) == len(word) > 1 else -1
        plain = word in written or word not in wording or any(word in one for one in understood)
        if place >= 0 and not plain:
            understood.append(word)
            yield f"“{written[place : place + len(word)]}”按同音词“{word}”理解"


def _second(query: Terms, first: Ranked, second: Ranked) -> Iterator[str]:
    """Why the second is not the first: the most telling reason that a person can check."""
    asked, other = named(query.text), named(second.hit.row.terms.text)
    mine = named(first.hit.row.terms.text)
    for what in ("things", "actions", "numbers", "kinds"):
        wanted, said = _set_of(asked, what), _set_of(other, what)
        if wanted and said and not wanted & said and wanted & _set_of(mine, what):
            yield f"没有排第一：问的是{_listed(wanted)}，这一条说的是{_listed(said)}"
            return
    missing = [word for word in first.shared if word not in second.shared]
    if missing:
        yield f"没有排第一：这一条没有“{missing[0]}”"
    elif first.probability - second.probability < first.probability / 2:
        yield "与第一条难分高下，请对照原话"
    else:
        yield "没有排第一：意思不如第一条接近"


def _set_of(value: Named, what: str) -> frozenset[str]:
    found: frozenset[str] = getattr(value, what)
    return found


def _listed(names: Iterable[str]) -> str:
    return "、".join(f"“{name}”" for name in sorted(names))
