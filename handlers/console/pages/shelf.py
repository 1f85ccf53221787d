"""What the knowledge pages have in common: the ways between them, and how entries are named."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import urlencode

from nicegui import ui

from bot.desk.catalogue import Line
from bot.desk.countdown import exact_moment
from bot.desk.editing import EDITORS
from handlers.console.pages.frame import frame
from handlers.console.pages.parts import tag, word
from handlers.console.visit import Visit
from knowledge.bundles import PREFIX
from knowledge.catalog import Entry
from storage.models import EntryRow

_WAYS = (
    ("条目", "/console/knowledge"),
    ("体检", "/console/knowledge/upkeep"),
    ("办事入口", "/console/knowledge/links"),
    ("测试问题", "/console/knowledge/questions"),
    ("学习建议", "/console/knowledge/learning"),
    ("常用语", "/console/knowledge/phrases"),
    ("导入导出", "/console/knowledge/exchange"),
)
STANDINGS = {
    "valid": "有效",
    "soon": "将到期",
    "expired": "已过期",
    "pending": "未生效",
    "retired": "已停用",
}
TONES = {"soon": "soon", "expired": "late", "pending": "soon", "retired": "calm"}


@contextmanager
def shelf(visit: Visit, here: str, classes: str = "") -> Iterator[ui.element]:
    """A page of the knowledge base with the ways to the others above it."""
    with frame(visit, "知识库", f"kb {classes}", here) as main:
        with tag("nav", "kb-ways").props('aria-label="知识库各页"'):
            for title, path in _WAYS:
                _way(title, path, here=title == here)
                if title == here == _WAYS[0][0]:
                    _way("查一句", "#ask", here=False).classes("phone-only")
        yield main


def _way(title: str, path: str, *, here: bool) -> ui.element:
    link = tag("a", "kb-way" + (" here" if here else "")).props(f'href="{path}"')
    if here:
        link.props('aria-current="page"')
    with link:
        word(title)
    return link


def entry_link(entry: Entry) -> None:
    """An entry by its question, to open it."""
    made = tag("a", "kb-link")
    made.props["href"] = address(entry.id)
    with made:
        word(entry.question, hover=entry.id)


def edits(visit: Visit) -> bool:
    """Whether to offer what only editors may do; the desk decides again."""
    return visit.seat.staff.role in EDITORS


def address(entry_id: str) -> str:
    """Where an entry, or a 一件事, opens."""
    page = "bundle" if entry_id.startswith(PREFIX) else "entry"
    return f"/console/knowledge/{page}?{urlencode({'id': entry_id})}"


def validity(row: EntryRow) -> str:
    """From when to when an entry holds, in words."""
    start, end = row.effective_on, row.expires_on
    if start and end:
        return f"{start} 至 {end}"
    return f"{start} 起" if start else f"至 {end}" if end else "长期"


def chip(line: Line) -> None:
    """What is out of the common with an entry, its dates when the pointer rests on it."""
    state = line.standing
    if state != "valid":
        word(STANDINGS[state], f"kb-state {TONES.get(state, 'plain')}", validity(line.row))
    if line.to_review:
        word("要复核", "kb-state soon", f"应于 {line.row.review_on} 复核")


def changed(row: EntryRow) -> str:
    return f"第 {row.version} 版，{exact_moment(row.changed_at)}"
