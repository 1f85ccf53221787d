"""Saved questions on the screen: those that a change would break, and whether to go on."""

from __future__ import annotations

from collections.abc import Sequence

from handlers.console.pages.parts import button, sheet, tag, word
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
    with sheet(f"有 {len(broken)} 个测试问题会因此答错") as dialog:
        for one in broken[:_SHOWN]:
            verdict_line(one)
        if len(broken) > _SHOWN:
            word(f"还有 {len(broken) - _SHOWN} 个。", "soft")
        with tag("div", "sheet-foot"):
            again = button("再改改", "Esc", strong=True).props("autofocus")
            again.on_click(lambda: dialog.submit(False))
            button(f"仍要{verb}").on_click(lambda: dialog.submit(True))
    return bool(await dialog)
