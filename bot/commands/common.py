"""What every command needs: settings, a database, a console, and who is asking."""

from __future__ import annotations

import getpass
import sys
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import uvloop

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID

    from bot.clock import Calendar
    from bot.deadlines import Profile
    from bot.settings import Settings
    from knowledge.vectors import Meaning
    from storage.db import Database

T = TypeVar("T")
SHOWN = 50


class CommandError(Exception):
    """A command cannot go on; the text says in Chinese why and what to do."""


def settings_of(context: Any) -> Settings:
    """The configuration named by ``--config``. Raises ConfigError."""
    from bot.config import load

    return load(context.obj)


def run(work: Coroutine[Any, Any, T]) -> T:
    return uvloop.run(work)


def clock_of(settings: Settings, profile: str = "") -> tuple[Profile, Calendar]:
    """The deadline profile (the configured one when not named) and the calendar."""
    from bot.config import read_calendar
    from bot.deadlines import profiles

    known = profiles()
    key = profile or settings.clock.profile
    if key not in known:
        raise CommandError(f"没有时限方案 {key}，可选：{'、'.join(known)}。")
    return known[key], read_calendar(settings.clock)


@asynccontextmanager
async def office_database(settings: Settings) -> AsyncIterator[Database]:
    """The database, brought to the newest revision first."""
    from storage.db import Database

    database = Database(settings.database_url)
    try:
        await database.upgrade()
        yield database
    finally:
        await database.close()


def console() -> Console:
    from rich.console import Console

    width = None if sys.stdout.isatty() else 160  # files and pipes have no edge to fold at
    return Console(highlight=False, soft_wrap=True, width=width)


def complain(text: str) -> None:
    """Say something on stderr."""
    sys.stderr.write(text + "\n")


def progress() -> Progress:
    """A progress bar that is silent where nobody watches."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    watched = Console(stderr=True)
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=watched,
        disable=not watched.is_terminal,
        transient=True,
    )


def bar(watched: Progress, name: str) -> Callable[[int, int], None]:
    """A progress bar that appears with its first report of how many of how many are done."""
    bars: list[TaskID] = []

    def report(now: int, total: int) -> None:
        if not bars:
            bars.append(watched.add_task(name, total=total))
        watched.update(bars[0], completed=now, total=total)

    return report


@contextmanager
def meaning_of(embedder: Sequence[str], folder: Path | None) -> Iterator[Meaning | None]:
    """Vectors, kept in the folder, by what ``open_embedder`` takes; None for words alone.

    Raises SemanticError.
    """
    from knowledge.semantic import open_embedder
    from knowledge.vectors import Meaning, VectorCache

    model = open_embedder(*embedder)
    if model is None:
        yield None
        return
    with closing(VectorCache(folder)) as kept:
        yield Meaning(model, kept)


def table(headers: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> None:
    """Print rows for reading; text is shown as it is, without markup."""
    from rich import box
    from rich.table import Table
    from rich.text import Text

    out = console()
    if title:
        out.print(title, markup=False)
    grid = Table(box=box.SIMPLE_HEAD)
    for header in headers:
        grid.add_column(header, overflow="fold")
    for row in rows:
        grid.add_row(*(Text(cell) for cell in row))
    out.print(grid, soft_wrap=False)


def complain_of(problems: Sequence[str]) -> None:
    """List what is wrong on stderr, at most SHOWN lines of it."""
    for problem in problems[:SHOWN]:
        complain(f"  {problem}")
    if len(problems) > SHOWN:
        complain(f"  …… 另有 {len(problems) - SHOWN} 条")


def actor() -> str:
    """The person at the keyboard, by the operating system's name, for the audit."""
    try:
        return f"os:{getpass.getuser()}"
    except (KeyError, OSError):
        return "os:unknown"


def refuse_overwrite(path: Path) -> None:
    """Files of citizens' data are never written over by mistake."""
    if path.exists():
        raise CommandError(f"{path} 已存在，请换一个文件名，或先移走它。")
