"""What staff do with a case: each action names the version of the case it was decided on."""

from __future__ import annotations

from contextlib import AbstractAsyncContextManager
from datetime import timedelta

from rapidfuzz import fuzz

from bot.channels.base import Attachment, Outgoing
from bot.desk import (
    approving,
    cards,
    pauses,
    perfunctory,
    placeholders,
    posting,
    prompts,
    similar,
    supplement,
    tasks,
)
from bot.desk.desktop import CONSOLE, Desktop, acting, finish
from bot.desk.drafting import basis, decide, supersede, take_up, turn_to
from bot.desk.office import TOPIC_OUTBOX, DeskError, Office, key_of, locked_case, storable
from storage import entries, outbox, queries
from storage.ledger import audit, record
from storage.models import Case, Citizen, Draft, Staff
from storage.terms import CaseState, DraftKind, DraftState, EventKind

NOT_SENT = "还没有发送"
"""How an answer begins that says a reply must be sent again to leave."""
_STILL_THE_ENTRY = 50  # below, an edited text is the person's own and carries no entry's links


class Review:
    """Staff actions; each returns a short text for the person, or raises DeskError with one."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def staff_by_telegram(self, telegram_id: str) -> Staff | None:
        async with self._office.db.read() as session:
            return await queries.staff_by_telegram(session, telegram_id)

    async def adopt(
        self,
        staff: Staff,
        case_id: int,
        version: int,
        place: str,
        *,
        verb: str = "adopt",
        approved: bool = False,
        hold: timedelta | None = None,
    ) -> str:
        """Approve the draft as it stands; only one that was ``approved`` before, if that is asked.

        ``hold`` is how long it waits before it leaves, where that is not the usual time.
        """
        async with self._acting(verb, staff, case_id, version, place) as desk:
            if desk.draft is None or not desk.draft.text:
                raise DeskError("还没有拟答，请点“编辑”写答复。")
            if approved and not desk.draft.approvals:
                raise DeskError("这件还没有人审过，请写上答复。")
            if desk.draft.kind == DraftKind.REQUEST:
                return await supplement.step(self._office, desk, desk.draft, desk.draft.text)
            self._refuse_expired(desk.draft)
            return await self._approve(desk, desk.draft, desk.draft.text, hold)

    async def send(
        self,
        staff: Staff,
        case_id: int,
        version: int,
        place: str,
        text: str,
        *,
        entry_id: str = "",
        verb: str = "send",
        hold: timedelta | None = None,
    ) -> str:
        """Approve the draft with this text in its place, its placeholders filled in.

        ``entry_id`` is the entry that the text was made of, where that is not the draft's;
        ``hold`` is how long it waits before it leaves, where that is not the usual time.
        """
        async with self._acting(verb, staff, case_id, version, place) as desk:
            if not text.strip():
                raise DeskError("答复是空的，请写上内容再发。")
            citizen = await desk.session.get_one(Citizen, desk.case.citizen_id)
            said = placeholders.fill(
                storable(text).strip(), desk.case, citizen, self._office.library.screen
            )
            draft = desk.draft
            if draft is None:
                draft = Draft(case_id=case_id)
                desk.session.add(draft)
            if draft.kind == DraftKind.REQUEST:
                supplement.check_words(said, await queries.said(desk.session, case_id))
                return await supplement.step(self._office, desk, draft, said)
            if entry_id and basis(draft) != [entry_id]:
                self._base(desk, draft, entry_id)
            return await self._approve_written(desk, draft, said, hold)

    async def other(self, staff: Staff, case_id: int, version: int, place: str) -> str:
        """换一条: put the next candidate's answer into the draft."""
        async with self._acting("other", staff, case_id, version, place) as desk:
            draft = desk.draft
            if draft is None or len(draft.candidates) < 2:
                raise DeskError("没有别的条目可换，请点“编辑”写答复。")
            self._turn_over(draft)
            desk.case.version += 1
            record(
                desk.session, desk.case, EventKind.DRAFTED, actor=desk.actor, entry=draft.entry_id
            )
            if place != CONSOLE:
                await posting.card(self._office, desk.session, desk.case, place)
            return "已换一条"

    async def prompt(self, staff: Staff, case_id: int, version: int, place: str) -> str:
        """编辑: ask this person to type the reply."""
        async with self._acting("prompt", staff, case_id, version, place) as desk:
            await prompts.ask(
                self._office,
                desk.session,
                staff,
                place,
                desk.case,
                f"请回复本消息，写上诉求 #{case_id} 要发给群众的全文。",
                copy_text=desk.draft.text if desk.draft else "",
            )
            return "请在下面写答复"

    async def overrule(
        self, staff: Staff, case_id: int, version: int, place: str, reason: str
    ) -> str:
        """算作答复: the last reply was no perfunctory one; a second person, with a reason."""
        async with self._acting("overrule", staff, case_id, version, place) as desk:
            await perfunctory.overrule(desk.session, desk.case, staff, reason)
            await pauses.end(self._office, desk.session, desk.case, "已答复")
            await self._discard(desk)
            await tasks.withdraw(desk.session, desk.case, tasks.ABOUT_THE_CLOCK, "已答复")
            await finish(self._office, desk, f"{staff.display_name}认定已答复（{reason}）")
            return "已算作答复，计时停在送达之时"

    async def close(self, staff: Staff, case_id: int, version: int, place: str, reason: str) -> str:
        """无需答复, with a reason that the record keeps."""
        async with self._acting("close", staff, case_id, version, place) as desk:
            case = desk.case
            await pauses.end(self._office, desk.session, case, "已关闭")
            case.state, case.reason = CaseState.CLOSED, reason
            case.version += 1
            await self._discard(desk)
            record(desk.session, case, EventKind.CLOSED, actor=desk.actor, reason=reason)
            await tasks.withdraw(desk.session, case, tasks.ABOUT_THE_CLOCK, "已关闭")
            await finish(self._office, desk, f"无需答复（{reason}），{staff.display_name}")
            return "已记为无需答复"

    async def later(self, staff: Staff, case_id: int, version: int, place: str) -> str:
        """稍后: behind the others for a while; the clock runs on."""
        async with self._acting("later", staff, case_id, version, place) as desk:
            desk.case.snoozed_until = self._office.now() + self._office.rules.snooze
            until = desk.case.snoozed_until
            record(
                desk.session,
                desk.case,
                EventKind.SNOOZED,
                actor=desk.actor,
                until=until.isoformat(),
            )
            following = await queries.next_waiting(desk.session, self._office.now())
            if following and following.id != case_id and place != CONSOLE:
                await posting.card(self._office, desk.session, following, place)
            minutes = int(self._office.rules.snooze.total_seconds() // 60)
            return f"已放后 {minutes} 分钟，时限照算"

    async def next(self, staff: Staff, place: str) -> str:
        """Send the case to be taken up next."""
        async with self._office.db.write() as session:
            case = await queries.next_waiting(session, self._office.now())
            if case is None:
                return "没有待办的诉求。"
            await posting.card(self._office, session, case, place)
            audit(session, f"staff:{staff.id}", "case.next", str(case.id))
        self._office.notify(TOPIC_OUTBOX)
        return "下一件在下面。"

    async def summary(self) -> str:
        """How much waits, in one line."""
        async with self._office.db.read() as session:
            waiting = await queries.waiting_count(session)
            overdue = await queries.overdue_count(session, self._office.now())
        return f"待人工 {waiting} 件，其中超期 {overdue} 件"

    async def show(self, case_id: int) -> Outgoing:
        """The case's card as it is now."""
        async with self._office.db.read() as session:
            view = await queries.case_view(session, case_id, self._office.now())
        return cards.card(view, self._office.now())

    async def more(self, case_id: int) -> Outgoing:
        """The card's less common actions, to stand in place of its buttons."""
        async with self._office.db.read() as session:
            case = await session.get_one(Case, case_id)
            return Outgoing("", cards.more(case, bool(await queries.absorbed(session, case_id))))

    async def look(self, staff: Staff, case_id: int, place: str) -> None:
        """Send the card of any case, in whatever state it is."""
        async with self._office.db.write() as session:
            case = await locked_case(session, case_id)
            if case is None:
                raise DeskError("找不到这件诉求。")
            await posting.card(self._office, session, case, place)
            audit(session, f"staff:{staff.id}", "case.look", str(case_id))
        self._office.notify(TOPIC_OUTBOX)

    async def ask_words(
        self,
        staff: Staff,
        case_id: int,
        version: int,
        place: str,
        verb: str,
        argument: str,
        what: str,
    ) -> str:
        """Have this person type what an action needs; ``verb`` and ``argument`` come back."""
        async with acting(
            self._office, verb, staff, case_id, version, place, tuple(CaseState)
        ) as desk:
            text = f"请回复本消息，写上诉求 #{case_id} 的{what}。"
            await prompts.ask(
                self._office,
                desk.session,
                staff,
                place,
                desk.case,
                text,
                verb=verb,
                argument=argument,
            )
            return f"请在下面写{what}"

    async def departments(self) -> list[str]:
        """Where a case can be transferred to."""
        if self._office.rules.departments:
            return list(self._office.rules.departments)
        async with self._office.db.read() as session:
            return await entries.departments(session)

    async def attachments(self, staff: Staff, case_id: int) -> list[Attachment]:
        """Everything but text that the citizen sent; who looked at it is kept."""
        async with self._office.db.write() as session:
            found = await queries.messages(session, case_id)
            audit(session, f"staff:{staff.id}", "case.files", str(case_id))
        return [Attachment(**one) for message in found for one in message.attachments]

    def _acting(
        self, verb: str, staff: Staff, case_id: int, version: int, place: str
    ) -> AbstractAsyncContextManager[Desktop]:
        return acting(self._office, verb, staff, case_id, version, place)

    async def _approve_written(
        self, desk: Desktop, draft: Draft, text: str, hold: timedelta | None
    ) -> str:
        """Approve a text that was just written; a perfunctory one is first shown as such."""
        found = await perfunctory.judge(self._office, desk.session, desk.case, text)
        if found is None or text == draft.text:
            return await self._approve(desk, draft, text, hold)
        await approving.check(desk, draft, text)
        draft.text = text
        desk.case.version += 1
        record(
            desk.session, desk.case, EventKind.DRAFTED, actor=desk.actor, evasive=str(found.kind)
        )
        await desk.session.flush()
        await posting.card(self._office, desk.session, desk.case)
        again = "再发一次就照发" if desk.place == CONSOLE else "在新卡片上点“仍要发送”"
        return f"{NOT_SENT}：{perfunctory.warning(found)}请补上实际内容，或{again}。"

    async def _approve(
        self, desk: Desktop, draft: Draft, text: str, hold: timedelta | None = None
    ) -> str:
        """One review step; the last one sends."""
        if left := await approving.approve(desk, draft, text):
            await posting.card(self._office, desk.session, desk.case)
            return f"已通过第 {len(draft.approvals)} 步审核，还需 {left} 步"
        return await self._send(desk, draft, text, hold)

    async def _send(self, desk: Desktop, draft: Draft, text: str, hold: timedelta | None) -> str:
        decide(draft, DraftState.SENT, desk.actor)
        kept = still_of(text, draft.original)
        found = [self._office.library.get(one) for one in basis(draft)] if kept else []
        sources = [entry for entry in found if entry is not None]
        await posting.reply(self._office, desk.session, desk.case, text, sources, actor=desk.actor)
        if desk.place == CONSOLE:
            until = self._office.now() + (hold or self._office.rules.undo)
            await outbox.hold_reply(desk.session, case_id=key_of(desk.case), until=until)
        only = sources[0] if len(sources) == 1 else None
        learnt, buttons = await similar.offer(desk.session, desk.case, draft, only)
        line = f"已由{desk.staff.display_name}答复{learnt}"
        await finish(self._office, desk, line, buttons)
        return "已发送"

    async def _discard(self, desk: Desktop) -> None:
        """Nothing is to be sent any more, neither a reply nor what stood before it."""
        if desk.draft:
            decide(desk.draft, DraftState.DISCARDED, desk.actor)
        await supersede(desk.session, desk.case)

    def _refuse_expired(self, draft: Draft) -> None:
        if not draft.entry_id or draft.text != draft.original:
            return
        for entry in map(self._office.library.get, basis(draft)):
            if entry is None:
                raise DeskError("拟答所依据的条目已停用，请点“编辑”或“换一条”。")
            if not entry.valid_on(self._office.today()):
                raise DeskError("拟答所依据的条目不在有效期内，请点“编辑”或“换一条”。")

    def _base(self, desk: Desktop, draft: Draft, entry_id: str) -> None:
        """Let the draft rest on another entry, as if this person had looked it up."""
        entry = self._office.library.get(entry_id)
        if entry is None or not entry.valid_on(self._office.today()):
            raise DeskError("答复所依据的条目已停用或不在有效期内。")
        if draft.approvals:
            raise DeskError("这件正在审核，请单独办。")
        take_up(draft, entry)
        record(desk.session, desk.case, EventKind.DRAFTED, actor=desk.actor, entry=entry_id)

    def _turn_over(self, draft: Draft) -> None:
        for step in range(1, len(draft.candidates)):
            position = (draft.position + step) % len(draft.candidates)
            entry = self._office.library.get(draft.candidates[position]["entry_id"])
            if entry is not None:
                turn_to(draft, position, entry)
                return
        raise DeskError("别的条目都已停用，请点“编辑”写答复。")


def still_of(text: str, original: str) -> bool:
    """Whether an edited text still is what it was made of."""
    return fuzz.ratio(text, original) >= _STILL_THE_ENTRY
