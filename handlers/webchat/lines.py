"""A line of the conversation as the page receives it."""

from __future__ import annotations

from typing import Any

from bot.channels.base import Button, Outgoing
from storage.web_queries import Line

_OPENABLE = ("https://", "http://", "tel:", "/go/")


def render(line: Line) -> dict[str, Any]:
    """JSON for the page; text stays plain text, links only go where links may go."""
    shown: dict[str, Any] = {
        "cursor": f"{line.cursor.delivery}.{line.cursor.message}",
        "mine": line.mine,
        "key": line.key.rpartition(":")[2],
        "at": line.at.isoformat(timespec="seconds"),
        "text": line.text,
        "case": line.case_id,
        "files": list(line.files),
    }
    if line.payload is None:
        return shown
    outgoing = Outgoing.from_json(line.payload)
    return {
        **shown,
        "edits": outgoing.edits,
        "rows": _rows(outgoing.buttons),
        "steps": _steps(outgoing.buttons, line.ticked),
        "spent": line.spent,
        "pressed": line.pressed,
        "opinion": line.opinion,
    }


def _rows(rows: tuple[tuple[Button, ...], ...]) -> list[list[dict[str, str]]]:
    shown = ([_button(one) for one in row if _usable(one) and not _ticks(one)] for row in rows)
    return [row for row in shown if row]


def _steps(rows: tuple[tuple[Button, ...], ...], ticked: frozenset[str]) -> list[dict[str, Any]]:
    """What can be ticked, as it stands now and not as it was when it was sent."""
    found = []
    for button in (one for row in rows for one in row if _ticks(one)):
        action, title = button.action[:-1], button.title[2:]
        found.append({"title": title, "action": action, "done": action[-12:] in ticked})
    return found


def _ticks(button: Button) -> bool:
    return button.action.startswith("c:tick:")


def _usable(button: Button) -> bool:
    return bool(button.action) or button.url.lower().startswith(_OPENABLE)


def _button(button: Button) -> dict[str, str]:
    return {"title": button.title, "url": button.url, "action": button.action}
