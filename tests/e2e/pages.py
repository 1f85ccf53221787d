"""Every page of the console with a day's work on it: where it is, and what is there then."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from importlib import resources

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.config import read_bundles
from bot.desk.premises import Premises
from bot.ledger import verify
from bot.settings import KnowledgeSettings
from handlers.api.posts import Post
from knowledge.exchange import read_entries
from storage import entries
from storage.db import Database
from storage.models import Case, Phrase, Staff
from tests.e2e.test_browser_console import write as come
from tests.ingesting import fetched, post
from tests.website import Website, answers, open_website, write

SAMPLE = resources.files("knowledge").joinpath("data", "sample.csv")
HARD = (
    "楼下烧烤摊天天半夜冒烟，打了三次电话没人管",
    "学校门口的红绿灯坏了好几天了，孩子过马路太危险",
    "小区停水两天了，物业说不知道什么时候来水",
    "公交站挪走以后老人要多走一里路，能不能挪回来",
    "我爸的高龄补贴怎么这个月没到账",
    "低保户的孩子上大学有什么帮扶",
    "东湖路的路灯一到晚上就不亮",
)
EASY = ("身份证丢了怎么补", "居住证怎么办", "新生儿怎么上户口")
TOGETHER = (
    ("湖边散步", "体育馆周末几点开门"),
    ("阿杰", "请问体育馆周末几点开门？"),
    ("一颗糖", "体育馆周末几点开门呀"),
    ("跑步的人", "体育馆周末到底几点开门啊"),
    ("老街坊", "体育馆周末几点开门，谢谢"),
)
UNDER_A_POST = (("城南小陈", "身份证丢了怎么补"), ("开花的树", "新生儿怎么上户口"))
PHRASES = {
    "开头": "{称呼}，您好！您反映的事（{诉求编号}）我们已经看过。",
    "到现场看": "工作人员会在两个工作日内到现场查看，结果在这里告诉您。",
    "结尾": "办理中有疑问，可在这里接着问，也可以拨打政务服务热线。",
}
SHOWN = {
    "queue": "/console/",
    "case": "/console/case/{case}",
    "crowd": "/console/crowd/{crowd}",
    "tasks": "/console/tasks",
    "posting": "/console/posting",
    "intake": "/console/intake",
    "knowledge": "/console/knowledge",
    "entry": "/console/knowledge/entry?id={entry}",
    "upkeep": "/console/knowledge/upkeep",
    "questions": "/console/knowledge/questions",
    "learning": "/console/knowledge/learning",
    "phrases": "/console/knowledge/phrases",
    "exchange": "/console/knowledge/exchange",
    "figures": "/console/figures",
    "cases": "/console/cases?figure=counts.original",
    "scorecards": "/console/scorecards?period=30d",
    "health": "/console/health",
    "reports": "/console/reports",
    "screen": "/console/screen",
    "audit": "/console/audit",
    "staff": "/console/staff",
    "admin": "/console/admin",
    "words": "/console/admin/words",
}
"""The pages that the docs show, by the names of their pictures."""
OTHERS = {
    "new": "/console/knowledge/new",
    "bundle": "/console/knowledge/bundle?id=一件事-出生",
    "links": "/console/knowledge/links",
    "accounts": "/console/admin/accounts",
    "rules": "/console/admin/rules",
    "backups": "/console/admin/backups",
    "settings": "/console/admin/settings",
}
READY = {
    "queue": ".line",
    "case": ".reply-box textarea",
    "crowd": ".crowd-row",
    "tasks": ".nothing-title",
    "posting": ".posting",
    "intake": ".kb-upload .q-btn[aria-label]",
    "knowledge": "a.kb-row",
    "entry": ".bubble",
    "new": ".kb-form textarea",
    "bundle": ".bubble",
    "phrases": ".kb-phrase",
    "exchange": ".kb-upload .q-btn[aria-label]",
    "figures": ".tile:has-text('原始数')",
    "cases": ".case-rows",
    "scorecards": ".wide-table",
    "health": ".wide-table",
    "reports": ".forms",
    "screen": ".wall-tile",
    "audit": ".audit-rows tbody tr",
    "staff": ".person-row",
    "admin": ".tile",
    "words": ".ruled, .chip",
    "accounts": ".wide-table",
    "rules": ".wide-table",
    "settings": ".figures-body p",
}
"""What a page shows once it is whole; of others their main part."""


@asynccontextmanager
async def a_town(database: Database) -> AsyncIterator[Website]:
    """A website with a console, and an account whose answers are posted by hand."""
    sources = fetched(awaits="person", max_length=2000)
    bundles = read_bundles(KnowledgeSettings())
    files = Premises(sources=("weibo",))
    async with open_website(
        database, console=True, sources=sources, bundles=bundles, premises=files
    ) as website:
        yield website


async def a_day(website: Website) -> dict[str, str]:
    """Citizens ask, some get answers at once, the rest waits; what the addresses are to name."""
    desk = website.desk
    with resources.as_file(SAMPLE) as path:
        sample = read_entries(path).entries
    async with desk.office.db.write() as session:
        await entries.save(session, sample, "os:li")
    await desk.office.library.refresh()
    for text in EASY:
        client = website.browser()
        await write(client, text)
        await answers(client)
    for number, (name, text) in enumerate((*UNDER_A_POST, *TOGETHER), 1):
        posted = Post.model_validate(
            post(
                number,
                text,
                citizen_id=f"10{number}",
                citizen_name=name,
                post_id="4471",
                post_title="全民健身日，体育馆免费开放",
                sent_at=(datetime.now(UTC) - timedelta(minutes=number)).isoformat(),
            )
        )
        await desk.ingesting.take([posted.posted("weibo")])
    crowd = await _crowd(desk.office.db)
    numbers = await come(website, *HARD[:2], age=timedelta(days=29))
    numbers += await come(website, *HARD[2:])
    async with desk.office.db.write() as session:
        for number, urgency in zip(numbers, (1, 2, 1), strict=False):
            (await session.get_one(Case, number)).urgency = urgency
        await _phrases(session)
    assert await verify(desk.office.db, "os:li", datetime.now(UTC)) == []
    return {"case": str(numbers[5]), "entry": sample[0].id, "crowd": str(crowd)}


async def _crowd(database: Database) -> int:
    """The crowd of those who ask the same, once all of them are before staff."""
    while True:
        async with database.read() as session:
            query = select(Case.crowd_id, func.count()).group_by(col(Case.crowd_id))
            for crowd, size in await session.exec(query.where(Case.state == "waiting")):
                if crowd is not None and size == len(TOGETHER):
                    return int(crowd)
        await asyncio.sleep(0.05)


async def _phrases(session: AsyncSession) -> None:
    writer = Staff(login="z1", display_name="老周", role="主管")
    session.add(writer)
    await session.flush()
    for used, (title, text) in enumerate(PHRASES.items()):
        one = Phrase(staff_id=writer.id or 0, scope="all", title=title, text=text, used=31 - used)
        session.add(one)
