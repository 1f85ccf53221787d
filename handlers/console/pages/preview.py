"""An answer as the citizens of each platform see it."""

from __future__ import annotations

from collections.abc import Sequence

from bot.desk.catalogue import Preview
from handlers.console.pages.parts import tag, word


def show_previews(previews: Sequence[Preview]) -> None:
    """One after the other; nothing in them can be pressed."""
    for one in previews:
        with tag("div", "preview"):
            with tag("div", "preview-head"):
                word(one.platform, "who")
                letters = sum(map(len, one.parts))
                several = f"，分 {len(one.parts)} 条发" if len(one.parts) > 1 else ""
                word(f"{letters:,} 字{several}", "soft", one.account)
            for part in one.parts:
                word(part, "bubble", name="div")
            with tag("div", "preview-buttons"):
                for link in one.links:
                    word(f"{link} ↗", "preview-button wide")
                for title in one.buttons:
                    word(title, "preview-button")
