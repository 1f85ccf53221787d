"""What holds for every page of the console: it can be read, named, and gone through by Tab."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Browser, Page, expect

from storage.db import Database
from tests.e2e.browsing import CONTRAST, FITS, OFFICE, PHONE, needs_browser
from tests.e2e.pages import OTHERS, READY, SHOWN, a_day, a_town
from tests.e2e.test_browser_console import at_work, press
from tests.website import Website

pytestmark = needs_browser
PAGES = SHOWN | OTHERS
# What is wrong with the parts of a page as a screen reader finds them; nothing when all is well.
STRUCTURE = """() => {
  const wrong = [];
  const all = selector => [...document.querySelectorAll(selector)];
  const seen = one => one.checkVisibility({ visibilityProperty: true });
  if (all('main, [role=main]').length !== 1) wrong.push('main: ' + all('main, [role=main]').length);
  if (document.querySelector('main header.bar, main .wall-head')) wrong.push('bar in main');
  for (const one of all('nav, aside, section[role]'))
    if (!one.ariaLabel) wrong.push('no name: ' + one.outerHTML.slice(0, 80));
  const levels = all('h1, h2, h3, h4').filter(seen).map(one => Number(one.tagName[1]));
  if (levels.filter(level => level === 1).length !== 1) wrong.push('h1: ' + levels);
  if (levels[0] !== 1) wrong.push('begins with h' + levels[0]);
  levels.forEach((level, i) => {
    if (i && level > levels[i - 1] + 1) wrong.push('skips: ' + levels);
  });
  const said = one => {
    const copy = one.cloneNode(true);
    copy.querySelectorAll('[aria-hidden=true], i.q-icon').forEach(icon => icon.remove());
    return copy.textContent.trim();
  };
  const name = one => (one.ariaLabel || one.title || said(one) || '').trim()
    || document.getElementById(one.getAttribute('aria-labelledby') || '?')?.textContent
    || [...(one.labels || [])].map(label => label.ariaLabel || label.textContent).join('').trim();
  for (const one of all('a[href], button, input, textarea, select, [role=button], [role=tab]'))
    if (seen(one) && one.type !== 'hidden' && !one.closest('[aria-hidden=true]') && !name(one))
      wrong.push('no name: ' + one.outerHTML.slice(0, 160));
  for (const one of all('img, svg[role=img], figure [role=img]'))
    if (seen(one) && !one.alt && !one.ariaLabel && !one.closest('[aria-hidden=true]'))
      wrong.push('no alternative: ' + one.outerHTML.slice(0, 80));
  for (const one of all('[tabindex]')) if (one.tabIndex > 0) wrong.push('tabindex ' + one.tabIndex);
  if (!document.documentElement.lang.startsWith('zh')) wrong.push('lang');
  if (!document.title.includes('问办')) wrong.push('title: ' + document.title);
  return wrong;
}"""
# Where the cursor is, and whether one can see that it is there.
CURSOR = """() => {
  const one = document.activeElement, style = getComputedStyle(one);
  const around = one.closest('.q-field') || one;
  const marked = style.outlineStyle !== 'none' || getComputedStyle(around).boxShadow !== 'none'
    || around.matches('.q-field--focused') || one.matches('.q-focusable, .q-btn, .q-checkbox');
  const box = one.getBoundingClientRect();
  return { tag: one.tagName, text: (one.ariaLabel || one.textContent || '').trim().slice(0, 30),
    inMain: !!one.closest('main'), marked, seen: box.width > 0 && box.height > 0,
    place: [...document.querySelectorAll('*')].indexOf(one) };
}"""


@pytest.fixture
async def website(database: Database) -> AsyncIterator[Website]:
    async with a_town(database) as website:
        yield website


async def there(page: Page, name: str) -> None:
    await expect(page.locator(READY.get(name, "main")).first).to_be_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [OFFICE, PHONE], ids=["desk", "phone"])
async def test_every_text_can_be_read(
    browser: Browser, website: Website, scheme: str, size: dict[str, int]
) -> None:
    known = await a_day(website)
    async with at_work(browser, website, scheme=scheme, size=size) as one:
        for name, path in PAGES.items():
            await one.page.goto(website.url + path.format(**known))
            await there(one.page, name)
            assert await one.page.evaluate(CONTRAST) == [], name
            await one.page.wait_for_function(FITS)
        assert one.problems == []


async def test_every_page_has_one_main_part_headings_and_names(
    browser: Browser, website: Website
) -> None:
    known = await a_day(website)
    async with at_work(browser, website) as one:
        wrong = {}
        for name, path in PAGES.items():
            await one.page.goto(website.url + path.format(**known))
            await there(one.page, name)
            wrong[name] = await one.page.evaluate(STRUCTURE)
        assert {name: found for name, found in wrong.items() if found} == {}
        assert one.problems == []


async def test_tab_goes_past_the_bar_and_through_every_page_in_order(
    browser: Browser, website: Website
) -> None:
    known = await a_day(website)
    async with at_work(browser, website) as one:
        page = one.page
        for name, path in PAGES.items():
            if name == "screen":  # a wall has no bar to go past
                continue
            await page.goto(website.url + path.format(**known))
            await there(page, name)
            await page.evaluate("document.activeElement.blur()")
            await press(page, "Tab")
            first = await page.evaluate(CURSOR)
            assert first["text"] == "跳到正文" and first["seen"] and first["marked"], name
            await press(page, "Enter")
            await expect(page.locator("main")).to_be_focused()
            places = []
            for _ in range(6):
                await press(page, "Tab")
                cursor = await page.evaluate(CURSOR)
                if not cursor["inMain"]:
                    break
                assert cursor["seen"] and cursor["marked"], (name, cursor)
                places.append(cursor["place"])
            assert places or name == "tasks", name  # of tasks there are none
            assert places == sorted(places), name
        assert one.problems == []
