"""The sheets behind the overview: scorecards, lists of cases, account health."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from bot.assessment import Figures
from bot.assessment.scorecard import RANKED_BY
from bot.reports import measures
from bot.reports.measures import DIMENSIONS, group_name
from bot.reports.model import CaseList, Report, Row
from bot.reports.sheets import COUNT, HOURS, MOMENT, Book, Field, Sheet
from bot.reports.standing import one_line

_RANK = 7
_BANDS = ("达标", "接近达标", "未达标", "未评")


def put_scorecard(book: Book, scorecard: Figures, report: Report) -> None:
    sheet = book.sheet(scorecard["name"])
    sheet.put(1, 1, scorecard["name"], "title")
    sheet.heighten(1, 28)
    for row, text in enumerate([one_line(report), *scorecard_notes(scorecard)], 2):
        sheet.put(row, 1, text, "note")
    fields, rows = scorecard_table(scorecard, report)
    sheet.table(fields, rows, top=row + 2)


def scorecard_notes(scorecard: Figures) -> list[str]:
    notes = [
        f"依据：{scorecard['basis']}。少于 {scorecard['minimum_sample']} 件的指标不评。",
        "没有数据或样本不足的，权重记在“未评”，不算达标也不算未达标，也不分给别的指标。",
    ]
    if any(
        "rank" in row
        for key, rows in scorecard.items()
        if key.startswith("by_")
        for row in rows.values()
    ):
        notes.append(f"排名：{RANKED_BY}。")
    return notes


def scorecard_table(scorecard: Figures, report: Report) -> tuple[list[Field], list[list[Any]]]:
    """One row a group: how much of the weight is met, then each figure with its band."""
    ranked = False
    rows = []
    for dimension, name in DIMENSIONS.items():
        for group, own in scorecard.get(f"by_{dimension}", {}).items():
            ranked |= "rank" in own
            weights = [own[f"weight_{part}"] for part in ("met", "near", "missed", "unassessed")]
            cells = [scored(one, own["metrics"][one["key"]]) for one in scorecard["metrics"]]
            place = [own["rank"], own["unranked_because"] or ""] if "rank" in own else []
            known = group_name(dimension, group, report.names)
            rows.append([known, name, own["valid"], *weights, *place, *cells, own["traces"]])
    if ranked:
        rows.sort(key=lambda row: row[_RANK] or len(rows) + 1)
    fields = [
        Field("名称"),
        Field("分组"),
        Field("有效数（件）", COUNT),
        *(Field(f"{band}权重", "0", "权重（合计 100）", 9) for band in _BANDS),
        *([Field("名次", "0"), Field("不排名的原因", width=24, wrap=True)] if ranked else []),
        *(Field(aim(one), section="指标", width=20, wrap=True) for one in scorecard["metrics"]),
        Field("痕迹（次）", COUNT),
    ]
    return fields, rows


def aim(metric: Figures) -> str:
    sign = "≤" if metric["lower_is_better"] else "≥"
    target = f"{metric['target']:g}小时" if metric["unit"] == "hours" else f"{metric['target']:.0%}"
    return f"{metric['name']} {sign}{target}（{metric['weight']:g}）"


def scored(metric: Figures, cell: Figures) -> str:
    return f"{scored_value(metric, cell)}　{cell['band']}（{cell['n']}件）"


def scored_value(metric: Figures, cell: Figures) -> str:
    value, exceeds = cell["value"], cell["exceeds"]
    if value is None:
        return f">{exceeds:,.1f}" if exceeds is not None else measures.NO_DATA
    return f"{value:,.1f}" if metric["unit"] == "hours" else measures.percent(value)


_CASE_FIELDS = (
    Field("诉求"),
    Field("账号", width=18, wrap=True),
    Field("渠道"),
    Field("类别"),
    Field("承办单位", width=18, wrap=True),
    Field("责任人"),
    Field("留言时间", MOMENT),
    Field("到期时间", MOMENT),
    Field("原到期时间", MOMENT),
    Field("答复时间", MOMENT),
    Field("等待（自然小时）", HOURS),
    Field("等待（工作小时）", HOURS),
    Field("状态"),
    Field("评价"),
    Field("剔除原因"),
    Field("痕迹", width=24, wrap=True),
    Field("内容（个人信息已隐去）", width=60, wrap=True),
)


def put_cases(sheet: Sheet, cases: CaseList, report: Report) -> None:
    sheet.put(1, 1, one_line(report), "note")
    last = sheet.table(_CASE_FIELDS, (_case(row, report) for row in cases.rows), top=2)
    if cases.left_out:
        text = (
            f"只列最早的 {len(cases.rows)} 件，另有 {cases.left_out} 件。全部的可用 "
            f"wenban report --cases {cases.key} 导出，件数太多时缩小起止日期，或用 json 格式。"
        )
        sheet.put(last + 2, 1, text, "note")


def _case(row: Row, report: Report) -> Sequence[Any]:
    turn = row.turn
    return (
        case_number(row),
        group_name("account", turn.account, report.names),
        turn.channel,
        turn.category,
        group_name("department", turn.department, report.names),
        group_name("person", turn.person, report.names),
        turn.start,
        turn.due,
        turn.original_due,
        turn.stop,
        turn.natural_hours,
        turn.working_hours,
        measures.STANDS[turn.stand],
        measures.GRADES[turn.grade - 1] if turn.grade else "",
        measures.reason_of(turn),
        measures.traces_of(turn),
        row.text,
    )


def case_number(row: Row) -> str:
    """The number of the case, and which turn of it when there are several."""
    turn = row.turn
    return f"#{turn.case_id}" if turn.turn == 1 else f"#{turn.case_id} 第{turn.turn}次"


def put_health(book: Book, report: Report) -> None:
    health, sheet = report.figures["health"], book.sheet("账号健康")
    sheet.put(1, 1, one_line(report), "note")
    sheet.put(2, 1, f"依据：{health['basis']}", "note")
    ages = ("within_7_days", "within_30_days", "within_91_days", "older")
    names = ("7日内", "8至30日", "31至91日", "超过91日")
    fields = [
        *(Field(name) for name in ("账号", "平台", "主办单位", "状态")),
        Field("最后发布", MOMENT),
        Field("未更新（日）", COUNT),
        *(Field(name, COUNT, "未答复（件）") for name in names),
        Field("最久（日）", COUNT),
        Field("提示", width=50, wrap=True),
    ]
    rows = []
    for one in health["accounts"]:
        own = one["unanswered"] or {}
        rows.append(
            [
                *(one["name"], one["platform"], one["sponsor"] or None, one["stands"]),
                *(_moment(one["last_published_at"]), one["days_silent"]),
                *(own.get(age, 0) for age in ages),
                own.get("oldest_days"),
                "；".join(one["warnings"]),
            ]
        )
    sheet.table(fields, rows, top=3)
    _links(book, health["links"])
    _kin(book, health["same_function"])


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _links(book: Book, links: Figures) -> None:
    if not links["dead"]:
        return
    fields = [
        Field("办事入口"),
        Field("网址", width=48, wrap=True),
        Field("承办单位", width=24, wrap=True),
        Field("条目", width=24, wrap=True),
        Field("情况", width=30, wrap=True),
        Field("开始打不开", MOMENT),
        Field("最近检查", MOMENT),
    ]
    rows = [
        [
            *(one["label"], one["url"], "、".join(one["departments"]), "、".join(one["entries"])),
            *(one["problem"], _moment(one["failing_since"]), _moment(one["checked_at"])),
        ]
        for one in links["dead_links"]
    ]
    book.sheet("失效入口").table(fields, rows)


def _kin(book: Book, groups: Sequence[Figures]) -> None:
    if not groups:
        return
    fields = [
        Field("组"),
        Field("平台"),
        Field("账号", width=24, wrap=True),
        Field("账号 ", width=24, wrap=True),
        Field("为什么归在一起", width=80, wrap=True),
    ]
    rows = [
        [f"第{number}组", group["platform"], *_pair_names(group, pair), "；".join(pair["reasons"])]
        for number, group in enumerate(groups, 1)
        for pair in group["pairs"]
    ]
    book.sheet("整合建议").table(fields, rows)


def _pair_names(group: Figures, pair: Figures) -> list[str]:
    names = dict(zip(group["accounts"], group["names"], strict=True))
    return [names[pair["a"]], names[pair["b"]]]
