"""从问到办: how often an entry was asked for, its 办事入口 opened, and the matter solved."""

from __future__ import annotations

from collections.abc import Sequence

from nicegui import ui

from bot.desk.entrances import WINDOW, Stretch
from handlers.console.pages.parts import tag, word
from handlers.console.pages.shelf import entry_link
from handlers.console.visit import Visit

_AT_ONCE = 30
_HEADS = ("问到", "答复", "打开入口", "确认解决")
_MEANS = (
    "问到：首选它的问题；答复：用它答复的诉求；打开入口：群众点开办事入口，"
    "机器和预读不算，同一人半分钟内只算一次；确认解决：群众按了“有帮助”，没有表示的不算。"
)


async def openings(visit: Visit, root: ui.element, entry_id: str) -> None:
    """One entry's way from question to solution by account, in place of what ``root`` held."""
    entrances = visit.desk.entrances
    found = await visit.ask(lambda _: entrances.usage(entry_id), acting=False)
    root.clear()
    with root:
        word(f"从问到办（近 {WINDOW.days} 日）", "part-title", name="h3")
        if not found:
            word("还没有人问到它。", "soft", name="div")
            return
        _table(found, named=False)
        word(_MEANS, "soft", name="div")


def usage_table(found: Sequence[Stretch]) -> None:
    """The entries with 办事入口, the most opened first."""
    with tag("section", "kb-openings"):
        word(f"从问到办（近 {WINDOW.days} 日）", "part-title", name="h3")
        word(_MEANS, "soft", name="div")
        if not found:
            word("还没有人问到有办事入口的条目。", "soft", name="div")
            return
        _table(found[:_AT_ONCE], named=True)
        if len(found) > _AT_ONCE:
            word(f"还有 {len(found) - _AT_ONCE:,} 行，次数更少。", "soft", name="div")


def _table(found: Sequence[Stretch], *, named: bool) -> None:
    with tag("div", "table-box"), tag("table", "kb-table"):
        with tag("thead"), tag("tr"):
            for head in ("条目",) * named + ("账号",):
                word(head, "words", name="th").props('scope="col"')
            for head in _HEADS:
                word(head, name="th").props('scope="col"')
        with tag("tbody"):
            for one in found:
                _row(one, named=named)


def _row(one: Stretch, *, named: bool) -> None:
    with tag("tr"):
        if named:
            with tag("td", "words"):
                entry_link(one.entry)
        word(one.account, "words", name="td")
        for figure in (one.asked, one.answered, one.opened, one.solved):
            word(f"{figure:,}", name="td")
