"""The console's pages; importing this registers them with NiceGUI."""

from __future__ import annotations

from handlers.console.pages import (
    admin,
    audits,
    board,
    bundle,
    cases,
    entry,
    exchange,
    figures,
    health,
    intake,
    knowledge,
    learning,
    phrases,
    posting,
    questions,
    scorecards,
    screen,
    staff,
    tasks,
    upkeep,
)

__all__ = [
    "admin",
    "audits",
    "board",
    "bundle",
    "cases",
    "entry",
    "exchange",
    "figures",
    "health",
    "intake",
    "knowledge",
    "learning",
    "phrases",
    "posting",
    "questions",
    "scorecards",
    "screen",
    "staff",
    "tasks",
    "upkeep",
]
