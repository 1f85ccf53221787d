"""提相似问 in real browsers: by a 坐席 from an item, decided by an 审核, told to the former."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect

from storage.db import Database
from tests.e2e.browsing import needs_browser
from tests.e2e.test_browser_console import at_work, press, told, write
from tests.website import Website, open_website

pytestmark = needs_browser
PATH = "/console/knowledge/learning"


@pytest.fixture
async def website(database: Database) -> AsyncIterator[Website]:
    async with open_website(database, console=True) as website:
        yield website


async def test_a_clerk_proposes_and_sees_what_came_of_it(
    browser: Browser, website: Website
) -> None:
    (case_id,) = await write(website, "家里穷能不能领低保补助，电话13812345678")
    path = f"/console/case/{case_id}"
    async with (
        at_work(browser, website, login="li", role="坐席", path=path) as one,
        at_work(browser, website, login="shen", role="审核", path=PATH) as two,
    ):
        await one.page.get_by_role("button", name="提相似问").first.click()
        await expect(one.page.get_by_role("button", name="家里穷能不能领低保补助")).to_be_visible()
        await press(one.page, "1")
        await told(one.page, "已提给审核")
        await one.page.goto(f"{website.url}{PATH}")
        await expect(one.page.locator(".kb-mine")).to_contain_text("等审核看")
        await expect(one.page.get_by_role("button", name="记下")).to_have_count(0)
        await two.page.reload()
        await expect(two.page.locator(".kb-lesson")).to_contain_text("小li提出")
        await press(two.page, "j", "a")
        await told(two.page, "已记下")
        await one.page.reload()
        await expect(one.page.locator(".kb-mine")).to_contain_text("已记下")
        await expect(one.page.locator(".kb-mine")).to_contain_text("小shen")
        assert one.problems == two.problems == []
