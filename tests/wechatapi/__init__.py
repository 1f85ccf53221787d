"""A local server that speaks the protocol of the WeChat platform, from both its sides."""

from __future__ import annotations

from tests.wechatapi.platform import AES_KEY, APP_ID, TOKEN, Answer, Platform
from tests.wechatapi.server import SECRET, Comment, WechatServer

__all__ = [
    "AES_KEY",
    "APP_ID",
    "SECRET",
    "TOKEN",
    "Answer",
    "Comment",
    "Platform",
    "WechatServer",
]
