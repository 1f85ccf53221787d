"""Doing together what is asked for at the same time: one transaction does for many."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Lots(Generic[T, R]):
    """Nobody waits for company: what comes while one lot is worked off is in the next.

    ``work`` gives a result for each of a lot. What it fails at is tried once more, one by one, so
    that one bad item spoils nothing. ``group`` says what may be in one lot together, and ``one``
    what of that at most once; the order of what is in line twice is kept. ``rest`` is how many
    seconds pass until a lot that is not full: what comes in them goes with it.
    """

    def __init__(
        self,
        work: Callable[[Sequence[T]], Awaitable[Sequence[R]]],
        most: int,
        group: Callable[[T], Hashable] = lambda _: None,
        one: Callable[[T], Hashable] = id,
        rest: float = 0.0,
    ) -> None:
        self._work, self._most, self._group, self._one = work, most, group, one
        self._rest = rest
        self._line: list[tuple[T, asyncio.Future[R]]] = []
        self._worker: asyncio.Task[None] | None = None

    async def do(self, item: T) -> R:
        """The item's own result, or what was raised about it."""
        future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self._line.append((item, future))
        if self._worker is None:
            self._worker = asyncio.create_task(self._run())
        return await future

    async def _run(self) -> None:
        try:
            while self._line:
                await self._settle(self._next())
                if len(self._line) < self._most:
                    await asyncio.sleep(self._rest)
        finally:
            self._worker = None

    def _next(self) -> list[tuple[T, asyncio.Future[R]]]:
        group = self._group(self._line[0][0])
        lot: list[tuple[T, asyncio.Future[R]]] = []
        rest: list[tuple[T, asyncio.Future[R]]] = []
        seen: set[Hashable] = set()
        for entry in self._line:
            one = self._one(entry[0])
            fits = len(lot) < self._most and one not in seen and self._group(entry[0]) == group
            (lot if fits else rest).append(entry)
            seen.add(one)
        self._line = rest
        return lot

    async def _settle(self, lot: list[tuple[T, asyncio.Future[R]]]) -> None:
        try:
            results = await self._work([item for item, _ in lot])
        except Exception:
            for item, future in lot:
                await self._alone(item, future)
            return
        for (_, future), result in zip(lot, results, strict=True):
            if not future.done():  # who asked may have gone away
                future.set_result(result)

    async def _alone(self, item: T, future: asyncio.Future[R]) -> None:
        try:
            (result,) = await self._work([item])
        except Exception as error:
            if not future.done():
                future.set_exception(error)
        else:
            if not future.done():
                future.set_result(result)
