"""常用语: the page where staff keep what they write again and again."""

from __future__ import annotations

from fastapi import Request
from nicegui import Client, ui

from bot.desk.countdown import ago, exact_moment
from bot.desk.phrases import LONGEST_TEXT, LONGEST_TITLE, REACHES, Shown, Wording, reaches
from bot.desk.placeholders import NAMES
from handlers.console.pages.parts import button, field, pick, sheet, tag, word
from handlers.console.pages.shelf import shelf
from handlers.console.visit import PATIENCE, Visit, on_page, visit_of
from storage.models import Phrase
from storage.phrases import Reach

_HINT = f"可写占位：{'、'.join(f'{{{name}}}' for name in NAMES)}，发出时换成各件自己的。"


@ui.page("/knowledge/phrases", response_timeout=PATIENCE)
async def phrases(request: Request, client: Client) -> None:
    await PhrasesPage(visit_of(request, client)).look()


class PhrasesPage:
    """What a person may use, the most used first, with what they may do to each."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        with shelf(visit, "常用语", "kb-plain"):
            with tag("div", "kb-bar"):
                word("办件时按 y 选用，插在答复的光标处。", "grow soft")
                button("新建", "n", strong=True).on_click(self._add)
            self._list = tag("div", "kb-rows")
        ui.on("console-key", lambda event: self._key(str(event.args)))

    @on_page
    async def look(self) -> None:
        found = await self.visit.ask(self.visit.desk.phrases.everything)
        self._list.clear()
        with self._list:
            if not found:
                with tag("div", "nothing"):
                    word("还没有常用语。", "nothing-title")
                    word("把常写的开头、结尾、办理说明存在这里，办件时按一个键就插进答复。")
            for one in found or ():
                self._row(one)

    def _row(self, shown: Shown) -> None:
        one, now = shown.phrase, self.visit.desk.office.now()
        with tag("div", "kb-trouble kb-phrase" + ("" if one.active else " off")):
            word(one.title, "who")
            told = one.department if one.scope == Reach.DEPARTMENT else REACHES[Reach(one.scope)]
            word(told, "kb-state")
            word("已停用", "kb-state late") if not one.active else None
            tag("span", "grow")
            word(f"用过 {one.used:,} 次", "soft")
            word(
                f"{shown.writer}，{ago(one.changed_at, now)}", "soft", exact_moment(one.changed_at)
            )
            if shown.editable:
                button("改").on_click(lambda: self._change(one))
                button("停用" if one.active else "启用").on_click(lambda: self._switch(one))
            word(one.text, "phrase-text", name="div")

    @on_page
    async def _add(self) -> None:
        wording = await self._ask("新建常用语", Wording("", ""))
        if wording is not None:
            desk = self.visit.desk.phrases
            await self._after(await self.visit.ask(lambda s: desk.add(s, wording)))

    @on_page
    async def _change(self, one: Phrase) -> None:
        known = Wording(one.title, one.text, one.scope, one.department)
        wording, number = await self._ask("改常用语", known), one.id or 0
        if wording is not None:
            desk = self.visit.desk.phrases
            said = await self.visit.ask(lambda s: desk.change(s, number, one.version, wording))
            await self._after(said)

    @on_page
    async def _switch(self, one: Phrase) -> None:
        desk, number = self.visit.desk.phrases, one.id or 0
        await self._after(await self.visit.ask(lambda s: desk.switch(s, number, one.version)))

    async def _after(self, said: str | None) -> None:
        if said:
            self.visit.tell(said)
        await self.look()

    async def _ask(self, title: str, known: Wording) -> Wording | None:
        """What a person writes in the sheet, once nothing speaks against it; None if called off."""
        offered = reaches(self.visit.seat.staff)
        places = await self.visit.errands.run(self.visit.desk.review.departments())
        places = self.visit.seat.staff.departments or sorted({*places, known.department} - {""})
        with sheet(title, "phrases") as dialog:
            name = field("名称", known.title).props(f"autofocus maxlength={LONGEST_TITLE}")
            text = ui.textarea("内容", value=known.text).classes("wide phrase-box")
            text.props(
                f'outlined autogrow debounce="200" maxlength={LONGEST_TEXT} '
                'input-style="max-height: 34vh"'
            )
            word(_HINT, "soft", name="div")
            checks = tag("div", "checks").props('aria-live="polite"')
            reach = pick("给谁用", offered, known.reach).classes("wide")
            place = pick("哪个单位", {one: one for one in places}, known.department)
            place.classes("wide").bind_visibility_from(reach, "value", value=str(Reach.DEPARTMENT))
            with tag("div", "sheet-foot"):
                button("取消", "Esc").on_click(lambda: dialog.submit(None))
                button("保存", "Ctrl+Enter", strong=True).on_click(lambda: dialog.submit("keep"))
        text.on_value_change(lambda: self._check(checks, text.value or ""))
        dialog.on("keydown.ctrl.enter", lambda: dialog.submit("keep"))
        dialog.on("keydown.meta.enter", lambda: dialog.submit("keep"))
        if await dialog is None:
            return None
        held = await ui.run_javascript("document.querySelector('.phrase-box textarea').value")
        return Wording(name.value or "", str(held), str(reach.value), str(place.value or ""))

    def _check(self, checks: ui.element, text: str) -> None:
        checks.clear()
        with checks:
            for objection in self.visit.desk.phrases.findings(text)[:3]:
                word(f"不能保存：{objection}", "bad", name="div")

    @on_page
    async def _key(self, key: str) -> None:
        if key == "n":
            await self._add()
