"""Every page of the console with a day's work on it, as the docs show it.

`make screens` writes the pictures of this run to docs/images; other runs only look at the pages.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, FilePayload, Page, expect

from storage.db import Database
from tests.e2e.browsing import OFFICE, PHONE, Visit, needs_browser
from tests.e2e.pages import READY, SHOWN, a_day, a_town
from tests.e2e.test_browser_console import at_work
from tests.website import Website

pytestmark = needs_browser

DOCS = Path(__file__).parents[2] / "docs"
TARGET = os.environ.get("SCREENS", "")
COMMENTS = """评论ID,用户昵称,评论内容,评论时间,作品ID,点赞数
90412,城南小陈,灵活就业的社保在哪里交,2026-11-02 09:31,4471,3
90413,开花的树,公园早上几点开门,2026-11-02 09:40,4471,0
90414,老街坊,菜市场门口的路什么时候修好,2026-11-02 10:12,4471,12
90415,路过,,2026-11-02 10:15,4471,0
"""
EXPORT = FilePayload(name="十一月评论.csv", mimeType="text/csv", buffer=COMMENTS.encode())
NARROW = ("queue", "case", "crowd", "figures", "knowledge")
# Names that are not Chinese anywhere: products, formats, files, and what is typed on a keyboard.
FOREIGN = re.compile(
    r"Telegram|Excel|Word|Enter|Ctrl|Esc|wenban(?:[ -][a-z-]+)*|config\.toml|WENBAN\w*|SQLite|"
    r"PostgreSQL|Redis|chinesecalendar[-.\d]*|TODO|(?i:jsonl?|xlsx|docx|html|csv|tsv)|https?://\S+|boss|"
    r"[a-z]+(?:[._-][a-z]+)+|[0-9a-f]{8,}"
)
ENGLISH = re.compile(r"[A-Za-z]{3,}")


@pytest.fixture
async def website(database: Database) -> AsyncIterator[Website]:
    async with a_town(database) as website:
        yield website


async def picture(one: Visit, name: str) -> None:
    await one.page.wait_for_timeout(700)  # charts grow, letters come in
    shot = await one.page.screenshot(animations="disabled")
    assert len(shot) > 8_000, name
    if TARGET:
        (Path(TARGET) / f"{name}.png").write_bytes(shot)


async def foreign(page: Page) -> list[str]:
    """Words on the page that are not Chinese and no names; icons are letters of a font."""
    text: str = await page.evaluate("document.body.innerText")
    icons: list[str] = await page.locator(".q-icon").all_inner_texts()
    return sorted(set(ENGLISH.findall(FOREIGN.sub("", text))) - {*icons})


@pytest.mark.parametrize("size", [OFFICE, PHONE], ids=["desk", "phone"])
async def test_every_page_shows_a_days_work(
    browser: Browser, website: Website, size: dict[str, int]
) -> None:
    known, narrow = await a_day(website), size is PHONE
    async with at_work(browser, website, size=size) as one:
        for name in NARROW if narrow else SHOWN:
            await one.page.goto(website.url + SHOWN[name].format(**known))
            await expect(one.page.locator(READY.get(name, "main")).first).to_be_visible()
            if name == "intake":
                await one.page.locator("input[type=file]").set_input_files(EXPORT)
                await expect(one.page.locator(".intake-column").first).to_be_visible()
            await picture(one, f"{name}-phone" if narrow else name)
            assert await foreign(one.page) == [], name
        assert one.problems == []
        assert one.abroad == []


def test_the_docs_show_each_of_these_pictures() -> None:
    shown = set(re.findall(r"\(images/([\w-]+)\.png\)", (DOCS / "console.md").read_text("utf-8")))
    assert shown == {*SHOWN, *(f"{name}-phone" for name in NARROW)}
    assert {path.stem for path in (DOCS / "images").glob("*.png")} == shown
