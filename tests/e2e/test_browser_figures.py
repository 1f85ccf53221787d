"""The supervisor's pages in a real browser: a figure moves, opens its cases, and is exported."""

from __future__ import annotations

import asyncio
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from openpyxl import load_workbook
from playwright.async_api import Browser, Locator, Page, expect

from bot.desk.premises import Premises
from storage.db import Database
from storage.models import Case
from storage.terms import CaseState
from tests.e2e.browsing import CONTRAST, FITS, OFFICE, PHONE, needs_browser, visit
from tests.e2e.test_browser_console import (
    NASTY,
    PASSWORD,
    TEXTS,
    at_work,
    token_of,
    told,
    write,
)
from tests.website import Website, open_website

pytestmark = needs_browser
FIGURES = "/console/figures?period=today"


@pytest.fixture
async def website(database: Database, tmp_path: Path) -> AsyncIterator[Website]:
    premises = Premises(backups=tmp_path / "backups")
    async with open_website(database, console=True, premises=premises) as website:
        yield website


async def until_answered(website: Website, case_id: int) -> None:
    """The reply was held back for some seconds, in which it could be taken back."""
    async with asyncio.timeout(30):
        while await state_of(website, case_id) != CaseState.ANSWERED:  # noqa: ASYNC110
            await asyncio.sleep(0.1)


async def state_of(website: Website, case_id: int) -> str:
    async with website.desk.office.db.read() as session:
        return (await session.get_one(Case, case_id)).state


def tile(page: Page, name: str) -> Locator:
    return page.locator(".tile", has=page.get_by_text(name, exact=True))


def _first_sheet(path: Path) -> Any:
    """A browser keeps a download without its extension."""
    with path.open("rb") as file:
        return load_workbook(file).worksheets[0]


async def shows(page: Page, name: str, value: str) -> None:
    await expect(tile(page, name).locator(".tile-value").first).to_have_text(value)


async def test_from_signing_in_to_a_figure_that_moved_its_cases_and_their_export(
    browser: Browser, website: Website
) -> None:
    cases = await write(website, TEXTS[0], TEXTS[1], TEXTS[2])
    await token_of(website)
    async with visit(browser, website, OFFICE, path="/console/login") as one:
        page = one.page
        await page.get_by_label("登录名").fill("boss")
        await page.get_by_label("密码").fill(PASSWORD)
        await page.keyboard.press("Enter")
        await page.get_by_role("link", name="看板").click()
        await page.get_by_role("button", name="今天").click()
        await shows(page, "今天收到", "3")
        await shows(page, "等待中", "3")
        await shows(page, "已答复", "0")
        await shows(page, "及时率", "—")
        await page.goto(f"{website.url}/console/case/{cases[0]}")
        await expect(page.locator(".reply-box textarea")).not_to_have_value("")
        await page.locator("body").press("a")
        await expect(page.locator(".line")).to_have_count(2)
        await until_answered(website, cases[0])
        await page.goto(f"{website.url}{FIGURES}")
        await shows(page, "已答复", "1")
        await shows(page, "等待中", "2")
        await shows(page, "及时率", "100.0%")
        await tile(page, "已答复").click()
        await expect(page.locator(".cases-total")).to_have_text("1 件")
        await expect(page.locator(".case-rows tbody tr")).to_have_count(1)
        await page.get_by_role("button", name="下载清单").click()
        async with page.expect_download() as caught:
            await page.get_by_role("button", name="Excel").click()
        download = await caught.value
        assert download.suggested_filename.endswith(".xlsx")
        sheet = _first_sheet(await download.path())
        numbers = [row[0].value for row in sheet.iter_rows() if str(row[0].value).startswith("#")]
        assert numbers == [f"#{cases[0]}"]
        await page.locator(".case-rows a.opens").click()
        await expect(page.locator(".item-head .number")).to_contain_text(str(cases[0]))
        assert one.problems == []
        assert one.abroad == []


async def test_a_bar_of_a_chart_opens_its_cases_and_so_does_the_table(
    browser: Browser, website: Website
) -> None:
    await write(website, TEXTS[0], TEXTS[1])
    async with at_work(browser, website, path=FIGURES) as one:
        page = one.page
        chart = page.locator(".chart", has_text="等了多久")
        await expect(chart.locator("svg")).to_be_visible()
        assert "1 日以内 2" in (await chart.locator("[role=img]").get_attribute("aria-label") or "")
        await chart.get_by_text("看数字").click()
        await chart.get_by_role("link", name="2").click()
        await expect(page.locator(".cases-head h1")).to_contain_text("已等多久 1 日以内")
        await expect(page.locator(".case-rows tbody tr")).to_have_count(2)
        await page.go_back()
        bars = page.locator(".chart", has_text="等了多久").locator("svg path[fill='var(--accent)']")
        await bars.first.click()
        await expect(page.locator(".cases-total")).to_have_text("2 件")
        assert one.problems == []


async def test_the_dashboard_of_one_department(browser: Browser, website: Website) -> None:
    await write(website, TEXTS[0], "楼下工地半夜施工太吵了，我要投诉")
    async with at_work(browser, website, path=FIGURES) as one:
        page = one.page
        await shows(page, "原始数", "2")
        await page.get_by_role("link", name="市民政局").click()
        await expect(page.get_by_role("link", name="只看 市民政局 ×")).to_be_visible()
        await shows(page, "原始数", "1")
        await shows(page, "等待中", "1")
        await expect(page.locator(".head-line")).to_contain_text("只含承办单位 市民政局")
        await page.get_by_role("button", name="近 7 日").click()
        await page.wait_for_url("**period=7d&department=*")
        await tile(page, "原始数").click()
        await expect(page.locator(".cases-total")).to_have_text("1 件")
        await expect(page.locator(".head-line")).to_contain_text("只含承办单位 市民政局")
        await page.go_back()
        await page.get_by_role("link", name="只看 市民政局 ×").click()
        await shows(page, "原始数", "2")
        assert one.problems == []


async def test_a_clerk_is_told_and_finds_no_figures(browser: Browser, website: Website) -> None:
    await write(website, TEXTS[0])
    async with at_work(browser, website, login="li", role="坐席") as one:
        page = one.page
        await expect(page.get_by_role("link", name="看板")).to_have_count(0)
        for path in ("figures", "cases?figure=counts.original"):
            await page.goto(f"{website.url}/console/{path}")
            await told(page, "主管")
            await expect(page.locator(".figures-body")).to_contain_text("只给审核、主管和管理员看")
            await expect(page.locator(".tile, .case-rows")).to_have_count(0)


async def test_a_reviewer_looks_but_takes_nothing_out(browser: Browser, website: Website) -> None:
    await write(website, TEXTS[0])
    path = "/console/cases?figure=counts.original"
    async with at_work(browser, website, login="shen", role="审核", path=path) as one:
        await expect(one.page.locator(".cases-total")).to_have_text("1 件")
        await expect(one.page.get_by_role("button", name="下载清单")).to_have_count(0)


async def test_scorecards_and_health_open_their_cases(browser: Browser, website: Website) -> None:
    await write(website, TEXTS[0], TEXTS[1])
    path = "/console/scorecards?period=today"
    async with at_work(browser, website, path=path) as one:
        page = one.page
        card = page.locator(".sheet-box", has_text="单位与账号计分卡")
        await expect(card).to_contain_text("样本不足")
        await expect(card.locator("thead").first).not_to_contain_text("名次")
        await page.get_by_text("排名次").click()
        await expect(card.locator("thead").first).to_contain_text("名次")
        await card.locator("tbody tr").first.get_by_role("link", name="2", exact=True).click()
        await expect(page.locator(".cases-total")).to_have_text("2 件")
        await page.goto(f"{website.url}/console/health")
        row = page.locator("tr", has_text="云川市政务服务")
        await row.get_by_role("link", name="2", exact=True).last.click()
        await expect(page.locator(".cases-head h1")).to_contain_text("已等多久 7 日以内")
        await expect(page.locator(".head-line")).to_contain_text("只含账号 云川市政务服务")
        await expect(page.locator(".case-rows tbody tr")).to_have_count(2)
        await page.go_back()
        await row.get_by_role("link", name="2", exact=True).first.click()
        await expect(page.locator(".cases-head h1")).to_contain_text("未答复 · 账号 云川市政务服务")
        await expect(page.locator(".case-rows tbody tr")).to_have_count(2)
        assert one.problems == []


async def test_reports_are_downloaded_by_those_who_may(browser: Browser, website: Website) -> None:
    await write(website, TEXTS[0])
    async with at_work(browser, website, path="/console/reports?period=today") as one:
        page = one.page
        for title, form in (("下载 Word 通报", "docx"), ("下载 json", "json")):
            async with page.expect_download() as caught:
                await page.get_by_role("button", name=title).click()
            assert (await caught.value).suggested_filename.endswith(f".{form}")
        assert one.problems == []
    path = "/console/reports"
    async with at_work(browser, website, login="shen", role="审核", path=path) as one:
        await expect(one.page.locator(".figures-page")).to_contain_text("由主管或管理员下载")
        await expect(one.page.get_by_role("button", name="下载")).to_have_count(0)


async def test_the_wall_refreshes_itself_and_names_no_citizen(
    browser: Browser, website: Website
) -> None:
    await write(website, TEXTS[0])
    async with at_work(browser, website, path="/console/screen") as one:
        page = one.page
        waiting = page.locator(".now-row .wall-tile", has_text="等待中").locator(".wall-value")
        await expect(waiting).to_have_text("1")
        assert TEXTS[0] not in await page.inner_text("body")
        assert "访客" not in await page.inner_text("body")
        assert one.problems == []
        await one.context.clear_cookies()
        await page.reload()
        await expect(page.get_by_label("登录名")).to_be_visible()


async def test_what_citizens_write_stays_text(browser: Browser, website: Website) -> None:
    await write(website, NASTY)
    async with at_work(browser, website, path="/console/cases?figure=counts.original") as one:
        page = one.page
        await expect(page.locator(".case-rows td.words a")).to_have_text(NASTY)
        assert await page.locator(".case-rows img, .case-rows b").count() == 0
        assert one.problems == []


async def test_charts_change_in_place(browser: Browser, website: Website) -> None:
    """One that is taken down before the browser has what draws it would break there."""
    await write(website, TEXTS[0], TEXTS[1])
    async with at_work(browser, website, path="/console/figures?period=30d") as one:
        page = one.page
        table = page.locator(".figures-body .chart-table tbody").first
        for _ in range(3):
            for period, days in (("近 7 日", 7), ("今天", 1), ("近 30 日", 30)):
                await page.get_by_role("button", name=period, exact=True).click()
                await expect(table.locator("tr")).to_have_count(days)
        drawn = page.locator(".figures-body .chart-drawn").first
        await expect(drawn.locator("svg")).to_be_visible()
        await drawn.evaluate("one => { one.mark = 'kept' }")
        await write(website, TEXTS[2])
        await page.get_by_role("button", name="重新计算").click()
        await expect(table.locator("tr").last.locator("td").first).to_have_text("3")
        assert await drawn.evaluate("one => one.mark") == "kept"
        assert one.problems == []


async def test_the_audit_is_searched_opened_and_taken_along(
    browser: Browser, website: Website
) -> None:
    (case_id,) = await write(website, TEXTS[0])
    async with at_work(browser, website, path=f"/console/case/{case_id}") as one:
        page = one.page
        await expect(page.locator(".reply-box textarea")).not_to_have_value("")
        await page.get_by_role("link", name="审计").click()
        await expect(page.locator(".audit-rows tbody tr").first).to_be_visible()
        await page.get_by_label("诉求编号").fill(f"#{case_id}")
        await page.get_by_role("button", name="查", exact=True).click()
        await page.wait_for_url(f"**/console/audit?case={case_id}")
        await expect(page.locator(".audit-rows tbody tr")).to_have_count(1)
        await expect(page.locator(".audit-rows tbody tr")).to_contain_text("打开诉求")
        assert await page.evaluate(CONTRAST) == []
        await page.get_by_role("button", name="导出").click()
        async with page.expect_download() as caught:
            await page.get_by_role("button", name="csv").click()
        assert (await caught.value).suggested_filename.endswith(".csv")
        await page.get_by_role("link", name=f"诉求 #{case_id}").click()
        await expect(page.locator(".item-head .number")).to_contain_text(str(case_id))
        assert one.problems == []
    async with at_work(browser, website, login="li", role="坐席") as one:
        await expect(one.page.get_by_role("link", name="审计")).to_have_count(0)
        await one.page.goto(f"{website.url}/console/audit")
        await expect(one.page.locator(".figures-body")).to_contain_text("只给不限范围的主管")
        await expect(one.page.locator(".audit-rows")).to_have_count(0)


async def test_a_backup_is_made_and_taken_along_by_administrators_alone(
    browser: Browser, website: Website
) -> None:
    async with at_work(browser, website, path="/console/admin/backups") as one:
        page = one.page
        await page.get_by_role("button", name="现在备份").click()
        link = page.get_by_role("link", name="下载")
        async with page.expect_download() as caught:
            await link.click()
        assert zipfile.is_zipfile(await (await caught.value).path())
        address = await link.get_attribute("href")
        assert one.problems == []
    async with at_work(browser, website, login="wang", role="主管") as one:
        refused = await one.context.request.get(f"{website.url}{address}")
        assert refused.status == 403 and "管理员" in await refused.text()
    stranger = await website.browser().get(str(address))
    assert stranger.status_code == 401


async def test_an_administrator_looks_after_the_program(browser: Browser, website: Website) -> None:
    async with at_work(browser, website, path="/console/admin") as one:
        page = one.page
        await expect(page.locator(".tile", has_text="待人工")).to_contain_text("0")
        for title, words in (
            ("账号", "云川发布"),
            ("时限与单位", "广东 2022（现用）"),
            ("备份", "还没有在这里做过备份"),
            ("设置", "只能看"),
            ("词语", "本单位还没有改过同义词"),
        ):
            await page.locator(".sub-way", has_text=title).click()
            await expect(page.locator(".figures-body")).to_contain_text(words)
            assert await page.evaluate(CONTRAST) == []
        await page.get_by_label("几个同义的词").fill("低保 困难补贴")
        await page.get_by_role("button", name="加上").click()
        await expect(page.get_by_role("button", name="移出 困难补贴")).to_be_visible()
        await page.locator(".sub-way", has_text="账号").click()
        row = page.locator("tr", has_text="云川市政务服务")
        await row.get_by_role("button", name="试一试").click()
        await told(page, "连得上")
        assert one.problems == []
        assert one.abroad == []
    async with at_work(browser, website, login="wang", role="主管") as one:
        await expect(one.page.get_by_role("link", name="管理")).to_have_count(0)
        await one.page.goto(f"{website.url}/console/admin/settings")
        await expect(one.page.locator(".figures-body")).to_have_text("这一页只给管理员看。")


async def test_on_a_phone_figures_are_opened_with_a_thumb(
    browser: Browser, website: Website
) -> None:
    (case_id,) = await write(website, TEXTS[0])
    async with at_work(browser, website, size=PHONE, path=FIGURES) as one:
        page = one.page
        await shows(page, "等待中", "1")
        sizes = await page.locator(".tile, .period, .sub-way").evaluate_all(
            "all => all.map(one => one.getBoundingClientRect().height)"
        )
        assert min(sizes) >= 42
        await page.get_by_role("button", name="近 7 日").click()
        await page.wait_for_url("**period=7d**")
        await expect(page.locator(".head-line").first).to_contain_text("原始 1")
        await tile(page, "等待中").click()
        await expect(page.locator(".cases-total")).to_have_text("1 件")
        await expect(page.locator(".head-line")).to_contain_text("只算截止时还没有答复的留言")
        assert await page.evaluate(FITS)
        await page.locator(".case-rows td.words a").click()
        await expect(page.locator(".item-head .number")).to_contain_text(str(case_id))
        await page.go_back()
        await expect(page.locator(".cases-total")).to_have_text("1 件")
        assert one.problems == []
        assert one.abroad == []


async def test_figures_stand_still_until_asked_anew(browser: Browser, website: Website) -> None:
    await write(website, TEXTS[0])
    async with at_work(browser, website, path=FIGURES) as one:
        page = one.page
        await shows(page, "原始数", "1")
        await page.locator(".chart-table summary").first.click()
        await write(website, TEXTS[1])
        await page.get_by_role("button", name="重新计算").click()
        await shows(page, "原始数", "2")
        assert one.problems == []


@pytest.mark.parametrize("query", ["figure=nothing", "", "figure=counts.valid&to=9999-12-31&at=x"])
async def test_made_up_addresses_are_answered_kindly(
    browser: Browser, website: Website, query: str
) -> None:
    async with at_work(browser, website, path=f"/console/cases?{query}") as one:
        await expect(one.page.locator("h1")).to_be_visible()
        expected = "有效数" if "valid" in query else "打不开这个数字"
        await expect(one.page.locator("h1")).to_contain_text(expected)
