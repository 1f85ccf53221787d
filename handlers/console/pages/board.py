"""待办: the queue at the left, the open case beside it; on a phone one or the other."""

from __future__ import annotations

from fastapi import Request
from nicegui import Client, ui

from handlers.console.pages.frame import frame
from handlers.console.pages.item import Panel
from handlers.console.pages.parts import show_keys
from handlers.console.pages.queue import Queue
from handlers.console.visit import PATIENCE, Visit, on_page, visit_of
from storage.narrowing import Filters

_BEAT = 20.0
_TICK = 30.0
_MOVES = {"j": "下一件", "k": "上一件", "/": "搜索", "f": "找知识库", "e": "改答复", "n": "写备注"}
_MORE = {"Ctrl+Enter": "在答复框里发送", "Esc": "离开输入框、关闭窗口", "?": "这张表"}


@ui.page("/", response_timeout=PATIENCE)
async def inbox(request: Request, client: Client) -> None:
    await Board(visit_of(request, client)).start(None)


@ui.page("/case/{case_id}", response_timeout=PATIENCE)
async def case(request: Request, client: Client, case_id: int) -> None:
    await Board(visit_of(request, client)).start(case_id)


class Board:
    """The page of one browser tab."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        with frame(visit, "待办", "board", "待办") as self._root:
            self._queue = Queue(visit, Filters(), self.open)
            self._panel = Panel(visit, self._next, self._back, self.open)
        ui.on("console-key", lambda event: self._key(str(event.args)))

    async def start(self, case_id: int | None) -> None:
        await self._queue.refresh()
        if case_id is None or not await self._panel.open(case_id):
            self._panel.close(case_id)
            self._root.classes(add="has-item" if case_id else "")
        else:
            self._opened(case_id)
        self.visit.pulse.listen(self.visit.page, self._hear)
        ui.timer(_BEAT, self._beat, immediate=False)
        ui.timer(_TICK, self._panel.tick, immediate=False)
        self.visit.page.on_disconnect(self._leave)

    @on_page
    async def open(self, case_id: int) -> None:
        """Put a case beside the queue."""
        before = self._panel.case_id
        if await self._panel.open(case_id):
            self._opened(case_id)
            history = ui.navigate.history
            (history.replace if before else history.push)(f"/console/case/{case_id}")
        else:
            await self._queue.refresh()

    def _opened(self, case_id: int) -> None:
        self._root.classes(add="has-item")
        self._queue.mark(case_id)

    @on_page
    async def _next(self, case_id: int) -> None:
        """What comes after a case that is done."""
        following = self._queue.after(case_id)
        await self._queue.refresh()
        if following is None:
            await self._back()
        else:
            await self.open(following)

    @on_page
    async def _back(self) -> None:
        self._root.classes(remove="has-item")
        self._panel.close()
        self._queue.mark(None)
        ui.navigate.history.replace("/console/")
        await self.visit.show(None)

    async def _hear(self) -> None:
        if not await self.visit.alive():
            self.visit.leave()
            return
        await self._queue.refresh()
        await self._panel.heard()

    async def _beat(self) -> None:
        if await self.visit.alive():
            await self.visit.show(self._panel.case_id)
        else:
            self.visit.leave()

    async def _leave(self) -> None:
        await self.visit.show(None)

    @on_page
    async def _key(self, key: str) -> None:
        works = self._panel.work.keys
        if key == "?":
            named = {key: name for key, (name, _) in works.items()}
            show_keys(_MOVES | named | _MORE)
        elif key in ("j", "k"):
            target = self._queue.neighbour(1 if key == "j" else -1)
            if target is not None and target < 0:
                self._queue.stand_on(target)
            elif target is not None:
                await self.open(target)
        elif key == "Escape":
            await self._back()
        elif key == "u" or (key in works and self._panel.item is not None):
            await works[key][1]()
