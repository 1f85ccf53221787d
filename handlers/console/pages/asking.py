"""这句话会匹配到什么: what the running program would do with a sentence, and why."""

from __future__ import annotations

from collections.abc import Mapping

from nicegui import ui

from bot.desk.catalogue import Asked
from bot.desk.course import Course
from bot.triage import Kind
from handlers.console.pages.parts import tag, word
from handlers.console.pages.shelf import address
from handlers.console.visit import Visit, on_page
from knowledge.matcher import Candidate, Decision, Match

_SHOWN = 5
_COURSES = {
    Course.ANSWER: "直接答复",
    Course.CLARIFY: "先反问群众",
    Course.ASK_MORE: "没听明白，请群众说具体些",
    Course.STAFF: "转人工",
    Course.ASIDE: "不用答复",
}
_TRIAGED = {
    Kind.COMPLAINT: "看上去是投诉，不自动答复。",
    Kind.EMERGENCY: "看上去很紧急：请群众拨打急救、报警电话，同时加急转人工。",
    Kind.MANIPULATION: "像是诱导程序的话，不带拟答。",
    Kind.THANKS: "看上去是道谢，回一句客气话就结束。",
    Kind.NOISE: "看不出在问什么。",
    Kind.SPAM: "看上去是广告。",
}


class AskBox:
    """A box for a sentence, and under it what would become of it."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        word("这句话会匹配到什么", "part-title", name="h2")
        self._box = ui.input(placeholder="写一句群众会问的话，按回车（w）").classes("wide ask-line")
        self._box.props('outlined dense clearable maxlength=500 aria-label="群众会问的话"')
        self._box.on("keydown.enter", self._look)
        self._found = tag("div", "asked").props('aria-live="polite"')
        with self._found:
            word("用的是正在运行的知识库、门槛和同义词，刚改的也算在内。", "soft")

    @on_page
    async def _look(self) -> None:
        text = self._box.value or ""
        asked = await self.visit.latest("asked", lambda _: self.visit.desk.catalogue.ask(text))
        if asked is None:
            return
        self._found.clear()
        with self._found:
            _outcome(asked)
            for number, part in enumerate(asked.match.parts or (asked.match,), 1):
                if asked.match.parts:
                    word(f"第 {number} 问：{part.query}", "asked-part", name="div")
                _candidates(part, asked.held)


def _outcome(asked: Asked) -> None:
    course = _COURSES[asked.course]
    if asked.course is Course.STAFF:
        drafted = asked.match.decision is not Decision.NONE
        course += "，带拟答" if drafted and asked.verdict.kind is not Kind.MANIPULATION else ""
    with tag("div", "asked-outcome"):
        word(course, "asked-decision", name="strong")
        word(f"类别：{asked.verdict.category}", "soft")
        word(_why(asked), "soft", name="div")
        if asked.by_words:
            told = "这次只按字词匹配；办件的程序开着语义匹配时，会认出更多说法。"
            word(told, "soft", name="div")
    if asked.question:
        word(asked.question, "answer-text asked-back", name="div")


def _why(asked: Asked) -> str:
    """What the course hung on."""
    match, kind = asked.match, asked.verdict.kind
    if kind in _TRIAGED:
        return _TRIAGED[kind]
    if asked.verdict.wants_person:
        return "群众要找人。"
    if asked.course is Course.ASIDE:
        return "像是闲聊，没有问事。"
    if not match.candidates or match.decision is Decision.NONE:
        return f"没有条目够得上；哪一条都不合适的可能有 {match.nothing:.0%}。"
    sure = f"首选把握 {match.candidates[0].probability:.0%}"
    need = "目前暂停自动答复" if asked.answer_at > 1 else f"自动答复要 {asked.answer_at:.0%}"
    if asked.course is Course.ANSWER:
        return f"{sure}，{need}。"
    if any(one.entry.id in asked.held for one in match.answered):
        return f"{sure}，但答案里有后来定为不能发的词，改好之前由人工答复。"
    if not match.candidates[0].entry.automatic:
        return f"{sure}，但这一条没有批准自动答复。"
    return f"{sure}，{need}，还要明显高过第二条。"


def _candidates(match: Match, held: Mapping[str, str]) -> None:
    for number, one in enumerate(match.candidates[:_SHOWN], 1):
        _candidate(number, one, held.get(one.entry.id, ""))
    if not match.candidates:
        word("没有一条沾边。", "soft", name="div")


def _candidate(number: int, one: Candidate, held: str) -> None:
    with tag("div", "proposal" + (" chosen" if number == 1 else "")):
        with tag("div", "proposal-head"):
            link = tag("a", "question")
            link.props["href"] = address(one.entry.id)
            with link:
                word(one.entry.question, hover=one.entry.id)
            sure = f"{one.probability:.0%}" if one.probability >= 0.01 else "不到 1%"
            word(f"把握 {sure}", "sure", f"{one.probability:.4f}")
        with tag("div", "proposal-why"):
            if one.evidence.wording != one.entry.question:
                word(f"最像的问法：{one.evidence.wording}")
            if one.evidence.words:
                word(f"共同词：{'、'.join(one.evidence.words[:6])}")
            for note in one.evidence.notes[:3]:
                word(note)
        if held:
            word(f"不自动答复，答案里有{held}", "warn", name="div")
