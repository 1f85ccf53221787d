"""导入留言 in a real browser: columns looked at, taken in, accounted for, and again no harm."""

from __future__ import annotations

import asyncio
import csv
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, expect
from sqlmodel import col, select

from bot.desk.premises import Premises
from storage.db import Database
from storage.models import AuditRecord, Case, Message
from tests.e2e.browsing import CONTRAST, FITS, OFFICE, PHONE, needs_browser
from tests.e2e.test_browser_console import NASTY, at_work
from tests.ingesting import fetched
from tests.website import Website, open_website

pytestmark = needs_browser
PICTURES = os.environ.get("TEST_PICTURES", "")
PAGE = "/console/intake"
ROWS = 1_200


@pytest.fixture
async def website(database: Database, tmp_path: Path) -> AsyncIterator[Website]:
    premises = Premises(folder=tmp_path, sources=("weibo",))
    async with open_website(
        database, console=True, sources=fetched(), premises=premises, working=False
    ) as website:
        yield website


def export(path: Path, *, titles: str = "评论ID,昵称,评论内容,评论时间,点赞") -> Path:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(titles.split(","))
        writer.writerow(["c0", "手机13800138000", NASTY, "2026-03-02", "1"])
        for number in range(1, ROWS):
            text = f"第{number}条：低保怎么申请"
            writer.writerow([f"c{number}", f"网友{number}", text, "2026-03-02 09:30", "0"])
        writer.writerow(["x1", "网友", "", "2026-03-02 09:30", "0"])
        writer.writerow(["x2", "网友", "低保", "很久以前", "0"])
    return path


async def stored(website: Website) -> list[Message]:
    async with website.desk.office.db.read() as session:
        return list(await session.exec(select(Message).order_by(col(Message.id))))


async def test_a_file_is_taken_in_and_every_row_accounted_for(
    browser: Browser, website: Website, tmp_path: Path
) -> None:
    file = export(tmp_path / "评论.csv")
    async with at_work(browser, website, path=PAGE) as one:
        page = one.page
        await page.locator("input[type=file]").set_input_files(file)
        await expect(page.get_by_text("1,200 条可以导入，2 行用不了")).to_be_visible()
        columns = page.locator(".intake-column", has_text=NASTY[:10])
        await expect(columns.get_by_label("内容")).to_have_value("评论内容")
        assert "13800138000" not in await page.locator(".intake-columns").inner_text()
        await expect(page.get_by_text("没有用到的列：点赞")).to_be_visible()
        await expect(page.locator(".kb-trouble").last).to_contain_text("很久以前")
        assert await stored(website) == []
        await page.get_by_role("button", name="导入这 1,200 条").click()
        await expect(page.locator(".intake-told")).to_contain_text("1,200 条", timeout=30_000)
        async with page.expect_download() as coming:
            await page.get_by_role("button", name="下载没收下的 2 行").click()
        download = await coming.value
        assert download.suggested_filename == "评论-未导入.csv"
        await download.save_as(tmp_path / "bad.csv")
        await page.get_by_role("button", name="再导入一个").click()
        await page.locator("input[type=file]").set_input_files(file)
        await page.get_by_role("button", name="导入这 1,200 条").click()
        await expect(page.locator(".intake-told")).to_contain_text("已收过", timeout=30_000)
        assert await page.locator(".intake-told dd").all_inner_texts() == [
            "0 条",
            "0 条",
            "1,200 条",
            "2 条",
        ]
        assert await page.locator("main img, main b").count() == 0
        assert one.problems == []
        assert one.abroad == []
    with (tmp_path / "bad.csv").open(encoding="utf-8-sig", newline="") as report:
        assert [row[0] for row in csv.reader(report)] == ["行", "第 1202 行", "第 1203 行"]
    kept = await stored(website)
    assert [one.external_id for one in kept] == [f"c{number}" for number in range(ROWS)]
    assert kept[0].text == NASTY
    async with website.desk.office.db.read() as session:
        query = select(AuditRecord.action, AuditRecord.data).order_by(col(AuditRecord.id))
        audits = [row for row in await session.exec(query) if row[0].startswith("account.")]
    assert audits[:2] == [
        ("account.file", {"name": "评论.csv", "rows": ROWS}),
        ("account.intake", {"rows": ROWS, "new": ROWS, "changed": 0, "known": 0}),
    ]


async def test_it_goes_on_when_the_page_is_left(
    browser: Browser, website: Website, tmp_path: Path
) -> None:
    file = export(tmp_path / "评论.csv")
    async with at_work(browser, website, path=PAGE) as one:
        page = one.page
        await page.locator("input[type=file]").set_input_files(file)
        await page.get_by_role("button", name="导入这 1,200 条").click()
        await expect(page.get_by_text("可以去别的页面")).to_be_visible()
        await page.goto(f"{website.url}/console/")
        async with asyncio.timeout(60):
            while len(await stored(website)) < ROWS:  # noqa: ASYNC110
                await asyncio.sleep(0.2)
        assert one.problems == []


async def test_columns_nobody_knows_are_named_once_and_remembered(
    browser: Browser, website: Website, tmp_path: Path
) -> None:
    file = export(tmp_path / "评论.csv", titles="号,人,甲,乙,点赞")
    async with at_work(browser, website, path=PAGE) as one:
        page = one.page
        await page.locator("input[type=file]").set_input_files(file)
        await expect(page.get_by_text("认不出哪一列是什么")).to_be_visible()
        await expect(page.get_by_role("button", name="导入这")).to_have_count(0)
        for field, column in (("内容", "甲"), ("时间", "乙")):
            await page.get_by_label(field, exact=True).click()
            await page.get_by_role("option", name=column, exact=True).click()
            await expect(page.get_by_label(field, exact=True)).to_have_value(column)
        await page.get_by_label("没有这一列，都当作").click()
        await page.get_by_role("option", name="私信").click()
        await page.get_by_role("button", name="导入这 1,200 条").click()
        await expect(page.locator(".intake-told")).to_contain_text("1,200 条", timeout=30_000)
        await page.reload()
        await page.locator("input[type=file]").set_input_files(file)
        await expect(page.get_by_label("内容", exact=True)).to_have_value("甲")
        assert one.problems == []
    assert {one.place.split("/")[0] for one in await cases(website)} == {"direct"}


async def cases(website: Website) -> list[Case]:
    async with website.desk.office.db.read() as session:
        return list(await session.exec(select(Case)))


async def test_a_clerk_finds_no_way_to_it(browser: Browser, website: Website) -> None:
    async with at_work(browser, website, login="li", role="坐席") as one:
        await expect(one.page.get_by_role("link", name="导入留言")).to_have_count(0)
        await one.page.goto(f"{website.url}{PAGE}")
        await expect(one.page.locator(".nothing-title")).to_contain_text("没有您能导入的账号")
        await expect(one.page.locator("input[type=file]")).to_have_count(0)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [OFFICE, PHONE], ids=["desk", "phone"])
async def test_the_columns_can_be_read(
    browser: Browser, website: Website, tmp_path: Path, scheme: str, size: dict[str, int]
) -> None:
    file = export(tmp_path / "评论.csv")
    async with at_work(browser, website, path=PAGE, scheme=scheme, size=size) as one:
        await one.page.locator("input[type=file]").set_input_files(file)
        await expect(one.page.locator(".intake-column").first).to_be_visible()
        assert await one.page.evaluate(CONTRAST) == []
        assert await one.page.evaluate(FITS)
        if PICTURES:
            name = f"intake-{'phone' if size is PHONE else 'desk'}-{scheme}.png"
            await one.page.screenshot(path=Path(PICTURES) / name)
        assert one.problems == []
