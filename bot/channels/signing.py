"""Signatures of the ingest API, the same in both directions."""

from __future__ import annotations

import hmac
import time
from collections.abc import Mapping
from hashlib import sha256

KEY, TIMESTAMP, SIGNATURE = "x-wenban-key", "x-wenban-timestamp", "x-wenban-signature"


def signature(secret: str, timestamp: str, method: str, target: str, body: bytes) -> str:
    """64 hex digits over the time (Unix seconds), the method, the path with query, the body."""
    head = f"{timestamp}\n{method.upper()}\n{target}\n".encode()
    return hmac.new(secret.encode(), head + body, sha256).hexdigest()


def headers(key_id: str, secret: str, method: str, target: str, body: bytes) -> Mapping[str, str]:
    """What a request signed now carries."""
    now = str(int(time.time()))
    return {KEY: key_id, TIMESTAMP: now, SIGNATURE: signature(secret, now, method, target, body)}
