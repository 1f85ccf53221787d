"""同问: those who ask the same under one post, and one answer that goes to each of them."""

from __future__ import annotations

from fastapi import Request
from nicegui import Client, ui

from bot.desk.countdown import ago, exact_moment
from bot.desk.crowds import Asker, Opened, Run
from bot.desk.placeholders import NAMES
from bot.desk.wording import spoken_day
from handlers.console.pages.crowdline import URGENCY, post_name
from handlers.console.pages.frame import frame
from handlers.console.pages.parts import button, show_keys, tag, word
from handlers.console.pages.picking import put_phrase
from handlers.console.pages.shelf import address
from handlers.console.visit import PATIENCE, Visit, on_page, visit_of

_PAGE = 50
_LOOK = 0.5
_BOX = ".crowd-text textarea"
_HINT = f"可写占位：{'、'.join(f'{{{name}}}' for name in NAMES)}，发出时换成各件自己的。"
_AS_APPROVED = "前一步给各人的文字不一样。留空发送，就按前一步审过的、各件自己的文字通过。"
_KEYS = {
    "e": "改答复",
    "y": "插入常用语",
    "Ctrl+Enter": "发送",
    "u": "撤销刚发的答复",
    "l": "看最新的",
    "Esc": "回到待办",
    "?": "这张表",
}


@ui.page("/crowd/{crowd_id}", response_timeout=PATIENCE)
async def crowd(request: Request, client: Client, crowd_id: int) -> None:
    await CrowdPage(visit_of(request, client), crowd_id).start()


class CrowdPage:
    """One browser tab. Who is answered is who was seen: newcomers wait for the next look."""

    def __init__(self, visit: Visit, crowd_id: int) -> None:
        self.visit = visit
        self._crowd_id = crowd_id
        self._opened: Opened | None = None
        self._left_out: set[int] = set()
        self._start = 0
        self._run: Run | None = None
        self._sent: list[int] = []
        with frame(visit, "待办", "kb crowd-page"):
            self._head = tag("div", "kb-entry-head")
            self._body = tag("div", "kb-entry-body")
            with self._body:
                with tag("section", "crowd-list").props('aria-label="提问的人"'):
                    self._rows = tag("div", "kb-rows")
                    self._foot = tag("div", "pager")
                with tag("section", "kb-beside").props('aria-label="答复"'):
                    self._build_answer()
        ui.on("console-key", lambda event: self._key(str(event.args)))

    def _build_answer(self) -> None:
        self._about = tag("div", "crowd-about")
        self._box = ui.textarea("答复，每件单独发出、各自计时").classes("wide crowd-text reply-box")
        self._box.props('outlined autogrow input-style="min-height: 132px; max-height: 46vh"')
        self._box.on("keydown.ctrl.enter", self.send)
        self._box.on("keydown.meta.enter", self.send)
        with tag("div", "bulk-hint"):
            word(_HINT, "soft grow")
            button("常用语", "y").on_click(lambda: put_phrase(self.visit, _BOX))
        self._send = button("", strong=True)
        self._send.on_click(self.send)
        self._told = tag("div", "crowd-told").props('role="status"')

    async def start(self) -> None:
        await self.look()
        if self._opened is None:
            self._none()
            return
        self._box.value = self._opened.text
        self.visit.pulse.listen(self.visit.page, self._hear)
        ui.timer(_LOOK, self._tick)

    def _none(self) -> None:
        self._body.clear()
        with self._body, tag("div", "nothing grow"):
            word("打不开这一组。", "nothing-title", name="h1")
            word("没有这一组，或它不在您负责的账号和单位里。")
            with tag("a").props('href="/console/"'):
                word("回到待办")

    @on_page
    async def look(self) -> None:
        """Show who waits now; those taken out stay taken out."""
        desk = self.visit.desk.crowds
        found = await self.visit.ask(lambda staff: desk.open(staff, self._crowd_id))
        if found is None:
            return
        seen = {one.case_id for one in self._opened.askers} if self._opened else set()
        fresh = (one for one in found.askers if one.case_id not in seen)
        self._left_out |= {one.case_id for one in fresh if one.apart}
        self._opened = found
        self._show()

    async def _hear(self) -> None:
        """Something changed: who is to be answered must not change under a person's eyes."""
        if not await self.visit.alive():
            self.visit.leave()
            return
        if self._run is not None or self._opened is None:
            return
        desk, shown = self.visit.desk.crowds, self._opened
        now = await self.visit.latest(
            "crowd", lambda s: desk.marks(s, self._crowd_id), acting=False
        )
        known = {(one.case_id, one.version) for one in shown.askers}
        if now is not None and now != known:
            self._news(now, known)

    def _news(self, now: set[tuple[int, int]], known: set[tuple[int, int]]) -> None:
        """Say what is different now, and let the person take it in."""
        come, gone = len(now - known), len(known - now)
        self._told.clear()
        with self._told:
            word(f"有变化：{come} 件新来或有新内容，{gone} 件已办或变了。", "warn")
            button("看最新的", "l").on_click(self.look)

    def _chosen(self) -> list[tuple[int, int]]:
        askers = self._opened.askers if self._opened else []
        return [(one.case_id, one.version) for one in askers if one.case_id not in self._left_out]

    # ---- what is shown ----

    def _show(self) -> None:
        opened = self._opened
        if opened is None:
            return
        self._show_head(opened)
        self._rows.clear()
        self._start = min(self._start, max(0, len(opened.askers) - 1) // _PAGE * _PAGE)
        with self._rows:
            for one in opened.askers[self._start : self._start + _PAGE]:
                self._row(one)
            if not opened.askers:
                word("这一组都办完了。", "nothing-title")
        self._show_foot(len(opened.askers))
        self._told.clear()
        self._count()

    def _show_head(self, opened: Opened) -> None:
        self._head.clear()
        asks = opened.entry.question if opened.entry else _first(opened)
        with self._head:
            with tag("a", "act kb-back").props('href="/console/"'):
                word("‹ 待办")
            word(f"{len(opened.askers):,} 件问同一件事：{asks}", "kb-entry-title", name="h1")
            word(f"{opened.account} · {post_name(opened.crowd, opened.title)}下的评论", "soft")
        self._about.clear()
        with self._about:
            if opened.entry is not None:
                link = tag("a", "kb-link")
                link.props["href"] = address(opened.entry.id)
                with link:
                    word(f"拟答依据：{opened.entry.question}")
            if opened.review_steps > 1:
                word(f"这个账号要 {opened.review_steps} 步审核，每件各走一步。", "soft", name="div")
            if not opened.text and any(one.steps for one in opened.askers):
                word(_AS_APPROVED, "soft", name="div")

    def _row(self, one: Asker) -> None:
        now = self.visit.desk.office.now()
        with tag("label", "bulk-line crowd-row"):
            box = ui.checkbox(value=one.case_id not in self._left_out)
            box.props(f'dense aria-label="答复 #{one.case_id}"')
            box.on_value_change(lambda event: self._tick_one(one.case_id, bool(event.value)))
            with tag("span", "bulk-what"):
                word(one.text or "（没有文字）")
                with tag("span", "line-foot"):
                    if one.urgency:
                        word(URGENCY[one.urgency], f"urgent u{one.urgency}")
                    with tag("a", "kb-link").props(f'href="/console/case/{one.case_id}"'):
                        word(f"#{one.case_id}")
                    word(one.name or "（没有昵称）")
                    word(ago(one.opened_at, now), "", exact_moment(one.opened_at))
                    if one.due_at is not None:
                        late = "bad" if one.due_at < now else ""
                        word(f"{spoken_day(one.due_at)}前", late, exact_moment(one.due_at))
                    word(f"已审 {one.steps} 步", "told") if one.steps else None
                    word(one.apart, "told") if one.apart else None

    def _show_foot(self, total: int) -> None:
        self._foot.clear()
        with self._foot:
            if total > _PAGE:
                last = min(self._start + _PAGE, total)
                word(f"第 {self._start + 1:,}–{last:,} 件，共 {total:,} 件")
                back = button("上一页").on_click(lambda: self._turn(-_PAGE))
                back.set_enabled(self._start > 0)
                button("下一页").on_click(lambda: self._turn(_PAGE)).set_enabled(last < total)
            if total:
                button("全选").on_click(lambda: self._choose_all(every=True))
                button("全不选").on_click(lambda: self._choose_all(every=False))

    def _turn(self, step: int) -> None:
        self._start = max(0, self._start + step)
        self._show()

    def _choose_all(self, *, every: bool) -> None:
        askers = self._opened.askers if self._opened else []
        self._left_out = set() if every else {one.case_id for one in askers}
        self._show()

    def _tick_one(self, case_id: int, chosen: bool) -> None:
        (self._left_out.discard if chosen else self._left_out.add)(case_id)
        self._count()

    def _count(self) -> None:
        self._send.clear()
        with self._send:
            word(f"给这 {len(self._chosen()):,} 件各发一份")
            word("Ctrl+Enter", "key", name="kbd")
        self._send.set_enabled(bool(self._chosen()) and self._run is None)

    # ---- answering ----

    @on_page
    async def send(self) -> None:
        """The answer to each of those chosen, with how far it is."""
        opened, picks = self._opened, self._chosen()
        if opened is None or not picks or self._run is not None:
            return
        text = str(await ui.run_javascript(f"document.querySelector('{_BOX}').value"))
        run = self._run = Run(len(picks), [])
        self._count()
        desk, entry = self.visit.desk.crowds, opened.entry_id
        done = await self.visit.ask(
            lambda s: desk.answer(s, self._crowd_id, picks, text, entry, run)
        )
        self._run = None
        await self.look()
        if done is not None:
            self._outcome(done)

    def _tick(self) -> None:
        """How far the answer is, while it is on its way."""
        run = self._run
        if run is None:
            return
        self._told.clear()
        with self._told:
            word(f"正在发：{len(run.done):,} / {run.total:,} 件。离开这一页也会发完。")
            button("停下").on_click(lambda: setattr(run, "stop", True))

    def _outcome(self, run: Run) -> None:
        sent, missed = run.sent, [one for one in run.done if not one.sent]
        seconds = int(self.visit.desk.office.rules.undo.total_seconds())
        self._told.clear()
        with self._told:
            rest = run.total - len(run.done)
            more = f"，{rest:,} 件没有轮到" if rest else ""
            word(f"{len(sent):,} 件已办，{len(missed):,} 件没有{more}。", "asked-decision")
            if sent and seconds:
                undo = button(f"全部撤销（{seconds} 秒内）", "u")
                undo.on_click(lambda: self._take_back(sent))
                ui.timer(seconds, undo.delete, once=True)
            for one in missed[:_PAGE]:
                with tag("div", "bulk-outcome"):
                    with tag("a", "kb-link").props(f'href="/console/case/{one.case_id}"'):
                        word(f"#{one.case_id}")
                    word(one.said, "bad")
        self._sent = sent

    @on_page
    async def _take_back(self, sent: list[int]) -> None:
        said = await self.visit.ask(lambda s: self.visit.desk.crowds.take_back(s, sent))
        if said:
            self._sent = []
            self.visit.tell(said)
            await self.look()

    @on_page
    async def _key(self, key: str) -> None:
        if key == "y":
            await put_phrase(self.visit, _BOX)
        elif key == "u" and self._sent:
            await self._take_back(self._sent)
        elif key == "l":
            await self.look()
        elif key == "Escape":
            ui.navigate.to("/console/")
        elif key == "?":
            show_keys(_KEYS)


def _first(opened: Opened) -> str:
    return opened.askers[0].text if opened.askers else ""
