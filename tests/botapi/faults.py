"""Trouble on demand: errors, lost connections, slow answers, rate limits."""

from __future__ import annotations

import math
import time
from collections import defaultdict, deque
from dataclasses import dataclass, field

DESCRIPTIONS = {
    400: "Bad Request: test failure",
    401: "Unauthorized",
    403: "Forbidden: bot was blocked by the user",
    404: "Not Found",
    409: "Conflict: terminated by other getUpdates request;"
    " make sure that only one bot instance is running",
    429: "Too Many Requests: retry after {retry_after}",
    500: "Internal Server Error",
    502: "Bad Gateway",
    504: "Gateway Timeout",
}


@dataclass
class Fault:
    """What happens to the next `times` calls of `method` (`*`: any but getUpdates).

    code 0 cuts the connection, 200 lets the call succeed (with `delay` seconds before the answer).
    after_effect: the call is carried out first, and only its answer is lost or wrong.
    """

    method: str
    code: int
    times: int = 1
    retry_after: int | None = None
    after_effect: bool = False
    delay: float = 0.0
    chat_id: int | None = None
    description: str | None = None

    def hits(self, method: str, chat_id: int | None) -> bool:
        if self.chat_id is not None and self.chat_id != chat_id:
            return False
        if self.method == "*":
            return method != "getupdates"
        return self.method.lower() == method

    def wording(self) -> str:
        text = self.description or DESCRIPTIONS.get(self.code, f"Error {self.code}")
        return text.format(retry_after=self.retry_after)


@dataclass
class Faults:
    """Pending faults, first match first; `offline` cuts every connection."""

    pending: list[Fault] = field(default_factory=list)
    offline: bool = False

    def take(self, method: str, chat_id: int | None) -> Fault | None:
        for fault in self.pending:
            if fault.hits(method, chat_id):
                fault.times -= 1
                if fault.times <= 0:
                    self.pending.remove(fault)
                return fault
        return None


class _Window:
    def __init__(self, limit: int, seconds: float) -> None:
        self.limit = limit
        self.seconds = seconds
        self.times: deque[float] = deque()

    def wait(self, now: float) -> float:
        while self.times and now - self.times[0] >= self.seconds:
            self.times.popleft()
        return 0.0 if len(self.times) < self.limit else self.times[0] + self.seconds - now


class RateLimits:
    """Sliding windows: `overall` and `per_chat` a second, `per_group` a minute; 0: no limit."""

    def __init__(self, overall: int = 30, per_chat: int = 1, per_group: int = 20) -> None:
        self._overall = _Window(overall or 10**9, 1)
        self._chats = defaultdict[int, _Window](lambda: _Window(per_chat or 10**9, 1))
        self._groups = defaultdict[int, _Window](lambda: _Window(per_group or 10**9, 60))

    def admit(self, chat_id: int) -> int:
        """0 and the message is counted, or the whole seconds to wait."""
        now = time.monotonic()
        windows = [self._overall, self._chats[chat_id]]
        if chat_id < 0:
            windows.append(self._groups[chat_id])
        wait = max(window.wait(now) for window in windows)
        if wait > 0:
            return math.ceil(wait)
        for window in windows:
            window.times.append(now)
        return 0
