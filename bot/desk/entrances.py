"""办事入口: pressed links are counted by day, entry and account, and lead where the entry says."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from bot.channels.base import Button
from bot.desk import wording
from bot.desk.office import DeskError, Office
from bot.passage import Way, mark
from knowledge.catalog import Entry, is_web_address
from storage import entrances, entries
from storage.accounts import everyone
from storage.models import EntryRow

Rows = tuple[tuple[Button, ...], ...]
WINDOW = timedelta(days=30)
UNKNOWN = "这个链接不完整，或者已经失效。"
GONE = "这个办事入口已经调整，原来的链接不再使用。"
GONE_PAGE = "这条答复已经调整，原来的链接不再使用。"
_AGAIN = 30.0  # seconds within which one person pressing again is still one opening
_MACHINE = re.compile(
    r"bot\b|bot/|crawl|spider|slurp|preview|fetch|monitor|scan|check|curl|wget|python|java/|"
    r"go-http|okhttp|headless|facebookexternalhit|whatsapp|skype",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Stretch:
    """From question to entrance to solution, for one entry and account in the last WINDOW.

    ``asked`` counts questions that matched the entry first, ``answered`` the cases it answered,
    ``opened`` its links pressed, ``solved`` the cases of those answered that the citizen
    confirmed with 有帮助; silence is not counted.
    """

    entry: Entry
    account: str
    asked: int = 0
    answered: int = 0
    opened: int = 0
    solved: int = 0


class Entrances:
    """What becomes of the links under answers."""

    def __init__(self, office: Office) -> None:
        self._office = office

    async def follow(self, token: str, who: str = "") -> str:
        """The address a pressed link leads to, counted when ``who`` pressed it is told.

        ``who`` tells two people apart for half a minute and is kept nowhere. Raises DeskError
        with a text for the citizen when there is no such link any more.
        """
        passage = self._office.passage
        way = passage.read(token) if passage else None
        if passage is None or way is None:
            raise DeskError(UNKNOWN)
        url = await self._target(way)
        line = {f"go:{passage.seen(token, who)}": (_AGAIN, 0.0)} if who else {}
        if line and await self._office.coordination.reserve(line) <= 0:
            async with self._office.db.write() as session:
                day = self._office.today()
                await entrances.count(session, day, way.entry_id, way.account, way.mark)
        return url

    async def _target(self, way: Way) -> str:
        async with self._office.db.read() as session:
            row = await session.get(EntryRow, way.entry_id)
        links = entries.to_entry(row).links if row is not None and not row.retired else ()
        for link in links:
            if mark(link.url) == way.mark and is_web_address(link.url):
                return link.url
        raise DeskError(GONE)

    def page(self, account: str, entry_id: str) -> tuple[Entry, Rows]:
        """An approved answer as it is now, whole, with its links counted for the account.

        Raises DeskError with a text for the citizen when there is none any more.
        """
        office = self._office
        entry = office.library.get(entry_id)
        known = account in office.capabilities
        if entry is None or not known or not office.library.approves(entry, office.today()):
            raise DeskError(GONE_PAGE)
        return entry, links_of(office, account, [entry], on_own_pages=True)

    async def usage(self, entry_id: str = "") -> list[Stretch]:
        """By entry and account, the most pressed and asked first; of one entry, if one is named.

        Entries without links are left out of the whole list.
        """
        since = self._office.now() - WINDOW
        async with self._office.db.read() as session:
            found = await entrances.usage(session, since, self._office.today() - WINDOW, entry_id)
            known = {one.id: one for one in await entries.load(session)}
            names = {one.key: f"{one.platform} {one.name}" for one in await everyone(session)}
        shown = [
            Stretch(known[one], names.get(account, account), *told)
            for (one, account), told in found.items()
            if one in known and (entry_id or known[one].links)
        ]
        return sorted(shown, key=lambda one: (-one.opened, -one.asked, one.entry.id))


def links_of(office: Office, account: str, sources: Sequence[Entry], *, on_own_pages: bool) -> Rows:
    """办事入口 of the sources, counted on the way where the citizens of an account can be."""
    passage = office.passage
    parts = [part for one in sources for part in office.library.parts(one)]
    if passage is None:
        return wording.link_rows(parts)
    return wording.link_rows(
        parts,
        lambda entry, link: passage.address(account, entry.id, link.url, on_own_pages=on_own_pages),
    )


def pressed_by(headers: Mapping[str, str], address: str) -> str:
    """Who follows a link, for :meth:`Entrances.follow`; "" for a machine or a look ahead."""
    purpose = " ".join(headers.get(one, "") for one in ("sec-purpose", "purpose", "x-moz"))
    agent = headers.get("user-agent", "")
    if "prefetch" in purpose or "preview" in purpose or not agent or _MACHINE.search(agent):
        return ""
    return f"{address} {agent}"
