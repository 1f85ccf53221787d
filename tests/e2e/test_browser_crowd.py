"""同问 in a real browser: found by keyboard, answered at once, taken back; a pin posted by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect
from sqlmodel import select

from storage.db import Database
from storage.models import Case
from tests.e2e.browsing import CONTRAST, FITS, OFFICE, PHONE, needs_browser
from tests.e2e.harness import until
from tests.e2e.test_browser_console import NASTY, at_work, press, told
from tests.ingesting import SITE, fetched, platform_of, post
from tests.website import Website, open_website

pytestmark = needs_browser
ASKED = ("低保怎么申请", "请问低保怎么申请", f"低保怎么申请 {NASTY}", "申请低保，怎么办理？")
TEXT = "向户籍所在街道提出申请，入户核查后公示，一个月内有结果。"


@pytest.fixture
async def website(database: Database) -> AsyncIterator[Website]:
    sources = fetched(awaits="person", max_length=2000, post_limit=2, beyond="pin")
    async with open_website(database, console=True, ingest=SITE, sources=sources) as website:
        yield website


async def cases(website: Website, *states: str) -> list[Case]:
    async with website.desk.office.db.read() as session:
        found = list(await session.exec(select(Case).order_by(Case.id)))  # type: ignore[arg-type]
    return [one for one in found if one.state in states]


async def rush(website: Website, *texts: str) -> None:
    rows = [
        post(number, text, citizen_id=f"u{number}", post_title=NASTY)
        for number, text in enumerate(texts, 1)
    ]
    assert (await platform_of(website).batch(rows)).status_code == 200

    async def decided() -> bool:
        return len(await cases(website, "waiting", "replying")) == len(texts)

    await until(decided)


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_group_is_found_answered_and_taken_back_by_keyboard(
    browser: Browser, website: Website, scheme: str, tmp_path: Path
) -> None:
    await rush(website, *ASKED)
    async with at_work(browser, website, size=OFFICE, scheme=scheme) as one:
        page = one.page
        line = page.locator(".line.crowd")
        await expect(line).to_contain_text("4 件同问")
        await expect(line).to_contain_text(NASTY)
        assert await page.evaluate(CONTRAST) == []
        await press(page, "j")
        await expect(line).to_be_focused()
        await press(page, "Enter")
        await expect(page.locator(".crowd-row")).to_have_count(4)
        await expect(page.locator("h1")).to_contain_text("4 件问同一件事：低保怎么申请")
        assert await page.evaluate(CONTRAST) == []
        await page.screenshot(path=tmp_path / "crowd.png")
        await page.locator(".crowd-row .q-checkbox").nth(1).click()
        send = page.get_by_role("button", name="给这 3 件各发一份")
        await expect(send).to_be_enabled()
        await page.locator(".crowd-text textarea").fill(TEXT)
        await page.keyboard.press("Control+Enter")
        await expect(page.locator(".crowd-told")).to_contain_text("3 件已办，0 件没有")
        await page.locator("h1").click()
        await press(page, "u")
        await told(page, "撤销了 3 件，没有发出")
        await expect(page.locator(".crowd-row")).to_have_count(4)
        assert await page.evaluate(FITS)
        assert one.problems == [] and one.abroad == []
    assert len(await cases(website, "waiting")) == 4


async def test_on_a_phone_a_group_is_opened_and_answered(
    browser: Browser, website: Website
) -> None:
    await rush(website, *ASKED)
    async with at_work(browser, website, size=PHONE) as one:
        page = one.page
        await page.locator(".line.crowd").click()
        await expect(page.locator(".crowd-row")).to_have_count(4)
        assert await page.evaluate(FITS)
        assert await page.evaluate(CONTRAST) == []
        await page.locator(".crowd-text textarea").fill(TEXT)
        await page.get_by_role("button", name="给这 4 件各发一份").click()
        await expect(page.locator(".crowd-told")).to_contain_text("4 件已办，0 件没有")
        await expect(page.locator(".crowd-list")).to_contain_text("这一组都办完了。")
        assert one.problems == []


async def test_a_pin_is_posted_once_for_all_who_wait_behind_it(
    browser: Browser, website: Website
) -> None:
    await rush(website, *(["身份证丢了怎么办"] * 5))
    async with at_work(browser, website, path="/console/posting") as one:
        page = one.page
        await expect(page.locator(".posting")).to_have_count(2)
        pin = page.locator(".posting").nth(1)
        await expect(pin).to_contain_text("置顶答复 · 答复 4 人")
        await expect(pin).to_contain_text("大家问的“身份证丢失怎么补领”")
        assert await page.evaluate(CONTRAST) == []
        await pin.get_by_role("button", name="已发布").click()
        await told(page, "已标记发布")

        async def served() -> list[Case]:
            return found if len(found := await cases(website, "answered")) == 4 else []

        first = (await until(served))[0]
        await page.goto(f"{website.url}/console/case/{first.id}")
        await expect(page.locator(".said.mine")).to_contain_text("【统一答复】")
        await expect(page.locator(".item")).to_contain_text("由置顶答复")
        assert one.problems == []
