"""批量答复 in a sheet: which similar cases, one answer, and what became of each of them."""

from __future__ import annotations

from collections.abc import Sequence

from nicegui import ui

from bot.desk.bulk import Alike, Answered
from bot.desk.placeholders import NAMES
from handlers.console.pages.parts import button, sheet, tag, word
from handlers.console.pages.picking import put_phrase
from handlers.console.visit import Visit

_HINT = f"可写占位：{'、'.join(f'{{{name}}}' for name in NAMES)}，发出时换成各件自己的。"
_BOX = ".bulk-text textarea"
_NOT_TYPING = "(e) => { if (e.key === 'y' && !/TEXTAREA|INPUT/.test(e.target.tagName)) emit(); }"
Picked = tuple[str, list[tuple[int, int]]]


async def pick_cases(
    visit: Visit, text: str, own: tuple[int, int], found: Sequence[Alike]
) -> Picked | None:
    """The answer and the cases it goes to (number, version), this one first; None if called off."""
    with sheet("给相似的诉求一起答复", "bulk") as dialog:
        box = ui.textarea("答复，每件单独发出、各自计时", value=text).classes("wide bulk-text")
        box.props('outlined autogrow autofocus input-style="max-height: 30vh"')
        with tag("div", "bulk-hint"):
            word(_HINT, "soft grow")
            button("常用语", "y").on_click(lambda: put_phrase(visit, _BOX))
        with tag("div", "bulk-list"):
            word(f"#{own[0]} 这一件", "soft", name="div")
            boxes = {one: _line(one) for one in found}
        with tag("div", "sheet-foot"):
            button("取消", "Esc").on_click(lambda: dialog.submit(None))
            send = button("", strong=True)
            send.on_click(lambda: dialog.submit("send"))

    def chosen() -> list[tuple[int, int]]:
        return [own, *((one.case_id, one.version) for one, box in boxes.items() if box.value)]

    def count() -> None:
        send.clear()
        with send:
            word(f"给这 {len(chosen())} 件各发一份")
            word("Ctrl+Enter", "key", name="kbd")

    for made in boxes.values():
        made.on_value_change(count)
    count()
    dialog.on("keydown", lambda: put_phrase(visit, _BOX), js_handler=_NOT_TYPING)
    dialog.on("keydown.ctrl.enter", lambda: dialog.submit("send"))
    dialog.on("keydown.meta.enter", lambda: dialog.submit("send"))
    if await dialog is None:
        return None
    held = await ui.run_javascript(f"document.querySelector('{_BOX}').value")
    return str(held), chosen()


async def tell_outcomes(visit: Visit, done: Sequence[Answered]) -> None:
    """Case by case what became of it; what was sent can be taken back while it waits to leave."""
    sent = [one for one in done if one.sent]
    seconds = int(visit.desk.office.rules.undo.total_seconds())
    with sheet(f"{len(sent)} 件已办，{len(done) - len(sent)} 件没有") as dialog:
        for one in sorted(done, key=lambda one: one.sent):
            with tag("div", "bulk-outcome"):
                with tag("a", "kb-link").props(f'href="/console/case/{one.case_id}"'):
                    word(f"#{one.case_id}")
                word(one.said, "" if one.sent else "bad")
        with tag("div", "sheet-foot"):
            if sent and seconds:
                button(f"撤销（{seconds} 秒内）", "u").on_click(lambda: dialog.submit("undo"))
            good = button("好", "Esc", strong=True).props("autofocus")
            good.on_click(lambda: dialog.submit(None))
    dialog.on(
        "keydown",
        lambda: dialog.submit("undo"),
        js_handler="(e) => { if (e.key === 'u') emit(); }",
    )
    if await dialog == "undo":
        await _take_back(visit, sent)


async def _take_back(visit: Visit, sent: Sequence[Answered]) -> None:
    said = await visit.ask(lambda s: visit.desk.bulk.take_back(s, [one.case_id for one in sent]))
    if said:
        visit.tell(said)


def _line(one: Alike) -> ui.checkbox:
    with tag("label", "bulk-line"):
        box = ui.checkbox(value=one.likely).props(f'dense aria-label="选上 #{one.case_id}"')
        with tag("span", "bulk-what"):
            word(f"#{one.case_id} {one.text or '（没有文字）'}")
            word(f"{one.account} · 相似 {one.likeness}%", "soft", name="div")
    return box
