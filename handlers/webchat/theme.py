"""The page in an account's colour, and where it may be embedded."""

from __future__ import annotations

import json
from collections.abc import Sequence

from bot.embedding import NIGHT, lightened, mixed
from handlers.policy import HEADERS

DEFAULT = "#1f4e79"
_ANCESTORS = "frame-ancestors 'self'"


def stylesheet(css: str, color: str) -> str:
    """The page's style in this colour, by day and by night."""
    if color == DEFAULT:
        return css
    night = mixed(color, "#000000", 0.35)
    return (
        f"{css}\n:root {{ --head: {color}; --accent: {color}; --own: {color}; }}\n"
        f"@media (prefers-color-scheme: dark) {{ :root {{ --head: {night}; "
        f"--accent: {lightened(color, NIGHT)}; --own: {color}; }} }}\n"
    )


def script(source: str, name: str, color: str) -> str:
    """The widget with the account's name and colour in it."""
    return source.replace("'{{account}}'", json.dumps({"name": name, "color": color}))


def headers(origins: Sequence[str]) -> dict[str, str]:
    """What the page says of who may frame it, {} for nobody but ourselves."""
    if not origins:
        return {}
    policy = HEADERS["content-security-policy"]
    allowed = policy.replace(_ANCESTORS, f"{_ANCESTORS} {' '.join(origins)}")
    # An older browser that knows only the other header could not be told several origins.
    return {"content-security-policy": allowed, "x-frame-options": ""}
