"""不能发的词: the office's own to add and take out, the shipped ones to look at or let pass."""

from __future__ import annotations

from nicegui import ui

from bot.desk.countdown import ago, exact_moment
from bot.desk.screening import LONGEST_ADVICE, LONGEST_WORD, VERDICTS, Words
from handlers.console.pages.parts import button, choose, pick, tag, word
from handlers.console.visit import Visit, on_page
from handlers.console.words import actor
from knowledge.screen import Rule, Verdict
from storage.models import ScreenWord, Staff


class Forbidden:
    """One box to add a word, one to try a sentence, and what there is."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        word("不能发的词", "part-name big", name="h2")
        word(
            "发给群众的话里有要拦的词就发不出去；没遮盖的个人信息、没填完的内容一律拦下。"
            "改了马上用上，都记在审计里。自带的词点一下可以停用，要写原因。",
            "soft small",
            name="p",
        )
        with tag("div", "add-words"):
            self._fresh = ui.input("一个词").props(f"outlined dense maxlength={LONGEST_WORD}")
            options = {str(key): title for key, title in VERDICTS.items()}
            self._verdict = pick("怎么处理", options, str(Verdict.BLOCK))
            self._advice = ui.input("请改为…（给写答复的人看）").classes("grow")
            self._advice.props(f"outlined dense maxlength={LONGEST_ADVICE}")
            self._advice.on("keydown.enter", self._add)
            button("加进词表", strong=True).on_click(self._add)
        with tag("div", "add-words"):
            box = ui.input("试一句：会不会被拦下").classes("grow try-line")
            box.props('outlined dense clearable maxlength=500 debounce="200"')
            box.on_value_change(lambda event: self._try(event.value or ""))
        self._tried = tag("div", "tried").props('aria-live="polite"')
        self._list = tag("div")

    async def look(self) -> None:
        found = await self.visit.ask(self.visit.desk.screening.words)
        if found is None:
            return
        self._list.clear()
        with self._list:
            self._own(found)
            off = {one.word: one for one in found.off}
            for rule in found.shipped:
                self._shipped(rule, off, found.names)

    def _own(self, found: Words) -> None:
        with tag("section", "sheet-box"):
            word(f"本单位的词（{len(found.own):,} 个）", "part-name", name="h2")
            if not found.own:
                word("还没有。", "soft")
            for one in found.own:
                with tag("div", "ruled"):
                    word(one.word, "who")
                    late = " late" if one.verdict == Verdict.BLOCK else " soon"
                    word(VERDICTS[Verdict(one.verdict)], f"kb-state{late}")
                    word(one.advice, "grow")
                    self._by(one, found.names)
                    button("移出").on_click(lambda one=one: self._drop(one.word, "移出"))

    def _by(self, one: ScreenWord, names: dict[int, str]) -> None:
        when = ago(one.changed_at, self.visit.desk.office.now())
        word(f"{actor(one.actor, names)}，{when}", "soft", exact_moment(one.changed_at))

    def _shipped(self, rule: Rule, off: dict[str, ScreenWord], names: dict[int, str]) -> None:
        with tag("section", "sheet-box"):
            word(f"自带：{rule.kind}", "part-name", name="h2")
            more = f"另有 {rule.patterns} 种说法，不能单独停用。" if rule.patterns else ""
            harmless = f"不拦：{'、'.join(rule.unless)}。" if rule.unless else ""
            word(f"{rule.advice}。{more}{harmless}", "soft small", name="p")
            with tag("div", "chips"):
                for one in rule.words:
                    if one not in off:
                        self._chip(one)
            for passed in filter(None, map(off.get, rule.words)):
                with tag("div", "ruled"):
                    word(passed.word, "who")
                    word("已停用", "kb-state")
                    word(f"原因：{passed.advice}", "grow")
                    self._by(passed, names)
                    again = button("恢复")
                    again.on_click(lambda passed=passed: self._drop(passed.word, "恢复"))

    def _chip(self, one: str) -> None:
        made = tag("button", "chip").props('type="button"')
        made.props["aria-label"] = f"停用 {one}"
        made.on("click", lambda: self._switch_off(one))
        with made:
            word(one)

    def _try(self, text: str) -> None:
        self._tried.clear()
        with self._tried:
            found = self.visit.desk.screening.try_out(text) if text.strip() else []
            for one in found:
                said, tone = ("拦下", "bad") if one.blocks else ("提醒", "warn")
                word(f"{said}：{one}", tone, name="div")
            if text.strip() and not found:
                word("可以发。", "soft")

    @on_page
    async def _add(self) -> None:
        desk = self.visit.desk.screening
        text, verdict = str(self._fresh.value or ""), str(self._verdict.value)
        advice = str(self._advice.value or "")
        said = await self.visit.ask(lambda s: desk.add(s, text, verdict, advice))
        if said:
            self._fresh.value = self._advice.value = ""
            self.visit.tell(said)
            await self.look()

    @on_page
    async def _switch_off(self, one: str) -> None:
        reason = await choose(f"停用自带的“{one}”：请写原因", {}, words="原因")
        if reason:
            desk, why = self.visit.desk.screening, reason[1:]

            async def switch(staff: Staff) -> bool:
                await desk.switch_off(staff, one, why)
                return True

            if await self.visit.ask(switch):
                self.visit.tell(f"“{one}”不再拦下")
                await self.look()

    @on_page
    async def _drop(self, one: str, verb: str) -> None:
        if not await choose(f"{verb}“{one}”？", {"yes": verb}):
            return
        desk = self.visit.desk.screening

        async def drop(staff: Staff) -> bool:
            await desk.drop(staff, one)
            return True

        if await self.visit.ask(drop):
            self.visit.tell(f"已{verb}“{one}”")
            await self.look()
