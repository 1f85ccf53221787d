"""One entry of the knowledge base: written with its looks and checks beside it, and its past."""

from __future__ import annotations

from dataclasses import replace

from fastapi import Request
from nicegui import Client, ui

from bot.desk.catalogue import Opened
from bot.desk.countdown import ago, exact_moment
from bot.desk.desktop import DECIDERS
from bot.desk.editing import FIELDS, Checked, Kept, texts
from handlers.console.pages.gold import confirm_broken
from handlers.console.pages.openings import openings
from handlers.console.pages.parts import button, choose, pick, show_keys, tag, word
from handlers.console.pages.past import past
from handlers.console.pages.preview import show_previews
from handlers.console.pages.shelf import STANDINGS, TONES, address, edits, shelf
from handlers.console.pages.suggesting import suggest
from handlers.console.visit import PATIENCE, Visit, on_page, visit_of
from knowledge.catalog import Entry
from storage.models import Staff

_LOOK = 10.0
_LONG = {"answer": "答案", "similar": "相似问，一行一个", "links": "办事入口，一行一个：名称 网址"}
_DAYS = ("effective_on", "expires_on", "review_on")
_HINTS = {
    "basis": "例：《居民身份证法》第十一条",
    "topic": "例：户籍",
    "effective_on": "2026-01-02，空为已生效",
    "expires_on": "2026-12-31，空为长期",
    "review_on": "到这天提醒复核",
}
_KEYS = {
    "e": "改答案",
    "Ctrl+Enter": "保存",
    "l": "看最新的",
    "b": "回到列表",
    "Esc": "离开输入框",
    "?": "这张表",
}
_EMPTY = Entry("", "", "")
_HELD = """Object.fromEntries([...document.querySelectorAll('.kb-form [data-field]')].map(
  one => [one.dataset.field, one.value]))"""


@ui.page("/knowledge/entry", response_timeout=PATIENCE)
async def entry(request: Request, client: Client) -> None:
    await EntryPage(visit_of(request, client)).start(request.query_params.get("id", ""))


@ui.page("/knowledge/new", response_timeout=PATIENCE)
async def new_entry(request: Request, client: Client) -> None:
    await EntryPage(visit_of(request, client)).begin(request.query_params.get("question", ""))


class EntryPage:
    """An entry in the making: what is typed is looked at by the desk, and kept when told to."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self._opened: Opened | None = None
        self._fields: dict[str, str] = {}
        self._departments: list[str] = []
        self._turn = 0
        with shelf(visit, "", "kb-entry"):
            self._head = tag("div", "kb-entry-head")
            self._notice = tag("div", "notice").props('aria-live="polite"')
            with tag("div", "kb-entry-body"):
                self._form = tag("section", "kb-form").props('aria-label="条目"')
                with tag("aside", "kb-beside").props('aria-label="检查、预览与经过"'):
                    self._checks = tag("section", "part").props('aria-live="polite"')
                    self._previews = tag("section", "part")
                    self._openings = tag("section", "part")
                    self._past = tag("div")
        self._form.on("keydown.ctrl.enter", self._save)
        self._form.on("keydown.meta.enter", self._save)
        ui.on("console-key", lambda event: self._key(str(event.args)))

    async def start(self, entry_id: str) -> None:
        """Show an entry that is there."""
        catalogue = self.visit.desk.catalogue
        self._departments = await self.visit.ask(lambda _: catalogue.departments()) or []
        opened = await self._look(entry_id)
        if opened is None:
            with self._form, tag("div", "nothing"):
                word("知识库里没有这一条。", "nothing-title")
            return
        await self._show(opened)
        ui.timer(_LOOK, self._heard, immediate=False)

    async def begin(self, question: str) -> None:
        """Show an empty form for a new entry."""
        desk = self.visit.desk
        self._departments = await self.visit.ask(lambda _: desk.catalogue.departments()) or []
        number = await self.visit.ask(lambda _: desk.editing.fresh_id())
        self._fields = texts(replace(_EMPTY, id=number or "", question=question[:500]))
        self._show_head()
        self._show_form(editable=edits(self.visit))
        await self._judge()

    async def _look(self, entry_id: str, *, acting: bool = True) -> Opened | None:
        catalogue = self.visit.desk.catalogue
        return await self.visit.ask(lambda s: catalogue.open(s, entry_id), acting=acting)

    async def _show(self, opened: Opened) -> None:
        self._opened, self._fields = opened, texts(opened.entry)
        self._notice.clear()
        self._show_head()
        self._show_form(editable=opened.editable and opened.standing != "retired")
        past(self.visit, self._past, opened, self._restore)
        await openings(self.visit, self._openings, opened.entry.id)
        await self._judge()

    @on_page
    async def _renew_asked(self) -> None:
        """Show the newest, unless what was typed would be lost and that is not wanted."""
        known = self._opened
        if known is None:
            return
        await self._settle()
        lost = self._fields != texts(known.entry)
        if not lost or await choose("您写的还没有保存。", {"yes": "不要了，看最新的"}):
            await self._renew()

    @on_page
    async def _renew(self) -> None:
        if self._opened is not None:
            opened = await self._look(self._opened.entry.id)
            if opened is not None:
                await self._show(opened)
                self._mark_typed(typed=False)

    async def _heard(self) -> None:
        """Say so when a colleague changed the entry meanwhile."""
        known = self._opened
        if known is None:
            return
        now = await self._look(known.entry.id, acting=False)
        if now is None or now.version == known.version or self._opened is not known:
            return
        who = now.names.get(_number(now.versions[0].actor), "有人") if now.versions else "有人"
        self._notice.clear()
        with self._notice:
            word(f"{who}刚改过这一条，现在是第 {now.version} 版。")
            button("看最新的", "l").on_click(self._renew_asked)

    def _show_head(self) -> None:
        opened = self._opened
        self._head.clear()
        with self._head:
            back = tag("a", "act kb-back").props('href="/console/knowledge"')
            with back:
                word("‹ 条目")
            word(opened.entry.question if opened else "新建条目", "kb-entry-title", name="h1")
            if opened is not None:
                state = opened.standing
                word(STANDINGS[state], f"kb-state {TONES.get(state, '')}")
                if opened.to_review:
                    word("要复核", "kb-state soon", f"应于 {opened.entry.review_on} 复核")
                now = self.visit.desk.office.now()
                when = ago(opened.changed_at, now)
                told = f"第 {opened.version} 版 · {when}"
                word(told, "soft", exact_moment(opened.changed_at))
            tag("span", "grow")
            self._buttons(opened)

    def _buttons(self, opened: Opened | None) -> None:
        if opened is None:
            if edits(self.visit):
                button("新建", "Ctrl+Enter", strong=True).on_click(self._save)
            else:
                word("要由审核、主管或管理员新建。", "soft")
        elif not opened.editable:
            word("只看；要由负责的审核、主管或管理员来改。", "soft")
            if opened.standing != "retired":
                button("提相似问").on_click(self._suggest)
        elif opened.standing == "retired":
            button("启用", strong=True).on_click(self._bring_back)
        else:
            button("停用").on_click(self._retire)
            button("保存", "Ctrl+Enter", strong=True).on_click(self._save)

    def _show_form(self, *, editable: bool) -> None:
        self._form.clear()
        with self._form:
            self._field("question", editable, classes="kb-wide")
            self._area("answer", editable, "reply-box")
            self._area("similar", editable)
            self._area("links", editable)
            with tag("div", "kb-fields"):
                self._field("basis", editable)
                self._department(editable)
                self._field("topic", editable)
                for name in _DAYS:
                    self._field(name, editable)
                self._automatic(editable)
                self._field("id", editable and self._opened is None)

    def _field(self, name: str, editable: bool, classes: str = "") -> ui.input:
        made = ui.input(FIELDS[name], value=self._fields[name], placeholder=_HINTS.get(name))
        made.props('outlined dense debounce="300"' + ("" if editable else " readonly"))
        made.props["data-field"] = name
        made.on_value_change(lambda event: self._typed(name, event.value or ""))
        return made.classes(classes)

    def _area(self, name: str, editable: bool, classes: str = "") -> None:
        made = ui.textarea(_LONG[name], value=self._fields[name]).classes(f"wide {classes}")
        made.props('outlined autogrow debounce="300" input-style="max-height: 46vh"')
        made.props("" if editable else "readonly")
        made.props["data-field"] = name
        made.on_value_change(lambda event: self._typed(name, event.value or ""))

    def _department(self, editable: bool) -> None:
        """One of those there are, or a new one."""
        present = self._fields["department"]
        made = ui.select(
            sorted({*self._departments, present} - {""}),
            label=FIELDS["department"],
            value=present or None,
            with_input=True,
            new_value_mode="add-unique",
            clearable=True,
        )
        made.props("outlined dense hide-dropdown-icon").set_enabled(editable)
        made.on_value_change(lambda event: self._typed("department", event.value or ""))

    def _automatic(self, editable: bool) -> None:
        """Only those who decide approve; others may only take an approval away."""
        approved = self._fields["automatic"] == "是"
        may = self.visit.seat.staff.role in DECIDERS or approved
        options = {"否": "人工审核后答复", "是": "批准自动答复"}
        made = pick("答复方式", options, self._fields["automatic"])
        made.set_enabled(editable and may)
        made.on_value_change(lambda event: self._typed("automatic", event.value))

    @on_page
    async def _typed(self, name: str, value: str) -> None:
        if self._fields[name] == value:
            return
        self._fields[name] = value
        self._mark_typed(typed=self._opened is None or self._fields != texts(self._opened.entry))
        await self._judge()

    def _mark_typed(self, *, typed: bool) -> None:
        """Let the browser ask before it leaves what is not saved."""
        guard = "event => { event.preventDefault(); return ''; }" if typed else "null"
        ui.run_javascript(f"window.onbeforeunload = {guard}")

    async def _judge(self) -> None:
        """The checks and the looks of what stands there now; the latest look wins."""
        self._turn += 1
        turn, desk = self._turn, self.visit.desk
        known = self._opened.entry if self._opened else None
        fields = dict(self._fields)
        checked = await self.visit.ask(lambda _: desk.editing.check(fields, known))
        if checked is None or turn != self._turn:
            return
        self._show_checks(checked)
        self._previews.clear()
        with self._previews:
            word("群众看到的样子", "part-title", name="h2")
            entry = checked.entry
            if entry is None:
                word("写好标准问和答案后显示。", "soft")
                return
        shown = await self.visit.ask(lambda _: desk.catalogue.previews(entry))
        if shown is not None and turn == self._turn:
            with self._previews:
                show_previews(shown)

    def _show_checks(self, checked: Checked) -> None:
        dead = self._opened.dead if self._opened else {}
        self._checks.clear()
        with self._checks:
            word("检查", "part-title", name="h2")
            for one in sorted(checked.remarks, key=lambda one: not one.bad)[:8]:
                said = f"不能保存：{one.text}" if one.bad else f"注意：{one.text}"
                word(said, "bad" if one.bad else "warn", name="div")
            for url, problem in dead.items():
                word(f"注意：上次检查时打不开 {url}（{problem}）", "warn", name="div")
            if not checked.remarks and not dead:
                word("没有发现问题。", "soft", name="div")

    @on_page
    async def _save(self) -> None:
        """Keep what stands in the form, the last keys too."""
        await self._settle()
        fields, opened = dict(self._fields), self._opened
        version = opened.version if opened else 0
        editing = self.visit.desk.editing
        kept = await self.visit.ask(lambda s: editing.save(s, fields, version))
        if kept is not None and not kept.version and await confirm_broken(kept.broken, "保存"):
            kept = await self.visit.ask(
                lambda s: editing.save(s, fields, version, accept_broken=True)
            )
        await self._told(kept, fields["id"])

    async def _settle(self) -> None:
        """Ask the browser for what the fields hold: a key may be pressed before it was told."""
        held = await ui.run_javascript(_HELD)
        self._fields |= {name: str(held[name]) for name in FIELDS if name in held}

    async def _told(self, kept: Kept | None, entry_id: str) -> None:
        if kept is None or not kept.version:
            return
        self.visit.tell(kept.said)
        self._mark_typed(typed=False)
        opened = await self._look(entry_id.strip())
        if opened is None:
            return
        if self._opened is None:
            ui.navigate.history.replace(address(opened.entry.id))
        await self._show(opened)

    @on_page
    async def _suggest(self) -> None:
        if self._opened is not None:
            await suggest(self.visit, self._opened.entry)

    @on_page
    async def _retire(self) -> None:
        opened, editing = self._opened, self.visit.desk.editing
        if opened is None or not await choose(
            "停用这一条？", {"yes": "停用，不再用来答复，内容和经过保留"}
        ):
            return
        entry_id, version = opened.entry.id, opened.version
        said = await self.visit.ask(lambda s: editing.retire(s, entry_id, version))
        await self._after(said)

    @on_page
    async def _bring_back(self) -> None:
        opened, editing = self._opened, self.visit.desk.editing
        if opened is not None:
            entry_id, version = opened.entry.id, opened.version
            said = await self.visit.ask(lambda s: editing.bring_back(s, entry_id, version))
            await self._after(said)

    @on_page
    async def _restore(self, number: int) -> None:
        opened, editing = self._opened, self.visit.desk.editing
        question = f"恢复到第 {number} 版？"
        if opened is None or not await choose(question, {"yes": "恢复，存成新的一版"}):
            return
        entry_id, version = opened.entry.id, opened.version

        async def again(staff: Staff, *, accept: bool = False) -> Kept:
            return await editing.restore(staff, entry_id, version, number, accept_broken=accept)

        kept = await self.visit.ask(again)
        if kept is not None and not kept.version and await confirm_broken(kept.broken, "恢复"):
            kept = await self.visit.ask(lambda s: again(s, accept=True))
        await self._told(kept, entry_id)

    async def _after(self, said: str | None) -> None:
        if said:
            self.visit.tell(said)
            await self._renew()

    @on_page
    async def _key(self, key: str) -> None:
        if key == "l":
            await self._renew_asked()
        elif key == "b":
            ui.navigate.to("/knowledge")
        elif key == "?":
            show_keys(_KEYS)


def _number(actor: str) -> int:
    tail = actor.removeprefix("staff:")
    return int(tail) if tail.isdigit() else 0
