"""What the console's main pages do, by NiceGUI's simulated user on the real application."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlmodel import select

from bot.assessment import BASES
from bot.jobs import table
from bot.reports.measures import ALL, Kind
from handlers.console.pages.admin import JOBS
from handlers.console.pages.gauges import TILES
from storage.db import Database
from storage.inbox import Page as Lines
from storage.models import AuditRecord, Case, CaseNote, EntryRow, Staff, Synonym
from storage.narrowing import Filters
from tests.e2e.test_browser_console import TEXTS, token_of, waiting, write
from tests.handlers.sitting import sitting
from tests.website import Website, open_website

ENTRY = "/knowledge/entry?id=low-income"


@pytest.fixture
async def website(database: Database) -> AsyncIterator[Website]:
    async with open_website(database, console=True) as website:
        yield website


async def actions(website: Website) -> list[str]:
    async with website.desk.office.db.read() as session:
        return list(await session.exec(select(AuditRecord.action)))


async def case_of(website: Website, case_id: int) -> Case:
    async with website.desk.office.db.read() as session:
        return await session.get_one(Case, case_id)


async def test_the_queue_is_narrowed_by_tab_text_and_chips(website: Website) -> None:
    late, _ = await write(website, TEXTS[0], "楼下工地半夜施工太吵了，我要投诉")
    async with website.desk.office.db.write() as session:
        case = await session.get_one(Case, late)
        case.due_at = datetime.now(UTC) - timedelta(hours=2)
    async with sitting(website, await token_of(website)) as one:
        await one.open("/")
        await one.sees("共 2 件", TEXTS[0], "半夜施工")
        await one.press("超期")
        await one.sees("共 1 件", TEXTS[0])
        await one.sees_no("半夜施工")
        await one.press("我的")
        await one.sees("没有符合条件的诉求。")
        await one.press("待办", place=-1)
        one.write("搜内容", "施工")
        await one.sees("共 1 件", "半夜施工")
        one.write("搜内容", f"#{late}")
        await one.sees("共 1 件", TEXTS[0])
        one.write("搜内容", "没有这样的话")
        await one.sees("没有符合条件的诉求。")


async def test_a_look_that_comes_back_late_does_not_replace_a_later_one(
    website: Website, monkeypatch: pytest.MonkeyPatch
) -> None:
    await write(website, TEXTS[0], "楼下工地半夜施工太吵了，我要投诉")
    inbox, let_go = website.desk.inbox, asyncio.Event()
    page, late = inbox.page, asyncio.Event()

    async def page_or_wait(staff: Staff, filters: Filters, start: int = 0) -> Lines:
        if filters.text == "没有这样的话":
            await let_go.wait()
            late.set()
        return await page(staff, filters, start)

    async with sitting(website, await token_of(website)) as one:
        await one.open("/")
        await one.sees("共 2 件")
        monkeypatch.setattr(inbox, "page", page_or_wait)
        one.write("搜内容", "没有这样的话")
        one.write("搜内容", "施工")
        await one.sees("共 1 件", "半夜施工")
        let_go.set()
        await late.wait()
        await asyncio.sleep(0.3)
        await one.sees("共 1 件", "半夜施工")
        await one.sees_no("没有符合条件的诉求。")


async def test_a_case_outside_the_scope_is_not_there(website: Website) -> None:
    (case_id,) = await write(website, TEXTS[0])
    token = await token_of(website, "li", "坐席")
    async with website.desk.office.db.write() as session:
        staff = (await session.exec(select(Staff).where(Staff.login == "li"))).one()
        staff.departments = ["市公安局"]
        (await session.get_one(Case, case_id)).department = "市民政局"
    async with sitting(website, token) as one:
        await one.open(f"/case/{case_id}")
        await one.sees("都办完了。", f"打不开 #{case_id}。")
        await one.sees_no(TEXTS[0])
        one.key("a")
    assert (await case_of(website, case_id)).state == "waiting"


async def test_a_case_is_claimed_noted_and_answered_by_keys(website: Website) -> None:
    first, second = await write(website, TEXTS[0], TEXTS[1])
    async with sitting(website, await token_of(website)) as one:
        await one.open(f"/case/{first}")
        await one.sees("采用并发送")
        one.key("c")
        await one.sees("赵主任在办", "放回")
        one.write("写备注", "先问过街道 <b>了</b>", enter=True)
        await one.sees("先问过街道 <b>了</b>")
        one.key("a")
        await one.sees("共 1 件", f"#{second}")
        assert (await case_of(website, first)).state == "replying"
        one.key("u")
        await one.sees("已撤销，没有发出", "共 2 件")
    assert (await case_of(website, first)).state == "waiting"
    done = await actions(website)
    for verb in ("case.look", "case.claim", "case.note", "case.adopt", "case.take_back"):
        assert verb in done
    async with website.desk.office.db.read() as session:
        assert (await session.exec(select(CaseNote.case_id))).all() == [first]


async def test_a_reply_that_must_not_leave_stays(website: Website) -> None:
    (case_id,) = await write(website, TEXTS[0])
    async with sitting(website, await token_of(website)) as one:
        await one.open(f"/case/{case_id}")
        await one.sees("采用并发送")
        one.write("答复", "请加我微信，电话13812345678")
        await one.sees("发送改后的答复", "不能发：未遮盖的手机号“138****5678”：请删去或遮盖")
        one.key("a")
        await one.is_told("没有发送")
        one.write("答复", "{称呼}，请找{没有的}")
        await one.sees("不能发：未填完的内容“{没有的}”：请补齐后再发布")
    assert (await case_of(website, case_id)).state == "waiting"
    assert await waiting(website) == 1


async def test_what_needs_no_answer_is_closed_with_a_reason(website: Website) -> None:
    (case_id,) = await write(website, TEXTS[0])
    async with sitting(website, await token_of(website)) as one:
        await one.open(f"/case/{case_id}")
        await one.sees("采用并发送")
        one.key("x")
        await one.sees("为什么不用答复？")
        await one.press("取消")
        one.key("x")
        await one.press("重复提交")
        await one.sees("都办完了。")
    assert (await case_of(website, case_id)).state == "closed"
    assert (await case_of(website, case_id)).reason == "重复提交"


async def test_an_extension_is_asked_for_by_one_and_agreed_to_by_another(
    website: Website,
) -> None:
    (case_id,) = await write(website, TEXTS[0])
    before = (await case_of(website, case_id)).due_at
    clerk, boss = await token_of(website, "li", "坐席"), await token_of(website)
    async with sitting(website, clerk) as one:
        await one.open(f"/case/{case_id}")
        await one.sees("采用并发送")
        one.key("d")
        await one.press("5 个工作日")
        await one.sees("自己写理由")
        one.write("自己写理由", "要到现场核实", enter=True)
        await one.is_told("要到现场核实")
        await one.open("/tasks")
        await one.sees("没有等您处理的事项。")
    async with sitting(website, boss) as two:
        await two.open("/tasks")
        await two.sees("要到现场核实")
        await two.press("同意")
        await two.sees("没有等您处理的事项。")
    after = (await case_of(website, case_id)).due_at
    assert before is not None and after is not None and after > before


async def test_an_entry_is_kept_only_as_it_may_be(website: Website) -> None:
    async with sitting(website, await token_of(website)) as one:
        await one.open(ENTRY)
        await one.sees("保存")
        one.write("答案", "请找小王，电话13812345678")
        await one.sees("不能保存：答案里有未遮盖的手机号“138****5678”：请删去或遮盖。")
        await one.press("保存")
        await one.is_told("没有保存")
        one.write("答案", "请带户口簿到街道便民中心三号窗口申请。")
        await one.sees("请带户口簿到街道便民中心三号窗口申请。")
        await one.press("保存")
        await one.is_told("已保存为第 2 版")
    assert (await entry(website)).version == 2
    assert "kb.edit" in await actions(website)


async def test_a_clerk_reads_an_entry_and_may_only_suggest(website: Website) -> None:
    async with sitting(website, await token_of(website, "li", "坐席")) as one:
        await one.open(ENTRY)
        await one.sees("只看；要由负责的审核、主管或管理员来改。")
        await one.sees_no("停用")
        await one.press("提相似问")
        await one.sees("别的问法")
        one.write("别的问法", "生活困难怎么领补助金", enter=True)
        await one.is_told("已提给审核")
        await one.open("/knowledge/learning")
        await one.sees("等审核看")
    assert (await entry(website)).version == 1


async def test_administration_is_for_administrators(website: Website) -> None:
    async with sitting(website, await token_of(website, "wang", "主管")) as one:
        for part in ("", "/accounts", "/rules", "/words", "/backups", "/settings"):
            await one.open(f"/admin{part}")
            await one.sees("这一页只给管理员看。")
        await one.open("/audit")
        await one.sees("只能看，不能改。")


async def test_an_administrator_adds_words_of_one_meaning(website: Website) -> None:
    async with sitting(website, await token_of(website)) as one:
        await one.open("/admin/words")
        await one.sees("本单位还没有改过同义词；自带的可以用“找词”查。")
        one.write("几个同义的词", "低保", enter=True)
        await one.is_told("请写两个以上的词")
        one.write("几个同义的词", "低保、困难补贴", enter=True)
        await one.is_told("已加上")
    async with website.desk.office.db.read() as session:
        assert "困难补贴" in set(await session.exec(select(Synonym.word)))
    assert "kb.words.add" in await actions(website)


async def entry(website: Website) -> EntryRow:
    async with website.desk.office.db.read() as session:
        return await session.get_one(EntryRow, "low-income")


def test_every_rate_and_hour_of_the_figures_says_what_it_rests_on() -> None:
    kinds = {one.path: one.kind for one in ALL}
    shown = [path for paths in TILES.values() for path in paths]
    rates = [path for path in shown if path in kinds and kinds[path] is not Kind.COUNT]
    assert "counts.pin_rate" in rates
    assert set(rates) <= set(BASES)
    assert BASES["counts.pin_rate"] == "counts.answered"


async def test_every_job_has_a_name_on_the_page(website: Website) -> None:
    assert {job.name for job in table(website.desk, "08:30", 30)} == set(JOBS)
