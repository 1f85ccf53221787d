"""WeChat Official Account (公众号): answers to a waiting request, customer-service messages,
replies to the comments under articles."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from uuid import uuid4

import structlog

from bot.channels.base import (
    PRESS_OR_TYPE,
    TYPE,
    Button,
    Capabilities,
    Outgoing,
    RejectedError,
    SendError,
)
from bot.channels.wechatapi import ALREADY_REPLIED, CodeError, WechatApi

log = structlog.get_logger(__name__)
ACCOUNT = "wechat"
TEXT_BYTES = 2048
WINDOW = timedelta(hours=48)
WRITTEN_SECONDS = 5.0
_ARTICLE = "article/"
_PERSON = "转人工"
_TAG = re.compile(r"<(?=[A-Za-z/!?])")
_NUMBERED = re.compile(r"^\d+\. (.+)$", re.MULTILINE)


class Slot:
    """One request of the platform that waits, and may carry one message back to the citizen."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self._text: asyncio.Future[str] = loop.create_future()
        self._written: asyncio.Future[bool] = loop.create_future()
        self.closed = False

    async def text(self, within: float) -> str | None:
        """What to answer with; None when nothing came, and then nothing will."""
        await asyncio.wait({self._text}, timeout=within)
        self.closed = True
        return self._text.result() if self._text.done() else None

    def written(self, done: bool) -> None:
        """Say whether the answer went out whole."""
        if not self._written.done():
            self._written.set_result(done)

    async def carry(self, text: str) -> bool:
        """Give the request its answer; whether that was written to the platform."""
        self.closed = True
        self._text.set_result(text)
        await asyncio.wait({self._written}, timeout=WRITTEN_SECONDS)
        return self._written.done() and self._written.result()


class Slots:
    """The requests that wait in this process, by citizen."""

    def __init__(self) -> None:
        self._open: dict[str, list[Slot]] = {}

    @contextmanager
    def waiting(self, openid: str) -> Iterator[Slot]:
        slot = Slot()
        self._open.setdefault(openid, []).append(slot)
        try:
            yield slot
        finally:
            slot.closed = True
            self._open[openid].remove(slot)
            if not self._open[openid]:
                del self._open[openid]

    def newest(self, openid: str) -> Slot | None:
        """The request that has the longest to wait still, if one is free."""
        free = [slot for slot in self._open.get(openid, ()) if not slot.closed]
        return free[-1] if free else None


class WechatChannel:
    """An account's way out; ``place`` is an openid, or :func:`article_place` of a comment."""

    capabilities = Capabilities(
        max_length=600,
        edits=False,
        per_second=20.0,
        per_place_seconds=0,
        per_group_minute=0,
        reply_window=WINDOW,
        one_per_comment=True,
        elsewhere="照片和语音一两分钟内取来，别的请到公众平台后台的消息管理里看",
    )

    def __init__(self, api: WechatApi, *, elect_replied: bool = False) -> None:
        self.api = api
        self.slots = Slots()
        self._elect = elect_replied

    async def send(self, place: str, outgoing: Outgoing) -> str:
        """Send; what cannot be changed any more is sent anew.

        The first message goes as the answer to a request of the citizen that waits in this
        process: it counts as delivered when that answer was written. All else goes by the
        customer-service API.
        """
        if outgoing.edits and not outgoing.text.strip():
            return outgoing.edits
        text = rendered(outgoing)
        if place.startswith(_ARTICLE):
            return await self._reply(place, outgoing.reply_to, text)
        if not text:
            raise RejectedError("没有内容可发")
        pieces = list(cut(text))
        identity = uuid4().hex
        slot = self.slots.newest(place)
        if slot is not None and await slot.carry(pieces[0]):
            identity = f"passive:{identity}"
            pieces = pieces[1:]
        for piece in pieces:
            content = {"touser": place, "msgtype": "text", "text": {"content": piece}}
            await self.api.call("/cgi-bin/message/custom/send", content)
        return identity

    async def probe(self) -> str:
        await self.api.call("/cgi-bin/get_api_domain_ip", None)
        return "公众号的接口凭证可用"

    async def close(self) -> None:
        await self.api.close()

    async def _reply(self, place: str, comment: str, text: str) -> str:
        """Reply to a comment; a reply that stands there already is replaced."""
        if not comment.isdecimal():
            raise RejectedError("不知道要回复哪条留言")
        message, _, index = place.removeprefix(_ARTICLE).partition("_")
        where = {
            "msg_data_id": int(message),
            "index": int(index),
            "user_comment_id": int(comment),
        }
        answer = {**where, "content": text}
        try:
            await self.api.call("/cgi-bin/comment/reply/add", answer)
        except CodeError as error:
            if error.code != ALREADY_REPLIED:
                raise
            await self.api.call("/cgi-bin/comment/reply/delete", where)
            await self.api.call("/cgi-bin/comment/reply/add", answer)
        if self._elect:
            await self._show_to_all(where)
        return f"{place}:{comment}"

    async def _show_to_all(self, where: dict[str, int]) -> None:
        """The reply stands: that its comment is not 精选 is no failure of it."""
        try:
            await self.api.call("/cgi-bin/comment/markelect", where)
        except SendError as error:
            log.warning("留言没有设为精选", reason=str(error))


def article_place(article: str) -> str:
    """The place of the comments under ``msg_data_id_index``."""
    return f"{_ARTICLE}{article}"


def rendered(outgoing: Outgoing) -> str:
    """A message as plain text: links with their address, choices as words to type."""
    text = outgoing.text.strip().replace(PRESS_OR_TYPE, TYPE)
    parts = [text, outgoing.copy_text.strip()]
    buttons = [one for row in outgoing.buttons for one in row]
    parts.append("\n".join(f"{one.title}：{one.url}" for one in buttons if one.url))
    parts.append(_choices(text, buttons))
    whole = "\n\n".join(part for part in parts if part)
    return _TAG.sub("＜", whole).encode("utf-8", "replace").decode()


def _choices(text: str, buttons: list[Button]) -> str:
    """What may be typed in place of pressing; what stands numbered in the text is there already."""
    shown = _NUMBERED.findall(text)
    titles = [one.title for one in buttons if one.action]
    left = [title for title in titles if not any(one.startswith(title) for one in shown)]
    words = "".join(f"“{_word(title)}”" for title in left)
    return f"您可以回复：{words}" if words else ""


def _word(title: str) -> str:
    """The part of a button's title that is worth typing."""
    return _PERSON if title.endswith(_PERSON) else title.partition("，")[0]


def fitting(text: str) -> str:
    """As much of a plain text as one message carries."""
    return next(cut(_TAG.sub("＜", text)), "")


def cut(text: str) -> Iterator[str]:
    """The text in messages of at most 2,048 bytes, at lines or sentences where there are any."""
    while len(text.encode()) > TEXT_BYTES:
        window = text.encode()[:TEXT_BYTES].decode("utf-8", "ignore")
        end = max(window.rfind(mark) for mark in ("\n", "。", "；"))
        end = end + 1 if end >= len(window) // 2 else len(window)
        yield text[:end].rstrip()
        text = text[end:].lstrip()
    if text:
        yield text
