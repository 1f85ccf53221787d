"""What is kept of citizens, and for how long: words and names go, events and figures stay."""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, exists
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.channels.base import Outgoing
from bot.desk.files import sweep
from bot.desk.office import Office, key_of, locked_cases_of
from storage import inbox, outbox, queries, steps, tasks
from storage.files import names
from storage.ledger import audit, record
from storage.models import Case, Citizen, Delivery, Draft, Task, utcnow
from storage.terms import OPEN_STATES, CaseState, EventKind, Purpose, TaskState

ERASED = "（已应群众要求删除）"
EXPIRED = "（保留期满，已抹去）"
_AT_ONCE = 100


async def expire(office: Office) -> int:
    """Forget whoever was silent for longer than the limit and has nothing open; how many."""
    await sweep(office)
    days, forgotten = office.rules.keep_citizen_days, 0
    if not days:
        return 0
    before = office.now() - timedelta(days=days)
    while True:
        files: list[str] = []
        async with office.db.write() as session:
            found = select(Citizen).where(*_done_with(before)).order_by(col(Citizen.id))
            held = found.limit(_AT_ONCE).with_for_update(skip_locked=True)
            people = list(await session.exec(held))
            for person in people:
                for case in await locked_cases_of(session, person):
                    files += await forget(session, case, "system", EXPIRED)
                await anonymise(session, person, "system", "citizen.expire")
        await remove_files(office, files)
        forgotten += len(people)
        if len(people) < _AT_ONCE:
            return forgotten


def _done_with(before: datetime) -> tuple[ColumnElement[bool], ...]:
    """Whom nothing was recorded of since, whose cases are over and have no task left."""
    own = col(Case.citizen_id) == Citizen.id
    lately = exists().where(own, col(Case.updated_at) >= before)
    opened = exists().where(own, col(Case.state).in_(OPEN_STATES))
    asked = exists().where(own, col(Task.case_id) == Case.id, col(Task.state) == TaskState.OPEN)
    return (
        col(Citizen.erased_at).is_(None),
        col(Citizen.created_at) < before,
        ~lately,
        ~opened,
        ~asked,
    )


async def anonymise(session: AsyncSession, person: Citizen, actor: str, action: str) -> None:
    """Take away what names this person, and what they ticked off."""
    await steps.forget(session, key_of(person))
    person.external_id = f"erased:{secrets.token_hex(8)}"
    person.display_name, person.erased_at = "", utcnow()
    person.reachable = False
    audit(session, actor, action, str(person.id))


async def remove_files(office: Office, files: list[str]) -> None:
    """Delete what forgotten cases held; what a kill leaves behind is swept at night."""
    if office.files is not None:
        await office.files.remove(files)


async def forget(session: AsyncSession, case: Case, actor: str, mark: str) -> list[str]:
    """Put ``mark`` in place of every text of a case; an open one is withdrawn.

    Returns the names of the files it held, to be removed once the transaction is through.
    """
    files: list[str] = []
    for message in await queries.messages(session, key_of(case)):
        for version in await queries.versions(session, message.id or 0):
            version.text = mark
        files += names(message.attachments)
        message.text, message.attachments = mark, []
        message.external_id = f"erased:{message.id}"
    for draft in await session.exec(select(Draft).where(Draft.case_id == case.id)):
        draft.text = draft.original = mark
        draft.approvals = [{**one, "before": "", "after": ""} for one in draft.approvals]
    own = (Delivery.case_id == case.id, Delivery.purpose != Purpose.PINNED)
    for delivery in await session.exec(select(Delivery).where(*own)):
        delivery.payload = Outgoing(mark).to_json()
        if delivery.place == case.place or delivery.purpose in outbox.REPLIES:
            delivery.place = ""
        if delivery.state in outbox.NOT_OUT:
            outbox.give_up(delivery, "群众撤回")
    await _forget_beside(session, case, mark)
    if case.state in OPEN_STATES:
        case.state, case.reason = CaseState.CLOSED, "群众撤回"
        record(session, case, EventKind.CLOSED, actor=actor, reason="群众撤回")
    case.subject, case.place, case.thread, case.consider_at = "", "", "", None
    case.comment, case.follow_up = (mark if one else "" for one in (case.comment, case.follow_up))
    case.version += 1
    record(session, case, EventKind.ERASED, actor=actor)
    return files


async def _forget_beside(session: AsyncSession, case: Case, mark: str) -> None:
    """Blank what staff wrote about a case: notes, and what they asked of one another."""
    for note in await inbox.notes(session, key_of(case)):
        note.text = mark
    for task in await tasks.of_case(session, key_of(case)):
        task.text, task.outcome = mark, mark if task.outcome else ""
        if task.state == TaskState.OPEN:
            tasks.close(task, TaskState.WITHDRAWN, outcome="群众撤回")
