"""The page on other websites: who may frame it, with which cookie, in which colour."""

from __future__ import annotations

import re
from dataclasses import replace

import httpx
import pytest

from handlers.webchat.door import COOKIE
from handlers.webchat.page import STATIC
from storage.db import Database
from tests.website import SITE, answers, open_website, visitor_of, write

PORTAL = "https://www.yunchuan.example"
EMBEDDED = replace(SITE, public_url="https://wenban.example", embed_origins=(PORTAL,))
LOST = "身份证丢了怎么办"


def policy(answer: httpx.Response) -> str:
    (found,) = re.findall(r"frame-ancestors ([^;]*)", answer.headers["content-security-policy"])
    return str(found)


async def test_nobody_else_frames_anything_unless_configured(database: Database) -> None:
    async with open_website(database) as website:
        for path in ("/", "/chat/menu", "/widget.js", "/healthz", "/nowhere"):
            answer = await website.browser().get(path)
            assert policy(answer) == "'self'"
            assert answer.headers["x-frame-options"] == "SAMEORIGIN"


async def test_configured_websites_frame_the_page_and_nothing_else(database: Database) -> None:
    async with open_website(database, EMBEDDED, console=True) as website:
        page = await website.browser().get("/")
        assert policy(page) == f"'self' {PORTAL}"
        assert "x-frame-options" not in page.headers
        assert "script-src 'self'" in page.headers["content-security-policy"]
        for path in ("/chat/menu", "/chat/static/chat.js", "/healthz", "/nowhere", "/go/x"):
            answer = await website.browser().get(path)
            assert policy(answer) == "'self'"
            assert answer.headers["x-frame-options"] == "SAMEORIGIN"
        login = await website.browser().get("/console/login")
        assert PORTAL not in login.headers["content-security-policy"]
        assert login.headers["x-frame-options"] in ("DENY", "SAMEORIGIN")


async def test_the_cookie_holds_in_a_frame_only_where_embedding_is_configured(
    database: Database,
) -> None:
    async with open_website(database, EMBEDDED) as website:
        cookie = (await write(website.browser(), LOST)).headers["set-cookie"]
        for part in ("HttpOnly", "Secure", "SameSite=None", "Partitioned", "Path=/", "Max-Age="):
            assert part in cookie
    plain = replace(EMBEDDED, public_url="http://wenban.example")
    for site in (plain, replace(EMBEDDED, embed_origins=())):
        async with open_website(database, site) as website:
            cookie = (await write(website.browser(), LOST)).headers["set-cookie"]
            assert "samesite=lax" in cookie.lower()
            assert "Partitioned" not in cookie


async def test_erasing_takes_every_kind_of_cookie_back(database: Database) -> None:
    async with open_website(database, EMBEDDED) as website:
        token = (
            visitor_of(first := website.browser())
            or re.findall(
                f"{COOKIE}=([0-9a-f]+)", (await write(first, LOST)).headers["set-cookie"]
            )[0]
        )
        browser = website.browser(cookie=f"{COOKIE}={token}")
        await answers(browser)
        answer = await browser.post("/chat/erase", json={"confirm": True})
        gone = answer.headers.get_list("set-cookie")
        assert len(gone) == 2
        assert all("max-age=0" in one.lower() for one in gone)
        assert sum("Partitioned" in one for one in gone) == 1


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_another_website_cannot_write_in_the_visitors_name(
    database: Database, site: str
) -> None:
    async with open_website(database, EMBEDDED) as website:
        headers = {"sec-fetch-site": site, "origin": PORTAL}
        answer = await write(website.browser(**headers), LOST)
        assert answer.status_code == 403


async def test_name_and_colour_are_the_accounts(database: Database) -> None:
    site = replace(EMBEDDED, name='云川"</script>市', color="#a61e1e")
    async with open_website(database, site) as website:
        browser = website.browser()
        page = (await browser.get("/")).text
        assert 'content="#a61e1e"' in page and "<title>云川&quot;&lt;/script&gt;市" in page
        (css,) = re.findall(r'href="(/chat/static/chat\.css[^"]*)"', page)
        assert "--head: #a61e1e" in (await browser.get(css)).text
        answer = await browser.get("/widget.js")
        assert '"color": "#a61e1e"' in answer.text and '\\u4e91\\u5ddd\\"' in answer.text
        assert "{{" not in answer.text
        assert answer.headers["cross-origin-resource-policy"] == "cross-origin"
        assert (await browser.get("/chat/static/widget.js")).status_code == 404


def test_page_and_widget_stay_under_fifty_kilobytes() -> None:
    sizes = {path.name: path.stat().st_size for path in STATIC.iterdir()}
    assert {"index.html", "answer.html", "chat.js", "chat.css", "icon.svg", "widget.js"} == set(
        sizes
    )
    assert sum(sizes.values()) < 50_000, sizes


def test_nothing_comes_from_elsewhere() -> None:
    for path in STATIC.iterdir():
        text = path.read_text(encoding="utf-8").replace("http://www.w3.org/2000/svg", "")
        assert not re.search(r"https?://", text), path.name
        assert "innerHTML" not in text, path.name
