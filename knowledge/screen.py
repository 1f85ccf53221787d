"""Words and patterns that a government account must not publish."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

from knowledge.masking import personal_data

_PLACEHOLDER = re.compile(
    r"\{[^{}\n]{0,20}\}|\$\{[^{}\n]{0,20}\}|【[^】\n]{0,6}(?:待|填|某|姓名|日期|电话|单位)[^】\n]{0,6}】"
    r"|\[(?:姓名|日期|电话|单位|地址|金额)\]|[_＿]{3,}|(?<![A-Za-z*])[XＸ×x]{2,}(?=[市县区局路街号年月日元先女单公部])"
)
_LIVING = ("住", "我", "家", "户", "居")


@dataclass(frozen=True, slots=True)
class Finding:
    """A stretch of a text that must be changed; `text` shows no personal data."""

    start: int
    end: int
    kind: str
    text: str
    advice: str

    def __str__(self) -> str:
        return f"{self.kind}“{self.text}”：{self.advice}"


def screen(text: str) -> list[Finding]:
    """Everything that must not be published as it is, in the order of the text."""
    found = [*_personal(text), *_worded(text), *_unfilled(text)]
    return sorted(found, key=lambda finding: (finding.start, finding.end))


def _personal(text: str) -> Iterator[Finding]:
    for span in personal_data(text):
        # An office's own address may be published, a citizen's home may not.
        if span.kind != "住址" or text[span.start :].startswith(_LIVING):
            yield Finding(span.start, span.end, f"未遮盖的{span.kind}", span.shown, "请删去或遮盖")


def _worded(text: str) -> Iterator[Finding]:
    for kind, advice, pattern, harmless in _groups():
        for found in pattern.finditer(text):
            if found.group().lower() not in harmless:
                yield Finding(*found.span(), kind, found.group(), advice)


def _unfilled(text: str) -> Iterator[Finding]:
    for found in _PLACEHOLDER.finditer(text):
        yield Finding(*found.span(), "未填完的内容", found.group(), "请补齐后再发布")


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of what must not be published: words, how many patterns, and what is harmless."""

    kind: str
    advice: str
    words: tuple[str, ...]
    patterns: int
    unless: tuple[str, ...]


def rules() -> list[Rule]:
    """The kinds, for people to read; beside them whatever is personal or not filled in."""
    return [
        Rule(g["kind"], g["advice"], tuple(g["words"]), len(g["patterns"]), tuple(g["unless"]))
        for g in _tables()
    ]


@lru_cache(maxsize=1)
def _groups() -> tuple[tuple[str, str, re.Pattern[str], frozenset[str]], ...]:
    return tuple((g["kind"], g["advice"], *_pattern(g)) for g in _tables())


def _tables() -> list[dict[str, Any]]:
    data = resources.files("knowledge").joinpath("data", "screen.toml").read_text("utf-8")
    found: list[dict[str, Any]] = tomllib.loads(data)["group"]
    return found


def _pattern(group: dict[str, list[str]]) -> tuple[re.Pattern[str], frozenset[str]]:
    """Harmless words are matched first, so that the words inside them are passed over."""
    harmless, words = (sorted(group[key], key=len, reverse=True) for key in ("unless", "words"))
    parts = [*map(re.escape, harmless), *map(re.escape, words), *group["patterns"]]
    return re.compile("|".join(parts), re.IGNORECASE), frozenset(map(str.lower, harmless))
