"""What every part of the desk works with: the database, the knowledge, the rules."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

from sqlmodel import col, select
from sqlmodel.ext.asyncio.session import AsyncSession

from bot.assessment.scorecard import Scorecard
from bot.channels.base import Attachment, Capabilities
from bot.clock import SHANGHAI, Calendar
from bot.deadlines import Profile
from bot.desk.library import Library
from bot.desk.premises import Premises
from bot.passage import Passage
from bot.reports.model import Letterhead
from storage.coordination import Coordination
from storage.db import Database
from storage.files import FileStore
from storage.models import Account, Case, Citizen, Delivery

TOPIC_CONSIDER = "consider"
TOPIC_OUTBOX = "outbox"
_PLAIN = Capabilities(max_length=4000)


@dataclass(frozen=True, slots=True)
class Rules:
    """How this office works; durations and limits are the configuration's."""

    profile: Profile
    calendar: Calendar
    burst: timedelta = timedelta(seconds=1.5)
    settle: timedelta = timedelta(seconds=0.4)
    acknowledge: bool = True
    resolve_after_days: int = 7
    snooze: timedelta = timedelta(minutes=30)
    undo: timedelta = timedelta(seconds=8)
    departments: tuple[str, ...] = ()
    extensions: int = 1
    extension_workdays: int = 15
    supplement_workdays: int = 5
    transfer_workdays: int = 1
    callback_workdays: int = 5
    keep_citizen_days: int = 0
    menu_days: int = 30
    menu_pins: tuple[str, ...] = ()
    staff_account: str = "telegram"
    staff_place: str = ""
    lease: timedelta = timedelta(seconds=60)
    max_attempts: int = 12
    backoff: timedelta = timedelta(seconds=2)
    backoff_limit: timedelta = timedelta(minutes=10)
    scorecards: tuple[Scorecard, ...] = ()
    letterhead: Letterhead = field(default_factory=Letterhead)


@dataclass(frozen=True, slots=True)
class Office:
    """The shared equipment of the desk's parts."""

    db: Database
    library: Library
    coordination: Coordination
    rules: Rules
    capabilities: Mapping[str, Capabilities] = field(default_factory=dict)
    premises: Premises = field(default_factory=Premises)
    passage: Passage | None = None
    files: FileStore | None = None

    def can(self, account: Account) -> Capabilities:
        """What this account's platform carries; of one that is not open here, the usual."""
        return self.capabilities.get(account.key, _PLAIN)

    def now(self) -> datetime:
        return datetime.now(UTC)

    def today(self) -> date:
        return self.now().astimezone(SHANGHAI).date()

    def notify(self, topic: str) -> None:
        self.coordination.notify(topic)


@dataclass(frozen=True, slots=True)
class Inbound:
    """One citizen message as a door parsed it.

    ``external_id`` is unique in the account; ``place`` is the chat an answer goes to and
    ``thread`` the conversation in it; ``reply_to`` is the platform's id to quote. ``sent_at``
    is the platform's own time, aware. ``post`` is the platform's id of what is commented on.
    """

    account: str
    citizen: str
    name: str
    kind: str
    place: str
    thread: str
    external_id: str
    text: str
    sent_at: datetime
    attachments: tuple[Attachment, ...] = ()
    reply_to: str = ""
    post: str = ""
    post_title: str = ""

    def __post_init__(self) -> None:
        for name in ("text", "name", "post_title"):
            object.__setattr__(self, name, storable(getattr(self, name)))


_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def storable(text: str) -> str:
    """The text without what no database takes: NUL and lone surrogates."""
    return _UNSTORABLE.sub("", text)


class DeskError(Exception):
    """Something the person who acted must be told; the text is for them."""


async def account_by_key(session: AsyncSession, key: str) -> Account:
    """The account; LookupError when the program never registered it."""
    account = (await session.exec(select(Account).where(Account.key == key))).first()
    if account is None:
        raise LookupError(key)
    return account


async def citizen_of(session: AsyncSession, account: Account, external_id: str) -> Citizen | None:
    """The citizen with this platform id, if they ever wrote."""
    query = select(Citizen).where(
        Citizen.account_id == account.id, Citizen.external_id == external_id
    )
    return (await session.exec(query)).first()


async def locked_case(session: AsyncSession, case_id: int) -> Case | None:
    """The case, held against other writers until the transaction ends."""
    return (await locked_cases(session, [case_id])).get(case_id)


async def locked_cases(session: AsyncSession, case_ids: Collection[int]) -> dict[int, Case]:
    """Cases, each held as by :func:`locked_case`, in an order in which nobody waits for ever."""
    query = select(Case).where(col(Case.id).in_(case_ids)).order_by(col(Case.id))
    return {key_of(one): one for one in await session.exec(query.with_for_update())}


async def locked_cases_of(session: AsyncSession, citizen: Citizen) -> list[Case]:
    """All a citizen's cases, held before anything that hangs on them is touched."""
    query = select(Case.id).where(Case.citizen_id == citizen.id)
    found = [number for number in await session.exec(query) if number is not None]
    return list((await locked_cases(session, found)).values())


async def own_case(session: AsyncSession, account: str, citizen: str, case_id: int) -> Case:
    """A citizen's case, held. Raises DeskError when it is not theirs."""
    person = await citizen_of(session, await account_by_key(session, account), citizen)
    case = await locked_case(session, case_id)
    if case is None or person is None or case.citizen_id != person.id:
        raise DeskError("这不是您的诉求，只有提问的人能操作。")
    return case


def key_of(row: Account | Case | Citizen | Delivery) -> int:
    """The primary key of a stored row."""
    assert row.id is not None  # noqa: S101
    return row.id
