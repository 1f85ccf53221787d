"""一件事 at the doors: the web page's checkboxes, Telegram's buttons."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from storage.db import Database
from storage.models import Citizen
from tests.handlers.telegram_door import Door, opened
from tests.support import MOVED
from tests.website import Website, answers, lines, open_website, write

ASK = "搬家后要办什么"
FIRST = MOVED.mark(MOVED.steps[0])


@pytest.fixture
async def website(database: Database) -> AsyncIterator[Website]:
    async with open_website(database, bundles=[MOVED]) as website:
        yield website


@pytest.fixture
async def door(database: Database) -> AsyncIterator[Door]:
    async with opened(database, bundles=[MOVED]) as running:
        yield running


async def test_the_page_shows_steps_as_they_stand_now(website: Website) -> None:
    browser = website.browser()
    await write(browser, ASK)
    (line,) = await answers(browser)
    titles = [button["title"] for row in line["rows"] for button in row]
    assert titles == ["预约补领", "有帮助", "没解决"]
    base = f"c:tick:{line['case']}:{FIRST}"
    assert line["steps"][0] == {"title": "1. 换身份证", "action": base, "done": False}
    answer = await browser.post("/chat/actions", json={"action": f"{base}+"})
    assert answer.json() == {"text": "已办好 1 步，还有 1 步。"}
    (line,) = [one for one in await lines(browser) if not one["mine"]]
    assert [one["done"] for one in line["steps"]] == [True, False]
    assert line["spent"] is False
    await browser.post("/chat/actions", json={"action": f"{base}-"})
    (line,) = [one for one in await lines(browser) if not one["mine"]]
    assert [one["done"] for one in line["steps"]] == [False, False]


async def test_strangers_tick_nothing_of_others(website: Website) -> None:
    browser, stranger = website.browser(), website.browser()
    await write(browser, ASK)
    (line,) = await answers(browser)
    await write(stranger, "社保卡丢失怎么补办")
    action = f"c:tick:{line['case']}:{FIRST}+"
    assert (await stranger.post("/chat/actions", json={"action": action})).status_code == 409
    for broken in (action[:-1], action.replace("c:tick", "c:tock"), f"{action}+"):
        answer = await browser.post("/chat/actions", json={"action": broken})
        assert answer.status_code == 400


async def test_it_leads_the_menu(website: Website) -> None:
    topics = (await website.browser().get("/chat/menu")).json()["topics"]
    assert topics[0] == {"title": "一件事", "questions": [ASK]}


async def test_a_press_in_telegram_ticks_in_the_message_itself(door: Door) -> None:
    citizen = door.api.user("小李")
    await door.api.says(citizen, ASK)
    await door.settle()
    answer = await door.api.next_message(citizen)
    assert answer.buttons[1:3] == ["☐ 1. 换身份证", "☐ 2. 换社保卡"]
    shown = await door.api.presses(citizen, answer, "☐ 1. 换身份证")
    assert (shown.text, shown.show_alert) == ("已办好 1 步，还有 1 步。", False)
    changed = await door.api.next_message(citizen, kind="markup")
    assert changed.id == answer.id
    now = ["预约补领", "☑ 1. 换身份证", "☐ 2. 换社保卡", "有帮助", "没解决"]
    assert changed.buttons == now
    await door.api.presses(citizen, changed, "有帮助")
    changed = await door.api.next_message(citizen, kind="markup")
    assert changed.buttons == now[:3]  # the list stays for the weeks it takes
    await door.api.presses(citizen, changed, "☑ 1. 换身份证")
    changed = await door.api.next_message(citizen, kind="markup")
    assert changed.buttons == ["预约补领", "☐ 1. 换身份证", "☐ 2. 换社保卡"]
    assert len(await door.town.rows(Citizen)) == 1
