"""相似问 learnt from a case: offered to staff once it is answered, added at a press."""

from __future__ import annotations

import asyncio

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.channels.base import Button
from bot.desk.office import DeskError, Office, key_of
from knowledge.catalog import Entry
from knowledge.proposals import similar_key, similar_wording
from storage import entries, evidence, gold, proposals
from storage.models import Case, Draft, Staff
from storage.terms import Role

_EDITORS = (Role.REVIEWER, Role.SUPERVISOR, Role.ADMIN)
Rows = tuple[tuple[Button, ...], ...]


async def offer(
    session: AsyncSession, case: Case, draft: Draft, entry: Entry | None
) -> tuple[str, Rows]:
    """What the closed card says of the citizen's wording, with a button to keep it.

    Nothing unless a person chose another entry than the first.
    """
    if entry is None or draft.position == 0:
        return "", ()
    await session.flush()
    wording, chosen = await _learnt(session, key_of(case))
    if not wording or chosen != entry.id or wording in entry.similar:
        return "", ()
    line = f"\n群众的问法：{wording}\n可记到：{entry.question}"
    return line, ((Button("记为相似问", action=f"s:similar:{case.id}:{case.version}"),),)


async def _learnt(session: AsyncSession, case_id: int) -> tuple[str, str]:
    """The wording of a case's latest answered question, and the entry that answers it."""
    asked = [one for one in await evidence.asked_in(session, case_id) if one.chosen]
    return (similar_wording(asked[-1].text), asked[-1].chosen) if asked else ("", "")


class Similar:
    """记为相似问: the wording of a case becomes one of the entry that answered it."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def add(self, staff: Staff, case_id: int) -> str:
        """Keep it, unless something speaks against that. Raises DeskError."""
        if staff.role not in _EDITORS:
            raise DeskError("相似问要由审核、主管或管理员来记。")
        async with self._office.db.read() as session:
            wording, entry_id = await _learnt(session, case_id)
            questions = await gold.load(session)
        if not wording:
            raise DeskError("这件诉求没有可以记下的问法。")
        library = self._office.library
        reason = await asyncio.to_thread(
            library.objection, wording, entry_id, questions, self._office.today()
        )
        if reason:
            raise DeskError(f"没有记：{reason}")
        actor = f"staff:{staff.id}"
        async with self._office.db.write() as session:
            await entries.add_similar(session, entry_id, wording, actor, case=case_id)
            key = similar_key(wording, entry_id)
            await proposals.decide(session, [key], accepted=True, actor=actor)
        await library.refresh()
        return "已记为相似问"
