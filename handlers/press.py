"""What the buttons under answers do, wherever they were pressed."""

from __future__ import annotations

import re
from collections.abc import Awaitable

from bot.desk import Desk

_ACTION = re.compile(
    r"c:(?:(?P<verdict>helpful|unhelpful)|(?P<chosen>choose)|rate):(?P<case>\d{1,9})"
    r"(?(chosen):(?P<choice>none|\d{1,12})|(?(verdict)|:(?P<grade>\d)))",
    re.ASCII,
)


def act(desk: Desk, account: str, citizen: str, action: str) -> Awaitable[str] | None:
    """Do what a button says: the text to show; None for what no button of ours sends."""
    match = _ACTION.fullmatch(action)
    if match is None:
        return None
    case_id = int(match["case"])
    if choice := match["choice"]:
        number = None if choice == "none" else int(choice)
        return desk.citizens.choose(account, citizen, case_id, number)
    if grade := match["grade"]:
        return desk.satisfaction.rate(account, citizen, case_id, int(grade))
    helped = match["verdict"] == "helpful"
    judge = desk.citizens.helpful if helped else desk.citizens.unhelpful
    return judge(account, citizen, case_id)
