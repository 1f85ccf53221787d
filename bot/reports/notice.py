"""The report as a 通报 in Word, ready to be read over and sent."""

from __future__ import annotations

from collections.abc import Mapping

from bot.assessment import Figures
from bot.reports import measures, prose
from bot.reports.measures import NO_DATA, SMALL, group_name, last_day, percent
from bot.reports.model import CaseList, Report
from bot.reports.paper import Paper
from bot.reports.series import by_group, described, trend, waiting
from bot.reports.standing import provenance

_NUMBERS = "一二三四五六七八九十"
_MOST_GROUPS = 40
_MOST_CASES = 60


def to_docx(report: Report) -> bytes:
    """The 通报 with the definitions and the overdue cases attached."""
    letterhead, overdue = report.letterhead, prose.overdue_cases(report)
    attached = ["统计口径和数据来源"]
    if overdue is not None and overdue.rows:
        attached.append("超期未答复留言清单")
    several = len(attached) > 1
    title = prose.heading(report)
    paper = Paper(title.replace("\n", ""), letterhead.issuer)
    paper.title(title)
    if letterhead.recipients:
        paper.addressee(f"{letterhead.recipients}：")
    paper.text(prose.opening(report))
    _body(paper, report)
    for number, name in enumerate(attached, 1):
        head = "附件：" if number == 1 else "　　　"
        paper.text(f"{head}{f'{number}. ' if several else ''}{name}", together=True)
    paper.signature(letterhead.issuer, prose.signed_on(report))
    _definitions(paper, report, "附件1" if several else "附件")
    if overdue is not None and overdue.rows:
        _overdue(paper, report, overdue)
    return paper.content()


def _body(paper: Paper, report: Report) -> None:
    paper.heading("一、总体情况")
    for number, (title, text) in enumerate(prose.overall(report)):
        paper.text(text, f"（{_NUMBERS[number]}）{title}。")
    if not report.figures["counts"]["valid"]:
        return
    several = len(report.figures["by_month"]) > 1
    graph = trend(report) if several else by_group(report) or waiting(report)
    if graph is not None:
        paper.chart(graph, described(graph))
    paper.heading("二、各单位情况")
    _groups(paper, report)
    paper.text(prose.traces(report))
    found = prose.problems(report)
    paper.heading("三、存在的问题")
    if not found:
        paper.text("没有发现超期未答复、超时答复、敷衍答复、账号停更和办事入口失效的情况。")
        return
    for number, one in enumerate(found):
        paper.text(one.found, f"（{_NUMBERS[number]}）{one.title}。")
    paper.heading("四、下一步工作")
    for number, one in enumerate(found):
        paper.text(one.asked, f"（{_NUMBERS[number]}）")


def _groups(paper: Paper, report: Report) -> None:
    """A table by department, or by account where no department is known."""
    groups: Mapping[str, Figures] = report.figures["by_department"]
    dimension = "department" if any(groups) else "account"
    groups = report.figures[f"by_{dimension}"]
    order = sorted(groups, key=lambda name: -int(groups[name]["counts"]["valid"]))
    rows = [
        _group(group_name(dimension, name, report.names), groups[name])
        for name in order[:_MOST_GROUPS]
    ]
    if len(order) > 1:
        rows.append(_group("合计", report.figures))
    kind = measures.DIMENSIONS[dimension]
    paper.caption(f"各{kind}留言办理情况")
    head = [kind, "有效", "已答复", "超期\n未答复", "及时率", "办结率", "好评率"]
    paper.table(head, rows, [44, 17, 18, 18, 20, 20, 20])
    notes = [f"“{NO_DATA}”为没有数据；带*的样本不足{SMALL}件，只供参考，不作比较。"]
    if len(order) > _MOST_GROUPS:
        notes.append(f"只列留言最多的{_MOST_GROUPS}个，合计为全部。")
    paper.note("注：" + "".join(notes))


def _group(name: str, figures: Figures) -> list[str]:
    counts, on_time = figures["counts"], figures["on_time"]
    resolved = None if counts["imported"] == counts["valid"] else figures["resolution"]["rate"]
    satisfied = figures["satisfaction"]
    return [
        name,
        str(counts["valid"]),
        str(counts["answered"]),
        str(on_time["open_overdue"]),
        _rate(on_time["rate"], on_time["denominator"]),
        _rate(resolved, counts["valid"]),
        _rate(satisfied["positive_rate"], satisfied["rated"]),
    ]


def _rate(share: float | None, n: int) -> str:
    return f"{percent(share)}{'*' if share is not None and n < SMALL else ''}"


def _definitions(paper: Paper, report: Report, name: str) -> None:
    paper.page()
    paper.addressee(name)
    paper.caption("统计口径和数据来源")
    rows = [[term, text] for term, text in (*provenance(report), *measures.DEFINITIONS)]
    paper.table(["项目", "说明"], rows, [36, 120])


def _overdue(paper: Paper, report: Report, cases: CaseList) -> None:
    paper.across()
    paper.addressee("附件2")
    paper.caption("超期未答复留言清单（最早的在前，个人信息已隐去）")
    rows = []
    for row in cases.rows[:_MOST_CASES]:
        turn = row.turn
        rows.append(
            [
                f"#{turn.case_id}",
                group_name("account", turn.account, report.names),
                group_name("department", turn.department, report.names),
                turn.category,
                f"{turn.start:%Y-%m-%d}",
                f"{last_day(turn.due):%Y-%m-%d}",
                f"{turn.natural_hours / 24:.0f}",
                row.text[:60] + ("…" if len(row.text) > 60 else ""),
            ]
        )
    head = ["诉求", "账号", "承办单位", "类别", "留言日期", "到期日", "已等\n（天）", "内容"]
    paper.table(head, rows, [18, 32, 38, 14, 26, 26, 16, 82])
    if (left := cases.total - len(rows)) > 0:
        paper.note(f"另有{left}件，见考核报表。")
