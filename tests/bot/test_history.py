from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from openpyxl import Workbook
from sqlmodel import col, select

from bot.clock import SHANGHAI, Calendar
from bot.deadlines import profiles
from bot.history import Reading, parse_moment, read, take_in
from knowledge.tables import KnowledgeFileError
from storage.db import Database
from storage.history import Stored
from storage.models import Account, Case, CaseEvent, Citizen, Delivery, Message, MessageVersion

HEADER = ["留言编号", "留言用户", "留言主题", "留言时间", "留言详情", "答复意见", "答复时间"]
ASKED = "2019/3/8 23:27:13"
ANSWERED = "2019/3/11 09:05:00"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def row(number: Any = 1, **changes: Any) -> list[Any]:
    values = {
        "id": number,
        "user": "u1",
        "subject": "路灯",
        "time": ASKED,
        "text": "东门路灯坏了，请问谁修？",
        "reply": "已派人修好。",
        "replied": ANSWERED,
    }
    return list((values | changes).values())


def sheet(path: Path, *rows: list[Any], header: list[Any] = HEADER) -> Path:
    book = Workbook()
    page = book.active
    assert page is not None
    for values in (header, *rows):
        page.append(values)
    book.save(path)
    return path


def text_table(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


def reasons(reading: Reading) -> list[str]:
    return [f"{one.where}：{one.reason}" for one in reading.skipped]


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2019/3/8 23:27:13", "2019-03-08T23:27:13"),
        ("2019-03-08 23:27", "2019-03-08T23:27:00"),
        ("2019-03-08T23:27:13.250", "2019-03-08T23:27:13"),
        ("2019年3月8日 下午11时27分13秒", "2019-03-08T23:27:13"),
        ("2019.3.8 上午9:05", "2019-03-08T09:05:00"),
        ("2019/3/8 12:05 AM", "2019-03-08T00:05:00"),
        ("２０１９／３／８　２３：２７：１３", "2019-03-08T23:27:13"),
        ("2019-03-08T15:27:13Z", "2019-03-08T23:27:13"),
        ("2019-03-08T15:27:13+0000", "2019-03-08T23:27:13"),
        (43532.5, "2019-03-08T12:00:00"),
        (1552058833, "2019-03-08T23:27:13"),
        ("1552058833000", "2019-03-08T23:27:13"),
    ],
)
def test_times_are_read_in_many_forms(text: Any, expected: str) -> None:
    moment = parse_moment(text)
    assert (moment.at, moment.imprecise) == (local(expected), False)


@pytest.mark.parametrize("text", ["2019/3/8", "2019年3月8日", 43532, "2019.03.08"])
def test_a_date_alone_is_kept_and_marked(text: Any) -> None:
    moment = parse_moment(text)
    assert (moment.at, moment.imprecise) == (local("2019-03-08T00:00:00"), True)


@pytest.mark.parametrize("text", ["昨天", "2019/13/8", "2019/3/8 25:00", "8/3/19", True, "12"])
def test_other_things_are_no_times(text: Any) -> None:
    with pytest.raises(ValueError):
        parse_moment(text)


def test_every_row_is_a_line_or_named(tmp_path: Path) -> None:
    path = sheet(
        tmp_path / "in.xlsx",
        row(1),
        row(1, text="又来一次"),
        row(2, text="", subject=""),
        row(3, time=""),
        row(4, time="不知道"),
        row(5, replied="2019/3/7 09:00:00"),
        row(6, replied=""),
        row(7, reply=""),
        row(8, time="2031/1/1 08:00:00"),
        row(9, text="长" * 32_000),
        [None] * 7,
        row(10, reply="", replied=""),
    )
    reading = read(path, NOW)
    assert reading.rows == 11
    assert [line.external_id for line in reading.lines] == ["1", "9", "10"]
    assert [reason.partition("第 ")[2] for reason in reasons(reading)] == [
        "3 行：留言编号 1 与工作表“Sheet”第 2 行重复，只取前一行",
        "4 行：留言内容为空，请补上留言详情",
        "5 行：没有留言时间，请补上",
        "6 行：留言时间“不知道”认不出来，请写成 2019/3/8 23:27:13",
        "7 行：答复时间早于留言时间，请核对两个时间",
        "8 行：有答复意见但没有答复时间，请补上答复时间",
        "9 行：有答复时间但没有答复意见，请补上答复意见，或删去时间",
        "10 行：留言时间 2031-01-01 不合常理，请核对",
    ]


def test_spreadsheet_dates_formulas_and_errors(tmp_path: Path) -> None:
    book = Workbook()
    page = book.active
    assert page is not None
    page.append(HEADER)
    page.append(row(1, time=datetime(2019, 3, 8, 23, 27, 13)))  # noqa: DTZ001
    page.append(row(2, time=datetime(2019, 3, 8)))  # noqa: DTZ001
    page["D3"].number_format = "yyyy/m/d"
    page.append(row(3, text="#NAME?"))
    page["E4"].data_type = "e"
    page.append(row(4.0, text="=1+1", subject=""))
    book.save(tmp_path / "in.xlsx")
    reading = read(tmp_path / "in.xlsx", NOW)
    assert [(line.external_id, line.sent.imprecise) for line in reading.lines] == [
        ("1", False),
        ("2", True),
    ]
    assert reading.imprecise == 1
    assert [one.reason for one in reading.skipped] == [
        "留言详情：单元格是公式错误，请改为文字",
        "留言内容为空，请补上留言详情",
    ]


def test_the_header_may_stand_below_a_title_and_other_sheets_are_named(tmp_path: Path) -> None:
    book = Workbook()
    page = book.active
    assert page is not None
    page.append(["某账号留言明细"])
    page.append(["序号", "网名", "标题", "提交时间", "内容", "备注"])
    page.append([1, "甲", "噪音", ASKED, "夜里施工", "x"])
    notes = book.create_sheet("说明")
    notes.append(["本表由系统导出"])
    book.save(tmp_path / "in.xlsx")
    reading = read(tmp_path / "in.xlsx", NOW)
    assert [(line.user, line.subject, line.text) for line in reading.lines] == [
        ("甲", "噪音", "夜里施工")
    ]
    assert reading.unread == ["说明"]


def test_a_row_without_a_number_gets_the_same_one_every_time(tmp_path: Path) -> None:
    first = text_table(tmp_path / "a.csv", f"用户,时间,内容\n甲,{ASKED},夜里施工\n")
    other = text_table(tmp_path / "b.csv", f"内容,时间,用户\n夜里施工,{ASKED},甲\n")
    ids = {read(path, NOW).lines[0].external_id for path in (first, other)}
    assert len(ids) == 1
    assert ids.pop().startswith("row-")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030", "utf-16"])
def test_text_files_in_the_usual_encodings(tmp_path: Path, encoding: str) -> None:
    text = f'留言编号,留言时间,留言详情\r\n7,{ASKED},"两行,\r\n有逗号"\r\n8,{ASKED},短\r\n'
    reading = read(text_table(tmp_path / "in.csv", text, encoding), NOW)
    assert [(line.where, line.text) for line in reading.lines] == [
        ("第 2 行", "两行,\n有逗号"),
        ("第 4 行", "短"),
    ]


def test_a_quote_in_a_tab_file_swallows_no_rows(tmp_path: Path) -> None:
    text = f'编号\t时间\t内容\n1\t{ASKED}\t"号外，路断了\n2\t{ASKED}\t"另一条"\n3\t{ASKED}\t三\n'
    reading = read(text_table(tmp_path / "in.tsv", text), NOW)
    assert [line.external_id for line in reading.lines] == ["1", "2", "3"]


def test_a_row_with_more_cells_than_columns_is_refused(tmp_path: Path) -> None:
    text = f"编号,时间,内容\n1,{ASKED},路断了,没人修\n2,{ASKED},好\n"
    reading = read(text_table(tmp_path / "in.csv", text), NOW)
    assert [line.external_id for line in reading.lines] == ["2"]
    assert "分隔符" in reading.skipped[0].reason


def test_json_lines(tmp_path: Path) -> None:
    good = {"id": 1, "time": ASKED, "text": "坏\x00了\ud800", "likes": "3", "extra": [1]}
    lines = [json.dumps(good), "{", "[]", "", json.dumps(good | {"id": 2, "likes": "多"})]
    reading = read(text_table(tmp_path / "in.jsonl", "\n".join(lines)), NOW)
    assert [(line.text, line.likes) for line in reading.lines] == [("坏了", 3)]
    assert reasons(reading) == [
        "第 2 行：不是一个 JSON 对象，请核对这一行的括号和引号",
        "第 3 行：不是一个 JSON 对象，请核对这一行的括号和引号",
        "第 5 行：点赞数不是整数，请改正",
    ]


def test_files_that_are_no_exports(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeFileError, match="找不到表头"):
        read(text_table(tmp_path / "in.csv", "a,b\n1,2\n"), NOW)
    with pytest.raises(KnowledgeFileError, match="打不开"):
        read(text_table(tmp_path / "in.xlsx", "not a zip"), NOW)
    with pytest.raises(KnowledgeFileError, match="格式"):
        read(text_table(tmp_path / "in.doc", "x"), NOW)


async def imported(database: Database, path: Path, *, strict: bool = False) -> Stored:
    reading = read(path, NOW)
    profile, calendar = profiles()["guangdong_2022"], Calendar()
    return await take_in(
        database, "留言板", reading.lines, profile, calendar, "os:tester", strict=strict
    )


async def rows(database: Database, table: Any) -> list[Any]:
    async with database.read() as session:
        return list(await session.exec(select(table).order_by(col(table.id))))


async def test_a_case_with_its_reply_is_stored_whole(database: Database, tmp_path: Path) -> None:
    path = sheet(tmp_path / "in.xlsx", row(1, text="\n\t 请问谁修？\r\n谢谢 "))
    assert await imported(database, path) == Stored(added=1)
    (account,) = await rows(database, Account)
    (citizen,) = await rows(database, Citizen)
    (case,) = await rows(database, Case)
    (message,) = await rows(database, Message)
    (version,) = await rows(database, MessageVersion)
    (delivery,) = await rows(database, Delivery)
    assert (account.key, account.platform) == ("留言板", "历史导入")
    assert (citizen.external_id, citizen.reachable) == ("u1", False)
    assert (case.state, case.subject, case.profile) == ("answered", "路灯", "guangdong_2022")
    assert case.opened_at == local("2019-03-08T23:27:13")
    assert case.answered_at == local("2019-03-11T09:05:00")
    assert case.due_at > case.opened_at
    assert message.text == version.text == "请问谁修？\n谢谢"
    assert (message.external_id, message.considered, message.imprecise) == ("1", True, False)
    assert (delivery.purpose, delivery.state, delivery.place) == ("reply", "sent", "")
    assert (delivery.payload["text"], delivery.sent_at) == ("已派人修好。", case.answered_at)


async def test_the_ledger_alone_tells_the_times(database: Database, tmp_path: Path) -> None:
    path = sheet(tmp_path / "in.xlsx", row(1, time="2019/3/8", replied="2019/3/11"), row(2))
    await imported(database, path)
    events = await rows(database, CaseEvent)
    told = [(one.kind, one.at, one.data) for one in events if one.kind in ("opened", "replied")]
    flags = {"automatic": False, "imported": True}
    assert told == [
        (
            "opened",
            local("2019-03-08T00:00:00"),
            {"channel": "历史导入", "imprecise": True},
        ),
        ("replied", local("2019-03-11T23:59:59"), flags | {"imprecise": True}),
        ("opened", local("2019-03-08T23:27:13"), {"channel": "历史导入"}),
        ("replied", local("2019-03-11T09:05:00"), flags),
    ]
    assert {one.kind for one in events} == {
        "opened",
        "message",
        "imported",
        "triaged",
        "due_set",
        "replied",
    }


async def test_importing_again_changes_nothing(database: Database, tmp_path: Path) -> None:
    path = sheet(tmp_path / "in.xlsx", *(row(number, user=f"u{number % 7}") for number in range(9)))
    assert await imported(database, path) == Stored(added=9)
    before = len(await rows(database, CaseEvent))
    assert await imported(database, path) == Stored(known=9)
    assert len(await rows(database, CaseEvent)) == before
    assert len(await rows(database, Citizen)) == 7


async def test_a_broken_off_import_is_completed(database: Database, tmp_path: Path) -> None:
    some = sheet(tmp_path / "some.xlsx", *(row(number) for number in range(5)))
    whole = sheet(tmp_path / "whole.xlsx", *(row(number) for number in range(12)))
    await imported(database, some)
    assert await imported(database, whole) == Stored(added=7, known=5)


async def test_a_later_export_brings_the_missing_reply(database: Database, tmp_path: Path) -> None:
    await imported(database, sheet(tmp_path / "a.xlsx", row(1, reply="", replied=""), row(2)))
    later = sheet(tmp_path / "b.xlsx", row(1), row(2, reply="改了"))
    assert await imported(database, later) == Stored(known=1, completed=1)
    first, second = await rows(database, Case)
    assert (first.state, first.answered_at) == ("answered", local("2019-03-11T09:05:00"))
    assert [one.payload["text"] for one in await rows(database, Delivery)] == [
        "已派人修好。",
        "已派人修好。",
    ]
    assert second.version == 1
    assert [one.get("later") for one in await _replies(database)] == [None, True]


HOLLOW = "您的留言已收悉，已转市政处办理，请耐心等待。"


async def _replies(database: Database) -> list[dict[str, Any]]:
    return [one.data for one in await rows(database, CaseEvent) if one.kind == "replied"]


async def test_a_perfunctory_reply_is_noted_and_still_answers(
    database: Database, tmp_path: Path
) -> None:
    path = sheet(tmp_path / "in.xlsx", row(1, reply=HOLLOW), row(2))
    assert await imported(database, path) == Stored(added=2, evasive=1)
    assert [one.state for one in await rows(database, Case)] == ["answered", "answered"]
    flags = {"automatic": False, "imported": True}
    assert await _replies(database) == [flags | {"suspected": "forwarded"}, flags]


async def test_told_to_be_strict_it_does_not_answer_till_a_later_export_does(
    database: Database, tmp_path: Path
) -> None:
    path = sheet(tmp_path / "in.xlsx", row(1, reply=HOLLOW))
    assert await imported(database, path, strict=True) == Stored(added=1, evasive=1)
    (case,) = await rows(database, Case)
    assert (case.state, case.answered_at) == ("received", None)
    assert [one.get("evasive") for one in await _replies(database)] == ["forwarded"]
    assert await imported(database, path, strict=True) == Stored(known=1)
    later = sheet(tmp_path / "later.xlsx", row(1, replied="2019/3/20 10:00:00"))
    assert await imported(database, later, strict=True) == Stored(completed=1)
    (case,) = await rows(database, Case)
    assert (case.state, case.answered_at) == ("answered", local("2019-03-20T10:00:00"))
    assert [one.get("evasive") for one in await _replies(database)] == ["forwarded", None]


async def test_people_without_a_name_are_not_one_person(database: Database, tmp_path: Path) -> None:
    await imported(database, sheet(tmp_path / "in.xlsx", row(1, user=""), row(2, user=None)))
    people = await rows(database, Citizen)
    assert [one.external_id for one in people] == ["anonymous:1", "anonymous:2"]
    assert {one.display_name for one in people} == {"匿名"}
