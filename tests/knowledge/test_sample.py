from __future__ import annotations

import csv
import re
import unicodedata
from collections import Counter
from datetime import date
from pathlib import Path
from urllib.parse import urlsplit

import pytest

SAMPLE = Path(__file__).parents[2] / "knowledge" / "data" / "sample.csv"
HEADERS = [
    "编号",
    "标准问",
    "相似问",
    "答案",
    "承办单位",
    "主题",
    "依据文号",
    "办事入口",
    "生效日",
    "失效日",
    "复核日",
    "自动回复",
]
NOTICE = "（示例数据，请以本地主管部门公布为准）"
OPTIONAL = {"失效日", "复核日"}

SUCCESSORS = {
    "示例-医保-002": "示例-医保-003",
    "示例-公积金-001": "示例-公积金-002",
    "示例-民政-004": "示例-民政-005",
}

Row = dict[str, str]


@pytest.fixture(scope="module")
def rows() -> list[Row]:
    with SAMPLE.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file, strict=True)
        assert reader.fieldnames == HEADERS
        return list(reader)


def wordings(row: Row) -> list[str]:
    return [row["标准问"], *row["相似问"].split("|")]


def plain(text: str) -> str:
    return re.sub(r"[\W_]+", "", unicodedata.normalize("NFKC", text)).lower()


def test_it_is_large_enough_and_every_id_is_its_own(rows: list[Row]) -> None:
    assert len(rows) >= 150
    assert len({row["编号"] for row in rows}) == len(rows)


def test_every_row_is_complete(rows: list[Row]) -> None:
    for row in rows:
        assert None not in row and None not in row.values(), row["编号"]
        empty = [name for name in HEADERS if name not in OPTIONAL and not row[name].strip()]
        assert not empty, (row["编号"], empty)
        assert row["自动回复"] in {"是", "否"}, row["编号"]


def test_every_row_says_it_is_a_sample(rows: list[Row]) -> None:
    for row in rows:
        assert re.fullmatch(r"示例-[一-鿿]+-\d{3}", row["编号"])
        assert row["答案"].endswith("\n" + NOTICE), row["编号"]
        local = re.findall(r"云川[^；]*〔\d{4}〕\d+号(?!（示例）)", row["依据文号"])
        assert not local, (row["编号"], local)


def test_answers_are_short_and_differ(rows: list[Row]) -> None:
    for row in rows:
        assert 60 <= len(row["答案"]) <= 260, (row["编号"], len(row["答案"]))
    assert len({row["答案"] for row in rows}) == len(rows)


def test_no_wording_stands_under_two_entries(rows: list[Row]) -> None:
    counts = Counter(plain(wording) for row in rows for wording in wordings(row))
    assert [wording for wording, count in counts.items() if count > 1] == []
    for row in rows:
        assert 3 <= len(wordings(row)) - 1 <= 6, row["编号"]
        assert all(plain(wording) for wording in wordings(row)), row["编号"]


def test_links_lead_only_to_reserved_names(rows: list[Row]) -> None:
    for row in rows:
        for link in row["办事入口"].split("|"):
            title, url = link.split(" ")
            parts = urlsplit(url)
            assert title and parts.scheme == "https", link
            assert parts.hostname is not None and parts.hostname.endswith(".example"), link
        for match in re.findall(r"https?://[^/\s|]+", " ".join(row.values())):
            assert match.endswith(".example"), (row["编号"], match)


def test_no_real_person_can_be_reached_by_it(rows: list[Row]) -> None:
    for row in rows:
        text = " ".join(row.values())
        assert not re.search(r"(?<!\d)1[3-9]\d{9}(?!\d)", text), row["编号"]
        assert not re.search(r"(?<!\d)\d{17}[\dXx](?!\d)", text), row["编号"]
        landlines = re.findall(r"(?<!\d)0\d{2,3}-\d{7,8}(?!\d)", text)
        assert all(number.startswith("0999-123") for number in landlines), row["编号"]


def test_dates_are_in_order(rows: list[Row]) -> None:
    for row in rows:
        start = date.fromisoformat(row["生效日"])
        assert date(2024, 1, 1) <= start <= date(2026, 12, 31), row["编号"]
        for name in OPTIONAL:
            if row[name]:
                assert date.fromisoformat(row[name]) > start, (row["编号"], name)


def test_each_expired_entry_has_a_valid_successor(rows: list[Row]) -> None:
    by_id = {row["编号"]: row for row in rows}
    assert {row["编号"] for row in rows if row["失效日"]} == set(SUCCESSORS)
    for old, new in SUCCESSORS.items():
        assert by_id[new]["生效日"] > by_id[old]["失效日"]
        assert by_id[new]["办事入口"] == by_id[old]["办事入口"]


def test_easily_confused_siblings_have_answers_of_their_own(rows: list[Row]) -> None:
    answers = {row["标准问"]: row["答案"] for row in rows}
    assert "不收工本费" in answers["第一次办身份证怎么办"]
    assert "20元" in answers["身份证到期怎么换"]
    assert "40元" in answers["身份证丢了怎么补"]
    assert "10元" in answers["临时身份证怎么办"]
    assert "60天" in answers["外地人能在云川办身份证吗"]


def test_most_may_be_answered_automatically(rows: list[Row]) -> None:
    by_hand = sum(row["自动回复"] == "否" for row in rows) / len(rows)
    assert 0.10 <= by_hand <= 0.20
