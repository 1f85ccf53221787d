"""wenban report."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from bot import reports
from bot.commands.common import (
    CommandError,
    actor,
    clock_of,
    console,
    office_database,
    run,
    settings_of,
)
from bot.config import read_scorecards
from bot.reports.gather import Period, Wanted, cases_behind, gather
from bot.reports.measures import DIMENSIONS, TITLES
from bot.settings import Settings
from knowledge.tables import replacing
from storage.db import Database
from storage.ledger import audit


@dataclass(frozen=True, slots=True)
class Asked:
    """The options of the command that say what to report and where to."""

    first: datetime | None
    last: datetime | None
    profile: str
    form: str
    output: Path | None
    rank: bool


def report(context: Any, asked: Asked, *, cases: str, by: str, group: str) -> None:
    """The figures of cases opened in a period, or the cases behind one of them."""
    if cases == "list":
        _show_figures()
        return
    _refuse_unready(asked, cases, by, group)
    settings = settings_of(context)
    wanted = _wanted(settings, asked, reports.LISTED_ALONE if cases else reports.LISTED)
    found = run(_made(settings, wanted, asked, (cases, by, group)))
    _hand_over(reports.render(found, asked.form), asked.output)


def _refuse_unready(asked: Asked, cases: str, by: str, group: str) -> None:
    if asked.form != "json" and asked.output is None:
        raise CommandError(f"{asked.form} 要写到文件，请加 --output 文件名.{asked.form}。")
    if asked.first and asked.last and asked.first > asked.last:
        raise CommandError("起始日晚于截止日，请核对 --from 和 --to。")
    if (by or group) and not cases:
        raise CommandError(
            "--by 和 --group 要与 --cases 一起用，例如 --cases on_time.denominator。"
        )
    if group and not by:
        raise CommandError(f"请用 --by 说明“{group}”是哪一种：{'、'.join(DIMENSIONS)}。")
    if cases and asked.form == "docx":
        raise CommandError("清单没有 docx 格式，请用 json、xlsx 或 html。")


def _wanted(settings: Settings, asked: Asked, listed: Mapping[str, int]) -> Wanted:
    profile, calendar = clock_of(settings, asked.profile)
    begin, end = _day(asked.first), _day(asked.last)
    return Wanted(
        Period(begin, end),
        datetime.now(UTC),
        profile,
        calendar,
        scorecards=read_scorecards(settings.assessment),
        rank=asked.rank,
        listed=listed[asked.form],
        letterhead=reports.Letterhead(settings.assessment.issuer, settings.assessment.recipients),
    )


async def _made(
    settings: Settings, wanted: Wanted, asked: Asked, drill: tuple[str, str, str]
) -> reports.Report:
    key, by, group = drill
    async with office_database(settings) as database:
        if key:
            found = await _behind(database, wanted, key, by, group)
        else:
            found = await gather(database, wanted)
        if found.lists:
            await _note(database, asked, found, key)
    return found


async def _behind(
    database: Database, wanted: Wanted, key: str, by: str, group: str
) -> reports.Report:
    try:
        return await cases_behind(database, wanted, key, by, group)
    except KeyError as error:
        if by and error.args == (group,):
            kind = DIMENSIONS[by]
            raise CommandError(f"这段时间没有{kind}“{group}”的留言，请核对 --group。") from None
        raise CommandError(f"没有指标“{key}”。用 wenban report --cases list 看有哪些。") from None


async def _note(database: Database, asked: Asked, found: reports.Report, key: str) -> None:
    """Whoever takes citizens' words out of the office leaves a record."""
    period = found.figures["period"]
    rows = sum(len(one.rows) for one in found.lists.values())
    async with database.write() as session:
        audit(
            session, actor(), "report.cases", key, format=asked.form, cases=rows, **_bounds(period)
        )


def _bounds(period: dict[str, str | None]) -> dict[str, str | None]:
    return {"first": period["from"], "last": period["to"]}


def _show_figures() -> None:
    for key, title in TITLES.items():
        if not key.endswith(("paused_hours", "moved_away")):
            console().print(f"{key}　{title}", markup=False)
    console().print("traces　有任何一种痕迹的", markup=False)


def _hand_over(content: bytes, output: Path | None) -> None:
    if output is None:
        sys.stdout.write(content.decode())
        return
    with replacing(output) as file:
        file.write(content)
    console().print(f"已写入 {output}", markup=False)


def _day(moment: datetime | None) -> date | None:
    return moment.date() if moment else None
