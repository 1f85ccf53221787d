"""Photos and voices that citizens send, fetched before the platform drops them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import structlog

from bot.channels.base import RejectedError, SendError
from bot.channels.wechat import ACCOUNT
from bot.channels.wechatapi import WechatApi
from bot.desk import Desk
from bot.desk.files import Abroad
from storage.files import FullError

log = structlog.get_logger(__name__)
_KEPT = timedelta(days=3)


class Media:
    """Fetches what is not there yet; what fails is asked for again until the platform drops it."""

    def __init__(self, desk: Desk, api: WechatApi) -> None:
        self._desk = desk
        self._api = api
        self._after = 0

    async def fetch(self) -> int:
        """Fetch what came since the last time; how many files."""
        since = datetime.now(UTC) - _KEPT
        left, further = await self._desk.files.abroad(ACCOUNT, since, self._after)
        brought = 0
        for one in left:
            try:
                brought += await self._desk.files.bring(one, await self._content(one))
            except (SendError, FullError) as error:
                further = min(further, one.message_id - 1)
                log.warning("附件没有取到，稍后再取", message=one.message_id, reason=str(error))
        self._after = min(further, left[-1].message_id) if left else further
        return brought

    async def _content(self, one: Abroad) -> bytes:
        """The file; nothing when the platform will never give it out."""
        try:
            return await self._api.media(one.reference)
        except RejectedError as error:
            log.warning("附件取不到了", message=one.message_id, reason=str(error))
            return b""
