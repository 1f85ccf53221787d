"""Past messages taken in and reported on, against plain loops that share no code with the program.

The loops read the spreadsheet, count working time and percentiles by themselves; only the list of
holidays is the same. Set TEST_HISTORY to an export to check that one too.
"""

from __future__ import annotations

import asyncio
import json
import random
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import chinese_calendar
import pytest
from openpyxl import Workbook, load_workbook

from bot.assessment import Assessment, Figures
from bot.clock import Calendar
from bot.facts import Facts
from bot.ledger import facts, verify
from storage.db import Database
from tests.cli import Run
from tests.conftest import HISTORY
from tests.figures import within

SPANS = {
    "": ((time(0), time(0)),),
    "09:00-12:00,13:30-17:30": ((time(9), time(12)), (time(13, 30), time(17, 30))),
}
LIMITS = (2, 5, 10, 15)
DAY = timedelta(days=1)
CHINA = timedelta(hours=8)
HEADER = ("留言编号", "留言用户", "留言主题", "留言时间", "留言详情", "答复意见", "答复时间")
Spans = tuple[tuple[time, time], ...]


# ---- an export made here ----


def made(path: Path) -> Path:
    """Messages of two years, at any hour, some unanswered, some with nothing but dates."""
    dice, book = random.Random(2816), Workbook()
    sheet: Any = book.active
    sheet.append(HEADER)
    for number in range(1, 301):
        asked = datetime(2023, 9, 1) + timedelta(seconds=dice.randrange(730 * 86400))  # noqa: DTZ001
        reply, replied = "", ""
        if dice.random() < 0.93:
            wait = timedelta(seconds=dice.expovariate(1 / (11 * 86400)))
            reply, replied = "已派人修好，费用由市政所承担。", f"{asked + wait:%Y/%m/%d %H:%M:%S}"
        shown = f"{asked:%Y/%m/%d %H:%M:%S}"
        if dice.random() < 0.05:
            shown, replied = shown[:10], replied[:10]
        about = "东门路灯坏了，请问哪个单位来修？"
        sheet.append([number, f"u{number}", "路灯", shown, about, reply, replied])
    book.save(path)
    return path


# ---- plain loops ----


@dataclass
class Row:
    """A message and its reply, in local time without a zone."""

    asked: datetime
    replied: datetime | None


def rows(path: Path) -> list[Row]:
    book = load_workbook(path, read_only=True)
    names, *lines = book.worksheets[0].iter_rows(values_only=True)
    book.close()
    found = []
    for line in lines:
        asked = moment(line[names.index("留言时间")], last=False)
        found.append(Row(asked or datetime.min, moment(line[names.index("答复时间")], last=True)))  # noqa: DTZ901
    return found


def moment(cell: Any, *, last: bool) -> datetime | None:
    """A day alone begins at midnight; as the time of a reply it ends with its last second."""
    if not cell:
        return None
    day, _, clock = str(cell).partition(" ")
    year, month, number = (int(part) for part in day.replace("-", "/").split("/"))
    whole = (clock or ("23:59:59" if last else "0:0:0")).split(":")
    hour, minute, second = (int(part) for part in [*whole, "0"][:3])
    return datetime(year, month, number, hour, minute, second)  # noqa: DTZ001


def working_days(first: date, last: date) -> list[date]:
    days, day = [], first
    while day <= last:
        if chinese_calendar.is_workday(day):
            days.append(day)
        day += DAY
    return days


def span_on(day: date, span: tuple[time, time]) -> tuple[datetime, datetime]:
    opens, closes = (datetime.combine(day, one) for one in span)
    return opens, closes if closes > opens else closes + DAY


def worked(start: datetime, end: datetime, spans: Spans) -> float:
    """Working seconds, day by day and span by span."""
    total = 0.0
    for day in working_days(start.date(), end.date()):
        for span in spans:
            opens, closes = span_on(day, span)
            overlap = min(closes, end) - max(opens, start)
            total += max(overlap.total_seconds(), 0.0)
    return total


def due(start: datetime, days: int, spans: Spans) -> datetime:
    """The close of business of the last of so many working days after the day of the start."""
    day = start.date()
    for _ in range(days):
        day += DAY
        while not chinese_calendar.is_workday(day):
            day += DAY
    return span_on(day, spans[-1])[1]


def percentile(times: list[tuple[float, bool]], share: float) -> float | None:
    """Kaplan–Meier: at each time that an answer came, who was still waiting."""
    surviving = 1.0
    for length in sorted({length for length, answered in times if answered}):
        waiting = sum(one >= length for one, _ in times)
        answered_now = sum(one == length and answered for one, answered in times)
        surviving *= (waiting - answered_now) / waiting
        if 1 - surviving >= share - 1e-9:
            return length / 3600
    return None


def expected(found: list[Row], cut_off: datetime, spans: Spans) -> dict[str, float | None]:
    natural, working = [], []
    for one in found:
        end, has_reply = one.replied or cut_off, one.replied is not None
        natural.append(((end - one.asked).total_seconds(), has_reply))
        working.append((worked(one.asked, end, spans), has_reply))
    figures: dict[str, float | None] = {}
    for name, times in (("natural", natural), ("working", working)):
        figures |= {f"{name} median": percentile(times, 0.5), f"{name} p90": percentile(times, 0.9)}
    for days in LIMITS:
        in_time = answered = overdue = 0
        for one in found:
            limit = due(one.asked, days, spans)
            answered += one.replied is not None
            in_time += one.replied is not None and one.replied <= limit
            overdue += one.replied is None and limit < cut_off
        figures[f"on time {days}"] = in_time / (answered + overdue)
    return figures


# ---- the program ----


async def taken_in(url: str) -> tuple[Facts, list[str]]:
    database = Database(url)
    try:
        told = await verify(database, "test", datetime.now(UTC))
        return await facts(database), [one.text for one in told]
    finally:
        await database.close()


def reported(
    report: Figures, known: Facts, calendar: Calendar, cut_off: datetime
) -> dict[str, float | None]:
    hours = report["response_hours"]
    figures = {
        f"{name} {share}": hours[name][share]
        for name in ("natural", "working")
        for share in ("median", "p90")
    }
    for days in LIMITS:
        one = Assessment(known, within(days), calendar, cut_off).figures(())
        figures[f"on time {days}"] = one["on_time"]["rate"]
    return figures


@pytest.mark.parametrize("export", ["made", *([HISTORY] if HISTORY else [])])
@pytest.mark.parametrize("hours", SPANS, ids=["whole days", "office hours"])
def test_the_report_gives_what_plain_loops_give(
    wenban: Run,
    database_url: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    export: str,
    hours: str,
) -> None:
    path = made(tmp_path / "made.xlsx") if export == "made" else Path(export)
    monkeypatch.setenv("WENBAN_CLOCK__BUSINESS_HOURS", hours)
    code, _, _ = wenban("import", path, "--account", "旧信箱")
    assert code == 0
    code, out, _ = wenban("report", "--from", "2000-01-01", "--format", "json")
    report = json.loads(out)
    found, (known, told) = rows(path), asyncio.run(taken_in(database_url))
    assert code == 0 and told == []
    assert report["counts"]["valid"] == len(known) == len(found)
    assert report["ledger"]["spot_check"]["differences"] == 0

    cut_off = datetime.fromisoformat(report["cut_off"])
    local = (cut_off.astimezone(UTC) + CHINA).replace(tzinfo=None)
    spans = SPANS[hours]
    plain = expected(found, local, spans)
    calendar = Calendar(spans=spans if hours else ())
    figures = reported(report, known, calendar, cut_off)
    print(json.dumps({"export": export, "hours": hours, "n": len(found), **figures}))
    assert figures.keys() == plain.keys()
    for name, value in plain.items():
        assert value is not None
        assert figures[name] == pytest.approx(value, abs=1e-4 if "on time" not in name else 1e-6)
