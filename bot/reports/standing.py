"""What every page of a report states: period, cut-off, 原始/剔除/有效, rule, calendar, ledger."""

from __future__ import annotations

import calendar
from collections.abc import Iterator
from datetime import date, datetime

from bot.assessment import BASES, Figures
from bot.reports.measures import ALL, Measure, group_name
from bot.reports.model import Report

_BY_PATH = {one.path: one for one in ALL}
_RESERVED = ("推荐性", "征求意见稿")
_WHOLES = {
    "counts.original": "counts.original",
    "counts.excluded": "counts.original",
    "counts.valid": "counts.original",
}
KEY_FIGURES: tuple[tuple[Measure, str], ...] = tuple(
    (_BY_PATH[path], BASES.get(path) or _WHOLES.get(path, "counts.valid"))
    for path in (
        *_WHOLES,
        *("counts.answered", "counts.answer_rate"),
        *("counts.unanswered.not_due", "counts.unanswered.due_soon"),
        *("counts.unanswered.overdue", "counts.unanswered.over_3_months"),
        *("on_time.rate", "on_time.original_due_rate", "acceptance.rate"),
        *("on_time.within.2.rate", "on_time.within.5.rate"),
        *("on_time.within.10.rate", "on_time.within.15.rate"),
        *("response_hours.natural.median", "response_hours.natural.p90"),
        *("response_hours.working.median", "response_hours.working.p90"),
        *("satisfaction.positive_rate", "satisfaction.unrated_rate"),
        *("satisfaction.callback.rate", "resolution.rate", "three_rates.composite"),
    )
)
"""The figures that stand first, and the count that each rests on."""


def spoken_period(report: Report) -> str:
    """The period as people say it: months, a quarter, years, or its days; "" for all."""
    bounds = report.figures["period"]
    if bounds["from"] is None or bounds["to"] is None:
        return _open_ended(bounds)
    first, last = date.fromisoformat(bounds["from"]), date.fromisoformat(bounds["to"])
    if first.day == 1 and last.day == calendar.monthrange(last.year, last.month)[1]:
        return _whole_months(first, last)
    return f"{spoken_day(first)}至{spoken_day(last, first)}"


def _whole_months(first: date, last: date) -> str:
    years = f"{first.year}年" if first.year == last.year else f"{first.year}年至{last.year}年"
    if (first.month, last.month) == (1, 12):
        return years
    if first.year < last.year:
        return f"{first.year}年{first.month}月至{last.year}年{last.month}月"
    if first.month == last.month:
        return f"{years}{first.month}月"
    if first.month % 3 == 1 and last.month == first.month + 2:
        return f"{years}第{'一二三四'[first.month // 3]}季度"
    return f"{years}{first.month}月至{last.month}月"


def _open_ended(bounds: Figures) -> str:
    if bounds["from"]:
        return f"{spoken_day(date.fromisoformat(bounds['from']))}以来"
    return f"截至{spoken_day(date.fromisoformat(bounds['to']))}" if bounds["to"] else ""


def spoken_day(day: date, after: date | None = None) -> str:
    """A day; the year is left out when it is that of the day before it in the sentence."""
    year = "" if after is not None and after.year == day.year else f"{day.year}年"
    return f"{year}{day.month}月{day.day}日"


def title(report: Report) -> str:
    return f"{spoken_period(report)}政务新媒体留言办理情况"


def cut_off(report: Report) -> datetime:
    return datetime.fromisoformat(report.figures["cut_off"])


def provenance(report: Report) -> Iterator[tuple[str, str]]:
    """What a reader must know to judge the figures, as (name, text)."""
    figures = report.figures
    counts, profile, kept = figures["counts"], figures["profile"], figures["ledger"]
    bounds = figures["period"]
    if limited := reach_text(report):
        yield "范围", limited
    yield (
        "留言日期",
        f"{bounds['from'] or '最早'} 至 {bounds['to'] or '最近'}（北京时间，含首尾两日）",
    )
    yield "统计截止", f"{cut_off(report):%Y-%m-%d %H:%M:%S}"
    yield (
        "件数",
        f"原始 {counts['original']:,}，剔除 {counts['excluded']:,}，有效 {counts['valid']:,}"
        f"；另有并入别件的 {counts['merged']:,}",
    )
    if counts["excluded_by"]:
        reasons = "、".join(f"{name} {n:,}" for name, n in counts["excluded_by"].items())
        yield "剔除原因", reasons
    yield "时限方案", f"{profile['name']}（{limits(profile)}）"
    yield "方案依据", f"{profile['basis']}{caution(profile)}；{profile['effective']}"
    yield "日历版本", calendar_text(figures["calendar"])
    yield "台账", ledger_text(kept)
    for name, key in (("时间不精确", "imprecise"), ("时限暂定", "provisional_due")):
        if counts[key]:
            yield name, f"{counts[key]:,} 件"
    if counts["imported"]:
        yield "历史导入", f"{counts['imported']:,} 件，受理、办结和评价没有记录"


def one_line(report: Report) -> str:
    """The same in one line, for the head of every sheet."""
    told = dict(provenance(report))
    names = ("范围", "留言日期", "统计截止", "件数", "时限方案", "方案依据", "日历版本", "台账")
    return "　｜　".join(f"{name} {told[name]}" for name in names if name in told)


def page_head(report: Report) -> str:
    """The shortest form of it, for the head of every printed page."""
    figures, counts = report.figures, report.figures["counts"]
    digest = (figures["ledger"].get("digest") or "尚未封存")[:12]
    limited = f"{text}｜" if (text := reach_text(report)) else ""
    return (
        f"{limited}截止 {cut_off(report):%Y-%m-%d %H:%M}｜原始 {counts['original']} 剔除 "
        f"{counts['excluded']} 有效 {counts['valid']}｜{figures['profile']['name']}，依据 "
        f"{figures['profile']['basis']}｜日历 {figures['calendar']['version']}｜台账 {digest} "
        f"缺 {figures['ledger'].get('missing_events', 0)}"
    )


def reach_text(report: Report) -> str:
    """Whose figures these are; "" for everybody's."""
    reach, names = report.figures["reach"], report.names.get("account", {})
    parts = []
    if reach["departments"]:
        named = (group_name("department", one, report.names) for one in reach["departments"])
        parts.append(f"只含承办单位 {'、'.join(named)}")
    if reach["accounts"]:
        parts.append(f"只含账号 {'、'.join(names.get(one, one) for one in reach['accounts'])}")
    return "；".join(parts)


def limits(profile: Figures) -> str:
    """The limits of a profile; categories with the same limit together."""
    same: dict[str, list[str]] = {}
    for category, limit in profile["limits"].items():
        same.setdefault(limit, []).append(category)
    taken_up = [f"受理 {profile['acceptance']}"] if profile["acceptance"] else []
    answered = [f"{'、'.join(names)} {limit}" for limit, names in same.items()]
    return "，".join([*taken_up, *(answered or [f"答复 {profile['fallback']}"])])


def caution(profile: Figures) -> str:
    """What must be said of a basis that binds nobody."""
    weak = [word for word in _RESERVED if word in profile["basis"]]
    return f"；依据是{weak[0]}文件，供参考" if weak else ""


def calendar_text(kept: Figures) -> str:
    hours = "、".join(kept["business_hours"]) or "全天"
    own = f"，{len(kept['departments'])} 个单位另有时段" if kept["departments"] else ""
    source = f"；调整依据：{kept['source']}" if kept["source"] else ""
    return f"{kept['version']}；办公时段 {hours}{own}{source}"


def ledger_text(kept: Figures) -> str:
    digest = (kept.get("digest") or "")[:16]
    sealed = f"封存到 {kept.get('sealed_until')}，摘要 {digest}…" if digest else "尚未封存"
    missing = kept.get("missing_events", 0)
    found = f"{sealed}，缺少事件 {missing} 条" + ("（台账被动过，请查明）" if missing else "")
    if kept.get("cases_without_facts"):
        found += f"，{kept['cases_without_facts']} 件读不懂、未计入"
    if looked := kept.get("spot_check"):
        found += f"；抽查 {looked['cases']} 件，{looked['differences']} 处不符"
    if kept.get("verified_at"):
        differences = kept.get("differences")
        found += f"；{kept['verified_at'][:16].replace('T', ' ')} 核对，{differences} 处不符"
    return found
