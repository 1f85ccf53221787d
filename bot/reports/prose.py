"""The figures as sentences of a 通报: plain, with the number of cases, careful with few of them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from bot.assessment import Figures
from bot.assessment.listing import Stand
from bot.reports.measures import SMALL, group_name, percent
from bot.reports.model import CaseList, Report
from bot.reports.standing import caution, cut_off, spoken_day, spoken_period

_OVERDUE = (Stand.OVERDUE, Stand.OVER_3_MONTHS)
_NAMED = 8
_BREAK, _SHORT = "\n", 5


@dataclass(frozen=True, slots=True)
class Problem:
    """Something to be mended: what it is, what was found, and what is asked for."""

    title: str
    found: str
    asked: str


def heading(report: Report) -> str:
    """The title, in two lines when it is long."""
    period = spoken_period(report)
    return f"关于{period}{_BREAK if len(period) > _SHORT else ''}政务新媒体留言办理情况的通报"


def opening(report: Report) -> str:
    at = cut_off(report)
    period = spoken_period(report) or "有记录以来"
    return (
        f"现将{period}政务新媒体留言办理情况通报如下"
        f"（统计截至{spoken_day(at.date())}{at:%H:%M}，按群众留言的日期计）。"
    )


def overall(report: Report) -> Iterator[tuple[str, str]]:
    """（一）… with what belongs there."""
    figures = report.figures
    yield "受理情况", _received(figures["counts"])
    if not figures["counts"]["valid"]:
        return
    yield "答复情况", _answered(figures["counts"])
    yield "办理时效", _in_time(figures)
    yield "等待时间", _waited(figures)
    yield "群众评价", _rated(figures)
    yield "办结情况", _resolved(figures)


def _received(counts: Figures) -> str:
    if not counts["original"]:
        return "期间没有收到留言。"
    text = f"共收到留言{counts['original']}件，剔除{counts['excluded']}件"
    if counts["excluded_by"]:
        text += f"（{'、'.join(f'{name}{n}件' for name, n in counts['excluded_by'].items())}）"
    text += f"，有效留言{counts['valid']}件。"
    if counts["merged"]:
        text += f"另有{counts['merged']}件与别件重复，并入办理，不重复计数。"
    return text


def _answered(counts: Figures) -> str:
    waiting = counts["unanswered"]
    open_ = sum(waiting.values())
    text = f"已答复{counts['answered']}件，答复率{percent(counts['answer_rate'])}"
    if counts["answered_automatically"]:
        text += f"，其中自动答复{counts['answered_automatically']}件"
    if counts["answered_by_pin"]:
        share = percent(counts["pin_rate"])
        text += f"，其中由置顶答复{counts['answered_by_pin']}件（{share}）"
    if not open_:
        return f"{text}，没有未答复的留言。"
    parts = {
        "未到期": waiting["not_due"],
        "临近到期": waiting["due_soon"],
        "已超期": waiting["overdue"],
        "已超期且超过3个月": waiting["over_3_months"],
    }
    shown = "、".join(f"{name}{n}件" for name, n in parts.items() if n)
    return f"{text}。未答复{open_}件，其中{shown}。"


def _in_time(figures: Figures) -> str:
    profile, found = figures["profile"], figures["on_time"]
    basis = f"“{profile['name']}”时限方案（依据：{profile['basis']}{caution(profile)}）"
    if not found["denominator"]:
        return f"按{basis}，尚无到期或已答复的留言，及时率暂无数据。"
    text = (
        f"按{basis}，已答复和已超期的共{found['denominator']}件，其中按时答复"
        f"{found['answered_in_time']}件，及时率{percent(found['rate'])}"
        f"{_few(found['denominator'])}"
    )
    if found["original_due_rate"] != found["rate"]:
        rate = percent(found["original_due_rate"])
        text += f"；不计改类别、延期和暂停，按最初的时限为{rate}"
    within = "，".join(
        f"{days}个工作日内答复的占{percent(one['rate'])}" for days, one in found["within"].items()
    )
    return f"{text}。不分类别，{within}。{_accepted(figures)}"


def _accepted(figures: Figures) -> str:
    found = figures["acceptance"]
    if not found["denominator"]:
        return ""
    waiting = found["open_overdue"]
    return (
        f"应受理的{found['denominator']}件中按时受理{found['in_time']}件，"
        f"受理及时率{percent(found['rate'])}" + (f"，超期未受理{waiting}件。" if waiting else "。")
    )


def _waited(figures: Figures) -> str:
    natural, working = (figures["response_hours"][unit] for unit in ("natural", "working"))
    if natural["median"] is None:
        days = natural["median_exceeds"] / 24
        return f"得到答复的不到半数，等待时间的中位数还得不出；等得最久的已有{days:.0f}天。"
    text = f"半数群众在{_hours(natural['median'])}内得到答复"
    if natural["p90"] is None:
        text += f"；得到答复的还不到九成，等得最久的已有{natural['p90_exceeds'] / 24:.0f}天"
    else:
        text += f"，九成在{_hours(natural['p90'])}内"
    text += f"。按工作时间计，中位数为{_hours(working['median'], worked=True)}"
    return f"{text}。未答复的一并计入，不会因为不答复而显得快。"


def _hours(hours: float | None, *, worked: bool = False) -> str:
    if hours is None:
        return "尚得不出"
    shown = f"{hours:.1f}" if hours < 100 else f"{hours:.0f}"
    days = f"（约{hours / 24:.1f}天）" if hours >= 48 and not worked else ""
    return f"{shown}{'工作小时' if worked else '小时'}{days}"


def _rated(figures: Figures) -> str:
    found, counts = figures["satisfaction"], figures["counts"]
    if not found["rated"]:
        why = "历史留言没有评价记录" if counts["imported"] == counts["valid"] else "没有收到评价"
        return f"{why}，满意度暂无数据，不作评价。"
    text = (
        f"已答复的留言中{found['rated']}件有评价，好评率{percent(found['positive_rate'])}"
        f"{_few(found['rated'])}；未评价的占{percent(found['unrated_rate'])}，不计为满意。"
    )
    if found["negative"]:
        text += (
            f"不满意和非常不满意{found['negative']}件，已回访{found['callback']['reached']}件，"
            f"已整改{found['callback']['rectified']}件。"
        )
    return text


def _resolved(figures: Figures) -> str:
    found, counts = figures["resolution"], figures["counts"]
    if counts["imported"] == counts["valid"]:
        return "历史留言没有办结记录，办结率不作统计。"
    text = (
        f"办结{found['resolved']}件，办结率{percent(found['rate'])}，"
        f"其中群众确认的{found['confirmed']}件，其余为期满无异议。"
    )
    return text + (f"群众要求重开{found['reopened']}件。" if found["reopened"] else "")


def _few(n: int) -> str:
    """What must be said of a rate over few cases."""
    return f"（仅{n}件，样本少，只供参考）" if n < SMALL else ""


def problems(report: Report) -> list[Problem]:
    """What the figures show to be mended, most urgent first."""
    found = (
        _overdue(report),
        _late(report),
        _perfunctory(report),
        _poor(report),
        _neglected(report),
        _dead_links(report),
        _ledger(report),
    )
    return [one for one in found if one is not None]


def _overdue(report: Report) -> Problem | None:
    counts = report.figures["counts"]["unanswered"]
    if not (n := counts["overdue"] + counts["over_3_months"]):
        return None
    text = f"截至统计时仍有{n}件超期未答复"
    if counts["over_3_months"]:
        text += f"，其中{counts['over_3_months']}件留言已超过3个月"
    cases = overdue_cases(report)
    if cases is not None and cases.rows:
        oldest = cases.rows[0].turn
        text += f"，最早的一件等待了{oldest.natural_hours / 24:.0f}天"
    where = _named(report, "on_time.open_overdue")
    asked = "请有关单位逐件核实，抓紧答复超期留言；一时办不完的，先向群众说明进展和预计时间。"
    return Problem("部分留言超期未答复", f"{text}。{where}", asked)


def overdue_cases(report: Report) -> CaseList | None:
    """The unanswered cases that are past their due time, as far as they are listed."""
    cases = report.lists.get("counts.unanswered.all")
    if cases is None:
        return None
    rows = [row for row in cases.rows if row.turn.stand in _OVERDUE]
    counts = report.figures["counts"]["unanswered"]
    total = counts["overdue"] + counts["over_3_months"]
    return CaseList("counts.unanswered.overdue", "超期未答复", total, rows)


def _late(report: Report) -> Problem | None:
    found = report.figures["on_time"]
    if not found["answered_late"]:
        return None
    text = f"已答复的留言中有{found['answered_late']}件超过时限才答复。"
    where = _named(report, "on_time.answered_late")
    asked = "请有关单位用好临期提醒，确需延期的在到期前申请并告知群众。"
    return Problem("部分答复超过时限", f"{text}{where}", asked)


def _named(report: Report, path: str) -> str:
    """The departments that a count falls on, the most first; "" when none is known."""
    section, name = path.split(".")
    groups = report.figures["by_department"]
    counted = {group: one[section][name] for group, one in groups.items() if one[section][name]}
    order = sorted((group for group in counted if group), key=lambda group: -counted[group])
    if not order:
        return ""
    shown = [
        f"{group_name('department', group, report.names)}{counted[group]}件"
        for group in order[:_NAMED]
    ]
    return f"涉及{'、'.join(shown)}{'等' if len(order) > _NAMED else ''}。"


def _perfunctory(report: Report) -> Problem | None:
    counts = report.figures["counts"]
    parts = []
    if counts["evasive"]:
        overruled = counts["evasion_overruled"]
        changed = f"，其中{overruled}件经另一人认定算作答复" if overruled else ""
        parts.append(f"有{counts['evasive']}件先以“已收悉”“正在核实”等答复{changed}")
    if counts["suspected_evasive"]:
        n = counts["suspected_evasive"]
        parts.append(f"历史答复中有{n}件疑似敷衍（按规则判断，未逐件核实）")
    if not parts:
        return None
    asked = "答复要说明事实、依据、办法或时限；只说“已收悉”“已转办”的不算答复，计时不停。"
    return Problem("个别答复内容空泛", f"{'；'.join(parts)}。", asked)


def _poor(report: Report) -> Problem | None:
    found = report.figures["satisfaction"]
    left = found["negative"] - found["callback"]["reached"]
    if left <= 0:
        return None
    text = f"不满意和非常不满意的{found['negative']}件中，{left}件还没有回访到群众。"
    return Problem("差评回访不到位", text, "请对差评逐件回访，能改的立即整改，不能改的说明原因。")


def _neglected(report: Report) -> Problem | None:
    rungs = (("zombie", "僵尸账号"), ("clue", "线索"), ("warning", "预警"))
    parts = []
    for key, name in rungs:
        names = [one["name"] for one in report.figures["health"]["accounts"] if one["rung"] == key]
        if names:
            more = "等" if len(names) > _NAMED else ""
            parts.append(f"{name}{len(names)}个（{'、'.join(names[:_NAMED])}{more}）")
    if not parts:
        return None
    limits = "超过14日未更新为预警，超过2个月为线索，超过3个月为僵尸账号"
    asked = "请主办单位恢复更新；确无必要的，按程序关停或整合。"
    return Problem("部分账号更新不及时", f"{'，'.join(parts)}。{limits}。", asked)


def _dead_links(report: Report) -> Problem | None:
    links = report.figures["health"]["links"]
    if not links["dead"]:
        return None
    names = "、".join(dict.fromkeys(one["label"] for one in links["dead_links"][:5]))
    more = "等" if links["dead"] > 5 else ""
    text = f"已检查的{links['checked']}个办事入口中有{links['dead']}个打不开（{names}{more}）。"
    return Problem("部分办事入口失效", text, "请责任单位更新网址，或从答复中撤下。")


def _ledger(report: Report) -> Problem | None:
    kept = report.figures["ledger"]
    missing, differences = kept.get("missing_events", 0), kept.get("differences") or 0
    odd = kept.get("spot_check", {}).get("differences", 0)
    if not (missing or differences or odd):
        return None
    text = (
        f"台账缺少{missing}条已封存的事件，最近一次核对有{differences}处不符，"
        f"出报表时抽查有{odd}处不符，以上数字可能不完整。"
    )
    return Problem(
        "台账与封存记录不符", text, "请运维单位查明是谁改动了数据库，查明前本通报不宜作考核依据。"
    )


def traces(report: Report) -> str:
    """What was done to cases, in one sentence; always said, also when there is nothing."""
    found, counts = report.figures["traces"], report.figures["counts"]
    parts = {
        "改类别": found["recategorised"],
        "转办": found["transferred"],
        "退件": found["returned"],
        "暂停": found["paused"],
        "延期": found["extended"],
        "拆分": found["split"],
        "无需答复而关闭": found["closed"],
        "导入后补答复": found["backfilled"],
        "超期后剔除": found["excluded_when_late"],
        "超期后并入别件": found["merged_when_late"],
        "受理后超期未答": found["accepted_unanswered"],
        "敷衍改判": counts["evasion_overruled"],
    }
    shown = "、".join(f"{name}{n}件" for name, n in parts.items() if n)
    if not shown:
        return "期间没有改类别、延期、暂停、拆分等影响考核数字的操作。"
    return f"期间有以下操作可能影响考核数字，均已计入且可逐件查看：{shown}。"


def thin_groups(report: Report) -> bool:
    """Whether some department has too few cases to compare by."""
    groups = report.figures["by_department"].values()
    return any(0 < one["counts"]["valid"] < SMALL for one in groups)


def signed_on(report: Report) -> str:
    at: datetime = cut_off(report)
    return spoken_day(at.date())
