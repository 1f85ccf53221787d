"""The list at the left: what waits, why it stands where it stands, and how to narrow it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import datetime

from nicegui import ui

from bot.clock import Calendar
from bot.desk.countdown import ago, countdown, exact_moment
from bot.desk.escalation import spoken_point
from bot.triage import Category
from handlers.console.pages.crowdline import SUBJECT, URGENCY, crowd_line
from handlers.console.pages.parts import button, choose, pick, sheet, tag, word
from handlers.console.visit import Visit, on_page
from knowledge.masking import mask
from storage.inbox import PAGE, Line
from storage.inbox import Page as Lines
from storage.models import SavedView, Staff
from storage.narrowing import Filters
from storage.terms import CaseState

_TABS = (
    ("waiting", "待办", Filters()),
    ("overdue", "超期", Filters(age="overdue")),
    ("mine", "我的", Filters(assignee="me")),
    ("escalated", "督办", Filters(state="escalated")),
    ("review", "待复审", Filters(state="review")),
    ("mentioned", "提到我", Filters(state="mentioned")),
    ("done", "已办", Filters(state="done")),
)
_AGES = {
    "": "不限",
    "overdue": "已超期",
    "soon": "一天内到期",
    "1d": "等了 1 天以上",
    "3d": "等了 3 天以上",
    "7d": "等了 7 天以上",
}
_STATES = {
    "waiting": "待人工",
    "review": "待复审",
    "clarifying": "等群众选择",
    "done": "已办",
    "escalated": "督办",
    "mentioned": "提到我",
    "all": "全部",
}
_EACH = {"": "同问合成一行", "1": "逐件列出"}
_KINDS = {"": "不限", "direct": "私信、咨询", "comment": "评论"}


class Queue:
    """Lines in pages from the server; ``opened`` is called with the case a person picks."""

    def __init__(
        self, visit: Visit, filters: Filters, opened: Callable[[int], Awaitable[None]]
    ) -> None:
        self.visit = visit
        self._opened = opened
        self.filters = filters
        self._start = 0
        self._lines = Lines([], 0, 0)
        self._shown: object = None
        self._rows: dict[int | None, ui.element] = {}
        self.current: int | None = None
        self._build()

    def _build(self) -> None:
        with tag("section", "queue").props('aria-label="待办列表"'):
            self._tabs = tag("div", "tabs").props('role="tablist"')
            with tag("div", "search"):
                self._search = ui.input(placeholder="搜内容、答复、昵称、编号（/）").props(
                    'outlined dense clearable debounce="300" aria-label="搜索"'
                )
                self._search.on_value_change(lambda event: self._look_for(event.value or ""))
                button("筛选").on_click(self._narrow)
            self._chips = tag("div", "chips")
            self._list = tag("div", "lines").props('role="list"')
            self._foot = tag("div", "pager")

    async def refresh(self) -> None:
        """Look again, and show what there is now."""
        filters = self._asked()
        inbox, start = self.visit.desk.inbox, self._start

        async def look(staff: Staff) -> tuple[Lines, dict[str, int]]:
            return await inbox.page(staff, filters, start), await inbox.counts(staff)

        found = await self.visit.latest("queue", look, acting=False)
        if found is None:
            return
        page, counts = found
        if not page.lines and self._start:
            self._start = max(0, self._start - PAGE)
            await self.refresh()
            return
        self._lines = page
        shown = (counts, filters, start, [_mark(line) for line in page.lines], _minute(self.visit))
        if shown != self._shown:
            self._shown = shown
            self._show_tabs(counts)
            self._show_chips()
            self._show_lines()

    def neighbour(self, step: int) -> int | None:
        """The case before or after the current one; the first when there is none.

        A crowd stands there with its number turned negative.
        """
        ids = [_number(line) for line in self._lines.lines]
        if not ids:
            return None
        if self.current not in ids:
            return ids[0]
        place = ids.index(self.current) + step
        return ids[place] if 0 <= place < len(ids) else None

    def after(self, case_id: int) -> int | None:
        """What to take up when this case is done."""
        ids = [number for line in self._lines.lines if (number := _number(line)) > 0]
        place = ids.index(case_id) if case_id in ids else -1
        rest = ids[place + 1 :] + ids[: max(place, 0)]
        return rest[0] if rest else None

    def mark(self, case_id: int | None) -> None:
        """Show which case is open."""
        if self.current in self._rows:
            self._rows[self.current].classes(remove="here").props(remove="aria-current")
        self.current = case_id
        if case_id in self._rows:
            self._rows[case_id].classes(add="here").props('aria-current="true"')

    def stand_on(self, number: int) -> None:
        """Put the cursor on a line; Enter opens it."""
        self.mark(number)
        if number in self._rows:
            self._rows[number].run_method("focus")

    def _asked(self) -> Filters:
        me = str(self.visit.seat.staff.id)
        mine = self.filters.assignee == "me"
        return replace(self.filters, assignee=me) if mine else self.filters

    @on_page
    async def _set(self, filters: Filters) -> None:
        self.filters, self._start = filters, 0
        await self.refresh()

    @on_page
    async def _look_for(self, text: str) -> None:
        await self._set(replace(self.filters, text=text))

    def _show_tabs(self, counts: dict[str, int]) -> None:
        self._tabs.clear()
        plain = replace(self.filters, text="")
        with self._tabs:
            for key, title, filters in _TABS:
                here = plain == filters
                made = tag("button", "tab" + (" here" if here else ""))
                made.props(f'role="tab" aria-selected="{str(here).lower()}"')
                made.on("click", lambda filters=filters: self._set(filters))
                with made:
                    word(title)
                    if counts.get(key):
                        word(f"{counts[key]:,}", "count" + (" late" if key == "overdue" else ""))

    def _show_chips(self) -> None:
        """What the list is narrowed to beside the tab, each with a way out."""
        self._chips.clear()
        standing = any(replace(self.filters, text="") == one for _, _, one in _TABS)
        shown = {} if standing else self._narrowed()
        with self._chips:
            for name, title in shown.items():
                made = tag("button", "chip").props(f'aria-label="取消筛选：{title}"')
                made.on("click", lambda name=name: self._set(replace(self.filters, **{name: ""})))
                with made:
                    word(title)
                    word("×")

    def _narrowed(self) -> dict[str, str]:
        filters = self.filters
        found = {
            "account": filters.account,
            "department": filters.department,
            "category": filters.category,
            "kind": _KINDS.get(filters.kind, "") if filters.kind else "",
            "age": _AGES.get(filters.age, "") if filters.age else "",
            "each": _EACH["1"] if filters.each else "",
            "assignee": {"": "", "me": "我的", "none": "未认领"}.get(filters.assignee, "某同事的"),
        }
        return {name: title for name, title in found.items() if title}

    def _show_lines(self) -> None:
        now = self.visit.desk.office.now()
        calendar = self.visit.desk.office.rules.calendar
        self._list.clear()
        self._rows.clear()
        with self._list:
            if not self._lines.lines:
                _nothing(self.filters)
            for line in self._lines.lines:
                if line.crowd is None:
                    self._line(line, calendar, now)
                else:
                    library, number = self.visit.desk.office.library, _number(line)
                    made = crowd_line(line, line.crowd, library, calendar, now)
                    self._rows[number] = made.classes("here" if number == self.current else "")
        self._foot.clear()
        with self._foot:
            self._pager()

    def _line(self, line: Line, calendar: Calendar, now: datetime) -> None:
        case, left = line.case, countdown(line.case, calendar, now)
        here = " here" if case.id == self.current else ""
        row = tag("a", f"line {left.tone}{here}")
        row.props(f'href="/console/case/{case.id}" role="listitem" data-case="{case.id}"')
        if here:
            row.props('aria-current="true"')
        self._rows[case.id] = row
        row.on(
            "click",
            lambda case=case: self._opened(case.id or 0),
            js_handler="(e) => { if (!e.ctrlKey && !e.metaKey) { e.preventDefault(); emit(); } }",
        )
        with row:
            with tag("span", "line-head"):
                if case.urgency:
                    word(URGENCY[case.urgency], f"urgent u{case.urgency}")
                word(case.category, "category")
                word(mask(case.subject[:SUBJECT]) or "（没有文字）", "subject")
            with tag("span", "line-foot"):
                open_now = case.state in (CaseState.WAITING, CaseState.CLARIFYING)
                if open_now:
                    word(left.words, f"left {left.tone}", left.exact)
                    if line.escalated:
                        word("督办", "told", f"已提醒：{spoken_point(line.escalated)}")
                else:
                    word(CaseState(case.state).label, "left none")
                word(case.reason, "reason") if case.reason else None
                word(case.department or "承办未定", "department")
                word(ago(case.opened_at, now), "age", f"来自 {exact_moment(case.opened_at)}")
                if case.snoozed_until and case.snoozed_until > now:
                    word("已放后", "snoozed", exact_moment(case.snoozed_until))
                if line.assignee:
                    word(line.assignee, "assignee", f"{line.assignee}已认领")
                if line.present:
                    word(f"{'、'.join(line.present)}正在看", "present")

    def _pager(self) -> None:
        total, start = self._lines.total, self._start
        alone = total == self._lines.cases
        unit = "件" if alone else f"行、{self._lines.cases:,} 件"
        if total <= PAGE:
            word(f"共 {total:,} {unit}")
            return
        last = min(start + PAGE, total)
        word(f"第 {start + 1:,}–{last:,} {'件' if alone else '行'}，共 {total:,} {unit}")
        back = button("上一页").on_click(lambda: self._turn(-PAGE))
        back.set_enabled(start > 0)
        button("下一页").on_click(lambda: self._turn(PAGE)).set_enabled(start + PAGE < total)

    @on_page
    async def _turn(self, step: int) -> None:
        self._start = max(0, self._start + step)
        await self.refresh()

    @on_page
    async def _narrow(self) -> None:
        """The filters in a sheet, with the views this person saved."""
        inbox = self.visit.desk.inbox
        accounts, departments, colleagues = await self.visit.errands.run(inbox.choices())
        views = await self.visit.ask(inbox.views) or []
        people = {"": "不限", "me": "我的", "none": "未认领"}
        people |= {str(number): name for number, name in colleagues.items()}
        known = self.filters
        with sheet("筛选") as dialog:
            if views:
                _saved(views, dialog)
            account = _pick("账号", {"": "不限", **accounts}, known.account).props("autofocus")
            department = _pick("承办单位", {"": "不限", **_same(departments)}, known.department)
            category = _pick("类别", {"": "不限", **_same(list(Category))}, known.category)
            kind = _pick("渠道", _KINDS, known.kind)
            state = _pick("状态", _STATES, known.state)
            age = _pick("时间", _AGES, known.age)
            assignee = _pick("谁在办", people, known.assignee)
            each = _pick("同一帖子下问同一件事的", _EACH, known.each)

            def chosen() -> Filters:
                return Filters(
                    state=state.value,
                    account=account.value,
                    department=department.value,
                    category=category.value,
                    kind=kind.value,
                    age=age.value,
                    assignee=assignee.value,
                    text=known.text,
                    each=each.value,
                )

            with tag("div", "sheet-foot"):
                button("清空").on_click(lambda: dialog.submit(Filters()))
                button("存为视图").on_click(lambda: dialog.submit(("keep", chosen())))
                button("确定", strong=True).on_click(lambda: dialog.submit(chosen()))
        await self._narrowed_to(await dialog)

    @on_page
    async def _narrowed_to(self, answer: object) -> None:
        inbox = self.visit.desk.inbox
        if isinstance(answer, Filters):
            await self._set(answer)
        elif isinstance(answer, tuple):
            name = await choose("给这个视图起个名字", {}, words="名称")
            if name:
                filters = answer[1]
                await self.visit.ask(lambda s: inbox.keep_view(s, name[1:], filters))
                await self._set(filters)
        elif answer is not None:
            number = getattr(answer, "id", 0)
            await self.visit.ask(lambda s: inbox.drop_view(s, number))


def _number(line: Line) -> int:
    """The number of a line's case, or of its crowd, turned negative."""
    return (line.case.id or 0) if line.crowd is None else -(line.crowd.crowd.id or 0)


def _mark(line: Line) -> tuple[object, ...]:
    """What of a line can change on the screen."""
    case = line.case
    marks = case.id, case.version, case.updated_at, case.assignee_id
    size = line.crowd.size if line.crowd is not None else 1
    return *marks, line.present, line.escalated, size


def _minute(visit: Visit) -> int:
    return int(visit.desk.office.now().timestamp()) // 60


def _pick(title: str, options: dict[str, str], value: str) -> ui.select:
    return pick(title, options, value).classes("wide")


def _saved(views: Sequence[SavedView], dialog: ui.dialog) -> None:
    """The views that a person saved, each to be taken or dropped."""
    with tag("div", "chips"):
        for view in views:
            kept = Filters.from_json(view.filters)
            chip = tag("button", "chip")
            chip.on("click", lambda kept=kept: dialog.submit(kept))
            with chip:
                word(view.name)
            drop = tag("button", "chip").props(f'aria-label="删除视图 {view.name}"')
            drop.on("click", lambda view=view: dialog.submit(view))
            with drop:
                word("×")


def _same(words: list[str]) -> dict[str, str]:
    return {str(one): str(one) for one in words}


def _nothing(filters: Filters) -> None:
    with tag("div", "nothing"):
        if filters == Filters():
            word("都办完了。", "nothing-title")
            word("有新的留言需要人办时，会自己出现在这里。")
        else:
            word("没有符合条件的诉求。", "nothing-title")
            word("换个条件，或取消筛选看看。")
