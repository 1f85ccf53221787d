"""The citizens' page and the widget on a phone: `python -m benchmarks.widget [--cache DIR]`.

The whole program runs as a process of its own on the sample base with the bundled sentence model.
Chromium at phone width, its processor slowed down four times, opens the page itself and a plain
page of another website that carries the widget, each time as a new visitor with an empty cache.
The networks are those of Lighthouse: "slow 4G" (150 ms round trip, 1.6 Mbit/s down, 0.75 up) and
the "slow 3G" of before (400 ms, 400 kbit/s both ways). Seconds are medians: `seen` until something
is painted (of the widget: its button), `usable` until the question typed can be sent (of the
widget: since its button was pressed), `answered` from pressing Enter to the answer on the screen.
"""

from __future__ import annotations

import argparse
import asyncio
import ssl
import statistics
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, web
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from playwright.async_api import (
    Browser,
    BrowserContext,
    FrameLocator,
    Page,
    async_playwright,
    expect,
)

from benchmarks.latency import Program
from tests.e2e.browsing import ARGS, CHROMIUM, PHONE

NETWORKS = {
    "full speed": None,
    "slow 4G": (150, 1_600, 750),
    "slow 3G": (400, 400, 400),
}
"""Round trip in ms, down and up in kbit/s."""
SLOWDOWN, TIMES = 4, 5
QUESTION = "身份证丢了怎么补办"
PORTAL = """<!doctype html><html lang="zh-CN"><head><meta charset="utf-8"><title>门户</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="data:,"></head>
<body><h1>门户</h1><script src="{url}/widget.js"></script></body></html>"""
HEAD = f"{'':10}{'':12}{'requests':>9}{'KB':>7}{'seen s':>8}{'usable s':>10}{'answered s':>12}"
PAINTED = "() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime"


@dataclass(frozen=True, slots=True)
class Opened:
    """One visit: seconds of each stage, and what went over the network until it was usable."""

    seen: float
    usable: float
    answered: float
    requests: int
    size: float


class Wire:
    """What a page fetched, as it went over the network."""

    def __init__(self) -> None:
        self.requests, self.size = 0, 0.0

    def note(self, event: dict[str, Any]) -> None:
        self.requests += 1
        self.size += event["encodedDataLength"] / 1000


@asynccontextmanager
async def phone(
    browser: Browser, network: tuple[int, int, int] | None
) -> AsyncIterator[tuple[Page, Wire]]:
    """A new visitor's phone on this network."""
    context: BrowserContext = await browser.new_context(
        viewport={"width": PHONE["width"], "height": PHONE["height"]},
        locale="zh-CN",
        is_mobile=True,
        has_touch=True,
        ignore_https_errors=True,
    )
    page, wire = await context.new_page(), Wire()
    line = await context.new_cdp_session(page)
    await line.send("Network.enable")
    line.on("Network.loadingFinished", wire.note)
    await line.send("Emulation.setCPUThrottlingRate", {"rate": SLOWDOWN})
    if network is not None:
        delay, down, up = network
        speed = {"downloadThroughput": down * 125, "uploadThroughput": up * 125}
        conditions = {"offline": False, "latency": delay, **speed}
        await line.send("Network.emulateNetworkConditions", conditions)
    yield page, wire
    await context.close()


async def ask(where: Page | FrameLocator) -> None:
    """Type the question; done when it can be sent."""
    await where.locator("#text").fill(QUESTION)
    await expect(where.locator("#send")).to_be_enabled(timeout=60_000)


async def answered(where: Page | FrameLocator) -> float:
    """Seconds from sending to the answer."""
    begun = time.perf_counter()
    await where.locator("#text").press("Enter")
    answer = where.locator(".office[data-case] .words").first
    await expect(answer).to_contain_text("身份证", timeout=60_000)
    return time.perf_counter() - begun


async def open_page(page: Page, wire: Wire, url: str) -> Opened:
    begun = time.perf_counter()
    await page.goto(url, wait_until="commit")
    await ask(page)
    usable, size = time.perf_counter() - begun, wire.size
    seen, requests = await page.evaluate(PAINTED), wire.requests
    return Opened(seen / 1000, usable, await answered(page), requests, size)


async def open_widget(page: Page, wire: Wire, url: str) -> Opened:
    begun = time.perf_counter()
    await page.goto(url, wait_until="commit")
    button = page.locator("#wenban-button")
    await expect(button).to_be_visible(timeout=60_000)
    seen = time.perf_counter() - begun
    begun = time.perf_counter()
    await button.click()
    frame = page.frame_locator("#wenban-panel iframe")
    await ask(frame)
    usable, requests, size = time.perf_counter() - begun, wire.requests, wire.size
    return Opened(seen, usable, await answered(frame), requests, size)


def show(name: str, network: str, visits: list[Opened]) -> None:
    middle = [
        statistics.median(getattr(one, field) for one in visits)
        for field in ("requests", "size", "seen", "usable", "answered")
    ]
    requests, size, seen, usable, told = middle
    print(
        f"{name:10}{network:12}{requests:9.0f}{size:7.0f}{seen:8.2f}{usable:10.2f}{told:12.2f}",
        flush=True,
    )


def certified() -> ssl.SSLContext:
    """A website that may carry the widget has https; the browser is told not to mind whose."""
    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    dated = made.not_valid_before(now).not_valid_after(now + timedelta(days=1))
    own = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with tempfile.NamedTemporaryFile() as file:
        file.write(dated.sign(key, hashes.SHA256()).public_bytes(Encoding.PEM) + own)
        file.flush()
        context.load_cert_chain(file.name)
    return context


@asynccontextmanager
async def portal(port: int, url: str) -> AsyncIterator[None]:
    """Another website, whose page carries the widget."""

    async def home(_: web.Request) -> web.Response:
        return web.Response(text=PORTAL.format(url=url), content_type="text/html")

    app = web.Application()
    app.router.add_get("/", home)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, ssl_context=certified()).start()
    try:
        yield
    finally:
        await runner.cleanup()


async def measure(program: Program, port: int) -> None:
    async with async_playwright() as playwright:
        # One process for a page and its frames, so that the network is slow for all of them.
        own = [*ARGS, "--disable-site-isolation-trials"]
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=own)
        print(HEAD)
        for network, speed in NETWORKS.items():
            pages, widgets = [], []
            for _ in range(TIMES):
                async with phone(browser, speed) as (page, wire):
                    pages.append(await open_page(page, wire, program.url))
                async with phone(browser, speed) as (page, wire):
                    widgets.append(await open_widget(page, wire, f"https://localhost:{port}"))
            show("page", network, pages)
            show("widget", network, widgets)
        await browser.close()


async def run(cache: Path | None, port: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        if cache is not None:
            (Path(folder) / "var").mkdir()
            (Path(folder) / "var" / "vectors").symlink_to(cache)
        program = Program(
            Path(folder),
            http__port="0",
            http__public_url="https://wenban.example",
            web__embed_origins=f"https://localhost:{port}",
        )
        async with program.running(), ClientSession() as client, portal(port, program.url):
            await program.ready(client)
            await measure(program, port)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, help="where vectors are kept between runs")
    parser.add_argument("--port", type=int, default=8765, help="of the website with the widget")
    options = parser.parse_args()
    asyncio.run(run(options.cache and options.cache.resolve(), options.port))


if __name__ == "__main__":
    main()
