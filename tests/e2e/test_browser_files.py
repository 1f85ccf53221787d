"""Files in a real browser: sent from a phone, taken by staff as a download."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, FilePayload, expect

from storage.db import Database
from tests.e2e.browsing import CONTRAST, FITS, OFFICE, PHONE, SMALL, needs_browser, visit
from tests.e2e.test_browser_console import at_work
from tests.website import Website, open_website

pytestmark = needs_browser
PICTURES = os.environ.get("TEST_PICTURES", "")
PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 3000


@pytest.fixture
async def website(database: Database, tmp_path: Path) -> AsyncIterator[Website]:
    async with open_website(database, console=True, attic=tmp_path / "attachments") as website:
        yield website


def picked(name: str, content: bytes) -> FilePayload:
    return {"name": name, "mimeType": "image/png", "buffer": content}


def content(path: Path) -> bytes:
    return path.read_bytes()


async def test_a_picture_goes_from_the_phone_to_the_desk(
    browser: Browser, website: Website
) -> None:
    async with visit(browser, website, PHONE) as one:
        page = one.page
        await page.locator("#file").set_input_files(picked("路灯 <b>.png", PNG))
        sent = page.locator(".mine .words")
        await expect(sent).to_have_text("附件：路灯 <b>.png")
        await expect(page.locator(".office[data-case] .words")).to_contain_text("工作人员")
        await page.reload()
        await expect(sent).to_have_text("附件：路灯 b.png")  # as it may be saved
        await page.locator("#file").set_input_files(picked("大.png", PNG + b"0" * 6_000_000))
        await expect(page.locator(".note")).to_contain_text("超过 5 MB")
        await page.locator("#file").set_input_files(picked("网页.png", b"<html>"))
        await expect(page.locator(".state.bad")).to_have_text(
            "只能发 JPG、PNG、WebP 图片和 PDF 文件。"
        )
        assert await page.evaluate(CONTRAST) == []
        assert await page.evaluate(FITS)
        if PICTURES:
            await page.screenshot(path=Path(PICTURES) / "file-phone.png")
    async with at_work(browser, website, size=OFFICE, path="/console/case/1") as one:
        await expect(one.page.locator(".attachment")).to_contain_text("路灯 b.png")
        if PICTURES:
            await one.page.screenshot(path=Path(PICTURES) / "file-console.png")
        async with one.page.expect_download() as waiting:
            await one.page.locator(".attachment").get_by_role("button", name="下载").click()
        download = await waiting.value
        assert download.suggested_filename == "路灯 b.png"
        assert content(await download.path()) == PNG
        assert one.problems == []


async def test_what_was_not_uploaded_is_tried_again_once(
    browser: Browser, website: Website
) -> None:
    async with visit(browser, website, SMALL) as one:
        page = one.page
        await page.route("**/chat/files**", lambda route: route.abort())
        await page.locator("#file").set_input_files(picked("井盖.png", PNG))
        await expect(page.locator(".state.bad")).to_contain_text("没有传上去")
        await page.unroute("**/chat/files**")
        await page.get_by_role("button", name="再试一次").click()
        await expect(page.locator(".office[data-case] .words")).to_contain_text("工作人员")
        await expect(page.locator(".mine")).to_have_count(1)
        await expect(page.locator("#attach")).to_be_visible()
        assert await page.evaluate(FITS)
