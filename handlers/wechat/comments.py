"""The comments under the account's articles, fetched now and then: each is a case too."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import structlog

from bot.channels.base import SendError
from bot.channels.wechat import ACCOUNT, article_place
from bot.channels.wechatapi import WechatApi
from bot.clock import SHANGHAI
from bot.desk import Desk, Inbound
from handlers.wechat.parsing import citizen_name

log = structlog.get_logger(__name__)
_PAGE = 49
_PAGES = 200


class Comments:
    """What is under the articles of the last ``days``, and under ``articles`` named besides.

    The platform tells the articles of a day on the next. A comment that has a reply, ours or
    one written elsewhere, is passed over.
    """

    def __init__(self, desk: Desk, api: WechatApi, days: int, articles: Sequence[str]) -> None:
        self._desk = desk
        self._api = api
        self._days = days
        self._named = articles
        self._published: dict[date, list[str]] = {}
        self._seen: set[str] = set()

    async def fetch(self) -> int:
        """Take the comments that are new; how many. One article's failure leaves the others."""
        taken = 0
        for article in dict.fromkeys([*self._named, *await self._recent()]):
            try:
                async for comment in self._under(article):
                    taken += await self._take(article, comment)
            except SendError as error:
                log.warning("文章留言没有取到", article=article, reason=str(error))
        return taken

    async def _recent(self) -> list[str]:
        today = datetime.now(SHANGHAI).date()
        days = [today - timedelta(days=ago) for ago in range(1, self._days + 1)]
        found: dict[date, list[str]] = {}
        for day in days:
            found[day] = self._published.get(day) or await self._of_day(day)
        # Yesterday's list may not be whole yet.
        self._published = {day: found[day] for day in days[1:]}
        return [article for day in days for article in found[day]]

    async def _of_day(self, day: date) -> list[str]:
        span = {"begin_date": day.isoformat(), "end_date": day.isoformat()}
        try:
            answer = await self._api.call("/datacube/getarticletotal", span)
        except SendError as error:
            log.warning("文章列表没有取到", day=day.isoformat(), reason=str(error))
            return []
        listed = [str(one.get("msgid", "")) for one in _list(answer, "list")]
        if listed:
            moment = datetime.combine(day, time(), SHANGHAI)
            await self._desk.duties.publication(ACCOUNT, moment)
        return [article for article in listed if _is_article(article)]

    async def _under(self, article: str) -> AsyncIterator[Mapping[str, Any]]:
        message, _, index = article.partition("_")
        where = {"msg_data_id": int(message), "index": int(index), "count": _PAGE, "type": 0}
        begin = 0
        for _page in range(_PAGES):
            answer = await self._api.call("/cgi-bin/comment/list", {**where, "begin": begin})
            page = _list(answer, "comment")
            for comment in page:
                yield comment
            begin += len(page)
            if not page or begin >= int(answer.get("total", 0)):
                return

    async def _take(self, article: str, comment: Mapping[str, Any]) -> bool:
        identity = f"comment:{article}:{comment.get('user_comment_id')}"
        if identity in self._seen or comment.get("reply"):
            return False
        try:
            inbound = _inbound(article, identity, comment)
        except (KeyError, TypeError, ValueError, OverflowError, OSError):
            log.warning("有一条留言读不懂，已跳过", comment=identity)
            return False
        receipt = await self._desk.intake.receive(inbound)
        self._seen.add(identity)
        return not receipt.duplicate


def _inbound(article: str, identity: str, comment: Mapping[str, Any]) -> Inbound:
    openid, place = str(comment["openid"]), article_place(article)
    return Inbound(
        account=ACCOUNT,
        citizen=openid,
        name=citizen_name(openid),
        kind="comment",
        place=place,
        thread=place,
        external_id=identity,
        text=str(comment["content"]).strip(),
        sent_at=datetime.fromtimestamp(int(comment["create_time"]), UTC),
        reply_to=str(int(comment["user_comment_id"])),
        post=article,
    )


def _list(answer: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    found = answer.get(name)
    return [one for one in found if isinstance(one, Mapping)] if isinstance(found, list) else []


def _is_article(article: str) -> bool:
    message, mark, index = article.partition("_")
    return bool(mark) and message.isdecimal() and index.isdecimal()
