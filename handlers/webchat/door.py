"""What the web routes share: who the visitor is, how often they may write, their lines."""

from __future__ import annotations

import hashlib
import math
import re
import secrets
from dataclasses import dataclass

from fastapi import Request, Response

from bot.desk import Desk
from bot.desk.files import MAX_BYTES
from handlers.errors import Refusal
from handlers.origin import address, foreign
from handlers.webchat import theme
from handlers.webchat.page import Page
from handlers.webchat.stream import Streams

COOKIE = "wenban_visitor"
FILES = {"/chat/files": MAX_BYTES + 64 * 1024}
"""Where visitors send files, and how large a request may be there, in bytes."""
COOKIE_SECONDS = 365 * 24 * 3600
_TOKEN = re.compile(r"[0-9a-f]{32}")
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Site:
    """How the citizens' page presents itself and what it allows."""

    name: str
    greeting: str
    messages_per_minute: int = 20
    max_text: int = 2000
    public_url: str = ""
    account: str = "web"
    color: str = theme.DEFAULT
    embed_origins: tuple[str, ...] = ()

    @property
    def secure(self) -> bool:
        return self.public_url.startswith("https://")


@dataclass(frozen=True, slots=True)
class Visitor:
    """A browser that wrote to us. ``token`` is its secret; ``id`` is what we store."""

    token: str

    @property
    def id(self) -> str:
        # Whoever reads the database or an export must not be able to pose as the citizen.
        return hashlib.sha256(self.token.encode()).hexdigest()[:32]


class WebDoor:
    """The web page's way to the desk."""

    def __init__(self, desk: Desk, site: Site) -> None:
        self.desk = desk
        self.site = site
        self.page = Page(site.name, site.greeting, site.max_text, site.color, site.embed_origins)
        self.streams = Streams(desk.office.coordination)

    def visitor(self, request: Request) -> Visitor | None:
        """Who asks; None for a stranger or a cookie we never gave out."""
        token = request.cookies.get(COOKIE, "")
        return Visitor(token) if _TOKEN.fullmatch(token) else None

    async def admit(self, request: Request) -> Visitor:
        """Who writes, a new visitor if need be; Refusal when it is too often."""
        known = self.visitor(request)
        if known is not None:
            await self._reserve(f"web:visitor:{known.id}", self.site.messages_per_minute)
            return known
        origin = address(request)
        if origin:
            # One address may be a whole village behind one operator's gateway.
            line = hashlib.sha256(origin.encode()).hexdigest()[:16]
            await self._reserve(f"web:new:{line}", 6 * self.site.messages_per_minute)
        return Visitor(secrets.token_hex(16))

    async def limit_files(self, request: Request, visitor: Visitor) -> None:
        """Ten files an hour for a visitor, sixty for an address; Refusal beyond that."""
        slots = {f"web:files:{visitor.id}": (360.0, 3420.0)}
        if origin := address(request):
            line = hashlib.sha256(origin.encode()).hexdigest()[:16]
            slots[f"web:files:{line}"] = (60.0, 3570.0)
        wait = math.ceil(await self.desk.office.coordination.reserve(slots))
        if wait > 0:
            minutes = math.ceil(wait / 60)
            raise Refusal(
                429, f"文件发得太多，请 {minutes} 分钟后再发。", {"retry-after": str(wait)}
            )

    async def limit_actions(self, visitor: Visitor) -> None:
        await self._reserve(f"web:action:{visitor.id}", 60)

    async def _reserve(self, line: str, per_minute: int) -> None:
        interval = 60 / per_minute
        slots = {line: (interval, 60 - interval / 2)}
        wait = math.ceil(await self.desk.office.coordination.reserve(slots))
        if wait > 0:
            words = f"您发得有点快，请等 {wait} 秒再发，内容不会丢。"
            raise Refusal(429, words, {"retry-after": str(wait)})

    def keep(self, response: Response, visitor: Visitor) -> None:
        """Give the visitor their cookie, or a longer life to it."""
        if self._embedded:
            response.headers.append("set-cookie", _framed(visitor.token, COOKIE_SECONDS))
            return
        response.set_cookie(
            COOKIE,
            visitor.token,
            max_age=COOKIE_SECONDS,
            httponly=True,
            samesite="lax",
            secure=self.site.secure,
        )

    def forget(self, response: Response) -> None:
        response.delete_cookie(COOKIE, httponly=True, samesite="lax")
        if self._embedded:
            response.headers.append("set-cookie", _framed("", 0))

    @property
    def _embedded(self) -> bool:
        """Whether the cookie must hold in a frame of another website; browsers want https."""
        return bool(self.site.embed_origins) and self.site.secure

    def check_text(self, text: str) -> str:
        """The text as it is stored; Refusal when there is none or too much."""
        text = _UNPRINTABLE.sub("", text.replace("\r\n", "\n").replace("\r", "\n")).strip()
        if not text:
            raise Refusal(400, "请先写下您要咨询的内容。")
        if len(text) > self.site.max_text:
            raise Refusal(
                413, f"一次最多发 {self.site.max_text} 字，您写了 {len(text)} 字，请分几条发。"
            )
        return text


def _framed(value: str, seconds: int) -> str:
    """A cookie for frames: kept apart for each website, so that nobody is followed across them."""
    return (
        f"{COOKIE}={value}; Max-Age={seconds}; Path=/; HttpOnly; Secure; SameSite=None; Partitioned"
    )


def check_origin(request: Request, public_url: str, form: str = "application/json") -> None:
    """Refusal unless a writing request comes from our own page, in this form."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != form:
        raise Refusal(415, "请从咨询页面发送。")
    if foreign(request, public_url):
        raise Refusal(403, "请从咨询页面发送。")
