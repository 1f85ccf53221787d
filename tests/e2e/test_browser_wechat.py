"""What the console shows of the platform's limit on replies, in a real browser."""

from __future__ import annotations

import time

import pytest
from playwright.async_api import Browser, expect

from storage.db import Database
from tests.e2e.browsing import OFFICE, PHONE, needs_browser
from tests.e2e.test_browser_console import at_work
from tests.handlers.test_wechat import OPENID, scene

pytestmark = needs_browser


@pytest.mark.parametrize("size", [OFFICE, PHONE], ids=["office", "phone"])
async def test_the_time_left_to_reply_is_shown(
    browser: Browser, database: Database, size: dict[str, int]
) -> None:
    async with scene(database, console=True) as opened:
        for openid, hours in ((OPENID, 45), ("oAnother", 50)):
            await opened.platform.says(openid, "低保怎么申请", at=int(time.time()) - hours * 3600)
        await opened.settled()
        async with at_work(browser, opened.website, size=size, path="/console/case/1") as one:
            await expect(one.page.locator(".window.soon")).to_contain_text("平台还可回复 2 小时")
            await expect(one.page.locator(".standing-line")).to_have_count(0)
            await one.page.goto(f"{opened.website.url}/console/case/2")
            await expect(one.page.locator(".window.late")).to_have_text("平台的回复时限已过")
            said = one.page.locator(".standing-line")
            await expect(said).to_contain_text("群众再来消息时自动送达，送达前计时不停")
            assert one.problems == []
