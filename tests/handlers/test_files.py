"""Files from the web page: what is taken, where it is kept, who gets it, and when it goes."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import select

from bot.desk import DeskError
from bot.desk.files import MAX_BYTES, _title, sweep
from bot.desk.retention import expire
from handlers.webchat.door import COOKIE
from storage.db import Database
from storage.files import FileStore, FullError
from storage.models import AuditRecord, Case, Citizen, Message, Staff
from tests.website import Website, answers, lines, open_website, write

PNG = b"\x89PNG\r\n\x1a\n" + b"0" * 100
PDF = b"%PDF-1.7\n" + b"0" * 100
JPG, WEBP = b"\xff\xd8\xff\xe0" + b"0" * 50, b"RIFF\x00\x00\x00\x00WEBPVP8 "


@pytest.fixture
async def website(database: Database, attic: Path) -> AsyncIterator[Website]:
    async with open_website(database, attic=attic) as website:
        yield website


async def send(
    browser: httpx.AsyncClient, content: bytes, name: str = "现场.png", identity: str = ""
) -> httpx.Response:
    params = {"id": identity or str(uuid4()), "name": name}
    headers = {"content-type": "application/octet-stream"}
    return await browser.post("/chat/files", params=params, content=content, headers=headers)


def kept(attic: Path) -> list[str]:
    return sorted(path.name for path in attic.iterdir()) if attic.exists() else []


async def people(website: Website) -> tuple[Staff, Staff]:
    """One who may see everything, and one of another department."""
    here = Staff(login="li", display_name="李四", role="审核")
    there = Staff(login="wu", display_name="吴六", role="审核", departments=["市教育局"])
    async with website.desk.office.db.write() as session:
        session.add_all([here, there])
    return here, there


@pytest.mark.parametrize(
    ("content", "name", "title"),
    [
        (PNG, "现场.png", "现场.png"),
        (JPG, "IMG_0001.JPEG", "IMG_0001.jpg"),
        (WEBP, "a.webp", "a.webp"),
        (PDF, "合同.pdf.exe", "合同.pdf.pdf"),
        (PNG, "../../etc/passwd", "etcpasswd.png"),
        (PNG, "\u202egnp.exe", "gnp.png"),
        (PNG, "", "附件.png"),
    ],
)
async def test_a_file_reaches_staff_under_a_safe_name(
    website: Website, attic: Path, content: bytes, name: str, title: str
) -> None:
    browser = website.browser()
    answer = await send(browser, content, name)
    assert answer.status_code == 200
    await answers(browser)  # a person has it
    (line,) = [one for one in await lines(browser) if one["mine"]]
    assert (line["text"], line["files"]) == ("", [title])
    (stored,) = kept(attic)
    assert len(stored) == 32 and "png" not in stored
    assert (attic / stored).stat().st_mode & 0o077 == 0
    here, _ = await people(website)
    item = await website.desk.inbox.look_again(here, answer.json()["case"])
    (held,) = [held for one in item.talk for held in one.attachments]
    sent = await website.desk.files.read(here, item.case.id or 0, held.reference)
    assert (sent.name, sent.content) == (title, content)


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"<html><script>alert(1)</script>", "只能发"),
        (b"<svg xmlns='http://www.w3.org/2000/svg' onload='x'/>", "只能发"),
        (b"MZ\x90\x00", "只能发"),
        (b"GIF89a", "只能发"),
        (b"", "空的"),
        (PNG + b"0" * MAX_BYTES, "超过 5 MB"),
    ],
)
async def test_other_kinds_and_too_much_are_refused_and_nothing_is_kept(
    website: Website, attic: Path, content: bytes, told: str
) -> None:
    answer = await send(website.browser(), content, "照片.png")
    assert answer.status_code == 409
    assert told in answer.json()["error"]
    assert kept(attic) == []


async def test_a_request_far_too_large_is_not_even_read(website: Website, attic: Path) -> None:
    with suppress(httpx.TransportError):  # the server hangs up while it is still being sent
        assert (await send(website.browser(), PNG + b"0" * 2 * MAX_BYTES)).status_code == 413
    assert kept(attic) == []


async def test_the_same_file_sent_again_is_one_message_and_one_file(
    website: Website, attic: Path
) -> None:
    browser, identity = website.browser(), str(uuid4())
    await write(browser, "路灯坏了")
    for _ in range(2):
        assert (await send(browser, PNG, identity=identity)).status_code == 200
    assert len(kept(attic)) == 1


async def test_only_our_own_page_sends_files(website: Website, attic: Path) -> None:
    for headers in (
        {"content-type": "multipart/form-data"},
        {"content-type": "text/plain"},
        {"content-type": "application/octet-stream", "sec-fetch-site": "cross-site"},
    ):
        path = f"/chat/files?id={uuid4()}&name=a.png"
        answer = await website.browser().post(path, content=PNG, headers=headers)
        assert answer.status_code in (403, 415)
    assert kept(attic) == []


async def test_a_visitor_sends_ten_files_an_hour(website: Website) -> None:
    browser = website.browser()
    found = [(await send(browser, PNG)).status_code for _ in range(11)]
    assert found == [200] * 10 + [429]


async def test_nothing_is_served_by_its_address(website: Website, attic: Path) -> None:
    browser = website.browser()
    await send(browser, PNG)
    (stored,) = kept(attic)
    for path in (f"/chat/files/{stored}", f"/attachments/{stored}", f"/chat/static/{stored}"):
        assert (await browser.get(path)).status_code in (404, 405)


async def test_staff_of_others_cases_get_nothing_and_each_look_is_audited(
    website: Website, database: Database, attic: Path
) -> None:
    browser = website.browser()
    case_id = (await send(browser, PNG)).json()["case"]
    await answers(browser)
    here, there = await people(website)
    async with database.write() as session:
        (await session.get_one(Case, case_id)).department = "市公安局"
    reference = f"file:{kept(attic)[0]}"
    with pytest.raises(DeskError):
        await website.desk.files.read(there, case_id, reference)
    for made_up in ("file:" + "0" * 32, "file:../../etc/passwd", "-100:7", ""):
        with pytest.raises(DeskError, match="已经删除"):
            await website.desk.files.read(here, case_id, made_up)
    await website.desk.files.read(here, case_id, reference)
    async with database.read() as session:
        found = await session.exec(select(AuditRecord).where(AuditRecord.action == "case.files"))
        assert {one.actor for one in found} == {f"staff:{here.id}"}


async def test_erasure_takes_the_files_along(website: Website, attic: Path) -> None:
    browser, other = website.browser(), website.browser()
    await send(browser, PNG)
    await send(other, PDF)
    assert len(kept(attic)) == 2
    assert COOKIE in browser.cookies
    await browser.post("/chat/erase", json={"confirm": True})
    (left,) = kept(attic)
    assert (attic / left).read_bytes() == PDF


async def test_retention_and_the_nightly_sweep_leave_only_what_is_named(
    website: Website, database: Database, attic: Path
) -> None:
    browser = website.browser()
    case_id = (await send(browser, PNG)).json()["case"]
    await answers(browser)
    office = website.desk.office
    assert office.files is not None
    stray, fresh = await office.files.keep(PDF), await office.files.keep(PDF)
    long_ago = time.time() - 2 * 24 * 3600
    for name in kept(attic):
        if name != fresh:
            os.utime(attic / name, (long_ago, long_ago))
    assert await sweep(office) == 1
    assert stray not in kept(attic) and len(kept(attic)) == 2
    past = office.now() - timedelta(days=60)
    async with database.write() as session:
        case = await session.get_one(Case, case_id)
        case.state, case.updated_at = "closed", past
        (await session.exec(select(Citizen))).one().created_at = past
    strict = replace(office, rules=replace(office.rules, keep_citizen_days=30))
    assert await expire(strict) == 1
    assert kept(attic) == [fresh]
    async with database.read() as session:
        assert [one.attachments for one in await session.exec(select(Message))] == [[]]


async def test_a_full_disk_takes_no_file(attic: Path) -> None:
    with pytest.raises(FullError):
        await FileStore(attic, spare=2**62).keep(PNG)
    assert kept(attic) == []


@given(st.text(max_size=300))
def test_every_name_becomes_one_that_can_be_saved(name: str) -> None:
    found = _title(name, ".png")
    assert found.endswith(".png") and 4 < len(found) <= 64
    assert not set(found) & set('/\\:*?"<>|\n\r\x00\u202e')
    assert not found.startswith(".")
