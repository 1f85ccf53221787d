"""The console's pages; importing this registers them with NiceGUI."""

from __future__ import annotations

from handlers.console.pages import board, cases, figures, staff

__all__ = ["board", "cases", "figures", "staff"]
