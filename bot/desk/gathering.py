"""同问: which comments under one post ask the same, found when a case is put before staff.

Who stands apart however many there are: whoever is in danger, wants a person, tells of
circumstances of their own, sent more than one message, or was answered before. A complaint or a
plea stands with others only in their very words.
"""

from __future__ import annotations

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.desk import posting
from bot.desk.drafting import basis
from bot.desk.office import Office, key_of
from bot.desk.repeats import alike
from bot.triage import Category, Kind, Triage
from knowledge.masking import mask
from storage import crowds, queries
from storage.models import Case, Draft, Message

SURELY = 0.5
"""How probable an entry is, at least, that one answer to many may rest on."""
_ALIKE, _VERBATIM = 75, 90
_LETTER = 120  # who writes more tells of matters of their own
_COMMON = (Category.CONSULT, Category.SUGGESTION)


async def gather(session: AsyncSession, case: Case, verdict: Triage, draft: Draft) -> None:
    """Put a case that is before staff now with those under its post that ask the same."""
    case.crowd_id = None
    if case.kind != "comment" or not case.post:
        return
    message = await crowds.only_message(session, key_of(case))
    if message is not None and _common(verdict, message):
        common = verdict.category in _COMMON
        case.crowd_id = await _crowd(session, case, message.text, draft, common)


async def card(office: Office, session: AsyncSession, case: Case) -> None:
    """Show a case to staff; of those who ask the same the first, the tenth, the hundredth…"""
    if case.crowd_id is not None:
        if str(await _size(session, case, case.crowd_id)).strip("0") != "1":
            return
        await session.flush()
    await posting.card(office, session, case)


async def _size(session: AsyncSession, case: Case, crowd_id: int) -> int:
    """How many wait in a crowd, with those that this transaction has not written down yet."""
    gathered: dict[int, set[int]] = session.info.setdefault("gathered", {})
    own = gathered.setdefault(crowd_id, set())
    own.add(key_of(case))
    return await queries.together(session, crowd_id, but=own) + len(own)


def _common(verdict: Triage, message: Message) -> bool:
    """Whether what is asked may be anybody's question."""
    if verdict.kind in (Kind.EMERGENCY, Kind.MANIPULATION) or verdict.wants_person:
        return False
    text = message.text
    return not message.attachments and len(text) <= _LETTER and mask(text) == text


async def _crowd(
    session: AsyncSession, case: Case, text: str, draft: Draft, common: bool
) -> int | None:
    entries = basis(draft)
    if common and len(entries) == 1 and draft.probability >= SURELY:
        return (await crowds.about(session, case, entries[0])).id
    known = [(alike(text, said), number) for number, said in await crowds.heads(session, case)]
    likeness, nearest = max(known, default=(0, 0))
    if likeness >= (_ALIKE if common else _VERBATIM):
        return nearest
    return (await crowds.apart(session, case)).id
