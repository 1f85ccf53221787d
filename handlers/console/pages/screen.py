"""大屏: a few figures on a wall, big and quiet, without a word of or about any citizen."""

from __future__ import annotations

from fastapi import Request
from nicegui import Client, ui

from bot.desk.supervision import Present, period_of
from bot.reports import Report
from bot.reports.measures import ALL, group_name, written
from bot.reports.standing import reach_text
from handlers.console.pages.frame import main_part, only_one_main
from handlers.console.pages.parts import tag, word
from handlers.console.visit import PATIENCE, Visit, on_page, visit_of

_AGAIN = 30.0
_STYLES = "".join(
    f'<link rel="stylesheet" href="/console/assets/{name}.css">' for name in ("console", "screen")
)
_BY_PATH = {one.path: one for one in ALL}
_RATES = (
    ("on_time.rate", "on_time.denominator"),
    ("counts.answer_rate", "counts.valid"),
    ("response_hours.natural.median", "counts.valid"),
    ("satisfaction.positive_rate", "satisfaction.rated"),
)
_MOST = 8


@ui.page("/screen", response_timeout=PATIENCE, dark=True, title="大屏 · 问办")
async def screen(request: Request, client: Client) -> None:
    await Screen(visit_of(request, client)).start()


class Screen:
    """One wall. It looks again by itself, which keeps its session from ending as idle; whoever's
    session is over is led to sign in."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        only_one_main(visit.page)
        ui.add_head_html(_STYLES)
        ui.query(".nicegui-content").classes("shell wall")
        with tag("header", "wall-head"):
            word("留言办理", "wall-title", name="h1")
            self._scope = word("", "wall-scope")
            tag("span", "grow")
            self._clock = word("", "wall-clock")
            full = tag("button", "wall-full").props('aria-label="全屏"')
            full.on("click", js_handler="() => document.documentElement.requestFullscreen()")
            with full:
                word("全屏")
            with tag("a", "wall-full").props('href="/console/figures"'):
                word("返回")
        self._body = main_part("wall-body")
        self._foot = tag("footer", "wall-foot")

    async def start(self) -> None:
        if await self._look():
            ui.timer(_AGAIN, self._look, immediate=False)

    @on_page
    async def _look(self) -> bool:
        desk, now = self.visit.desk.supervision, self.visit.desk.office.now()
        month = period_of("30d", self.visit.desk.office.today())
        present = await self.visit.ask(lambda staff: desk.present(staff, now))
        report = await self.visit.ask(lambda staff: desk.report(staff, month, now))
        self._body.clear()
        with self._body:
            if present is None or report is None:
                word("大屏只给审核、主管和管理员看。", "wall-note")
                return False
            _now(present)
            _rates(report)
            _departments(report)
        self._say(report)
        return True

    def _say(self, report: Report) -> None:
        figures = report.figures
        counts, profile = figures["counts"], figures["profile"]
        self._clock.text = f"{figures['cut_off'][5:16].replace('T', ' ')} 更新"
        self._scope.text = reach_text(report)
        self._foot.clear()
        with self._foot:
            word(
                f"近 30 日：原始 {counts['original']:,} · 剔除 {counts['excluded']:,} · "
                f"有效 {counts['valid']:,}　时限 {profile['name']}（{profile['basis']}）　"
                f"日历 {figures['calendar']['version']}　未答复的按删失计入等待"
            )


def _now(present: Present) -> None:
    overdue = present.waiting["overdue"] + present.waiting["over_3_months"]
    with tag("section", "wall-row now-row"):
        _big("今天收到", f"{present.today:,}", "件")
        _big("等待中", f"{present.waiting['all']:,}", "件")
        soon = present.waiting["due_soon"]
        _big("临期", f"{soon:,}", "件", "soon" if soon else "")
        _big("超期", f"{overdue:,}", "件", "late" if overdue else "")


def _rates(report: Report) -> None:
    with tag("section", "wall-row"):
        for path, base in _RATES:
            measure = _BY_PATH[path]
            section, _, name = base.partition(".")
            n = report.figures[section][name]
            _big(measure.title, written(report.figures, measure), f"近 30 日 · {n:,} 件")


def _departments(report: Report) -> None:
    found = report.figures["by_department"]
    late = {name: own["on_time"]["open_overdue"] for name, own in found.items()}
    order = sorted((name for name in late if late[name]), key=lambda name: -late[name])[:_MOST]
    with tag("section", "wall-list"):
        word("超期未答复的单位（近 30 日的留言）", "wall-name", name="h2")
        if not order:
            word("没有超期未答复的。", "wall-note")
        most = max((late[name] for name in order), default=1)
        for name in order:
            with tag("div", "wall-line"):
                word(group_name("department", name, report.names), "wall-who")
                with tag("span", "wall-bar").props('aria-hidden="true"'):
                    tag("span", "wall-fill").style(f"width:{100 * late[name] / most:.1f}%")
                word(f"{late[name]:,} 件", "wall-count")


def _big(title: str, value: str, note: str, tone: str = "") -> None:
    with tag("div", f"wall-tile {tone}"):
        word(title, "wall-name")
        word(value, "wall-value")
        word(note, "wall-unit")
