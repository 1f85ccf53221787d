"""Long texts in parts that a platform takes, cut where a reader would pause."""

from __future__ import annotations


def split_at_sense(text: str, limit: int) -> list[str]:
    """The text in parts of at most ``limit`` characters, cut at paragraphs or sentences."""
    parts: list[str] = []
    rest = text.strip()
    while len(rest) > limit:
        cut = _cut(rest, limit)
        parts.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [*parts, rest] if rest or not parts else parts


def _cut(text: str, limit: int) -> int:
    window = text[:limit]
    for marks in ("\n\n", "\n", "。", "！", "？", "；", "，", " "):
        place = window.rfind(marks)
        if place >= limit // 2:
            return place + len(marks)
    return limit
