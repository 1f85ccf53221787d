"""Every page of the console with a day's work on it, as the docs show it.

`make screens` writes the pictures of this run to docs/images; other runs only look at the pages.
"""

from __future__ import annotations

import os
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, Page, expect

from handlers.api.posts import Post
from knowledge.exchange import read_entries
from storage import entries
from storage.db import Database
from storage.models import Case
from tests.e2e.browsing import OFFICE, PHONE, Visit, needs_browser
from tests.e2e.test_browser_console import at_work
from tests.e2e.test_browser_console import write as come
from tests.ingesting import fetched, post
from tests.website import Website, answers, open_website, write

pytestmark = needs_browser

DOCS = Path(__file__).parents[2] / "docs"
TARGET = os.environ.get("SCREENS", "")
SAMPLE = resources.files("knowledge").joinpath("data", "sample.csv")
HARD = (
    "楼下烧烤摊天天半夜冒烟，打了三次电话没人管",
    "学校门口的红绿灯坏了好几天了，孩子过马路太危险",
    "小区停水两天了，物业说不知道什么时候来水",
    "公交站挪走以后老人要多走一里路，能不能挪回来",
    "我爸的高龄补贴怎么这个月没到账",
    "低保户的孩子上大学有什么帮扶",
    "东湖路的路灯一到晚上就不亮",
)
EASY = ("身份证丢了怎么补", "居住证怎么办", "新生儿怎么上户口")
UNDER_A_POST = (("城南小陈", "身份证丢了怎么补"), ("开花的树", "新生儿怎么上户口"))
WIDE = {
    "queue": "/console/",
    "case": "/console/case/{case}",
    "tasks": "/console/tasks",
    "posting": "/console/posting",
    "knowledge": "/console/knowledge",
    "entry": "/console/knowledge/entry?id={entry}",
    "upkeep": "/console/knowledge/upkeep",
    "questions": "/console/knowledge/questions",
    "learning": "/console/knowledge/learning",
    "exchange": "/console/knowledge/exchange",
    "figures": "/console/figures?period=today",
    "cases": "/console/cases?figure=counts.original",
    "scorecards": "/console/scorecards?period=today",
    "health": "/console/health",
    "reports": "/console/reports",
    "screen": "/console/screen",
    "audit": "/console/audit",
    "staff": "/console/staff",
    "admin": "/console/admin",
}
NARROW = ("queue", "case", "figures", "knowledge")
# Names that are not Chinese anywhere: products, formats, files, and what is typed on a keyboard.
FOREIGN = re.compile(
    r"Telegram|Excel|Word|Enter|Ctrl|Esc|wenban(?:[ -][a-z-]+)*|config\.toml|WENBAN\w*|SQLite|"
    r"PostgreSQL|Redis|chinesecalendar[-.\d]*|(?i:jsonl?|xlsx|docx|html|csv|tsv)|https?://\S+|boss|"
    r"[a-z]+(?:[._-][a-z]+)+|[0-9a-f]{8,}"
)
ENGLISH = re.compile(r"[A-Za-z]{3,}")


@pytest.fixture
async def website(database: Database) -> AsyncIterator[Website]:
    sources = fetched(awaits="person", max_length=2000)
    async with open_website(database, console=True, sources=sources) as website:
        yield website


async def a_day(website: Website) -> dict[str, str]:
    """Citizens ask, some get answers at once, the rest waits; what the addresses are to name."""
    desk = website.desk
    with resources.as_file(SAMPLE) as path:
        sample = read_entries(path).entries
    async with desk.office.db.write() as session:
        await entries.save(session, sample, "os:li")
    await desk.office.library.refresh()
    for text in EASY:
        client = website.browser()
        await write(client, text)
        await answers(client)
    for number, (name, text) in enumerate(UNDER_A_POST, 1):
        posted = Post.model_validate(
            post(number, text, citizen_id=f"10{number}", citizen_name=name, post_id="4471")
        )
        await desk.intake.receive(posted.posted("weibo").inbound)
    numbers, now = await come(website, *HARD), datetime.now(UTC)
    changes: dict[int, dict[str, Any]] = {
        numbers[0]: {
            "urgency": 1,
            "department": "市城市管理局",
            "due_at": now - timedelta(hours=3),
        },
        numbers[1]: {"urgency": 2, "department": "市公安局", "due_at": now + timedelta(hours=5)},
        numbers[2]: {"urgency": 1, "department": "市水务局"},
        numbers[4]: {"department": "市民政局"},
    }
    async with desk.office.db.write() as session:
        for number, values in changes.items():
            (await session.get_one(Case, number)).sqlmodel_update(values)
    return {"case": str(numbers[5]), "entry": sample[0].id}


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
        for name in NARROW if narrow else WIDE:
            await one.page.goto(website.url + WIDE[name].format(**known))
            await expect(one.page.locator("main").first).to_be_visible()
            await picture(one, f"{name}-phone" if narrow else name)
            assert await foreign(one.page) == [], name
        assert one.problems == []
        assert one.abroad == []


def test_the_docs_show_each_of_these_pictures() -> None:
    shown = set(re.findall(r"\(images/([\w-]+)\.png\)", (DOCS / "console.md").read_text("utf-8")))
    assert shown == {*WIDE, *(f"{name}-phone" for name in NARROW)}
    assert {path.stem for path in (DOCS / "images").glob("*.png")} == shown
