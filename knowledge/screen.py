"""Words and patterns that a government account must not publish."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache
from importlib import resources
from typing import Any

from knowledge.masking import personal_data

_PLACEHOLDER = re.compile(
    r"\{[^{}\n]{0,20}\}|\$\{[^{}\n]{0,20}\}|【[^】\n]{0,6}(?:待|填|某|姓名|日期|电话|单位)[^】\n]{0,6}】"
    r"|\[(?:姓名|日期|电话|单位|地址|金额)\]|[_＿]{3,}|(?<![A-Za-z*])[XＸ×x]{2,}(?=[市县区局路街号年月日元先女单公部])"
)
SITE = "本单位词表"
_LIVING = ("住", "我", "家", "户", "居")


class Verdict(StrEnum):
    """What an office ruled about a word."""

    BLOCK = "block"
    WARN = "warn"
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Ruling:
    """An office's own word with its advice, or a shipped word it lets pass (``off``)."""

    word: str
    verdict: str
    advice: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """A stretch of a text; `text` shows no personal data. One that `blocks` must be changed."""

    start: int
    end: int
    kind: str
    text: str
    advice: str
    blocks: bool = True

    def __str__(self) -> str:
        return f"{self.kind}“{self.text}”：{self.advice}"


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of what must not be published: words, how many patterns, and what is harmless."""

    kind: str
    advice: str
    words: tuple[str, ...]
    patterns: int
    unless: tuple[str, ...]


class Screen:
    """Looks for what must not be published: what is shipped, and what the office ruled."""

    def __init__(self, rulings: Sequence[Ruling] = ()) -> None:
        self.rulings = tuple(rulings)
        off = frozenset(one.word for one in rulings if one.verdict == Verdict.OFF)
        self._groups = [(g["kind"], g["advice"], *_pattern(g, off)) for g in _tables()]
        self._own = {one.word.lower(): one for one in rulings if one.verdict != Verdict.OFF}
        longest = sorted(self._own, key=len, reverse=True)
        self._site = re.compile("|".join(map(re.escape, longest)), re.IGNORECASE)

    def __call__(self, text: str) -> list[Finding]:
        """Everything that must or should not be published as it is, in the order of the text."""
        found = [*_personal(text), *self._worded(text), *_unfilled(text), *self.of_site(text)]
        return sorted(found, key=lambda finding: (finding.start, finding.end))

    def blocking(self, text: str) -> list[Finding]:
        """What must be changed before the text is published."""
        return [one for one in self(text) if one.blocks]

    def of_site(self, text: str) -> list[Finding]:
        """What the office itself ruled out or warns of."""
        found = self._site.finditer(text) if self._own else ()
        rulings = ((one, self._own.get(one.group().lower())) for one in found)
        return [
            Finding(*one.span(), SITE, one.group(), ruling.advice, ruling.verdict == Verdict.BLOCK)
            for one, ruling in rulings
            if ruling is not None
        ]

    def _worded(self, text: str) -> Iterator[Finding]:
        for kind, advice, pattern, harmless in self._groups:
            for found in pattern.finditer(text):
                if found.group().lower() not in harmless:
                    yield Finding(*found.span(), kind, found.group(), advice)


def rules() -> list[Rule]:
    """The kinds, for people to read; beside them whatever is personal or not filled in."""
    return [
        Rule(g["kind"], g["advice"], tuple(g["words"]), len(g["patterns"]), tuple(g["unless"]))
        for g in _tables()
    ]


@lru_cache(maxsize=8)
def screen_of(rulings: tuple[Ruling, ...]) -> Screen:
    """The screen of an office with these rulings."""
    return Screen(rulings)


def _personal(text: str) -> Iterator[Finding]:
    for span in personal_data(text):
        # An office's own address may be published, a citizen's home may not.
        if span.kind != "住址" or text[span.start :].startswith(_LIVING):
            yield Finding(span.start, span.end, f"未遮盖的{span.kind}", span.shown, "请删去或遮盖")


def _unfilled(text: str) -> Iterator[Finding]:
    for found in _PLACEHOLDER.finditer(text):
        yield Finding(*found.span(), "未填完的内容", found.group(), "请补齐后再发布")


@lru_cache(maxsize=1)
def _tables() -> list[dict[str, Any]]:
    data = resources.files("knowledge").joinpath("data", "screen.toml").read_text("utf-8")
    found: list[dict[str, Any]] = tomllib.loads(data)["group"]
    return found


def _pattern(
    group: dict[str, list[str]], off: Collection[str]
) -> tuple[re.Pattern[str], frozenset[str]]:
    """Harmless words are matched first, so that the words inside them are passed over."""
    harmless, words = (sorted(group[key], key=len, reverse=True) for key in ("unless", "words"))
    kept = [one for one in words if one not in off]
    parts = [*map(re.escape, harmless), *map(re.escape, kept), *group["patterns"]]
    pattern = re.compile("|".join(parts) if parts else "(?!)", re.IGNORECASE)
    return pattern, frozenset(map(str.lower, harmless))


screen = Screen()
"""What is shipped, for an office without rulings of its own."""
