from __future__ import annotations

import json
from datetime import date
from io import BytesIO
from typing import Any

from openpyxl import load_workbook

from bot.clock import Calendar
from bot.reports import describe, to_json, to_xlsx
from tests.figures import CUT_OFF, GUANGDONG, case, figures


def report(*accounts: str) -> dict[str, Any]:
    cases = [case(answered="2026-06-01T11:00", account=name) for name in accounts]
    cases += [case(account=name) for name in accounts]
    return describe(
        figures(*cases),
        first=date(2026, 6, 1),
        last=None,
        cut_off=CUT_OFF,
        profile=GUANGDONG,
        calendar=Calendar(),
        ledger={"digest": "abc"},
    )


def test_the_json_says_what_it_rests_on() -> None:
    read = json.loads(to_json(report("甲")))
    assert read["period"] == {"from": "2026-06-01", "to": None}
    assert read["cut_off"] == "2026-06-30T12:00:00+08:00"
    assert read["profile"]["basis"]
    assert read["calendar"]["version"]
    assert read["ledger"]["digest"] == "abc"
    assert read["on_time"]["rate"] == 0.5
    assert read["satisfaction"]["positive_rate"] is None


def rows(content: bytes, sheet: str) -> list[tuple[Any, ...]]:
    return list(load_workbook(BytesIO(content))[sheet].iter_rows(values_only=True))


def test_the_workbook_has_a_row_for_all_and_one_an_account() -> None:
    found = rows(to_xlsx(report("甲", "乙")), "考核指标")
    table = {row[0]: dict(zip(found[0], row, strict=True)) for row in found[1:]}
    assert list(table) == ["全部", "乙", "甲"]
    assert table["全部"]["有效数（件）"] == 4
    assert table["甲"]["及时率"] == 0.5
    assert table["甲"]["好评率"] == "—"
    assert table["甲"]["响应 90 分位（自然小时）"] == ">699.0"


def test_names_never_become_formulas() -> None:
    content = to_xlsx(report('=HYPERLINK("http://x")', "+1", "@x"))
    sheet = load_workbook(BytesIO(content))["考核指标"]
    names = {cell.value: cell.data_type for cell in sheet["A"][1:]}
    assert names == {'=HYPERLINK("http://x")': "s", "+1": "s", "@x": "s", "全部": "s"}


def test_the_definitions_are_in_the_workbook() -> None:
    found = dict(rows(to_xlsx(report("甲")), "说明"))
    assert found["留言日期"] == "2026-06-01 至 最近"
    assert found["时限方案"] == "广东 2022"
    assert "分母" in found["及时率"]
    assert "Kaplan" in found["响应时长"]
