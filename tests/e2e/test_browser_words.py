"""不能发的词 in a real browser: added, tried out, held against a reply, switched off and on."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect

from storage.db import Database
from tests.e2e.browsing import needs_browser
from tests.e2e.test_browser_console import TEXTS, at_work, press, told, write
from tests.website import Website, open_website

pytestmark = needs_browser


@pytest.fixture
async def website(database: Database) -> AsyncIterator[Website]:
    async with open_website(database, console=True) as website:
        yield website


async def test_words_are_ruled_out_tried_and_let_pass(browser: Browser, website: Website) -> None:
    (case_id,) = await write(website, TEXTS[0])
    async with at_work(browser, website, path="/console/admin/words") as one:
        page = one.page
        await page.get_by_label("一个词").fill("<b>街道办</b>")
        await page.get_by_label("请改为").fill("请写全称")
        await press(page, "Enter")
        await told(page, "已加上")
        await expect(page.locator(".ruled")).to_contain_text("<b>街道办</b>")
        assert await page.locator("main b").count() == 0
        line = page.locator(".try-line input")
        await line.fill("去<b>街道办</b>，领导批示")
        await expect(page.locator(".tried .bad")).to_have_count(2)
        await page.get_by_role("button", name="停用 领导批示").click()
        await page.get_by_role("textbox", name="原因").fill("公开稿里要引用")
        await press(page, "Enter")
        await told(page, "不再拦下")
        await expect(page.locator(".ruled").last).to_contain_text("公开稿里要引用")
        await line.fill("领导批示")
        await expect(page.locator(".tried")).to_have_text("可以发。")
        await page.goto(f"{website.url}/console/case/{case_id}")
        await page.locator(".reply-box textarea").fill("请到<b>街道办</b>办理，当场受理。")
        await expect(page.locator(".checks .bad")).to_contain_text("请写全称")
        await press(page, "Control+Enter")
        await told(page, "没有发送")
        assert one.problems == []
        assert one.abroad == []
