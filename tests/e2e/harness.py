"""The real program as processes of its own, with everything around it that a test can hold.

``Scene.start`` forks the program from a process that has its modules loaded already, so that
a start costs a fraction of a second and tests can kill and start it often; ``Scene.command``
runs the command line as a user does.
"""

from __future__ import annotations

import asyncio
import itertools
import multiprocessing
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import text
from sqlmodel import col, select

from storage.db import Database
from storage.models import Case, CaseEvent, Delivery, Staff
from tests.botapi import BotApi, Chat, Sent, User
from tests.e2e.program import serve

ROOT = Path(__file__).parents[2]
PATIENCE = 40.0
UNSENT = ("pending", "sending")
PROGRAM = ("-c", "from bot.cli import main; main()")
T = TypeVar("T")
Action = Callable[[], Awaitable[object]]

_FORKED = multiprocessing.get_context("forkserver")
_FORKED.set_forkserver_preload(
    ["bot.app", "bot.channels.telegram", "bot.commands.common", "handlers.telegram", "jieba"]
)


async def until(
    check: Callable[[], Awaitable[T | None]], within: float = PATIENCE, what: str = ""
) -> T:
    """The first true value of ``check``. Raises TimeoutError with its last value."""
    deadline = time.monotonic() + within
    while not (value := await check()):
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what or check}: still {value!r} after {within} s")
        await asyncio.sleep(0.03)
    return value


class Program:
    """One running process of the program."""

    def __init__(self, pid: int, wait: Callable[[float], int | None], output: Path) -> None:
        self.pid = pid
        self._wait = wait
        self._output = output

    @property
    def output(self) -> str:
        """Everything it wrote so far."""
        return self._output.read_text(encoding="utf-8", errors="replace")

    @property
    def url(self) -> str:
        """Where its web pages are."""
        found = re.search(r"http://127\.0\.0\.1:\d+", self.output)
        assert found, self.output
        return found.group()

    @property
    def running(self) -> bool:
        return self._wait(0) is None

    async def ready(self) -> None:
        """Wait until it says that it serves. Raises AssertionError when it ended instead."""

        async def said() -> bool:
            assert self.running, self.output
            return "\n下一步" in self.output

        await until(said, what="ready")

    async def kill(self) -> None:
        """End it between two instructions, as a power cut does."""
        self.send(signal.SIGKILL)
        await self.exit_code()

    async def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to stop; its exit code."""
        self.send(number)
        return await self.exit_code()

    def send(self, number: signal.Signals) -> None:
        if self.running:
            os.kill(self.pid, number)

    async def exit_code(self, within: float = PATIENCE) -> int:
        """Wait for its end. Raises TimeoutError."""

        async def ended() -> tuple[int] | None:
            code = self._wait(0)
            return None if code is None else (code,)

        return (await until(ended, within, "exit"))[0]


@dataclass
class Scene:
    """A database, a Bot API server, a staff group, and programs that come and go."""

    api: BotApi
    database: Database
    folder: Path
    group: Chat
    settings: dict[str, str]
    programs: list[Program] = field(default_factory=list)
    _numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    async def start(self, role: str = "all", **settings: str) -> Program:
        """The program in this role, serving; ``settings`` like ``desk__burst_seconds="1"``."""
        return await self._started(self.launch(role, **settings))

    def launch(self, role: str = "all", **settings: str) -> Program:
        """The program in this role, just beginning to start."""
        output = self._output()
        job = (self.environment(**settings), self.folder, ["run", "--role", role], output)
        process = _FORKED.Process(target=serve, args=job)
        process.start()
        assert process.pid is not None

        def wait(seconds: float) -> int | None:
            process.join(seconds)
            return process.exitcode

        self.programs.append(Program(process.pid, wait, output))
        return self.programs[-1]

    async def run(self, *arguments: str, **settings: str) -> Program:
        """The program started as its users start it, ready to serve."""
        return await self._started(self._spawn(arguments, self.environment(**settings)))

    def _spawn(self, arguments: Sequence[str], environment: dict[str, str]) -> Program:
        output = self._output()
        with output.open("wb") as file:
            command = [sys.executable, *PROGRAM, *arguments]
            process = subprocess.Popen(
                command, cwd=self.folder, env=environment, stdout=file, stderr=file
            )
        self.programs.append(Program(process.pid, lambda _: process.poll(), output))
        return self.programs[-1]

    async def _started(self, program: Program) -> Program:
        await program.ready()
        return program

    def _output(self) -> Path:
        output = self.folder / f"output-{next(self._numbers)}.txt"
        output.touch()
        return output

    async def command(self, *arguments: str, **settings: str) -> tuple[int, str]:
        """Run a command to its end; exit code and everything it wrote."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, *PROGRAM, *arguments),
            cwd=self.folder,
            env=self.environment(**settings),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        written, _ = await asyncio.wait_for(process.communicate(), PATIENCE)
        assert process.returncode is not None
        return process.returncode, written.decode()

    def environment(self, **settings: str) -> dict[str, str]:
        """A clean environment with this scene's settings; an empty value removes one."""
        own = {name: value for name, value in os.environ.items() if not name.startswith("WENBAN_")}
        chosen = {**self.settings, **settings}
        named = {f"WENBAN_{name.upper()}": value for name, value in chosen.items() if value}
        return {**own, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1", **named}

    async def close(self) -> None:
        """End every program; what they wrote is shown when the test failed."""
        for number, program in enumerate(self.programs, 1):
            await program.kill()
            print(f"--- program {number} ---\n{program.output}")

    # Staff

    async def hire(self, *names: str) -> list[User]:
        """Members of staff who are in the database and in the staff group."""
        people = [self.api.user(name) for name in names]
        async with self.database.write() as session:
            for person in people:
                row = Staff(
                    login=f"u{person.id}",
                    display_name=person.name,
                    role="主管",
                    telegram_id=str(person.id),
                )
                session.add(row)
        return people

    async def card(self, case_id: int) -> Sent:
        """The next card of a case in the staff group."""
        return await self.api.next_message(self.group, PATIENCE, containing=f"诉求 #{case_id} ·")

    async def card_of(self, case_id: int) -> Sent:
        """The first card of a case, read before or not."""
        mark = f"诉求 #{case_id} ·"
        return await self.api.wait_for(
            lambda one: one.kind == "send" and mark in one.text, PATIENCE
        )

    # What the office remembers

    async def rows(self, table: type[T], **fields: Any) -> list[T]:
        """Rows of a table with these values, oldest first."""
        query = select(table).filter_by(**fields)
        async with self.database.read() as session:
            return list(await session.exec(query.order_by(text("1"))))

    async def case_of(self, citizen: User) -> Case:
        """The newest case of a citizen, once there is one."""

        async def found() -> Case | None:
            async with self.database.read() as session:
                query = select(Case).where(Case.place == str(citizen.id))
                return (await session.exec(query.order_by(col(Case.id).desc()).limit(1))).first()

        return await until(found, what=f"case of {citizen.name}")

    async def case_in(self, citizen: User, *states: str) -> Case:
        """The newest case of a citizen, once it stands in one of these states."""

        async def reached() -> Case | None:
            case = await self.case_of(citizen)
            return case if case.state in states else None

        return await until(reached, what=f"case of {citizen.name} in {states}")

    async def events(self, case_id: int) -> list[str]:
        """The kinds of a case's events in the order they were recorded."""
        return [event.kind for event in await self.rows(CaseEvent, case_id=case_id)]

    async def settled(self) -> None:
        """Wait until everything is decided, sent, and noted as sent."""

        async def quiet() -> bool:
            # In this order: a decision and its delivery are written at once.
            if any(one.consider_at for one in await self.rows(Case)):
                return False
            return not any(one.state in UNSENT for one in await self.rows(Delivery))

        await until(quiet, what="settled")

    async def fetched(self, action: Action) -> None:
        """Do something that makes an update, and wait until the program has it in its hands."""

        async def polls() -> int:
            return sum(call.status == 200 for call in await self.api.calls("getUpdates"))

        before = await polls()
        await action()

        async def more() -> bool:
            return await polls() > before

        await until(more, what="update fetched")

    async def deliveries(self, citizen: User, purpose: str = "reply") -> list[Delivery]:
        return await self.rows(Delivery, place=str(citizen.id), purpose=purpose)

    @property
    def shared(self) -> bool:
        """Whether several processes of every role can work together here."""
        return bool(self.settings["redis__url"]) and not self.database.is_sqlite

    async def empty_database(self) -> None:
        """Take away every table, as before the first start."""
        if self.database.is_sqlite:
            await self.database.close()
            path = Path(self.database.engine.url.database or "")
            for file in path.parent.glob(f"{path.name}*"):
                file.unlink()
            return
        async with self.database.write() as session:
            connection = await session.connection()
            for statement in ("DROP SCHEMA public CASCADE", "CREATE SCHEMA public"):
                await connection.execute(text(statement))

    @asynccontextmanager
    async def held_database(self) -> AsyncIterator[None]:
        """Nobody else can write while the block runs."""
        statement = "LOCK TABLE account, citizen, message, delivery, draft IN EXCLUSIVE MODE"
        if self.database.is_sqlite:
            statement = "SELECT 1"  # the first statement takes the one write lock
        async with self.database.write() as session:
            await (await session.connection()).execute(text(statement))
            yield


def texts(sent: Sequence[Sent], containing: str = "") -> list[str]:
    """The texts of messages (not of edits) that hold this."""
    return [one.text for one in sent if one.kind == "send" and containing in one.text]
