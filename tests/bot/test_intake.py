"""Exports of platforms: guessed columns, what is said of bad rows, and taking them in."""

from __future__ import annotations

import csv
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from openpyxl import Workbook

from bot.exports import FIELDS, Export, guess, read
from knowledge.tables import KnowledgeFileError
from storage.models import Case, Message
from tests.bot.test_cli import numbers
from tests.cli import Run, audits, file, rows

HEAD = "评论ID,用户ID,用户昵称,评论内容,评论时间,作品ID,点赞数"
EXPORT = f"""{HEAD}
c1,u1,小李,低保怎么申请,2026-03-02 09:30:00,p1,3
c2,u2,小王,"社保卡丢了，
怎么补",2026/3/2 10:00,p1,0
c3,u3,小张,学校报名要什么材料,很久以前,p1,0
c4,u4,,,2026-03-02,p1,0
c5,u5,小赵,身份证丢了怎么办,2026-03-03,p2,0
"""
CONFIG = '[sources.weibo]\nplatform = "微博"\nname = "云川发布"\n'


@pytest.fixture
def weibo(wenban: Run) -> Run:
    file("config.toml", CONFIG)
    return wenban


def _read(content: str, **chosen: str) -> Export:
    return read(file("评论.csv", content), chosen)


# ---- columns ----


@pytest.mark.parametrize(
    ("key", "alias"), [(k, a) for k, f in FIELDS.items() for a in f.aliases.split()]
)
def test_every_usual_name_of_a_column_is_known(key: str, alias: str) -> None:
    assert guess(["序号", f" {alias.upper()} "], {}) == {key: 1}


def test_the_more_telling_of_two_names_is_taken() -> None:
    titles = ["编号", "发布时间", "评论ID", "评论时间", "内容", "评论内容"]
    assert guess(titles, {}) == {"id": 2, "time": 3, "text": 5}
    assert guess(titles, {"time": "发布时间"})["time"] == 1
    assert guess(titles, {"time": "没有的列"})["time"] == 3


def test_rows_are_read_with_their_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    export = _read(EXPORT)
    assert [row.external_id for row in export.rows] == ["c1", "c2", "c5"]
    assert export.rows[1].text == "社保卡丢了，\n怎么补" and export.rows[1].post == "p1"
    assert export.rows[0].sent_at.astimezone(UTC) == datetime(2026, 3, 2, 1, 30, tzinfo=UTC)
    assert [row.imprecise for row in export.rows] == [False, False, True]
    assert [(one.where, one.reason[:5]) for one in export.skipped] == [
        ("第 5 行", "时间“很久"),
        ("第 6 行", "内容为空"),
    ]
    assert export.ignored == ["点赞数"]


def test_a_workbook_with_a_title_above_and_two_sheets(tmp_path: Path) -> None:
    book = Workbook()
    at = datetime(2026, 3, 2, 9, 30)  # noqa: DTZ001  (spreadsheets know no zones)
    for number, sheet in enumerate((book.active, book.create_sheet("第二页"))):
        assert sheet is not None
        sheet.append(["某市官方账号评论导出"])
        sheet.append(HEAD.split(","))
        sheet.append([f"c{number}", "u1", "小李", "低保", at, "p1", 3])
    book.create_sheet("说明").append(["只是说明"])
    path = tmp_path / "评论.xlsx"
    book.save(path)
    export = read(path, {})
    assert [row.external_id for row in export.rows] == ["c0", "c1"]
    assert export.rows[1].where == "工作表“第二页”第 3 行"


def test_who_has_no_number_is_known_by_name_and_messages_by_what_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    text = "昵称,内容,时间,类型\n小李,低保,2026-03-02 09:30,私信\n,低保,2026-03-02 09:30,评论\n"
    first, second = _read(text).rows
    assert (first.citizen, first.direct) == ("name:小李", True)
    assert second.citizen == f"anonymous:{second.external_id}" and not second.direct
    assert first.external_id != second.external_id
    assert [row.external_id for row in _read(text).rows] == [first.external_id, second.external_id]


def test_a_file_whose_columns_are_unknown_says_which_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(KnowledgeFileError, match="文件里的列：甲、乙。"):
        _read("甲,乙\n1,2\n")
    export = _read("甲,乙\n低保,2026-03-02 09:30\n", text="甲", time="乙")
    assert [row.text for row in export.rows] == ["低保"]


# ---- taking them in ----


def test_an_export_goes_in_once_and_bad_rows_are_reported(weibo: Run, database_url: str) -> None:
    source = file("评论.csv", EXPORT)
    code, out, err = weibo("intake", source, "--source", "weibo")
    assert (code, numbers(out)[-5:]) == (0, ["5", "3", "0", "0", "2"])
    assert "第 5 行：时间“很久以前”认不出来" in err and "评论-未导入.csv" in err
    assert "1 行的时间只有日期" in out
    with Path("评论-未导入.csv").open(encoding="utf-8-sig", newline="") as report:
        assert [row[0] for row in csv.reader(report)] == ["行", "第 5 行", "第 6 行"]
    assert numbers(weibo("intake", source, "--source", "weibo")[1])[-5:] == [
        "5",
        "0",
        "0",
        "3",
        "2",
    ]
    stored = rows(database_url, Message)
    assert [one.external_id for one in stored] == ["c1", "c2", "c5"]
    cases = rows(database_url, Case)
    assert [case.state for case in cases] == ["received"] * 3
    assert all(case.consider_at and case.place.startswith("comment/") for case in cases)
    assert [data for _, action, data in audits(database_url) if action == "account.intake"] == [
        {"rows": 3, "new": 3, "known": 0, "changed": 0},
        {"rows": 3, "new": 0, "known": 3, "changed": 0},
    ]


def test_check_says_how_each_source_is_reached(weibo: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "没有口令，只能导入文件，手工发布答复" in weibo("check")[1]
    monkeypatch.setenv("WENBAN_SOURCES__WEIBO__SECRET", "k3Jd8sLq0ZpXw7VbN2mRt5YcUe9GhAf1")
    monkeypatch.setenv("WENBAN_SOURCES__WEIBO__DELIVERY", "poll")
    assert "微博，接口已开，对方来取答复" in weibo("check")[1]


def test_a_preview_writes_nothing(weibo: Run, database_url: str) -> None:
    source = file("评论.csv", EXPORT.replace("小李", "13800138000"))
    code, out, _ = weibo("intake", source, "--source", "weibo", "--preview")
    assert (
        code == 0 and "评论内容" in out and "低保怎么申请" in out and "没有用到的列：点赞数" in out
    )
    assert "13800138000" not in out
    assert not Path("评论-未导入.csv").exists() and not Path("var").exists()


def test_columns_that_were_named_are_remembered(weibo: Run, database_url: str) -> None:
    text = "甲,评论时间,评论ID\n低保怎么申请,2026-03-02 09:30,c{}\n"
    first, second = file("一.csv", text.format(1)), file("二.csv", text.format(2))
    code, _, err = weibo("intake", first, "--source", "weibo")
    assert code == 1 and "--map" in err
    assert weibo("intake", first, "--source", "weibo", "--map", "内容=甲")[0] == 0
    assert json.loads(Path("var/mappings/weibo.json").read_text("utf-8")) == {"text": "甲"}
    assert weibo("intake", second, "--source", "weibo")[0] == 0
    assert [one.external_id for one in rows(database_url, Message)] == ["c1", "c2"]
    Path("var/mappings/weibo.json").write_text("{", encoding="utf-8")
    code, _, err = weibo("intake", second, "--source", "weibo")
    assert code == 1 and "请删除它" in err


def test_what_the_platform_says_differently_is_a_version_only_with_its_time(
    weibo: Run, database_url: str
) -> None:
    head = "评论ID,评论内容,评论时间,修改时间\n"
    file("一.csv", f"{head}c1,低保怎么申请,2026-03-02 09:30,\n")
    file("二.csv", f"{head}c1,低保要什么条件,2026-03-02 09:30,\n")
    file("三.csv", f"{head}c1,低保要什么条件,2026-03-02 09:30,2026-03-02 09:40\n")
    assert weibo("intake", "一.csv", "--source", "weibo")[0] == 0
    code, _, err = weibo("intake", "二.csv", "--source", "weibo")
    assert code == 1 and "“修改时间”列" in err
    assert numbers(weibo("intake", "三.csv", "--source", "weibo")[1])[-5:] == list("10100")
    (message,) = rows(database_url, Message)
    assert (message.text, message.version) == ("低保要什么条件", 2)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--source", "douyin"], "现有：weibo"),
        (["--source", "weibo", "--map", "内容"], "应写成 项=列名"),
        (["--source", "weibo", "--map", "正文=甲"], "项可以是"),
        (["--source", "weibo", "--map", "内容=丙"], "文件里没有“丙”这一列"),
        (["--source", "weibo", "--rejected", "评论.csv"], "已存在"),
    ],
)
def test_what_cannot_be_done_is_explained(
    weibo: Run, database_url: str, options: list[str], said: str
) -> None:
    code, _, err = weibo("intake", file("评论.csv", EXPORT), *options)
    assert code == 1 and said in err


def test_rows_beyond_the_limits_are_named_by_their_columns(weibo: Run) -> None:
    text = (
        f"评论ID,评论内容,评论时间\n{'长' * 200},低保,2026-03-02 09:30\nc2,低保,2026-03-02 09:30\n"
    )
    code, _, err = weibo("intake", file("评论.csv", text), "--source", "weibo")
    assert code == 0 and "第 2 行：编号：太长，最多 128 字" in err
