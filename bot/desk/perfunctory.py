"""Perfunctory replies at the desk: judged before they leave, warned of, overruled by another."""

from __future__ import annotations

import asyncio

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.desk.office import DeskError, Office, key_of
from bot.evasion import Evasion, Kind, find
from knowledge.semantic import SemanticError
from storage import queries
from storage.ledger import evasive_reply, events, record
from storage.models import Case, CaseEvent, Staff
from storage.terms import CaseState, EventKind, Role

MAY_OVERRULE = {Role.REVIEWER, Role.SUPERVISOR, Role.ADMIN}


def warning(found: Evasion) -> str:
    """What staff read beside a reply that is going to leave."""
    shown = f"（“{found.words[0]}”）" if found.words else ""
    ask = "要群众补充，请用“更多”里的“请群众补充”。" if found.kind is Kind.DETAILS else ""
    return f"这条答复看起来{found.kind.label}{shown}，发出后不停止计时。{ask}"


async def judge(office: Office, session: AsyncSession, case: Case, text: str) -> Evasion | None:
    """How a reply to this case is perfunctory; None when it answers."""
    asked = "\n".join(one.text for one in await queries.messages(session, key_of(case)))
    try:
        return await asyncio.to_thread(find, text, asked, office.library.likeness)
    except SemanticError:
        return find(text, asked)


def go_on(case: Case, kind: Kind) -> None:
    """A perfunctory reply was delivered: the case waits on, its clock as it was."""
    case.state = CaseState.WAITING
    case.reason = f"上一条答复{kind.label}，计时未停"
    case.version += 1


async def overrule(session: AsyncSession, case: Case, staff: Staff, reason: str) -> None:
    """算作答复: the standing perfunctory reply stops the clock at its own delivery after all.

    Raises DeskError unless the person may review and had no part in that reply.
    """
    if staff.role not in MAY_OVERRULE:
        raise DeskError("要由审核或主管来认定。")
    reply = await evasive_reply(session, key_of(case))
    if reply is None:
        raise DeskError("没有要认定的答复。")
    actor = f"staff:{staff.id}"
    if actor in await _had_part(session, reply):
        raise DeskError("这条答复经过您的手，请换一位审核或主管来认定。")
    if not reason.strip():
        raise DeskError("请写明理由。")
    record(
        session,
        case,
        EventKind.EVASION_OVERRULED,
        actor=actor,
        reason=reason.strip(),
        replied=reply.id,
        evasive=reply.data["evasive"],
    )
    case.state, case.answered_at, case.reason = CaseState.ANSWERED, reply.at, ""
    case.version += 1


def wrote_reply(event: CaseEvent) -> bool:
    """Whether who did this had part in a reply, and not in a request to the citizen."""
    kinds = (EventKind.REVIEWED, EventKind.REPLY_QUEUED)
    return event.kind in kinds and not event.data.get("request")


async def _had_part(session: AsyncSession, reply: CaseEvent) -> set[str]:
    """Who reviewed or sent this reply, and not an earlier one."""
    actors: set[str] = set()
    for event in await events(session, reply.case_id):
        if event.id == reply.id:
            break
        if event.kind == EventKind.REPLIED:
            actors.clear()
        elif wrote_reply(event):
            actors.add(event.actor)
    return actors
