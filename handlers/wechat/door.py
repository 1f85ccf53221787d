"""The account's way to the desk: what is the platform's, what was said before, what to answer."""

from __future__ import annotations

import re
import time
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass

from fastapi import Request, Response
from starlette.types import Receive, Scope, Send

from bot.channels.wechat import Slot, WechatChannel, fitting
from bot.desk import Desk, DeskError
from handlers.errors import Refusal
from handlers.wechat.citizen import answer_to_event, answer_to_words
from handlers.wechat.envelope import EnvelopeError, Safe, signature, signed
from handlers.wechat.parsing import Fields, MalformedError, identity, inbound, read_xml

FRESH_SECONDS = 600
WAIT_SECONDS = 4.0
_REMEMBERED = 5000
_NOT_XML = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_NOT_THE_PLATFORM = "签名不对，不是微信发来的，或与后台的 Token、密钥不一致。"
_MALFORMED = "内容不是微信的消息。"


@dataclass(frozen=True, slots=True)
class WechatSite:
    """How the account is called back; ``safe`` in the safe mode.

    ``wait`` is how many seconds of the platform's five an answer is waited for, 0 where this
    process delivers nothing.
    """

    channel: WechatChannel
    token: str
    safe: Safe | None
    greeting: str
    wait: float = WAIT_SECONDS


class WechatDoor:
    """Takes the platform's requests; a repeated one is answered alike and does nothing."""

    def __init__(self, desk: Desk, site: WechatSite) -> None:
        self.desk = desk
        self.site = site
        self._answered: OrderedDict[str, str] = OrderedDict()
        self._nonces: OrderedDict[str, str] = OrderedDict()
        self._busy: set[str] = set()

    def echo(self, query: Mapping[str, str]) -> str:
        """What proves to the platform that this is the account's server. Raises Refusal."""
        self._check(query, query.get("signature", ""))
        return query.get("echostr", "")

    def open(self, query: Mapping[str, str], body: bytes) -> dict[str, str]:
        """The message in a request. Raises Refusal for what is not the platform's."""
        try:
            self._check(query, query.get("signature", ""))
            fields = read_xml(body)
            if self.site.safe is not None:
                sealed = fields.get("Encrypt", "")
                self._check(query, query.get("msg_signature", ""), sealed)
                fields = read_xml(self.site.safe.open(sealed))
            self._use_nonce(query, identity(fields))
        except EnvelopeError:
            raise Refusal(403, _NOT_THE_PLATFORM) from None
        except MalformedError:
            raise Refusal(400, _MALFORMED) from None
        return fields

    async def answer(self, request: Request, fields: Fields) -> Response:
        """Take a message once, and answer in time."""
        key = identity(fields)
        if key in self._busy:
            return self._response(fields, "")
        if (said := self._answered.get(key)) is not None:
            return self._response(fields, said)
        self._busy.add(key)
        try:
            slot, text = await self._take(fields)
        finally:
            self._busy.discard(key)
        if slot is not None and text and await request.is_disconnected():
            slot.written(False)
            slot, text = None, ""
        _remember(self._answered, key, text)
        return self._response(fields, text, slot)

    async def _take(self, fields: Fields) -> tuple[Slot | None, str]:
        """What to answer; with a slot, it is a delivery of the outbox."""
        try:
            if fields["MsgType"] == "event":
                told = await answer_to_event(self.desk, fields, self.site.greeting)
                return None, fitting(told)
            direct = await answer_to_words(self.desk, fields)
        except DeskError as error:
            direct = str(error)
        if direct:
            return None, fitting(direct)
        with self.site.channel.slots.waiting(fields["FromUserName"]) as slot:
            receipt = await self.desk.intake.receive(inbound(fields))
            wait = 0.0 if receipt.duplicate else self.site.wait
            return slot, (await slot.text(wait)) or ""

    def _response(self, fields: Fields, text: str, slot: Slot | None = None) -> Response:
        if not text:
            return Response("success", media_type="text/plain")
        message = _reply(fields, text)
        if self.site.safe is not None:
            message = self._sealed(message)
        return PassiveResponse(message, slot)

    def _sealed(self, message: str) -> str:
        assert self.site.safe is not None  # noqa: S101
        sealed, moment = self.site.safe.seal(message.encode()), str(int(time.time()))
        nonce = signature(sealed)[:10]
        proof = signature(self.site.token, moment, nonce, sealed)
        return (
            f"<xml><Encrypt><![CDATA[{sealed}]]></Encrypt>"
            f"<MsgSignature><![CDATA[{proof}]]></MsgSignature>"
            f"<TimeStamp>{moment}</TimeStamp><Nonce><![CDATA[{nonce}]]></Nonce></xml>"
        )

    def _check(self, query: Mapping[str, str], given: str, *more: str) -> None:
        moment, nonce = query.get("timestamp", ""), query.get("nonce", "")
        if not signed(given, self.site.token, moment, nonce, *more):
            raise Refusal(403, _NOT_THE_PLATFORM)
        if not moment.isdecimal() or abs(time.time() - int(moment)) > FRESH_SECONDS:
            raise Refusal(403, "时间戳过期，请核对服务器的时钟。")

    def _use_nonce(self, query: Mapping[str, str], key: str) -> None:
        """The plain mode signs no content: a signature seen once is good for that message only."""
        mark = f"{query.get('timestamp')}:{query.get('nonce')}"
        if self._nonces.get(mark, key) != key:
            raise Refusal(403, "这个签名已经用过。")
        _remember(self._nonces, mark, key)


class PassiveResponse(Response):
    """A message that goes back with the request; its slot learns whether it was written."""

    media_type = "text/xml"

    def __init__(self, message: str, slot: Slot | None) -> None:
        super().__init__(message)
        self._slot = slot

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        done = False
        try:
            await super().__call__(scope, receive, send)
            done = True
        finally:
            if self._slot is not None:
                self._slot.written(done)


def _reply(fields: Fields, text: str) -> str:
    return (
        f"<xml><ToUserName>{_cdata(fields['FromUserName'])}</ToUserName>"
        f"<FromUserName>{_cdata(fields.get('ToUserName', ''))}</FromUserName>"
        f"<CreateTime>{int(time.time())}</CreateTime><MsgType><![CDATA[text]]></MsgType>"
        f"<Content>{_cdata(text)}</Content></xml>"
    )


def _cdata(text: str) -> str:
    text = _NOT_XML.sub("", text)
    return f"<![CDATA[{text.replace(']]>', ']]]]><![CDATA[>')}]]>"


def _remember(kept: OrderedDict[str, str], key: str, value: str) -> None:
    kept[key] = value
    kept.move_to_end(key)
    if len(kept) > _REMEMBERED:
        kept.popitem(last=False)
