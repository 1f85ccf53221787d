"""Platforms without a connector of their own whose answers are pushed to an address."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from bot.channels.base import (
    Capabilities,
    Outgoing,
    RateLimitedError,
    RejectedError,
    SendError,
    UnreachableError,
)
from bot.channels.signing import headers
from bot.channels.wire import wire

_GONE = {404, 410}
_NEVER = {400, 413, 415, 422}
PATIENCE = 15.0
_MAX_ANSWER = 64 * 1024
_LONGEST_WAIT = 3600.0
_WAIT = 30.0
_ID = 200


class WebhookChannel:
    """Pushes every answer to one address, signed; a 2xx is the platform's acceptance."""

    def __init__(
        self,
        source: str,
        url: str,
        key_id: str,
        secret: str,
        capabilities: Capabilities,
        timeout: float = PATIENCE,
    ) -> None:
        self.capabilities = capabilities
        self._timeout = aiohttp.ClientTimeout(total=timeout)
        self._source, self._url = source, url
        self._key_id, self._secret = key_id, secret
        parts = urlsplit(url)
        self._target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        self._client: aiohttp.ClientSession | None = None

    async def send(self, place: str, outgoing: Outgoing) -> str:
        told = wire(outgoing.key, place, outgoing, self.capabilities.max_length)
        answer = await self._post({"type": "reply", "source": self._source, **told})
        return _id_in(answer) or outgoing.key

    async def probe(self) -> str:
        await self._post({"type": "ping", "source": self._source})
        return f"{urlsplit(self._url).hostname} 收到了试推送"

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()

    async def _post(self, told: dict[str, Any]) -> bytes:
        body = json.dumps(told, ensure_ascii=False).encode("utf-8", "replace")
        signed = headers(self._key_id, self._secret, "POST", self._target, body)
        self._client = self._client or aiohttp.ClientSession(timeout=self._timeout)
        try:
            async with self._client.post(
                self._url,
                data=body,
                headers={**signed, "content-type": "application/json"},
                allow_redirects=False,
            ) as answer:
                _refused(answer)
                return await answer.content.read(_MAX_ANSWER)
        except (aiohttp.ClientError, TimeoutError, OSError) as error:
            raise SendError(f"推送不通（{type(error).__name__}）") from error


def _refused(answer: aiohttp.ClientResponse) -> None:
    """The other side's refusal in the desk's terms."""
    status = answer.status
    if 200 <= status < 300:
        return
    if status == 429:
        raise RateLimitedError(_seconds(answer.headers.get("retry-after", "")))
    if status in _GONE:
        raise UnreachableError(f"对方说已不在（{status}）")
    if status in _NEVER:
        raise RejectedError(f"对方不收（{status}）")
    raise SendError(f"对方应答 {status}")


def _seconds(given: str) -> float:
    return min(max(float(given), 1.0), _LONGEST_WAIT) if given.isdecimal() else _WAIT


def _id_in(answer: bytes) -> str:
    """The platform's id of what was posted, where the other side tells one."""
    try:
        told = json.loads(answer)
    except ValueError:
        return ""
    found = told.get("external_id") if isinstance(told, dict) else None
    return found[:_ID] if isinstance(found, str) else ""
