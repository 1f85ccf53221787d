"""满意度: five grades asked for once, a comment, one 追评; a poor grade opens a 回访."""

from __future__ import annotations

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.channels.base import Outgoing
from bot.desk import wording
from bot.desk.callback import POOR, Callback
from bot.desk.intake import wants_more
from bot.desk.office import (
    TOPIC_OUTBOX,
    DeskError,
    Office,
    account_by_key,
    citizen_of,
    key_of,
    own_case,
    storable,
)
from bot.triage import Kind, triage
from storage import outbox, queries
from storage.ledger import record
from storage.models import Case, utcnow
from storage.terms import JUDGEABLE, CaseState, EventKind, Purpose

LONGEST_COMMENT = 500


class Satisfaction:
    """What citizens say of an answer; each action returns a short text, or raises DeskError."""

    def __init__(self, office: Office, callback: Callback) -> None:
        self._office = office
        self._callback = callback

    async def rate(self, account: str, citizen: str, case_id: int, grade: int) -> str:
        """Five grades, 1 best; the first one stands."""
        if not 1 <= grade <= len(wording.GRADES):
            raise DeskError("没有这个评价等级，请重新选择。")
        async with self._office.db.write() as session:
            case = await own_case(session, account, citizen, case_id)
            if case.state not in JUDGEABLE:
                raise DeskError(not_yet(case))
            if case.grade is not None:
                return "您已经评价过了，谢谢。"
            case.grade = grade
            record(session, case, EventKind.RATED, actor="citizen", grade=grade)
            task = await self._callback.open(session, case) if grade >= POOR else None
        self._office.notify(TOPIC_OUTBOX)
        return wording.rated(grade, task.due_at if task else None)

    async def comment(self, account: str, citizen: str, case_id: int, text: str) -> str:
        """A comment on the grade, then one 追评; the ledger only notes that there is one."""
        said = storable(text).strip()
        if not said:
            raise DeskError("意见是空的，请写上内容。")
        if len(said) > LONGEST_COMMENT:
            raise DeskError(f"最多写 {LONGEST_COMMENT} 字，您写了 {len(said)} 字，请精简。")
        async with self._office.db.write() as session:
            case = await own_case(session, account, citizen, case_id)
            if said in (case.comment, case.follow_up):  # platforms may bring a message twice
                return "已记下您的意见，谢谢。"
            told = self._note(session, case, said)
            await self._callback.heard(session, case)
        self._office.notify(TOPIC_OUTBOX)
        return told

    def _note(self, session: AsyncSession, case: Case, said: str) -> str:
        if case.grade is None:
            raise DeskError("请先选满意程度，再写意见。")
        if case.follow_up:
            raise DeskError("您已经追评过，不能再加。有别的事请直接发消息。")
        if case.comment:
            case.follow_up = said
            record(session, case, EventKind.FOLLOW_UP_COMMENTED, actor="citizen")
            return "已记下您的追评，谢谢。"
        case.comment = said
        record(session, case, EventKind.COMMENTED, actor="citizen")
        return "已记下您的意见，谢谢。之后还可以追评一次。"

    async def said(
        self, account: str, citizen: str, place: str, external_id: str, text: str
    ) -> str | None:
        """Take an answer to the message that asks for a grade; None when the text is to be
        received like any other: it asks something, or was no answer to such a message."""
        async with self._office.db.read() as session:
            asked = await outbox.standing_as(session, place, external_id, [Purpose.RATING])
            case = await session.get(Case, asked.case_id) if asked and asked.case_id else None
            person = await citizen_of(session, await account_by_key(session, account), citizen)
        if case is None or person is None or case.citizen_id != person.id:
            return None
        if case.state not in JUDGEABLE or case.follow_up or to_be_answered(text):
            return None
        if case.grade is not None:
            return await self.comment(account, citizen, key_of(case), text)
        if text.strip() in wording.GRADES:
            grade = wording.GRADES.index(text.strip()) + 1
            return await self.rate(account, citizen, key_of(case), grade)
        return None

    async def ask(self, account: str, citizen: str) -> str:
        """The citizen wants to grade: ask about their newest answered case."""
        async with self._office.db.write() as session:
            person = await citizen_of(session, await account_by_key(session, account), citizen)
            found = await queries.cases_of(session, key_of(person), 50) if person else []
            rateable = [one for one in found if one.state in JUDGEABLE and one.grade is None]
            if not rateable:
                return "现在没有可以评价的答复。"
            case = rateable[0]
            if not await ask_once(session, case):
                await _ask(session, case, wording.ASK_RATING, f":{utcnow().timestamp()}")
        self._office.notify(TOPIC_OUTBOX)
        return f"请评价这件事：{case.subject[:30]}"


async def ask_once(session: AsyncSession, case: Case, text: str = wording.ASK_RATING) -> bool:
    """Ask for a grade unless there is one, or it was asked for before; whether it is now."""
    if case.grade is not None or not await _ask(session, case, text):
        return False
    record(session, case, EventKind.RATING_ASKED)
    return True


async def _ask(session: AsyncSession, case: Case, text: str, mark: str = "") -> bool:
    outgoing = Outgoing(text, wording.grade_rows(key_of(case)), reply_to=case.reply_to)
    return await outbox.enqueue(
        session,
        account_id=case.account_id,
        place=case.place,
        purpose=Purpose.RATING,
        payload=outgoing.to_json(),
        dedupe=f"rating:{case.id}{mark}",
        case_id=case.id,
    )


def not_yet(case: Case) -> str:
    """Why a case cannot be judged."""
    if case.state == CaseState.REPLYING:
        return "答复刚发出，请过几秒再点一次。"
    return "这件事还在办理中，答复后再请您评价。"


def to_be_answered(text: str) -> bool:
    """Whether words said about a grade are more than that: a question, or a call for help."""
    verdict = triage(text)
    return verdict.asks or verdict.kind is Kind.EMERGENCY or wants_more(text)
