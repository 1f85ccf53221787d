"""Asking a member of staff to type something, and knowing what a typed answer is for."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.channels.base import Outgoing
from bot.desk.office import Office, account_by_key, key_of
from storage import outbox
from storage.models import Case, Staff, utcnow
from storage.terms import Purpose

REPLY = "send"  # the verb of a text for the citizen, and of every reply to a card
_ASKING = (Purpose.CARD, Purpose.PROMPT)
_NOTING_ROUNDS, _NOTING_SECONDS = 10, 0.1


@dataclass(frozen=True, slots=True)
class Asked:
    """What an answered message stands for: the case as it was, and what the text is to do."""

    case_id: int
    version: int
    verb: str = REPLY
    argument: str = ""


async def ask(
    office: Office,
    session: AsyncSession,
    staff: Staff,
    place: str,
    case: Case,
    text: str,
    *,
    verb: str = REPLY,
    argument: str = "",
    copy_text: str = "",
) -> None:
    """Put the request for a text to this person into ``place``; ``text`` follows their name."""
    outgoing = Outgoing(
        f"{staff.display_name}，{text}",
        copy_text=copy_text,
        ask_reply=True,
        person=staff.telegram_id or "",
        person_name=staff.display_name,
    )
    account = await account_by_key(session, office.rules.staff_account)
    await outbox.enqueue(
        session,
        account_id=key_of(account),
        place=place,
        purpose=Purpose.PROMPT,
        payload=outgoing.to_json(),
        dedupe=f"prompt:{case.id}:{case.version}:{staff.id}:{utcnow().timestamp()}",
        case_id=case.id,
        context={"version": case.version, "verb": verb, "argument": argument},
    )


async def answered(office: Office, place: str, external_id: str) -> Asked | None:
    """What a card or prompt message stands for; None when it is neither."""
    for _ in range(_NOTING_ROUNDS):
        async with office.db.read() as session:
            found = await outbox.standing_as(session, place, external_id, _ASKING)
            noting = found is None and await outbox.in_flight(session, place)
        if found is not None and found.case_id is not None:
            context = found.context
            verb, argument = context.get("verb", REPLY), context.get("argument", "")
            return Asked(found.case_id, int(context["version"]), verb, argument)
        if not noting:
            return None
        # The platform shows a message before we have noted its id.
        await asyncio.sleep(_NOTING_SECONDS)
    return None
