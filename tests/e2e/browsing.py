"""A real browser before a running website: what it sees, asks for, and complains about."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Browser, BrowserContext, Page, Request, async_playwright, expect

from tests.website import Website

CHROMIUM = shutil.which("chromium")
ARGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
]
PHONE = {"width": 390, "height": 780}
SMALL = {"width": 360, "height": 640}
DESKTOP = {"width": 1200, "height": 800}
OFFICE = {"width": 1366, "height": 768}

expect.set_options(timeout=15_000)  # a machine that tests on every core is slow at times

needs_browser = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine"),
]


@pytest.fixture
async def browser() -> AsyncIterator[Browser]:
    async with async_playwright() as playwright:
        opened = await playwright.chromium.launch(executable_path=CHROMIUM, args=ARGS)
        yield opened
        await opened.close()


@dataclass
class Visit:
    """One visitor's browser, watched for errors and for requests to elsewhere."""

    context: BrowserContext
    page: Page
    problems: list[str] = field(default_factory=list)
    abroad: list[str] = field(default_factory=list)

    def watch(self, page: Page) -> None:
        page.on("console", lambda message: self._note(message.type, message.text))
        page.on("pageerror", lambda error: self._note("error", str(error)))

    def _note(self, kind: str, text: str) -> None:
        if kind in ("error", "warning"):
            self.problems.append(text)

    def seen(self, request: Request) -> None:
        if urlsplit(request.url).hostname != "127.0.0.1":
            self.abroad.append(request.url)

    async def ask(self, text: str) -> None:
        await self.page.fill("#text", text)
        await expect(self.page.locator("#send")).to_be_enabled()  # the page's script runs
        await self.page.press("#text", "Enter")


@asynccontextmanager
async def visit(
    browser: Browser,
    website: Website,
    size: dict[str, int] = PHONE,
    scheme: str = "light",
    path: str = "",
) -> AsyncIterator[Visit]:
    context = await browser.new_context(
        viewport={"width": size["width"], "height": size["height"]},
        color_scheme="dark" if scheme == "dark" else "light",
        locale="zh-CN",
    )
    context.set_default_timeout(10_000)
    visit = Visit(context, await context.new_page())
    context.on("request", visit.seen)
    visit.watch(visit.page)
    await visit.page.goto(f"{website.url}{path}")
    yield visit
    await context.close()


# Every visible text below 4.5:1 against the first opaque ground under it (WCAG 2.2, 1.4.3).
FITS = "document.documentElement.scrollWidth <= innerWidth"
"""Whether a page needs no scrolling to the side."""
CONTRAST = """() => {
  const parse = color => color.match(/[\\d.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b]
    .map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const ground = element => {
    for (let one = element; one; one = one.parentElement) {
      const color = parse(getComputedStyle(one).backgroundColor);
      if (color.length === 3 || color[3] === 1) return color;
    }
    return [255, 255, 255];
  };
  const weak = [];
  for (const element of document.querySelectorAll('body *')) {
    const own = [...element.childNodes].some(n => n.nodeType === 3 && n.textContent.trim());
    if (!own || !element.offsetParent || element.closest('.hidden, script')) continue;
    const a = light(parse(getComputedStyle(element).color)), b = light(ground(element));
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) weak.push(element.textContent + ' ' + ratio.toFixed(2));
  }
  return weak;
}"""
