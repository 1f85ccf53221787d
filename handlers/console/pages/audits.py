"""审计: who did what to which case and when; to look at and take along, never to change."""

from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any
from urllib.parse import urlencode

from fastapi import Request
from nicegui import Client, ui

from bot.clock import SHANGHAI
from bot.desk.auditing import MOST, Deed, DeedPage
from bot.desk.countdown import ago, exact_moment
from bot.desk.deeds import KINDS
from handlers.console.pages.addresses import day, number
from handlers.console.pages.charts import cell
from handlers.console.pages.figures import STYLE
from handlers.console.pages.frame import frame
from handlers.console.pages.parts import button, choose, day_field, pick, tag, word
from handlers.console.visit import PATIENCE, Visit, on_page, visit_of
from storage.audit import Sought

_COLUMNS = ("时间", "谁", "做了什么", "对象", "详情")
_FORMS = {"xlsx": f"Excel（最多 {MOST:,} 条）", "csv": f"csv（最多 {MOST:,} 条）"}
_NAMES = ("actor", "action", "text", "case", "from", "to")


@ui.page("/audit", title="审计 · 问办", response_timeout=PATIENCE)
async def audits(request: Request, client: Client) -> None:
    query = {name: request.query_params.get(name, "") for name in _NAMES}
    before = number(request.query_params.get("before", "")) or None
    await AuditPage(visit_of(request, client), query, before).start()


class AuditPage:
    """What is looked for stands in the address, so that going back works."""

    def __init__(self, visit: Visit, query: dict[str, str], before: int | None) -> None:
        self.visit, self._query, self._before = visit, query, before
        ui.add_head_html(STYLE)
        with frame(visit, "审计", "sheet-page figures-page"):
            with tag("div", "cases-head"):
                word("审计", name="h1")
                word("只能看，不能改。", "soft")
                tag("span", "grow")
                button("导出").on_click(self._export)
            self._fields = tag("form", "sought").props('role="search"')
            self._fields.on("submit", js_handler="(e) => e.preventDefault()")
            self._body = tag("div", "figures-body")

    async def start(self) -> None:
        desk, sought = self.visit.desk.auditing, _sought(self._query)
        actors = await self.visit.ask(desk.actors)
        found = None
        if actors is not None:
            self._form(actors)
            found = await self.visit.ask(lambda staff: desk.page(staff, sought, self._before))
        with self._body:
            if found is None:
                word("审计只给不限范围的主管和管理员看。", "soft")
            else:
                self._show(found)

    def _form(self, actors: dict[str, str]) -> None:
        known = self._query
        with self._fields:
            made: dict[str, Any] = {
                "actor": pick("谁", {"": "不限", **actors}, known["actor"]),
                "action": pick("做了什么", {"": "不限", **KINDS}, known["action"]),
                "case": ui.input("诉求编号", value=known["case"]).props("dense outlined"),
                "text": ui.input("对象里有", value=known["text"]).props("dense outlined"),
                "from": day_field("从", known["from"]),
                "to": day_field("到", known["to"]),
            }

            def look() -> None:
                values = {name: str(one.value or "").strip() for name, one in made.items()}
                values["case"] = values["case"].removeprefix("#")
                ui.navigate.to(_address(values).removeprefix("/console"))

            for one in made.values():
                one.on("keydown.enter", look)
            button("查", strong=True).props("type=button").on_click(look)

    def _show(self, found: DeedPage) -> None:
        if not found.deeds:
            word("没有这样的记录。", "nothing-title")
            word("换个条件再查。", "soft")
            return
        now = self.visit.desk.office.now()
        with tag("div", "scroll"), tag("table", "numbers case-rows audit-rows"):
            with tag("thead"), tag("tr"):
                for title in _COLUMNS:
                    word(title, name="th").props('scope="col"')
            with tag("tbody"):
                for one in found.deeds:
                    self._line(one, now)
        with tag("nav", "pages").props('aria-label="翻页"'):
            if self._before is not None:
                _way("最新的", _address(self._query))
            tag("span", "grow")
            if found.older is not None:
                _way("更早的", _address({**self._query, "before": str(found.older)}))

    def _line(self, one: Deed, now: datetime) -> None:
        with tag("tr"):
            word(exact_moment(one.at), "", ago(one.at, now), name="th").props('scope="row"')
            for name, text, hover in (("谁", one.who, ""), ("做了什么", one.what, one.action)):
                word(text, "", hover, name="td").props(f'data-name="{name}"')
            with tag("td").props('data-name="对象"'):
                case = one.case_id
                shown = f"诉求 #{case}" if case else one.target
                if shown:
                    cell(shown, f"/console/case/{case}" if case else "")
            word(one.details, "words", name="td")

    @on_page
    async def _export(self) -> None:
        form = await choose("导出成什么格式？（也记审计）", _FORMS)
        if form is None:
            return
        desk, sought = self.visit.desk.auditing, _sought(self._query)
        self.visit.tell("正在生成…")
        made = await self.visit.ask(lambda staff: desk.export(staff, sought, form))
        if made is not None:
            ui.download.content(made.content, made.name)


def _way(title: str, address: str) -> None:
    with tag("a", "page-way").props(f'href="{address}"'):
        word(title)


def _address(query: dict[str, str]) -> str:
    kept = urlencode({name: value for name, value in query.items() if value})
    return f"/console/audit?{kept}" if kept else "/console/audit"


def _sought(query: dict[str, str]) -> Sought:
    first, last = day(query["from"]), day(query["to"])
    return Sought(
        actor=query["actor"],
        action=query["action"],
        text=query["text"],
        case_id=number(query["case"]) or None,
        first=datetime.combine(first, time(), SHANGHAI) if first else None,
        end=datetime.combine(last + timedelta(days=1), time(), SHANGHAI) if last else None,
    )
