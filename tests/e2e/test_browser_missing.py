"""Addresses of what is not there, and days without any: the page itself says so, in Chinese."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect

from storage.db import Database
from tests.e2e.browsing import CONTRAST, OFFICE, PHONE, needs_browser
from tests.e2e.pages import a_town
from tests.e2e.test_browser_console import at_work
from tests.website import Website

pytestmark = needs_browser


@pytest.fixture
async def website(database: Database) -> AsyncIterator[Website]:
    async with a_town(database) as website:
        yield website


@pytest.mark.parametrize("size", [OFFICE, PHONE], ids=["desk", "phone"])
@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/console/case/99", "打不开 #99。"),
        ("/console/crowd/99", "打不开这一组。"),
        ("/console/knowledge/entry?id=nope", "知识库里没有这一条。"),
    ],
)
async def test_what_is_not_there_is_said_on_the_page(
    browser: Browser, website: Website, size: dict[str, int], path: str, said: str
) -> None:
    async with at_work(browser, website, size=size, path=path) as one:
        await expect(one.page.locator(".nothing-title", has_text=said)).to_be_visible()
        assert await one.page.locator("textarea:visible, .q-btn.strong:visible").count() == 0
        assert await one.page.evaluate(CONTRAST) == []
        assert one.problems == []


async def test_days_are_typed_or_picked_in_chinese(browser: Browser, website: Website) -> None:
    async with at_work(browser, website, path="/console/reports") as one:
        await one.page.get_by_role("button", name="自定").click()
        await one.page.get_by_label("从", exact=True).fill("2026-11-02")
        await one.page.get_by_role("button", name="选日期").nth(1).click()
        picker = one.page.locator(".q-date")
        await expect(picker).to_contain_text("月")
        await picker.get_by_role("button", name="15", exact=True).first.click()
        await one.page.keyboard.press("Escape")
        picked = await one.page.get_by_label("到", exact=True).input_value()
        assert picked.endswith("-15")
        assert one.problems == []
