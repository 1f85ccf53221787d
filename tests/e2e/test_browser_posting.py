"""待发布 in a real browser: copied, marked as posted, sent back, by keyboard and by mouse."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from playwright.async_api import Browser, Page, expect

from bot.channels.wire import Spot
from bot.desk import Inbound
from storage.db import Database
from storage.models import Case
from tests.e2e.browsing import CONTRAST, OFFICE, PHONE, needs_browser
from tests.e2e.test_browser_console import NASTY, at_work, press, told
from tests.ingesting import fetched
from tests.website import Website, open_website

pytestmark = needs_browser
PATH = "/console/posting"


@pytest.fixture
async def website(database: Database) -> AsyncIterator[Website]:
    sources = fetched(awaits="person", max_length=2000)
    async with open_website(database, console=True, sources=sources) as website:
        yield website


async def comment(website: Website, citizen: str, text: str = "身份证丢了怎么办") -> int:
    """Somebody writes under a post."""
    spot = Spot("comment", citizen, f"p-{NASTY}")
    inbound = Inbound(
        account="weibo",
        citizen=citizen,
        name=NASTY,
        kind="comment",
        place=spot.place,
        thread=spot.place,
        external_id=f"{citizen}:1",
        text=text,
        sent_at=datetime.now(UTC),
        reply_to=f"{citizen}:1",
    )
    return (await website.desk.intake.receive(inbound)).case_id


async def case_of(website: Website, case_id: int) -> Case:
    async with website.desk.office.db.read() as session:
        return await session.get_one(Case, case_id)


async def copied(page: Page) -> str:
    """What lies in the clipboard, by pasting it."""
    await page.evaluate("document.body.append(document.createElement('textarea'))")
    await page.locator("body > textarea").focus()
    await page.keyboard.press("Control+v")
    text = await page.locator("body > textarea").input_value()
    await page.evaluate("document.querySelector('body > textarea').remove()")
    return text


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_an_answer_is_copied_and_marked_by_keyboard(
    browser: Browser, website: Website, scheme: str
) -> None:
    first, second = await comment(website, "u1"), await comment(website, "u2")
    async with at_work(browser, website, size=OFFICE, scheme=scheme, path=PATH) as one:
        page = one.page
        await expect(page.locator(".posting")).to_have_count(2)
        await expect(page.locator(".way.here")).to_contain_text("待发布")
        assert await page.evaluate(CONTRAST) == []
        await press(page, "j", "c")
        await expect(page.locator(".posting-copied").first).to_contain_text("已复制")
        assert (await copied(page)).startswith("带户口簿到任一派出所补领")
        await press(page, "p")
        await told(page, "已标记发布")
        await expect(page.locator(".posting")).to_have_count(1)
        assert (await case_of(website, first)).state == "answered"
        assert (await case_of(website, second)).state == "replying"
        await page.get_by_role("button", name="复制").click()
        await expect(page.locator(".posting-copied")).to_contain_text("已复制")
        await page.get_by_role("button", name="已发布").click()
        await expect(page.get_by_text("没有要手工发布的答复。")).to_be_visible()
        assert (await case_of(website, second)).state == "answered"
        assert (one.problems, one.abroad) == ([], [])
        assert await page.title() != "1"


async def test_what_cannot_be_posted_goes_back_to_the_queue(
    browser: Browser, website: Website
) -> None:
    case_id = await comment(website, "u1")
    async with at_work(browser, website, path=PATH) as one:
        page = one.page
        await expect(page.locator(".posting")).to_have_count(1)
        await press(page, "j", "x")
        await expect(page.get_by_role("heading", name="为什么发布不了？")).to_be_visible()
        await press(page, "2")
        await told(page, "已退回待办")
        await expect(page.locator(".posting")).to_have_count(0)
        assert (await case_of(website, case_id)).state == "waiting"
        assert one.problems == []


async def test_it_comes_by_itself_and_fits_a_phone(browser: Browser, website: Website) -> None:
    async with at_work(browser, website, size=PHONE, path=PATH) as one:
        page = one.page
        await expect(page.get_by_text("没有要手工发布的答复。")).to_be_visible()
        await comment(website, "u1")
        await expect(page.locator(".posting")).to_have_count(1)
        width = await page.evaluate("document.documentElement.scrollWidth")
        assert width <= PHONE["width"]
        assert one.problems == []


async def test_without_such_an_account_there_is_no_way_to_it(
    browser: Browser, database: Database
) -> None:
    async with (
        open_website(database, console=True) as website,
        at_work(browser, website) as one,
    ):
        await expect(one.page.get_by_role("link", name="事项")).to_be_visible()
        await expect(one.page.get_by_role("link", name="待发布")).to_have_count(0)
