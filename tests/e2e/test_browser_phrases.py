"""常用语 in a real browser: written, put into a reply by keys, into many at once, always text."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, expect
from sqlmodel import select

from storage.db import Database
from storage.models import Case, Phrase, Staff
from tests.e2e.browsing import CONTRAST, FITS, OFFICE, PHONE, needs_browser
from tests.e2e.test_browser_console import NASTY, TEXTS, at_work, press, told, write
from tests.website import Website, open_website

pytestmark = needs_browser


@pytest.fixture
async def website(database: Database) -> AsyncIterator[Website]:
    async with open_website(database, console=True) as website:
        yield website


async def keep(website: Website, **texts: str) -> None:
    """Phrases for everybody, past the checks of the desk."""
    async with website.desk.office.db.write() as session:
        writer = Staff(login="writer", display_name="老周", role="主管")
        session.add(writer)
        await session.flush()
        for title, text in texts.items():
            session.add(Phrase(staff_id=writer.id or 0, scope="all", title=title, text=text))


async def test_a_phrase_is_written_and_put_into_a_reply_by_keys(
    browser: Browser, website: Website
) -> None:
    (case_id,) = await write(website, TEXTS[0])
    async with at_work(browser, website, path="/console/knowledge/phrases") as one:
        page = one.page
        await press(page, "n")
        await page.get_by_label("名称").fill("结尾")
        box = page.locator(".phrase-box textarea")
        await box.fill("请联系 13812345678")
        await expect(page.locator(".phrases .checks .bad")).to_contain_text("手机号")
        await box.fill("编号 {诉求编号}，请{称呼}记好。")
        await expect(page.locator(".phrases .checks .bad")).to_have_count(0)
        await box.press("Control+Enter")
        await told(page, "已存为常用语")
        await expect(page.locator(".kb-phrase")).to_contain_text("只给自己")
        await page.goto(f"{website.url}/console/case/{case_id}")
        answer = page.locator(".reply-box textarea")
        await expect(answer).not_to_have_value("")
        before = await answer.input_value()
        await press(page, "y")
        row = page.locator(".phrase-row")
        await expect(row).to_contain_text(f"编号 #{case_id}，请市民朋友")
        await expect(row).to_be_focused()
        await press(page, "Enter")
        await expect(answer).to_have_value(f"{before}\n编号 {{诉求编号}}，请{{称呼}}记好。")
        await expect(page.locator(".checks .filled")).to_contain_text(f"编号 #{case_id}")
        await expect(answer).to_be_focused()
        assert one.problems == []
        assert one.abroad == []
    async with website.desk.office.db.read() as session:
        assert (await session.exec(select(Phrase.used))).one() == 1


async def test_phrases_are_found_by_words_and_gone_through_by_keys(
    browser: Browser, website: Website
) -> None:
    (case_id,) = await write(website, TEXTS[0])
    async with website.desk.office.db.write() as session:
        (await session.get_one(Case, case_id)).department = ""
    await keep(website, 一="先看这一句。", 二="再看那一句。", 三="承办单位是{承办单位}。", 恶=NASTY)
    async with at_work(browser, website, path=f"/console/case/{case_id}") as one:
        page = one.page
        answer = page.locator(".reply-box textarea")
        await expect(answer).not_to_have_value("")
        await press(page, "y")
        rows = page.locator(".phrase-row")
        await expect(rows.nth(0)).to_be_focused()
        await expect(rows.nth(2)).to_contain_text("没有承办单位")
        await expect(rows.nth(3)).to_contain_text(NASTY)
        assert await page.locator(".q-dialog img, .q-dialog b").count() == 0
        await press(page, "j")
        await expect(rows.nth(1)).to_be_focused()
        await press(page, "/")
        await page.keyboard.type("那一句")
        await expect(rows).to_have_count(1)
        await press(page, "Enter")
        await expect(answer).to_have_value(re.compile("再看那一句。$"))
        assert one.problems == []


async def test_a_phrase_goes_into_an_answer_for_many(browser: Browser, website: Website) -> None:
    cases = await write(website, *TEXTS[:2])
    await keep(website, 结尾="编号 {诉求编号}。")
    async with at_work(browser, website, path=f"/console/case/{cases[0]}") as one:
        page = one.page
        await expect(page.locator(".reply-box textarea")).not_to_have_value("")
        await press(page, "b")
        text = page.locator(".bulk-text textarea")
        await expect(text).to_be_visible()
        await page.get_by_role("dialog").get_by_role("button", name="常用语").click()
        await page.locator(".phrase-row").click()
        await expect(text).to_have_value(re.compile("编号 {诉求编号}。$"))
        await text.press("Control+Enter")
        await expect(page.get_by_role("heading", name="2 件已办")).to_be_visible()
        assert one.problems == []


@pytest.mark.parametrize(
    ("size", "scheme"), [(OFFICE, "light"), (PHONE, "dark")], ids=["desk", "phone"]
)
async def test_a_clerk_sees_what_is_for_everybody_and_changes_it_not(
    browser: Browser, website: Website, size: dict[str, int], scheme: str
) -> None:
    await keep(website, 恶=NASTY)
    path = "/console/knowledge/phrases"
    clerk = {"login": "li", "role": "坐席"}
    async with at_work(browser, website, **clerk, size=size, scheme=scheme, path=path) as one:
        page = one.page
        await expect(page.locator(".kb-phrase .phrase-text")).to_have_text(NASTY)
        await expect(page.locator(".kb-phrase button")).to_have_count(0)
        assert await page.locator(".kb img, .kb b").count() == 0
        assert await page.evaluate(FITS)
        await page.get_by_role("button", name="新建").click()
        await expect(page.get_by_label("名称")).to_be_focused()
        assert await page.evaluate(CONTRAST) == []
        await page.get_by_label("给谁用").click()
        await expect(page.get_by_role("option")).to_have_count(1)
        assert one.problems == []
