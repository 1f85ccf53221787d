"""Beside the conversation: what the draft rests on, notes, what happened, earlier cases."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from nicegui import ui

from bot.desk.countdown import ago, exact_moment
from bot.desk.drafting import basis
from bot.desk.editing import EDITORS
from bot.desk.inbox import Item, Proposal
from bot.desk.wording import answer_text
from handlers.console.pages.parts import button, fold, tag, word
from handlers.console.pages.shelf import address
from handlers.console.words import EVENTS, actor, changes
from knowledge.catalog import Entry
from knowledge.masking import mask
from knowledge.proposals import similar_wording
from storage.models import CaseEvent
from storage.terms import CaseState, EventKind

if TYPE_CHECKING:
    from handlers.console.pages.item import Panel

_STEPS = ("", "初审", "复审", "终审")
_SUBJECT = 40
_OFFERED = 4
_LIKELY = 0.05
Use = Callable[[str], Awaitable[None]]
Suggest = Callable[[Entry], Awaitable[None]]


def side(panel: Panel, item: Item) -> None:
    """Everything that helps to decide, the most useful first."""
    _steps(item)
    with _part("依据"):
        chosen = basis(item.view.draft) if item.view.draft else []
        if not item.proposals:
            word("知识库里没有合适的条目。", "soft")
        _proposals(panel, item.proposals[:_OFFERED], chosen)
        _search(panel)
        if panel.visit.seat.staff.role in EDITORS:
            _write_one(item)
    with _part("内部备注"):
        _notes(panel, item)
    if item.earlier:
        with _part("这位群众的其他诉求"):
            for case in item.earlier:
                link = tag("a", "earlier").props(f'href="/console/case/{case.id}"')
                with link:
                    word(f"#{case.id}", "number")
                    word(mask(case.subject[:_SUBJECT]) or "（没有文字）", "subject")
                    word(CaseState(case.state).label, "soft")
    with _part("经过"):
        for event in reversed(item.events):
            _event(event, item)


def _write_one(item: Item) -> None:
    """The way to a new entry that begins with what was asked, without who asked."""
    asked = similar_wording(item.case.subject)
    query = f"?{urlencode({'question': asked})}" if asked else ""
    with tag("a", "act").props('target="_blank"') as link:
        word("都不合适，新建一条")
    link.props["href"] = f"/console/knowledge/new{query}"


def _part(title: str) -> ui.element:
    part = tag("section", "part")
    with part:
        word(title, "part-title", name="h3")
    return part


def _proposals(panel: Panel, found: Sequence[Proposal], chosen: Collection[str]) -> None:
    """Those that may well be meant; what hardly is, folded away."""
    likely = [one for one in found if one.entry.id in chosen or one.probability >= _LIKELY]
    shown = likely or list(found[:1])
    for one in shown:
        _proposal(one, panel.use, panel.suggest, chosen)
    if rest := [one for one in found if one not in shown]:
        with fold(f"另有 {len(rest)} 条不太像的"):
            for one in rest:
                _proposal(one, panel.use, panel.suggest, chosen)


def _proposal(one: Proposal, use: Use, suggest: Suggest, chosen: Collection[str]) -> None:
    with tag("div", "proposal" + (" chosen" if one.entry.id in chosen else "")):
        with tag("div", "proposal-head"):
            with tag("a", "question").props('target="_blank"') as link:
                word(one.entry.question, hover=one.entry.id)
            link.props["href"] = address(one.entry.id)
            if one.probability:
                sure = f"{one.probability:.0%}" if one.probability >= 0.01 else "不到 1%"
                word(f"把握 {sure}", "sure", f"{one.probability:.4f}")
        with tag("div", "proposal-why"):
            if one.wording and one.wording != one.entry.question:
                word(f"最像的问法：{one.wording}")
            if one.words:
                word(f"共同词：{'、'.join(one.words[:6])}")
            for note in one.notes[:2]:
                word(note)
        if one.usable:
            word(f"{one.usable}，不能采用", "bad")
        with fold("看答案"):
            word(answer_text(one.entry), "answer-text")
        if one.entry.id not in chosen and not one.usable:
            entry_id = one.entry.id
            button("用这条").on_click(lambda: use(entry_id))
        button("提相似问").on_click(lambda: suggest(one.entry))


def _search(panel: Panel) -> None:
    """Looking for an entry by hand."""
    by_words = panel.visit.desk.office.library.keeper is None
    how = "，只按字词" if by_words else ""
    box = ui.input(placeholder=f"在知识库里找（f{how}）").classes("wide find")
    box.props('outlined dense clearable aria-label="在知识库里找"')
    found = tag("div", "found")

    async def look() -> None:
        visit = panel.visit
        proposals = await visit.errands.run(visit.desk.inbox.search(box.value or ""))
        found.clear()
        with found:
            if not proposals and box.value:
                word("没有找到，换个说法试试。", "soft")
            for one in proposals:
                _proposal(one, panel.use, panel.suggest, ())

    box.on("keydown.enter", look)


def _notes(panel: Panel, item: Item) -> None:
    for note in item.notes:
        with tag("div", "note"):
            word(item.names.get(note.staff_id, "同事"), "who")
            word(ago(note.at, panel.now()), "soft", exact_moment(note.at))
            word(note.text, "note-text", name="div")
    box = ui.input(placeholder="写备注，@姓名 提醒同事（n）").classes("wide note-box")
    box.props('outlined dense maxlength=1000 aria-label="内部备注"')

    async def write() -> None:
        text = box.value or ""
        await panel.note(text)

    box.on("keydown.enter", write)


def _steps(item: Item) -> None:
    """三审: who passed the draft, when, and what each of them changed."""
    draft, needed = item.view.draft, item.view.account.review_steps
    if draft is None or (needed == 1 and not draft.approvals):
        return
    with _part(f"审核 {len(draft.approvals)}/{needed}"):
        for number, step in enumerate(draft.approvals, 1):
            with tag("div", "step"):
                word(_STEPS[min(number, 3)], "who")
                word(str(step["name"]))
                changed = step["before"] != step["after"]
                word("有改动" if changed else "未改动", "soft")
                if changed:
                    difference(str(step["before"]), str(step["after"]))


def difference(before: str, after: str) -> None:
    """What was taken out and put in."""
    with tag("div", "diff"):
        for kind, text in changes(before, after):
            word(text, kind, name={"gone": "del", "new": "ins"}.get(kind, "span"))


def _event(event: CaseEvent, item: Item) -> None:
    with tag("div", "event"):
        word(exact_moment(event.at)[5:16], "soft", exact_moment(event.at))
        word(EVENTS.get(EventKind(event.kind), event.kind))
        if event.actor != "system":
            word(actor(event.actor, item.names), "soft")
        if detail := _detail(event.data):
            word(detail, "soft")


def _detail(data: dict[str, Any]) -> str:
    parts = [str(data[key]) for key in ("category", "after", "reason") if data.get(key)]
    if data.get("pinned"):
        parts.append("由置顶答复")
    return mask(" · ".join(parts))
