"""What is wrong with the knowledge base, its links and its saved questions, and who repairs it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta

import pytest
from aiohttp import web

from bot.desk import DeskError
from knowledge.catalog import Entry, Link
from knowledge.gold import Gold
from storage import entries, gold
from storage.models import AuditRecord, GoldQuestion
from tests.support import ENTRIES, Town

LOST, CARD, RENT, POOR = ENTRIES


async def put(town: Town, *known: Entry) -> None:
    async with town.db.write() as session:
        await entries.save(session, known, "test")
    await town.desk.office.library.refresh()


async def test_troubles_name_their_kind_and_every_entry_concerned(town: Town) -> None:
    today, day = town.desk.office.today(), timedelta(days=1)
    await put(
        town,
        replace(POOR, id="poor2", answer="请到民政局三楼。"),
        replace(RENT, id="rent2", similar=()),
        replace(LOST, expires_on=today - day),
        replace(CARD, review_on=today - day, links=(Link("办", "zwfw.example"),)),
    )
    found = await town.desk.upkeep.troubles()
    told = [(one.kind, tuple(entry.id for entry in one.entries)) for one in found]
    assert list(dict.fromkeys(told)) == [
        ("矛盾", ("poor2", "low-income")),
        ("重复", ("rent2", "fund-rent")),
        ("已过期", ("id-lost",)),
        ("该复核", ("card-lost",)),
        ("缺项、写错", ("card-lost",)),
    ]


@pytest.fixture
async def site() -> AsyncIterator[str]:
    """A website with one page."""
    app = web.Application()

    async def here(_: web.Request) -> web.Response:
        return web.Response(text="在")

    app.router.add_get("/here", here)
    runner = web.AppRunner(app)
    await runner.setup()
    listening = web.TCPSite(runner, "127.0.0.1", 0)
    await listening.start()
    host, port = runner.addresses[0][:2]
    yield f"http://{host}:{port}"
    await runner.cleanup()


async def test_links_are_opened_by_editors_and_lead_to_their_entries(town: Town, site: str) -> None:
    here, gone = Link("在", f"{site}/here"), Link("不在", f"{site}/gone")
    await put(town, replace(LOST, links=(here, gone)), replace(CARD, links=(gone,)))
    before = await town.desk.upkeep.links()
    assert [one.checked_at for one in before] == [None, None]
    with pytest.raises(DeskError, match="审核、主管或管理员"):
        await town.desk.upkeep.open_links(await town.staff(0))
    assert "1 个打不开" in await town.desk.upkeep.open_links(await town.staff(1))
    dead, alive = await town.desk.upkeep.links()
    assert (dead.url, dead.problem) == (gone.url, "页面不存在（404）")
    assert {entry.id for entry in dead.entries} == {"id-lost", "card-lost"}
    assert (alive.url, alive.problem, alive.failing_since) == (here.url, "", None)
    (audited,) = [one for one in await town.rows(AuditRecord) if one.action == "kb.links"]
    assert audited.data == {"opened": 2, "dead": 1}


async def test_saved_questions_are_answered_as_by_the_running_program(town: Town) -> None:
    upkeep, reviewer = town.desk.upkeep, await town.staff(1)
    await upkeep.keep_question(reviewer, " 身份证丢失怎么补领 ", "id-lost")
    await upkeep.keep_question(reviewer, "今天天气怎么样", "")
    await upkeep.keep_question(reviewer, "低保怎么申请", "fund-rent")
    wrong, *right = await upkeep.verdicts()
    assert (wrong.gold.query, wrong.found, wrong.passed) == ("低保怎么申请", "low-income", False)
    assert [one.passed for one in right] == [True, True]
    assert await upkeep.keep_question(reviewer, "低保怎么申请", "low-income") == "已保存"
    assert all(one.passed for one in await upkeep.verdicts())
    await upkeep.drop_question(reviewer, "今天天气怎么样")
    assert len(await upkeep.verdicts()) == 2
    with pytest.raises(DeskError, match="没有这个测试问题"):
        await upkeep.drop_question(reviewer, "今天天气怎么样")
    for query, entry_id, why in (
        ("", "id-lost", "怎样问"),
        ("问一句", "nothing", "nothing"),
        ("我电话13812345678，身份证丢了", "id-lost", "手机号"),
    ):
        with pytest.raises(DeskError, match=why):
            await upkeep.keep_question(reviewer, query, entry_id)


async def test_a_clerk_leaves_the_saved_questions_alone(town: Town) -> None:
    async with town.db.write() as session:
        await gold.save(session, [Gold("低保怎么申请", "low-income")], "test")
    clerk = await town.staff(0)
    for attempt in (
        town.desk.upkeep.keep_question(clerk, "低保怎么申请", ""),
        town.desk.upkeep.drop_question(clerk, "低保怎么申请"),
    ):
        with pytest.raises(DeskError, match="审核、主管或管理员"):
            await attempt
    assert [one.entry_id for one in await town.rows(GoldQuestion)] == ["low-income"]
