"""账号健康: who publishes, who answers, which entrances are dead, which accounts do the same."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from fastapi import Request
from nicegui import Client, ui

from bot.assessment import Figures, Reach
from bot.assessment.model import SPAN_NAMES
from bot.desk.supervision import Ask
from bot.reports.measures import NO_DATA
from handlers.console.pages import gauges
from handlers.console.pages.addresses import case_list
from handlers.console.pages.charts import cell
from handlers.console.pages.figures import refused, ways
from handlers.console.pages.frame import frame
from handlers.console.pages.parts import tag, word
from handlers.console.visit import PATIENCE, Visit, visit_of

_AGES = {
    "within_7_days": "7 日内",
    "within_30_days": "8 至 30 日",
    "within_91_days": "31 至 91 日",
    "older": "超过 91 日",
}
_BAD = ("clue", "zombie")


@ui.page("/health", title="账号健康 · 问办", response_timeout=PATIENCE)
async def health(request: Request, client: Client) -> None:
    await HealthPage(visit_of(request, client)).start()


class HealthPage:
    """As of now, whatever the period."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        with frame(visit, "看板", "sheet-page figures-page"):
            ways("账号健康")
            self._body = tag("div", "figures-body")

    async def start(self) -> None:
        desk, at = self.visit.desk.supervision, self.visit.desk.office.now()
        found = await self.visit.ask(lambda staff: desk.health(staff, at))
        if found is None:
            refused(self._body)
            return
        with self._body:
            self._said(found)
            _accounts(found["accounts"], at)
            _links(found["links"])
            _same(found["same_function"])

    def _said(self, found: Figures) -> None:
        names = {one["key"]: one["name"] for one in found["accounts"]}
        limited = gauges.own_reach(self.visit.seat.staff, names)
        rules = self.visit.desk.office.rules
        word("账号健康", "part-name big", name="h1")
        word(f"{limited}截止 {_minute(found['as_of'])}，不受起止日期限制。", "soft", name="p")
        word(f"依据：{found['basis']}", "soft small", name="p")
        word(
            "未答复与看板“等待中”同一口径：有效的、还没有正式答复的件，按自然日分段；时限方案 "
            f"{rules.profile.name}（{rules.profile.basis}），日历 {rules.calendar.version}。",
            "soft small",
            name="p",
        )


def _accounts(rows: Sequence[Figures], at: datetime) -> None:
    with tag("section", "sheet-box"):
        word("账号", "part-name", name="h2")
        if not rows:
            word("没有您能看的账号。", "soft")
            return
        heads = ("账号", "平台", "主办单位", "状态", "最后发布", "未更新（日）", "未答复（件）")
        with tag("div", "scroll"), tag("table", "numbers wide-table starts"):
            _head((*heads, *_AGES.values(), "最久（日）", "提示"))
            with tag("tbody"):
                for one in rows:
                    _account(one, at)


def _account(one: Figures, at: datetime) -> None:
    own = one["unanswered"] or {}
    waits = own.get("all", 0)
    ask = Ask("counts.unanswered.all", at, by="account", group=one["key"])
    with tag("tr"):
        word(one["name"], name="th").props('scope="row"')
        for text in (one["platform"], one["sponsor"] or "未登记"):
            word(text, name="td")
        word(one["stands"], "bad" if one["rung"] in _BAD else "", name="td")
        word(_minute(one["last_published_at"]), name="td")
        word(NO_DATA if one["days_silent"] is None else f"{one['days_silent']:,}", name="td")
        with tag("td"):
            cell(f"{waits:,}", case_list(ask) if waits else "")
        mine = Ask(ask.figure, at, by="span", within=Reach(accounts=(one["key"],)))
        for age, span in zip(_AGES, SPAN_NAMES, strict=True):
            n = own.get(age, 0)
            with tag("td"):
                opened = case_list(replace(mine, group=span)) if n else ""
                cell(f"{n:,}", opened, "bad" if age == "older" and n else "")
        word(f"{own['oldest_days']:.0f}" if own else NO_DATA, name="td")
        word("；".join(one["warnings"]) or "", "words", name="td")


def _links(links: Figures) -> None:
    with tag("section", "sheet-box"):
        word("办事入口", "part-name", name="h2")
        word(
            f"共 {links['total']} 个，查过 {links['checked']} 个，打不开 {links['dead']} 个，"
            f"没查过 {links['unchecked']} 个。每天凌晨查一遍。",
            name="p",
        )
        with tag("a", "kb-link").props('href="/console/knowledge/links"'):
            word("看办事入口，现在查一遍")
        if links["dead"]:
            with tag("div", "scroll"), tag("table", "numbers wide-table starts"):
                _head(("办事入口", "承办单位", "情况", "从何时起", "网址"))
                with tag("tbody"):
                    for one in links["dead_links"]:
                        _dead(one)


def _dead(one: Figures) -> None:
    with tag("tr"):
        word(one["label"], name="th").props('scope="row"')
        word("、".join(one["departments"]), name="td")
        word(one["problem"], "bad", name="td")
        word(_minute(one["failing_since"]), name="td")
        word(one["url"], "words", name="td")


def _same(groups: Sequence[Figures]) -> None:
    with tag("section", "sheet-box"):
        word("整合建议", "part-name", name="h2")
        if not groups:
            word("没有看起来功能相同的账号。", "soft")
        for number, group in enumerate(groups, 1):
            names = dict(zip(group["accounts"], group["names"], strict=True))
            word(f"第 {number} 组：{'、'.join(group['names'])}", name="h3")
            with tag("ul"):
                for pair in group["pairs"]:
                    why = "；".join(pair["reasons"])
                    word(f"{names[pair['a']]}、{names[pair['b']]}：{why}", name="li")
        word("只是提出，由人决定。", "soft small", name="p")


def _head(titles: Sequence[str]) -> None:
    with tag("thead"), tag("tr"):
        for title in titles:
            word(title, name="th").props('scope="col"')


def _minute(text: Any) -> str:
    return text[:16].replace("T", " ") if text else NO_DATA
