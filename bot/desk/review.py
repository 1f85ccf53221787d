"""What staff do with a case: each action names the version of the case it was decided on."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from rapidfuzz import fuzz
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.channels.base import Attachment, Outgoing
from bot.desk import cards, posting
from bot.desk.drafting import decide
from bot.desk.office import (
    TOPIC_OUTBOX,
    DeskError,
    Office,
    account_by_key,
    key_of,
    locked_case,
    storable,
)
from bot.desk.wording import answer_text
from knowledge.screen import screen
from storage import entries, outbox, queries
from storage.ledger import audit, record
from storage.models import Account, Case, Draft, Staff, utcnow
from storage.terms import CaseState, DraftState, EventKind, Purpose, Role

_STILL_THE_ENTRY = 50  # below, an edited text is the person's own and carries no entry's links
_NOTING_ROUNDS, _NOTING_SECONDS = 10, 0.1
_MAY_REVIEW = {Role.REVIEWER, Role.SUPERVISOR, Role.ADMIN}


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


class Review:
    """Staff actions; each returns a short text for the person, or raises DeskError with one."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def staff_by_telegram(self, telegram_id: str) -> Staff | None:
        async with self._office.db.read() as session:
            return await queries.staff_by_telegram(session, telegram_id)

    async def adopt(self, staff: Staff, case_id: int, version: int, place: str) -> str:
        """Approve the draft as it stands."""
        async with self._acting("adopt", staff, case_id, version, place) as desk:
            if desk.draft is None or not desk.draft.text:
                raise DeskError("还没有拟答，请点“编辑”写答复。")
            self._refuse_expired(desk.draft)
            return await self._approve(desk, desk.draft, desk.draft.text)

    async def send(self, staff: Staff, case_id: int, version: int, place: str, text: str) -> str:
        """Approve the draft with this text in its place."""
        async with self._acting("send", staff, case_id, version, place) as desk:
            if not text.strip():
                raise DeskError("答复是空的，请写上内容再发。")
            draft = desk.draft
            if draft is None:
                draft = Draft(case_id=case_id)
                desk.session.add(draft)
            return await self._approve(desk, draft, storable(text).strip())

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
            await posting.card(self._office, desk.session, desk.case, place)
            return "已换一条"

    async def prompt(self, staff: Staff, case_id: int, version: int, place: str) -> str:
        """编辑: ask this person to type the reply."""
        async with self._acting("prompt", staff, case_id, version, place) as desk:
            name = staff.display_name
            outgoing = Outgoing(
                f"{name}，请回复本消息，写上诉求 #{case_id} 要发给群众的全文。",
                copy_text=desk.draft.text if desk.draft else "",
                ask_reply=True,
                person=staff.telegram_id or "",
                person_name=name,
            )
            account = await account_by_key(desk.session, self._office.rules.staff_account)
            await outbox.enqueue(
                desk.session,
                account_id=key_of(account),
                place=place,
                purpose=Purpose.PROMPT,
                payload=outgoing.to_json(),
                dedupe=f"prompt:{case_id}:{version}:{staff.id}:{utcnow().timestamp()}",
                case_id=case_id,
                context={"version": version},
            )
            return "请在下面写答复"

    async def answered(self, place: str, external_id: str) -> tuple[int, int] | None:
        """The case and version that a card or prompt message stands for."""
        for _ in range(_NOTING_ROUNDS):
            async with self._office.db.read() as session:
                found = await outbox.asked_by(session, place, external_id)
                noting = found is None and await outbox.in_flight(session, place)
            if found is not None and found.case_id is not None:
                return found.case_id, int(found.context["version"])
            if not noting:
                return None
            # The platform shows a message before we have noted its id.
            await asyncio.sleep(_NOTING_SECONDS)
        return None

    async def transfer(
        self, staff: Staff, case_id: int, version: int, place: str, department: str, reason: str
    ) -> str:
        """转办 to another 承办单位; the clock runs on."""
        async with self._acting("transfer", staff, case_id, version, place) as desk:
            before, desk.case.department = desk.case.department, department
            desk.case.assignee_id = None
            desk.case.version += 1
            record(
                desk.session,
                desk.case,
                EventKind.TRANSFERRED,
                actor=desk.actor,
                before=before,
                after=department,
                reason=reason,
            )
            await posting.card(self._office, desk.session, desk.case)
            return f"已转办：{department}"

    async def close(self, staff: Staff, case_id: int, version: int, place: str, reason: str) -> str:
        """无需答复, with a reason that the record keeps."""
        async with self._acting("close", staff, case_id, version, place) as desk:
            case = desk.case
            case.state, case.reason = CaseState.CLOSED, reason
            case.version += 1
            if desk.draft:
                decide(desk.draft, DraftState.DISCARDED, desk.actor)
            record(desk.session, case, EventKind.CLOSED, actor=desk.actor, reason=reason)
            await self._finish(desk, f"无需答复（{reason}），{staff.display_name}")
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
            if following and following.id != case_id:
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

    @asynccontextmanager
    async def _acting(
        self, verb: str, staff: Staff, case_id: int, version: int, place: str
    ) -> AsyncIterator[Desktop]:
        """One transaction on the case as the person saw it; else a fresh card and a refusal."""
        try:
            async with self._office.db.write() as session:
                case = await locked_case(session, case_id)
                yield await self._open(session, staff, place, case, version)
                audit(session, f"staff:{staff.id}", f"case.{verb}", str(case_id), version=version)
        except _StaleError as error:
            await self._refresh(case_id, place)
            raise DeskError(str(error)) from None
        finally:
            self._office.notify(TOPIC_OUTBOX)

    async def _open(
        self, session: AsyncSession, staff: Staff, place: str, case: Case | None, version: int
    ) -> Desktop:
        if case is None:
            raise DeskError("找不到这件诉求。")
        if case.state != CaseState.WAITING:
            raise DeskError(await self._who_was_first(session, case, staff))
        if case.version != version:
            raise _StaleError("对话或拟答有变化，这张卡片已过时，请看新卡片。")
        account = await session.get_one(Account, case.account_id)
        draft = await queries.open_draft(session, key_of(case))
        return Desktop(session, staff, place, case, account, draft)

    async def _who_was_first(self, session: AsyncSession, case: Case, staff: Staff) -> str:
        query = select(Draft).where(Draft.case_id == case.id, Draft.state == DraftState.SENT)
        draft = (await session.exec(query.order_by(col(Draft.id).desc()).limit(1))).first()
        if draft is not None and draft.decided_by == f"staff:{staff.id}":
            return "您已经答复过这件诉求。"
        if draft is not None and draft.decided_by.startswith("staff:"):
            other = await session.get(Staff, int(draft.decided_by.removeprefix("staff:")))
            if other is not None:
                return f"已由{other.display_name}答复，您的操作没有执行。"
        return f"这件诉求现在是“{CaseState(case.state).label}”，您的操作没有执行。"

    async def _refresh(self, case_id: int, place: str) -> None:
        async with self._office.db.write() as session:
            case = await locked_case(session, case_id)
            if case is not None:
                await posting.card(self._office, session, case, place)

    async def _approve(self, desk: Desktop, draft: Draft, text: str) -> str:
        """One review step; the last one sends."""
        self._may_approve(desk, draft)
        _refuse_unpublishable(text)
        step = {
            "staff": desk.staff.id,
            "name": desk.staff.display_name,
            "at": utcnow().isoformat(),
            "sha256": hashlib.sha256(text.encode()).hexdigest(),
            "before": draft.text,
            "after": text,
        }
        draft.approvals = [*draft.approvals, step]
        draft.text = text
        done, needed = len(draft.approvals), desk.account.review_steps
        record(
            desk.session,
            desk.case,
            EventKind.REVIEWED,
            actor=desk.actor,
            step=done,
            of=needed,
            sha256=step["sha256"],
            edited=step["before"] != text,
        )
        desk.case.version += 1
        if done < needed:
            await posting.card(self._office, desk.session, desk.case)
            return f"已通过第 {done} 步审核，还需 {needed - done} 步"
        return await self._send(desk, draft, text)

    async def _send(self, desk: Desktop, draft: Draft, text: str) -> str:
        decide(draft, DraftState.SENT, desk.actor)
        kept = fuzz.ratio(text, draft.original) >= _STILL_THE_ENTRY
        entry = self._office.library.get(draft.entry_id) if kept else None
        await posting.reply(self._office, desk.session, desk.case, text, entry, actor=desk.actor)
        await self._finish(desk, f"已由{desk.staff.display_name}答复")
        return "已发送"

    def _may_approve(self, desk: Desktop, draft: Draft) -> None:
        step = len(draft.approvals) + 1
        if any(approval["staff"] == desk.staff.id for approval in draft.approvals):
            raise DeskError("前一步是您审的，请换一位同事审核。")
        if step > 1 and desk.staff.role not in _MAY_REVIEW:
            raise DeskError("这一步要由审核或主管来做。")

    def _refuse_expired(self, draft: Draft) -> None:
        if not draft.entry_id or draft.text != draft.original:
            return
        entry = self._office.library.get(draft.entry_id)
        if entry is None:
            raise DeskError("拟答所依据的条目已停用，请点“编辑”或“换一条”。")
        if not entry.valid_on(self._office.today()):
            raise DeskError("拟答所依据的条目不在有效期内，请点“编辑”或“换一条”。")

    def _turn_over(self, draft: Draft) -> None:
        for step in range(1, len(draft.candidates)):
            position = (draft.position + step) % len(draft.candidates)
            entry = self._office.library.get(draft.candidates[position]["entry_id"])
            if entry is not None:
                draft.position, draft.entry_id = position, entry.id
                draft.probability = draft.candidates[position]["probability"]
                draft.text = draft.original = answer_text(entry)
                draft.approvals = []
                return
        raise DeskError("别的条目都已停用，请点“编辑”写答复。")

    async def _finish(self, desk: Desktop, line: str) -> None:
        """Close the standing cards and put the next case before the person."""
        await posting.retire_cards(desk.session, desk.case, cards.done(desk.case, line))
        await desk.session.flush()
        following = await queries.next_waiting(desk.session, self._office.now())
        if following is not None:
            await posting.card(self._office, desk.session, following, desk.place)


def _refuse_unpublishable(text: str) -> None:
    findings = screen(text)
    if findings:
        listed = "；".join(str(finding) for finding in findings[:3])
        raise DeskError(f"没有发送：{listed}。请修改后再发。")
