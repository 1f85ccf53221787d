"""Counting redirects: from the button under an answer to the service, over real HTTP."""

from __future__ import annotations

from dataclasses import replace

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select

from bot.desk import Desk
from bot.passage import Passage, Way, mark
from storage import entries
from storage.db import Database
from storage.models import LinkOpen
from tests.support import ENTRIES, MOVED, build_town
from tests.website import SECRET, Website, answers, write

LOST = ENTRIES[0]
PHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0) MicroMessenger/8.0"
TARGET = LOST.links[0].url


async def link(website: Website) -> str:
    """The address of the button under an answer on the web page."""
    browser = website.browser()
    await write(browser, "身份证丢了怎么办")
    (line,) = await answers(browser)
    return str(line["rows"][0][0]["url"])


async def opened(database: Database) -> list[tuple[str, str, int]]:
    async with database.read() as session:
        rows = await session.exec(select(LinkOpen))
        return [(one.entry_id, one.account, one.opened) for one in rows]


async def press(website: Website, path: str, method: str = "GET", **headers: str) -> httpx.Response:
    given = {"user-agent": PHONE, **{k.replace("_", "-"): v for k, v in headers.items()}}
    return await website.browser(**given).request(method, path)


async def test_a_press_is_counted_once_and_leads_to_the_service(
    website: Website, database: Database
) -> None:
    path = await link(website)
    assert path.startswith("/go/") and "yunchuan" not in path
    for _ in range(2):
        answer = await press(website, path)
        assert (answer.status_code, answer.headers["location"]) == (302, TARGET)
        assert answer.headers["cache-control"] == "no-store"
    assert await opened(database) == [("id-lost", "web", 1)]
    await press(website, path, user_agent="Mozilla/5.0 (Android 14)")
    assert await opened(database) == [("id-lost", "web", 2)]
    (row,) = await website.desk.entrances.usage("id-lost")
    assert (row.asked, row.answered, row.opened, row.solved) == (1, 1, 2, 0)


async def test_the_way_from_question_to_solution_is_told_by_account(
    website: Website, database: Database
) -> None:
    browser = website.browser()
    await write(browser, "身份证丢了怎么办")
    (line,) = await answers(browser)
    await press(website, line["rows"][0][0]["url"])
    await browser.post("/chat/actions", json={"action": f"c:helpful:{line['case']}"})
    (row,) = await website.desk.entrances.usage()
    assert row.account == "网站 云川市政务服务（示例）"
    assert (row.asked, row.answered, row.opened, row.solved) == (1, 1, 1, 1)


@pytest.mark.parametrize(
    ("method", "headers"),
    [
        ("HEAD", {}),
        ("GET", {"user_agent": "Mozilla/5.0 (compatible; Baiduspider/2.0)"}),
        ("GET", {"user_agent": "TelegramBot (like TwitterBot)"}),
        ("GET", {"user_agent": "python-httpx/0.28"}),
        ("GET", {"user_agent": ""}),
        ("GET", {"sec_purpose": "prefetch;prerender"}),
        ("GET", {"purpose": "prefetch"}),
        ("GET", {"x_moz": "prefetch"}),
    ],
)
async def test_machines_and_looks_ahead_are_led_but_not_counted(
    website: Website, database: Database, method: str, headers: dict[str, str]
) -> None:
    answer = await press(website, await link(website), method, **headers)
    assert (answer.status_code, answer.headers["location"]) == (302, TARGET)
    assert await opened(database) == []


async def test_a_link_taken_out_of_its_entry_leads_nowhere(
    website: Website, database: Database
) -> None:
    path = await link(website)
    async with database.write() as session:
        await entries.save(session, [replace(LOST, links=())], "test")
    answer = await press(website, path)
    assert answer.status_code == 404
    assert "办事入口已经调整" in answer.text and "再问一次" in answer.text
    async with database.write() as session:
        await entries.save(session, [LOST], "test")
        await entries.retire(session, LOST.id, "test")
    assert (await press(website, path)).status_code == 404
    assert await opened(database) == []


async def test_nobody_is_sent_where_no_entry_leads(website: Website, database: Database) -> None:
    forged = Passage("another secret of the same length").address(
        "web", "id-lost", TARGET, on_own_pages=True
    )
    own = await link(website)
    for path in (
        forged,
        own[:-1],
        own.replace(".", ""),
        f"{own}x",
        "/go/https:evil.example",
        "/go/.",
    ):
        answer = await press(website, path)
        assert answer.status_code == 404
        assert "location" not in answer.headers
    assert await opened(database) == []


def test_other_platforms_are_led_through_us_only_where_they_can_reach_us() -> None:
    inside, outside = Passage(SECRET), Passage(SECRET, "https://wenban.example")
    assert inside.address("telegram", "id-lost", TARGET, on_own_pages=False) == TARGET
    address = outside.address("telegram", "id-lost", TARGET, on_own_pages=False)
    assert address.startswith("https://wenban.example/go/")
    token = address.rpartition("/")[2]
    assert inside.read(token) == Way("telegram", "id-lost", mark(TARGET))


@pytest.mark.parametrize("question", ["身份证丢了怎么办", MOVED.question])
async def test_every_answer_names_the_entry_its_link_is_looked_up_in(
    database: Database, question: str
) -> None:
    town = await build_town(database, bundles=[MOVED])
    passage = Passage(SECRET, "https://wenban.example")
    town.desk = Desk(replace(town.desk.office, passage=passage), {"telegram": town.channel})
    await town.ask(question)
    url = town.to("7001")[0].buttons[0][0].url
    token = url.removeprefix("https://wenban.example/go/")
    assert passage.read(token) == Way("telegram", "id-lost", mark(TARGET))
    assert await town.desk.entrances.follow(token, "a phone") == TARGET


@given(st.text(max_size=60))
def test_no_made_up_token_is_read(token: str) -> None:
    assert Passage(SECRET).read(token) is None


@given(st.text(min_size=1, max_size=40), st.text(max_size=200))
def test_every_entry_and_link_comes_back_from_its_token(entry_id: str, url: str) -> None:
    address = Passage(SECRET).address("web", entry_id, url, on_own_pages=True)
    assert Passage(SECRET).read(address.removeprefix("/go/")) == Way("web", entry_id, mark(url))
