"""A list of what waits for this person, kept up to date while it is open, worked by keyboard."""

from __future__ import annotations

from typing import Generic, TypeVar

from nicegui import ui

from handlers.console.pages.frame import frame
from handlers.console.pages.parts import Rows, show_keys, tag, waiting, word
from handlers.console.visit import Visit, on_page
from storage.models import Staff

T = TypeVar("T")


class StandingList(Generic[T]):
    """One browser tab; a page says what is found, how it looks and what its own keys do."""

    title: str
    keys: dict[str, str]

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self._rows = Rows()
        self._found: list[T] = []
        self._shown: list[object] | None = None
        with frame(visit, self.title, "kb kb-plain", self.title):
            self._list = tag("div", "kb-rows").props('aria-live="polite"')
            with self._list:
                waiting("正在读取…")
        ui.on("console-key", lambda event: self._key(str(event.args)))

    async def find(self, staff: Staff) -> list[T]:
        """What waits now, in order."""
        raise NotImplementedError

    def stamp(self, one: T) -> object:
        """What changes when a row has to be shown anew."""
        raise NotImplementedError

    def head(self, count: int) -> None:
        """What stands above the rows, or instead of them."""
        raise NotImplementedError

    def row(self, one: T) -> ui.element:
        """Show one; what the keys j and k put the focus on."""
        raise NotImplementedError

    async def act(self, key: str, one: T) -> None:
        """What a key does to the row that has the focus."""
        raise NotImplementedError

    async def start(self) -> None:
        await self.look()
        self.visit.pulse.listen(self.visit.page, self._hear)

    async def _hear(self) -> None:
        if await self.visit.alive():
            await self.look()
        else:
            self.visit.leave()

    @on_page
    async def look(self) -> None:
        """Show what waits now, if it is something else than before."""
        found = await self.visit.latest(self.title, self.find, acting=False)
        if found is None:
            return
        shown = [self.stamp(one) for one in found]
        if shown == self._shown:
            return
        self._shown, self._found, at = shown, found, self._rows.at
        self._list.clear()
        with self._list:
            self.head(len(found))
            self._rows.show([self.row(one) for one in found])
        if at >= 0:
            self._rows.stand(at)

    @on_page
    async def _key(self, key: str) -> None:
        if key in ("j", "k"):
            self._rows.move(key)
        elif key == "l":
            await self.look()
        elif key == "?":
            show_keys(self.keys)
        elif key in self.keys and 0 <= self._rows.at < len(self._found):
            await self.act(key, self._found[self._rows.at])


def nothing(title: str, more: str) -> None:
    """What is said where no row is."""
    with tag("div", "nothing"):
        word(title, "nothing-title")
        word(more)
