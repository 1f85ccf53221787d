"""同问 at the console, by NiceGUI's simulated user: one line, one page, one answer for all."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from sqlmodel import select

from storage.db import Database
from storage.models import Case, Staff
from tests.e2e.harness import until
from tests.e2e.test_browser_console import token_of
from tests.handlers.sitting import Sitting, sitting
from tests.ingesting import SITE, fetched, platform_of, post
from tests.website import Website, open_website

ASKED = ("低保怎么申请", "请问低保怎么申请", "低保申请要什么条件呀", "申请低保，怎么办理？")
TEXT = "向户籍所在街道提出申请，入户核查后公示，一个月内有结果。"


@pytest.fixture
async def website(database: Database) -> AsyncIterator[Website]:
    async with open_website(database, console=True, ingest=SITE, sources=fetched()) as website:
        yield website


async def cases(website: Website, state: str) -> list[Case]:
    async with website.desk.office.db.read() as session:
        return list(await session.exec(select(Case).where(Case.state == state)))


async def rush(website: Website, texts: tuple[str, ...] = ASKED, first: int = 1) -> int:
    """Comments over HTTP until they are before staff; the crowd they stand in."""
    rows = [
        post(number, text, citizen_id=f"u{number}", post_title="救助政策问答")
        for number, text in enumerate(texts, first)
    ]
    assert (await platform_of(website).batch(rows)).status_code == 200

    async def there() -> list[Case]:
        found = await cases(website, "waiting")
        return found if len(found) == first - 1 + len(texts) else []

    found = await until(there)
    (crowd,) = {one.crowd_id for one in found}
    return crowd or 0


async def _typed(one: Sitting, text: str) -> None:
    one.box("crowd-text").value = text


async def test_a_group_is_one_line_and_is_answered_as_a_whole(website: Website) -> None:
    crowd = await rush(website)
    async with sitting(website, await token_of(website)) as one:
        await one.open("/")
        await one.sees("4 件同问", "低保怎么申请", "《救助政策问答》", "共 1 行、4 件")
        one.key("j")
        await one.open(f"/crowd/{crowd}")
        await one.sees("4 件问同一件事：低保怎么申请", *ASKED, "给这 4 件各发一份")
        await _typed(one, TEXT)
        await one.press("给这 4 件各发一份")
        await one.sees("4 件已办，0 件没有。", "这一组都办完了。")
        await one.press("全部撤销")
        await one.is_told("撤销了 4 件，没有发出")
        await one.sees("给这 4 件各发一份")
    assert len(await cases(website, "waiting")) == 4


async def test_who_comes_meanwhile_is_announced_and_not_answered_unseen(website: Website) -> None:
    crowd = await rush(website)
    async with sitting(website, await token_of(website)) as one:
        await one.open(f"/crowd/{crowd}")
        await one.sees("给这 4 件各发一份")
        await rush(website, ("低保到底怎么申请",), 5)
        await one.sees("有变化：1 件新来或有新内容")
        await _typed(one, TEXT)
        await one.press("给这 4 件各发一份")
        await one.sees("4 件已办，0 件没有。", "低保到底怎么申请")
    (left,) = await cases(website, "waiting")
    assert left.subject == "低保到底怎么申请"


async def test_all_can_be_left_out_and_listed_one_by_one(website: Website) -> None:
    crowd = await rush(website)
    async with sitting(website, await token_of(website)) as one:
        await one.open(f"/crowd/{crowd}")
        await one.press("全不选")
        await one.sees("给这 0 件各发一份")
        await one.press("全选")
        await one.sees("给这 4 件各发一份")
        await one.open("/crowd/99")
        await one.is_told("没有这一组")


async def test_nobody_answers_in_a_group_what_is_not_theirs(website: Website) -> None:
    crowd = await rush(website)
    async with website.desk.office.db.write() as session:
        for case in await session.exec(select(Case)):
            case.department = "市教育局"
    token = await token_of(website, "li", "坐席")
    async with website.desk.office.db.write() as session:
        staff = (await session.exec(select(Staff).where(Staff.login == "li"))).one()
        staff.departments = ["市民政局"]
    async with sitting(website, token) as one:
        await one.open("/")
        await one.sees("都办完了。")
        await one.open(f"/crowd/{crowd}")
        await one.sees("0 件问同一件事", "这一组都办完了。")
