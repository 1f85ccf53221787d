"""The console's pages; importing this registers them with NiceGUI."""

from __future__ import annotations

from handlers.console.pages import (
    admin,
    audits,
    board,
    cases,
    figures,
    health,
    scorecards,
    screen,
    staff,
)

__all__ = [
    "admin",
    "audits",
    "board",
    "cases",
    "figures",
    "health",
    "scorecards",
    "screen",
    "staff",
]
