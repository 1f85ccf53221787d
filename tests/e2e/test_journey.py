"""A day from one end to the other in real browsers, at a desk by keyboard and on a phone."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from openpyxl import load_workbook
from playwright.async_api import Browser, Page, expect
from sqlmodel import col, select

from storage.db import Database
from storage.models import Account, Case, CaseEvent, EntryRow, Phrase, Staff
from tests.e2e.browsing import FITS, OFFICE, PHONE, needs_browser, visit
from tests.e2e.test_browser_console import PASSWORD, TEXTS, line, press, token_of, told, write
from tests.e2e.test_browser_figures import shows, tile
from tests.website import Website, open_website

pytestmark = needs_browser
LOGIN = "/console/login"
WRITTEN = "请带户口簿到街道便民中心三号窗口申请，当场受理。"
BETTER = "请带户口簿和收入证明到街道便民中心三号窗口申请，当场受理。"


@pytest.fixture
async def website(database: Database) -> AsyncIterator[Website]:
    async with open_website(database, console=True) as website:
        yield website


async def signs_in(page: Page, login: str) -> None:
    """Through the form, by keyboard alone."""
    await expect(page.get_by_label("登录名")).to_be_focused()
    await page.keyboard.type(login)
    await press(page, "Tab")
    await page.keyboard.type(PASSWORD)
    await press(page, "Enter")
    await page.wait_for_url("**/console/")


async def two_steps(website: Website) -> None:
    async with website.desk.office.db.write() as session:
        (await session.exec(select(Account).where(Account.key == "web"))).one().review_steps = 2


async def states(website: Website) -> dict[int, str]:
    async with website.desk.office.db.read() as session:
        return {one.id or 0: one.state for one in await session.exec(select(Case))}


async def answered(website: Website, *cases: int) -> None:
    """Replies wait some seconds, in which they can be taken back."""
    async with asyncio.timeout(40):
        while {(await states(website))[one] for one in cases} != {"answered"}:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def opened(page: Page) -> None:
    """The case that the list marks is the one on the screen."""
    here = page.locator(".line.here")
    await expect(here).to_have_count(1)
    number = await here.get_attribute("data-case")
    await expect(page.locator(".item .number").first).to_have_text(f"#{number}")
    await expect(page.locator(".reply-box textarea")).not_to_have_value("")


async def rewrite(page: Page, text: str) -> None:
    """Put another answer in the box, without the mouse."""
    await opened(page)
    box = page.locator(".reply-box textarea")
    await press(page, "e")
    await expect(box).to_be_focused()
    await press(page, "Control+a")
    await page.keyboard.insert_text(text)
    await press(page, "Control+Enter")


async def test_a_day_at_the_desk(browser: Browser, website: Website) -> None:
    await token_of(website, "li", "坐席")
    cases = await write(website, *TEXTS)
    async with (
        visit(browser, website, OFFICE, path=LOGIN) as one,
        visit(browser, website, OFFICE, path=LOGIN) as two,
    ):
        clerk, boss = one.page, two.page
        await signs_in(boss, "boss")
        await boss.get_by_role("link", name="看板").click()
        await boss.get_by_role("button", name="今天", exact=True).click()
        await shows(boss, "已答复", "0")

        await signs_in(clerk, "li")
        await expect(clerk.locator(".line")).to_have_count(4)
        await press(clerk, "j")
        await opened(clerk)
        await press(clerk, "a")
        await expect(clerk.locator(".line")).to_have_count(3)
        await rewrite(clerk, WRITTEN)
        await expect(clerk.locator(".line")).to_have_count(2)
        await opened(clerk)
        await press(clerk, "x")
        await expect(clerk.get_by_role("heading", name="为什么不用答复？")).to_be_visible()
        await press(clerk, "4")
        await expect(clerk.locator(".line")).to_have_count(1)

        await opened(clerk)
        await two_steps(website)
        last = int(await clerk.locator(".line").get_attribute("data-case") or 0)
        await clerk.reload()
        await rewrite(clerk, WRITTEN)
        await told(clerk, "已通过第 1 步审核")
        await boss.goto(f"{website.url}/console/")
        await expect(boss.get_by_role("tab", name="待复审")).to_contain_text("1")
        await press(boss, "j")
        await opened(boss)
        await expect(boss.locator(".step")).to_contain_text("小li")
        await expect(boss.locator(".diff ins").first).to_be_visible()
        await line(clerk, last).click()
        await expect(clerk.locator(".reply-box textarea")).to_have_value(WRITTEN)
        await press(clerk, "a")
        await told(clerk, "换一位同事")
        await press(boss, "a")
        await expect(boss.locator(".line")).to_have_count(0)

        await edits(boss, website)
        done = [one for one, state in (await states(website)).items() if state != "closed"]
        assert last in done and len(done) == 3 and set(done) < set(cases)
        await answered(website, *done)
        await boss.goto(f"{website.url}/console/figures?period=today")
        await shows(boss, "已答复", "3")
        assert await exported(boss) == {f"#{number}" for number in done}
        for seen in (one, two):
            assert seen.problems == []
            assert seen.abroad == []
    await reviewed_by_two(website, last)


async def edits(page: Page, website: Website) -> None:
    """An entry is found, opened and changed by keyboard; it matches by the change at once."""
    await page.goto(f"{website.url}/console/knowledge")
    await expect(page.locator("a.kb-row").first).to_be_visible()
    await press(page, "/")
    await page.keyboard.insert_text("低保")
    await expect(page.locator("a.kb-row")).to_have_count(1)
    await press(page, "Escape", "j")
    await expect(page.locator("a.kb-row")).to_be_focused()
    await press(page, "Enter")
    answer = page.locator(".kb-form .reply-box textarea")
    await expect(answer).not_to_have_value("")
    await press(page, "e")
    await expect(answer).to_be_focused()
    await press(page, "Control+a")
    await page.keyboard.insert_text(BETTER)
    await expect(page.locator(".bubble").first).to_contain_text("收入证明")
    await press(page, "Control+Enter")
    await told(page, "已保存为第 2 版")
    async with website.desk.office.db.read() as session:
        query = select(EntryRow).where(EntryRow.answer == BETTER)
        changed = (await session.exec(query)).one()
    known = website.desk.office.library.get(changed.id)
    assert known is not None and known.answer == BETTER


async def exported(page: Page) -> set[str]:
    """The numbers of the cases in the list that a figure opens, from the file itself."""
    await tile(page, "已答复").click()
    await expect(page.locator(".cases-total")).to_have_text("3 件")
    await page.get_by_role("button", name="下载清单").click()
    async with page.expect_download() as caught:
        await page.get_by_role("button", name="Excel").click()
    download = await caught.value
    return await asyncio.to_thread(_numbers, await download.path())


def _numbers(path: Path) -> set[str]:
    with path.open("rb") as file:
        sheet = load_workbook(file, data_only=False).worksheets[0]
    cells = [cell for row in sheet.iter_rows() for cell in row if cell.value is not None]
    assert not [cell.value for cell in cells if cell.data_type == "f"]
    assert any(TEXTS[0][:2] in str(cell.value) for cell in cells)
    return {str(cell.value) for cell in cells if str(cell.value).startswith("#")}


async def reviewed_by_two(website: Website, case_id: int) -> None:
    """Both steps are in the ledger, by two people, and what was sent is what they passed."""
    async with website.desk.office.db.read() as session:
        query = select(CaseEvent).where(CaseEvent.case_id == case_id)
        events = list(await session.exec(query.order_by(col(CaseEvent.id))))
    steps = [one for one in events if one.kind == "reviewed"]
    assert [one.data["step"] for one in steps] == [1, 2]
    assert len({one.actor for one in steps}) == 2
    assert len({one.data["sha256"] for one in steps}) == 1
    assert [one.kind for one in events].count("replied") == 1


async def test_a_day_on_a_phone(browser: Browser, website: Website) -> None:
    await token_of(website)
    cases = await write(website, *TEXTS[:2])
    async with website.desk.office.db.write() as session:
        writer = (await session.exec(select(Staff).where(Staff.login == "boss"))).one()
        session.add(Phrase(staff_id=writer.id or 0, scope="own", title="尾", text="请您知悉。"))
    async with visit(browser, website, PHONE, path=LOGIN) as one:
        page = one.page
        await page.get_by_label("登录名").fill("boss")
        await page.get_by_label("密码").fill(PASSWORD)
        await page.get_by_role("button", name="登录").click()
        await line(page, cases[0]).click()
        await expect(page.locator(".queue")).to_be_hidden()
        await page.get_by_role("button", name="常用语").click()
        await page.locator(".phrase-row").click()
        await expect(page.locator(".checks")).to_contain_text("字，发 1 条")
        await page.get_by_role("button", name="发送改后的答复").click()
        await told(page, "秒内可按 u 撤销")
        await page.get_by_role("button", name="返回").click()
        await expect(page.locator(".line")).to_have_count(1)
        await answered(website, cases[0])
        for way in ("事项", "知识库", "看板", "审计"):
            await page.get_by_role("link", name=way).first.click()
            await expect(page.locator(".way.here")).to_have_text(way)
            await page.wait_for_function(FITS)
        await page.goto(f"{website.url}/console/figures?period=today")
        await shows(page, "已答复", "1")
        await page.wait_for_function(FITS)
        tall = await page.locator(".way, .sub-way, .period").evaluate_all(
            "all => all.map(one => one.getBoundingClientRect().height)"
        )
        assert min(tall) >= 36
        assert one.problems == []
        assert one.abroad == []
    async with website.desk.office.db.read() as session:
        events = list(await session.exec(select(CaseEvent).where(CaseEvent.kind == "replied")))
    assert [one.case_id for one in events] == [cases[0]]
    assert events[0].at <= datetime.now(UTC)
