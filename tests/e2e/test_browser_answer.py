"""The page of one answer in a real browser: it can be read on any phone, by day and by night."""

from __future__ import annotations

import pytest
from playwright.async_api import Browser, expect

from tests.e2e.browsing import CONTRAST, DESKTOP, FITS, PHONE, SMALL, needs_browser, visit
from tests.website import Website

pytestmark = needs_browser


@pytest.mark.parametrize(
    ("size", "scheme"), [(PHONE, "light"), (SMALL, "dark"), (DESKTOP, "light")]
)
@pytest.mark.parametrize(
    ("entry", "said"), [("id-lost", "身份证丢失怎么补领"), ("none", "已经调整")]
)
async def test_it_can_be_read_and_leads_on(
    browser: Browser,
    website: Website,
    size: dict[str, int],
    scheme: str,
    entry: str,
    said: str,
) -> None:
    async with visit(browser, website, size, scheme, path=f"/a/web/{entry}") as one:
        page = one.page
        await expect(page.get_by_role("heading", level=2)).to_contain_text(said)
        assert await page.evaluate(CONTRAST) == []
        assert await page.evaluate(FITS)
        await page.get_by_role("link", name="没解决？在线咨询").click()
        await expect(page.locator("#text")).to_be_visible()
        assert one.abroad == []
