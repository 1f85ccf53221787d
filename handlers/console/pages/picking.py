"""Choosing a 常用语 for an answer: found by words or keys, put in at the cursor."""

from __future__ import annotations

import json
from collections.abc import Callable

from nicegui import ui

from bot.desk.office import DeskError
from handlers.console.pages.parts import Rows, button, sheet, tag, word
from handlers.console.visit import Visit
from storage.models import Phrase

Fill = Callable[[str], str]
_KEYS = """(e) => {
  const typing = e.target.tagName === 'INPUT';
  if (e.key === 'ArrowDown' || (e.key === 'j' && !typing)) { e.preventDefault(); emit('j'); }
  else if (e.key === 'ArrowUp' || (e.key === 'k' && !typing)) { e.preventDefault(); emit('k'); }
  else if (e.key === '/' && !typing) {
    // At once: whoever types on must not have to wait for the server.
    e.preventDefault();
    document.querySelector('.phrase-find input').focus();
  }
  else if (e.key === 'Enter' && typing) emit('Enter');
  else if (/^[1-9]$/.test(e.key) && !typing) emit(e.key);
}"""


async def put_phrase(visit: Visit, box: str, fill: Fill = str, department: str = "") -> None:
    """Let a person choose a phrase, and put it into the text field that ``box`` selects.

    ``fill`` is how the phrase will read; what it raises as DeskError is said beside the phrase.
    """
    chosen = await _Picker(visit, fill, department).choose()
    if chosen is None:
        return
    with visit.page:
        ui.run_javascript(f"putIn({json.dumps(box)}, {json.dumps(chosen.text)})")
    await visit.ask(lambda s: visit.desk.phrases.used(s, chosen.id or 0))


class _Picker:
    """The sheet with the phrases; the first stands ready, so that Enter takes it."""

    def __init__(self, visit: Visit, fill: Fill, department: str) -> None:
        self._visit, self._fill, self._department = visit, fill, department
        self._found: list[Phrase] = []
        self._rows = Rows()
        with sheet("常用语", "phrases") as self._dialog:
            self._box = ui.input(placeholder="找名称和内容（/）").classes("wide phrase-find")
            self._box.props('outlined dense clearable debounce="150" aria-label="找常用语"')
            self._box.on_value_change(lambda: self._look())
            self._list = tag("div", "phrase-list").props('role="listbox" aria-label="常用语"')
            with tag("div", "sheet-foot"):
                with tag("a", "act").props('href="/console/knowledge/phrases" target="_blank"'):
                    word("管理常用语")
                button("取消", "Esc").on_click(lambda: self._dialog.submit(None))
        self._dialog.on("keydown", lambda event: self._key(str(event.args)), js_handler=_KEYS)
        self._dialog.on("show", lambda: self._rows.stand(0))

    async def choose(self) -> Phrase | None:
        """What was chosen; None when it was called off."""
        await self._look()
        chosen: Phrase | None = await self._dialog
        return chosen

    async def _look(self) -> None:
        desk, text = self._visit.desk.phrases, self._box.value or ""
        found = await self._visit.ask(lambda s: desk.find(s, text, self._department))
        if found is None or self._dialog.is_deleted:
            return
        self._found = found
        self._list.clear()
        with self._list:
            if not found:
                word("没有找到。" if text else "还没有常用语，可到“管理常用语”里写。", "soft")
            self._rows.show([self._row(number, one) for number, one in enumerate(found, 1)])

    def _row(self, number: int, one: Phrase) -> ui.element:
        row = tag("button", "phrase-row").props('type="button" role="option"')
        row.on("click", lambda: self._dialog.submit(one))
        with row:
            word(str(number) if number < 10 else "", "key", name="kbd")
            with tag("span", "phrase-what"):
                with tag("span", "phrase-head"):
                    word(one.title, "who")
                    word(one.department, "soft") if one.department else None
                    word(f"用过 {one.used:,} 次", "soft")
                self._reading(one)
        return row

    def _reading(self, one: Phrase) -> None:
        try:
            word(self._fill(one.text), "phrase-text")
        except DeskError as error:
            word(one.text, "phrase-text")
            word(str(error), "warn")

    def _key(self, key: str) -> None:
        if key in ("j", "k"):
            self._rows.move(key)
        elif key == "Enter":
            self._dialog.submit(self._found[0]) if self._found else None
        elif int(key) <= len(self._found):
            self._dialog.submit(self._found[int(key) - 1])
