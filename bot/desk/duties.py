"""What the desk does by the clock: reminders, the morning digest, 办结 without objection."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import col, select

from bot.channels.base import Outgoing
from bot.clock import SHANGHAI
from bot.desk import posting, wording
from bot.desk.answering import Answering
from bot.desk.escalation import escalate
from bot.desk.learning import Learning
from bot.desk.office import TOPIC_OUTBOX, Office, account_by_key
from bot.desk.satisfaction import ask_once
from storage import queries, shelf
from storage.ledger import record
from storage.models import Account, Case
from storage.terms import CaseState, EventKind, Purpose

_CLARIFY_PATIENCE = timedelta(minutes=30)


class Duties:
    """Scheduled work; each call is safe to repeat and never closes an unanswered case."""

    def __init__(self, office: Office, answering: Answering, learning: Learning) -> None:
        self._office = office
        self._answering = answering
        self._learning = learning

    async def remind(self) -> int:
        """Tell staff of every deadline point passed since it was last looked; returns how many."""
        told = await escalate(self._office)
        if told:
            self._office.notify(TOPIC_OUTBOX)
        return told

    async def hand_over_quiet(self) -> int:
        """Put before staff who was asked back and left it unanswered; returns how many."""
        handed = await self._answering.hand_over_unanswered(_CLARIFY_PATIENCE)
        if handed:
            self._office.notify(TOPIC_OUTBOX)
        return handed

    async def morning(self) -> None:
        """The digest, on working days only."""
        if self._office.rules.calendar.is_workday(self._office.today()):
            await self.digest()

    async def digest(self) -> None:
        """The morning's figures for staff."""
        now = self._office.now()
        day = now.astimezone(SHANGHAI).date()
        learnable = await self._learning.waiting()
        async with self._office.db.write() as session:
            waiting = await queries.waiting_count(session)
            overdue = await queries.overdue_count(session, now)
            soon = await queries.due_before(session, now, now + timedelta(days=1))
            came = await queries.opened_since(session, now - timedelta(days=1))
            text = (
                f"{day.month}月{day.day}日晨报\n"
                f"待人工 {waiting} 件（超期 {overdue} 件，24 小时内到期 {soon} 件）\n"
                f"过去 24 小时新增诉求 {came} 件"
            )
            ageing = await shelf.counts(session, day)
            names = {"expired": "已过期", "soon": "30 天内到期", "review": "该复核"}
            old = [f"{name} {ageing[state]} 条" for state, name in names.items() if ageing[state]]
            if old:
                text += f"\n知识库：{'、'.join(old)}，在工作台“知识库”里处理"
            if learnable:
                text += f"\n可以学的：{learnable}，用 wenban kb learn list 查看"
            await posting.to_staff(
                self._office, session, Outgoing(text), Purpose.DIGEST, f"digest:{day}"
            )
        self._office.notify(TOPIC_OUTBOX)

    async def resolve_unopposed(self) -> int:
        """办结 for answers nobody objected to within the configured days; returns how many.

        Imported history has no channel to object by, and is left as it was.
        """
        limit = self._office.now() - timedelta(days=self._office.rules.resolve_after_days)
        query = (
            select(Case)
            .where(
                Case.state == CaseState.ANSWERED, col(Case.answered_at) < limit, Case.place != ""
            )
            .limit(500)
            .with_for_update(skip_locked=True)
        )
        async with self._office.db.write() as session:
            quiet = list(await session.exec(query))
            for case in quiet:
                case.state, case.resolved_at = CaseState.RESOLVED, self._office.now()
                case.version += 1
                record(session, case, EventKind.RESOLVED, confirmed=False)
                account = await session.get_one(Account, case.account_id)
                if self._office.can(account).buttons:  # where a grade can be pressed
                    await ask_once(session, case, wording.RESOLVED.format(case=case.id))
        if quiet:
            self._office.notify(TOPIC_OUTBOX)
        return len(quiet)

    async def publication(self, account: str, at: datetime) -> None:
        """Note that the account published something."""
        async with self._office.db.write() as session:
            row = await account_by_key(session, account)
            if row.last_published_at is None or row.last_published_at < at:
                row.last_published_at = at
