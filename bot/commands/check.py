"""wenban check."""

from __future__ import annotations

from typing import Any

from bot.checks import look
from bot.commands.common import CommandError, console, run, settings_of
from bot.config import ConfigError
from bot.desk.premises import Finding, Level

_COLOURS = {Level.GOOD: "green", Level.NOTE: "yellow", Level.BAD: "red"}


def check(context: Any) -> None:
    """Look at everything and print it; CommandError when something is wrong."""
    try:
        settings = settings_of(context)
    except ConfigError as error:
        _show([Finding("配置", Level.BAD, str(error))])
        raise CommandError("配置有误，其余未查。") from None
    findings = [Finding("配置", Level.GOOD, "可用"), *run(look(settings))]
    _show(findings)
    bad = sum(one.level is Level.BAD for one in findings)
    if bad:
        raise CommandError(f"有 {bad} 项错误，请按上面的说明处理。")


def _show(findings: list[Finding]) -> None:
    from rich import box
    from rich.table import Table
    from rich.text import Text

    grid = Table(box=box.SIMPLE_HEAD)
    grid.add_column("项目", no_wrap=True)
    grid.add_column("结果", no_wrap=True)
    grid.add_column("说明", overflow="fold")
    for one in findings:
        grid.add_row(one.subject, Text(one.level, style=_COLOURS[one.level]), Text(one.text))
    console().print(grid, soft_wrap=False)
