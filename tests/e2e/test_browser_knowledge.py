"""The knowledge pages in a real browser: by keyboard, by two people, on a phone, attacked."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect
from sqlmodel import select

from bot.desk.desktop import CONSOLE
from knowledge.exchange import read_entries, write_entries
from storage import entries
from storage.db import Database
from storage.models import EntryRevision, EntryRow, Staff
from storage.shelf import Wanted
from tests.e2e.browsing import needs_browser
from tests.e2e.test_browser_console import NASTY, at_work, press, told
from tests.e2e.test_browser_console import write as come
from tests.support import ENTRIES
from tests.website import Website, answers, open_website, write

pytestmark = needs_browser

LIST = "/console/knowledge"
EXCHANGE = "/console/knowledge/exchange"
LOST = "/console/knowledge/entry?id=id-lost"
ANSWER = "带户口簿到任一派出所补领，15 个工作日取证，周末也可办。"


@pytest.fixture
async def website(database: Database) -> AsyncIterator[Website]:
    async with open_website(database, console=True) as website:
        yield website


async def put(website: Website, **values: object) -> None:
    """Change the entry about lost identity cards behind everybody's back."""
    async with website.desk.office.db.write() as session:
        await entries.save(session, [replace(ENTRIES[0], **values)], "os:li")  # type: ignore[arg-type]
    await website.desk.office.library.refresh()


async def row(website: Website, entry_id: str = "id-lost") -> EntryRow:
    async with website.desk.office.db.read() as session:
        return await session.get_one(EntryRow, entry_id)


async def test_an_entry_is_found_changed_and_live_by_keyboard_alone(
    browser: Browser, website: Website
) -> None:
    async with at_work(browser, website, path=LIST) as one:
        page, box = one.page, one.page.locator(".kb-form .reply-box textarea")
        await expect(page.locator("a.kb-row")).to_have_count(4)
        await page.locator("body").press("/")
        await page.keyboard.type("身份证法")
        await expect(page.locator("a.kb-row")).to_have_count(1)
        await press(page, "Escape", "j")
        await expect(page.locator("a.kb-row")).to_be_focused()
        await press(page, "Enter")
        await expect(page.locator(".bubble").first).to_contain_text("20 个工作日内取证")
        await page.locator("body").press("e")
        await box.fill("请找张经理，手机13812345678。")
        await expect(page.locator(".kb-beside .bad")).to_contain_text("手机号")
        await press(page, "Control+Enter")
        await told(page, "没有保存")
        await box.fill(ANSWER)
        await expect(page.locator(".bubble").first).to_contain_text("周末也可办")
        await press(page, "Control+Enter")
        await told(page, "第 2 版")
        await expect(page.locator(".kb-version")).to_have_count(2)
        assert one.problems == []
        assert one.abroad == []
    citizen = website.browser()
    await write(citizen, "身份证丢失怎么补领")
    assert "周末也可办" in (await answers(citizen))[0]["text"]


async def test_a_sentence_is_asked_before_it_is_answered(
    browser: Browser, website: Website
) -> None:
    async with at_work(browser, website, path=LIST, login="li", role="坐席") as one:
        page = one.page
        await expect(page.locator("a.kb-row")).to_have_count(4)
        await page.locator("body").press("w")
        await page.keyboard.type("身份证丢失怎么补领")
        await press(page, "Enter")
        await expect(page.locator(".asked-decision")).to_have_text("直接答复")
        first = page.locator(".asked .proposal").first
        await expect(first).to_contain_text("把握")
        await page.locator(".kb-ask input").fill("我要投诉！派出所的人态度恶劣")
        await press(page, "Enter")
        await expect(page.locator(".asked-outcome")).to_contain_text("投诉")
        await page.locator(".kb-ask input").fill("低保怎么申请")
        await press(page, "Enter")
        await expect(page.locator(".asked-outcome")).to_contain_text("没有批准自动答复")
        assert one.problems == []


async def test_two_people_at_one_entry_do_not_write_over_each_other(
    browser: Browser, website: Website
) -> None:
    async with at_work(browser, website, path=LOST, login="shen", role="审核") as one:
        page, box = one.page, one.page.locator(".kb-form .reply-box textarea")
        await expect(page.locator(".bubble").first).to_be_visible()
        await put(website, answer="带户口簿补领，10 个工作日取证。")
        await box.fill(ANSWER)
        await page.get_by_role("button", name="保存").click()
        await told(page, "刚改过")
        await expect(box).to_have_value(ANSWER)  # what was typed is still there
        await expect(page.locator(".notice")).to_contain_text("第 2 版", timeout=15_000)
        await page.get_by_role("button", name="看最新的", exact=True).click()
        await expect(page.get_by_role("heading", name="您写的还没有保存。")).to_be_visible()
        await page.get_by_role("button", name="取消").click()
        await expect(box).to_have_value(ANSWER)
        await page.get_by_role("button", name="看最新的", exact=True).click()
        await page.get_by_role("button", name="不要了").click()
        await expect(box).to_have_value("带户口簿补领，10 个工作日取证。")
        assert one.problems == []
    assert (await row(website)).answer == "带户口簿补领，10 个工作日取证。"


async def test_versions_show_what_changed_and_come_back(browser: Browser, website: Website) -> None:
    await put(website, answer=ANSWER)
    async with at_work(browser, website, path=LOST) as one:
        page = one.page
        newest = page.locator(".kb-version").first
        await newest.click()
        await expect(newest.locator("ins").first).to_be_visible()
        await expect(newest.locator("del").first).to_be_visible()
        await page.locator(".kb-version").nth(1).click()
        await page.get_by_role("button", name="恢复到这一版").click()
        await page.get_by_role("button", name="存成新的一版").click()
        await told(page, "第 3 版")
        await expect(page.locator(".kb-version")).to_have_count(3)
        assert one.problems == []
    async with website.desk.office.db.read() as session:
        assert (await row(website)).answer == ENTRIES[0].answer
        assert await session.get(EntryRevision, 1) is not None


async def test_a_new_entry_is_written_taken_out_of_use_and_put_back(
    browser: Browser, website: Website
) -> None:
    async with at_work(browser, website, path=LIST) as one:
        page = one.page
        await expect(page.locator("a.kb-row")).to_have_count(4)
        await page.locator("body").press("n")
        await page.get_by_label("标准问").fill("孤儿怎么领补助")
        await page.locator(".kb-form .reply-box textarea").fill("到户籍所在街道申请，次月发放。")
        await expect(page.locator(".kb-beside .warn").first).to_contain_text("依据")
        await page.get_by_role("button", name="新建").click()
        await told(page, "已新建")
        opened = f"{website.url}/console/knowledge/entry?id={await newest(website)}"
        await expect(page).to_have_url(opened)
        await page.get_by_role("button", name="停用").click()
        await page.get_by_role("button", name="不再用来答复").click()
        await told(page, "已停用")
        await page.get_by_role("button", name="启用").click()
        await told(page, "已启用")
        await page.goto(f"{website.url}{LIST}?state=retired")
        await expect(page.locator(".nothing-title")).to_have_text("没有符合条件的条目。")
        assert one.problems == []


async def newest(website: Website) -> str:
    shelf = await website.desk.catalogue.page(Wanted(), 0)
    return shelf.lines[0].row.id


async def test_a_clerk_reads_and_cannot_write(browser: Browser, website: Website) -> None:
    async with at_work(browser, website, path=LIST, login="li", role="坐席") as one:
        page = one.page
        await expect(page.locator("a.kb-row")).to_have_count(4)
        await expect(page.get_by_role("button", name="新建")).to_have_count(0)
        await page.goto(f"{website.url}{LOST}")
        await expect(page.locator(".bubble").first).to_be_visible()
        await expect(page.get_by_role("button", name="保存")).to_have_count(0)
        await expect(page.locator(".kb-form .reply-box textarea")).not_to_be_editable()
        await page.locator(".kb-form .reply-box textarea").press("Control+Enter")
        await told(page, "审核、主管或管理员")
    assert (await row(website)).version == 1


async def test_what_is_in_an_entry_stays_text(browser: Browser, website: Website) -> None:
    await put(website, question=NASTY, answer=NASTY, department=NASTY, similar=(NASTY,))
    async with at_work(browser, website, path=LIST) as one:
        page = one.page
        await expect(page.locator(".kb-title").filter(has_text=NASTY)).to_have_count(1)
        await page.locator("body").press("w")
        await page.keyboard.type("低保怎么申请")
        await press(page, "Enter")
        await expect(page.locator(".asked .question").filter(has_text=NASTY)).to_have_count(1)
        await page.goto(f"{website.url}{LOST}")
        await expect(page.locator(".bubble").first).to_contain_text(NASTY)
        await page.locator(".kb-version").first.click()
        await expect(page.locator(".diff ins").first).to_be_visible()
        assert await page.locator(".kb img, .kb b").count() == 0
        assert "问办" in await page.title()
        assert one.problems == []


async def test_troubles_and_saved_questions_lead_to_their_entries(
    browser: Browser, website: Website
) -> None:
    today = website.desk.office.today()
    await put(website, expires_on=today - timedelta(days=1))
    async with at_work(browser, website, path="/console/knowledge/upkeep") as one:
        page = one.page
        await expect(page.get_by_role("tab", name="已过期")).to_contain_text("1")
        await press(page, "j")
        await expect(page.locator(".kb-trouble a").first).to_be_focused()
        await press(page, "Enter")
        await expect(page).to_have_url(f"{website.url}{LOST}")
        await page.goto(f"{website.url}/console/knowledge/questions")
        await expect(page.locator(".nothing-title")).to_have_text("还没有测试问题。")
        await press(page, "n")
        await page.get_by_label("群众会怎样问").fill("低保怎么申请")
        await page.get_by_label("应得到的条目编号").fill("id-lost")
        await page.get_by_role("button", name="保存").click()
        await expect(page.locator(".kb-tested")).to_contain_text("没通过")
        await expect(page.locator(".kb-tested a").last).to_have_text("低保怎么申请")
        await page.get_by_role("button", name="删除").click()
        await page.get_by_role("button", name="删除这个测试问题").click()
        await expect(page.locator(".nothing-title")).to_have_text("还没有测试问题。")
        await page.goto(f"{website.url}/console/knowledge/links")
        await expect(page.locator(".kb-bar")).to_contain_text("还没有检查过")
        assert one.problems == []


async def test_what_was_asked_opened_and_solved_is_told(browser: Browser, website: Website) -> None:
    citizen = website.browser(**{"user-agent": "Mozilla/5.0 (Android 14)"})
    await write(citizen, "身份证丢失怎么补领")
    (line,) = await answers(citizen)
    await citizen.get(line["rows"][0][0]["url"])
    await citizen.post("/chat/actions", json={"action": f"c:helpful:{line['case']}"})
    async with at_work(browser, website, path="/console/knowledge/links") as one:
        figures = one.page.locator(".kb-table tbody td")
        told = ["身份证丢失怎么补领", "网站 云川市政务服务（示例）", "1", "1", "1", "1"]
        await expect(figures).to_have_text(told)
        await one.page.goto(f"{website.url}{LOST}")
        await expect(figures).to_have_text(told[1:])
        assert one.problems == []


async def test_lessons_are_taken_and_refused_by_keyboard(
    browser: Browser, website: Website
) -> None:
    bench, review = website.desk.workbench, website.desk.review
    async with at_work(browser, website, path="/console/knowledge/learning") as one:
        page = one.page
        await expect(page.locator(".nothing-title")).to_have_text("没有等着看的建议。")
        assert website.signin is not None
        async with website.desk.office.db.read() as session:
            boss = (await session.exec(select(Staff))).one()
        for text in ("公积金断缴了吃不上饭找谁帮", "公积金没了家里揭不开锅咋办"):
            (case_id,) = await come(website, text)
            item = await website.desk.inbox.look_again(boss, case_id)
            await bench.use(boss, case_id, item.case.version, "low-income")
            item = await website.desk.inbox.look_again(boss, case_id)
            await review.adopt(boss, case_id, item.case.version, CONSOLE)
        await page.reload()
        rows = page.locator(".kb-lesson")
        await expect(rows).to_have_count(2)
        await press(page, "j")
        await expect(rows.first).to_be_focused()
        await press(page, "a")
        await told(page, "已记下")
        await expect(rows).to_have_count(1)
        await expect(rows.first).to_be_focused()
        await press(page, "x")
        await told(page, "不再提")
        await expect(page.locator(".nothing-title")).to_have_text("没有等着看的建议。")
        await page.reload()
        await expect(page.locator(".nothing-title")).to_have_text("没有等着看的建议。")
        assert one.problems == []
    assert len((await row(website, "low-income")).similar) == 2


async def test_a_file_is_compared_then_imported_and_exported(
    browser: Browser, website: Website, tmp_path: Path
) -> None:
    lost = replace(ENTRIES[0], answer=ANSWER)
    new = replace(ENTRIES[3], id="orphan", question=NASTY, similar=())
    write_entries([*ENTRIES[1:3], lost, new], tmp_path / "知识库.csv")
    with (tmp_path / "知识库.csv").open("a", encoding="utf-8") as file:
        file.write("bad,,没有问法\r\n" + "\r\n" * 200_000)  # more than other requests may hold
    async with at_work(browser, website, path=EXCHANGE) as one:
        page = one.page
        await expect(page.locator(".nothing-title")).to_contain_text("先看会改什么")
        await page.locator("input[type=file]").set_input_files(tmp_path / "知识库.csv")
        await expect(page.get_by_role("tab", name="有改动")).to_contain_text("1")
        await expect(page.locator(".kb-differences ins").first).to_be_visible()
        await page.get_by_role("tab", name="有误").click()
        await expect(page.locator(".kb-trouble")).to_contain_text("第 ")
        await page.get_by_role("tab", name="新增").click()
        await expect(page.locator(".kb-trouble")).to_contain_text(NASTY)
        await page.get_by_role("button", name="导入这 2 条").click()
        await told(page, "新增 1 条，更新 1 条")
        async with page.expect_download() as coming:
            await page.get_by_role("button", name="JSONL").click()
        download = await coming.value
        await download.save_as(tmp_path / "out.jsonl")
        assert await page.locator(".kb img, .kb b").count() == 0
        assert one.problems == []
        assert one.abroad == []
    known = {entry.id: entry for entry in read_entries(tmp_path / "out.jsonl").entries}
    assert len(known) == 5 and known["id-lost"].answer == ANSWER


async def test_a_clerk_is_offered_no_import_and_no_upload_is_taken_from_strangers(
    browser: Browser, website: Website
) -> None:
    async with at_work(browser, website, path=EXCHANGE, login="li", role="坐席") as one:
        await expect(one.page.locator(".nothing-title")).to_contain_text("审核、主管或管理员")
        await expect(one.page.locator("input[type=file]")).to_have_count(0)
    path = "/console/_nicegui/client/00000000-0000-0000-0000-000000000000/upload/9"
    answer = await website.browser().post(path, files={"file": b"x" * 400_000})
    assert answer.status_code == 401
    elsewhere = await website.browser().post("/console/login", content=b"x" * 400_000)
    assert elsewhere.status_code == 413


async def test_ten_thousand_entries_open_by_the_page(browser: Browser, website: Website) -> None:
    async with website.desk.office.db.write() as session:
        values = (await session.get_one(EntryRow, "low-income")).model_dump()
        session.add_all(
            EntryRow(**{**values, "id": f"e{n:05}", "question": f"第{n}个问题怎么办"})
            for n in range(10_000)
        )
    async with at_work(browser, website, path=f"{LIST}?order=id") as one:
        page = one.page
        await expect(page.locator("a.kb-row")).to_have_count(50)
        await expect(page.locator(".pager")).to_contain_text("共 10,004 条")
        await page.get_by_role("button", name="下一页").click()
        await expect(page.locator(".pager")).to_contain_text("第 51–100 条")
        await expect(page.locator("a.kb-row")).to_have_count(50)
        await page.reload()  # the address says where one was
        await expect(page.locator(".pager")).to_contain_text("第 51–100 条")
        assert one.problems == []


async def test_a_person_who_was_disabled_sees_no_more_of_it(
    browser: Browser, website: Website
) -> None:
    async with at_work(browser, website, path=LIST, login="li", role="审核") as one:
        page = one.page
        await expect(page.locator("a.kb-row")).to_have_count(4)
        async with website.desk.office.db.read() as session:
            boss = (await session.exec(select(Staff).where(Staff.login == "boss"))).one()
        await website.desk.people.disable(boss, "li")
        await page.get_by_role("tab", name="已停用").click()
        await expect(page.get_by_label("登录名")).to_be_visible()
