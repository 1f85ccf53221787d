"""置顶答复: one public answer to all who ask the same under a post that takes no more answers.

It answers those who had asked before it stood there, and nobody who asks later: for those the
next one is posted. Whoever it answered is told apart in the ledger and in every figure.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.channels.base import Outgoing
from bot.channels.wire import Spot
from bot.desk import rationing, wording
from bot.desk.office import DeskError, Office, key_of
from knowledge.catalog import Entry
from storage import outbox, posts
from storage.models import Account, Case, Delivery
from storage.terms import DeliveryState, Purpose


async def wait_behind(
    office: Office,
    session: AsyncSession,
    case: Case,
    text: str,
    sources: Sequence[Entry],
    marks: Mapping[str, Any],
) -> int:
    """Let a case wait for the next pinned answer with this text; the number of its delivery."""
    question = sources[0].question if len(sources) == 1 else ""
    said = wording.pinned(question, text)
    digest = hashlib.sha256(f"{case.post}\n{said}".encode()).hexdigest()[:24]
    mark = f"pin:{case.account_id}:{digest}:"
    row = await posts.pin(session, mark)
    if row is None:
        row = await _post(office, session, case, Outgoing(said), mark, dict(marks))
    case.pinned_id = row.id
    return row.id or 0


async def wait_for_next(office: Office, session: AsyncSession, case: Case, pin: Delivery) -> None:
    """Let a case that was asked after a pinned answer stood wait for the same again."""
    mark = pin.dedupe.rpartition(":")[0] + ":"
    row = await posts.pin(session, mark)
    if row is None:
        outgoing = Outgoing.from_json(pin.payload)
        row = await _post(office, session, case, outgoing, mark, dict(pin.context))
    case.pinned_id = row.id


async def take_back(session: AsyncSession, case: Case) -> None:
    """The case waits behind nothing any more; what nobody waits behind never leaves.

    Raises DeskError when the pinned answer has left.
    """
    pin = await session.get(Delivery, case.pinned_id or 0)
    if pin is None or pin.state != DeliveryState.PENDING or pin.attempts:
        raise DeskError("已经发出，撤不回来了。")
    case.pinned_id = None
    other = await posts.heir(session, pin.id or 0, key_of(case))
    if other is None:
        outbox.give_up(pin, "已撤销")
    elif pin.case_id == case.id:
        pin.case_id = other.id


async def _post(
    office: Office,
    session: AsyncSession,
    case: Case,
    outgoing: Outgoing,
    mark: str,
    context: dict[str, Any],
) -> Delivery:
    account = await session.get_one(Account, case.account_id)
    await outbox.enqueue(
        session,
        account_id=case.account_id,
        place=Spot("pinned", "", case.post).place,
        purpose=Purpose.PINNED,
        payload=outgoing.to_json(),
        dedupe=f"{mark}{case.id}.{case.version}",
        case_id=case.id,
        context=context,
        post=case.post,
        due_at=await rationing.due_under(office, session, account, case.post),
    )
    await session.flush()
    row = await posts.pin(session, mark)
    assert row is not None  # noqa: S101  (the case and its version make the name new)
    return row
