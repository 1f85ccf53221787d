"""Opening service links on a real server: which are dead, and what is said of them."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from bot.links import open_links


async def _answer(request: web.Request) -> web.Response:
    status = int(request.match_info["status"])
    moved = {"Location": "/200"} if status == 302 else {}
    return web.Response(status=status, headers=moved)


async def _round(request: web.Request) -> web.Response:
    raise web.HTTPFound("/round")


@pytest.fixture
async def server() -> AsyncIterator[TestServer]:
    app = web.Application()
    app.router.add_get("/round", _round)
    app.router.add_get("/{status}", _answer)
    server = TestServer(app)
    await server.start_server()
    yield server
    await server.close()


async def test_what_opens_and_what_does_not(server: TestServer) -> None:
    known = {
        "200": "",
        "302": "",
        "403": "",
        "405": "",
        "404": "页面不存在（404）",
        "410": "页面已撤下（410）",
        "500": "打不开（500）",
        "round": "跳转太多次",
    }
    urls = {str(server.make_url(f"/{path}")): problem for path, problem in known.items()}
    counted: list[int] = []
    found = await open_links(list(urls), counted.append)
    assert {one.url: one.problem for one in found} == urls
    assert sum(counted) == len(urls)


async def test_addresses_where_nobody_answers() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    urls = [f"http://127.0.0.1:{port}/", "http://nowhere.invalid/", "http://[::1/"]
    found = {one.url: one.problem for one in await open_links(urls)}
    assert found[urls[0]] == "连不上"
    assert found[urls[1]] in ("域名不存在", "连不上")
    assert found[urls[2]] == "网址写得不对"


async def test_nothing_to_open() -> None:
    assert await open_links([]) == []
