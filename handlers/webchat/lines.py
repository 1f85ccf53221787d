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
    }
    if line.payload is None:
        return shown
    outgoing = Outgoing.from_json(line.payload)
    return {
        **shown,
        "edits": outgoing.edits,
        "rows": [[_button(one) for one in row if _usable(one)] for row in outgoing.buttons],
        "spent": line.spent,
        "pressed": line.pressed,
        "opinion": line.opinion,
    }


def _usable(button: Button) -> bool:
    return bool(button.action) or button.url.lower().startswith(_OPENABLE)


def _button(button: Button) -> dict[str, str]:
    return {"title": button.title, "url": button.url, "action": button.action}
