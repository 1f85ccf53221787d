"""Whose words mean the same, and which words a knowledge base has of its own.

The shipped groups of synonyms are the base. An office's own words come on top, as a mapping from
word to *kin*: any word of the shipped group it joins, or a label of a group that is all the
office's own, or ALONE for a word that means what no other does. Groups are flat and a word has
one kin, so there are no cycles and no chains.
"""

from __future__ import annotations

import re
import uuid
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from typing import Any

from knowledge.catalog import Entry
from knowledge.text import data_lines, normalize, segmenter, stop_words, words_of

ALONE = ""
LONGEST = 12  # characters of a word
_NAME = re.compile(r"[《“「『【]([\u3400-\u9fff]{2,6})[》”」』】]")
_NAMED_BY = 2  # entries that must quote a name before it is one
_WORD = re.compile(r"[^\W_]+")
_NEGATIONS = re.compile(r"[不没未无非]")


class LexiconError(ValueError):
    """A change of the synonyms that cannot be; the text says in Chinese why and what to do."""


@dataclass(frozen=True, slots=True)
class Group:
    """Words that mean the same; the first one stands for all. `kin` is what joins them."""

    kin: str
    words: tuple[str, ...]


@dataclass(frozen=True)
class Lexicon:
    """How texts are read: the office's `own` words by kin, and the `names` of its base."""

    own: Mapping[str, str] = field(default_factory=dict)
    names: frozenset[str] = frozenset()

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        """Every group of two words and more, the shipped ones first."""
        found = {line[0]: [word for word in line if word not in self.own] for line in _shipped()}
        for word, kin in self.own.items():
            if kin != ALONE:
                found.setdefault(_homes().get(kin, kin), []).append(word)
        return tuple(Group(kin, tuple(words)) for kin, words in found.items() if len(words) > 1)

    @cached_property
    def _heads(self) -> dict[str, str]:
        return {word: group.words[0] for group in self.groups for word in group.words}

    @cached_property
    def _terms(self) -> frozenset[str]:
        """What texts must be cut into, beside the words of the general dictionary."""
        return self.names | {word for word, kin in self.own.items() if kin != ALONE}

    @cached_property
    def _segmenter(self) -> Any:
        return segmenter(self._terms)

    def fold(self, word: str) -> str:
        """The word that stands for this one."""
        return self._heads.get(word, word)

    def words_of(self, folded: str) -> list[str]:
        """The words of a normalised text in order, long ones followed into their parts."""
        return words_of(folded, self._segmenter)

    def cut(self, folded: str) -> list[str]:
        """A normalised text cut into words of the dictionaries, and whatever is between them."""
        return list(self._segmenter.cut(folded, HMM=False))

    def group_of(self, word: str) -> Group | None:
        return next((group for group in self.groups if word in group.words), None)

    def differing(self, other: Lexicon) -> set[str]:
        """Words without which a text reads the same by both."""
        words = self._heads.keys() | other._heads.keys()
        folded = {word for word in words if self.fold(word) != other.fold(word)}
        return folded | (self._terms ^ other._terms)


@lru_cache(maxsize=1)
def shipped() -> Lexicon:
    """That of the program, without anything of an office's own."""
    return Lexicon()


@lru_cache(maxsize=1)
def _shipped() -> tuple[tuple[str, ...], ...]:
    return tuple(tuple(line.split()) for line in data_lines("synonyms.txt"))


@lru_cache(maxsize=1)
def _homes() -> dict[str, str]:
    """For each shipped word the first one of its group."""
    return {word: line[0] for line in _shipped() for word in line}


def join(own: Mapping[str, str], words: Sequence[str]) -> dict[str, str]:
    """The office's words after these mean the same; equal to `own` if they did before.

    At most one group may be among them: the others then join it. Raises LexiconError.
    """
    lexicon = Lexicon(own)
    wanted = list(dict.fromkeys(_accepted(word, lexicon) for word in words))
    if len(wanted) < 2:
        raise LexiconError("请写两个以上意思相同的词，词之间用空格分开。")
    groups = {group.kin: group for word in wanted if (group := lexicon.group_of(word))}
    _refuse_conflicts(list(groups.values()))
    known = next(iter(groups.values()), Group(uuid.uuid4().hex, ()))
    fresh = [word for word in wanted if word not in known.words]
    _refuse_opposites(fresh, [*known.words, *fresh])
    changed = {**own, **dict.fromkeys(fresh, known.kin)}
    return {word: kin for word, kin in changed.items() if _homes().get(word) != kin}


def part(own: Mapping[str, str], words: Sequence[str]) -> dict[str, str]:
    """The office's words after each of these stands alone. Raises LexiconError."""
    changed = dict(own)
    for word in dict.fromkeys(map(normalize, words)):
        if Lexicon(changed).group_of(word) is None:
            raise LexiconError(f"“{word}”没有同义词，不用移除；用 wenban kb words list 可以查看。")
        if word in _homes():
            changed[word] = ALONE
        else:
            del changed[word]
    return changed


def _accepted(word: str, lexicon: Lexicon) -> str:
    known = normalize(word)
    return known if lexicon.group_of(known) else clean(word)


def clean(word: str) -> str:
    """The word as texts have it. Raises LexiconError for what is none or would do harm."""
    folded = normalize(word)
    if not _WORD.fullmatch(folded):
        raise LexiconError(f"“{word}”不是一个词：不能为空，也不能有空格和标点。")
    if len(folded) == 1:
        raise LexiconError(
            f"“{word}”只有一个字，会出现在许多别的词里，容易答错，请写两个字以上的词。"
        )
    if len(folded) > LONGEST:
        raise LexiconError(f"“{word}”超过 {LONGEST} 个字，请写词，整句话请加为条目的相似问。")
    if folded.isdecimal():
        raise LexiconError(f"“{word}”是数字，不能当同义词。")
    if folded in stop_words():
        raise LexiconError(f"“{word}”说明不了问的是什么，匹配时本来就略去，不能当同义词。")
    return folded


def _refuse_conflicts(groups: Sequence[Group]) -> None:
    if len(groups) > 1:
        one, two = ("、".join(group.words[:6]) for group in groups[:2])
        raise LexiconError(
            f"这些词分属不同的组（“{one}”和“{two}”），合在一起会混淆；"
            "确实同义的，请先用 wenban kb words remove 把词从一组移出。"
        )


def _refuse_opposites(fresh: Iterable[str], group: Sequence[str]) -> None:
    """Words that the matcher keeps apart, because taking one for the other answers wrongly."""
    for word in fresh:
        for other in group:
            bare = {_NEGATIONS.sub("", word), _NEGATIONS.sub("", other)}
            if word != other and bare in ({word}, {other}):
                raise LexiconError(f"“{word}”和“{other}”意思相反，不能当同义词。")
        for name, kind in (("actions.txt", "不同的办理事项"), ("things.txt", "不同的证件或业务")):
            signs = _signs(name)
            others = {signs[one]: one for one in group if one in signs and one != word}
            if word in signs and others and signs[word] not in others:
                other = next(iter(others.values()))
                raise LexiconError(f"“{word}”和“{other}”是{kind}，当同义词会答错。")


@lru_cache(maxsize=2)
def _signs(name: str) -> dict[str, str]:
    groups = (line.split() for line in data_lines(name))
    return {sign: group[0] for group in groups for sign in group}


class Names:
    """What a knowledge base puts in quotation marks: names that the general dictionary lacks.

    Names of departments and topics, and frequent neighbours of single characters, were tried too
    and made matching no better or worse; they are left out.
    """

    def __init__(self) -> None:
        self._of: dict[str, frozenset[str]] = {}
        self._count: Counter[str] = Counter()

    def put(self, entry: Entry) -> None:
        """Count the entry's names, in place of those it had before."""
        self.remove(entry.id)
        texts = (*entry.wordings, entry.answer, entry.basis)
        found = frozenset(normalize(name) for text in texts for name in _NAME.findall(text))
        if found:
            self._of[entry.id] = found
            self._count.update(found)

    def remove(self, entry_id: str) -> None:
        """Forget the entry; an unknown id is no error."""
        self._count.subtract(self._of.pop(entry_id, ()))

    @property
    def words(self) -> frozenset[str]:
        """The names that several entries have."""
        return frozenset(name for name, count in self._count.items() if count >= _NAMED_BY)
