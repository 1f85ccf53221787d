"""一件事 in a real browser: the whole list, ticked on a phone, there again after a reload."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect

from storage.db import Database
from tests.e2e.browsing import CONTRAST, DESKTOP, FITS, PHONE, needs_browser, visit
from tests.e2e.test_browser_console import at_work, write
from tests.support import MOVED
from tests.website import Website, open_website

pytestmark = needs_browser
PICTURES = os.environ.get("TEST_PICTURES", "")


@pytest.fixture
async def office(database: Database) -> AsyncIterator[Website]:
    async with open_website(database, console=True, bundles=[MOVED]) as website:
        yield website


@pytest.fixture
async def website(database: Database) -> AsyncIterator[Website]:
    async with open_website(database, bundles=[MOVED]) as website:
        yield website


@pytest.mark.parametrize(("size", "scheme"), [(PHONE, "light"), (DESKTOP, "dark")])
async def test_steps_are_ticked_and_still_ticked_after_a_reload(
    browser: Browser, website: Website, size: dict[str, int], scheme: str
) -> None:
    async with visit(browser, website, size, scheme) as one:
        page = one.page
        await page.get_by_role("button", name="常办事项").click()
        await page.locator("summary", has_text="一件事").click()
        await page.get_by_role("button", name="搬家后要办什么").click()
        first, second = page.get_by_label("1. 换身份证"), page.get_by_label("2. 换社保卡")
        await first.check()
        await expect(page.locator(".state")).to_have_text("已办好 1 步，还有 1 步。")
        await expect(first).to_be_focused()
        await page.keyboard.press("Tab")
        await page.keyboard.press("Space")
        await expect(page.locator(".state")).to_have_text("2 步都办好了。")
        assert await page.evaluate(CONTRAST) == []
        if PICTURES:
            await page.screenshot(path=Path(PICTURES) / f"bundle-{scheme}.png")
        await page.reload()
        await expect(first).to_be_checked()
        await expect(second).to_be_checked()
        await second.uncheck()
        await expect(page.locator(".state")).to_have_text("已办好 1 步，还有 1 步。")
        await page.get_by_role("button", name="有帮助").click()
        await expect(page.get_by_role("button", name="没解决")).to_be_disabled()
        await expect(second).to_be_enabled()
        assert await page.evaluate(FITS)
        assert one.problems == []
        assert one.abroad == []


async def test_a_tick_that_was_not_kept_is_taken_back(browser: Browser, website: Website) -> None:
    async with visit(browser, website) as one:
        page = one.page
        await one.ask("搬家后要办什么")
        first = page.get_by_label("1. 换身份证")
        await expect(first).to_be_visible()
        await page.route("**/chat/actions", lambda route: route.abort())
        await first.click()
        await expect(page.locator(".state.bad")).to_have_text("没有记下，请再点一次。")
        await expect(first).not_to_be_checked()
        await page.unroute("**/chat/actions")
        await first.check()
        await expect(page.locator(".state")).to_have_text("已办好 1 步，还有 1 步。")


async def test_staff_read_what_it_is_made_of_from_a_case(browser: Browser, office: Website) -> None:
    (case_id,) = await write(office, "低保怎么申请")
    async with at_work(browser, office, path=f"/console/case/{case_id}") as one:
        page = one.page
        await page.get_by_label("在知识库里找").fill("搬家后要办什么")
        await page.get_by_label("在知识库里找").press("Enter")
        way = page.locator(".found").get_by_role("link", name="搬家后要办什么")
        await page.goto(f"{office.url}{await way.get_attribute('href')}")
        await expect(page.get_by_role("heading", name="搬家后要办什么", level=1)).to_be_visible()
        await expect(page.locator(".kb-trouble")).to_have_count(2)
        await expect(page.locator(".bubble").first).to_contain_text("要准备的材料（合起来 3 样）")
        await expect(page.locator(".kb-state", has_text="批准自动答复")).to_be_visible()
        await page.get_by_role("link", name="身份证丢失怎么补领").click()
        await expect(page.get_by_label("标准问")).to_have_value("身份证丢失怎么补领")
        await page.goto(f"{office.url}/console/knowledge/bundle?id=一件事-没有")
        await expect(page.get_by_text("清单里已经没有它了。")).to_be_visible()
        assert one.problems == []
