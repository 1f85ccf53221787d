"""Photos and voices from WeChat: kept before the platform drops them, handed to staff only."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from handlers.wechat.media import Media
from storage.db import Database
from storage.models import Message, Staff
from tests.e2e.test_browser_console import token_of
from tests.handlers.sitting import sitting
from tests.handlers.test_files import PNG, kept
from tests.handlers.test_wechat import OPENID, Scene, scene

AMR = b"#!AMR\n" + bytes(range(32))


@pytest.fixture
async def plain(database: Database, attic: Path) -> AsyncIterator[Scene]:
    async with scene(database, attic=attic) as opened:
        yield opened


def fetching(plain: Scene) -> Media:
    return Media(plain.website.desk, plain.website.app.state.wechat.site.channel.api)


async def sends(plain: Scene, kind: str, number: str) -> Message:
    """A citizen sends something that the platform keeps under this number."""
    more = f"<MediaId><![CDATA[{number}]]></MediaId><PicUrl>http://mmbiz.qpic.cn/1</PicUrl>"
    await plain.platform.deliver(plain.platform.xml(OPENID, kind, more), OPENID)
    return (await plain.rows(Message))[-1]


async def held(plain: Scene) -> dict[str, Any]:
    (one,) = (await plain.rows(Message))[-1].attachments
    return one


@pytest.mark.parametrize(
    ("kind", "content", "title"),
    [("image", PNG, "照片.png"), ("image", b"GIF89a-", "照片.gif"), ("voice", AMR, "语音.amr")],
)
async def test_what_the_platform_keeps_is_handed_to_staff(
    plain: Scene, attic: Path, kind: str, content: bytes, title: str
) -> None:
    plain.server.media["m-1"] = content
    message = await sends(plain, kind, "m-1")
    assert await fetching(plain).fetch() == 1
    one = await held(plain)
    assert (one["title"], one["details"]["file_size"]) == (title, len(content))
    assert "media_id" not in one["details"]
    assert len(kept(attic)) == 1
    staff = Staff(login="li", display_name="李四", role="主管")
    async with plain.database.write() as session:
        session.add(staff)
    sent = await plain.website.desk.files.read(staff, message.case_id, str(one["reference"]))
    assert (sent.name, sent.content) == (title, content)


async def test_each_is_fetched_once_even_by_a_process_that_was_killed(plain: Scene) -> None:
    plain.server.media |= {"m-1": PNG, "m-2": PNG}
    await sends(plain, "image", "m-1")
    first = fetching(plain)
    assert await first.fetch() == 1
    await sends(plain, "image", "m-2")
    assert (await first.fetch(), await first.fetch()) == (1, 0)
    assert await fetching(plain).fetch() == 0
    assert plain.server.calls.count("/cgi-bin/media/get") == 2


async def test_what_fails_is_asked_for_again_and_holds_up_nothing(plain: Scene) -> None:
    plain.server.media |= {"m-1": PNG, "m-2": PNG}
    for number in ("m-1", "m-2"):
        await sends(plain, "image", number)
    plain.server.fail("/cgi-bin/media/get", -1)
    media = fetching(plain)
    assert (await media.fetch(), await media.fetch(), await media.fetch()) == (1, 1, 0)


async def test_a_stale_token_is_renewed_for_files_too(plain: Scene) -> None:
    plain.server.media["m-1"] = PNG
    await sends(plain, "image", "m-1")
    plain.server.expire_token()
    assert await fetching(plain).fetch() == 1


@pytest.mark.parametrize("content", [b"", b"<html>", b"x" * (10 * 1024 * 1024 + 1), b'{"a": 1}'])
async def test_what_is_gone_too_large_or_no_picture_stays_described(
    plain: Scene, attic: Path, content: bytes
) -> None:
    if content:
        plain.server.media["m-1"] = content
    await sends(plain, "image", "m-1")
    media = fetching(plain)
    assert (await media.fetch(), await media.fetch()) == (0, 0)
    one = await held(plain)
    assert (one["kind"], one["reference"], one["details"]) == (
        "photo",
        "m-1",
        {"url": "http://mmbiz.qpic.cn/1"},
    )
    assert plain.server.calls.count("/cgi-bin/media/get") == 1
    assert kept(attic) == []


async def test_nothing_is_fetched_of_what_is_older_than_the_platform_keeps(plain: Scene) -> None:
    plain.server.media["m-1"] = PNG
    message = await sends(plain, "image", "m-1")
    async with plain.database.write() as session:
        row = await session.get_one(Message, message.id)
        row.received_at -= timedelta(days=3, minutes=1)
    assert await fetching(plain).fetch() == 0
    assert "/cgi-bin/media/get" not in plain.server.calls


async def test_an_erased_citizens_photo_is_not_kept(plain: Scene, attic: Path) -> None:
    plain.server.media["m-1"] = PNG
    await sends(plain, "image", "m-1")
    files, erase = plain.website.desk.files, plain.website.desk.citizens.erase
    (one,), _ = await files.abroad("wechat", (await plain.rows(Message))[0].sent_at, 0)
    await erase("wechat", OPENID)
    assert not await files.bring(one, PNG)
    assert kept(attic) == []


async def test_staff_are_told_where_to_look_at_what_is_not_kept_here(database: Database) -> None:
    async with scene(database, console=True) as plain:
        message = await sends(plain, "video", "m-9")
        async with sitting(plain.website, await token_of(plain.website)) as one:
            await one.open(f"/case/{message.case_id}")
            await one.sees("视频", "公众平台后台的消息管理")
            await one.sees_no("下载")
