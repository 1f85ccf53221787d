"""工作台: the pages staff work in, beside the API in the same application.

Light to import: NiceGUI is loaded by :func:`build`, in the processes that serve it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.desk import Desk
from bot.desk.signin import Signin
from bot.desk.uploads import MAX_BYTES

if TYPE_CHECKING:
    from handlers.console.stage import Stage

UPLOADS = {"/console/_nicegui/client/": MAX_BYTES + 64 * 1024}
"""Where signed-in people send files, and how large a request may be there, in bytes."""


@dataclass(frozen=True, slots=True)
class ConsoleSite:
    """Who may sign in, and under which address browsers see the console."""

    signin: Signin
    public_url: str = ""


def build(desk: Desk, site: ConsoleSite) -> Stage:
    """The console's pages, to be mounted on an application and kept running while it serves."""
    from handlers.console.stage import Stage

    return Stage(desk, site.signin, site.public_url)
