"""Opening service links (办事入口) to see which are dead."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection
from datetime import UTC, datetime
from urllib.parse import urlsplit

import aiohttp

from storage import accounts, entries
from storage.accounts import Opened
from storage.db import Database

AT_ONCE = 8
PATIENCE = aiohttp.ClientTimeout(total=20, connect=10)
_HEADERS = {"User-Agent": "Mozilla/5.0 (wenban link check)", "Accept": "text/html,*/*"}
_GUARDED = {401, 403, 405, 406, 412, 429}
"""Answers of a page that is there, but not for programs."""


async def check_links(
    database: Database, advance: Callable[[int, int], None] = lambda _n, _all: None
) -> list[Opened]:
    """Open every link of the entries in use, and keep what came of it.

    ``advance`` hears how many more were opened, and how many there are.
    """
    async with database.read() as session:
        known = await entries.load(session)
    urls = sorted({link.url for entry in known for link in entry.links})
    advance(0, len(urls))
    found = await open_links(urls, lambda n: advance(n, len(urls)))
    async with database.write() as session:
        await accounts.note_links(session, found, datetime.now(UTC))
        await accounts.forget_links(session, urls)
    return found


async def open_links(
    urls: Collection[str], advance: Callable[[int], None] = lambda _n: None
) -> list[Opened]:
    """Open every address once, a few at a time and only one at a time of a host."""
    gate = asyncio.Semaphore(AT_ONCE)
    hosts = {_host(url): asyncio.Lock() for url in urls}

    async def one(url: str) -> Opened:
        async with hosts[_host(url)], gate:
            problem = await _problem(client, url)
        advance(1)
        return Opened(url, problem)

    async with aiohttp.ClientSession(timeout=PATIENCE, headers=_HEADERS) as client:
        return list(await asyncio.gather(*(one(url) for url in urls)))


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc
    except ValueError:
        return ""


async def _problem(client: aiohttp.ClientSession, url: str) -> str:
    """Why the page cannot be opened, "" when it can. Only its head is read."""
    try:
        async with client.get(url, max_redirects=5) as response:
            status = response.status
    except TimeoutError:
        return "20 秒没有回应"
    except aiohttp.TooManyRedirects:
        return "跳转太多次"
    except aiohttp.ClientConnectorCertificateError:
        return "证书有问题"
    except aiohttp.ClientConnectorDNSError:
        return "域名不存在"
    except aiohttp.InvalidURL:
        return "网址写得不对"
    except (aiohttp.ClientError, OSError, ValueError):
        return "连不上"
    return (
        "" if status < 400 or status in _GUARDED else _REFUSALS.get(status, f"打不开（{status}）")
    )


_REFUSALS = {404: "页面不存在（404）", 410: "页面已撤下（410）"}
