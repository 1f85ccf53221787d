"""The console while the program is away, and what is found when it is there again."""

from __future__ import annotations

import os
import re
from pathlib import Path
from urllib.parse import urlsplit

import httpx
from playwright.async_api import Browser, Page, expect

from tests.e2e.browsing import CONTRAST, OFFICE, needs_browser
from tests.e2e.harness import PATIENCE, Scene, until
from tests.e2e.test_browser_console import PASSWORD
from tests.website import write

pytestmark = needs_browser
PICTURES = os.environ.get("TEST_PICTURES", "")
TYPED = "请带户口簿到街道便民中心三号窗口申请，当场受理。"


async def asked(scene: Scene, url: str) -> int:
    """A citizen asks something hard on the web page; the case that waits for a person."""
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
        await write(client, "低保怎么申请")

    async def waiting() -> int | None:
        async with httpx.AsyncClient(base_url=url, trust_env=False) as client:
            return (await client.get("/healthz")).json()["waiting_cases"] or None

    await until(waiting, what="a case that waits")
    return 1


async def set_up(page: Page, output: str) -> None:
    """The first administrator, by the link that the program shows."""
    found = re.search(r"http://\S+/console/setup\?key=[\w-]+", output)
    assert found, output
    await page.goto(found.group())
    for text in ("boss", "赵主任", PASSWORD, PASSWORD):
        await page.keyboard.type(text)
        await page.keyboard.press("Tab")
    await page.keyboard.press("Enter")
    await expect(page.locator(".line")).to_have_count(1)


async def test_what_was_being_written_is_there_again_after_a_restart(
    scene: Scene, browser: Browser
) -> None:
    program = await scene.start()
    port = str(urlsplit(program.url).port)
    case_id = await asked(scene, program.url)
    context = await browser.new_context(
        viewport={"width": OFFICE["width"], "height": OFFICE["height"]}, locale="zh-CN"
    )
    page = await context.new_page()
    await set_up(page, program.output)
    await page.goto(f"{program.url}/console/case/{case_id}")
    box = page.locator(".reply-box textarea")
    await box.fill(TYPED)
    await expect(page.get_by_role("button", name="发送改后的答复")).to_be_visible()
    await program.kill()
    lost = page.locator("#popup")
    await expect(lost).to_be_visible()
    await expect(lost).to_contain_text("连不上服务器")
    await expect(lost).to_contain_text("写的内容还在")
    assert await page.evaluate(CONTRAST) == []
    if PICTURES:
        await page.screenshot(path=Path(PICTURES) / "lost.png")
    await scene.start(http__port=port)
    await expect(lost).to_be_hidden(timeout=1000 * PATIENCE)
    await expect(box).to_have_value(TYPED)
    await page.get_by_role("button", name="发送改后的答复").click()
    await expect(page.locator(".line")).to_have_count(0)
    await context.close()
