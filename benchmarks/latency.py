"""From message to delivered answer: `python -m benchmarks.latency [--rates 20 100] [--cache DIR]`.

The whole program runs as a process of its own on the sample base, with a new SQLite file and the
bundled sentence model. First one citizen after the other asks (idle), then citizens who each ask
once come at random moments at so many a second. Every message must be answered or put before a
person, once; who writes three messages must be read in that order. The clock starts when the
request is begun and stops when the first line from the office is delivered; of some citizens of
the web page the event stream is read too. Telegram is the local Bot API server of the tests, in
the process of the generator, which so takes part of the same processors.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import signal
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector
from sqlalchemy import func
from sqlmodel import col, select

from benchmarks.sets import query_sets
from handlers.webchat.door import Visitor
from storage import outbox
from storage.db import Database
from storage.models import Case, Citizen, Delivery, Message
from storage.terms import Purpose
from tests.botapi import BotApi

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

IDLE, WATCHED, THRICE = 100, 20, 10
"""Citizens who ask when nobody else does; every how many is watched, or writes three times."""
PATIENCE, LATE, AGAIN = 120.0, 20.0, 2.0
"""Seconds until a benchmark gives up; until the page gives up a request, and sends it anew."""
Ask = Callable[["Rush", int, Sequence[str]], Coroutine[None, None, None]]
HEAD = f"{'':10}{'a second':>9}{'asked':>8}{'answered':>9}{'p50 s':>8}{'p99 s':>8}{'most s':>8}"
WAYS = ("meaning", "words", "crowded", "slow", "failing", "again")


@dataclass
class Rush:
    """What one run did: when each citizen's first message began to be sent, and what they wrote."""

    began: dict[str, float] = field(default_factory=dict)
    wrote: dict[str, list[str]] = field(default_factory=dict)
    seen: dict[str, float] = field(default_factory=dict)
    again: int = 0


class Program:
    """The program as its users start it."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self._folder, self._settings = folder, settings
        self.url = ""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[Program]:
        named = {f"WENBAN_{name.upper()}": value for name, value in self._settings.items()}
        root = str(Path(__file__).parents[1])
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", "from bot.cli import main; main()", "run"),
            cwd=self._folder,
            env={**os.environ, "PYTHONPATH": root, "PYTHONUNBUFFERED": "1", **named},
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )
        assert process.stdout is not None
        try:
            async for line in process.stdout:
                told = line.decode()
                if "网页咨询" in told and "http" in told:
                    self.url = "http" + told.split("http", 1)[1].strip().rstrip("/")
                if "下一步" in told:
                    break
            drain = asyncio.create_task(process.stdout.read())
            yield self
        finally:
            process.send_signal(signal.SIGTERM)
            await process.wait()
            await drain

    async def ready(self, client: ClientSession) -> None:
        """Wait until every vector is there."""
        while True:
            async with client.get(f"{self.url}/healthz") as response:
                told = (await response.json()).get("semantic")
            if told is None or (told["state"] == "ready" and not told["missing_vectors"]):
                return
            await asyncio.sleep(1)

    async def ways(self, client: ClientSession) -> dict[str, int]:
        """How often questions were matched in each way so far."""
        async with client.get(f"{self.url}/metrics") as response:
            lines = (await response.text()).splitlines()
        found = dict.fromkeys(WAYS, 0)
        for way in WAYS:
            mark = f'wenban_matches_total{{way="{way}"}} '
            found[way] = sum(int(float(one[len(mark) :])) for one in lines if one.startswith(mark))
        return found


class WebCitizens:
    """People at the web page, each with a cookie of their own."""

    name = "web"

    def __init__(self, program: Program, client: ClientSession) -> None:
        self._url, self._client = program.url, client

    async def ask(self, rush: Rush, number: int, texts: Sequence[str]) -> None:
        token = f"{random.getrandbits(128):032x}"
        headers = {"cookie": f"wenban_visitor={token}", "origin": self._url}
        watching = None
        if number % WATCHED == 0:
            watching = asyncio.create_task(self._watch(rush, Visitor(token).id, headers))
        visitor = Visitor(token).id
        rush.began[visitor], rush.wrote[visitor] = time.time(), list(texts)
        for text in texts:
            body = {"id": f"{random.getrandbits(128):032x}", "text": text}
            while not await self._send(body, headers):
                rush.again += 1
                await asyncio.sleep(AGAIN)
        if watching is not None:
            await watching

    async def _send(self, body: dict[str, str], headers: dict[str, str]) -> bool:
        """Whether it was taken; what was not is sent again under the same number, as the page
        does."""
        url, within = f"{self._url}/chat/messages", ClientTimeout(total=LATE)
        try:
            async with self._client.post(
                url, json=body, headers=headers, timeout=within
            ) as response:
                return response.status == HTTPStatus.OK
        except (ClientError, TimeoutError):
            return False

    async def _watch(self, rush: Rush, visitor: str, headers: dict[str, str]) -> None:
        """Read the event stream until the office says something."""
        async with self._client.get(f"{self._url}/chat/events", headers=headers) as stream:
            async for line in stream.content:
                if line.startswith(b"data: {") and not json.loads(line[6:]).get("mine", True):
                    rush.seen[visitor] = time.time()
                    return


async def rush(
    ask: Ask,
    texts: Sequence[str],
    rate: float,
    seconds: float,
) -> Rush:
    """Citizens at so many a second, at random moments; who writes three times writes at once."""
    dice, told = random.Random(int(rate)), Rush()
    tasks: list[asyncio.Task[None]] = []
    begin, at, number = time.monotonic(), 0.0, 0
    while at < seconds:
        await asyncio.sleep(max(0.0, begin + at - time.monotonic()))
        said = [dice.choice(texts)]
        if number % THRICE == THRICE - 1:
            said = ["您好", *said, "谢谢"]
        tasks.append(asyncio.create_task(ask(told, number, said)))
        number, at = number + 1, at + dice.expovariate(rate)
    await asyncio.gather(*tasks)
    return told


async def one_by_one(ask: Ask, texts: Sequence[str]) -> Rush:
    """Each citizen asks after the one before was answered."""
    told = Rush()
    for number in range(IDLE):
        await ask(told, number * WATCHED, [texts[number % len(texts)]])
    return told


class TelegramCitizens:
    """People in private chats with the bot."""

    name = "telegram"

    def __init__(self, api: BotApi) -> None:
        self._api, self._others = api, 0

    async def ask(self, rush: Rush, number: int, texts: Sequence[str]) -> None:
        self._others += 1
        citizen = self._api.user(f"市民{self._others}")
        rush.began[str(citizen.id)], rush.wrote[str(citizen.id)] = time.time(), list(texts)
        for text in texts:
            await self._api.says(citizen, text)
        if number % WATCHED == 0:
            await self._api.next_message(citizen, PATIENCE)
            rush.seen[str(citizen.id)] = time.time()


async def settled(database: Database) -> None:
    """Wait until everything is decided and sent."""
    deadline = time.monotonic() + 10 * PATIENCE
    while time.monotonic() < deadline:
        async with database.read() as session:
            undecided = select(func.count()).where(col(Case.consider_at).is_not(None))
            left = (await session.exec(undecided)).one() + await outbox.unsent(session)
        if not left:
            return
        await asyncio.sleep(1)
    raise TimeoutError(f"{left} are still waiting")


async def judge(database: Database, name: str, rate: str, rush: Rush) -> None:
    """Print how long it took until something, and until an answer, was delivered; what is wrong
    is named. Citizens whose first line is no answer are put before a person or asked back."""
    first: dict[str, float] = {}
    answered: dict[str, float] = {}
    said: dict[str, list[str]] = defaultdict(list)
    async with database.read() as session:
        query = select(col(Delivery.place), col(Delivery.purpose), col(Delivery.sent_at))
        for place, purpose, at in await session.exec(query.order_by(col(Delivery.id))):
            if place in rush.began and at is not None:
                first.setdefault(place, at.timestamp())
                if purpose == Purpose.REPLY:
                    answered.setdefault(place, at.timestamp())
        told = select(col(Citizen.external_id), col(Message.text)).join(Citizen)
        for citizen, text in await session.exec(told.order_by(col(Message.id))):
            said[citizen].append(text)
    waits = sorted(at - rush.began[place] for place, at in first.items())
    answers = sorted(at - rush.began[place] for place, at in answered.items())
    lag = [rush.seen[one] - first[one] for one in rush.seen if one in first]
    silent = len(rush.began) - len(first)
    told_so = {citizen: [text.strip() for text in texts] for citizen, texts in rush.wrote.items()}
    wrong = sum(said[citizen] != texts for citizen, texts in told_so.items())
    print(
        f"{name:10}{rate:>9}{len(rush.began):8}{len(answers):9}"
        f"{at_share(answers, 0.5):8.2f}{at_share(answers, 0.99):8.2f}{max(waits, default=0):8.2f}"
        f"   sent again {rush.again}, no line {silent}, lost or out of order {wrong}, "
        f"seen {max(lag, default=0):.2f} s later",
        flush=True,
    )


def at_share(values: Sequence[float], share: float) -> float:
    return values[min(len(values) - 1, int(share * len(values)))] if values else float("nan")


async def run(
    rates: Sequence[int], seconds: float, cache: Path | None, doors: Sequence[str]
) -> None:
    texts = [one.text for one in query_sets(Path())[0].queries]
    with tempfile.TemporaryDirectory() as folder:
        if cache is not None:
            (Path(folder) / "var").mkdir()
            (Path(folder) / "var" / "vectors").symlink_to(cache)
        async with BotApi() as api:
            program = Program(
                Path(folder),
                telegram__token=api.token,
                telegram__api_url=api.url,
                http__port="0",
                web__messages_per_minute="100000",
            )
            timeout = ClientTimeout(total=None, sock_connect=60)
            connector = TCPConnector(limit=0)
            async with (
                program.running(),
                ClientSession(
                    timeout=timeout, connector=connector, cookie_jar=DummyCookieJar()
                ) as client,
            ):
                await program.ready(client)
                database = Database(f"sqlite:///{folder}/var/wenban.db")
                print(HEAD)
                for citizens in (WebCitizens(program, client), TelegramCitizens(api)):
                    if citizens.name not in doors:
                        continue
                    await measure(database, program, client, citizens, texts, rates, seconds)
                await database.close()


async def measure(
    database: Database,
    program: Program,
    client: ClientSession,
    citizens: WebCitizens | TelegramCitizens,
    texts: Sequence[str],
    rates: Sequence[int],
    seconds: float,
) -> None:
    alone = await one_by_one(citizens.ask, texts)
    await settled(database)
    await judge(database, citizens.name, "idle", alone)
    for rate in rates:
        before = await program.ways(client)
        done = await rush(citizens.ask, texts, rate, seconds)
        await settled(database)
        await judge(database, citizens.name, str(rate), done)
        after = await program.ways(client)
        used = ", ".join(f"{way} {after[way] - before[way]}" for way in WAYS)
        print(f"{'':10}matched: {used}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rates", type=int, nargs="*", default=[20, 100, 300])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--cache", type=Path, help="where vectors are kept between runs")
    parser.add_argument("--doors", nargs="*", default=["web", "telegram"])
    options = parser.parse_args()
    cache = options.cache and options.cache.resolve()
    asyncio.run(run(options.rates, options.seconds, cache, options.doors))


if __name__ == "__main__":
    main()
