"""What is done with cases in a real browser beyond a single reply: in bulk, by tasks, undone."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from playwright.async_api import Browser, Page, expect
from sqlmodel import col, select

from bot.channels.base import Attachment
from bot.desk import Inbound
from storage.db import Database
from storage.models import Case, CaseEvent, Message, Staff, Task
from tests.e2e.browsing import CONTRAST, FITS, OFFICE, PHONE, needs_browser
from tests.e2e.test_browser_console import NASTY, TEXTS, at_work, press, told, waiting, write
from tests.website import Website, open_website

pytestmark = needs_browser


@pytest.fixture
async def website(database: Database) -> AsyncIterator[Website]:
    async with open_website(database, console=True) as website:
        yield website


async def case_of(website: Website, case_id: int) -> Case:
    async with website.desk.office.db.read() as session:
        return await session.get_one(Case, case_id)


async def kinds(website: Website, case_id: int) -> list[str]:
    async with website.desk.office.db.read() as session:
        query = select(CaseEvent.kind).where(CaseEvent.case_id == case_id)
        return list(await session.exec(query.order_by(col(CaseEvent.id))))


async def opened(page: Page, case_id: int) -> None:
    await expect(page.locator(".item .number").first).to_have_text(f"#{case_id}")
    await expect(page.locator(".reply-box textarea")).to_be_visible()


async def test_similar_cases_are_answered_together_by_keyboard(
    browser: Browser, website: Website
) -> None:
    cases = await write(website, *TEXTS[:3], "我要投诉！烧烤摊半夜冒烟没人管")
    async with at_work(browser, website, path=f"/console/case/{cases[0]}") as one:
        page = one.page
        await opened(page, cases[0])
        await press(page, "b")
        await expect(page.locator(".bulk-line")).to_have_count(2)
        text = "请带户口簿到街道便民中心三号窗口申请，{诉求编号} 请记好。"
        await page.locator(".bulk-text textarea").fill(text)
        # A colleague is quicker with one of them.
        boss = await boss_of(website)
        version = (await case_of(website, cases[1])).version
        await website.desk.review.close(boss, cases[1], version, "console", "重复提交")
        await page.locator(".bulk-text textarea").press("Control+Enter")
        await expect(page.get_by_role("heading", name="2 件已办，1 件没有")).to_be_visible()
        await expect(page.locator(".bulk-outcome .bad")).to_contain_text("没有执行")
        await page.get_by_role("button", name="好").click()
        await expect(page.locator(".line")).to_have_count(1)
        assert one.problems == []
    for number in (cases[0], cases[2]):
        assert (await kinds(website, number)).count("reply_queued") == 1
    assert await waiting(website) == 1


async def boss_of(website: Website) -> Staff:
    async with website.desk.office.db.read() as session:
        return (await session.exec(select(Staff).where(Staff.login == "boss"))).one()


async def test_what_went_out_in_bulk_is_taken_back(browser: Browser, website: Website) -> None:
    cases = await write(website, *TEXTS[:2])
    async with at_work(browser, website, path=f"/console/case/{cases[0]}") as one:
        page = one.page
        await opened(page, cases[0])
        await press(page, "b")
        await page.get_by_role("button", name="给这 2 件各发一份").click()
        await expect(page.get_by_role("heading", name="2 件已办")).to_be_visible()
        await page.get_by_role("button", name="撤销（").click()
        await told(page, "撤销了 2 件")
        await expect(page.locator(".line")).to_have_count(2)
        assert one.problems == []


async def test_an_exclusion_is_proposed_by_one_and_confirmed_by_another(
    browser: Browser, website: Website
) -> None:
    (case_id,) = await write(website, TEXTS[0])
    path = f"/console/case/{case_id}"
    async with (
        at_work(browser, website, login="li", role="坐席", path=path) as one,
        at_work(browser, website, path="/console/tasks") as two,
    ):
        await opened(one.page, case_id)
        await press(one.page, "i")
        await one.page.get_by_role("button", name="不属实").click()
        await one.page.get_by_label("自己写理由").fill("现场核实没有这户")
        await press(one.page, "Enter")
        await told(one.page, "已提出剔除")
        row = two.page.locator(".kb-task")
        await expect(row).to_contain_text("现场核实没有这户")
        await row.get_by_role("button", name="同意", exact=True).click()
        await told(two.page, "已剔除")
        await expect(two.page.locator(".nothing-title")).to_have_text("没有等您处理的事项。")
        await two.page.goto(f"{website.url}{path}")
        await expect(two.page.locator(".standing")).to_contain_text("已剔除：不属实")
        await opened(two.page, case_id)
        await press(two.page, "i")
        await two.page.get_by_label("自己写理由").fill("又查实了")
        await press(two.page, "Enter")
        await told(two.page, "恢复计入")
        assert one.problems == two.problems == []
    assert (await case_of(website, case_id)).excluded == ""


async def test_merged_cases_are_taken_apart_again(browser: Browser, website: Website) -> None:
    first, second = await write(website, TEXTS[0], TEXTS[1])
    async with website.desk.office.db.write() as session:
        citizen = (await session.get_one(Case, first)).citizen_id
        (await session.get_one(Case, second)).citizen_id = citizen
        for message in await session.exec(select(Message).where(Message.case_id == second)):
            message.citizen_id = citizen
    async with at_work(browser, website, path=f"/console/case/{first}") as one:
        page = one.page
        await opened(page, first)
        await press(page, "m")
        await expect(page.get_by_role("heading", name="和哪一件合并？")).to_be_visible()
        await press(page, "1")
        await told(page, f"已把 #{second} 并入 #{first}")
        await page.goto(f"{website.url}/console/case/{first}")
        await expect(page.locator(".standing")).to_contain_text(f"已并入 #{second}")
        await page.get_by_role("button", name="撤销合并").click()
        await page.get_by_role("button", name="按自己的时间办理").click()
        await told(page, "已分开")
        await expect(page.locator(".line")).to_have_count(2)
        assert one.problems == []
    assert (await case_of(website, second)).state == "waiting"


async def test_a_poor_grade_is_followed_up_in_the_console(
    browser: Browser, website: Website
) -> None:
    (case_id,) = await write(website, TEXTS[0])
    desk = website.desk
    async with at_work(browser, website, path="/console/tasks") as one:
        page = one.page
        await expect(page.locator(".nothing-title")).to_be_visible()
        async with desk.office.db.write() as session:
            case = await session.get_one(Case, case_id)
            case.grade, case.comment = 5, NASTY
            await desk.callback.open(session, case)
        desk.office.notify("outbox")
        row = page.locator(".kb-task")
        await expect(row).to_contain_text("非常不满意")
        await expect(row).to_contain_text(NASTY)
        await page.reload()
        await expect(page.locator(".way .count")).to_have_text("1")
        await press(page, "j")
        await expect(row.locator("a").first).to_be_focused()
        await press(page, "d")
        await expect(page.get_by_role("heading", name="怎么处理？")).to_be_visible()
        await press(page, "1")
        await page.get_by_role("textbox", name="整改情况").fill("已上门道歉，电话13812345678")
        await press(page, "Enter")
        await told(page, "已整改")
        await expect(page.locator(".nothing-title")).to_be_visible()
        assert await page.locator(".kb img").count() == 0
        assert one.problems == []
    async with desk.office.db.read() as session:
        (task,) = await session.exec(select(Task))
    assert (task.state, "138****5678" in task.outcome) == ("done", True)


async def test_category_supplement_and_transfer_by_keys(browser: Browser, website: Website) -> None:
    cases = await write(website, *TEXTS[:3])
    async with at_work(browser, website, login="wang", role="主管") as wang:
        await expect(wang.page.locator(".line")).to_have_count(3)
    async with at_work(browser, website, path=f"/console/case/{cases[0]}") as one:
        page = one.page
        await opened(page, cases[0])
        await press(page, "g")
        await page.get_by_role("button", name="求助").click()
        await page.get_by_role("button", name="研判有误").click()
        await expect(page.locator(".item-head .category")).to_have_text("求助")
        await press(page, "q")
        await page.get_by_label("自己写理由").fill("请写明您的户口在哪个街道。")
        await press(page, "Enter")
        await told(page, "补充")
        await page.goto(f"{website.url}/console/case/{cases[1]}")
        await opened(page, cases[1])
        await press(page, "t")
        await page.get_by_role("button", name="市公安局").click()
        await page.get_by_role("button", name="职责归口").click()
        await told(page, "等对方签收")
        assert one.problems == []
    assert (await case_of(website, cases[0])).category == "求助"
    assert "category_changed" in await kinds(website, cases[0])
    assert "transferred" in await kinds(website, cases[1])


async def test_attachments_are_told_of_and_nothing_of_them_is_opened(
    browser: Browser, website: Website
) -> None:
    citizen = uuid4().hex
    held = (
        Attachment("document", "1:2", f"{NASTY}.pdf", {"file_size": 20480}),
        Attachment("location", "1:3", "", {"latitude": 23.1, "longitude": 113.3}),
    )
    inbound = Inbound(
        "web",
        citizen,
        "访客",
        "direct",
        citizen,
        citizen,
        f"{citizen}:1",
        TEXTS[0],
        datetime.now(UTC) - timedelta(minutes=1),
        held,
    )
    case_id = (await website.desk.intake.receive(inbound)).case_id
    async with at_work(browser, website, path=f"/console/case/{case_id}") as one:
        first, second = one.page.locator(".attachment").first, one.page.locator(".attachment").last
        await expect(first).to_contain_text(f"{NASTY[:20]}")
        await expect(first).to_contain_text("20 KB")
        await expect(second).to_contain_text("纬度 23.1")
        assert await one.page.locator(".item img, .item b").count() == 0
        assert one.problems == []
        assert one.abroad == []


async def test_what_no_entry_answers_becomes_one(browser: Browser, website: Website) -> None:
    (case_id,) = await write(website, "无人机飞行要不要备案，我电话13812345678")
    async with at_work(browser, website, path=f"/console/case/{case_id}") as one:
        async with one.context.expect_page() as coming:
            await one.page.get_by_role("link", name="都不合适，新建一条").click()
        page = await coming.value
        question = page.get_by_label("标准问")
        await expect(question).to_have_value("无人机飞行要不要备案")
        await page.locator(".kb-form .reply-box textarea").fill("起飞前在网上备案，当天办完。")
        await page.get_by_role("button", name="新建").click()
        await told(page, "已新建")
        assert one.problems == []
    match = await website.desk.catalogue.ask("无人机飞行要不要备案")
    assert match.match.candidates[0].entry.question == "无人机飞行要不要备案"


async def test_placeholders_are_shown_as_they_will_be_sent(
    browser: Browser, website: Website
) -> None:
    (case_id,) = await write(website, TEXTS[0])
    async with at_work(browser, website, path=f"/console/case/{case_id}") as one:
        page, box = one.page, one.page.locator(".reply-box textarea")
        await opened(page, case_id)
        await box.fill("{称呼}，请带户口簿到街道申请，编号 {诉求编号}。")
        await expect(page.locator(".filled")).to_contain_text(f"编号 #{case_id}。")
        await expect(page.locator(".checks .bad")).to_have_count(0)
        await box.fill("{别的}，请带户口簿到街道申请。")
        await expect(page.locator(".checks .bad")).to_contain_text("未填完")
        assert one.problems == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [OFFICE, PHONE])
async def test_tasks_can_be_read(
    browser: Browser, website: Website, scheme: str, size: dict[str, int]
) -> None:
    (case_id,) = await write(website, TEXTS[0])
    async with website.desk.office.db.write() as session:
        case = await session.get_one(Case, case_id)
        case.grade = 5
        await website.desk.callback.open(session, case)
    async with at_work(browser, website, size=size, scheme=scheme, path="/console/tasks") as one:
        await expect(one.page.locator(".kb-task")).to_have_count(1)
        assert await one.page.evaluate(CONTRAST) == []
        assert await one.page.evaluate(FITS)


async def test_what_is_seldom_done_is_in_a_menu_by_keyboard_too(
    browser: Browser, website: Website
) -> None:
    (case_id,) = await write(website, "低保怎么申请")
    async with at_work(browser, website, path=f"/console/case/{case_id}") as one:
        page = one.page
        await expect(page.get_by_role("button", name="改类别")).to_have_count(0)
        more = page.get_by_role("button", name="更多")
        await more.press("Enter")
        await expect(page.locator(".q-menu .q-item", has_text="剔除")).to_be_visible()
        assert await page.evaluate(CONTRAST) == []
        await page.locator(".q-menu .q-item", has_text="改类别").click()
        await expect(page.get_by_role("dialog", name="改成哪一类？")).to_be_visible()
        await press(page, "Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)
        await press(page, "g")  # its key does the same
        await expect(page.get_by_role("dialog", name="改成哪一类？")).to_be_visible()
        assert one.problems == []
