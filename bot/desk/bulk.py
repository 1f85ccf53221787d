"""批量答复: one answer for similar cases, each of them sent, timed and kept by itself."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from bot.desk import perfunctory
from bot.desk.desktop import CONSOLE
from bot.desk.inbox import own_case, scope_of
from bot.desk.office import DeskError, Office, storable
from bot.desk.repeats import LIKELY, alike
from bot.desk.review import NOT_SENT, Review, still_of
from bot.desk.wording import answer_text
from bot.desk.workbench import Workbench
from bot.evasion import find
from knowledge.masking import mask
from storage import inbox, queries
from storage.models import Case, Staff

MOST = 50
_LOOKED_AT = 1000
_SURE = 75
_SUBJECT = 120
_REVIEWED = (
    "这一件审过一步，文字里已填上这位群众自己的称呼、编号，请逐件审；"
    "同一帖子下的，到同问的组里一起审。"
)


@dataclass(frozen=True, slots=True)
class Alike:
    """A waiting case like another one; ``likely`` when it is probably the same matter."""

    case_id: int
    version: int
    text: str
    account: str
    likeness: int
    likely: bool


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of one case of many."""

    case_id: int
    said: str
    sent: bool


class Bulk:
    """Every case goes the way of a single reply: rights, version, checks, review steps, undo."""

    def __init__(self, office: Office, review: Review, bench: Workbench) -> None:
        self._office = office
        self._review = review
        self._bench = bench

    async def alike(self, staff: Staff, case_id: int) -> list[Alike]:
        """Waiting cases of this person's that may be the same matter, the most alike first.

        Raises DeskError where a step of review has filled in what is one citizen's own.
        """
        async with self._office.db.read() as session:
            case = await own_case(session, staff, case_id)
            draft = await queries.open_draft(session, case_id)
            text = await queries.said(session, case_id)
            waiting = await inbox.waiting(session, scope_of(staff), _LOOKED_AT)
        if draft is not None and draft.approvals:
            raise DeskError(_REVIEWED)
        entry_id = draft.entry_id if draft is not None else ""
        others = [one for one in waiting if one[0].id != case.id]
        return await asyncio.to_thread(_alike, text, entry_id, others)

    async def answer(
        self, staff: Staff, picks: Sequence[tuple[int, int]], text: str, entry_id: str = ""
    ) -> list[Answered]:
        """Answer each of these cases, as seen in this version, with the text.

        ``entry_id`` is the entry that the text began as, if any. Raises DeskError when the
        text is for no case; what is wrong with one case is said of it.
        """
        if len(picks) > MOST:
            raise DeskError(f"一次最多给 {MOST} 件，请少选几件。")
        return [one async for one in self.each(staff, picks, text, entry_id)]

    async def each(
        self,
        staff: Staff,
        picks: Sequence[tuple[int, int]],
        text: str,
        entry_id: str = "",
        hold: timedelta | None = None,
    ) -> AsyncGenerator[Answered, None]:
        """As :meth:`answer`, of any number, told case by case; ``hold`` is how long they wait
        before they leave, where that is not the usual time."""
        said = storable(text).strip()
        if not said:
            raise DeskError("答复是空的，请写上内容再发。")
        if evasive := find(said):
            raise DeskError(f"没有发送：{perfunctory.warning(evasive)}")
        rests = self._rests(said, entry_id)
        for case_id, version in dict(picks).items():
            yield await self._one(staff, case_id, version, said, rests, hold)

    async def approve_each(
        self, staff: Staff, picks: Sequence[tuple[int, int]], hold: timedelta | None = None
    ) -> AsyncGenerator[Answered, None]:
        """Approve what the step before approved for each of these cases, told case by case."""
        for case_id, version in dict(picks).items():
            try:
                said = await self._review.adopt(
                    staff, case_id, version, CONSOLE, hold=hold, verb="bulk", approved=True
                )
            except DeskError as error:
                yield Answered(case_id, str(error), sent=False)
            else:
                yield Answered(case_id, said, sent=True)

    async def take_back(self, staff: Staff, case_ids: Sequence[int]) -> str:
        """撤销 what was just sent to several, as far as it has not left."""
        back = 0
        for case_id in case_ids:
            with suppress(DeskError):
                await self._bench.take_back(staff, case_id)
                back += 1
        rest = len(case_ids) - back
        return f"撤销了 {back} 件，没有发出" + (f"；{rest} 件已经发出" if rest else "")

    def _rests(self, text: str, entry_id: str) -> str:
        """The entry, if the text is still its answer. Raises DeskError when that holds no more."""
        entry = self._office.library.get(entry_id) if entry_id else None
        if entry is None or not still_of(text, answer_text(entry)):
            return ""
        if not entry.valid_on(self._office.today()):
            raise DeskError("答复所依据的条目不在有效期内，请改写或换一条。")
        return entry_id

    async def _one(
        self,
        staff: Staff,
        case_id: int,
        version: int,
        text: str,
        entry_id: str,
        hold: timedelta | None,
    ) -> Answered:
        try:
            said = await self._review.send(
                staff, case_id, version, CONSOLE, text, entry_id=entry_id, verb="bulk", hold=hold
            )
        except DeskError as error:
            return Answered(case_id, str(error), sent=False)
        return Answered(case_id, said, sent=not said.startswith(NOT_SENT))


def _alike(text: str, entry_id: str, waiting: Sequence[tuple[Case, str, str]]) -> list[Alike]:
    found = []
    for case, account, drafted in waiting:
        likeness, same = alike(text, case.subject), bool(entry_id) and drafted == entry_id
        if likeness >= LIKELY or same:
            shown = mask(case.subject[:_SUBJECT])
            likely = same or likeness >= _SURE
            found.append(Alike(case.id or 0, case.version, shown, account, likeness, likely))
    return sorted(found, key=lambda one: (not one.likely, -one.likeness))[: MOST - 1]
