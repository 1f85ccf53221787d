"""What is done with a case at the console alone: 认领, 换答案, 备注, 撤销."""

from __future__ import annotations

from collections.abc import Mapping

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.desk import pinning, posting
from bot.desk.desktop import CONSOLE, DECIDERS, acting
from bot.desk.drafting import take_up
from bot.desk.inbox import own_case
from bot.desk.office import TOPIC_OUTBOX, DeskError, Office, key_of, locked_case, storable
from storage import inbox, outbox, queries
from storage.ledger import audit, record
from storage.models import Case, CaseNote, Draft, Staff
from storage.terms import CaseState, DeliveryState, DraftState, EventKind

_LONGEST_NOTE = 1000


class Workbench:
    """Each action returns a short text for the person, or raises DeskError with one."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def claim(self, staff: Staff, case_id: int, version: int) -> str:
        """认领, or give back what is one's own."""
        async with acting(self._office, "claim", staff, case_id, version, CONSOLE) as desk:
            case, names = desk.case, await inbox.everyone(desk.session)
            if case.assignee_id not in (None, staff.id) and staff.role not in DECIDERS:
                raise DeskError(f"{names.get(case.assignee_id or 0, '同事')}已经认领。")
            mine = case.assignee_id == staff.id
            case.assignee_id = None if mine else staff.id
            record(
                desk.session,
                case,
                EventKind.ASSIGNED,
                actor=desk.actor,
                staff="" if mine else desk.actor,
            )
            return "已放回，别人可以认领" if mine else "已认领"

    async def use(self, staff: Staff, case_id: int, version: int, entry_id: str) -> str:
        """Put the answer of an entry into the draft."""
        async with acting(self._office, "use", staff, case_id, version, CONSOLE) as desk:
            entry = self._office.library.get(entry_id)
            if entry is None:
                raise DeskError("这个条目已停用，请选别的。")
            draft = desk.draft or Draft(case_id=case_id)
            take_up(draft, entry)
            desk.session.add(draft)
            desk.case.version += 1
            record(desk.session, desk.case, EventKind.DRAFTED, actor=desk.actor, entry=entry_id)
            return f"已换成：{entry.question}"

    async def note(self, staff: Staff, case_id: int, text: str) -> str:
        """Add an internal note; whoever is named with @ finds it among theirs."""
        said = storable(text).strip()
        if not said:
            raise DeskError("备注是空的。")
        if len(said) > _LONGEST_NOTE:
            raise DeskError(f"备注最多 {_LONGEST_NOTE} 字。")
        async with self._office.db.write() as session:
            await own_case(session, staff, case_id)
            names = await inbox.colleagues(session)
            mentions = _called(said, names)
            session.add(
                CaseNote(case_id=case_id, staff_id=staff.id or 0, text=said, mentions=mentions)
            )
            audit(session, f"staff:{staff.id}", "case.note", str(case_id), mentions=mentions)
        self._office.notify(TOPIC_OUTBOX)
        return "已记下备注"

    async def take_back(self, staff: Staff, case_id: int) -> str:
        """撤销 a reply that has not left yet; the case stands as before it. Raises DeskError."""
        try:
            async with self._office.db.write() as session:
                case = await locked_case(session, case_id)
                if case is None:
                    raise DeskError("找不到这件诉求。")
                await self._take_back(session, staff, case)
        finally:
            self._office.notify(TOPIC_OUTBOX)
        return "已撤销，没有发出"

    async def _take_back(self, session: AsyncSession, staff: Staff, case: Case) -> None:
        actor = f"staff:{staff.id}"
        draft = await queries.sent_draft(session, key_of(case))
        unsent = await outbox.unsent_reply(session, key_of(case))
        held = [one for one in unsent if one.state == DeliveryState.PENDING and not one.attempts]
        queued = bool(unsent) or case.pinned_id is not None
        if case.state != CaseState.REPLYING or draft is None or not queued or held != unsent:
            raise DeskError("已经发出，撤不回来了。")
        if draft.decided_by != actor and staff.role not in DECIDERS:
            raise DeskError("这条答复不是您发的，请找发的人或主管撤销。")
        if case.pinned_id is not None:
            await pinning.take_back(session, case)
        for delivery in held:
            outbox.give_up(delivery, "已撤销")
        draft.state, draft.decided_by, draft.decided_at = DraftState.OPEN, "", None
        draft.approvals = draft.approvals[:-1]
        case.state, case.entry_id = CaseState.WAITING, ""
        case.version += 1
        record(session, case, EventKind.REPLY_TAKEN_BACK, actor=actor)
        audit(session, actor, "case.take_back", str(case.id))
        await session.flush()
        await posting.card(self._office, session, case)


def _called(text: str, names: Mapping[int, str]) -> list[int]:
    """The numbers of those whose name stands behind an @, the longest name that fits."""
    found = set()
    for part in text.split("@")[1:]:
        fitting = [number for number, name in names.items() if part.startswith(name)]
        found.update(sorted(fitting, key=lambda number: -len(names[number]))[:1])
    return sorted(found)
