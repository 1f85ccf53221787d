"""The report as one page of HTML: no script, no request, for screens of any width and for paper.

Whatever comes from outside goes through ``_e``.
"""

from __future__ import annotations

import html
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from importlib.resources import files

from bot.assessment import Figures
from bot.reports import measures
from bot.reports.appendices import case_number, scorecard_notes, scorecard_table
from bot.reports.bars import bars
from bot.reports.measures import ALL, DIMENSIONS, due_time, group_name, written
from bot.reports.model import CaseList, Report, Row
from bot.reports.prose import traces
from bot.reports.series import graphs
from bot.reports.standing import provenance, title

_BY_PATH = {one.path: one for one in ALL}
_KEYS = (
    ("counts.valid", "counts.original", ""),
    ("counts.answer_rate", "counts.valid", ""),
    ("on_time.rate", "on_time.denominator", "on_time.answered_late"),
    ("on_time.original_due_rate", "on_time.original.denominator", ""),
    ("acceptance.rate", "acceptance.denominator", ""),
    ("counts.unanswered.not_due", "counts.valid", "counts.unanswered.all"),
    ("counts.unanswered.due_soon", "counts.valid", "counts.unanswered.all"),
    ("counts.unanswered.overdue", "counts.valid", "counts.unanswered.all"),
    ("counts.unanswered.over_3_months", "counts.valid", "counts.unanswered.all"),
    ("response_hours.natural.median", "counts.valid", ""),
    ("response_hours.natural.p90", "counts.valid", ""),
    ("response_hours.working.median", "counts.valid", ""),
    ("satisfaction.positive_rate", "satisfaction.rated", "satisfaction.negative"),
    ("satisfaction.unrated_rate", "counts.answered", ""),
    ("resolution.rate", "counts.valid", ""),
    ("counts.excluded", "counts.original", "counts.excluded"),
    ("counts.evasive", "counts.valid", "counts.evasive"),
)
"""What stands on top: the figure, the count that it rests on, the list that tells more."""
_COLUMNS = (
    *("counts.valid", "on_time.rate", "on_time.open_overdue", "counts.answered"),
    *("on_time.original_due_rate", "response_hours.natural.median"),
    *("response_hours.working.median", "satisfaction.rated", "satisfaction.positive_rate"),
    *("resolution.rate", "counts.excluded", "counts.original"),
)
_MENU = (("各组", "by"), ("计分卡", "cards"), ("痕迹", "traces"), ("账号健康", "health"))
_LAST = ("口径", "terms")
_CASE = (
    *("诉求", "状态", "承办单位", "账号", "类别"),
    *("留言时间", "到期时间", "答复时间", "已等", "内容"),
)
_MOST_GROUPS = 60
_ALARMING = ("counts.unanswered.overdue", "counts.unanswered.over_3_months", "counts.evasive")


def to_html(report: Report) -> bytes:
    """The page; of a list alone when the report has no groups."""
    whole = "by_account" in report.figures
    parts = list(_whole(report) if whole else _listed_alone(report))
    return (
        '<!DOCTYPE html>\n<html lang="zh-CN"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="referrer" content="no-referrer">'
        f"<title>{_e(title(report))}</title><style>{_style()}</style></head>"
        f"<body><main>{''.join(parts)}</main></body></html>\n"
    ).encode()


@lru_cache(maxsize=1)
def _style() -> str:
    return (files("bot") / "data" / "report.css").read_text(encoding="utf-8")


def _whole(report: Report) -> Iterator[str]:
    shown = [one for one in report.lists.values() if one.total]
    yield _top(report, [*_MENU, *((one.title, _anchor(one.key)) for one in shown), _LAST])
    yield f'<h2>概览</h2><div class="keys">{"".join(_key(report, *one) for one in _KEYS)}</div>'
    yield '<h2>图</h2><div class="charts">'
    yield from (bars(graph) for graph in graphs(report))
    yield '</div><h2 id="by">各组</h2>'
    for dimension in DIMENSIONS:
        yield _dimension(report, dimension)
    yield '<h2 id="cards">计分卡</h2>'
    yield from (_scorecard(report, one) for one in report.figures["scorecards"])
    yield _traces(report)
    yield from _health(report.figures["health"])
    for one in shown:
        yield _list(report, one)
    yield _terms()


def _listed_alone(report: Report) -> Iterator[str]:
    yield _top(report, [])
    for one in report.lists.values():
        yield _list(report, one)
    yield _terms()


def _top(report: Report, links: Iterable[tuple[str, str]]) -> str:
    facts = "".join(f"<dt>{_e(name)}</dt><dd>{_e(text)}</dd>" for name, text in provenance(report))
    nav = "".join(f'<a href="#{anchor}">{_e(name)}</a>' for name, anchor in links)
    menu = f"<nav>{nav}</nav>" if nav else ""
    return f'<h1>{_e(title(report))}</h1><dl class="facts">{facts}</dl>{menu}'


def _key(report: Report, path: str, base: str, listed: str) -> str:
    measure, n = _BY_PATH[path], measures.look_up(report.figures, base)
    shown, value = _e(written(report.figures, measure)), measures.look_up(report.figures, path)
    if listed in report.lists and report.lists[listed].total:
        shown = f'<a href="#{_anchor(listed)}">{shown}</a>'
    bad = ' class="bad"' if path in _ALARMING and value else ""
    unit = f"样本 {n:,} 件" if base != path else "件"
    name = f"<span>{_e(measure.title)}</span>"
    return f'<div class="key">{name}<b{bad}>{shown}</b><span>{unit}</span></div>'


def _dimension(report: Report, dimension: str) -> str:
    groups, columns = report.figures[f"by_{dimension}"], [_BY_PATH[path] for path in _COLUMNS]
    order = list(groups)
    if dimension != "month":
        order.sort(key=lambda name: -int(groups[name]["counts"]["valid"]))
    shown = order[:_MOST_GROUPS]
    rows = [
        [
            group_name(dimension, name, report.names),
            *(written(groups[name], one) for one in columns),
        ]
        for name in shown
    ]
    total = ["全部", *(written(report.figures, one) for one in columns)]
    head = [DIMENSIONS[dimension], *(one.title for one in columns)]
    left = len(order) - len(shown)
    note = f"只列前 {len(shown)} 个，另有 {left} 个见 Excel 报表。" if left else ""
    more = f'<p class="quiet">{note}</p>' if note else ""
    return f"<h3>按{DIMENSIONS[dimension]}</h3>{_table(head, rows, total)}{more}"


def _scorecard(report: Report, scorecard: Figures) -> str:
    fields, rows = scorecard_table(scorecard, report)
    shown = [["" if cell is None else _plain(cell) for cell in row] for row in rows[:_MOST_GROUPS]]
    notes = "".join(f"<p>{_e(one)}</p>" for one in scorecard_notes(scorecard))
    table = _table([one.title for one in fields], shown)
    return f'<h3>{_e(scorecard["name"])}</h3><div class="quiet">{notes}</div>{table}'


def _plain(cell: object) -> str:
    return f"{cell:g}" if isinstance(cell, float) else str(cell)


def _traces(report: Report) -> str:
    pairs = [(one.title, written(report.figures, one)) for one in measures.TRACES]
    rows = "".join(
        f'<div class="key"><span>{_e(name)}</span><b>{_e(text)}</b></div>'
        for name, text in pairs
        if text not in ("0", "0.0", measures.NO_DATA)
    )
    keys = f'<div class="keys">{rows}</div>' if rows else ""
    return f'<h2 id="traces">痕迹</h2><p>{_e(traces(report))}</p>{keys}'


def _health(health: Figures) -> Iterator[str]:
    yield f'<h2 id="health">账号健康</h2><p class="quiet">依据：{_e(health["basis"])}</p>'
    rows = [
        [
            *(one["name"], one["stands"], "；".join(one["warnings"])),
            "" if one["days_silent"] is None else str(one["days_silent"]),
            *(str((one["unanswered"] or {}).get(key, 0)) for key in ("all", "older")),
            one["platform"],
        ]
        for one in health["accounts"]
    ]
    head = ["账号", "状态", "提示", "未更新（日）", "未答复（件）", "超过91日（件）", "平台"]
    yield _table(head, rows)
    links = health["links"]
    yield (
        f"<h3>办事入口</h3><p>共 {links['total']} 个，查过 {links['checked']} 个，"
        f"打不开 {links['dead']} 个，没查过 {links['unchecked']} 个。</p>"
    )
    if links["dead"]:
        dead = [
            [one["label"], "、".join(one["departments"]), one["problem"], one["url"]]
            for one in links["dead_links"]
        ]
        yield _table(["办事入口", "承办单位", "情况", "网址"], dead)
    for number, group in enumerate(health["same_function"], 1):
        names = dict(zip(group["accounts"], group["names"], strict=True))
        yield f"<h3>建议整合 第 {number} 组：{_e('、'.join(group['names']))}</h3><ul>"
        for pair in group["pairs"]:
            both = f"{names[pair['a']]}、{names[pair['b']]}"
            yield f"<li>{_e(both)}：{_e('；'.join(pair['reasons']))}</li>"
        yield "</ul>"


def _list(report: Report, cases: CaseList) -> str:
    of = f"（{group_name(cases.dimension, cases.group, report.names)}）" if cases.dimension else ""
    rows = "".join(_case(report, row) for row in cases.rows)
    left = f'<p class="quiet">另有 {cases.left_out:,} 件没有列出。</p>' if cases.left_out else ""
    titles = "".join(f"<th>{one}</th>" for one in _CASE)
    return (
        f'<section id="{_anchor(cases.key)}"><h2>{_e(cases.title)}{_e(of)} {cases.total:,} 件'
        '<span class="quiet">　最早的在前，个人信息已隐去</span></h2>'
        f'<div class="scroll sheet"><table class="cases"><thead><tr>{titles}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>{left}</section>"
    )


def _case(report: Report, row: Row) -> str:
    turn = row.turn
    grade = f"，{measures.GRADES[turn.grade - 1]}" if turn.grade else ""
    notes = "、".join(filter(None, (measures.reason_of(turn), measures.traces_of(turn))))
    cells = (
        case_number(row),
        f"{measures.STANDS[turn.stand]}{grade}",
        group_name("department", turn.department, report.names),
        group_name("account", turn.account, report.names),
        turn.category,
        measures.day_and_time(turn.start),
        due_time(turn.due) + ("（暂定）" if turn.provisional else ""),
        measures.day_and_time(turn.stop) if turn.stop else "",
        f"{turn.natural_hours:,.1f} 小时",
    )
    plain = "".join(
        f'<td data-name="{name}">{_e(text)}</td>' if text else "<td></td>"
        for name, text in zip(_CASE, cells, strict=False)
    )
    marks = f'<br><span class="quiet">{_e(notes)}</span>' if notes else ""
    return f'<tr>{plain}<td class="words">{_e(row.text)}{marks}</td></tr>'


def _terms() -> str:
    rows = "".join(f"<dt>{_e(term)}</dt><dd>{_e(text)}</dd>" for term, text in measures.DEFINITIONS)
    return f'<h2 id="terms">口径</h2><dl class="facts">{rows}</dl>'


def _table(
    head: Sequence[str], rows: Iterable[Sequence[str]], total: Sequence[str] | None = None
) -> str:
    def line(cells: Sequence[str]) -> str:
        return "".join(f"<td{_wordy(cell)}>{_e(cell)}</td>" for cell in cells)

    titles = "".join(f"<th>{_e(one)}</th>" for one in head)
    body = "".join(f"<tr>{line(row)}</tr>" for row in rows)
    foot = f"<tfoot><tr>{line(total)}</tr></tfoot>" if total else ""
    return (
        f'<div class="scroll sheet"><table><thead><tr>{titles}</tr></thead>'
        f"<tbody>{body}</tbody>{foot}</table></div>"
    )


def _wordy(cell: str) -> str:
    return ' class="words"' if len(cell) > 16 else ""


def _anchor(key: str) -> str:
    return "list-" + key.replace(".", "-")


def _e(text: object) -> str:
    return html.escape(str(text))
