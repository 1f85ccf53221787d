"""不能发的词: what the office rules out beside what is shipped, and what of that it lets pass."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from bot.desk.desktop import reason_given
from bot.desk.office import DeskError, Office, storable
from bot.desk.wording import answer_text
from knowledge.screen import Finding, Rule, Ruling, Verdict, rules
from storage import inbox, screening
from storage.ledger import audit
from storage.models import ScreenWord, Staff
from storage.terms import Role

LONGEST_WORD, LONGEST_ADVICE = 30, 100
MOST = 1000
VERDICTS = {Verdict.BLOCK: "拦下", Verdict.WARN: "只提醒"}
_USUAL = {Verdict.BLOCK: "请改掉", Verdict.WARN: "请再看看是否合适"}


@dataclass(frozen=True, slots=True)
class Words:
    """The office's own words and the shipped ones it lets pass, each with who ruled so."""

    own: Sequence[ScreenWord]
    off: Sequence[ScreenWord]
    shipped: Sequence[Rule]
    names: dict[int, str]


class Screening:
    """Every call names the 管理员 who acts; anybody else is refused with a DeskError.

    Replies are held against the words of the moment they are approved in; what else looks at
    them follows within seconds in every process.
    """

    def __init__(self, office: Office) -> None:
        self._office = office

    async def words(self, admin: Staff) -> Words:
        _check(admin)
        async with self._office.db.read() as session:
            known = await screening.rows(session)
            names = await inbox.everyone(session)
        own = [one for one in known if one.verdict != Verdict.OFF]
        off = [one for one in known if one.verdict == Verdict.OFF]
        return Words(own, off, rules(), names)

    async def add(self, admin: Staff, text: str, verdict: str, advice: str) -> str:
        """Rule out a word, or warn of it; the same word again is changed. Raises DeskError."""
        _check(admin)
        if verdict not in VERDICTS:
            raise DeskError("请选拦下还是只提醒。")
        word = " ".join(storable(text).split())
        said = " ".join(storable(advice).split()) or _USUAL[Verdict(verdict)]
        if not 2 <= len(word) <= LONGEST_WORD:
            raise DeskError(f"词要 2 到 {LONGEST_WORD} 个字，一个字会拦下太多。")
        if len(said) > LONGEST_ADVICE:
            raise DeskError(f"说明最多 {LONGEST_ADVICE} 字。")
        if word in _shipped():
            raise DeskError(f"自带的词表里已经有“{word}”。")
        await self._put(admin, Ruling(word, Verdict(verdict), said), "add")
        count = await asyncio.to_thread(self._held_by, word)
        more = f"；在用的条目里有 {count:,} 条写着它" if count else ""
        stopped = "，它们不再自动答复" if count and verdict == Verdict.BLOCK else ""
        return f"已加上“{word}”{more}{stopped}"

    async def switch_off(self, admin: Staff, word: str, reason: str) -> None:
        """Let a shipped word pass, for a reason. Raises DeskError."""
        _check(admin)
        if word not in _shipped():
            raise DeskError("自带的词表里没有这个词，请刷新再看。")
        await self._put(admin, Ruling(word, Verdict.OFF, reason_given(reason)), "off")

    async def drop(self, admin: Staff, word: str) -> None:
        """Take a ruling back: an own word is gone, a shipped one counts again."""
        _check(admin)
        async with self._office.db.write() as session:
            was = await screening.drop(session, word)
            if was is None:
                raise DeskError("这个词已经移出了，请刷新再看。")
            verb = "on" if was.verdict == Verdict.OFF else "drop"
            audit(session, f"staff:{admin.id}", f"screen.{verb}", word, advice=was.advice)
        await self._office.library.refresh()

    def try_out(self, text: str) -> list[Finding]:
        """What would be found in a sentence now."""
        return self._office.library.screen(text)

    async def _put(self, admin: Staff, ruling: Ruling, verb: str) -> None:
        async with self._office.db.write_alone() as session:
            if len(await screening.load(session)) >= MOST:
                raise DeskError(f"最多 {MOST:,} 个词，请先移出不用的。")
            await screening.put(session, ruling, f"staff:{admin.id}")
            told = {"advice": ruling.advice}
            if verb == "add":
                told["verdict"] = VERDICTS[Verdict(ruling.verdict)]
            audit(session, f"staff:{admin.id}", f"screen.{verb}", ruling.word, **told)
        await self._office.library.refresh()

    def _held_by(self, word: str) -> int:
        """In how many answers the word stands."""
        entries, sought = self._office.library.matcher.entries(), word.lower()
        return sum(sought in answer_text(one).lower() for one in entries)


def _shipped() -> set[str]:
    return {word for rule in rules() for word in rule.words}


def _check(admin: Staff) -> None:
    if admin.role != Role.ADMIN:
        raise DeskError("要由管理员来做，您的操作没有执行。")
