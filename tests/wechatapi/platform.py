"""The platform's calls to the account's server; wrapped and read by wechatpy, not by us."""

from __future__ import annotations

import itertools
import time
from dataclasses import dataclass, field
from xml.sax.saxutils import escape

import httpx
from wechatpy import parse_message
from wechatpy.crypto import WeChatCrypto
from wechatpy.utils import WeChatSigner

from tests.wechatapi.server import WechatServer

APP_ID = "wx0123456789abcdef"
TOKEN = "Q7dkWm2xTz9LpR4v"
AES_KEY = "abcdefghijklmnopqrstuvwxyz0123456789ABCDEFG"
ACCOUNT = "gh_0123456789ab"


@dataclass(frozen=True)
class Answer:
    """What the account's server answered: ``text`` is what the citizen sees, "" for nothing."""

    status: int
    body: str
    text: str


@dataclass
class Platform:
    """Calls ``url``; with ``safe`` in the safe mode. ``server`` learns who wrote."""

    url: str
    server: WechatServer
    safe: bool = False
    patience: float = 5.0
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(23_000_000_000))

    async def says(self, openid: str, text: str, at: int = 0) -> Answer:
        """A citizen writes."""
        return await self.deliver(self.text(openid, text, at), openid)

    async def happens(self, openid: str, event: str, key: str = "") -> Answer:
        """An event: subscribe, unsubscribe, CLICK, VIEW …"""
        more = f"<Event><![CDATA[{event}]]></Event><EventKey>{escape(key)}</EventKey>"
        return await self.deliver(self.xml(openid, "event", more, number=False), openid)

    def text(self, openid: str, text: str, at: int = 0) -> str:
        return self.xml(openid, "text", f"<Content><![CDATA[{text}]]></Content>", at)

    def xml(self, openid: str, kind: str, more: str, at: int = 0, *, number: bool = True) -> str:
        """A message as the platform writes it."""
        own = f"<MsgId>{next(self.numbers)}</MsgId>" if number else ""
        return (
            f"<xml><ToUserName><![CDATA[{ACCOUNT}]]></ToUserName>"
            f"<FromUserName><![CDATA[{openid}]]></FromUserName>"
            f"<CreateTime>{at or int(time.time())}</CreateTime>"
            f"<MsgType><![CDATA[{kind}]]></MsgType>{more}{own}</xml>"
        )

    async def deliver(self, message: str, openid: str, **overrides: str) -> Answer:
        """Hand over a message; ``overrides`` replace parts of the query."""
        self.server.heard(openid)
        query, body = self.wrapped(message)
        async with httpx.AsyncClient(trust_env=False, timeout=self.patience) as client:
            response = await client.post(
                f"{self.url}/wechat/callback", params={**query, **overrides}, content=body
            )
        return self.read(response)

    def wrapped(self, message: str, moment: int = 0) -> tuple[dict[str, str], bytes]:
        """The query and the body of a request."""
        at, nonce = str(moment or int(time.time())), str(next(self.numbers))
        query = {"timestamp": at, "nonce": nonce, "signature": sign(TOKEN, at, nonce)}
        if not self.safe:
            return query, message.encode()
        sealed = self.crypto().encrypt_message(message, nonce, at)
        encrypted = sealed.partition("<Encrypt><![CDATA[")[2].partition("]]>")[0]
        proof = sign(TOKEN, at, nonce, encrypted)
        body = (
            f"<xml><ToUserName><![CDATA[{ACCOUNT}]]></ToUserName>"
            f"<Encrypt><![CDATA[{encrypted}]]></Encrypt></xml>"
        )
        return {**query, "encrypt_type": "aes", "msg_signature": proof}, body.encode()

    def read(self, response: httpx.Response) -> Answer:
        """What wechatpy makes of an answer."""
        body = response.text
        if response.status_code != 200 or body in ("", "success"):
            return Answer(response.status_code, body, "")
        if self.safe:
            parts = {
                name: body.partition(f"<{name}>")[2].partition(f"</{name}>")[0]
                for name in ("TimeStamp", "Nonce", "MsgSignature")
            }
            at, nonce, proof = (
                part.removeprefix("<![CDATA[").removesuffix("]]>") for part in parts.values()
            )
            body = self.crypto().decrypt_message(body, proof, at, nonce)
            body = body.decode() if isinstance(body, bytes) else body
        return Answer(response.status_code, response.text, str(parse_message(body).content))

    @staticmethod
    def crypto() -> WeChatCrypto:
        return WeChatCrypto(TOKEN, AES_KEY, APP_ID)


def sign(*parts: str) -> str:
    signer = WeChatSigner()
    signer.add_data(*parts)
    return str(signer.signature)
