"""wenban wechat menu and what wenban check says of the account."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.cli import Run
from tests.wechatapi import AES_KEY, APP_ID, SECRET, TOKEN, WechatServer


@contextmanager
def running() -> Iterator[WechatServer]:
    """A server on a loop of its own: the command line has the main thread."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    server = WechatServer(APP_ID)
    asyncio.run_coroutine_threadsafe(server.__aenter__(), loop).result()
    try:
        yield server
    finally:
        asyncio.run_coroutine_threadsafe(server.__aexit__(None, None, None), loop).result()
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[WechatServer]:
    with running() as opened:
        for name, value in {
            "APP_ID": APP_ID,
            "APP_SECRET": SECRET,
            "TOKEN": TOKEN,
            "AES_KEY": AES_KEY,
            "API_URL": opened.url,
        }.items():
            monkeypatch.setenv(f"WENBAN_WECHAT__{name}", value)
        yield opened


def test_the_menu_is_made_of_what_is_asked_most(wenban: Run, server: WechatServer) -> None:
    code, out, _ = wenban("wechat", "menu", "--dry-run")
    assert (code, server.menu) == (0, {})
    code, out, _ = wenban("wechat", "menu")
    assert code == 0 and "已设置" in out
    first, mine, more = server.menu["button"]
    assert (first["name"], mine["name"], more["name"]) == ("常办的事", "我的诉求", "更多")
    assert len(first["sub_button"]) == 5
    assert all(one["key"].startswith("topic:") for one in first["sub_button"])
    assert mine["key"] == "command:mine"


def test_a_refused_menu_is_an_error(wenban: Run, server: WechatServer) -> None:
    server.fail("/cgi-bin/menu/create", 48001)
    code, _, complaint = wenban("wechat", "menu")
    assert code == 1
    assert "菜单没有设好：公众号没有这项接口权限" in complaint


def test_without_an_account_there_is_no_menu(wenban: Run) -> None:
    code, _, complaint = wenban("wechat", "menu")
    assert code == 1 and "没有启用公众号" in complaint


def test_check_asks_the_platform(wenban: Run, server: WechatServer) -> None:
    assert "接口凭证可用" in wenban("check")[1]
    server.fail("/cgi-bin/stable_token", 40164)
    code, out, _ = wenban("check")
    assert code == 1 and "IP 白名单" in out
