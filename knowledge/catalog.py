"""What the office knows: entries, when they are valid, and what is wrong with them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone
from urllib.parse import urlsplit

from knowledge.text import normalize

MAX_QUESTION = 500
MAX_ANSWER = 20_000
MAX_SIMILAR = 200
CHINA_TIME = timezone(timedelta(hours=8), "Asia/Shanghai")


@dataclass(frozen=True, slots=True)
class Link:
    """An entrance to a service (办事入口)."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class Entry:
    """One item of the knowledge base (知识库条目)."""

    id: str
    question: str
    answer: str
    similar: tuple[str, ...] = ()
    department: str = ""
    topic: str = ""
    basis: str = ""
    links: tuple[Link, ...] = ()
    effective_on: date | None = None
    expires_on: date | None = None
    review_on: date | None = None
    automatic: bool = False

    @property
    def wordings(self) -> tuple[str, ...]:
        """The standard question, then the similar ones."""
        return (self.question, *self.similar)

    def valid_on(self, day: date) -> bool:
        """Whether the answer holds on `day`; both ends count as valid."""
        return not self.expired_on(day) and (self.effective_on is None or self.effective_on <= day)

    def expired_on(self, day: date) -> bool:
        return self.expires_on is not None and day > self.expires_on


@dataclass(frozen=True, slots=True)
class Problem:
    """Something an editor should repair; `reason` is Chinese and says how.

    `line` is the line in the imported file, None for entries that are already in the base;
    `other` is the entry that has the same wording.
    """

    line: int | None
    entry_id: str
    field: str
    reason: str
    other: str = ""


def local_today() -> date:
    """The date in China now, wherever the server stands."""
    return datetime.now(CHINA_TIME).date()


def check_entries(entries: Iterable[Entry], today: date | None = None) -> list[Problem]:
    """Everything an editor should look at, entry by entry in the given order."""
    known = list(entries)
    day = today or local_today()
    found = list(_repeated_ids(known))
    found += [
        Problem(None, entry.id, field, reason)
        for entry in known
        for field, reason in (*_missing(entry), *_too_long(entry), *_dates(entry, day))
    ]
    found += [
        Problem(None, entry.id, "links", reason) for entry in known for reason in _links(entry)
    ]
    found += _repeated_wordings(known)
    position = {entry.id: number for number, entry in reversed(list(enumerate(known)))}
    return sorted(found, key=lambda problem: position[problem.entry_id])


def _repeated_ids(entries: Sequence[Entry]) -> Iterator[Problem]:
    seen: set[str] = set()
    for entry in entries:
        if entry.id in seen:
            yield Problem(
                None, entry.id, "id", f"编号“{entry.id}”重复，请为其中一条改用不同的编号。"
            )
        seen.add(entry.id)


def _missing(entry: Entry) -> Iterator[tuple[str, str]]:
    if not entry.id.strip():
        yield "id", "没有编号，请填写一个不重复的编号。"
    if not normalize(entry.question):
        yield "question", "标准问为空，请填写群众会怎样问。"
    if not normalize(entry.answer):
        yield "answer", "答案为空，请补充答案，或停用这一条。"


def _too_long(entry: Entry) -> Iterator[tuple[str, str]]:
    if len(entry.question) > MAX_QUESTION:
        yield "question", f"标准问超过 {MAX_QUESTION} 字，请精简为一句话，细节写进答案。"
    if len(entry.answer) > MAX_ANSWER:
        yield "answer", f"答案超过 {MAX_ANSWER} 字，请拆成几条，或改放办事入口链接。"
    if len(entry.similar) > MAX_SIMILAR:
        yield "similar", f"相似问超过 {MAX_SIMILAR} 条，请只保留有代表性的问法。"
    if any(len(wording) > MAX_QUESTION for wording in entry.similar):
        yield (
            "similar",
            f"有相似问超过 {MAX_QUESTION} 字，请精简；多条请用换行或竖线 | 分开。",
        )


def _dates(entry: Entry, day: date) -> Iterator[tuple[str, str]]:
    start, end = entry.effective_on, entry.expires_on
    if start and end and start > end:
        yield "expires_on", f"失效日 {end} 早于生效日 {start}，请核对两个日期。"
    elif end and end < day:
        yield "expires_on", f"已于 {end} 失效，请更新答案和失效日，或删除这一条。"
    if entry.review_on and entry.review_on < day:
        yield "review_on", f"应于 {entry.review_on} 复核，已超期，请核对内容后填写新的复核日。"


def _links(entry: Entry) -> Iterator[str]:
    for link in entry.links:
        if not is_web_address(link.url):
            yield (
                f"办事入口“{link.title or link.url}”不是完整网址，请改为以 https:// 开头的网址。"
            )


def is_web_address(url: str) -> bool:
    """Whether `url` is http(s) with a host and without blanks."""
    try:
        parts = urlsplit(url)
        host = parts.hostname
    except ValueError:
        return False
    return parts.scheme in {"http", "https"} and bool(host) and not any(c.isspace() for c in url)


def _repeated_wordings(entries: Sequence[Entry]) -> Iterator[Problem]:
    owners: dict[str, Entry] = {}
    for entry in entries:
        owners.setdefault(normalize(entry.question), entry)
    for entry in entries:
        own = normalize(entry.question)
        owner = owners[own]
        if own and owner is not entry:
            reason = f"标准问与编号“{owner.id}”相同，请合并为一条，或改写得能区分。"
            yield Problem(None, entry.id, "question", reason, owner.id)
        yield from _repeated_similar(entry, owners)


def _repeated_similar(entry: Entry, owners: dict[str, Entry]) -> Iterator[Problem]:
    for wording in entry.similar:
        plain = normalize(wording)
        owner = owners.get(plain)
        if plain and owner is not None and owner is not entry and owner.id != entry.id:
            reason = f"相似问“{wording}”与编号“{owner.id}”的标准问相同，请只留在一条里。"
            yield Problem(None, entry.id, "similar", reason, owner.id)
        if plain:
            owners.setdefault(plain, entry)
