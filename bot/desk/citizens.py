"""What citizens do beside writing: choose, judge, rate, look up, have themselves erased."""

from __future__ import annotations

from sqlalchemy import func
from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.channels.base import Outgoing
from bot.desk import held, menu, pauses, wording
from bot.desk.answering import Answering
from bot.desk.drafting import choice_number, decide
from bot.desk.office import (
    TOPIC_OUTBOX,
    DeskError,
    Office,
    account_by_key,
    citizen_of,
    key_of,
    locked_cases_of,
    own_case,
)
from bot.desk.retention import ERASED, anonymise, forget, remove_files
from bot.desk.satisfaction import ask_once, not_yet
from bot.desk.turns import not_helpful
from knowledge.matcher import Match
from storage import outbox, queries
from storage.ledger import record
from storage.models import Case, Citizen, Draft, Message, utcnow
from storage.terms import (
    JUDGEABLE,
    OPEN_STATES,
    CaseState,
    DraftKind,
    DraftState,
    EventKind,
)

_STANDING = 3


class Citizens:
    """Citizen actions; each returns a short text for them, or raises DeskError with one."""

    def __init__(self, office: Office, answering: Answering) -> None:
        self._office = office
        self._answering = answering

    async def choose(self, account: str, citizen: str, case_id: int, number: int | None) -> str:
        """Take the choice whose button carries ``number``; None is none of them: a person."""
        match = await self._answering.look_up(case_id)
        async with self._office.db.write() as session:
            case = await own_case(session, account, citizen, case_id)
            draft = await queries.open_draft(session, case_id)
            offered = draft is not None and draft.kind == DraftKind.CHOICES
            if case.state != CaseState.CLARIFYING or draft is None or not offered:
                raise DeskError("这个问题已经处理过了，有新的问题请直接发给我。")
            case.version += 1
            case.consider_at = None
            await self._take(session, case, draft, number, match)
        self._office.notify(TOPIC_OUTBOX)
        return "好的，正在转给工作人员。" if number is None else "好的，马上回复您。"

    async def _take(
        self, session: AsyncSession, case: Case, draft: Draft, number: int | None, match: Match
    ) -> None:
        position = -1 if number is None else number - choice_number(draft, 0)
        if number is not None and not 0 <= position < len(draft.candidates):
            raise DeskError("这组选项已经过时，请看最新的一组。")
        entry_id = draft.candidates[position]["entry_id"] if number is not None else ""
        decide(draft, DraftState.SENT if entry_id else DraftState.DISCARDED, "citizen")
        record(session, case, EventKind.CHOSEN, actor="citizen", entry=entry_id)
        await session.flush()
        if entry_id:
            await self._answering.answer(session, case, [entry_id], match)
        else:
            await self._answering.hand_over(session, case, match)

    async def helpful(self, account: str, citizen: str, case_id: int) -> str:
        """有帮助: the case is 办结, confirmed; the rating is asked once."""
        async with self._office.db.write() as session:
            case = await own_case(session, account, citizen, case_id)
            if case.state not in JUDGEABLE:
                raise DeskError(not_yet(case))
            if case.state == CaseState.ANSWERED:
                case.state, case.resolved_at = CaseState.RESOLVED, utcnow()
                case.version += 1
                record(session, case, EventKind.HELPFUL, actor="citizen")
                record(session, case, EventKind.RESOLVED, actor="citizen", confirmed=True)
            await ask_once(session, case)
        self._office.notify(TOPIC_OUTBOX)
        return "谢谢您的反馈。"

    async def unhelpful(self, account: str, citizen: str, case_id: int) -> str:
        """没解决: the clock is restored to its start and a person takes over."""
        match = await self._answering.look_up(case_id)
        async with self._office.db.write() as session:
            case = await own_case(session, account, citizen, case_id)
            if case.state not in JUDGEABLE:
                raise DeskError("这件事正在办理，工作人员会回复您。")
            not_helpful(session, case, "没解决")
            await self._answering.hand_over(session, case, match)
        self._office.notify(TOPIC_OUTBOX)
        return "抱歉没帮到您，已转给工作人员。"

    async def typed(self, account: str, citizen: str, words: str) -> str:
        """The action of a verdict's or a grade's button whose title was typed; "" for none.

        Only the newest messages count. A choice that is asked for is typed to the desk itself.
        """
        async with self._office.db.read() as session:
            known = await account_by_key(session, account)
            sent = await outbox.last_sent(session, key_of(known), citizen, _STANDING)
        rows = [row for one in sent for row in Outgoing.from_json(one.payload).buttons]
        titles = {one.title: one.action for row in reversed(rows) for one in row}
        action = titles.get(words, "")
        return "" if action.startswith("c:choose") else action

    async def heard(self, account: str, citizen: str) -> None:
        """A citizen did something that lets the account write to them for a while."""
        async with self._office.db.write() as session:
            known = await account_by_key(session, account)
            person = await citizen_of(session, known, citizen)
            if person is not None:
                await held.release(self._office, session, known, person, self._office.now())

    async def followed(self, account: str, citizen: str, *, follows: bool) -> None:
        """A citizen follows the account, or does not any more and cannot be written to."""
        async with self._office.db.write() as session:
            person = await self._person(session, account, citizen)
            if person is not None:
                person.reachable = follows

    async def cases(self, account: str, citizen: str) -> str:
        """My questions and how they stand."""
        async with self._office.db.read() as session:
            person = await self._person(session, account, citizen)
            found = await queries.cases_of(session, key_of(person)) if person else []
        shown = [case for case in found if case.state != CaseState.CLOSED]
        if not shown:
            return "您还没有提过问题，直接发给我就行。"
        return "\n\n".join(["您最近的诉求：", *(_line(case) for case in shown)])

    async def stored(self, account: str, citizen: str) -> str:
        """What is kept about this person."""
        async with self._office.db.read() as session:
            person = await self._person(session, account, citizen)
            if person is None:
                return "我们没有保存您的任何信息。"
            cases = await _count(session, Case, person)
            messages = await _count(session, Message, person)
        return (
            "我们保存了这些信息，只用于答复您和考核办理质量：\n"
            f"· 平台编号和昵称（{person.display_name or '无'}）\n"
            f"· 您发来的 {messages} 条消息（连同附件）、勾选的步骤和我们的回复\n"
            f"· {cases} 件诉求的办理记录\n"
            "不需要时可以要求删除，删除后只留下不含个人信息的统计数字。"
        )

    async def erase(self, account: str, citizen: str) -> str:
        """Remove what identifies this person or was said or sent; the events without them stay."""
        files: list[str] = []
        async with self._office.db.write() as session:
            person = await self._person(session, account, citizen)
            if person is None:
                return "我们没有保存您的任何信息。"
            for case in await locked_cases_of(session, person):
                await pauses.end(self._office, session, case, "群众撤回")
                files += await forget(session, case, "citizen", ERASED)
            await anonymise(session, person, "citizen", "citizen.erase")
        await remove_files(self._office, files)
        return "已删除您的信息。正在办理的诉求也已撤回，需要时请重新提问。"

    async def menu(self) -> list[tuple[str, list[str]]]:
        """Topics with their standard questions, what is asked for most first."""
        return await menu.topics(self._office)

    async def _person(self, session: AsyncSession, account: str, citizen: str) -> Citizen | None:
        return await citizen_of(session, await account_by_key(session, account), citizen)


def _line(case: Case) -> str:
    state = CaseState(case.state)
    subject = case.subject if len(case.subject) <= 30 else f"{case.subject[:29]}…"
    subject = subject or "（没有文字）"
    into = f"到 #{case.merged_into}" if case.merged_into else ""
    if case.paused_at is not None:
        return f"#{case.id} {subject}\n等您补充，请看我们发给您的问题，直接回复"
    line = f"#{case.id} {subject}\n{state.label}{into}"
    if state in OPEN_STATES and case.due_at is not None:
        line += f"，最晚{wording.spoken_day(case.due_at)}前回复"
    return line


async def _count(session: AsyncSession, table: type[Case | Message], person: Citizen) -> int:
    query = select(func.count()).select_from(table).where(col(table.citizen_id) == person.id)
    return (await session.exec(query)).one()
