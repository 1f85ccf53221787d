"""A real desk on a real database with a channel that keeps what it is given."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import TypeVar

from sqlmodel import SQLModel, col, select

from bot.channels.base import Attachment, Capabilities, Outgoing, SendError
from bot.clock import Calendar
from bot.deadlines import profiles
from bot.desk import Desk, Inbound, Library, Office, Receipt, Rules
from bot.ledger import verify
from knowledge.bundles import Bundle, Stage, Step
from knowledge.catalog import Entry, Link
from knowledge.matcher import Policy
from storage import entries, queries
from storage.coordination import Coordination, LocalCoordination
from storage.db import Database
from storage.models import Account, Case, CaseEvent, Delivery, Staff

STAFF_PLACE = "-900"
Row = TypeVar("Row", bound=SQLModel)
PEOPLE = (("张三", "坐席"), ("李四", "审核"), ("王五", "主管"))

ENTRIES = (
    Entry(
        "id-lost",
        "身份证丢失怎么补领",
        "带户口簿到任一派出所补领，20 个工作日内取证。",
        similar=("身份证丢了怎么办", "身份证不见了去哪补办"),
        department="市公安局",
        topic="户籍",
        basis="《中华人民共和国居民身份证法》第十一条",
        links=(Link("预约补领", "https://zwfw.yunchuan.example/sfz"),),
        automatic=True,
    ),
    Entry(
        "card-lost",
        "社保卡丢失怎么补办",
        "先打 12333 挂失，再到社保卡服务网点补办，当场拿卡。",
        similar=("社保卡丢了怎么补", "社会保障卡不见了"),
        department="市人社局",
        topic="社保",
        automatic=True,
    ),
    Entry(
        "fund-rent",
        "租房怎么提取公积金",
        "在公积金小程序选租房提取，3 个工作日到账。",
        similar=("公积金租房提取要什么材料", "租房子能取公积金吗"),
        department="市住房公积金管理中心",
        topic="公积金",
        automatic=True,
    ),
    Entry(
        "low-income",
        "低保怎么申请",
        "向户籍所在街道提出申请，入户核查后公示。",
        similar=("申请最低生活保障要什么条件",),
        department="市民政局",
        topic="民政",
        automatic=False,
    ),
)

MOVED = Bundle(
    "一件事-搬家",
    "搬家",
    "搬家后要办什么",
    ("搬家以后要办哪些手续", "搬新家都要办什么"),
    (
        Stage("先办", (Step("id-lost", "换身份证", ("户口簿", "房产证")),)),
        Stage("再办", (Step("card-lost", "换社保卡", ("身份证", "户口本（原件）")),)),
    ),
    approved=True,
)
"""A 一件事 over two of the entries."""


@dataclass
class MemoryChannel:
    """A channel that delivers into a list; ``failures`` are raised first, one a send."""

    capabilities: Capabilities = field(
        default_factory=lambda: Capabilities(
            max_length=500, per_second=0, reply_window=timedelta(hours=48)
        )
    )
    failures: list[SendError] = field(default_factory=list)
    sent: list[tuple[str, Outgoing]] = field(default_factory=list)
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    async def send(self, place: str, outgoing: Outgoing) -> str:
        if self.failures:
            raise self.failures.pop(0)
        self.sent.append((place, outgoing))
        return outgoing.edits or str(next(self.numbers))

    async def probe(self) -> str:
        if self.failures:
            raise self.failures.pop(0)
        return "@yunchuan_bot"

    async def close(self) -> None:
        self.sent.clear()


@dataclass
class Town:
    """An office with one citizen account and a staff chat, and ways to act on it."""

    db: Database
    desk: Desk
    channel: MemoryChannel
    numbers: itertools.count[int] = field(default_factory=lambda: itertools.count(1))

    async def say(
        self,
        text: str,
        citizen: str = "7001",
        *,
        kind: str = "direct",
        place: str = "",
        thread: str = "",
        at: datetime | None = None,
        external_id: str = "",
        post: str = "",
        attachments: tuple[Attachment, ...] = (),
    ) -> int:
        """A citizen message through the intake; returns its case."""
        inbound = self.inbound(text, citizen, at=at)
        number = next(self.numbers)
        place = place or citizen
        inbound = replace(
            inbound,
            kind=kind,
            place=place,
            thread=thread or place,
            external_id=external_id or f"{place}:{number}",
            attachments=attachments,
            post=post,
            reply_to=str(number) if kind == "comment" else "",
        )
        return (await self.desk.intake.receive(inbound)).case_id

    def inbound(self, text: str, citizen: str = "7001", at: datetime | None = None) -> Inbound:
        return Inbound(
            account="telegram",
            citizen=citizen,
            name="小李",
            kind="direct",
            place=citizen,
            thread=citizen,
            external_id=f"{citizen}:x",
            text=text,
            sent_at=at or datetime.now(UTC),
        )

    async def comment(self, text: str, citizen: str, post: str = "p1") -> int:
        """A comment under a post; returns its case."""
        place = f"comment/{citizen}/{post}"
        return await self.say(text, citizen, kind="comment", place=place, post=post)

    async def edit(self, text: str, external_id: str) -> Receipt | None:
        """The citizen edits one of their messages."""
        inbound = replace(self.inbound(text), external_id=external_id)
        return await self.desk.intake.edit(inbound)

    async def settle(self) -> None:
        """Let the desk decide and deliver everything, as if all waiting times had passed."""
        while True:
            await self._hurry()
            decided = await self.desk.answering.consider_due()
            tried = await self.desk.dispatch.deliver_due()
            if not decided and not tried:
                return

    async def _hurry(self) -> None:
        async with self.db.write() as session:
            past = datetime.now(UTC) - timedelta(seconds=1)
            for case in await session.exec(select(Case).where(col(Case.consider_at).is_not(None))):
                case.consider_at = past
            for row in await session.exec(select(Delivery).where(Delivery.state == "pending")):
                row.due_at = past

    async def ask(self, text: str, citizen: str = "7001") -> int:
        """Say something and let everything happen."""
        case_id = await self.say(text, citizen)
        await self.settle()
        return case_id

    async def waiting(self, text: str = "低保怎么申请", citizen: str = "7001") -> tuple[int, int]:
        """A case before staff, and its version."""
        case_id = await self.ask(text, citizen)
        case = await self.case(case_id)
        assert case.state == "waiting"
        return case_id, case.version

    async def answered(self, text: str, entry_id: str, citizen: str = "7001") -> int:
        """A case that staff answered by this entry, wherever among the candidates it stood."""
        case_id, version = await self.waiting(text, citizen)
        staff, review = await self.staff(), self.desk.review
        while await self._drafted(case_id) != entry_id:
            await review.other(staff, case_id, version, STAFF_PLACE)
            await self.settle()
            version = (await self.case(case_id)).version
        await review.adopt(staff, case_id, version, STAFF_PLACE)
        await self.settle()
        return case_id

    async def _drafted(self, case_id: int) -> str:
        async with self.db.read() as session:
            draft = await queries.open_draft(session, case_id)
        return draft.entry_id if draft else ""

    async def staff(self, number: int = 0) -> Staff:
        """One of ``PEOPLE``."""
        staff = await self.desk.review.staff_by_telegram(f"90{number}")
        assert staff is not None
        return staff

    def to(self, place: str) -> list[Outgoing]:
        """What was sent to a place, oldest first."""
        return [outgoing for where, outgoing in self.channel.sent if where == place]

    async def case(self, case_id: int) -> Case:
        async with self.db.read() as session:
            return await session.get_one(Case, case_id)

    async def kinds(self, case_id: int) -> list[str]:
        """The kinds of a case's events, in order."""
        async with self.db.read() as session:
            query = select(CaseEvent).where(CaseEvent.case_id == case_id)
            found = list(await session.exec(query))
        return [one.kind for one in sorted(found, key=lambda one: one.id or 0)]

    async def events(self, kind: str) -> list[CaseEvent]:
        """All events of a kind, in the order they were recorded."""
        return [one for one in await self.rows(CaseEvent) if one.kind == kind]

    async def agrees(self) -> None:
        """Whatever was done, the tables say what the ledger says."""
        assert await verify(self.db, "test", datetime.now(UTC)) == []

    async def rows(self, table: type[Row]) -> list[Row]:
        """Everything a table holds, oldest first where it has numbers."""
        async with self.db.read() as session:
            found = list(await session.exec(select(table)))
        return sorted(found, key=lambda row: getattr(row, "id", 0) or 0)


async def build_town(
    db: Database,
    *,
    rules: Rules | None = None,
    known: Sequence[Entry] = ENTRIES,
    review_steps: int = 1,
    coordination: Coordination | None = None,
    bundles: Sequence[Bundle] = (),
) -> Town:
    """An office on a migrated, empty database."""
    await found_town(db, known, review_steps)
    return await open_town(db, rules, coordination, bundles)


async def found_town(db: Database, known: Sequence[Entry] = ENTRIES, review_steps: int = 1) -> None:
    """Put the account, its people and what they know into a migrated, empty database."""
    async with db.write() as session:
        session.add(
            Account(key="telegram", platform="Telegram", name="云川发布", review_steps=review_steps)
        )
        for number, (name, role) in enumerate(PEOPLE):
            session.add(
                Staff(login=f"s{number}", display_name=name, role=role, telegram_id=f"90{number}")
            )
        await entries.save(session, known, "test")


async def open_town(
    db: Database,
    rules: Rules | None = None,
    coordination: Coordination | None = None,
    bundles: Sequence[Bundle] = (),
) -> Town:
    """The office whose account, people and knowledge are in the database."""
    library = Library(db, Policy(), bundles=bundles)
    await library.refresh()
    channel = MemoryChannel()
    office = Office(
        db=db,
        library=library,
        coordination=coordination or LocalCoordination(),
        rules=rules or office_rules(),
        capabilities={"telegram": channel.capabilities},
    )
    return Town(db, Desk(office, {"telegram": channel}), channel)


def office_rules() -> Rules:
    return Rules(profile=profiles()["guangdong_2022"], calendar=Calendar(), staff_place=STAFF_PLACE)
