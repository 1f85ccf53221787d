"""wenban report."""

from __future__ import annotations

import sys
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from bot import reports
from bot.assessment import Assessment
from bot.clock import SHANGHAI
from bot.commands.common import (
    CommandError,
    clock_of,
    console,
    office_database,
    run,
    settings_of,
)
from bot.facts import Facts
from bot.ledger import facts, provenance
from bot.settings import Settings
from knowledge.tables import replacing


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
    found, ledger = run(_read(settings, begin, end, cut_off))
    document = reports.describe(
        Assessment(found, profile, calendar, cut_off).figures(),
        first=begin,
        last=end,
        cut_off=cut_off,
        profile=profile,
        calendar=calendar,
        ledger=ledger,
    )
    _hand_over(reports.RENDERERS[form](document), output)


def _refuse_unready(form: str, output: Path | None) -> None:
    if form not in reports.FORMATS:
        raise CommandError(f"{form} 格式还没有做好，请先用 {' 或 '.join(reports.FORMATS)}。")
    if form != "json" and output is None:
        raise CommandError(f"{form} 要写到文件，请加 --output 文件名.{form}。")


async def _read(
    settings: Settings, first: date | None, last: date | None, now: datetime
) -> tuple[Facts, dict[str, Any]]:
    begin = datetime.combine(first, time(), SHANGHAI) if first else None
    end = datetime.combine(last + timedelta(days=1), time(), SHANGHAI) if last else None
    async with office_database(settings) as database:
        return await facts(database, begin, end), await provenance(database, now)


def _hand_over(content: bytes, output: Path | None) -> None:
    if output is None:
        sys.stdout.write(content.decode())
        return
    with replacing(output) as file:
        file.write(content)
    console().print(f"已写入 {output}", markup=False)
