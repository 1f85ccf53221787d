"""Speed of the figures: `python -m benchmarks.figures_speed [--cases N] [--postgresql URL]`.

Builds a database of synthetic cases with about five events each (SQLite, and PostgreSQL when a
URL of an empty database is given), folds them, and times every kind of report, beside replaying
and measuring a sample case by case with plain loops. The figures of the sample must agree.
The ledger has no messages, so that lists of cases are without text.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import math
import random
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from bot.assessment import DIMENSIONS, Assessment
from bot.clock import SHANGHAI, Calendar
from bot.config import read_scorecards
from bot.deadlines import due_for, profiles, standing
from bot.facts import Facts
from bot.ledger import catch_up, facts, provenance, turns_of
from bot.reports import LISTED, render
from bot.reports.gather import Period, Wanted, gather
from bot.settings import AssessmentSettings
from bot.triage import Category
from storage import figures
from storage.db import Database

CHUNK = 20_000
SAMPLE = 20_000
END = datetime(2026, 11, 20, 12, tzinfo=SHANGHAI)
SPAN = timedelta(days=3 * 365)
PROFILE, CALENDAR = profiles()["guangdong_2022"], Calendar()
DEPARTMENTS = [f"第{number}承办单位" for number in range(60)]
CATEGORIES = [one.value for one in Category if one.must_answer]
CASE = (
    "id account_id citizen_id kind place thread reply_to subject state category urgency department"
    " version opened_at due_at due_provisional calendar_version profile answered_at resolved_at"
    " entry_id automatic reason grade excluded updated_at"
)
EVENT = "id case_id kind at recorded_at actor data"
Row = tuple[Any, ...]


class Town:
    """Cases and events of an invented town, in order of time."""

    def __init__(self, cases: int) -> None:
        self._dice = random.Random(7)
        self._cases, self._event = cases, 0

    def chunks(self) -> Iterator[tuple[list[Row], list[Row]]]:
        for first in range(1, self._cases + 1, CHUNK):
            numbers = range(first, min(first + CHUNK, self._cases + 1))
            made = [self._case(number) for number in numbers]
            yield [case for case, _ in made], [event for _, own in made for event in own]

    def _case(self, number: int) -> tuple[Row, list[Row]]:
        dice = self._dice
        opened = END - SPAN * (1 - number / self._cases) - timedelta(seconds=dice.randrange(3600))
        category, department = dice.choice(CATEGORIES), dice.choice(DEPARTMENTS)
        due = due_for(PROFILE, Category(category), opened, CALENDAR)
        story = list(self._story(opened, due.at, category, department))
        story = [one for one in story if one[1] <= END]
        events = [self._write(number, *one) for one in story]
        last = {one[0]: one for one in story}
        answered = last["replied"][1] if "replied" in last else None
        resolved = last["resolved"][1] if "resolved" in last else None
        state = "resolved" if resolved else "answered" if answered else "waiting"
        grade = last["rated"][3]["grade"] if "rated" in last else None
        case = (
            *(number, number % 20 + 1, number // 5 + 1, "direct", "7", "7", "", "", state),
            *(category, 0, department, 1, opened, due.at, due.provisional),
            *(due.calendar_version, PROFILE.key, answered, resolved, "", False, "", grade, ""),
            opened,
        )
        return case, events

    def _write(self, case: int, kind: str, at: datetime, actor: str, data: dict[str, Any]) -> Row:
        self._event += 1
        return self._event, case, kind, at, at, actor, json.dumps(data)

    def _story(
        self, opened: datetime, due: datetime, category: str, department: str
    ) -> Iterator[tuple[str, datetime, str, dict[str, Any]]]:
        dice = self._dice
        staff, chief = f"staff:{dice.randrange(1, 300)}", "staff:300"
        yield "opened", opened, "system", {"channel": "Telegram"}
        placed = {"category": category, "department": department}
        yield "due_set", opened + timedelta(seconds=2), "system", {"due": due.isoformat(), **placed}
        half = opened + (due - opened) / 2
        if dice.random() < 0.06:
            yield "category_changed", half, staff, {"to": dice.choice(CATEGORIES), "reason": "x"}
        if dice.random() < 0.1:
            yield "transferred", half, staff, {"to": dice.choice(DEPARTMENTS), "reason": "x"}
        if dice.random() < 0.05:
            yield "paused", half, staff, {"why": "supplement"}
            yield "unpaused", half + timedelta(hours=dice.randrange(1, 90)), "citizen", {}
        if dice.random() < 0.05:
            yield "extension_requested", half, staff, {"amount": 5}
            approved = half + timedelta(hours=2)
            yield "extension_approved", approved, chief, {"amount": 5, "requested_by": staff}
        if dice.random() < 0.04:
            return
        reply = opened + (due - opened) * dice.expovariate(1.6)
        yield "reply_queued", reply, staff, placed
        yield "replied", reply + timedelta(seconds=1), "system", {"automatic": False}
        if dice.random() < 0.3:
            yield "rated", reply + timedelta(hours=1), "citizen", {"grade": dice.randrange(1, 6)}
        if dice.random() < 0.8:
            yield "resolved", reply + timedelta(days=7), "system", {"confirmed": False}


async def build(database: Database, cases: int) -> int:
    """Fill an empty database past the program; returns the number of events."""
    await database.upgrade()
    moment, count = END - SPAN, 0
    accounts = [
        (n + 1, f"账号{n}", f"平台{n % 4}", "x", "", "", "", "正常", 1, moment) for n in range(20)
    ]
    people = [(n + 1, 1, str(n), "", True, moment) for n in range(cases // 5 + 1)]
    async with database.engine.connect() as connection:
        driver: Any = (await connection.get_raw_connection()).driver_connection
        names = "id key platform name sponsor supervisor responsible state review_steps created_at"
        await _load(driver, "account", names, accounts)
        names = "id account_id external_id display_name reachable created_at"
        await _load(driver, "citizen", names, people)
        for some, events in Town(cases).chunks():
            await _load(driver, "case", CASE, some)
            await _load(driver, "case_event", EVENT, events)
            count += len(events)
        await driver.execute("ANALYZE")
    return count


async def _load(driver: Any, table: str, columns: str, rows: Sequence[Row]) -> None:
    names = columns.split()
    if hasattr(driver, "copy_records_to_table"):
        await driver.copy_records_to_table(table, columns=names, records=rows)
        return
    marks = ", ".join("?" * len(names))
    await driver.execute("BEGIN")
    await driver.executemany(
        f'INSERT INTO "{table}" ({", ".join(names)}) VALUES ({marks})',
        [tuple(_plain(value) for value in row) for row in rows],
    )
    await driver.execute("COMMIT")


def _plain(value: Any) -> Any:
    """As SQLite keeps a moment."""
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f}"
    return value


async def measure(name: str, database: Database) -> None:
    started = time.perf_counter()
    told = await catch_up(database)
    print(
        f"{name}: folded and packed {told:,} cases in {time.perf_counter() - started:.1f} s (once)"
    )
    await _tidy(database)
    for days, wanted in (
        (None, DIMENSIONS),
        (None, ()),
        (365, DIMENSIONS),
        (30, DIMENSIONS),
        (30, ()),
    ):
        await _report(name, database, days, wanted)
    for dimension in DIMENSIONS:
        await _report(name, database, None, (dimension,))
    await _dashboard(name, database)
    for form, listed in LISTED.items():
        await _document(name, database, form, listed)


async def _tidy(database: Database) -> None:
    """What PostgreSQL does by itself a minute after so many changes, where autovacuum is on."""
    if database.engine.dialect.name == "postgresql":
        async with database.engine.connect() as connection:
            driver: Any = (await connection.get_raw_connection()).driver_connection
            await driver.execute("VACUUM ANALYZE")


async def _dashboard(name: str, database: Database) -> None:
    """One group of figures at a time, as a screen that is open all day asks for them."""
    for title, days in (("today", 1), ("this month", 30)):
        found = await facts(database, END - timedelta(days=days), END)
        took = await _best(partial(_figures_of, database, days))
        print(f"{name}: dashboard, {title}'s figures: {took * 1000:.0f} ms of {len(found):,} turns")
    took = await _best(lambda: _waiting(database))
    found = await facts(database, open_at=END)
    print(
        f"{name}: dashboard, all that waits, by age: {took * 1000:.0f} ms of {len(found):,} turns"
    )
    took = await _best(lambda: provenance(database, END))
    print(f"{name}: dashboard, the ledger's standing: {took * 1000:.0f} ms")


async def _figures_of(database: Database, days: int) -> None:
    found = await facts(database, END - timedelta(days=days), END)
    Assessment(found, PROFILE, CALENDAR, END).figures(())


async def _waiting(database: Database) -> None:
    found = Assessment(await facts(database, open_at=END), PROFILE, CALENDAR, END)
    found.counts("counts.unanswered.all", "age")
    for name in ("all", "not_due", "due_soon", "overdue", "over_3_months"):
        found.count(f"counts.unanswered.{name}")


async def _document(name: str, database: Database, form: str, listed: int) -> None:
    """A whole report of everything with its scorecards, account health and lists of cases."""
    scorecards = read_scorecards(AssessmentSettings())
    wanted = Wanted(Period(None, None), END, PROFILE, CALENDAR, scorecards, listed=listed)
    started, busy = time.perf_counter(), time.process_time()
    report = await gather(database, wanted)
    gathered = time.perf_counter()
    content = render(report, form)
    whole, busy = time.perf_counter() - started, time.process_time() - busy
    print(
        f"{name}: everything as {form}: {whole:.2f} s, {busy:.2f} s of processor "
        f"({gathered - started:.2f} s gathering), {len(content) // 1024:,} kB"
    )


async def _best(call: Callable[[], Awaitable[object]]) -> float:
    """The shortest of five runs in seconds of the clock."""
    times = []
    for _ in range(5):
        started = time.perf_counter()
        await call()
        times.append(time.perf_counter() - started)
    return min(times)


async def _report(name: str, database: Database, days: int | None, wanted: Sequence[str]) -> None:
    first = END - timedelta(days=days) if days else None
    times = []
    for _ in range(3):
        started, busy = time.perf_counter(), time.process_time()
        found = await facts(database, first, END)
        fetched = time.perf_counter()
        Assessment(found, PROFILE, CALENDAR, END).figures(wanted)
        whole = time.perf_counter() - started
        times.append((whole, fetched - started, time.process_time() - busy))
    whole, fetching, busy = min(times)
    period = f"{days} days" if days else "everything"
    by = "all six dimensions" if len(wanted) == len(DIMENSIONS) else ", ".join(wanted) or "totals"
    print(
        f"{name}: {period}, {by}: {whole:.2f} s, {busy:.2f} s of processor "
        f"({fetching:.2f} s fetching {len(found):,})"
    )


async def compare(name: str, database: Database, cases: int) -> None:
    """A sample replayed and measured case by case with plain loops, and its figures both ways."""
    numbers = range(cases - min(SAMPLE, cases) + 1, cases + 1)
    started = time.perf_counter()
    async with database.read() as session:
        files = [
            one
            for at in range(numbers[0], cases + 1, 1000)
            for one in await figures.case_files(session, range(at, min(at + 1000, cases + 1)))
        ]
        read = time.perf_counter() - started
    plain = _plainly([turn for file in files for turn in turns_of(file)])
    took = time.perf_counter() - started
    print(
        f"{name}: case by case, {len(files):,} cases in {took:.1f} s ({read:.1f} s reading): "
        f"{took * cases / len(files):,.0f} s for all"
    )
    whole = await facts(database)
    turns = whole.turns[whole.turns[:, 0] >= numbers[0]]
    quick = Assessment(
        Facts(turns, whole.changes, whole.words, whole.accounts), PROFILE, CALENDAR, END
    ).figures(())
    for key, value in plain.items():
        section, _, field = key.rpartition(".")
        there: Any = quick
        for part in section.split("."):
            there = there[part]
        same = math.isclose(there[field], value, abs_tol=1e-3)
        print(f"{name}:   {key} {there[field]} {'agrees' if same else f'DIFFERS from {value}'}")


def _plainly(turns: Sequence[Any]) -> dict[str, float]:
    counts: Counter[str] = Counter()
    waits: list[tuple[float, bool]] = []
    for turn in turns:
        stands = standing(turn, PROFILE, CALENDAR, END)
        answered = turn.stop is not None
        end = turn.stop or END
        counts["valid"] += 1
        counts["answered"] += answered
        counts["in_time"] += answered and end <= stands.due.at
        counts["first"] += answered and end <= stands.original.at
        counts["denominator"] += answered or stands.due.at < END
        work = CALENDAR.of(stands.department).working_time(turn.start, end) - stands.paused
        waits.append((work.total_seconds() / 3600, answered))
    return {
        "counts.valid": counts["valid"],
        "counts.answered": counts["answered"],
        "on_time.answered_in_time": counts["in_time"],
        "on_time.original.answered_in_time": counts["first"],
        "on_time.denominator": counts["denominator"],
        "response_hours.working.median": _median(waits),
    }


def _median(waits: list[tuple[float, bool]]) -> float:
    left, surviving = len(waits), 1.0
    for hours, ended in sorted(waits, key=lambda one: (one[0], not one[1])):
        if ended:
            surviving *= (left - 1) / left
            if 1 - surviving >= 0.5 - 1e-9:
                return hours
        left -= 1
    return math.nan


async def run(name: str, url: str, cases: int) -> None:
    database = Database(url)
    try:
        started = time.perf_counter()
        events = await build(database, cases)
        took = time.perf_counter() - started
        print(f"{name}: {cases:,} cases, {events:,} events, built in {took:.0f} s", flush=True)
        await measure(name, database)
        await compare(name, database, cases)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(f"{name}: memory at most {peak:,} MB", flush=True)
    finally:
        await database.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--postgresql", default="", help="URL of an empty database")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "figures.db"
        asyncio.run(run("SQLite", f"sqlite+aiosqlite:///{file}", options.cases))
    if options.postgresql:
        asyncio.run(run("PostgreSQL", options.postgresql, options.cases))


if __name__ == "__main__":
    main()
