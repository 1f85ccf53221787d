"""The cases behind a figure, page by page from the server; each opens its item."""

from __future__ import annotations

from datetime import timedelta

from fastapi import Request
from nicegui import Client, ui

from bot.desk.countdown import exact_moment, lasting
from bot.desk.desktop import DECIDERS
from bot.desk.supervision import PAGE, Ask, title_of, unanswered_only
from bot.reports import CaseList, Report, Row, measures
from bot.reports.appendices import case_number
from bot.reports.measures import DIMENSIONS, MORE_DIMENSIONS, Kind, due_time, group_name
from handlers.console.pages import gauges
from handlers.console.pages.addresses import asked, case_list, number
from handlers.console.pages.figures import ways
from handlers.console.pages.frame import frame
from handlers.console.pages.parts import button, choose, tag, word
from handlers.console.visit import PATIENCE, Visit, on_page, visit_of

_COLUMNS = (
    *("诉求", "状态", "承办单位", "账号", "类别"),
    *("留言时间", "到期时间", "答复时间", "已等", "内容"),
)
_FORMS = {
    "xlsx": "Excel（最多 50,000 件）",
    "html": "网页（最多 5,000 件）",
    "json": "json，供程序用（最多 50,000 件）",
}
_SHARED = {one.path: one for one in measures.ALL if one.kind is not Kind.COUNT}


@ui.page("/cases", title="诉求清单 · 问办", response_timeout=PATIENCE)
async def cases(request: Request, client: Client) -> None:
    visit = visit_of(request, client)
    query = request.query_params
    ask = asked(query, visit.desk.office.now())
    page = CasesPage(visit, ask, number(query.get("start", "")), newest="newest" in query)
    await page.start()


class CasesPage:
    """One page of the list; the others are other addresses, so that going back works."""

    def __init__(self, visit: Visit, ask: Ask, start: int, *, newest: bool) -> None:
        self.visit, self._ask = visit, ask
        self._start, self._newest = start - start % PAGE, newest
        with frame(visit, "看板", "sheet-page figures-page"):
            ways("")
            self._body = tag("div", "figures-body")

    async def start(self) -> None:
        desk, ask = self.visit.desk.supervision, self._ask
        found = await self.visit.ask(
            lambda staff: desk.cases(staff, ask, self._start, newest=self._newest)
        )
        with self._body:
            if found is None:
                word("打不开这个数字", "nothing-title", name="h1")
                word("数字只给审核、主管和管理员看；网址不全的，请回到看板重新点开。", "soft")
            else:
                self._show(found, found.lists[ask.figure])

    def _show(self, report: Report, cases: CaseList) -> None:
        with tag("div", "cases-head"):
            word(_title(report, cases), name="h1")
            word(f"{cases.total:,} 件", "cases-total")
            tag("span", "grow")
            if self.visit.seat.staff.role in DECIDERS and cases.total:
                button("下载清单").on_click(self._download)
        word(_explained(cases), "soft", name="p")
        only = "截止时还没有答复的留言" if unanswered_only(self._ask) else ""
        counted = f"只算{only}　" if only else ""
        word(f"{counted}{gauges.head_line(report)}", "head-line", name="p")
        self._pager(cases)
        if cases.rows:
            with tag("div", "scroll"), tag("table", "numbers case-rows"):
                with tag("thead"), tag("tr"):
                    for title in _COLUMNS:
                        word(title, name="th").props('scope="col"')
                with tag("tbody"):
                    for row in cases.rows:
                        _line(report, row)
            if cases.total > PAGE:
                self._pager(cases)
        else:
            word("这里一件也没有。", "nothing-title")
        gauges.standing(report, only)

    def _pager(self, cases: CaseList) -> None:
        with tag("nav", "pages").props('aria-label="翻页"'):
            other = case_list(self._ask, newest=not self._newest)
            if cases.total > 1:
                _way("先看最早的" if self._newest else "先看最新的", other)
            tag("span", "grow")
            if cases.total > PAGE:
                first, last = self._start + 1, min(self._start + PAGE, cases.total)
                word(f"第 {first:,}–{last:,} 件，共 {cases.total:,} 件")
                _way("上一页", self._at(-PAGE) if self._start else "")
                _way("下一页", self._at(PAGE) if last < cases.total else "")

    def _at(self, step: int) -> str:
        return case_list(self._ask, self._start + step, newest=self._newest)

    @on_page
    async def _download(self) -> None:
        form = await choose("下载成什么格式？（留审计记录）", _FORMS)
        if form is None:
            return
        desk = self.visit.desk.supervision
        self.visit.tell("正在生成…")
        made = await self.visit.ask(lambda staff: desk.list_document(staff, self._ask, form))
        if made is not None:
            ui.download.content(made.content, made.name)


def _way(title: str, address: str) -> None:
    if address:
        with tag("a", "page-way").props(f'href="{address}"'):
            word(title)
    else:
        word(title, "page-way off")


def _title(report: Report, cases: CaseList) -> str:
    of = ""
    if cases.dimension:
        kind = (DIMENSIONS | MORE_DIMENSIONS).get(cases.dimension, "")
        of = f" · {kind} {group_name(cases.dimension, cases.group, report.names)}"
    return f"{title_of(cases.key)}{of}"


def _explained(cases: CaseList) -> str:
    if cases.key in _SHARED:
        kind = "这个比率" if _SHARED[cases.key].kind is Kind.SHARE else "这个分位数"
        return f"列出的是算{kind}用到的全部诉求。个人信息已隐去，点一行打开这件。"
    return "条数与看板上的数字相同。个人信息已隐去，点一行打开这件。"


def _line(report: Report, row: Row) -> None:
    turn = row.turn
    grade = f"，{measures.GRADES[turn.grade - 1]}" if turn.grade else ""
    notes = "、".join(filter(None, (measures.reason_of(turn), measures.traces_of(turn))))
    due = due_time(turn.due) + ("（暂定）" if turn.provisional else "")
    cells = (
        f"{measures.STANDS[turn.stand]}{grade}",
        group_name("department", turn.department, report.names),
        group_name("account", turn.account, report.names),
        turn.category,
        measures.day_and_time(turn.start),
        due,
        measures.day_and_time(turn.stop) if turn.stop else "",
        lasting(timedelta(hours=turn.natural_hours)),
    )
    with tag("tr"):
        head, address = tag("th").props('scope="row"'), f"/console/case/{turn.case_id}"
        with head, tag("a", "opens").props(f'href="{address}"'):
            word(case_number(row), hover=f"留言于 {exact_moment(turn.start)}")
        exact = {"已等": f"{turn.natural_hours:,.1f} 自然小时"}
        for name, text in zip(_COLUMNS[1:], cells, strict=False):
            word(text, "", exact.get(name, ""), "td").props(f'data-name="{name}"')
        with tag("td", "words"):
            with tag("a").props(f'href="{address}"'):
                word(row.text or "（没有文字）")
            if notes:
                word(notes, "soft note-line")
