"""The knowledge base at the console: found, opened, asked, and seen as it would be sent."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from bot.desk import DeskError
from bot.desk.editing import texts
from knowledge.catalog import Entry
from storage import accounts, entries
from storage.accounts import Opened
from storage.models import Account, Staff, utcnow
from storage.shelf import PAGE, Wanted
from tests.support import ENTRIES, Town

LOST, CARD, RENT, POOR = ENTRIES


async def put(town: Town, *known: Entry) -> None:
    async with town.db.write() as session:
        await entries.save(session, known, "test")
    await town.desk.office.library.refresh()


async def found(town: Town, **wanted: str) -> list[str]:
    shelf = await town.desk.catalogue.page(Wanted(**wanted), 0)
    assert shelf.total == len(shelf.lines)
    return sorted(line.row.id for line in shelf.lines)


async def test_every_filter_and_the_search_narrow_the_list(town: Town) -> None:
    today = town.desk.office.today()
    day = timedelta(days=1)
    await put(
        town,
        replace(LOST, expires_on=today + 5 * day),
        replace(CARD, expires_on=today - day),
        replace(RENT, review_on=today),
        replace(POOR, effective_on=today + day),
    )
    async with town.db.write() as session:
        await entries.save(session, [replace(POOR, id="old", question="旧的问法")], "test")
        await entries.retire(session, "old", "test")
    assert await found(town) == ["card-lost", "fund-rent", "id-lost", "low-income"]
    assert await found(town, state="soon") == ["id-lost"]
    assert await found(town, state="expired") == ["card-lost"]
    assert await found(town, state="review") == ["fund-rent"]
    assert await found(town, state="pending") == ["low-income"]
    assert await found(town, state="valid") == ["fund-rent", "id-lost"]
    assert await found(town, state="retired") == ["old"]
    assert await found(town, automatic="no") == ["low-income"]
    assert await found(town, department="市公安局") == ["id-lost"]
    assert await found(town, text="card-l") == ["card-lost"]
    assert await found(town, text="社会保障卡不见了") == ["card-lost"]  # a similar question
    assert await found(town, text="居民身份证法") == ["id-lost"]
    assert await found(town, text="100%_") == []
    counts = {"": 4, "soon": 1, "expired": 1, "review": 1, "retired": 1}
    assert await town.desk.catalogue.counts() == counts
    shelf = await town.desk.catalogue.page(Wanted(order="id"), 0)
    standings = {line.row.id: line.standing for line in shelf.lines}
    assert standings["id-lost"] == "soon" and standings["card-lost"] == "expired"
    assert [line.to_review for line in shelf.lines if line.row.id == "fund-rent"] == [True]


async def test_the_list_comes_in_pages(town: Town) -> None:
    await put(town, *(replace(POOR, id=f"e{n:03}", question=f"第{n}个问题") for n in range(PAGE)))
    first = await town.desk.catalogue.page(Wanted(order="id"), 0)
    second = await town.desk.catalogue.page(Wanted(order="id"), PAGE)
    assert (len(first.lines), len(second.lines), first.total) == (PAGE, 4, PAGE + 4)
    assert not {one.row.id for one in first.lines} & {one.row.id for one in second.lines}


async def test_use_is_counted_and_the_cases_behind_it_can_be_opened(town: Town) -> None:
    staff = await town.staff()
    by_itself = await town.ask("身份证丢失怎么补领", "7001")
    case_id, version = await town.waiting("低保怎么申请", "7002")
    await town.desk.review.adopt(staff, case_id, version, "console")
    shelf = await town.desk.catalogue.page(Wanted(order="used"), 0)
    used = {line.row.id: line.used for line in shelf.lines}
    assert (used["id-lost"].hits, used["id-lost"].adopted, used["id-lost"].automatic) == (1, 1, 1)
    assert (used["low-income"].adopted, used["low-income"].automatic) == (1, 0)
    assert {line.row.id for line in shelf.lines[:2]} == {"id-lost", "low-income"}
    page = await town.desk.catalogue.cases(staff, "id-lost", 0)
    assert ([line.case.id for line in page.lines], page.total) == ([by_itself], 1)
    stranger = Staff(id=99, login="x", display_name="外人", departments=["市教育局"])
    assert (await town.desk.catalogue.cases(stranger, "id-lost", 0)).total == 0


async def test_an_entry_opens_with_its_versions_and_dead_links(town: Town) -> None:
    await put(town, replace(LOST, answer="带户口簿到派出所补领，15 个工作日取证。"))
    async with town.db.write() as session:
        url = LOST.links[0].url
        await accounts.note_links(session, [Opened(url, "页面不存在（404）")], utcnow())
    opened = await town.desk.catalogue.open(await town.staff(1), "id-lost")
    assert (opened.version, opened.standing, opened.editable) == (2, "valid", True)
    assert opened.dead == {url: "页面不存在（404）"}
    newest, first = opened.versions
    assert [(one.name, one.before) for one in newest.changes] == [("答案", LOST.answer)]
    assert {one.name for one in first.changes} >= {"标准问", "答案", "相似问", "办事入口"}
    assert first.entry == LOST
    assert not (await town.desk.catalogue.open(await town.staff(0), "id-lost")).editable
    with pytest.raises(DeskError, match="没有这一条"):
        await town.desk.catalogue.open(await town.staff(0), "nothing")


async def test_the_preview_is_cut_as_the_channel_cuts_it(town: Town) -> None:
    async with town.db.write() as session:
        session.add(Account(key="web", platform="网站", name="云川网"))
        session.add(Account(key="paper", platform="报纸", name="云川日报"))
    long = replace(LOST, answer="带户口簿到任一派出所补领。" * 60)
    telegram, web = await town.desk.catalogue.previews(long)
    assert (telegram.platform, web.platform) == ("Telegram", "网站")
    assert len(telegram.parts) == 2 and max(map(len, telegram.parts)) <= 500
    assert len(web.parts) == 1 and web.parts[0].endswith("承办：市公安局")
    assert telegram.links == ("预约补领",)
    assert telegram.buttons == ("有帮助", "没解决")


async def test_a_sentence_is_judged_as_the_running_program_would(town: Town) -> None:
    ask = town.desk.catalogue.ask
    sure = await ask("身份证丢失怎么补领")
    assert sure.match.decision == "answer"
    assert sure.match.candidates[0].entry.id == "id-lost"
    assert sure.answer_at == town.desk.office.library.standing.answer_at
    complaint = await ask("我要投诉！派出所补身份证的窗口态度恶劣")
    assert complaint.verdict.kind == "complaint"
    draft = await ask("低保怎么申请")
    assert draft.match.decision == "draft"  # not approved for automatic answers
    with pytest.raises(DeskError, match="写一句"):
        await ask("  ")


async def test_texts_are_what_the_form_reads_back(town: Town) -> None:
    for entry in ENTRIES:
        checked = await town.desk.editing.check(texts(entry), entry)
        assert checked.entry == entry and not checked.objection
