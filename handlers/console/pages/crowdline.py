"""How those who ask the same look in the queue: one line for all of them."""

from __future__ import annotations

from datetime import datetime

from nicegui import ui

from bot.clock import Calendar
from bot.desk.countdown import ago, countdown, exact_moment
from bot.desk.library import Library
from bot.desk.wording import spoken_day
from handlers.console.pages.parts import tag, word
from knowledge.masking import mask
from storage.crowds import Together
from storage.inbox import Line
from storage.models import Case, Crowd

URGENCY = ("", "较急", "紧急")
SUBJECT = 80


def crowd_line(
    line: Line, crowd: Together, library: Library, calendar: Calendar, now: datetime
) -> ui.element:
    """The line, which leads to the page of the crowd; its case is the most pressing one."""
    case, left = line.case, countdown(line.case, calendar, now)
    row = tag("a", f"line crowd {left.tone}")
    row.props(f'href="/console/crowd/{crowd.crowd.id}" role="listitem"')
    row.props(f'data-crowd="{crowd.crowd.id}"')
    with row:
        with tag("span", "line-head"):
            if case.urgency:
                word(URGENCY[case.urgency], f"urgent u{case.urgency}")
            word(f"{crowd.size:,} 件同问", "crowd-size")
            word(matter(crowd.crowd, case, library), "subject")
        with tag("span", "line-foot"):
            word(left.words, f"left {left.tone}", left.exact)
            if crowd.due_at is not None and crowd.due_at != case.due_at:
                word(f"最早 {spoken_day(crowd.due_at)}前", "left", exact_moment(crowd.due_at))
            word(post_name(crowd.crowd, crowd.title), "department")
            word(ago(case.opened_at, now), "age", f"来自 {exact_moment(case.opened_at)}")
    return row


def matter(crowd: Crowd, case: Case | None, library: Library) -> str:
    """What they all ask: the entry's question, or the words of one of them."""
    entry = library.get(crowd.entry_id) if crowd.entry_id else None
    if entry is not None:
        return entry.question
    return (mask(case.subject[:SUBJECT]) if case is not None else "") or "（没有文字）"


def post_name(crowd: Crowd, title: str) -> str:
    """The post by its title, or else by its number."""
    return f"《{title}》" if title else f"帖子 {crowd.post}"
