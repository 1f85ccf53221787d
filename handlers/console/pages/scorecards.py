"""计分卡 and the download of whole reports, both of a period that is chosen."""

from __future__ import annotations

from dataclasses import replace

from fastapi import Request
from nicegui import Client, ui

from bot.assessment import Figures
from bot.assessment.scorecard import RANKED_BY, Band
from bot.desk.desktop import DECIDERS
from bot.desk.supervision import Ask
from bot.reports import Report
from bot.reports.appendices import aim, scorecard_notes, scored, scored_value
from bot.reports.measures import DIMENSIONS, group_name
from handlers.console.pages import gauges
from handlers.console.pages.addresses import case_list
from handlers.console.pages.charts import cell
from handlers.console.pages.figures import Choice, period_bar, refused, ways
from handlers.console.pages.frame import frame
from handlers.console.pages.parts import button, tag, word
from handlers.console.visit import PATIENCE, Visit, on_page, visit_of

_TONES = {Band.MET: "met", Band.NEAR: "near", Band.MISSED: "bad"}
_PARTS = (("met", "达标"), ("near", "接近"), ("missed", "未达标"), ("unassessed", "未评"))
_WEIGHTS = "权重：达标 / 接近 / 未达标 / 未评"
_MOST = 60
_FORMS = {
    "docx": ("下载 Word 通报", "可直接改了发；版式照 GB/T 9704，图可改数据"),
    "xlsx": ("下载 Excel", "概览和图、各维度、计分卡、诉求清单、账号健康、口径说明"),
    "html": ("下载网页", "一个文件，不联网，手机、电脑、打印都能看"),
    "json": ("下载 json", "供别的程序用，键稳定；不含群众的话"),
}


@ui.page("/scorecards", title="计分卡 · 问办", response_timeout=PATIENCE)
async def scorecards(
    request: Request, client: Client, period: str = "last", first: str = "", last: str = ""
) -> None:
    await ScorecardsPage(visit_of(request, client), Choice(period, first, last)).start()


@ui.page("/reports", title="报表 · 问办", response_timeout=PATIENCE)
async def reports(
    request: Request, client: Client, period: str = "last", first: str = "", last: str = ""
) -> None:
    ReportsPage(visit_of(request, client), Choice(period, first, last))


class ScorecardsPage:
    """Every group's figures against their targets; places only when asked for."""

    def __init__(self, visit: Visit, choice: Choice) -> None:
        self.visit, self._choice = visit, choice
        with frame(visit, "看板", "sheet-page figures-page", "计分卡"):
            ways("计分卡")
            period_bar(visit, choice, self._chosen)
            self._rank = ui.checkbox("排名次", on_change=self._chosen)
            self._rank.props["title"] = RANKED_BY
            self._body = tag("div", "figures-body")

    async def start(self) -> None:
        await self._look()

    @on_page
    async def _chosen(self) -> None:
        ui.navigate.history.replace(f"/console/scorecards?{self._choice.query}")
        await self._look()

    @on_page
    async def _look(self) -> None:
        desk, at = self.visit.desk.supervision, self.visit.desk.office.now()
        period, rank = self._choice.period(self.visit), bool(self._rank.value)
        report = await self.visit.ask(lambda s: desk.scorecards(s, period, at, rank=rank))
        if report is None:
            refused(self._body)
            return
        self._body.clear()
        with self._body:
            word(gauges.head_line(report), "head-line", name="p")
            if not report.figures["scorecards"]:
                word("还没有计分卡：在 config.toml 的 assessment.scorecard_file 里指定。", "soft")
            for card in report.figures["scorecards"]:
                _card(report, card, Ask("", at, period))
            gauges.standing(report)


def _card(report: Report, card: Figures, ask: Ask) -> None:
    with tag("section", "sheet-box"):
        word(card["name"], "part-name", name="h2")
        for note in (*scorecard_notes(card), "括号里的样本不足，— 是没有数据，都不评。"):
            word(note, "soft small", name="p")
        for dimension in DIMENSIONS:
            rows = card.get(f"by_{dimension}")
            if rows is None:
                continue
            word(f"按{DIMENSIONS[dimension]}", "part-name", name="h3")
            if not rows:
                word("这段时间没有留言。", "soft")
                continue
            _table(report, card, dimension, ask)


def _table(report: Report, card: Figures, dimension: str, ask: Ask) -> None:
    rows = card[f"by_{dimension}"]
    ranked = any("rank" in own for own in rows.values())
    order = sorted(
        rows, key=lambda name: (rows[name].get("rank") or _MOST**3, -rows[name]["valid"])
    )
    with tag("div", "scroll"), tag("table", "numbers wide-table score"):
        with tag("thead"), tag("tr"):
            places = ["名次"] if ranked else []
            heads = [
                DIMENSIONS[dimension],
                *places,
                "有效数（件）",
                _WEIGHTS,
            ]
            for title in (*heads, *(aim(one) for one in card["metrics"]), "痕迹（次）"):
                word(title, name="th")
        with tag("tbody"):
            for name in order[:_MOST]:
                narrowed = replace(ask, by=dimension, group=name)
                _row(report, card, rows[name], narrowed)
    if len(order) > _MOST:
        word(f"只列前 {_MOST} 个，另有 {len(order) - _MOST} 个，见下载的报表。", "soft small")


def _row(report: Report, card: Figures, own: Figures, ask: Ask) -> None:
    with tag("tr"):
        word(group_name(ask.by, ask.group, report.names), name="th").props('scope="row"')
        if "rank" in own:
            word(str(own["rank"] or "不排"), "", own["unranked_because"] or "", name="td")
        with tag("td"):
            cell(f"{own['valid']:,}", _opened(ask, "counts.valid") if own["valid"] else "")
        with tag("td"):
            _weights(own)
        for metric in card["metrics"]:
            found = own["metrics"][metric["key"]]
            band, told = Band(found["band"]), scored(metric, found)
            shown = scored_value(metric, found)
            if band is Band.FEW:
                shown = f"（{shown}）"
            elif band is not Band.NONE:
                shown = f"{shown}　{band}"
            opened = _opened(ask, metric["key"]) if found["n"] else ""
            with tag("td", "band"):
                cell(shown, opened, _TONES.get(band, "soft"), told)
        with tag("td"):
            cell(f"{own['traces']:,}", _opened(ask, "traces") if own["traces"] else "")


def _weights(own: Figures) -> None:
    """The weights as one bar, and in words for whoever does not see it."""
    told = "，".join(f"{title} {own[f'weight_{key}']:g}" for key, title in _PARTS)
    with tag("span", "weights").props(f'title="{told}"'):
        with tag("span", "weights-bar").props('aria-hidden="true"'):
            for key, _ in _PARTS:
                if own[f"weight_{key}"]:
                    tag("span", f"weight {key}").style(f"width:{own[f'weight_{key}']:g}%")
        word(" / ".join(f"{own[f'weight_{key}']:g}" for key, _ in _PARTS))


def _opened(ask: Ask, figure: str) -> str:
    return case_list(replace(ask, figure=figure))


class ReportsPage:
    """Choose a period and a format; the file is made on the server and noted in the audit."""

    def __init__(self, visit: Visit, choice: Choice) -> None:
        self.visit, self._choice = visit, choice
        with frame(visit, "看板", "sheet-page figures-page"):
            ways("报表")
            word("下载报表", "part-name big", name="h1")
            if visit.seat.staff.role not in DECIDERS:
                word("报表由主管或管理员下载。", "soft")
                return
            word("按留言日期统计，截止到下载的时刻；谁在何时下载的，记在审计里。", "soft", name="p")
            period_bar(visit, choice, self._chosen)
            self._rank = ui.checkbox("计分卡排名次")
            self._rank.props["title"] = RANKED_BY
            with tag("div", "forms"):
                for form, (title, text) in _FORMS.items():
                    with tag("div", "form-row"):
                        made = button(title, strong=form == "docx").classes("boxed")
                        made.on_click(lambda form=form: self._take(form))
                        word(text, "soft")
            if limited := gauges.own_reach(visit.seat.staff):
                word(f"{limited}报表里写明。", "soft", name="p")

    async def _chosen(self) -> None:
        ui.navigate.history.replace(f"/console/reports?{self._choice.query}")

    @on_page
    async def _take(self, form: str) -> None:
        desk, period = self.visit.desk.supervision, self._choice.period(self.visit)
        self.visit.tell("正在生成…")
        made = await self.visit.ask(
            lambda s: desk.document(s, period, form, rank=bool(self._rank.value))
        )
        if made is not None:
            ui.download.content(made.content, made.name)
