"""The review steps of a text for a citizen: who approved what, in how many steps."""

from __future__ import annotations

import hashlib
from typing import Any

from bot.desk.desktop import Desktop
from bot.desk.office import DeskError
from knowledge.screen import screen_of
from storage import screening
from storage.ledger import record
from storage.models import Draft, utcnow
from storage.terms import DraftKind, EventKind, Role

_MAY_REVIEW = {Role.REVIEWER, Role.SUPERVISOR, Role.ADMIN}


async def check(desk: Desktop, draft: Draft, text: str) -> None:
    """Raises DeskError when this person may not approve, or nobody may publish the text."""
    step = len(draft.approvals) + 1
    if any(approval["staff"] == desk.staff.id for approval in draft.approvals):
        raise DeskError("前一步是您审的，请换一位同事审核。")
    if step > 1 and desk.staff.role not in _MAY_REVIEW:
        raise DeskError("这一步要由审核或主管来做。")
    # Of this moment, not of the last look: a word ruled out elsewhere holds at once.
    screen = screen_of(await screening.load(desk.session))
    if findings := screen.blocking(text):
        listed = "；".join(str(finding) for finding in findings[:3])
        raise DeskError(f"没有发送：{listed}。请修改后再发。")


async def approve(desk: Desktop, draft: Draft, text: str) -> int:
    """One review step; returns how many are still needed. Raises as :func:`check`."""
    await check(desk, draft, text)
    step = {
        "staff": desk.staff.id,
        "name": desk.staff.display_name,
        "at": utcnow().isoformat(),
        "sha256": hashlib.sha256(text.encode()).hexdigest(),
        "before": draft.text,
        "after": text,
    }
    draft.approvals = [*draft.approvals, step]
    draft.text = text
    done, needed = len(draft.approvals), desk.account.review_steps
    asks: dict[str, Any] = {"request": True} if draft.kind == DraftKind.REQUEST else {}
    record(
        desk.session,
        desk.case,
        EventKind.REVIEWED,
        actor=desk.actor,
        step=done,
        of=needed,
        sha256=step["sha256"],
        edited=step["before"] != text,
        **asks,
    )
    desk.case.version += 1
    return max(needed - done, 0)
