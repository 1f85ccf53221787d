"""The audit is looked through and taken along by those who may, and by nobody changed."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from openpyxl import load_workbook

import bot
from bot.desk import DeskError
from bot.desk.auditing import PAGE
from bot.desk.deeds import deed
from storage.audit import Sought
from storage.ledger import audit
from storage.models import AuditRecord, Staff
from tests.support import STAFF_PLACE, Town

SUPERVISOR = 2
FORMULA = '=HYPERLINK("http://x")'


@pytest.fixture
async def busy(town: Town) -> Town:
    """One case closed by 张三 and one answered by 李四, and something odd in the audit."""
    for number, words in enumerate(("低保怎么申请", "低保要什么条件")):
        case_id, version = await town.waiting(words, str(number))
        staff = await town.staff(number)
        if number:
            await town.desk.review.send(
                staff, case_id, version, STAFF_PLACE, "带户口簿到街道申请。"
            )
        else:
            await town.desk.review.close(staff, case_id, version, STAFF_PLACE, "重复提交")
    async with town.db.write() as session:
        audit(session, "os:root", "kb.words.add", FORMULA, joined=["低保"], phone="13812345678")
    return town


async def test_records_are_found_by_who_what_case_and_time(busy: Town) -> None:
    chief, desk = await busy.staff(SUPERVISOR), busy.desk.auditing
    one, two = await busy.staff(0), await busy.staff(1)
    everything = (await desk.page(chief, Sought())).deeds
    assert everything[0].who == "命令行（root）" and everything[0].what == "加同义词"
    mine = (await desk.page(chief, Sought(actor=f"staff:{one.id}"))).deeds
    assert {deed.who for deed in mine} == {"张三"} and len(mine) < len(everything)
    sent = (await desk.page(chief, Sought(action="case.send"))).deeds
    assert [(deed.who, deed.what) for deed in sent] == [("李四", "发送改后的答复")]
    assert sent[0].case_id is not None
    of_case = (await desk.page(chief, Sought(case_id=sent[0].case_id))).deeds
    assert sent[0] in of_case and {deed.who for deed in of_case} == {two.display_name}
    assert (await desk.page(chief, Sought(action="kb.words."))).deeds == [everything[0]]
    later = datetime.now(UTC) + timedelta(seconds=1)
    assert (await desk.page(chief, Sought(first=later))).deeds == []
    assert len((await desk.page(chief, Sought(end=later))).deeds) == len(everything)


async def test_a_decision_on_a_case_is_found_with_the_case(busy: Town) -> None:
    async with busy.db.write() as session:
        audit(session, "staff:1", "task.approve", "7", case=123)
        audit(session, "staff:1", "task.approve", "123", case=7)
        audit(session, "staff:1", "view.save", "123")
    chief = await busy.staff(SUPERVISOR)
    found = (await busy.desk.auditing.page(chief, Sought(case_id=123))).deeds
    assert [(deed.target, deed.case_id) for deed in found] == [("7", 123)]


async def test_pages_go_back_to_the_beginning_without_gaps(busy: Town) -> None:
    async with busy.db.write() as session:
        for number in range(2 * PAGE):
            audit(session, "system", "ledger.verify", str(number))
    chief, desk = await busy.staff(SUPERVISOR), busy.desk.auditing
    seen, before = [], None
    while True:
        page = await desk.page(chief, Sought(), before)
        seen += [deed.number for deed in page.deeds]
        if page.older is None:
            break
        before = page.older
    assert seen == [row.id for row in reversed(await busy.rows(AuditRecord))]


async def test_exports_hold_no_formula_and_no_personal_data(busy: Town) -> None:
    chief, desk = await busy.staff(SUPERVISOR), busy.desk.auditing
    made = await desk.export(chief, Sought(action="kb.words."), "csv")
    rows = list(csv.reader(io.StringIO(made.content.decode("utf-8-sig"))))
    assert rows[1][4] == f"'{FORMULA}" and len(rows) == 2
    assert "138****5678" in rows[1][5] and "13812345678" not in rows[1][5]
    made = await desk.export(chief, Sought(action="kb.words."), "xlsx")
    sheet = load_workbook(io.BytesIO(made.content)).active
    assert sheet is not None
    cell = sheet.cell(2, 5)
    assert (cell.value, cell.data_type) == (FORMULA, "s")
    noted = [row for row in await busy.rows(AuditRecord) if row.action == "audit.export"]
    assert [(row.actor, row.target, row.data["rows"]) for row in noted] == [
        (f"staff:{chief.id}", "csv", 1),
        (f"staff:{chief.id}", "xlsx", 1),
    ]


@pytest.mark.parametrize("number", [0, 1])
async def test_it_is_not_for_everybody(busy: Town, number: int) -> None:
    staff, desk = await busy.staff(number), busy.desk.auditing
    for look in (desk.page(staff, Sought()), desk.export(staff, Sought(), "csv")):
        with pytest.raises(DeskError, match="主管"):
            await look


async def test_it_is_not_for_somebody_of_one_department(busy: Town) -> None:
    chief = await busy.staff(SUPERVISOR)
    async with busy.db.write() as session:
        (await session.get_one(Staff, chief.id)).departments = ["市公安局"]
    with pytest.raises(DeskError, match="不限范围"):
        await busy.desk.auditing.page(await busy.staff(SUPERVISOR), Sought())


def test_every_action_that_is_audited_has_a_kind_in_words() -> None:
    root = Path(bot.__file__).parents[1]
    sources = [*(root / "bot").rglob("*.py"), *(root / "storage").rglob("*.py")]
    call = re.compile(r"\baudit\([^()]*(?:\([^()]*\)[^()]*)*?\"([a-z]+\.[a-z_.]+)\"")
    found = {action for one in sources for action in call.findall(one.read_text(encoding="utf-8"))}
    assert {"case.reveal", "db.backup", "report.cases", "staff.add"} <= found
    for action in found:
        assert deed(action) != action, action
