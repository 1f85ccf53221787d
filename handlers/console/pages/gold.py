"""Saved questions on the screen: those that a change would break, and whether to go on."""

from __future__ import annotations

from collections.abc import Sequence

from nicegui import ui

from handlers.console.pages.parts import button, tag, word
from knowledge.gold import Verdict

_SHOWN = 12


def verdict_line(one: Verdict) -> None:
    """A saved question that goes wrong: what it should lead to, and what it leads to."""
    with tag("div", "kb-verdict"):
        word(one.gold.query, "who")
        word(f"应为 {one.gold.entry_id or '不答'}", "soft")
        found = f"得到 {one.found}（{one.probability:.0%}）" if one.found else "没有得到"
        word(found, "warn")


async def confirm_broken(broken: Sequence[Verdict], verb: str) -> bool:
    """Show what would go wrong; whether the person wants to go on."""
    with ui.dialog() as dialog, ui.card().classes("sheet"):
        word(f"有 {len(broken)} 个测试问题会因此答错", "sheet-title", name="h2")
        for one in broken[:_SHOWN]:
            verdict_line(one)
        if len(broken) > _SHOWN:
            word(f"还有 {len(broken) - _SHOWN} 个。", "soft")
        with tag("div", "sheet-foot"):
            button("再改改", "Esc", strong=True).on_click(lambda: dialog.submit(False))
            button(f"仍要{verb}").on_click(lambda: dialog.submit(True))
    dialog.open()
    try:
        return bool(await dialog)
    finally:
        dialog.delete()
