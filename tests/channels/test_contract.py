"""What every channel does alike, whatever is behind it: each test runs on each of them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from bot.channels.base import (
    Button,
    Outgoing,
    RateLimitedError,
    RejectedError,
    SendError,
    UnreachableError,
    WindowClosedError,
)
from storage.db import Database
from tests.channels.stages import STAGES, TROUBLES, Stage

PLAIN = "身份证补领：*星* _线_ [括号](x) {{花}} & 5 < 6 “引号” 😀"
LINK = Button("预约补领", url="https://zwfw.yunchuan.example/sfz?a=1&b=2")
VERDICT = (Button("有帮助", action="c:helpful:1"), Button("没解决", action="c:unhelpful:1"))
PAIRS = [(name, kind) for name, kinds in TROUBLES.items() for kind in kinds]
FINAL = (UnreachableError, RejectedError, WindowClosedError)


@pytest.fixture(params=STAGES)
async def stage(request: pytest.FixtureRequest, database: Database) -> AsyncIterator[Stage]:
    async with STAGES[request.param](database) as opened:
        yield opened


def said(stage: Stage, text: str, *rows: tuple[Button, ...], edits: str = "") -> Outgoing:
    return Outgoing(text, rows, reply_to=stage.reply_to, edits=edits)


async def test_text_arrives_once_and_as_it_is(stage: Stage) -> None:
    assert await stage.send(said(stage, PLAIN))
    assert await stage.shown() == [PLAIN]


async def test_links_and_choices_can_be_used_or_read(stage: Stage) -> None:
    await stage.send(said(stage, "好", (LINK,), VERDICT))
    shown = (await stage.shown())[-1]
    for words in (LINK.title, LINK.url, "有帮助", "没解决"):
        assert words in shown


async def test_messages_keep_their_order(stage: Stage) -> None:
    for number in range(3):
        await stage.send(said(stage, f"第 {number} 条"))
    shown = await stage.shown()
    alone = stage.channel.capabilities.one_per_comment and stage.reply_to
    assert shown == ["第 2 条"] if alone else shown == ["第 0 条", "第 1 条", "第 2 条"]


async def test_an_edit_shows_the_new_text(stage: Stage) -> None:
    first = await stage.send(said(stage, "旧的"))
    second = await stage.send(said(stage, "新的", edits=first))
    shown = await stage.shown()
    assert shown[-1] == "新的"
    if stage.channel.capabilities.edits:
        assert second == first
        assert len(shown) == 1


async def test_what_the_capabilities_allow_fits_in_one_message(stage: Stage) -> None:
    text = "办" * stage.channel.capabilities.max_length
    await stage.send(said(stage, text))
    assert await stage.shown() == [text]


async def test_what_is_longer_arrives_whole_or_is_rejected(stage: Stage) -> None:
    text = "办" * (3 * stage.channel.capabilities.max_length)
    try:
        await stage.send(said(stage, text))
    except RejectedError:
        assert await stage.shown() == []
    else:
        assert "".join(await stage.shown()) == text


@pytest.mark.parametrize("text", ["\u202e倒过来", "𠮷" * 50, "\u200b零宽", "制表\t符"])
async def test_strange_characters_are_sent_or_rejected(stage: Stage, text: str) -> None:
    try:
        await stage.send(said(stage, text))
    except RejectedError:
        assert await stage.shown() == []


async def test_capabilities_make_sense(stage: Stage) -> None:
    can = stage.channel.capabilities
    assert can.max_length >= 100
    assert min(can.per_second, can.per_place_seconds, can.per_group_minute) >= 0
    assert can.reply_window is None or can.reply_window.total_seconds() > 0


async def test_a_probe_says_something(stage: Stage) -> None:
    said_of_itself = await stage.channel.probe()
    assert said_of_itself
    assert not stage.secret or stage.secret not in said_of_itself


async def test_closing_twice_takes_nothing_back(stage: Stage) -> None:
    await stage.send(said(stage, PLAIN))
    await stage.channel.close()
    await stage.channel.close()
    assert await stage.shown() == [PLAIN]


# ---- trouble ----


@pytest.mark.parametrize(
    ("name", "kind"), PAIRS, ids=[f"{name}-{kind.__name__}" for name, kind in PAIRS]
)
async def test_every_refusal_has_its_error(
    database: Database, name: str, kind: type[SendError]
) -> None:
    async with STAGES[name](database) as stage:
        await stage.troubles[kind]()
        with pytest.raises(SendError) as failed:
            await stage.send(said(stage, PLAIN))
        error = failed.value
        assert isinstance(error, kind)
        assert kind is not SendError or not isinstance(error, (*FINAL, RateLimitedError))
        assert PLAIN[:5] not in str(error)
        assert stage.secret not in str(error)
        if isinstance(error, RateLimitedError):
            assert error.after > 0
        assert await stage.shown() == []


@pytest.mark.parametrize("name", [name for name, kinds in TROUBLES.items() if SendError in kinds])
async def test_after_trouble_the_next_try_succeeds(database: Database, name: str) -> None:
    async with STAGES[name](database) as stage:
        for kind in (SendError, RateLimitedError):
            await stage.troubles[kind]()
            with pytest.raises(SendError):
                await stage.send(said(stage, PLAIN))
        await stage.send(said(stage, PLAIN))
        assert await stage.shown() == [PLAIN]


@pytest.mark.parametrize("name", [name for name, kinds in TROUBLES.items() if SendError in kinds])
async def test_a_probe_tells_of_trouble(database: Database, name: str) -> None:
    async with STAGES[name](database) as stage:
        await stage.troubles[SendError]()
        with pytest.raises(SendError) as failed:
            await stage.channel.probe()
        assert stage.secret not in str(failed.value)


@pytest.mark.parametrize("name", TROUBLES)
async def test_a_reply_window_is_declared_where_it_can_close(database: Database, name: str) -> None:
    async with STAGES[name](database) as stage:
        window = stage.channel.capabilities.reply_window
        assert set(stage.troubles) == set(TROUBLES[name])
        assert WindowClosedError not in stage.troubles or window is not None
