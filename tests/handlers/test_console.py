"""The console's doors over real HTTP: signing in, and everybody who must stay outside."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import httpx
import pytest
import websockets
from websockets.exceptions import InvalidStatus

from bot.desk.signin import Signin
from handlers.console.gate import COOKIE
from handlers.console.words import DELIVERIES, EVENTS, PURPOSES
from storage.db import Database
from storage.models import Staff
from storage.terms import DeliveryState, EventKind, Purpose
from tests.website import Website, open_website

OWN = "yun-chuan-fu-wu-7"
HERE = {"sec-fetch-site": "same-origin"}
PAGES = ["/console/", "/console/case/1", "/console/staff", "/console/assets/console.css"]


@dataclass
class Front:
    """A website with a console, and one browser before it."""

    website: Website
    signin: Signin
    browser: httpx.AsyncClient

    async def set_up(self) -> None:
        """Make the administrator through the form, which signs them in."""
        answer = await self.post("setup", person(key=self.signin.setup_token))
        assert answer.status_code == 303 and answer.headers["location"] == "/console/"

    async def post(
        self, page: str, fields: dict[str, str], headers: dict[str, str] = HERE
    ) -> httpx.Response:
        return await self.browser.post(f"/console/{page}", data=fields, headers=headers)

    async def form_of(self, page: str) -> str:
        """The hidden mark of a page's form."""
        text = (await self.browser.get(f"/console/{page}")).text
        found = re.search(r'name="form" value="(\w*)"', text)
        assert found
        return found[1]


def person(**fields: str) -> dict[str, str]:
    return {"login": "boss", "name": "赵主任", "password": OWN, "again": OWN, **fields}


@pytest.fixture
async def front(database: Database) -> AsyncIterator[Front]:
    async with open_website(database, console=True, working=False) as website:
        assert website.signin is not None
        yield Front(website, website.signin, website.browser(accept="text/html"))


@pytest.mark.parametrize("path", PAGES)
async def test_strangers_are_led_to_the_sign_in_page(front: Front, path: str) -> None:
    answer = await front.browser.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/console/login")
    machine = await front.browser.get(path, headers={"accept": "application/json"})
    assert machine.status_code == 401
    await front.set_up()
    answer = await front.browser.get(path)
    assert answer.status_code == 200


async def test_made_up_and_old_cookies_open_nothing(front: Front) -> None:
    await front.set_up()
    old = front.browser.cookies[COOKIE]
    form = await front.form_of("password")
    assert (await front.post("logout", {"form": form})).status_code == 303
    for token in ("", "x" * 43, old, old[:-1], "' OR 1=1 --"):
        headers = {"cookie": f"{COOKIE}={token}"}
        answer = await front.browser.get("/console/", headers=headers)
        assert answer.headers.get("location") == "/console/login", token


async def test_the_cookie_is_for_the_console_and_no_script(front: Front) -> None:
    answer = await front.post("setup", person(key=front.signin.setup_token))
    cookie = answer.headers["set-cookie"].lower()
    for mark in ("httponly", "samesite=lax", "path=/console", "max-age=43200"):
        assert mark in cookie
    page = await front.browser.get("/console/login")
    assert page.headers["cache-control"] == "no-store"
    assert "script-src 'self';" in page.headers["content-security-policy"]


async def test_the_set_up_page_is_gone_once_there_is_an_administrator(front: Front) -> None:
    assert "首次设置" in (await front.browser.get("/console/setup")).text
    wrong = await front.post("setup", person(key="guess"))
    assert wrong.status_code == 400 and "链接不对" in wrong.text
    await front.set_up()
    assert (await front.browser.get("/console/setup")).status_code == 303
    again = await front.post("setup", person(login="two", key=front.signin.setup_token))
    assert again.headers["location"] == "/console/login"


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "https://evil.example"},
        {"origin": "null"},
    ],
)
async def test_forms_of_other_sites_are_refused(front: Front, headers: dict[str, str]) -> None:
    await front.set_up()
    form = await front.form_of("password")
    for page, fields in (
        ("login", {"login": "boss", "password": OWN}),
        ("logout", {"form": form}),
        ("password", {"old": OWN, "password": "other-one-99", "again": "other-one-99"}),
    ):
        answer = await front.post(page, fields, headers)
        assert answer.status_code == 403, page
    assert (await front.browser.get("/console/")).status_code == 200


async def test_a_form_without_its_mark_changes_nothing(front: Front) -> None:
    await front.set_up()
    fields = {"old": OWN, "password": "other-one-99", "again": "other-one-99"}
    assert (await front.post("password", fields)).status_code == 403
    assert (await front.post("password", {**fields, "form": "0" * 32})).status_code == 403
    form = await front.form_of("password")
    assert (await front.post("password", {**fields, "form": form})).status_code == 303


async def test_what_was_typed_comes_back_as_text_and_passwords_not_at_all(front: Front) -> None:
    nasty = '"><script>alert(1)</script>'
    answer = await front.post("login", {"login": nasty, "password": "secret-secret-1"})
    assert answer.status_code == 400
    assert nasty not in answer.text and "&lt;script&gt;" in answer.text
    assert "secret-secret-1" not in answer.text
    huge = await front.post("login", {"login": "x" * 5000, "password": "y"})
    assert huge.status_code == 413


async def test_a_half_open_session_reaches_its_own_step_only(front: Front) -> None:
    await front.set_up()
    admin = await front.signin.working(front.browser.cookies[COOKIE])
    people = front.website.desk.people
    first = await people.add(admin, Staff(login="new", display_name="新人"))
    front.browser.cookies.clear()
    answer = await front.post("login", {"login": "new", "password": first})
    assert answer.headers["location"] == "/console/password"
    for path in PAGES:
        assert (await front.browser.get(path)).headers["location"] == "/console/password"
    assert (await front.browser.get("/console/codes")).headers["location"] == "/console/password"


async def test_codes_are_offered_as_a_picture_made_here(front: Front) -> None:
    await front.set_up()
    page = (await front.browser.get("/console/codes")).text
    assert "<svg" in page and "http://" not in page.replace("http://www.w3.org", "")
    form = await front.form_of("codes")
    refused = await front.post("codes", {"form": form, "code": "000000"})
    assert refused.status_code == 400


@pytest.mark.parametrize("origin", ["", "https://evil.example"])
async def test_sockets_need_the_session_and_the_own_page(front: Front, origin: str) -> None:
    await front.set_up()
    token = front.browser.cookies[COOKIE]
    base = front.website.url.replace("http", "ws", 1)
    address = f"{base}/console/_nicegui_ws/socket.io/?EIO=4&transport=websocket"
    headers = {"cookie": f"{COOKIE}={token}"} if origin else {}
    sent = {"origin": origin} if origin else {}
    with pytest.raises(InvalidStatus) as refused:
        async with websockets.connect(address, additional_headers=headers | sent, proxy=None):
            pass
    assert refused.value.response.status_code == 403
    own = {"cookie": f"{COOKIE}={token}", "origin": front.website.url}
    async with websockets.connect(address, additional_headers=own, proxy=None) as socket:
        assert str(await socket.recv()).startswith("0{")


def test_everything_that_is_stored_has_a_word_on_the_screen() -> None:
    assert set(EventKind) == set(EVENTS)
    assert set(DeliveryState) == set(DELIVERIES)
    to_staff = {"card", "card_update", "prompt", "task", "reminder", "digest", "reply_copy"}
    assert {str(one) for one in Purpose} - to_staff <= {str(one) for one in PURPOSES}


async def test_pages_that_are_not_there_say_so_in_chinese(front: Front) -> None:
    await front.set_up()
    answer = await front.browser.get("/console/nothing")
    assert answer.status_code == 404 and "没有这个页面" in answer.text
