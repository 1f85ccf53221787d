"""The console's pages; importing this registers them with NiceGUI."""

from __future__ import annotations

from handlers.console.pages import (
    board,
    entry,
    exchange,
    knowledge,
    learning,
    questions,
    staff,
    tasks,
    upkeep,
)

__all__ = [
    "board",
    "entry",
    "exchange",
    "knowledge",
    "learning",
    "questions",
    "staff",
    "tasks",
    "upkeep",
]
