from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import Workbook, load_workbook

from knowledge.catalog import Entry, Link
from knowledge.exchange import HEADERS, KnowledgeFileError, Reading, read_entries, write_entries

FORMATS = ["csv", "tsv", "xlsx", "jsonl"]
HEAD = "编号,标准问,答案"


def read(tmp_path: Path, content: str | bytes, name: str = "kb.csv") -> Reading:
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_entries(path)


def problems(reading: Reading) -> list[tuple[int | None, str]]:
    return [(problem.line, problem.field) for problem in reading.problems]


visible = st.text(st.characters(exclude_categories=["Cs"]), max_size=30).map(str.strip)
nasty = st.text(st.sampled_from('"\\|\n\r\t,;=_x005F41a问 \x00\x0b\u2028'), max_size=14).map(
    str.strip
)
text = visible | nasty | st.just("=1+1") | st.just("_x0041_") | st.just('"引用"')
filled = text.filter(bool)
days = st.none() | st.dates()
links = st.builds(Link, text, st.sampled_from(["https://a.cn", "http://b.gov.cn/x?y=1|2)"]))
entries = st.lists(
    st.builds(
        Entry,
        id=filled,
        question=filled,
        answer=filled,
        similar=st.lists(filled, max_size=3, unique=True).map(tuple),
        department=text,
        topic=text,
        basis=text,
        links=st.lists(links, max_size=2).map(tuple),
        effective_on=days,
        review_on=days,
        automatic=st.booleans(),
    ),
    max_size=4,
    unique_by=lambda entry: entry.id,
)


@pytest.mark.parametrize("kind", FORMATS)
@settings(max_examples=120, deadline=None)
@given(sample=entries)
def test_export_round_trips(kind: str, sample: list[Entry]) -> None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"kb.{kind}"
        write_entries(sample, path)
        if not sample and kind == "jsonl":
            return
        reading = read_entries(path)
    assert reading.problems == []
    assert reading.entries == sample
    assert reading.rows == len(sample)


@pytest.mark.parametrize("kind", ["csv", "tsv", "xlsx"])
def test_headers_are_chinese(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"kb.{kind}"
    write_entries([Entry("1", "问", "答")], path)
    if kind == "xlsx":
        cells = [cell.value for cell in load_workbook(path).worksheets[0][1]]
    else:
        mark = "," if kind == "csv" else "\t"
        cells = path.read_text("utf-8-sig").splitlines()[0].split(mark)  # type: ignore[assignment]
    assert cells == list(HEADERS.values())


def test_formulas_stay_text_in_xlsx(tmp_path: Path) -> None:
    path = tmp_path / "kb.xlsx"
    write_entries([Entry("=1+1", "=cmd()", "#N/A")], path)
    row = load_workbook(path).worksheets[0][2]
    assert {cell.data_type for cell in row if cell.value is not None} == {"s"}


@pytest.mark.parametrize(
    "header",
    [
        "编号,标准问,相似问,答案,承办单位,主题,依据文号,办事入口,生效日,失效日,复核日,自动回复",
        "ID,Question,Similar,Answer,Department,Topic,Basis,Links,effective_on,expires_on,review_on,automatic",
        "序号,问题,相似问题,答复,责任单位,分类,依据,链接,生效日期,失效日期,复核日期,自动答复",
        "id,标题,similar,回答,部门,类别,政策依据,url,生效时间,有效期至,复核时间,auto",
        "編號,標準問（必填）,相似問1,答案*,organ,issue_kind,文号,網址,生效日,失效日,复核日,自动回复(是/否)",
    ],
)
def test_headers_of_many_names(tmp_path: Path, header: str) -> None:
    row = "1,甲,乙|丙,答,人社局,社保,〔2026〕1号,网上办 https://a.cn,2026-01-01,2026-12-31,2026-06-30,是"
    reading = read(tmp_path, f"{header}\n{row}\n")
    assert reading.problems == []
    assert reading.ignored_columns == ()
    assert reading.entries == [
        Entry(
            "1",
            "甲",
            "答",
            ("乙", "丙"),
            "人社局",
            "社保",
            "〔2026〕1号",
            (Link("网上办", "https://a.cn"),),
            date(2026, 1, 1),
            date(2026, 12, 31),
            date(2026, 6, 30),
            True,
        )
    ]


def test_better_name_wins_and_the_rest_is_ignored(tmp_path: Path) -> None:
    reading = read(tmp_path, "编号,标题,标准问,答案,点击量,相似问1,相似问2\n1,标,问,答,9,甲,乙\n")
    assert reading.entries == [Entry("1", "问", "答", ("甲", "乙"))]
    assert reading.ignored_columns == ("标题", "点击量")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_encodings(tmp_path: Path, encoding: str) -> None:
    reading = read(tmp_path, f"{HEAD}\n1,镕基问,答\n".encode(encoding))
    assert reading.entries == [Entry("1", "镕基问", "答")]


@pytest.mark.parametrize("mark", [";", "\t", ","])
def test_other_delimiters_in_csv(tmp_path: Path, mark: str) -> None:
    assert read(tmp_path, f"{HEAD}\n1,问,答\n".replace(",", mark)).entries == [
        Entry("1", "问", "答")
    ]


@pytest.mark.parametrize(
    "written",
    [
        "2026-01-02",
        "2026/1/2",
        "20260102",
        "2026年1月2日",
        "2026.1.2",
        "２０２６-０１-０２",
        "2026-01-02 08:30:00",
        "46024",
    ],
)
def test_dates(tmp_path: Path, written: str) -> None:
    reading = read(tmp_path, f"{HEAD},生效日\n1,问,答,{written}\n")
    assert reading.entries[0].effective_on == date(2026, 1, 2)


@pytest.mark.parametrize("written", ["", "长期", "-", "永久有效"])
def test_open_ended_dates(tmp_path: Path, written: str) -> None:
    assert read(tmp_path, f"{HEAD},失效日\n1,问,答,{written}\n").entries[0].expires_on is None


@pytest.mark.parametrize("written", ["2026-02-30", "明天", "2026", "2026-13-01", "99999999"])
def test_bad_dates_are_refused_with_line_and_remedy(tmp_path: Path, written: str) -> None:
    reading = read(tmp_path, f"{HEAD},失效日\n1,问,答,\n2,问,答,{written}\n")
    assert [entry.id for entry in reading.entries] == ["1"]
    assert problems(reading) == [(3, "expires_on")]
    assert written in reading.problems[0].reason
    assert "2026-01-02" in reading.problems[0].reason


def test_bad_rows_are_reported_and_the_rest_imported(tmp_path: Path) -> None:
    rows = [HEAD, ",问,答", "2,,答", "3,问,", "4,问,答", "", "4,再问,答", f"5,{'长' * 501},答", "6"]
    reading = read(tmp_path, "\n".join(rows))
    assert [entry.id for entry in reading.entries] == ["4"]
    assert problems(reading) == [
        (2, "id"),
        (3, "question"),
        (4, "answer"),
        (7, "id"),
        (8, "question"),
        (9, "question"),
    ]
    assert reading.rows == 7
    assert "第 5 行" in reading.problems[3].reason


def test_line_numbers_count_lines_inside_cells(tmp_path: Path) -> None:
    reading = read(tmp_path, f'{HEAD}\n1,问,"一\n二\n三"\n2,,答\n')
    assert reading.entries[0].answer == "一\n二\n三"
    assert problems(reading) == [(5, "question")]


def test_optional_values_that_make_no_sense_are_left_out_and_noted(tmp_path: Path) -> None:
    reading = read(tmp_path, f"{HEAD},办事入口,自动回复\n1,问,答,某网站|网上办 https://a.cn,也许\n")
    assert reading.entries == [Entry("1", "问", "答", links=(Link("网上办", "https://a.cn"),))]
    assert problems(reading) == [(2, "links"), (2, "automatic")]


@pytest.mark.parametrize(
    ("written", "link"),
    [
        ("https://a.cn", Link("", "https://a.cn")),
        ("网上办：https://a.cn/x", Link("网上办", "https://a.cn/x")),
        ("网上办（https://a.cn/x）", Link("网上办", "https://a.cn/x")),
    ],
)
def test_links_as_people_write_them(tmp_path: Path, written: str, link: Link) -> None:
    assert read(tmp_path, f"{HEAD},链接\n1,问,答,{written}\n").entries[0].links == (link,)


def test_tsv_keeps_raw_quotes(tmp_path: Path) -> None:
    content = 'id\tquestion\tanswer\n1\t"一网通办"是什么\t见"办事大厅\n2\t"问\t答"\n'
    reading = read(tmp_path, content, "kb.tsv")
    assert [(e.question, e.answer) for e in reading.entries] == [
        ('"一网通办"是什么', '见"办事大厅'),
        ('"问', '答"'),
    ]


def test_tsv_saved_by_a_spreadsheet(tmp_path: Path) -> None:
    content = 'id\tquestion\tanswer\n1\t"什么是""一网通办""？"\t"一\n二"\n'
    reading = read(tmp_path, content, "kb.tsv")
    assert reading.entries == [Entry("1", '什么是"一网通办"？', "一\n二")]


def test_unclosed_quote_is_noted(tmp_path: Path) -> None:
    reading = read(tmp_path, f'{HEAD}\n1,问,"答\n2,问,答\n')
    assert reading.problems[0].line is None
    assert "引号" in reading.problems[0].reason


def test_xlsx_with_title_numbers_and_dates(tmp_path: Path) -> None:
    book = Workbook()
    book.create_sheet("说明", 0).append(["请按模板填写"])
    sheet: Any = book.worksheets[1]
    sheet.append(["知识库导入表"])
    sheet.append(["编号", "标准问", "答案", "生效日", "失效日", "自动回复"])
    sheet.append([1, "问", 120, datetime(2026, 1, 2), 20261231, True])  # noqa: DTZ001
    sheet.append([2.0, "问", "答", date(2026, 1, 2), 46024, "否"])
    sheet.append([None, None, None])
    sheet.append([3, "问", None])
    book.save(tmp_path / "kb.xlsx")
    reading = read_entries(tmp_path / "kb.xlsx")
    first = date(2026, 1, 2)
    assert reading.entries == [
        Entry("1", "问", "120", effective_on=first, expires_on=date(2026, 12, 31), automatic=True),
        Entry("2", "问", "答", effective_on=first, expires_on=first),
    ]
    assert problems(reading) == [(6, "answer")]


def test_jsonl_with_lists_and_bad_lines(tmp_path: Path) -> None:
    good = {"编号": 7, "问题": "问", "答复": "答", "similar": ["甲|乙", "丙"], "links": [], "x": 1}
    link = {
        "id": "8",
        "question": "问",
        "answer": "答",
        "links": [{"title": "办", "url": "https://a.cn"}],
    }
    lines = [json.dumps(good), "{", "[1]", "", json.dumps(link)]
    reading = read(tmp_path, "\n".join(lines), "kb.jsonl")
    assert reading.entries == [
        Entry("7", "问", "答", ("甲|乙", "丙")),
        Entry("8", "问", "答", links=(Link("办", "https://a.cn"),)),
    ]
    assert problems(reading) == [(2, ""), (3, "")]
    assert reading.ignored_columns == ("x",)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("kb.csv", b""),
        ("kb.csv", "甲,乙\n1,2\n".encode()),
        ("kb.csv", "标准问,答案\n问,答\n".encode()),
        ("kb.csv", b"\xff\xff\xff\x00"),
        ("kb.tsv", b"\n"),
        ("kb.xlsx", b"no zip"),
        ("kb.xls", b""),
        ("kb.doc", b""),
        ("kb.jsonl", b"1\n2\n"),
    ],
)
def test_useless_files_say_what_to_do(tmp_path: Path, name: str, content: bytes) -> None:
    with pytest.raises(KnowledgeFileError, match="请"):
        read(tmp_path, content, name)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeFileError, match="找不到文件"):
        read_entries(tmp_path / "none.csv")


def test_failed_export_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "kb.xlsx"
    write_entries([Entry("1", "问", "答")], path)
    before = path.read_bytes()
    with pytest.raises(KnowledgeFileError, match="csv"):
        write_entries([Entry("1", "问", "长" * 40_000)], path)
    assert path.read_bytes() == before
    assert [one.name for one in tmp_path.iterdir()] == ["kb.xlsx"]


def test_export_to_unknown_format_or_folder(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeFileError, match="不支持"):
        write_entries([], tmp_path / "kb.pdf")
    with pytest.raises(KnowledgeFileError, match="无法写入"):
        write_entries([], tmp_path / "none" / "kb.csv")
