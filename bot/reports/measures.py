"""The figures as people know them: name, unit, meaning; how a value and a group are written."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from bot.assessment import Figures
from bot.assessment.listing import Listed, Stand
from bot.assessment.standings import WITHIN

NO_DATA = "—"
SMALL = 30
"""Fewer cases than this are too few to compare by."""


class Kind(StrEnum):
    """How a figure is written."""

    COUNT = "件"
    SHARE = "%"
    HOURS = "小时"


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure; ``section`` is the group of columns it stands in."""

    section: str
    title: str
    path: str
    kind: Kind = Kind.COUNT


def _several(section: str, kind: Kind, **titles: str) -> tuple[Measure, ...]:
    return tuple(
        Measure(section, title, path.replace("__", "."), kind) for path, title in titles.items()
    )


COUNTS = (
    *_several(
        "数量",
        Kind.COUNT,
        counts__original="原始数",
        counts__excluded="剔除数",
        counts__valid="有效数",
        counts__merged="并入别件",
        counts__answered="已答复",
        counts__answered_automatically="其中自动答复",
        counts__answered_by_pin="其中由置顶答复",
    ),
    Measure("数量", "答复率", "counts.answer_rate", Kind.SHARE),
    Measure("数量", "由置顶答复占已答复", "counts.pin_rate", Kind.SHARE),
)
UNANSWERED = _several(
    "未答复",
    Kind.COUNT,
    counts__unanswered__not_due="未到期",
    counts__unanswered__due_soon="临期",
    counts__unanswered__overdue="超期",
    counts__unanswered__over_3_months="超过3个月",
)
ON_TIME = (
    Measure("时效", "及时率", "on_time.rate", Kind.SHARE),
    Measure("时效", "按时答复", "on_time.answered_in_time"),
    Measure("时效", "超时答复", "on_time.answered_late"),
    Measure("时效", "超期未答复", "on_time.open_overdue"),
    Measure("时效", "及时率分母", "on_time.denominator"),
    Measure("时效", "原时限及时率", "on_time.original_due_rate", Kind.SHARE),
)
ACCEPTANCE = (
    Measure("受理", "受理及时率", "acceptance.rate", Kind.SHARE),
    Measure("受理", "按时受理", "acceptance.in_time"),
    Measure("受理", "超时受理", "acceptance.late"),
    Measure("受理", "超期未受理", "acceptance.open_overdue"),
)
WITHIN_DAYS = tuple(
    Measure(
        "几个工作日内答复", f"{days}个工作日内答复率", f"on_time.within.{days}.rate", Kind.SHARE
    )
    for days in WITHIN
)
WAITING = tuple(
    Measure("等待时长", f"{name}（{unit}小时）", f"response_hours.{kind}.{key}", Kind.HOURS)
    for kind, unit in (("natural", "自然"), ("working", "工作"))
    for key, name in (
        ("median", "等待中位数"),
        ("p90", "等待90分位"),
        ("mean_answered", "已答复平均"),
    )
)
SATISFACTION = (
    *_several(
        "满意度",
        Kind.COUNT,
        satisfaction__very_satisfied="非常满意",
        satisfaction__satisfied="满意",
        satisfaction__fairly_satisfied="基本满意",
        satisfaction__dissatisfied="不满意",
        satisfaction__very_dissatisfied="非常不满意",
        satisfaction__rated="已评价",
    ),
    *_several(
        "满意度",
        Kind.SHARE,
        satisfaction__positive_rate="好评率",
        satisfaction__unrated_rate="未评率",
        satisfaction__callback__rate="回访率",
        satisfaction__callback__rectified_rate="整改率",
    ),
)
RESOLUTION = (
    Measure("办结", "办结", "resolution.resolved"),
    Measure("办结", "群众确认办结", "resolution.confirmed"),
    Measure("办结", "办结率", "resolution.rate", Kind.SHARE),
    Measure("办结", "重开", "resolution.reopened"),
)
THREE_RATES = _several(
    "三率",
    Kind.SHARE,
    three_rates__response="响应率",
    three_rates__resolution="解决率",
    three_rates__satisfaction="满意率",
    three_rates__composite="三率综合",
)
TRACES = (
    *_several(
        "痕迹",
        Kind.COUNT,
        traces__recategorised="改类别",
        traces__transferred="转办",
        traces__returned="退件",
        traces__moved_away="移出次数",
        traces__paused="暂停",
        traces__extensions_requested="申请延期",
        traces__extensions_refused="延期未批",
        traces__extended="延期生效",
        traces__due_moved="到期时间后移",
        traces__split="拆分",
        traces__absorbed="合并来的",
        traces__closed="无需答复而关闭",
        traces__withdrawn="群众撤回",
        traces__reopened="重开",
        traces__backfilled="后补的答复",
        traces__excluded_when_late="超期后才剔除",
        traces__merged_when_late="超期后才并入",
        traces__accepted_unanswered="受理后超期未答",
    ),
    Measure("痕迹", "敷衍答复", "counts.evasive"),
    Measure("痕迹", "敷衍改判", "counts.evasion_overruled"),
    Measure("痕迹", "疑似敷衍（历史）", "counts.suspected_evasive"),
    Measure("痕迹", "暂停小时", "traces.paused_hours", Kind.HOURS),
)
ALL = (
    *(*COUNTS, *UNANSWERED, *ON_TIME, *ACCEPTANCE, *WITHIN_DAYS, *WAITING),
    *(*SATISFACTION, *RESOLUTION, *THREE_RATES, *TRACES),
)
TITLES = {one.path: one.title for one in ALL}
DIMENSIONS = {
    "account": "账号",
    "department": "承办单位",
    "person": "责任人",
    "category": "类别",
    "channel": "渠道",
    "month": "月份",
}
MORE_DIMENSIONS = {"day": "日期", "hour": "时段", "age": "已等多久", "span": "已等多久"}
"""What the figures on the screen can be opened by besides; no report has tables of these."""
AGE_NAMES = {
    "0-1": "1 日以内",
    "1-3": "1 至 3 日",
    "3-7": "3 至 7 日",
    "0-7": "7 日以内",
    "7-30": "7 至 30 日",
    "30-91": "30 至 91 日",
    "91-": "超过 91 日",
}
_NAMELESS = {"department": "未定承办单位", "person": "未落实到人（含自动答复）"}
STANDS = {
    Stand.MERGED: "并入别件",
    Stand.EXCLUDED: "已剔除",
    Stand.IN_TIME: "按时答复",
    Stand.LATE: "超时答复",
    Stand.NOT_DUE: "未到期",
    Stand.DUE_SOON: "临期",
    Stand.OVERDUE: "超期未答复",
    Stand.OVER_3_MONTHS: "超期且超过3个月",
}
GRADES = ("非常满意", "满意", "基本满意", "不满意", "非常不满意")
DEFINITIONS = (
    ("件", "群众问一次、等一次算一件；同一诉求里另提新问的另算一件。"),
    ("原始数、剔除数、有效数", "有效数 = 原始数 − 剔除数。并入别件的不在原始数里，另列。"),
    (
        "剔除数",
        "两人确认的剔除（超辖区、法定途径、不属实、恶意、非诉求），不需答复的类别"
        "（感谢、闲聊、广告、无效），超期前群众撤回的。",
    ),
    ("已答复", "有实际内容的正式答复并确认送达。自动回执、敷衍答复、发送失败都不算。"),
    ("答复率", "已答复 ÷ 有效数。"),
    ("未到期、临期、超期", "临期是剩不到 1 个工作日；超期且留言超过 91 日的另列。"),
    (
        "及时率",
        "时限内答复 ÷（已答复 + 未答复且已超期）。超期未答复的始终在分母里，不答复不会使它变好。",
    ),
    ("原时限及时率", "同上，但按最初的类别和时限，不计改类别、暂停、延期、转办。"),
    (
        "受理及时率",
        "时限内受理 ÷（已受理 + 未受理且已超期）；时限方案没有写受理时限的没有这一项。受理是有人"
        "认领（又放回的不算）、签收、审核或起草答复，直接答复的按答复时间；自动回执、转办、延期、"
        "关闭都不算受理。受理不停表。导入的历史没有受理记录，不计入这一项。",
    ),
    ("按工作日数", "不论类别，按 2、5、10、15 个工作日各算一遍，口径同及时率。"),
    (
        "等待时长",
        "从群众首条未答复留言到正式答复送达。未答复的按删失计入（Kaplan–Meier），"
        "不答复不会使中位数变小；带“>”的是还没达到这个分位，数字是目前最长的等待。",
    ),
    ("工作小时", "只计承办单位的办公时段，扣除起作用的暂停；自然小时是群众实际等的时间。"),
    ("好评率", "非常满意、满意、基本满意 ÷ 已评价。未评价不算满意。"),
    ("未评率", "已答复而未评价 ÷ 已答复。"),
    ("回访率、整改率", "不满意、非常不满意的，联系上的、已整改的各占多少；联系不上不算回访。"),
    ("办结率", "群众确认或期满无异议的 ÷ 有效数；群众重开的不算。"),
    (
        "三率",
        "响应率即及时率；解决率 = 群众说解决的 ÷ 群众说过的；满意率 =（非常满意 + 满意 + "
        "0.9 × 基本满意）÷ 已评价；综合 = 0.1、0.5、0.4 加权，缺一项就没有。",
    ),
    ("痕迹", "凡能让数字变好看的动作都列在这里；移出次数是从本单位、本类别移走的次数。"),
    (
        "台账",
        "只增不改的事件记录，一切数字由它重演得出；缺少事件、抽查不符说明有人动过数据库。",
    ),
    ("台账摘要", "每日封存的校验值，可用 wenban ledger verify --digest 核对；缺少的事件应为 0。"),
    (NO_DATA, "没有数据。不是 0，也不是 100%。"),
)


def look_up(figures: Figures, path: str) -> Any:
    """The value under a dotted path."""
    found: Any = figures
    for part in path.split("."):
        found = found[part]
    return found


def value_of(figures: Figures, measure: Measure) -> float | int | str | None:
    """A number, None without data, or text such as ">699.0" for a percentile not reached."""
    value = look_up(figures, measure.path)
    if value is not None or measure.kind is not Kind.HOURS:
        return value  # type: ignore[no-any-return]
    section, _, name = measure.path.rpartition(".")
    exceeds = look_up(figures, section).get(f"{name}_exceeds")
    return None if exceeds is None else f">{exceeds:,.1f}"


def written(figures: Figures, measure: Measure) -> str:
    """A value as text."""
    value = value_of(figures, measure)
    if value is None or isinstance(value, str):
        return value or NO_DATA
    if measure.kind is Kind.SHARE:
        return percent(value)
    return f"{value:,.1f}" if measure.kind is Kind.HOURS else f"{value:,}"


def percent(share: float | None) -> str:
    """A share in percent with one decimal; never 100.0% unless it is all, nor 0.0% of any."""
    if share is None:
        return NO_DATA
    shown = f"{share:.1%}"
    if shown == "100.0%" and share < 1:
        return ">99.9%"
    return "<0.1%" if shown == "0.0%" and share > 0 else shown


def group_name(dimension: str, group: str, names: Mapping[str, Mapping[str, str]]) -> str:
    """A group as people call it."""
    if dimension in ("age", "span"):
        return AGE_NAMES.get(group, group)
    if dimension == "hour":
        return f"{int(group)} 时" if group.isdigit() else group
    name = names.get(dimension, {}).get(group) or group or _NAMELESS.get(dimension, "未定")
    return printable(name)


def printable(text: str) -> str:
    """A text without the control characters that no document can hold."""
    return "".join(char for char in text if char.isprintable() or char in "\n\u3000\u00a0")


def traces_of(row: Listed) -> str:
    """What was done to a case, in words."""
    return "、".join(TITLES[key] for key in row.traces)


def reason_of(row: Listed) -> str:
    """Why a case is excluded."""
    return row.excluded_by.removeprefix("counts.excluded_by.")


def last_day(due: datetime) -> date:
    """The day on which a due time ends; 00:00 belongs to the day before."""
    return (due - timedelta(microseconds=1)).date()


def day_and_time(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M}" if moment else NO_DATA


def due_time(due: datetime) -> str:
    """A due time as offices write it: the end of a day is its 24:00."""
    midnight = due.hour == due.minute == due.second == 0
    return f"{last_day(due):%Y-%m-%d} 24:00" if midnight else f"{due:%Y-%m-%d %H:%M}"
