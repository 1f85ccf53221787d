"""The widget on another website in a real browser: asked in, by keyboard, on a phone."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from aiohttp import web
from playwright.async_api import Browser, FrameLocator, expect

from handlers.webchat.door import Site
from storage.db import Database
from tests.e2e.browsing import CONTRAST, OFFICE, PHONE, Visit, needs_browser, visit
from tests.website import SITE, Website, open_website

pytestmark = needs_browser
PICTURES = os.environ.get("TEST_PICTURES", "")
ANSWER = "带户口簿到任一派出所补领"
PAGE = """<!doctype html><html lang="zh-CN"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>云川市人民政府</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="/site.css"></head><body><h1>云川市人民政府</h1><p>{filler}</p>
<a href="#news">要闻</a><script src="{url}/widget.js" data-title="问一问"></script></body></html>"""
# As rude as a website's own style gets.
STYLE = """button, a, span, div { all: unset; color: lime !important; font-size: 40px }
iframe { display: none !important } body { margin: 30px }"""
POLICY = "default-src 'none'; style-src 'self'; img-src data:; script-src {url}; frame-src {url}"


@dataclass
class Portal:
    """A government website of its own origin that carries the widget."""

    website: Website
    url: str


@asynccontextmanager
async def portal(database: Database, site: Site, *, allowed: bool = True) -> AsyncIterator[Portal]:
    """``localhost`` and ``127.0.0.1`` are two sites to a browser, and both as good as https."""
    where: dict[str, str] = {}

    async def home(_: web.Request) -> web.Response:
        headers = {"content-security-policy": POLICY.format(**where)}
        text = PAGE.format(filler="政务公开 " * 300, **where)
        return web.Response(text=text, content_type="text/html", headers=headers)

    async def style(_: web.Request) -> web.Response:
        return web.Response(text=STYLE, content_type="text/css")

    app = web.Application()
    app.router.add_get("/", home)
    app.router.add_get("/site.css", style)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    origin = f"http://localhost:{runner.addresses[0][1]}"
    try:
        origins = (origin,) if allowed else ()
        async with open_website(database, replace(site, embed_origins=origins)) as website:
            where["url"] = website.url
            yield Portal(website, origin)
    finally:
        await runner.cleanup()


@pytest.fixture
async def town(database: Database) -> AsyncIterator[Portal]:
    site = replace(SITE, public_url="https://wenban.example", color="#a61e1e")
    async with portal(database, site) as running:
        yield running


@asynccontextmanager
async def at(browser: Browser, place: Portal, size: dict[str, int]) -> AsyncIterator[Visit]:
    async with visit(browser, place.website, size) as one:
        one.problems.clear()
        await one.page.goto(place.url)
        yield one


def inside(one: Visit) -> FrameLocator:
    return one.page.frame_locator("#wenban-panel iframe")


async def picture(one: Visit, name: str) -> None:
    if PICTURES:
        await one.page.screenshot(path=Path(PICTURES) / f"{name}.png")


@pytest.mark.parametrize("size", [OFFICE, PHONE], ids=["desk", "phone"])
async def test_a_citizen_asks_on_another_website_and_is_known_again(
    browser: Browser, town: Portal, size: dict[str, int]
) -> None:
    async with at(browser, town, size) as one:
        page, frame = one.page, inside(one)
        button = page.get_by_role("button", name="问一问")
        await picture(one, f"widget-closed-{size['width']}")
        await button.click()
        await frame.locator("#text").fill("身份证丢了怎么办")
        await expect(frame.locator("#send")).to_be_enabled()  # the page's script runs
        await frame.locator("#text").press("Enter")
        await expect(frame.locator(".office[data-case] .words")).to_contain_text(ANSWER)
        await expect(frame.locator("header")).to_be_hidden()
        await picture(one, f"widget-open-{size['width']}")
        box = await page.locator("#wenban-panel").bounding_box()
        assert box is not None
        if size is PHONE:
            assert (box["x"], box["y"], box["width"], box["height"]) == (0, 0, 390, 780)
        else:
            assert box["width"] == 400 and box["y"] >= 0
        await page.get_by_role("button", name="关闭").click()
        await expect(page.locator("#wenban-panel")).to_be_hidden()
        await expect(button).to_be_focused()
        await page.reload()  # the cookie of a frame on another site
        await button.click()
        await expect(frame.locator(".office[data-case] .words")).to_contain_text(ANSWER)
        cookies = [one for one in await one.context.cookies() if one["name"] == "wenban_visitor"]
        assert [(one["sameSite"], one["secure"]) for one in cookies] == [("None", True)]
        assert one.problems == []


async def test_the_keyboard_stays_inside_and_escape_leads_back(
    browser: Browser, town: Portal
) -> None:
    async with at(browser, town, OFFICE) as one:
        page, frame = one.page, inside(one)
        button, panel = page.get_by_role("button", name="问一问"), page.locator("#wenban-panel")
        await button.focus()
        await expect(button).to_have_attribute("aria-expanded", "false")
        await page.keyboard.press("Enter")
        await expect(panel).to_be_visible()
        await expect(panel).to_have_attribute("aria-modal", "true")
        await expect(page.get_by_role("dialog")).to_have_attribute(
            "aria-label", "云川市政务服务（示例） 问一问"
        )
        await expect(frame.locator("#text")).to_be_visible()
        seen = set()
        for _ in range(24):
            await page.keyboard.press("Tab")
            seen.add(await page.evaluate("document.activeElement.tagName"))
            held = await page.evaluate(
                "document.querySelector('#wenban-panel').contains(document.activeElement)"
            )
            assert held
        assert {"IFRAME", "A", "BUTTON"} <= seen
        await frame.locator("#text").focus()
        await page.keyboard.press("Escape")  # pressed in the page inside
        await expect(panel).to_be_hidden()
        await expect(button).to_be_focused()
        await page.keyboard.press("Enter")
        await page.get_by_role("button", name="关闭").focus()
        await page.keyboard.press("Escape")  # pressed in the panel around it
        await expect(panel).to_be_hidden()
        await expect(button).to_be_focused()
        assert await page.evaluate("document.documentElement.style.overflow") == ""


async def test_escape_inside_closes_what_is_open_there_first(
    browser: Browser, town: Portal
) -> None:
    async with at(browser, town, PHONE) as one:
        frame = inside(one)
        await one.page.get_by_role("button", name="问一问").click()
        assert await one.page.evaluate("document.documentElement.style.overflow") == "hidden"
        await frame.get_by_role("button", name="常办事项").click()
        await expect(frame.locator("#veil")).to_be_visible()
        await one.page.keyboard.press("Escape")
        await expect(frame.locator("#veil")).to_be_hidden()
        await expect(one.page.locator("#wenban-panel")).to_be_visible()
        await one.page.keyboard.press("Escape")
        await expect(one.page.locator("#wenban-panel")).to_be_hidden()
        assert await one.page.evaluate("document.documentElement.style.overflow") == ""


async def test_the_websites_style_and_policy_leave_the_widget_readable(
    browser: Browser, town: Portal
) -> None:
    async with at(browser, town, OFFICE) as one:
        page = one.page
        await page.get_by_role("button", name="问一问").click()
        look = await page.evaluate(
            """() => [...document.querySelectorAll('#wenban-button, #wenban-panel a, '
              + '#wenban-panel button, #wenban-panel [role] span')].filter(e => e.textContent)
              .map(e => [getComputedStyle(e).color, getComputedStyle(e).backgroundColor,
                         getComputedStyle(e).fontSize])"""
        )
        assert look and all(
            one == ["rgb(255, 255, 255)", "rgb(166, 30, 30)", "16px"] for one in look
        )
        assert one.problems == []


async def test_nothing_is_loaded_from_the_chat_before_it_is_opened(
    browser: Browser, town: Portal
) -> None:
    async with at(browser, town, PHONE) as one:
        asked: list[str] = []
        one.context.on("request", lambda request: asked.append(request.url))
        await one.page.reload()
        await expect(one.page.get_by_role("button", name="问一问")).to_be_visible()
        assert [url for url in asked if not url.startswith(town.url)] == [
            f"{town.website.url}/widget.js"
        ]


async def test_a_website_that_is_not_configured_gets_no_page(
    browser: Browser, database: Database
) -> None:
    async with portal(database, SITE, allowed=False) as place, at(browser, place, OFFICE) as one:
        refused = one.page.expect_console_message(lambda said: "frame" in said.text.lower())
        async with refused:
            await one.page.get_by_role("button", name="问一问").click()
        await expect(inside(one).locator("#text")).to_have_count(0)
        away = one.page.get_by_role("link", name="新窗口")
        assert await away.get_attribute("href") == f"{place.website.url}/"


@pytest.mark.parametrize("color", ["#a61e1e", "#0b6e4f", "#5b2c83"])
@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_every_accounts_colour_can_be_read(
    browser: Browser, database: Database, color: str, scheme: str
) -> None:
    async with (
        open_website(database, replace(SITE, color=color)) as website,
        visit(browser, website, PHONE, scheme) as one,
    ):
        await one.ask("丢了怎么办")
        await one.page.get_by_role("button", name="身份证丢失怎么补领").click()
        await expect(one.page.locator(".office .words").last).to_contain_text(ANSWER)
        assert await one.page.evaluate(CONTRAST) == []
        await picture(one, f"theme-{color[1:]}-{scheme}")
