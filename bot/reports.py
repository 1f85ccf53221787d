"""Assessment figures as documents: JSON for programs, a plain workbook for people."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date, datetime
from io import BytesIO
from typing import Any

from bot.assessment import Figures
from bot.clock import SHANGHAI, Calendar, Spans
from bot.deadlines import Profile

FORMATS = ("json", "xlsx")
NO_DATA = "—"
_COUNT, _HOURS, _PERCENT = "#,##0", "#,##0.0", "0.0%"


def describe(
    figures: Figures,
    *,
    first: date | None,
    last: date | None,
    cut_off: datetime,
    profile: Profile,
    calendar: Calendar,
    ledger: Figures,
) -> Figures:
    """Figures with all that a reader must know to judge them: period, cut-off, rule, calendar,
    and what is known of the ledger behind them."""
    return {
        "period": {"from": _iso(first), "to": _iso(last)},
        "cut_off": cut_off.astimezone(SHANGHAI).isoformat(timespec="seconds"),
        "profile": {
            "key": profile.key,
            "name": profile.name,
            "basis": profile.basis,
            "effective_on": _iso(profile.effective_on),
        },
        "calendar": {
            "version": calendar.version,
            "source": calendar.source,
            "business_hours": _spans(calendar.spans),
            "departments": {name: _spans(own) for name, own in calendar.departments.items()},
        },
        "ledger": ledger,
        **figures,
    }


def to_json(report: Figures) -> bytes:
    """The report with stable keys; null where there is no data."""
    return (json.dumps(report, ensure_ascii=False, indent=2) + "\n").encode()


def to_xlsx(report: Figures) -> bytes:
    """A sheet of figures, one row for all and one an account, and a sheet of definitions."""
    from openpyxl import Workbook

    book = Workbook()
    sheet: Any = book.active
    sheet.title = "考核指标"
    _write(sheet, 1, ["账号", *(title for title, _, _ in _COLUMNS)], bold=True)
    groups = [("全部", report), *report["by_account"].items()]
    for number, (name, figures) in enumerate(groups, 2):
        _write(sheet, number, [name, *(_value(figures, path) for _, path, _ in _COLUMNS)])
        for column, (_, _, form) in enumerate(_COLUMNS, 2):
            sheet.cell(number, column).number_format = form
    sheet.freeze_panes, sheet.auto_filter.ref = "B2", sheet.dimensions
    _explain(book.create_sheet("说明"), report)
    buffer = BytesIO()
    book.save(buffer)
    return buffer.getvalue()


RENDERERS: dict[str, Callable[[Figures], bytes]] = {"json": to_json, "xlsx": to_xlsx}

_COLUMNS = (
    ("原始数（件）", "counts.original", _COUNT),
    ("剔除数（件）", "counts.excluded", _COUNT),
    ("有效数（件）", "counts.valid", _COUNT),
    ("已答复（件）", "counts.answered", _COUNT),
    ("答复率", "counts.answer_rate", _PERCENT),
    ("未到期（件）", "counts.unanswered.not_due", _COUNT),
    ("临期（件）", "counts.unanswered.due_soon", _COUNT),
    ("超期（件）", "counts.unanswered.overdue", _COUNT),
    ("超期且超过 3 个月（件）", "counts.unanswered.over_3_months", _COUNT),
    ("及时率", "on_time.rate", _PERCENT),
    ("及时答复（件）", "on_time.answered_in_time", _COUNT),
    ("及时率分母（件）", "on_time.denominator", _COUNT),
    ("响应中位数（自然小时）", "response_hours.natural.median", _HOURS),
    ("响应 90 分位（自然小时）", "response_hours.natural.p90", _HOURS),
    ("响应中位数（工作小时）", "response_hours.working.median", _HOURS),
    ("响应 90 分位（工作小时）", "response_hours.working.p90", _HOURS),
    ("已评价（件）", "satisfaction.rated", _COUNT),
    ("好评率", "satisfaction.positive_rate", _PERCENT),
    ("未评率", "satisfaction.unrated_rate", _PERCENT),
    ("办结（件）", "resolution.resolved", _COUNT),
    ("办结率", "resolution.rate", _PERCENT),
    ("重开（件）", "resolution.reopened", _COUNT),
)

_DEFINITIONS = (
    ("剔除数", "感谢、闲聊、广告、无效，不需要答复的留言。"),
    ("答复率", "已答复 ÷ 有效数。"),
    ("及时率", "时限内答复 ÷（已答复 + 未答复且已超期）。超期未答复的始终计入分母。"),
    (
        "响应时长",
        "从首条未答复留言到正式答复送达。未答复的按删失处理（Kaplan–Meier），不答复不会使数字变好；"
        "带“>”的表示该分位尚未达到，数字是目前最长的等待。",
    ),
    ("好评率", "非常满意、满意、基本满意 ÷ 已评价。未评价不算满意。"),
    ("未评率", "已答复而未评价 ÷ 已答复。"),
    ("办结率", "办结 ÷ 有效数。群众重开的不算办结。"),
    ("—", "没有数据。"),
)


def _explain(sheet: Any, report: Figures) -> None:
    profile, calendar, period = report["profile"], report["calendar"], report["period"]
    rows = [
        ("留言日期", f"{period['from'] or '最早'} 至 {period['to'] or '最近'}"),
        ("统计截止", report["cut_off"]),
        ("时限方案", profile["name"]),
        ("方案依据", profile["basis"]),
        ("日历版本", calendar["version"]),
        ("日历来源", calendar["source"] or NO_DATA),
        ("办公时段", "、".join(calendar["business_hours"]) or "全天"),
        ("时间不精确（件）", str(report["counts"]["imprecise"])),
        ("时限暂定（件）", str(report["counts"]["provisional_due"])),
        *_DEFINITIONS,
    ]
    for number, row in enumerate(rows, 1):
        _write(sheet, number, list(row))
    sheet.column_dimensions["A"].width, sheet.column_dimensions["B"].width = 24, 90


def _value(figures: Figures, path: str) -> float | str:
    section, _, name = path.rpartition(".")
    group: Any = figures
    for part in section.split("."):
        group = group[part]
    value = group[name]
    if value is not None:
        return float(value) if isinstance(value, float) else int(value)
    exceeds = group.get(f"{name}_exceeds")
    return NO_DATA if exceeds is None else f">{exceeds:,.1f}"


def _write(sheet: Any, number: int, values: list[Any], *, bold: bool = False) -> None:
    from openpyxl.styles import Alignment, Font

    for column, value in enumerate(values, 1):
        cell = sheet.cell(number, column)
        cell.value = value
        if isinstance(value, str):
            cell.data_type = "s"  # never a formula, whatever an account is called
        cell.alignment = Alignment(wrap_text=True, vertical="top")
        cell.font = Font(bold=bold)
        if number == 1 and bold:
            sheet.column_dimensions[cell.column_letter].width = 14


def _spans(spans: Spans) -> list[str]:
    return [f"{start:%H:%M}-{end:%H:%M}" for start, end in spans]


def _iso(day: date | None) -> str | None:
    return day.isoformat() if day else None
