"""The console in a real browser: set up, worked with by keyboard alone, on a phone, attacked."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from playwright.async_api import Browser, Locator, Page, expect
from sqlmodel import col, delete, select

from bot.desk import Inbound
from handlers.console.gate import COOKIE
from storage.db import Database
from storage.models import Account, AuditRecord, Case, CaseEvent, CaseNote, Staff
from tests.e2e.browsing import FITS, OFFICE, PHONE, Visit, needs_browser, visit
from tests.website import Website, open_website

pytestmark = needs_browser

PASSWORD = "yun-chuan-fu-wu-7"
NASTY = '<img src=x onerror="document.title=1"><b>低保</b>{{7*7}}怎么申请'
TEXTS = ("低保怎么申请", "低保要什么条件", "申请最低生活保障", "低保每月多少钱")


@pytest.fixture
async def website(database: Database) -> AsyncIterator[Website]:
    async with open_website(database, console=True) as website:
        yield website


async def write(website: Website, *texts: str, age: timedelta = timedelta()) -> list[int]:
    """Citizens write, or wrote so long ago, and their cases come before staff."""
    desk, cases = website.desk, []
    for text in texts:
        citizen = uuid4().hex
        inbound = Inbound(
            account="web",
            citizen=citizen,
            name=f"访客{citizen[:4]}",
            kind="direct",
            place=citizen,
            thread=citizen,
            external_id=f"{citizen}:1",
            text=text,
            sent_at=datetime.now(UTC) - age,
        )
        cases.append((await desk.intake.receive(inbound)).case_id)
    async with asyncio.timeout(20):
        while await waiting(website, *cases) < len(cases):  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    return cases


async def waiting(website: Website, *cases: int) -> int:
    """How many of these cases, or of all there are, stand before staff."""
    query = select(Case).where(Case.state == "waiting")
    async with website.desk.office.db.read() as session:
        found = await session.exec(query.where(col(Case.id).in_(cases)) if cases else query)
        return len(found.all())


async def token_of(website: Website, login: str = "boss", role: str = "管理员") -> str:
    """A signed-in session of a member of staff, made past the forms."""
    signin, desk = website.signin, website.desk
    assert signin is not None
    if await signin.needs_setup():
        token = await signin.set_up(signin.setup_token, "boss", "赵主任", PASSWORD)
    else:
        token = await signin.sign_in("boss", PASSWORD)
    if login == "boss":
        return token
    admin = await signin.working(token)
    first = await desk.people.add(admin, Staff(login=login, display_name=f"小{login}", role=role))
    return await signin.change_password(await signin.sign_in(login, first), first, PASSWORD)


@asynccontextmanager
async def at_work(
    browser: Browser,
    website: Website,
    *,
    size: dict[str, int] = OFFICE,
    scheme: str = "light",
    login: str = "boss",
    role: str = "管理员",
    path: str = "/console/",
) -> AsyncIterator[Visit]:
    """Somebody signed in who opens a page."""
    token = await token_of(website, login, role)
    async with visit(browser, website, size, scheme, "/console/login") as one:
        await one.context.add_cookies(
            [{"name": COOKIE, "value": token, "url": f"{website.url}/console"}]
        )
        await one.page.goto(f"{website.url}{path}")
        yield one


def line(page: Page, case_id: int) -> Locator:
    return page.locator(f'.line[data-case="{case_id}"]')


async def told(page: Page, words: str) -> None:
    """The page says this."""
    await expect(page.get_by_role("alert").filter(has_text=words).first).to_be_visible()


async def press(page: Page, *keys: str) -> None:
    for key in keys:
        await page.keyboard.press(key)


async def test_from_the_first_start_to_three_cases_done_by_keyboard_alone(
    browser: Browser, website: Website
) -> None:
    assert website.signin is not None
    await write(website, *TEXTS)
    path = f"/console/setup?key={website.signin.setup_token}"
    async with visit(browser, website, OFFICE, path=path) as one:
        page = one.page
        for text in ("boss", "赵主任", PASSWORD, PASSWORD):
            await page.keyboard.type(text)
            await page.keyboard.press("Tab")
        await page.keyboard.press("Enter")
        await expect(page.locator(".line")).to_have_count(4)
        await page.locator("body").press("j")
        for left in (3, 2):
            await expect(page.locator(".reply-box textarea")).not_to_have_value("")
            await press(page, "a")
            await expect(page.locator(".line")).to_have_count(left)
            await expect(page.locator(".line.here")).to_have_count(1)
        await press(page, "x")
        await expect(page.get_by_role("heading", name="为什么不用答复？")).to_be_visible()
        await press(page, "4")
        await expect(page.locator(".line")).to_have_count(1)
        await press(page, "?")
        await expect(page.get_by_role("heading", name="按键")).to_be_visible()
        assert one.problems == []
        assert one.abroad == []
    assert await waiting(website) == 1
    async with website.desk.office.db.read() as session:
        kept = {row.action for row in await session.exec(select(AuditRecord))}
    assert {"console.setup", "case.look", "case.adopt", "case.close"} <= kept


async def test_signing_in_and_out_through_the_pages(browser: Browser, website: Website) -> None:
    await token_of(website)
    async with visit(browser, website, OFFICE, path="/console/case/1") as one:
        page = one.page
        await page.get_by_label("登录名").fill("boss")
        await page.get_by_label("密码").fill("wrong-wrong-1")
        await page.keyboard.press("Enter")
        await told(page, "不对")
        await page.get_by_label("密码").fill(PASSWORD)
        await page.keyboard.press("Enter")
        await expect(page.locator(".nothing-title").first).to_have_text("都办完了。")
        await page.get_by_role("button", name="赵主任").click()
        await page.get_by_text("改密码").click()
        await expect(page.get_by_label("现在的密码")).to_be_visible()
        await page.goto(f"{website.url}/console/")
        await page.get_by_role("button", name="赵主任").click()
        await page.get_by_text("退出登录").click()
        await expect(page.get_by_label("登录名")).to_be_visible()
        await page.goto(f"{website.url}/console/")
        await expect(page.get_by_label("登录名")).to_be_visible()


async def test_a_reply_is_edited_checked_sent_and_taken_back(
    browser: Browser, website: Website
) -> None:
    (case_id,) = await write(website, TEXTS[0])
    async with at_work(browser, website, path=f"/console/case/{case_id}") as one:
        page, box = one.page, one.page.locator(".reply-box textarea")
        await expect(box).to_be_visible()
        await page.locator("body").press("e")
        await expect(box).to_be_focused()
        await box.fill("请拨打13812345678联系张经理。")
        await expect(page.locator(".checks .bad")).to_contain_text("手机号")
        await box.press("Control+Enter")
        await told(page, "没有发送")
        await box.fill("请带户口簿到街道便民中心三号窗口申请，当场受理。")
        await expect(page.get_by_role("button", name="发送改后的答复")).to_be_visible()
        await expect(page.locator(".checks .bad")).to_have_count(0)
        await box.press("Control+Enter")
        await expect(page.locator(".line")).to_have_count(0)
        await page.locator("body").press("u")
        await expect(page.locator(".line")).to_have_count(1)
        await expect(box).to_have_value("请带户口簿到街道便民中心三号窗口申请，当场受理。")
        assert [text for text in one.problems if "alert" not in text] == []
    async with website.desk.office.db.read() as session:
        query = select(CaseEvent.kind).where(CaseEvent.case_id == case_id)
        kinds = list(await session.exec(query.order_by(col(CaseEvent.id))))
    assert kinds[-2:] == ["reply_queued", "reply_taken_back"]


async def test_new_cases_and_colleagues_appear_without_a_reload(
    browser: Browser, website: Website
) -> None:
    (first,) = await write(website, TEXTS[0])
    async with (
        at_work(browser, website) as one,
        at_work(browser, website, login="li", role="坐席") as two,
    ):
        await expect(one.page.locator(".line")).to_have_count(1)
        await line(two.page, first).click()
        await expect(line(one.page, first)).to_contain_text("小li正在看")
        async with asyncio.timeout(20):
            inbound = website.desk.intake
            citizen = uuid4().hex
            await inbound.receive(
                Inbound(
                    "web",
                    citizen,
                    "访客",
                    "direct",
                    citizen,
                    citizen,
                    f"{citizen}:1",
                    TEXTS[1],
                    datetime.now(UTC),
                )
            )
            await expect(one.page.locator(".line")).to_have_count(2)
        await line(one.page, first).click()
        await expect(one.page.locator(".notice")).to_contain_text("小li也在看这件")
        await two.page.locator("body").press("x")
        await two.page.get_by_role("button", name="无实质内容").click()
        await expect(one.page.locator(".notice")).to_contain_text("刚有变化")
        await one.page.locator("body").press("a")
        await told(one.page, "没有执行")
        assert one.problems == []


async def test_review_by_two_people_shows_what_the_first_changed(
    browser: Browser, website: Website
) -> None:
    async with website.desk.office.db.write() as session:
        for account in await session.exec(select(Account).where(Account.key == "web")):
            account.review_steps = 2
    (case_id,) = await write(website, TEXTS[0])
    path = f"/console/case/{case_id}"
    async with (
        at_work(browser, website, login="li", role="坐席", path=path) as one,
        at_work(browser, website, login="shen", role="审核") as two,
    ):
        box = one.page.locator(".reply-box textarea")
        await box.fill("请带户口簿到街道便民中心三号窗口申请。")
        await expect(one.page.get_by_role("button", name="初审通过")).to_be_visible()
        await box.press("Control+Enter")
        await expect(two.page.get_by_role("tab", name="待复审")).to_contain_text("1")
        await line(two.page, case_id).click()
        await expect(two.page.locator(".diff ins").first).to_be_visible()
        await line(one.page, case_id).click()
        await expect(one.page.locator(".diff ins").first).to_be_visible()
        await one.page.locator("body").press("a")
        await told(one.page, "换一位同事")
        await two.page.locator("body").press("a")
        await expect(two.page.locator(".line")).to_have_count(0)


async def test_what_citizens_and_colleagues_write_stays_text(
    browser: Browser, website: Website
) -> None:
    (case_id,) = await write(website, NASTY)
    async with website.desk.office.db.write() as session:
        staff = Staff(login="x", display_name='<b onmouseover="x()">甲</b>', role="坐席")
        session.add(staff)
        await session.flush()
        session.add(CaseNote(case_id=case_id, staff_id=staff.id or 0, text=NASTY))
        case = await session.get_one(Case, case_id)
        case.subject = case.reason = case.department = NASTY
        case.assignee_id = staff.id
    async with at_work(browser, website, path=f"/console/case/{case_id}") as one:
        page = one.page
        await expect(page.locator(".said-text").first).to_have_text(NASTY)
        await expect(page.locator(".note-text")).to_have_text(NASTY)
        await expect(page.locator(".line .subject")).to_have_text(NASTY)
        await page.locator("body").press("v")
        await expect(page.locator(".q-dialog .said-text").first).to_have_text(NASTY)
        assert await page.locator(".board img, .board b, .q-dialog img").count() == 0
        assert "问办" in await page.title()
        assert one.problems == []


async def test_a_clerk_finds_no_way_into_the_staff_page(browser: Browser, website: Website) -> None:
    async with at_work(browser, website, login="li", role="坐席") as one:
        page = one.page
        await expect(page.get_by_role("link", name="人员")).to_have_count(0)
        await page.goto(f"{website.url}/console/staff")
        await expect(page.locator(".people")).to_contain_text("只给管理员看")
        await page.get_by_role("button", name="登记人员").click()
        await page.get_by_label("登录名（字母、数字）").fill("mole")
        await page.get_by_label("姓名").fill("内鬼")
        await page.get_by_role("button", name="登记", exact=True).click()
        await told(page, "管理员")
    async with website.desk.office.db.read() as session:
        logins = set(await session.exec(select(Staff.login)))
    assert "mole" not in logins


async def test_an_administrator_registers_a_colleague(browser: Browser, website: Website) -> None:
    async with at_work(browser, website, path="/console/staff") as one:
        page = one.page
        await page.get_by_role("button", name="登记人员").click()
        await page.get_by_label("登录名（字母、数字）").fill("li")
        await page.get_by_label("姓名").fill("李四")
        await page.get_by_role("button", name="登记", exact=True).click()
        password = await page.locator(".secret").inner_text()
        await page.get_by_role("button", name="记下了").click()
        await expect(page.locator(".person-row")).to_have_count(2)
        assert one.problems == []
    assert website.signin is not None
    assert await website.signin.sign_in("li", password)


async def test_on_a_phone_the_list_and_the_case_take_turns(
    browser: Browser, website: Website
) -> None:
    cases = await write(website, TEXTS[0], TEXTS[1])
    async with at_work(browser, website, size=PHONE) as one:
        page = one.page
        await expect(page.locator(".item")).to_be_hidden()
        await line(page, cases[0]).click()
        await expect(page.locator(".queue")).to_be_hidden()
        sizes = await page.locator(".actions button:visible").evaluate_all(
            "all => all.map(one => one.getBoundingClientRect().height)"
        )
        assert min(sizes) >= 44
        assert await page.evaluate(FITS)
        await page.get_by_role("button", name="返回").click()
        await expect(page.locator(".queue")).to_be_visible()
        await line(page, cases[1]).click()
        await page.get_by_role("button", name="采用并发送").click()
        await expect(page.locator(".said-text").first).to_have_text(TEXTS[0])
        await page.get_by_role("button", name="无需答复").click()
        await page.get_by_role("button", name="重复提交").click()
        await expect(page.locator(".nothing-title").first).to_have_text("都办完了。")
        assert one.problems == []
        assert one.abroad == []


async def test_ten_thousand_waiting_cases_open_quickly(browser: Browser, website: Website) -> None:
    (case_id,) = await write(website, TEXTS[0])
    async with website.desk.office.db.write() as session:
        case = await session.get_one(Case, case_id)
        values = case.model_dump(exclude={"id"})
        session.add_all([Case(**values) for _ in range(10_000)])
    async with at_work(browser, website) as one:
        page = one.page
        took = await seconds_to_open(page, 50)
        await expect(page.locator(".pager")).to_contain_text("共 10,001 件")
        async with website.desk.office.db.write() as session:
            await session.exec(delete(Case).where(col(Case.id) != case_id))
        alone = await seconds_to_open(page, 1)
    print(f"the list after {took:.2f} s with 10,001 waiting, after {alone:.2f} s with one")
    assert took < 2 * alone + 0.5


async def seconds_to_open(page: Page, lines: int) -> float:
    """The shortest of three times from asking for the page to seeing its list."""
    times = []
    for _ in range(3):
        started = time.monotonic()
        await page.reload()
        await expect(page.locator(".line")).to_have_count(lines)
        times.append(time.monotonic() - started)
    return min(times)
