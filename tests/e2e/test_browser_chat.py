"""The citizen's page in a real browser: phone and desktop, light and dark, with bad networks."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import Browser, Page, Route, expect
from sqlmodel import select

from storage.db import Database
from storage.models import Case, Delivery
from tests.e2e.browsing import CONTRAST, DESKTOP, FITS, PHONE, SMALL, needs_browser, visit
from tests.website import Website, open_website

ANSWER = "带户口簿到任一派出所补领"

pytestmark = needs_browser


@pytest.mark.parametrize(
    ("size", "scheme"), [(PHONE, "light"), (SMALL, "dark"), (DESKTOP, "light")]
)
async def test_a_citizen_asks_is_answered_and_says_it_helped(
    browser: Browser, website: Website, size: dict[str, int], scheme: str
) -> None:
    async with visit(browser, website, size, scheme) as one:
        page = one.page
        await one.ask("身份证丢了怎么办")
        await expect(page.locator(".mine .words")).to_have_text("身份证丢了怎么办")
        await expect(page.locator(".office[data-case] .words")).to_contain_text(ANSWER)
        link = page.get_by_role("link", name="预约补领")
        assert await link.get_attribute("target") == "_blank"
        assert "noopener" in (await link.get_attribute("rel") or "")
        await page.get_by_role("button", name="有帮助").click()
        await expect(page.locator(".state").first).to_have_text("谢谢您的反馈。")
        await expect(page.get_by_role("button", name="没解决")).to_be_disabled()
        await page.get_by_role("button", name="非常满意", exact=True).click()
        await expect(page.locator(".state").last).to_contain_text("已记下您的评价")
        await page.get_by_role("button", name="说说原因").click()
        await page.get_by_label("说说原因").fill("一说就懂 <b>好</b>")
        await page.get_by_role("button", name="提交").click()
        await expect(page.locator(".state").last).to_contain_text("已记下您的意见")
        await expect(page.get_by_role("button", name="追评")).to_be_visible()
        await expect(page.locator("#hint")).to_be_hidden()
        assert await _fits(page)
        assert one.problems == []
        assert one.abroad == []
    async with website.desk.office.db.read() as session:
        case = (await session.exec(select(Case))).one()
    assert (case.state, case.grade, case.comment) == ("resolved", 1, "一说就懂 <b>好</b>")


@pytest.mark.parametrize(
    ("choice", "words"), [("身份证丢失怎么补领", ANSWER), ("都不是，转人工", "工作人员")]
)
async def test_an_unclear_question_offers_choices_that_close_behind_themselves(
    browser: Browser, website: Website, choice: str, words: str
) -> None:
    async with visit(browser, website) as one:
        page = one.page
        await one.ask("丢了怎么办")
        await page.get_by_role("button", name=choice).click()
        await expect(page.locator(".office .words").last).to_contain_text(words)
        await expect(page.locator(".chips").first.locator("button:enabled")).to_have_count(0)
        await page.reload()
        await expect(page.locator(".office .words").last).to_contain_text(words)
        await expect(page.locator(".chips").first.locator("button:enabled")).to_have_count(0)
        assert one.problems == []


async def test_a_reload_shows_the_same_conversation_with_its_used_choices(
    browser: Browser, website: Website
) -> None:
    async with visit(browser, website) as one:
        page = one.page
        await one.ask("身份证丢了怎么办")
        await page.get_by_role("button", name="没解决").click()
        await expect(page.locator(".office .words").last).to_contain_text("工作人员")
        before = await page.locator(".words").all_text_contents()
        await page.reload()
        await expect(page.locator(".words")).to_have_count(len(before))
        assert await page.locator(".words").all_text_contents() == before
        await expect(page.get_by_role("button", name="没解决")).to_have_class("pressed")
        await expect(page.get_by_role("button", name="有帮助")).to_be_disabled()
        assert one.problems == []


async def test_markup_in_a_message_or_an_answer_stays_text(
    browser: Browser, website: Website
) -> None:
    nasty = '<img src=x onerror="document.title=1"><b>粗</b>\n第二行'
    async with visit(browser, website) as one:
        await one.page.fill("#text", nasty)
        await one.page.click("#send")
        await expect(one.page.locator(".mine .words")).to_have_text(nasty)
        await expect(one.page.locator(".office[data-case]")).to_have_count(1)
        async with website.desk.office.db.write() as session:
            delivery = (await session.exec(select(Delivery))).one()
            delivery.payload = {**delivery.payload, "text": nasty}
        await one.page.reload()
        await expect(one.page.locator(".office[data-case] .words")).to_have_text(nasty)
        assert await one.page.locator("#log img, #log b").count() == 0
        assert "在线咨询" in await one.page.title()
        assert one.problems == []


async def test_what_is_written_without_a_network_is_sent_once_when_it_is_back(
    browser: Browser, website: Website
) -> None:
    async with visit(browser, website) as one:
        page = one.page
        await one.ask("租房怎么提取公积金")
        await expect(page.locator(".office[data-case]")).to_have_count(1)
        await one.context.set_offline(True)
        await one.ask("身份证丢了怎么办")
        await expect(page.locator(".state.bad")).to_contain_text("自动重发")
        await expect(page.locator("#banner")).to_contain_text("网络断开了")
        await one.context.set_offline(False)
        await expect(page.locator(".office .words").last).to_contain_text(ANSWER)
        await expect(page.locator(".state")).to_have_count(0)
        await expect(page.locator("#banner")).to_be_hidden()
        await expect(page.locator(".mine")).to_have_count(2)


async def test_the_page_comes_back_by_itself_after_the_program_restarts(
    browser: Browser, database: Database
) -> None:
    async with open_website(database) as website:
        port = website.server.port
        opened = visit(browser, website)
        one = await opened.__aenter__()
        await one.ask("租房怎么提取公积金")
        await expect(one.page.locator(".office[data-case]")).to_have_count(1)
    await one.ask("身份证丢了怎么办")
    await expect(one.page.locator("#banner")).to_contain_text("网络断开了")
    async with open_website(database, port=port):
        await expect(one.page.locator(".office .words").last).to_contain_text(
            ANSWER, timeout=30_000
        )
        await expect(one.page.locator("#banner")).to_be_hidden()
        await expect(one.page.locator(".mine")).to_have_count(2)
        await opened.__aexit__(None, None, None)


async def test_unsent_text_and_a_draft_survive_a_reload(browser: Browser, website: Website) -> None:
    async with visit(browser, website) as one:
        page = one.page
        await page.route(re.compile("/chat/(visitor|messages)"), lambda route: route.abort())
        await one.ask("身份证丢了怎么办")
        await expect(page.locator(".state.bad")).to_contain_text("自动重发")
        await page.fill("#text", "还没写完")
        await page.unroute_all()
        await page.reload()
        await expect(page.locator(".office .words")).to_contain_text(ANSWER)
        await expect(page.locator(".mine")).to_have_count(1)
        await expect(page.locator("#text")).to_have_value("还没写完")


async def test_what_is_written_before_the_script_is_there_stays(
    browser: Browser, website: Website
) -> None:
    async with visit(browser, website, path="/healthz") as one:
        page, came = one.page, asyncio.Event()

        async def slowly(route: Route) -> None:
            await came.wait()
            await route.continue_()

        await page.route(re.compile(r"/chat\.js"), slowly)
        await page.goto(website.url, wait_until="commit")
        await page.fill("#text", "身份证丢了怎么办")
        await expect(page.locator("#send")).to_be_disabled()
        came.set()
        await expect(page.locator("#send")).to_be_enabled()
        await expect(page.locator("#text")).to_have_value("身份证丢了怎么办")


async def test_a_message_refused_for_good_can_be_taken_back_and_changed(
    browser: Browser, website: Website
) -> None:
    async with visit(browser, website) as one:
        page = one.page
        await page.fill("#text", "长" * 2001)
        await expect(page.locator("#count")).to_have_text("超出 1 字，请删短或分几条发。")
        await expect(page.locator("#send")).to_be_disabled()
        await page.evaluate("document.body.dataset.max = '9999'")
        await page.route(
            re.compile("/chat/messages"),
            lambda route: route.fulfill(status=413, json={"error": "太长了，请分几条发。"}),
        )
        await one.ask("短一点的话")
        await expect(page.locator(".state.bad")).to_contain_text("太长了")
        await page.get_by_role("button", name="改一改").click()
        await expect(page.locator("#text")).to_have_value("短一点的话")
        await expect(page.locator(".mine")).to_have_count(0)


async def test_the_menu_of_services_asks_its_question_for_the_citizen(
    browser: Browser, website: Website
) -> None:
    async with visit(browser, website) as one:
        page = one.page
        await page.get_by_role("button", name="常办事项").click()
        await page.locator("summary", has_text="户籍").click()
        await page.get_by_role("button", name="身份证丢失怎么补领").click()
        await expect(page.locator("#veil")).to_be_hidden()
        await expect(page.locator(".office .words").last).to_contain_text(ANSWER)
        await one.ask("我的诉求")
        await expect(page.locator("#sheet-body")).to_contain_text("身份证丢失怎么补领")
        await page.keyboard.press("Escape")
        await expect(page.locator("#mine")).to_be_focused()
        assert one.problems == []


async def test_a_person_can_be_asked_for(browser: Browser, website: Website) -> None:
    async with visit(browser, website) as one:
        await one.page.get_by_role("button", name="转人工").click()
        await expect(one.page.locator(".office .words").last).to_contain_text("工作人员")
        await one.ask("麻烦快一点")
        await expect(one.page.locator(".office .words").last).to_contain_text("已补充到您的诉求")


async def test_erasing_needs_two_presses_and_empties_the_page(
    browser: Browser, website: Website
) -> None:
    async with visit(browser, website) as one:
        page = one.page
        await one.ask("身份证丢了怎么办")
        await expect(page.locator(".office[data-case]")).to_have_count(1)
        await page.get_by_role("button", name="我的数据").click()
        await page.get_by_role("button", name="删除我的数据").click()
        await page.get_by_role("button", name="不删除").click()
        await page.get_by_role("button", name="删除我的数据").click()
        await page.get_by_role("button", name="确定删除").click()
        await expect(page.locator(".note")).to_contain_text("已删除您的信息")
        await expect(page.locator(".mine")).to_have_count(0)
        assert await one.context.cookies() == []
        await one.ask("租房怎么提取公积金")
        await expect(page.locator(".office .words").last).to_contain_text("公积金")
        assert one.problems == []


async def test_two_pages_of_one_visitor_show_the_same(browser: Browser, website: Website) -> None:
    async with visit(browser, website) as one:
        await one.ask("身份证丢了怎么办")
        await expect(one.page.locator(".office[data-case]")).to_have_count(1)
        second = await one.context.new_page()
        one.watch(second)
        await second.goto(website.url)
        await expect(second.locator(".office[data-case]")).to_have_count(1)
        await one.ask("租房怎么提取公积金")
        await expect(second.locator(".mine")).to_have_count(2)
        await expect(second.locator(".office[data-case]")).to_have_count(2)
        assert one.problems == []


async def test_everything_can_be_done_with_the_keyboard_and_is_named(
    browser: Browser, website: Website
) -> None:
    async with visit(browser, website) as one:
        page = one.page
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("link", name="跳到输入框")).to_be_focused()
        for name in ("常办事项", "转人工", "我的诉求", "我的数据"):
            await page.keyboard.press("Tab")
            await expect(page.get_by_role("button", name=name)).to_be_focused()
        await page.keyboard.press("Tab")
        await expect(page.get_by_label("您要咨询的内容")).to_be_focused()
        await page.keyboard.type("身份证丢了怎么办")
        await page.keyboard.press("Enter")
        await expect(page.get_by_role("log")).to_contain_text(ANSWER)
        sizes = await page.locator("button:visible, a.chips:visible").evaluate_all(
            "all => all.map(one => one.getBoundingClientRect().height)"
        )
        assert min(sizes) >= 44


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_text_has_enough_contrast(
    browser: Browser, website: Website, scheme: str
) -> None:
    async with visit(browser, website, PHONE, scheme) as one:
        await one.ask("身份证丢了怎么办")
        await one.page.get_by_role("button", name="有帮助").click()
        await expect(one.page.get_by_role("button", name="满意", exact=True)).to_be_visible()
        await one.page.get_by_role("button", name="满意", exact=True).click()
        await one.page.get_by_role("button", name="说说原因").click()
        sizes = await one.page.locator("button:visible").evaluate_all(
            "all => all.map(one => one.getBoundingClientRect().height)"
        )
        assert min(sizes) >= 44
        weak = await one.page.evaluate(CONTRAST)
        assert weak == []


async def _fits(page: Page) -> bool:
    """Whether nothing sticks out sideways."""
    fits: bool = await page.evaluate(
        f"{FITS} && document.getElementById('scroll').scrollWidth <= innerWidth"
    )
    return fits
