"""Addresses that lead through this program to a service link (办事入口), so that it is counted.

A token names the account, the entry and the link by a digest; it never holds an address, so that
nobody can be sent anywhere an entry does not lead, and nothing of the person who presses it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
from dataclasses import dataclass
from urllib.parse import quote

_SIGNED = 12  # bytes of the signature
_LONGEST = 2000


@dataclass(frozen=True, slots=True)
class Way:
    """What a token names; ``mark`` is :func:`mark` of the link."""

    account: str
    entry_id: str
    mark: str


class Passage:
    """Makes and reads the addresses; every process with the same secret knows the others'.

    ``public_url`` is "" where citizens of other platforms cannot reach this program, ``pages``
    says whether it shows them answers whole.
    """

    def __init__(self, secret: str, public_url: str = "", *, pages: bool = False) -> None:
        # A key of its own: what signs sessions must not sign anything a stranger gets to see.
        self._key = hmac.digest(secret.encode(), b"wenban passage", "sha256")
        self._public_url = public_url
        self._pages = pages

    def address(self, account: str, entry_id: str, url: str, *, on_own_pages: bool) -> str:
        """Where a button goes: through here when the citizen can reach us, else straight on."""
        if not on_own_pages and not self._public_url:
            return url
        base = "" if on_own_pages else self._public_url
        return f"{base}/go/{self._token(Way(account, entry_id, mark(url)))}"

    def page(self, account: str, entry_id: str) -> str:
        """Where an approved answer stands whole; "" where citizens cannot see it."""
        if not self._pages or not self._public_url:
            return ""
        return f"{self._public_url}/a/{account}/{quote(entry_id, safe='')}"

    def read(self, token: str) -> Way | None:
        """What a token names; None when we never made it."""
        body, _, signed = token[:_LONGEST].partition(".")
        if not hmac.compare_digest(signed.encode(), self._sign(body).encode()):
            return None
        try:
            account, entry_id, link = json.loads(base64.urlsafe_b64decode(_padded(body)))
        except (binascii.Error, ValueError):
            return None
        return Way(account, entry_id, link)

    def seen(self, token: str, who: str) -> str:
        """A name for "this person pressed this", from which neither can be found again."""
        return hmac.new(self._key, f"{token} {who}".encode(), hashlib.sha256).hexdigest()[:24]

    def _token(self, way: Way) -> str:
        packed = json.dumps([way.account, way.entry_id, way.mark], separators=(",", ":"))
        body = _text(packed.encode())
        return f"{body}.{self._sign(body)}"

    def _sign(self, body: str) -> str:
        return _text(hmac.digest(self._key, body.encode(), "sha256")[:_SIGNED])


def mark(url: str) -> str:
    """Names a link inside its entry."""
    return hashlib.blake2b(url.encode(), digest_size=6).hexdigest()


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def _padded(text: str) -> str:
    return text + "=" * (-len(text) % 4)
