"""One action of a member of staff on one case: checked, in one transaction, kept in the audit."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.channels.base import Button
from bot.desk import cards, posting
from bot.desk.office import TOPIC_OUTBOX, DeskError, Office, key_of, locked_case
from knowledge.masking import mask
from storage import queries
from storage.ledger import audit
from storage.models import Account, Case, Draft, Staff
from storage.terms import CaseState, Role

CONSOLE = "console"
"""The place of a person at the console: they see the case as it is and get no cards."""
DECIDERS = (Role.SUPERVISOR, Role.ADMIN)
_LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class Desktop:
    """One action in progress: who, where, on which case, in which transaction."""

    session: AsyncSession
    staff: Staff
    place: str
    case: Case
    account: Account
    draft: Draft | None

    @property
    def actor(self) -> str:
        return f"staff:{self.staff.id}"


class _StaleError(Exception):
    """The case is not what the person saw; the text says why."""


@asynccontextmanager
async def acting(
    office: Office,
    verb: str,
    staff: Staff,
    case_id: int,
    version: int,
    place: str,
    states: Collection[str] = (CaseState.WAITING,),
) -> AsyncIterator[Desktop]:
    """One transaction on the case as the person saw it; else a fresh card and a refusal.

    Raises DeskError when the case is in none of ``states`` or is not what it was.
    """
    try:
        async with office.db.write() as session:
            case = await locked_case(session, case_id)
            yield await _open(session, staff, place, case, version, states)
            audit(session, f"staff:{staff.id}", f"case.{verb}", str(case_id), version=version)
    except _StaleError as error:
        if place == CONSOLE:
            raise DeskError("对话或拟答刚有变化，请看一看再操作。") from None
        await _refresh(office, case_id, place)
        raise DeskError(str(error)) from None
    finally:
        office.notify(TOPIC_OUTBOX)


async def finish(
    office: Office, desk: Desktop, line: str, buttons: tuple[tuple[Button, ...], ...] = ()
) -> None:
    """Close the standing cards and put the next case before the person."""
    await posting.retire_cards(desk.session, desk.case, cards.done(desk.case, line, buttons))
    await desk.session.flush()
    following = await queries.next_waiting(desk.session, office.now())
    if following is not None and following.id != desk.case.id and desk.place != CONSOLE:
        await posting.card(office, desk.session, following, desk.place)


def in_scope(staff: Staff, department: str, account: str) -> bool:
    """Whether cases of this 承办单位 (none yet is everybody's) and account are this person's."""
    mine = not staff.departments or not department or department in staff.departments
    return mine and (not staff.accounts or account in staff.accounts)


def reason_given(text: str, what: str = "理由") -> str:
    """A reason as it is kept: trimmed, masked. Raises DeskError for none or too long a one."""
    reason = mask(" ".join(text.split()))
    if not reason:
        raise DeskError(f"请写明{what}。")
    if len(reason) > _LONGEST_REASON:
        raise DeskError(f"{what}最多写 {_LONGEST_REASON} 字，现在有 {len(reason)} 字，请精简。")
    return reason


async def _open(
    session: AsyncSession,
    staff: Staff,
    place: str,
    case: Case | None,
    version: int,
    states: Collection[str],
) -> Desktop:
    if case is None:
        raise DeskError("找不到这件诉求。")
    if case.state not in states:
        raise DeskError(await _who_was_first(session, case, staff))
    if case.version != version:
        raise _StaleError("对话或拟答有变化，这张卡片已过时，请看新卡片。")
    account = await session.get_one(Account, case.account_id)
    if not in_scope(staff, case.department, account.key):
        raise DeskError("这件诉求不归您办理，您的操作没有执行。")
    draft = await queries.open_draft(session, key_of(case))
    return Desktop(session, staff, place, case, account, draft)


async def _who_was_first(session: AsyncSession, case: Case, staff: Staff) -> str:
    draft = await queries.sent_draft(session, key_of(case))
    if draft is not None and draft.decided_by == f"staff:{staff.id}":
        return "您已经答复过这件诉求。"
    if draft is not None and draft.decided_by.startswith("staff:"):
        other = await session.get(Staff, int(draft.decided_by.removeprefix("staff:")))
        if other is not None:
            return f"已由{other.display_name}答复，您的操作没有执行。"
    return f"这件诉求现在是“{CaseState(case.state).label}”，您的操作没有执行。"


async def _refresh(office: Office, case_id: int, place: str) -> None:
    async with office.db.write() as session:
        case = await locked_case(session, case_id)
        if case is not None:
            await posting.card(office, session, case, place)
