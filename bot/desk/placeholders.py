"""占位: a few fixed words in braces that become the case's own when a reply is approved."""

from __future__ import annotations

import re

from bot.desk.office import DeskError
from bot.desk.wording import spoken_day
from knowledge.screen import Screen
from storage.models import Case, Citizen

NAMES = ("称呼", "诉求编号", "期限", "承办单位")
_ANYBODY = "市民朋友"
_WRITTEN = re.compile("|".join(f"\\{{{name}\\}}" for name in NAMES))
_NAME = re.compile(r"[\u3400-\u9fffA-Za-z·]{1,12}")


def fill(text: str, case: Case, citizen: Citizen, screen: Screen) -> str:
    """The text with its placeholders filled in, once. Raises DeskError for one without a value.

    ``screen`` tells names that an office should not repeat.
    """
    return _WRITTEN.sub(lambda found: _value(found[0][1:-1], case, citizen, screen), text)


def _value(name: str, case: Case, citizen: Citizen, screen: Screen) -> str:
    if name == "称呼":
        return _called(citizen.display_name, screen)
    if name == "诉求编号":
        return f"#{case.id}"
    value = case.department if name == "承办单位" else ""
    if name == "期限" and case.due_at is not None:
        value = spoken_day(case.due_at)
    if not value:
        raise DeskError(f"诉求 #{case.id} 没有{name}，不能写“{{{name}}}”。")
    return value


def _called(name: str, screen: Screen) -> str:
    """A citizen's own name for themselves, unless it is one that an office should not repeat."""
    plain = name.strip()
    return plain if _NAME.fullmatch(plain) and not screen(plain) else _ANYBODY
