"""One case on one screen: the conversation, the draft, what it rests on, and the actions."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime

from nicegui import ui

from bot.channels.base import Attachment
from bot.channels.cutting import split_at_sense
from bot.desk import perfunctory
from bot.desk.countdown import ago, countdown, exact_moment, window
from bot.desk.drafting import basis
from bot.desk.inbox import Item, Spoken
from bot.desk.office import DeskError
from bot.desk.placeholders import fill
from bot.desk.taskcards import summary
from bot.evasion import find
from handlers.console.pages.deciding import VERBS
from handlers.console.pages.parts import button, more, tag, word
from handlers.console.pages.side import side
from handlers.console.pages.suggesting import suggest
from handlers.console.pages.work import Work
from handlers.console.visit import Visit, on_page
from handlers.console.words import ATTACHMENTS, DELIVERIES, PURPOSES
from knowledge.catalog import Entry
from knowledge.masking import mask
from storage.files import PREFIX
from storage.models import Case, Task
from storage.terms import CaseState, DeliveryState, DraftKind, ExclusionCode, Purpose, TaskKind

_STEPS = ("", "初审", "复审", "终审")
_SUBJECT = 60
_AT_HAND = 5
_TOO_LATE = (
    "平台现在不让主动回复：照常写好发出，答复会存着，群众再来消息时自动送达，送达前计时不停。"
    "等不及的请打电话等另想办法。"
)
_URGENCY = ("", "较急", "紧急")


class Panel:
    """Shows one case; ``done`` is called when it is dealt with, ``left`` to go back.

    ``reopen`` puts a case on the screen as the queue does.
    """

    def __init__(
        self,
        visit: Visit,
        done: Callable[[int], Awaitable[None]],
        left: Callable[[], object],
        reopen: Callable[[int], Awaitable[None]],
    ) -> None:
        self.visit = visit
        self.reopen = reopen
        self.item: Item | None = None
        self._done = done
        self._left = left
        self.text = ""
        self.work = Work(self)
        self._root = tag("section", "item")
        self._notice: ui.element | None = None
        self._clock: ui.element | None = None
        self._main: ui.button | None = None
        self._checks: ui.element | None = None

    def now(self) -> datetime:
        return self.visit.desk.office.now()

    @property
    def case_id(self) -> int | None:
        return self.item.case.id if self.item else None

    async def open(self, case_id: int) -> bool:
        """Put a case on the screen; False when that is refused."""
        inbox, session_id = self.visit.desk.inbox, self.visit.seat.session_id
        item = await self.visit.ask(lambda s: inbox.open(s, case_id, session_id))
        if item is None:
            return False
        self.item = item
        self.text = item.view.draft.text if item.view.draft else ""
        self._show(item)
        return True

    def close(self, missing: int | None = None) -> None:
        """Nothing is open; ``missing`` is the number of a case that could not be."""
        self.item = None
        self._root.clear()
        with self._root, tag("div", "nothing"):
            if missing is not None:
                word(f"打不开 #{missing}。", "nothing-title")
                word("没有这一件，或它不在您负责的账号和单位里。")
                with tag("a").props('href="/console/"'):
                    word("回到待办")
            else:
                word("从左边选一件开始。", "nothing-title")
                word("按 j、k 上下移动，按 ? 看全部按键。")

    @on_page
    async def renew(self, *, keep_text: bool = False) -> None:
        """Show the case as it is by now; ``keep_text`` keeps what was typed."""
        case_id = self.case_id
        if case_id is None:
            return
        item = await self.visit.ask(lambda s: self.visit.desk.inbox.look_again(s, case_id))
        if item is None:
            return
        self.item = item
        if not keep_text:
            self.text = item.view.draft.text if item.view.draft else ""
        self._show(item)

    @on_page
    async def heard(self) -> None:
        """Something changed in the office: say so if it is about this case."""
        if self.item is None or self.case_id is None or self._notice is None:
            return
        case_id, inbox = self.case_id, self.visit.desk.inbox
        item = await self.visit.ask(lambda s: inbox.look_again(s, case_id), acting=False)
        if item is None or self.item is None or item.case.id != self.case_id:
            return
        self._notice.clear()
        with self._notice:
            if item.present:
                word(f"{'、'.join(item.present)}也在看这件", "present")
            if item.case.version != self.item.case.version:
                word("这件诉求刚有变化。", "changed")
                button("看最新的", "l").on_click(lambda: self.renew())

    async def finished(self) -> None:
        if self.case_id is not None:
            await self._done(self.case_id)

    @on_page
    async def use(self, entry_id: str) -> None:
        """Take another entry's answer as the draft."""
        item = self.item
        if item is None:
            return
        case, bench = item.case, self.visit.desk.workbench
        said = await self.visit.ask(lambda s: bench.use(s, case.id or 0, case.version, entry_id))
        if said:
            await self.renew()

    @on_page
    async def suggest(self, entry: Entry) -> None:
        """Propose this citizen's wording, or another, for an entry."""
        if self.item is not None:
            await suggest(self.visit, entry, self.item.case.subject)

    @on_page
    async def note(self, text: str) -> None:
        case_id = self.case_id
        if case_id is None:
            return
        bench = self.visit.desk.workbench
        if await self.visit.ask(lambda s: bench.note(s, case_id, text)):
            await self.renew(keep_text=True)

    def _show(self, item: Item) -> None:
        self._root.clear()
        with self._root:
            self._head(item)
            self._standing(item)
            with tag("div", "item-body"):
                with tag("div", "work"):
                    self._talk(item.talk)
                    if item.case.state == CaseState.WAITING:
                        self._reply(item)
                    else:
                        self._settled(item)
                with tag("aside", "side").props('aria-label="依据与经过"'):
                    side(self, item)

    def _head(self, item: Item) -> None:
        case, view = item.case, item.view
        with tag("div", "item-head"):
            button("返回").classes("back").on_click(self._left)
            with tag("div", "title"):
                if case.urgency:
                    word(_URGENCY[case.urgency], f"urgent u{case.urgency}")
                word(f"#{case.id}", "number", name="h2")
                word(case.category, "category")
                word(f"{view.account.name} · {view.account.platform}", "soft account")
                word(case.department or "承办未定", "soft")
                name = item.names.get(case.assignee_id or 0, "")
                word(f"{name}在办" if name else "未认领", "soft")
                if view.together > 1 and case.state == CaseState.WAITING:
                    with tag("a", "kb-link").props(f'href="/console/crowd/{case.crowd_id}"'):
                        word(f"同一帖子下共 {view.together:,} 件同问", "crowd-size")
            self._clock = tag("div", "clock")
            self.tick()
        self._notice = tag("div", "notice").props('aria-live="polite"')
        with self._notice:
            if item.present:
                word(f"{'、'.join(item.present)}也在看这件", "present")

    def tick(self) -> None:
        """The countdown as it is now."""
        if self.item is None or self._clock is None:
            return
        case = self.item.case
        left = countdown(case, self.visit.desk.office.rules.calendar, self.now())
        self._clock.clear()
        with self._clock:
            if case.state in (CaseState.WAITING, CaseState.CLARIFYING, CaseState.RECEIVED):
                word(left.words, f"left {left.tone}", left.exact)
                if open_for := window(self.item.reply_until, self.now()):
                    word(open_for.words, f"window {open_for.tone}", open_for.exact)
            else:
                word(CaseState(case.state).label, "left none")

    def _standing(self, item: Item) -> None:
        """What must not be overlooked, each in a line."""
        case, view = item.case, item.view
        lines = [f"注意：{case.reason}"] if case.reason else []
        if case.excluded:
            lines.append(f"已剔除：{ExclusionCode(case.excluded).label}（照常答复，不计入考核）")
        if item.reply_until and item.reply_until <= self.now():
            lines.append(_TOO_LATE)
        if not view.citizen.reachable:
            lines.append("群众可能已屏蔽账号，答复也许送不到。")
        with tag("div", "standing"):
            for line in lines:
                word(line, "standing-line", name="div")
            for one in view.absorbed:
                self._absorbed(one)
            for task in view.tasks:
                self._task(task)

    def _absorbed(self, merged: Case) -> None:
        with tag("div", "standing-line task"):
            told = mask(merged.subject[:_SUBJECT]) or "（没有文字）"
            word(f"已并入 #{merged.id}：{told}")
            if self.item is not None and self.item.case.state != CaseState.MERGED:
                number = merged.id or 0
                button("撤销合并").on_click(lambda: self.work.unmerge(number))

    def _task(self, task: Task) -> None:
        with tag("div", "standing-line task"):
            word(f"{TaskKind(task.kind).label}：{'；'.join(summary(task))}")
            for verb, title in VERBS.get(TaskKind(task.kind), {}).items():
                button(title).on_click(lambda verb=verb: self.work.decide(task, verb))

    def _talk(self, talk: list[Spoken]) -> None:
        with tag("div", "talk").props('role="log" aria-label="对话" tabindex="0"'):
            for one in talk:
                with tag("div", "said mine" if one.mine else "said"):
                    with tag("div", "said-head"):
                        word(self._speaker(one))
                        word(ago(one.at, self.now()), "soft", exact_moment(one.at))
                    word(one.text or "（没有文字）", "said-text", name="div")
                    for held in one.attachments:
                        self._attachment(held)
                    for number, version in enumerate(one.versions, 1):
                        word(f"原文 {number}：{version.text}", "version", name="div")

    def _speaker(self, one: Spoken) -> str:
        if not one.mine:
            return "群众"
        what = PURPOSES.get(Purpose(one.purpose), "通知")
        return f"{what} · {DELIVERIES[DeliveryState(one.state)]}"

    def _reply(self, item: Item) -> None:
        with tag("div", "reply"):
            draft = item.view.draft
            asks = draft is not None and draft.kind == DraftKind.REQUEST
            title = "待审的补充请求" if asks else "答复"
            box = ui.textarea(label=title, value=self.text).classes("wide reply-box")
            box.props('outlined autogrow debounce="200" input-style="max-height: 38vh"')
            box.on_value_change(lambda event: self._typed(event.value or ""))
            box.on("keydown.ctrl.enter", self.work.send)
            box.on("keydown.meta.enter", self.work.send)
            self._checks = tag("div", "checks").props('aria-live="polite"')
            with tag("div", "actions"):
                self._main = button(self._main_title(), "a", strong=True)
                self._main.on_click(self.work.send)
                acts = self.work.shown(item)
                for title, key, act in acts[:_AT_HAND]:
                    button(title, key).on_click(act)
                more(acts[_AT_HAND:])
            self._check()

    async def typed(self) -> str:
        """What stands in the box at this moment: the last keys may not have been told yet."""
        if self.item is None or self.item.case.state != CaseState.WAITING:
            return self.text
        found = await ui.run_javascript("document.querySelector('.reply-box textarea').value")
        self.text = str(found)
        return self.text

    def _main_title(self) -> str:
        item = self.item
        if item is None:
            return ""
        steps, draft = item.view.account.review_steps, item.view.draft
        edited = draft is None or self.text != draft.text
        if steps == 1:
            return "发送改后的答复" if edited else "采用并发送"
        number = len(draft.approvals if draft else ()) + 1
        return f"{_STEPS[min(number, 3)]}通过" + ("并发送" if number >= steps else "")

    def _typed(self, text: str) -> None:
        self.text = text
        self._check()
        if self._main is not None:
            self._main.clear()
            with self._main:
                word(self._main_title())
                word("a", "key", name="kbd")

    def _check(self) -> None:
        """Length, what must not be published, and what would not stop the clock."""
        item = self.item
        if self._checks is None or item is None:
            return
        text, missing = self._filled(item)
        parts = split_at_sense(text, item.limit) if text.strip() else []
        expired = next(
            (one.usable for one in item.proposals if self._is_entry(item, one.entry.id)), ""
        )
        self._checks.clear()
        with self._checks:
            word(f"{len(text)} 字，发 {len(parts)} 条（每条最多 {item.limit:,} 字）", "soft")
            if text != self.text:
                word(f"发出时写作：{text}", "soft filled", name="div")
            if missing:
                word(missing, "bad", name="div")
            for finding in self.visit.desk.inbox.findings(text)[:3]:
                said, tone = ("不能发", "bad") if finding.blocks else ("提醒", "warn")
                word(f"{said}：{finding}", tone, name="div")
            if expired:
                word(f"不能采用：所依据的条目{expired}，请改写或换一条。", "bad", name="div")
            if text and (evasive := find(text, item.view.text)):
                word(perfunctory.warning(evasive), "warn", name="div")

    def _filled(self, item: Item) -> tuple[str, str]:
        """What was typed with its placeholders filled in, and which of them cannot be."""
        try:
            screen = self.visit.desk.office.library.screen
            return fill(self.text, item.case, item.view.citizen, screen), ""
        except DeskError as error:
            return self.text, str(error)

    def _is_entry(self, item: Item, entry_id: str) -> bool:
        draft = item.view.draft
        return draft is not None and entry_id in basis(draft) and self.text == draft.original

    def _settled(self, item: Item) -> None:
        with tag("div", "reply settled"):
            word(f"现在是“{CaseState(item.case.state).label}”，不用处理。", "soft")
            if item.case.state != CaseState.MERGED:
                title, key, act = self.work.counting(item)
                button(title, key).on_click(act)
            if item.held_until and item.held_until > self.now():
                button("撤销发送", "u", strong=True).on_click(self.work.take_back)

    def _attachment(self, held: Attachment) -> None:
        with tag("div", "attachment"):
            _described(held)
            if held.reference.startswith(PREFIX):
                button("下载").on_click(lambda: self._fetch(held.reference))
            elif held.reference and self.item is not None:
                word(self.item.elsewhere, "soft")

    @on_page
    async def _fetch(self, reference: str) -> None:
        """Hand a file over to be kept; it is never opened on this page."""
        item, files = self.item, self.visit.desk.files
        number = item.case.id if item is not None else None
        if number is None:
            return
        sent = await self.visit.ask(lambda staff: files.read(staff, number, reference))
        if sent is not None:
            ui.download.content(sent.content, sent.name, "application/octet-stream")


def _described(held: Attachment) -> None:
    """What was sent beside words, by its kind and name: nothing of it is opened here."""
    kind = ATTACHMENTS.get(held.kind, "附件")
    told = [mask(held.title[:_SUBJECT])] if held.title else []
    size = held.details.get("file_size")
    if isinstance(size, int):
        told.append(f"{max(size // 1024, 1):,} KB")
    length = held.details.get("duration")
    if isinstance(length, int):
        told.append(f"{length} 秒")
    place = held.details.get("latitude"), held.details.get("longitude")
    if None not in place:
        told.append(f"纬度 {place[0]}，经度 {place[1]}")
    word(kind, "kb-state")
    word("，".join(told), "soft")
