"""The page of one answer, over real HTTP: whole, current, and nothing but text."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from knowledge.catalog import Link
from storage import entries
from tests.support import ENTRIES
from tests.website import Website

LOST = ENTRIES[0]
EVIL = "<script>alert(1)</script>{{greeting}}"


async def put(website: Website, **changes: object) -> None:
    async with website.desk.office.db.write() as session:
        await entries.save(session, [replace(LOST, **changes)], "test")  # type: ignore[arg-type]
    await website.desk.office.library.refresh()


async def test_it_shows_the_answer_with_its_counted_links(website: Website) -> None:
    answer = await website.browser().get(f"/a/web/{LOST.id}")
    assert answer.status_code == 200
    assert answer.headers["x-robots-tag"] == "noindex"
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    for part in (LOST.question, "带户口簿", "承办：市公安局", "预约补领", 'href="/go/', "在线咨询"):
        assert part in answer.text
    assert "<script" not in answer.text and "{{" not in answer.text


async def test_it_is_as_current_as_the_entry(website: Website) -> None:
    await put(website, answer="新的办法：在网上办。")
    assert "新的办法" in (await website.browser().get(f"/a/web/{LOST.id}")).text


@pytest.mark.parametrize(
    "path", ["/a/web/none", "/a/nobody/id-lost", "/a/web/%00", "/a/web/low-income"]
)
async def test_what_is_not_for_everybody_is_not_there(website: Website, path: str) -> None:
    answer = await website.browser().get(path)
    assert answer.status_code == 404
    assert "已经调整" in answer.text and "低保" not in answer.text


async def test_an_expired_answer_is_gone(website: Website) -> None:
    today = website.desk.office.today()
    await put(website, expires_on=today - timedelta(days=1))
    assert (await website.browser().get(f"/a/web/{LOST.id}")).status_code == 404


async def test_nothing_in_an_entry_is_markup(website: Website) -> None:
    link = Link(f'"><b>{EVIL}', 'https://a.example/?x="><script>')
    await put(website, question=EVIL, answer=EVIL, department=EVIL, links=(link,))
    text = (await website.browser().get(f"/a/web/{LOST.id}")).text
    assert "<script" not in text and "<b>" not in text
    assert text.count("&lt;script&gt;alert(1)&lt;/script&gt;{{greeting}}") >= 4
