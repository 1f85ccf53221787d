"""The console's pages; importing this registers them with NiceGUI."""

from __future__ import annotations

from handlers.console.pages import board, entry, knowledge, staff

__all__ = ["board", "entry", "knowledge", "staff"]
