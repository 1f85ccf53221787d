"""相似问 learnt from a case: offered to staff once it is answered, added at a press."""

from __future__ import annotations

import asyncio
from typing import Any

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.channels.base import Button
from bot.desk.office import DeskError, Office, key_of
from knowledge.bundles import PREFIX
from knowledge.catalog import Entry
from knowledge.proposals import objection, restates, similar_key, similar_wording
from storage import entries, evidence, gold, proposals
from storage.models import Case, Draft, Staff
from storage.terms import Role

_EDITORS = (Role.REVIEWER, Role.SUPERVISOR, Role.ADMIN)
Rows = tuple[tuple[Button, ...], ...]


async def offer(
    session: AsyncSession, case: Case, draft: Draft, entry: Entry | None
) -> tuple[str, Rows]:
    """What the closed card says of the citizen's wording, with a button to keep it.

    Nothing unless a person chose another entry than the first, or once somebody decided.
    """
    if entry is None or draft.position == 0 or entry.id.startswith(PREFIX):
        return "", ()
    await session.flush()
    wording, chosen = await learnt(session, key_of(case))
    if not wording or chosen != entry.id or restates(entry, wording):
        return "", ()
    key = similar_key(wording, chosen)
    if await proposals.decided(session, [key]):
        return "", ()
    line = f"\n群众的问法：{wording}\n可记到：{entry.question}"
    return line, ((Button("记为相似问", action=f"s:similar:{case.id}:{case.version}:{key}"),),)


async def learnt(session: AsyncSession, case_id: int) -> tuple[str, str]:
    """The wording of a case's latest answered question, and the entry that answers it."""
    asked = [one for one in await evidence.asked_in(session, case_id) if one.chosen]
    return (similar_wording(asked[-1].text), asked[-1].chosen) if asked else ("", "")


def editor(by: Staff | str) -> str:
    """The name in the audit of who may teach: staff by their role, others named already.

    Raises DeskError.
    """
    if isinstance(by, str):
        return by
    if by.role not in _EDITORS:
        raise DeskError("相似问和同义词要由审核、主管或管理员来记。")
    return f"staff:{by.id}"


async def keep(office: Office, wording: str, entry_id: str, actor: str, **data: Any) -> None:
    """Make a wording a 相似问 of an entry. Raises DeskError when something speaks against it."""
    library = office.library
    await library.refresh()
    async with office.db.read() as session:
        questions = await gold.load(session)
    reason = await asyncio.to_thread(
        objection, library.matcher, wording, entry_id, questions, office.today()
    )
    if reason:
        raise DeskError(f"没有记：{reason}")
    async with office.db.write() as session:
        try:
            await entries.add_similar(session, entry_id, wording, actor, **data)
        except LookupError:
            raise DeskError("没有记：这一条已经停用。") from None
        key = similar_key(wording, entry_id)
        await proposals.decide(session, [key], accepted=True, actor=actor)
    await library.refresh()
