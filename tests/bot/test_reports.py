"""Reports as documents: stable keys, what every page states, and text that stays text."""

from __future__ import annotations

import json
import re
import zipfile
from datetime import date, timedelta
from functools import cache
from html.parser import HTMLParser
from io import BytesIO
from itertools import pairwise
from typing import Any

import pytest
from docx import Document
from openpyxl import load_workbook

from bot.assessment.health import AccountCard, LinkCheck, LinkUse
from bot.assessment.scorecard import parse_scorecards
from bot.deadlines import profiles
from bot.reports import FORMATS, Letterhead, Report, render
from bot.reports.measures import due_time, percent
from bot.reports.prose import heading
from bot.reports.series import by_group, trend
from bot.reports.sheets import Book
from bot.triage import Category
from tests.figures import CUT_OFF, Case, case, local, report
from tests.figures import facts as facts_of
from tests.figures import figures as figures_of

EVIL = '=HYPERLINK("http://x","y")<script>alert(1)</script>\x0b'
SCORECARDS = parse_scorecards(
    {
        "scorecards": [
            {
                "key": "k",
                "name": "单位/计分卡[一]",
                "basis": "测试",
                "groups": ["department", "person"],
                "minimum": 10,
                "metrics": [
                    {"metric": "好评率", "weight": 40, "target": 0.9, "near": 0.8},
                    {"metric": "响应中位数（自然小时）", "weight": 60, "target": 24, "near": 48},
                ],
            }
        ]
    }
)


def mixed() -> list[Case]:
    """A month of all kinds of cases."""
    at: dict[str, Any] = {"department": "市公安局", "person": "staff:1"}
    answered = [case(answered="2026-06-01T11:00", grade=1 + n % 5, **at) for n in range(12)]
    return [
        *answered,
        case(answered="2026-06-20T11:00", account="乙", department="市民政局", transferred=1),
        case("2026-03-02T09:00", department="市民政局"),
        case("2026-06-30T09:00"),
        case(category=Category.AD),
        case(excluded="malicious", account="乙"),
        case(merged=True),
    ]


def full(**more: Any) -> Report:
    accounts = [
        AccountCard("甲", "云川民政", "公众号", "云川市民政局", last_published_at=CUT_OFF),
        AccountCard(
            "乙",
            "云川市民政局",
            "公众号",
            "云川市民政局",
            last_published_at=CUT_OFF - timedelta(days=100),
        ),
    ]
    links = [LinkUse("https://a.example/", "补领入口", "e1", "市公安局")]
    checks = {"https://a.example/": LinkCheck(False, "页面不存在（404）", CUT_OFF)}
    told: dict[str, Any] = {
        "accounts": accounts,
        "links": links,
        "checks": checks,
        "scorecards": SCORECARDS,
        "letterhead": Letterhead("云川市政务服务局", "各承办单位"),
        **more,
    }
    return report(*mixed(), **told)


@cache
def whole(form: str) -> bytes:
    """The full report, which most tests look at."""
    return render(full(), form)


# What other programs may rely on: a type, or a table of them; ? for null where there is no data.
COUNT, RATE, HOURS, TEXT, SOME = "count", "rate?", "hours?", "text", "text?"
DURATION = {
    "median": HOURS,
    "p90": HOURS,
    "median_exceeds": HOURS,
    "p90_exceeds": HOURS,
    "mean_answered": HOURS,
    "n_answered": COUNT,
    "n_open": COUNT,
}


def all_are(kind: str, names: str) -> dict[str, Any]:
    return dict.fromkeys(names.split(), kind)


DUE = all_are(COUNT, "answered_in_time answered_late open_overdue denominator")
GROUP: dict[str, Any] = {
    "counts": {
        **all_are(
            COUNT,
            "original excluded merged valid answered answered_automatically answered_by_pin "
            "imprecise imported provisional_due later_turns evasive "
            "evasion_overruled suspected_evasive",
        ),
        "excluded_by": {"*": COUNT},
        "answer_rate": RATE,
        "pin_rate": RATE,
        "unanswered": all_are(COUNT, "not_due due_soon overdue over_3_months"),
    },
    "response_hours": {"natural": DURATION, "working": DURATION},
    "on_time": {
        "rate": RATE,
        "original_due_rate": RATE,
        **DUE,
        "original": DUE,
        "within": {days: {"rate": RATE, **DUE} for days in ("2", "5", "10", "15")},
    },
    "acceptance": {"rate": RATE, **all_are(COUNT, "in_time late open_overdue denominator")},
    "satisfaction": {
        **all_are(
            COUNT,
            "very_satisfied satisfied fairly_satisfied dissatisfied "
            "very_dissatisfied rated positive negative",
        ),
        "positive_rate": RATE,
        "unrated_rate": RATE,
        "callback": {
            **all_are(COUNT, "rectified explained unreachable reached in_time open_overdue"),
            "rate": RATE,
            "rectified_rate": RATE,
        },
    },
    "resolution": {
        **all_are(COUNT, "resolved confirmed reopened judged solved"),
        "rate": RATE,
    },
    "three_rates": all_are(RATE, "response resolution satisfaction composite"),
    "traces": {
        **all_are(
            COUNT,
            "absorbed recategorised transferred returned extensions_requested "
            "extensions_refused paused extended due_moved reopened split closed backfilled "
            "withdrawn excluded_when_late merged_when_late accepted_unanswered",
        ),
        "paused_hours": HOURS,
        "moved_away": "count?",
    },
}
CELL = {"value": HOURS, "exceeds": HOURS, "n": COUNT, "band": TEXT}
DOCUMENT: dict[str, Any] = {
    "schema": COUNT,
    "period": {"from": SOME, "to": SOME},
    "cut_off": TEXT,
    "profile": {
        "key": TEXT,
        "name": TEXT,
        "basis": TEXT,
        "effective_on": SOME,
        "effective": TEXT,
        "acceptance": SOME,
        "limits": {"*": TEXT},
        "fallback": TEXT,
    },
    "reach": {"accounts": [TEXT], "departments": [TEXT]},
    "calendar": {
        "version": TEXT,
        "source": TEXT,
        "business_hours": [TEXT],
        "departments": {"*": [TEXT]},
    },
    "ledger": {"*": "any"},
    "names": {"account": {"*": TEXT}, "person": {"*": TEXT}},
    **GROUP,
    **{
        f"by_{name}": {"*": GROUP}
        for name in ("account", "department", "person", "category", "channel", "month")
    },
    "scorecards": [
        {
            "key": TEXT,
            "name": TEXT,
            "basis": TEXT,
            "minimum_sample": COUNT,
            "metrics": [
                {
                    "key": TEXT,
                    "name": TEXT,
                    "about": TEXT,
                    "weight": HOURS,
                    "target": HOURS,
                    "near": HOURS,
                    "lower_is_better": "flag",
                    "unit": TEXT,
                }
            ],
            **{
                f"by_{name}": {
                    "*": {
                        "valid": COUNT,
                        "metrics": {"*": CELL},
                        **{
                            f"weight_{part}": HOURS
                            for part in ("met", "near", "missed", "unassessed")
                        },
                        "traces": COUNT,
                    }
                }
                for name in ("department", "person")
            },
        }
    ],
    "health": {
        "basis": TEXT,
        "as_of": TEXT,
        "limits_days": {"*": COUNT},
        "counts": {"*": COUNT},
        "accounts": [
            {
                **all_are(TEXT, "key name platform sponsor responsible state rung stands"),
                "last_published_at": SOME,
                "days_silent": "count?",
                "unanswered": "any",
                "warnings": [TEXT],
            }
        ],
        "links": {
            **all_are(COUNT, "total checked unchecked dead"),
            "oldest_check_at": SOME,
            "dead_links": [
                {
                    **all_are(TEXT, "url label problem checked_at"),
                    "entries": [TEXT],
                    "departments": [TEXT],
                    "failing_since": SOME,
                }
            ],
        },
        "same_function": [
            {
                "accounts": [TEXT],
                "names": [TEXT],
                "platform": TEXT,
                "pairs": [{"a": TEXT, "b": TEXT, "strength": HOURS, "reasons": [TEXT]}],
            }
        ],
    },
}
TYPES: dict[str, Any] = {"text": str, "count": int, "hours": (int, float), "flag": bool}


def check(value: Any, shape: Any, where: str = "") -> None:
    if isinstance(shape, dict):
        assert isinstance(value, dict), where
        if "*" not in shape:
            assert set(value) == set(shape), where
        for key, one in value.items():
            check(one, shape.get(key, shape.get("*")), f"{where}.{key}")
    elif isinstance(shape, list):
        assert isinstance(value, list), where
        for one in value:
            check(one, shape[0], f"{where}[]")
    elif shape != "any":
        kind = shape.rstrip("?")
        if value is None:
            assert shape.endswith("?"), where
        elif kind == "rate":
            assert isinstance(value, float) and 0 <= value <= 1, where
        else:
            assert isinstance(value, TYPES[kind]), where
            assert kind != "count" or (not isinstance(value, bool) and value >= 0), where


def test_the_json_has_the_keys_that_other_programs_rely_on() -> None:
    document = json.loads(whole("json"))
    document.pop("lists")
    check(document, DOCUMENT)
    assert document["ledger"]["digest"].startswith("abc123")


def test_the_keys_are_there_without_any_data() -> None:
    document = json.loads(render(report(scorecards=SCORECARDS), "json"))
    document.pop("lists")
    check(document, DOCUMENT)
    assert document["on_time"]["rate"] is None
    assert document["on_time"]["within"]["5"]["rate"] is None
    assert document["response_hours"]["natural"]["median"] is None


def test_a_list_in_json_tells_each_case() -> None:
    listed = json.loads(whole("json"))["lists"]
    (late,) = listed["on_time.answered_late"]["cases"]
    assert listed["on_time.answered_late"]["total"] == 1
    assert (late["department"], late["stand"]) == ("市民政局", "answered_late")
    assert late["traces"] == ["traces.transferred"]
    assert late["due_at"] == "2026-06-04T00:00:00+08:00"
    excluded = {one["excluded_by"] for one in listed["counts.excluded"]["cases"]}
    assert excluded == {"恶意", "广告"}


def workbook(told: Report | None = None) -> Any:
    return load_workbook(BytesIO(render(told, "xlsx") if told else whole("xlsx")))


def rows(sheet: Any, head: str) -> list[dict[str, Any]]:
    """The rows of a table by its headers, which begin with a cell of this text."""
    lines = list(sheet.iter_rows(values_only=True))
    top = next(n for n, line in enumerate(lines) if line[0] == head)
    return [dict(zip(lines[top], line, strict=True)) for line in lines[top + 1 :] if line[0]]


def test_the_workbook_has_a_sheet_for_everything() -> None:
    book = workbook()
    assert book.sheetnames == [
        *("概览", "按账号", "按承办单位", "按责任人", "按类别", "按渠道", "按月份"),
        *("单位计分卡一", "未答复", "超时答复", "差评", "剔除", "有痕迹"),
        *("账号健康", "失效入口", "整合建议", "说明", "图表数据"),
    ]
    assert len(book["概览"]._charts) == 4


def test_the_sheets_of_groups_have_the_figures_as_numbers() -> None:
    sheet = workbook()["按承办单位"]
    found = {row["承办单位"]: row for row in rows(sheet, "承办单位")}
    assert list(found) == ["市公安局", "市民政局", "未定承办单位", "全部"]
    police = found["市公安局"]
    assert (police["有效数（件）"], police["及时率"], police["移出次数（件）"]) == (12, 1.0, 0)
    assert found["市民政局"]["好评率"] == "—"
    assert found["市民政局"]["等待90分位（自然小时）"] == ">2,883.0"
    assert found["全部"]["原始数（件）"] == 17
    assert found["全部"]["移出次数（件）"] == "—"


@pytest.mark.parametrize("name", ["按承办单位", "未答复", "账号健康", "单位计分卡一", "说明"])
def test_tables_are_frozen_filtered_and_state_what_they_rest_on(name: str) -> None:
    sheet = workbook()[name]
    assert re.fullmatch(r"B\d+", sheet.freeze_panes)
    assert re.fullmatch(r"A\d+:[A-Z]+\d+", sheet.auto_filter.ref)
    assert sheet.print_title_rows and sheet.page_setup.orientation == "landscape"
    head = sheet.oddHeader.left.text
    for part in (
        "截止 2026-06-30",
        "原始 17 剔除 2 有效 15",
        "广东 2022，依据",
        "日历 ",
        "台账 abc",
    ):
        assert part in head
    assert "第 &P 页" in sheet.oddFooter.center.text


def test_numbers_have_their_formats_and_moments_are_dates() -> None:
    book = workbook()
    sheet = book["按账号"]
    titles = {cell.value: cell.column for cell in sheet[3]}
    assert sheet.cell(4, titles["及时率"]).number_format == "0.0%"
    assert sheet.cell(4, titles["有效数（件）"]).number_format == "#,##0"
    first = rows(book["未答复"], "诉求")[0]
    assert f"{first['留言时间']:%Y-%m-%d %H:%M}" == "2026-03-02 09:00"
    assert first["状态"] == "超期且超过3个月"


def test_the_unanswered_come_oldest_first() -> None:
    found = [row["留言时间"] for row in rows(workbook()["未答复"], "诉求")]
    assert len(found) == 2
    assert all(one <= other for one, other in pairwise(found))


def test_what_citizens_write_stays_text_in_the_workbook() -> None:
    named = AccountCard(EVIL, EVIL, "公众号")
    book = workbook(
        report(case(account=EVIL, department="+1"), case(account="@x"), text=EVIL, accounts=[named])
    )
    for sheet in book:
        for line in sheet.iter_rows():
            assert not [cell.coordinate for cell in line if cell.data_type == "f"], sheet.title
    assert rows(book["未答复"], "诉求")[0]["内容（个人信息已隐去）"].startswith("=HYPERLINK")


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("<r><t>假的</t></r>", None),
        ("<r></sst></r>", None),
        ("_x0041_ & <b>", None),
        (" 一行\n另一行 ", None),
        ("\ud83d半个字", "?半个字"),
        ("𠮷" * 20_000, "𠮷" * (32_767 // 2)),
        ("<r>" + "长" * 40_000, "<r>" + "长" * (32_767 - 3)),
    ],
    ids=["markup", "broken markup", "escape", "lines", "half", "long", "long markup"],
)
def test_no_text_is_markup_of_the_file(written: str, read: str | None) -> None:
    sheet = workbook(report(case("2026-03-02T09:00"), text=written))["未答复"]
    assert all(one.height <= 409 for one in sheet.row_dimensions.values() if one.height)
    assert rows(sheet, "诉求")[0]["内容（个人信息已隐去）"] == (read or written)


def test_the_quick_way_writes_what_the_library_writes(monkeypatch: pytest.MonkeyPatch) -> None:
    def sheets() -> dict[str, bytes]:
        with zipfile.ZipFile(BytesIO(render(full(), "xlsx"))) as parts:
            return {name: parts.read(name) for name in parts.namelist() if "/worksheets/" in name}

    quick = sheets()
    monkeypatch.delattr("bot.reports.sheets._Quick._write_cell")
    assert quick == sheets()


def test_every_sheet_has_a_name_of_its_own_that_excel_allows() -> None:
    book = Book()
    for name in ("未答复", "未答复", "'a/b?", "AB", "\x01[]", "𠮷" * 40):
        book.sheet(name)
    names = load_workbook(BytesIO(book.content())).sheetnames
    assert names == ["未答复", "未答复1", "ab", "AB1", "计分卡", "𠮷" * 14]


def test_the_head_of_a_page_is_text_and_as_long_as_excel_allows() -> None:
    book = Book("甲&G乙&[Picture]" + "𠮷" * 200)
    book.sheet("一").landscape()
    sheet: Any = load_workbook(BytesIO(book.content())).worksheets[0]
    assert sheet.oddHeader.left.text.startswith("甲＆G乙＆[Picture]𠮷")
    assert sheet.oddHeader.left.size == 8
    assert len(f"&L&8 {sheet.oddHeader.left.text}".encode("utf-16-le")) <= 2 * 255


def test_charts_keep_their_numbers_and_leave_gaps_where_there_is_no_data() -> None:
    with zipfile.ZipFile(BytesIO(whole("xlsx"))) as parts:
        charts = [parts.read(name).decode() for name in parts.namelist() if "/charts/" in name]
    trend = next(one for one in charts if "按时答复" in one and "lineChart" in one)
    assert "numCache" in trend and "strCache" in trend
    assert all('dispBlanksAs val="gap"' in one for one in charts)
    sheet = workbook(report(case("2026-06-30T09:00")))["图表数据"]
    head = [cell.value for cell in sheet[1]]
    assert sheet.cell(2, head.index("及时率") + 1).value is None


def test_a_chart_compares_only_what_can_be_compared_and_ranks_nobody() -> None:
    def some(n: int, department: str, answered: str) -> list[Case]:
        return [case(answered=answered, department=department) for _ in range(n)]

    slow, quick = some(40, "甲局", "2026-06-20T10:00"), some(35, "乙局", "2026-06-01T10:00")
    graph = by_group(report(*slow, *quick, *some(29, "丙局", "2026-06-01T10:00")))
    assert graph is not None
    assert list(graph.categories) == ["乙局（35件）", "甲局（40件）"]
    assert list(graph.series[0].values) == [1.0, 0.0]
    assert by_group(report(*slow)) is None


def test_a_long_period_is_drawn_by_years_and_rates_are_not_averaged() -> None:
    cases = [case(f"{year}-01-05T09:00", f"{year}-01-05T10:00") for year in range(2018, 2026)]
    cases += [case(f"2020-{month:02}-10T09:00") for month in range(2, 13)]
    cases += [case(f"2021-{month:02}-10T09:00", f"2021-{month:02}-10T10:00") for month in (3, 4)]
    cases += [
        case(f"2022-{month:02}-10T09:00", f"2022-{month:02}-10T10:00") for month in range(2, 13)
    ]
    graph = trend(report(*cases))
    assert graph is not None
    assert list(graph.categories) == [str(year) for year in range(2018, 2026)]
    rates = dict(zip(graph.categories, graph.series[-1].values, strict=True))
    assert rates["2020"] == pytest.approx(1 / 12, abs=1e-6)
    assert rates["2021"] == 1.0


@pytest.mark.parametrize(
    ("due", "said"),
    [
        ("2026-10-14T00:00", "2026-10-13 24:00"),
        ("2026-10-13T17:30", "2026-10-13 17:30"),
        ("2026-10-13T00:01", "2026-10-13 00:01"),
    ],
)
def test_the_end_of_a_day_is_its_24_00(due: str, said: str) -> None:
    assert due_time(local(due)) == said


@pytest.mark.parametrize(
    ("share", "said"),
    [
        (None, "—"),
        (0.0, "0.0%"),
        (0.0004, "<0.1%"),
        (0.5, "50.0%"),
        (0.99996, ">99.9%"),
        (1.0, "100.0%"),
    ],
)
def test_a_share_is_never_rounded_to_all_or_none(share: float | None, said: str) -> None:
    assert percent(share) == said


def test_a_ranking_is_there_only_on_request() -> None:
    assert "名次" not in rows(workbook()["单位计分卡一"], "名称")[0]
    first = rows(workbook(full(rank=True))["单位计分卡一"], "名称")[0]
    assert {"名次", "不排名的原因"} <= set(first)


def test_a_scorecard_shows_value_band_and_sample() -> None:
    found = {row["名称"]: row for row in rows(workbook()["单位计分卡一"], "名称")}
    assert found["市公安局"]["好评率 ≥90%（40）"] == "66.7%　未达标（12件）"
    assert found["市公安局"]["响应中位数（自然小时） ≤24小时（60）"] == "2.0　达标（12件）"
    assert found["市民政局"]["未评权重"] == 100
    assert found["张三"]["分组"] == "责任人"


def paragraphs(told: Report | None = None) -> list[str]:
    content = render(told, "docx") if told else whole("docx")
    return [one.text for one in Document(BytesIO(content)).paragraphs]


def test_the_notice_reads_like_one() -> None:
    text = paragraphs()
    assert text[0] == "关于2026年6月\n政务新媒体留言办理情况的通报"
    assert text[1] == "各承办单位："
    assert text[2].startswith(
        "现将2026年6月政务新媒体留言办理情况通报如下（统计截至2026年6月30日12:00"
    )
    headings = [one for one in text if re.match(r"[一二三四]、", one)]
    assert headings == ["一、总体情况", "二、各单位情况", "三、存在的问题", "四、下一步工作"]
    said = "\n".join(text)
    assert "共收到留言17件，剔除2件（恶意1件、广告1件），有效留言15件。另有1件与别件重复" in said
    assert "按“广东 2022”时限方案（依据：广东省 12345 热线办理时限（2022-09））" in said
    assert "仅14件，样本少，只供参考" in said
    assert "期间有以下操作可能影响考核数字" in said and "转办1件" in said
    assert "部分办事入口失效" in said and "僵尸账号1个（云川市民政局）" in said
    assert "超期未答复留言清单" in said
    signed = text.index("云川市政务服务局")
    assert text[signed + 1] == "2026年6月30日"


def test_the_notice_never_says_more_than_its_sources() -> None:
    for key in profiles():
        said = "\n".join(paragraphs(full(profile=profiles()[key])))
        assert "国家规定" not in said
    weak = "\n".join(paragraphs(full(profile=profiles()["beijing"])))
    assert "依据是征求意见稿文件，供参考" in weak


def test_the_notice_without_data() -> None:
    text = "\n".join(paragraphs(report()))
    assert "期间没有收到留言。" in text
    assert "二、" not in text and "100" not in text and "0.0%" not in text


def test_the_notice_does_not_praise_silence() -> None:
    text = "\n".join(paragraphs(report(case(answered="2026-06-01T10:00"))))
    assert "没有收到评价，满意度暂无数据，不作评价。" in text
    assert "没有发现超期未答复" in text


def test_the_notice_warns_when_the_ledger_was_touched() -> None:
    text = "\n".join(paragraphs(full(ledger={"missing_events": 3})))
    assert "台账缺少3条已封存的事件" in text and "不宜作考核依据" in text
    odd = {"spot_check": {"cases": 200, "differences": 2}}
    assert "出报表时抽查有2处不符" in "\n".join(paragraphs(full(ledger=odd)))


def test_a_reply_filled_in_afterwards_is_told_of() -> None:
    text = "\n".join(paragraphs(report(case(answered="2026-06-01T10:00", backfilled=1))))
    assert "导入后补答复1件" in text


def test_a_median_that_is_not_reached_is_not_a_number() -> None:
    text = "\n".join(paragraphs(report(case(), case(), case(answered="2026-06-01T10:00"))))
    assert "得到答复的不到半数，等待时间的中位数还得不出；等得最久的已有29天" in text


@pytest.mark.parametrize(
    ("first", "last", "said"),
    [
        ("2026-04-01", "2026-06-30", "关于2026年第二季度\n"),
        ("2026-01-01", "2026-12-31", "关于2026年政务"),
        ("2026-06-02", "2026-06-30", "关于2026年6月2日至6月30日\n"),
        ("2026-01-01", "2026-05-31", "关于2026年1月至5月"),
        ("2024-01-01", "2025-12-31", "关于2024年至2025年"),
        ("2025-12-01", "2026-01-31", "关于2025年12月至2026年1月"),
        ("2025-12-01", "2026-01-30", "关于2025年12月1日至2026年1月30日\n"),
        (None, "2026-06-30", "关于截至2026年6月30日\n"),
        ("2026-06-01", None, "关于2026年6月1日以来\n"),
        (None, None, "关于政务"),
    ],
)
def test_periods_are_said_as_people_say_them(
    first: str | None, last: str | None, said: str
) -> None:
    bounds = [None if one is None else date.fromisoformat(one) for one in (first, last)]
    assert heading(report(first=bounds[0], last=bounds[1])).startswith(said)


def parts() -> dict[str, str]:
    with zipfile.ZipFile(BytesIO(whole("docx"))) as package:
        return {name: package.read(name).decode("utf-8", "replace") for name in package.namelist()}


def test_the_notice_is_set_as_official_papers_are() -> None:
    found = parts()
    body = found["word/document.xml"]
    for face in ("方正小标宋简体", "仿宋", "黑体", "楷体"):
        assert f'w:eastAsia="{face}"' in body
        assert face in found["word/fontTable.xml"]
    assert '<w:altName w:val="宋体,SimSun,STSong"/>' in found["word/fontTable.xml"]
    margins = re.search(r"<w:pgMar ([^>]*)/>", body)
    assert margins is not None
    sides = dict(re.findall(r'w:(\w+)="(\d+)"', margins.group(1)))
    millimetres = {side: round(int(twips) / 1440 * 25.4) for side, twips in sides.items()}
    assert {side: millimetres[side] for side in ("top", "left", "bottom", "right")} == {
        "top": 37,
        "left": 28,
        "bottom": 35,
        "right": 26,
    }
    assert "w:evenAndOddHeaders" in found["word/settings.xml"]
    assert "w:tblHeader" in body and "w:firstLineChars" in body
    assert any(">PAGE<" in text for name, text in found.items() if "footer" in name)
    assert "python-docx" not in found["docProps/core.xml"]
    assert "云川市政务服务局" in found["docProps/core.xml"]


def test_the_notice_has_a_native_chart_with_its_sheet_inside() -> None:
    found = parts()
    assert "/word/charts/chart1.xml" in found["[Content_Types].xml"]
    chart = found["word/charts/chart1.xml"]
    assert "numCache" in chart and "externalData" in chart
    assert "embeddings/chart1.xlsx" in found["word/charts/_rels/chart1.xml.rels"]
    assert 'descr="各月留言办理情况' in found["word/document.xml"]
    with zipfile.ZipFile(BytesIO(whole("docx"))) as package:
        sheet: Any = load_workbook(BytesIO(package.read("word/embeddings/chart1.xlsx"))).active
    assert sheet["B1"].value == "按时答复"


def test_what_citizens_write_stays_text_in_the_notice() -> None:
    told = report(case("2026-06-01T09:00"), text=EVIL)
    table = Document(BytesIO(render(told, "docx"))).tables[-1]
    assert table.rows[1].cells[-1].text.startswith("=HYPERLINK")


class Seen(HTMLParser):
    """What a browser would find in a page."""

    def __init__(self, content: bytes) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text = ""
        self.feed(content.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_page_asks_nobody_for_anything() -> None:
    seen = Seen(whole("html"))
    assert {tag for tag, _ in seen.tags} & {"script", "img", "link", "iframe", "object"} == set()
    for _, attributes in seen.tags:
        assert not {"src", "onclick", "onload"} & set(attributes)
        assert (attributes.get("href") or "#").startswith("#")
    policy = next(one for _, one in seen.tags if one.get("http-equiv"))
    assert policy["content"] == "default-src 'none'; style-src 'unsafe-inline'"
    assert "url(" not in seen.text and "@import" not in seen.text


def test_the_page_states_what_its_figures_rest_on() -> None:
    text = Seen(whole("html")).text
    for part in (
        "原始 17，剔除 2，有效 15",
        "2026-06-30 12:00:00",
        "广东省 12345 热线办理时限（2022-09）",
        "chinesecalendar-",
        "封存到 2026-06-29，摘要 abc123abc123abc1…，缺少事件 0 条",
    ):
        assert part in text


def test_every_link_of_the_page_leads_somewhere() -> None:
    seen = Seen(whole("html"))
    ids = [one["id"] for _, one in seen.tags if "id" in one]
    links = {(one["href"] or "")[1:] for tag, one in seen.tags if tag == "a"}
    assert len(ids) == len(set(ids))
    assert "list-counts-unanswered-all" in links
    assert links <= set(ids)


def test_what_citizens_write_stays_text_on_the_page() -> None:
    named = AccountCard("甲", EVIL, "公众号", sponsor=EVIL)
    told = report(case(department=EVIL), text=EVIL, accounts=[named])
    seen = Seen(render(told, "html"))
    assert "script" not in {tag for tag, _ in seen.tags}
    assert seen.text.count("<script>alert(1)</script>") >= 3


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_can_be_made_of_nothing_and_of_one_case(form: str) -> None:
    assert render(report(), form)
    assert render(report(case(), first=None, last=None, scorecards=SCORECARDS), form)


@pytest.mark.parametrize("form", ["json", "xlsx", "html"])
def test_a_list_alone_is_a_document(form: str) -> None:
    told = full()
    key = "on_time.answered_late"
    figures = {name: value for name, value in told.figures.items() if not name.startswith("by_")}
    content = render(Report(figures, {key: told.lists[key]}), form)
    if form == "xlsx":
        book = load_workbook(BytesIO(content))
        assert book.sheetnames == ["清单", "说明"]
        assert len(rows(book["清单"], "诉求")) == 1
    else:
        assert "市民政局".encode() in content


def test_the_helpers_of_these_tests_agree_with_each_other() -> None:
    cases = mixed()
    assert len(facts_of(cases)) == len(cases)
    assert figures_of(*cases)["counts"]["original"] == 17
    assert local("2026-06-30T12:00") == CUT_OFF
