"""wenban report."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from bot import reports
from bot.assessment import Happening, Record, assess, replay
from bot.clock import SHANGHAI
from bot.commands.common import (
    CommandError,
    clock_of,
    console,
    office_database,
    run,
    settings_of,
)
from bot.config import Settings
from knowledge.tables import replacing
from storage.figures import case_files


def report(
    context: Any,
    first: datetime | None,
    last: datetime | None,
    profile_key: str,
    form: str,
    output: Path | None,
) -> None:
    """The figures of cases opened in a period, to the screen or a file."""
    _refuse_unready(form, output)
    if first and last and first > last:
        raise CommandError("起始日晚于截止日，请核对 --from 和 --to。")
    settings = settings_of(context)
    profile, calendar = clock_of(settings, profile_key)
    begin, end = first.date() if first else None, last.date() if last else None
    cut_off = datetime.now(UTC)
    figures = assess(run(_records(settings, begin, end)), profile, calendar, cut_off)
    document = reports.describe(
        figures, first=begin, last=end, cut_off=cut_off, profile=profile, calendar=calendar
    )
    _hand_over(reports.RENDERERS[form](document), output)


def _refuse_unready(form: str, output: Path | None) -> None:
    if form not in reports.FORMATS:
        raise CommandError(f"{form} 格式还没有做好，请先用 {' 或 '.join(reports.FORMATS)}。")
    if form != "json" and output is None:
        raise CommandError(f"{form} 要写到文件，请加 --output 文件名.{form}。")


async def _records(settings: Settings, first: date | None, last: date | None) -> list[Record]:
    begin = datetime.combine(first, time(), SHANGHAI) if first else None
    end = datetime.combine(last + timedelta(days=1), time(), SHANGHAI) if last else None
    async with office_database(settings) as database, database.read() as session:
        return [
            replay(one.account, one.category, one.opened_at, (Happening(*it) for it in one.told))
            for one in await case_files(session, begin, end)
        ]


def _hand_over(content: bytes, output: Path | None) -> None:
    if output is None:
        sys.stdout.write(content.decode())
        return
    with replacing(output) as file:
        file.write(content)
    console().print(f"已写入 {output}", markup=False)
