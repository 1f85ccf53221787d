"""What holds for every window of the console: named, with the cursor in it, which it gives back."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, Locator, Page, expect

import handlers.console.pages
from storage import entries
from storage.db import Database
from tests.e2e.browsing import needs_browser
from tests.e2e.pages import HARD, READY, SHOWN, a_day, a_town
from tests.e2e.test_browser_console import at_work, press
from tests.e2e.test_browser_console import write as come
from tests.website import Website

pytestmark = needs_browser

PLACES = {"case": "/console/case/{case}"} | SHOWN
# The windows of each page: what opens it, a key or the name of a button, and how it is named.
WINDOWS = {
    "queue": {"筛选": "筛选"},
    "case": {
        "?": "按键",
        "t": "转办给哪个单位？",
        "d": "延长多少个工作日？",
        "g": "改成哪一类？",
        "q": "要群众补充什么？（原话发给群众）",
        "p": "为什么结束等待？",
        "x": "为什么不用答复？",
        "o": "为什么算作答复？",
        "i": "为什么剔除？（另一位主管或管理员确认才算）",
        "v": "原文（查看已留记录）",
        "y": "常用语",
        "b": "给相似的诉求一起答复",
        "提相似问": "群众还会怎样问",
        "转办": "转办给哪个单位？",
    },
    "posting": {"?": "按键", "发布不了": "为什么发布不了？"},
    "knowledge": {"?": "按键"},
    "entry": {"?": "按键", "停用": "停用这一条？"},
    "questions": {"n": "新增测试问题", "新增": "新增测试问题"},
    "learning": {"?": "按键"},
    "phrases": {"n": "新建常用语", "改": "改常用语"},
    "staff": {
        "登记人员": "登记人员",
        "改角色和范围": "赵主任的角色和范围",
        "重置密码": "给赵主任换一个首次密码？",
        "停用": "停用赵主任？",
    },
    "audit": {"导出": "导出成什么格式？（也记审计）"},
    "cases": {"下载": "下载成什么格式？（留审计记录）"},
    "words": {"停用 百分百": "停用自带的“百分百”：请写原因"},
}
HOLDS_THE_CURSOR = "one => one.contains(document.activeElement) && document.activeElement !== one"


@pytest.fixture
async def website(database: Database) -> AsyncIterator[Website]:
    async with a_town(database) as website:
        yield website


async def opened(page: Page, way: str) -> Locator | None:
    """Press the key or the button; what was pressed, if that can have the cursor again."""
    if len(way) == 1 and way.isascii():
        await page.evaluate("document.activeElement.blur()")
        await press(page, way)
        return None
    exact = page.get_by_role("button", name=way, exact=True)
    pressed = (exact if await exact.count() else page.get_by_role("button", name=way)).first
    await pressed.press("Enter")
    return pressed


@pytest.mark.parametrize("name", WINDOWS)
async def test_a_window_is_named_takes_the_cursor_and_gives_it_back(
    browser: Browser, website: Website, name: str
) -> None:
    known = await a_day(website)
    await come(website, HARD[5], HARD[5] + "？")  # something alike, to answer together
    async with at_work(browser, website, path=PLACES[name].format(**known)) as one:
        page = one.page
        await expect(page.locator(READY.get(name, "main")).first).to_be_visible()
        await page.wait_for_load_state("networkidle")
        for way, title in WINDOWS[name].items():
            pressed = await opened(page, way)
            window = page.get_by_role("dialog", name=title)
            await expect(window, way).to_be_visible()
            await expect(window).to_have_attribute("aria-modal", "true")
            await page.wait_for_function(
                f"({HOLDS_THE_CURSOR})(document.querySelector('.q-dialog__inner'))"
            )
            await press(page, "Escape")
            await expect(page.get_by_role("dialog"), way).to_have_count(0)
            if pressed is not None:
                await expect(pressed).to_be_focused()
        assert one.problems == []


async def test_what_an_editor_breaks_and_a_first_password_stand_in_named_windows(
    browser: Browser, website: Website
) -> None:
    async with website.desk.office.db.read() as session:
        entry = (await entries.load(session))[0]
    async with at_work(browser, website, path="/console/staff") as one:
        page = one.page
        await page.get_by_role("button", name="登记人员").click()
        await page.get_by_label("登录名（字母、数字）").fill("li")
        await page.get_by_label("姓名").fill("李四")
        await page.get_by_role("button", name="登记", exact=True).click()
        password = page.get_by_role("dialog", name="李四的首次密码")
        await expect(password.get_by_role("button", name="记下了")).to_be_focused()
        await press(page, "Escape")  # it is shown only once: not shut by mistake
        await expect(password).to_be_visible()
        await press(page, "Enter")
        await expect(page.get_by_role("dialog")).to_have_count(0)
        assert website.signin is not None
        admin = await website.signin.working((await one.context.cookies())[0]["value"])
        await website.desk.upkeep.keep_question(admin, entry.question, entry.id)
        await page.goto(f"{website.url}/console/knowledge/entry?id={entry.id}")
        await page.get_by_label("标准问").fill("全市路灯什么时候亮")
        await page.get_by_label("相似问").fill("")
        await page.get_by_label("答案").fill("每天傍晚自动亮，坏了打热线。")
        await page.get_by_role("button", name="保存").click()
        broken = page.get_by_role("dialog", name="个测试问题会因此答错")
        await expect(broken.get_by_role("button", name="再改改")).to_be_focused()
        await press(page, "Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)


def test_every_window_is_opened_in_one_place() -> None:
    folder = Path(handlers.console.pages.__file__).parent
    found = {path.name for path in folder.glob("*.py") if "ui.dialog()" in path.read_text("utf-8")}
    assert found == {"parts.py"}
