"""Knowledge files at the console: looked at first, refused cleanly, kept whole or not at all."""

from __future__ import annotations

import io
import zipfile
from dataclasses import replace
from pathlib import Path

import pytest
from sqlmodel import select

from bot.desk import DeskError
from bot.desk import importing as module
from bot.desk.uploads import MAX_BYTES, MAX_UNPACKED
from knowledge.catalog import Entry
from knowledge.exchange import read_entries, write_entries
from knowledge.gold import Gold
from storage import entries, gold
from storage.models import AuditRecord, EntryRow, Staff
from tests.support import ENTRIES, Town

LOST, CARD, RENT, POOR = ENTRIES
NEW = replace(POOR, id="orphan", question="孤儿怎么领补助", similar=(), answer="到街道申请。")
HEAD = "编号,标准问,答案,承办单位,自动回复,备注\n"


def file_of(folder: Path, *known: Entry, suffix: str = ".xlsx") -> bytes:
    path = folder / f"kb{suffix}"
    write_entries(known, path)
    return path.read_bytes()


async def row(town: Town, entry_id: str) -> EntryRow | None:
    async with town.db.read() as session:
        return await session.get(EntryRow, entry_id)


@pytest.mark.parametrize("suffix", module.FORMATS)
async def test_a_file_is_looked_at_before_it_is_kept(
    town: Town, tmp_path: Path, suffix: str
) -> None:
    boss, importing = await town.staff(2), town.desk.importing
    changed = replace(POOR, answer="向街道提出申请，10 个工作日内核查。")
    content = file_of(tmp_path, LOST, changed, NEW, suffix=suffix)
    plan = await importing.plan(boss, f"知识库{suffix}", content)
    assert (plan.rows, plan.unchanged, plan.problems, plan.broken) == (3, 1, (), ())
    assert (plan.added, plan.changed) == ((NEW,), ((POOR, changed),))
    assert await row(town, "orphan") is None
    assert await importing.apply(boss, plan) == "已导入：新增 1 条，更新 1 条"
    assert town.desk.office.library.get("orphan") == NEW  # live without a restart
    assert town.desk.office.library.get("low-income") == changed
    kept = {one.action: one for one in await town.rows(AuditRecord)}
    assert kept["kb.upload"].actor == f"staff:{boss.id}"
    assert kept["kb.import"].data == {"added": 1, "changed": 1, "unchanged": 0}
    again = await importing.plan(boss, f"知识库{suffix}", content)
    assert (again.unchanged, again.wanted) == (3, [])
    with pytest.raises(DeskError, match="没有要导入"):
        await importing.apply(boss, again)


async def test_bad_rows_are_named_and_the_rest_can_be_kept(town: Town) -> None:
    text = HEAD + "a1,怎么办证,带身份证。,,是,x\na2,,没有问法,,,\na1,重复的,重复。,,,\n"
    text += "a3,怎么投诉,请打13812345678。,,,\n"
    plan = await town.desk.importing.plan(await town.staff(2), "表.csv", text.encode())
    told = [(one.line, one.entry_id, one.field) for one in plan.problems]
    assert told == [(3, "a2", "question"), (4, "a1", "id"), (None, "a3", "answer")]
    assert [one.id for one in plan.added] == ["a1", "a3"]
    assert plan.ignored == ("备注",)


async def test_a_change_made_meanwhile_is_not_written_over(town: Town, tmp_path: Path) -> None:
    boss, importing = await town.staff(2), town.desk.importing
    content = file_of(tmp_path, replace(POOR, answer="文件里的答案。"), NEW)
    plan = await importing.plan(boss, "kb.xlsx", content)
    async with town.db.write() as session:
        await entries.save(session, [replace(POOR, answer="同事刚写的答案。")], "staff:9")
    with pytest.raises(DeskError, match="low-income"):
        await importing.apply(boss, plan)
    assert await row(town, "orphan") is None  # nothing of it was kept


async def test_saved_questions_that_it_breaks_stop_it(town: Town, tmp_path: Path) -> None:
    async with town.db.write() as session:
        await gold.save(session, [Gold("低保怎么申请", "low-income")], "test")
    boss, importing = await town.staff(2), town.desk.importing
    spoilt = replace(POOR, question="孤儿怎么领补助", similar=(), answer="到街道领。")
    plan = await importing.plan(boss, "kb.xlsx", file_of(tmp_path, spoilt))
    assert [one.gold.query for one in plan.broken] == ["低保怎么申请"]
    with pytest.raises(DeskError, match="答错"):
        await importing.apply(boss, plan)
    assert "更新 1 条" in await importing.apply(boss, plan, accept_broken=True)


async def test_a_reviewer_imports_without_approving_and_within_the_scope(
    town: Town, tmp_path: Path
) -> None:
    async with town.db.write() as session:
        staff = (await session.exec(select(Staff).where(Staff.login == "s1"))).one()
        staff.departments = ["市民政局", "市公安局"]
    reviewer, importing = await town.staff(1), town.desk.importing
    moved = replace(LOST, answer="到派出所补领，15 个工作日。")
    stolen = replace(RENT, department="市民政局", automatic=False)
    content = file_of(tmp_path, moved, stolen, replace(NEW, automatic=True))
    plan = await importing.plan(reviewer, "kb.xlsx", content)
    assert [(one.id, one.automatic) for one in plan.wanted] == [
        ("orphan", False),
        ("id-lost", False),
    ]
    assert plan.withdrawn == 2
    assert [one.entry_id for one in plan.problems] == ["fund-rent"]
    assert "范围" in plan.problems[0].reason
    yes = await importing.plan(reviewer, "kb.xlsx", content, automatic=True)
    assert not any(one.automatic for one in yes.wanted)
    with pytest.raises(DeskError, match="审核、主管或管理员"):
        await importing.plan(await town.staff(0), "kb.xlsx", content)
    with pytest.raises(DeskError, match="审核、主管或管理员"):
        await importing.apply(await town.staff(0), plan)


async def test_an_entry_out_of_use_is_said_to_come_back(town: Town, tmp_path: Path) -> None:
    async with town.db.write() as session:
        await entries.retire(session, "low-income", "test")
    plan = await town.desk.importing.plan(await town.staff(2), "a.xlsx", file_of(tmp_path, POOR))
    assert set(plan.back) == {"low-income"}
    assert plan.changed == ((POOR, POOR),)


def bomb() -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", zipfile.ZIP_DEFLATED) as book:
        book.writestr("xl/worksheets/sheet1.xml", b"0" * (MAX_UNPACKED + 1))
    return held.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("a.xlsx", b"", "空的"),
        ("a.xlsx", b"PK nonsense", "无法打开"),
        ("a.exe", b"MZ", "不支持"),
        ("../../etc/passwd", b"root:x:0", "不支持"),
        ("a\x00.csv", b"x,y\n1,2\n", "表头"),
        ("a.csv", b"\xff\xfe\x00", "编码|表头"),
        ("a.csv", b"0" * (MAX_BYTES + 1), "20 MB"),
    ],
)
async def test_useless_and_dangerous_files_are_refused_in_words(
    town: Town, name: str, content: bytes, why: str
) -> None:
    with pytest.raises(DeskError, match=why):
        await town.desk.importing.plan(await town.staff(2), name, content)


async def test_a_file_that_unpacks_to_too_much_is_not_unpacked(town: Town) -> None:
    with pytest.raises(DeskError, match="展开后太大"):
        await town.desk.importing.plan(await town.staff(2), "a.xlsx", bomb())


async def test_too_many_rows_are_refused(town: Town, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ROWS", 2)
    text = HEAD + "".join(f"a{n},怎么办{n}号证,带身份证。,,,\n" for n in range(3))
    with pytest.raises(DeskError, match="3 行"):
        await town.desk.importing.plan(await town.staff(2), "表.csv", text.encode())


@pytest.mark.parametrize("suffix", module.FORMATS)
async def test_what_is_exported_is_read_back(town: Town, tmp_path: Path, suffix: str) -> None:
    clerk = await town.staff(0)
    path = tmp_path / f"out{suffix}"
    path.write_bytes(await town.desk.importing.export(clerk, suffix))
    assert sorted(read_entries(path).entries, key=lambda one: one.id) == sorted(
        ENTRIES, key=lambda one: one.id
    )
    (audited,) = [one for one in await town.rows(AuditRecord) if one.action == "kb.export"]
    assert (audited.actor, audited.data) == (f"staff:{clerk.id}", {"n": len(ENTRIES)})
    with pytest.raises(DeskError, match="不支持"):
        await town.desk.importing.export(clerk, ".exe")
