"""一件事 for the citizen: its steps under the answer, to be ticked off one by one."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.channels.base import Button
from bot.desk.office import DeskError, Office, own_case
from knowledge.bundles import Bundle, step_title
from knowledge.catalog import Entry
from storage import steps
from storage.models import Case, Citizen

OPEN, DONE = "☐", "☑"
_TITLE = 50
_CHANGED = "这份清单已经更新，请再问一次。"
Rows = tuple[tuple[Button, ...], ...]


@dataclass(frozen=True, slots=True)
class Ticked:
    """What is said, and the buttons of the steps as they are now."""

    text: str
    rows: Rows


class Bundles:
    """Ticking; what is ticked belongs to the citizen and goes with their data."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def tick(self, account: str, citizen: str, case_id: int, told: str) -> Ticked:
        """Note a step, named by its mark with ``+`` for done or ``-`` for not yet.

        Saying the same again changes nothing. Raises DeskError.
        """
        mark, done = told[:-1], told.endswith("+")
        async with self._office.db.write() as session:
            case = await own_case(session, account, citizen, case_id)
            bundle = self._office.library.bundle(case.entry_id)
            if bundle is None or mark not in {bundle.mark(one) for one in bundle.steps}:
                raise DeskError(_CHANGED)
            await session.get(Citizen, case.citizen_id, with_for_update=True)
            await steps.note(session, case.citizen_id, mark, done=done)
            known = await steps.done(session, case.citizen_id)
        rows = tick_rows(self._office, case_id, bundle, known)
        finished = sum(bundle.mark(one) in known for one in bundle.steps)
        return Ticked(_told(finished, len(bundle.steps)), rows)


async def rows_for(
    office: Office, session: AsyncSession, case: Case, sources: Collection[Entry]
) -> Rows:
    """The steps under the answer to a case; none in public, where others would see them."""
    bundle = office.library.bundle(next(iter(sources)).id) if len(sources) == 1 else None
    if bundle is None or case.kind == "comment":
        return ()
    known = await steps.done(session, case.citizen_id)
    return tick_rows(office, case.id or 0, bundle, known)


def tick_rows(office: Office, case_id: int, bundle: Bundle, done: Collection[str]) -> Rows:
    """One step a row; pressing says the opposite of what is shown."""
    rows = []
    for number, step in enumerate(bundle.steps, 1):
        mark = bundle.mark(step)
        sign, change = (DONE, "-") if mark in done else (OPEN, "+")
        title = step_title(step, office.library.get(step.entry_id))
        label = f"{sign} {number}. {title}"[:_TITLE]
        rows.append((Button(label, action=f"c:tick:{case_id}:{mark}{change}"),))
    return tuple(rows)


def _told(finished: int, total: int) -> str:
    if finished == total:
        return f"{total} 步都办好了。"
    return f"已办好 {finished} 步，还有 {total - finished} 步。"
