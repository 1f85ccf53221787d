"""Matches of the last moments, for those who ask in the same words."""

from __future__ import annotations

import time
from datetime import date

from knowledge.matcher import Match

_SECONDS = 60.0
_MOST = 2000


class Lately:
    """What was matched by words alone serves only while nothing better is to be had."""

    def __init__(self, seconds: float = _SECONDS) -> None:
        self._seconds = seconds
        self._known: dict[tuple[str, date], tuple[float, Match]] = {}
        self.cleared = 0

    def get(self, text: str, today: date, way: str) -> Match | None:
        """The match of these words, if it still holds and is as good as ``way`` would make it."""
        until, match = self._known.get((text, today), (0.0, None))
        if match is None or time.monotonic() >= until:
            return None
        return None if match.lacking and way == "meaning" else match

    def put(self, text: str, today: date, match: Match, since: int) -> None:
        """``since`` is how often all was ``cleared`` when the match began."""
        if since != self.cleared:
            return
        if len(self._known) >= _MOST:
            self._known = {}
        self._known[text, today] = (time.monotonic() + self._seconds, match)

    def clear(self) -> None:
        """The knowledge base, its words or the thresholds have changed."""
        self.cleared += 1
        self._known = {}
