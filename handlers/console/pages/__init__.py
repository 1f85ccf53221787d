"""The console's pages; importing this registers them with NiceGUI."""

from __future__ import annotations

from handlers.console.pages import board, staff

__all__ = ["board", "staff"]
