"""常用语: what staff write again and again, kept once and put into replies by a key."""

from __future__ import annotations

import re
from dataclasses import dataclass

from sqlmodel.ext.asyncio.session import AsyncSession

from bot.desk.desktop import DECIDERS
from bot.desk.editing import EDITORS
from bot.desk.office import DeskError, Office, storable
from bot.desk.placeholders import NAMES
from storage import inbox, phrases
from storage.ledger import audit
from storage.models import Phrase, Staff, utcnow
from storage.phrases import Reach

LONGEST_TITLE, LONGEST_TEXT = 30, 1000
MOST_OWN = 100
REACHES = {Reach.OWN: "只给自己", Reach.DEPARTMENT: "本单位", Reach.ALL: "大家"}
_KNOWN = re.compile("|".join(f"\\{{{name}\\}}" for name in NAMES))
_BRACED = re.compile(r"\{[^{}\n]{0,20}\}")
_FOUND = 50


@dataclass(frozen=True, slots=True)
class Wording:
    """What a person typed of a phrase; ``reach`` is one of Reach, ``department`` for its own."""

    title: str
    text: str
    reach: str = Reach.OWN
    department: str = ""


@dataclass(frozen=True, slots=True)
class Shown:
    """A phrase in the list of them: who wrote it, and whether the one who looks may change it."""

    phrase: Phrase
    writer: str
    editable: bool


class Phrases:
    """Everybody keeps their own; 审核 and above those of their departments, 主管 everybody's."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def find(self, staff: Staff, text: str = "", department: str = "") -> list[Phrase]:
        """Those this person may use with ``text`` in them, the department's own first."""
        async with self._office.db.read() as session:
            known = await phrases.within_reach(
                session, staff.id or 0, staff.departments, active=True
            )
        wanted = text.strip().lower()
        fitting = [one for one in known if wanted in f"{one.title}\n{one.text}".lower()]
        fitting.sort(key=lambda one: not department or one.department != department)
        return fitting[:_FOUND]

    async def everything(self, staff: Staff) -> list[Shown]:
        """All that this person may use or bring back, the most used first."""
        async with self._office.db.read() as session:
            known = await phrases.within_reach(
                session, staff.id or 0, staff.departments, active=False
            )
            names = await inbox.everyone(session)
        found = (
            Shown(one, names.get(one.staff_id, "同事"), _editable(staff, one)) for one in known
        )
        return [one for one in found if one.editable or one.phrase.active]

    def findings(self, text: str) -> list[str]:
        """Why the text may not be kept, in Chinese; nothing when it may."""
        said = _KNOWN.sub("", text)
        screen = self._office.library.screen
        unknown = [f"占位“{one}”不认得，只有{_names()}。" for one in _BRACED.findall(said)]
        return [*unknown, *(f"{one}。" for one in screen.blocking(_BRACED.sub("", said)))]

    async def add(self, staff: Staff, wording: Wording) -> str:
        """Keep a new phrase. Raises DeskError."""
        fresh = self._checked(staff, wording)
        async with self._office.db.write_alone() as session:
            await _room(session, staff, fresh)
            session.add(fresh)
            await session.flush()
            _note(session, staff, "add", fresh)
        return "已存为常用语"

    async def change(self, staff: Staff, phrase_id: int, version: int, wording: Wording) -> str:
        """Put this in the place of a phrase as seen in this version. Raises DeskError."""
        fresh = self._checked(staff, wording)
        async with self._office.db.write() as session:
            row = await _held(session, staff, phrase_id, version)
            if fresh.scope == Reach.OWN and row.staff_id != staff.id:
                raise DeskError("这是同事写的，不能改成只给自己用。")
            for name in ("title", "text", "scope", "department"):
                setattr(row, name, getattr(fresh, name))
            _stamp(row, staff)
            _note(session, staff, "change", row)
        return "已保存"

    async def switch(self, staff: Staff, phrase_id: int, version: int) -> str:
        """停用, or 启用 again what was not in use. Raises DeskError."""
        async with self._office.db.write() as session:
            row = await _held(session, staff, phrase_id, version)
            if not row.active and (objections := self.findings(row.text)):
                raise DeskError(f"没有启用：{objections[0]}")
            row.active = not row.active
            _stamp(row, staff)
            _note(session, staff, "on" if row.active else "off", row)
            return "已启用" if row.active else "已停用"

    async def used(self, staff: Staff, phrase_id: int) -> None:
        """Count that a phrase was put into a reply."""
        async with self._office.db.write() as session:
            row = await phrases.locked(session, phrase_id)
            if row is not None and _reaches(staff, row):
                await phrases.count_use(session, phrase_id)

    def _checked(self, staff: Staff, wording: Wording) -> Phrase:
        title = " ".join(storable(wording.title).split())
        text = storable(wording.text).strip()
        if wording.reach not in REACHES:
            raise DeskError("请选给谁用。")
        if not title or not text:
            raise DeskError("名称和内容都要写。")
        if len(title) > LONGEST_TITLE or len(text) > LONGEST_TEXT:
            raise DeskError(f"名称最多 {LONGEST_TITLE} 字，内容最多 {LONGEST_TEXT} 字。")
        if objections := [*self.findings(title), *self.findings(text)]:
            raise DeskError(f"没有保存：{objections[0]}")
        department = wording.department.strip() if wording.reach == Reach.DEPARTMENT else ""
        fresh = Phrase(
            staff_id=staff.id or 0,
            scope=Reach(wording.reach),
            department=department,
            title=title,
            text=text,
            actor=f"staff:{staff.id}",
        )
        _require(staff, fresh)
        return fresh


def reaches(staff: Staff) -> dict[str, str]:
    """For whom this person may keep phrases, and what that is called."""
    may = {Reach.OWN: True, Reach.DEPARTMENT: staff.role in EDITORS, Reach.ALL: _decides(staff)}
    return {str(one): title for one, title in REACHES.items() if may[one]}


async def _room(session: AsyncSession, staff: Staff, fresh: Phrase) -> None:
    known = await phrases.within_reach(session, staff.id or 0, (), active=True)
    own = sum(one.scope == Reach.OWN for one in known)
    if fresh.scope == Reach.OWN and own >= MOST_OWN:
        raise DeskError(f"自己的常用语最多 {MOST_OWN} 条，请先停用不用的。")


async def _held(session: AsyncSession, staff: Staff, phrase_id: int, version: int) -> Phrase:
    """The phrase as this person saw it, held. Raises DeskError."""
    row = await phrases.locked(session, phrase_id)
    if row is None or not _reaches(staff, row):
        raise DeskError("没有这条常用语。")
    _require(staff, row)
    if row.version != version:
        raise DeskError("同事刚改过这一条，您的改动没有保存。请看最新的再改。")
    return row


def _reaches(staff: Staff, row: Phrase) -> bool:
    """Whether this person may use the phrase."""
    if row.scope == Reach.OWN:
        return row.staff_id == staff.id
    if row.scope == Reach.DEPARTMENT:
        return not staff.departments or row.department in staff.departments
    return True


def _editable(staff: Staff, row: Phrase) -> bool:
    try:
        _require(staff, row)
    except DeskError:
        return False
    return True


def _require(staff: Staff, row: Phrase) -> None:
    """Raises DeskError unless this person may keep a phrase for those it is for."""
    if row.scope == Reach.OWN and row.staff_id != staff.id:
        raise DeskError("这是同事自己的常用语。")
    if row.scope == Reach.ALL and not _decides(staff):
        raise DeskError("给大家用的常用语要由不限范围的主管或管理员来改。")
    if row.scope != Reach.DEPARTMENT:
        return
    if staff.role not in EDITORS:
        raise DeskError("单位的常用语要由审核、主管或管理员来改。")
    if not row.department:
        raise DeskError("请写明是哪个单位的。")
    if staff.departments and row.department not in staff.departments:
        raise DeskError(f"“{row.department}”不在您的范围内，您的操作没有执行。")


def _decides(staff: Staff) -> bool:
    return staff.role in DECIDERS and not staff.departments


def _stamp(row: Phrase, staff: Staff) -> None:
    row.version += 1
    row.actor, row.changed_at = f"staff:{staff.id}", utcnow()


def _note(session: AsyncSession, staff: Staff, verb: str, row: Phrase) -> None:
    told = REACHES[Reach(row.scope)] if row.scope != Reach.DEPARTMENT else row.department
    audit(session, f"staff:{staff.id}", f"phrase.{verb}", row.title, scope=told)


def _names() -> str:
    return "、".join(f"{{{name}}}" for name in NAMES)
