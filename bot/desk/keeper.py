"""Sentence vectors in the background: computed, kept complete, taken up again after a failure."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path

import structlog

from bot.telemetry import VECTORS_MISSING
from knowledge.semantic import Embedder, SemanticError
from knowledge.vectors import Meaning, VectorCache

log = structlog.get_logger(__name__)
_REPORT_SECONDS = 20.0
_STOP_SECONDS = 2.0


class State(StrEnum):
    """How far the vectors are."""

    OPENING = "opening"
    FILLING = "filling"
    READY = "ready"
    FAILING = "failing"
    OFF = "off"


class Keeper:
    """A thread that opens the model and sees to it that no vector is missing for long.

    ``opens`` gives the model, or None where there is none; it may raise SemanticError, and is
    then tried again. ``adopt`` is told once, on that thread, where the vectors will be, and puts
    the entries there. Vectors are kept in ``folder``, or in memory without one.
    """

    def __init__(
        self,
        opens: Callable[[], Embedder | None],
        folder: Path | None,
        adopt: Callable[[Meaning], None],
        retry_seconds: float = 10.0,
    ) -> None:
        self._opens, self._folder, self._adopt = opens, folder, adopt
        self._retry_seconds = retry_seconds
        self.state = State.OPENING
        self._meaning: Meaning | None = None
        self._cache: VectorCache | None = None
        self._reported = time.monotonic()
        self._wanted, self._stopping = threading.Event(), threading.Event()
        self._thread = threading.Thread(target=self._run, name="vectors", daemon=True)
        self._thread.start()

    @property
    def missing(self) -> int:
        """How many texts have no vector yet."""
        return self._meaning.missing if self._meaning else 0

    def wake(self) -> None:
        """Something may be missing or failing: look now."""
        self._wanted.set()

    def stop(self) -> None:
        """End after the text at hand; a service that does not answer is not waited for."""
        self._stopping.set()
        self._wanted.set()
        self._thread.join(_STOP_SECONDS)
        if self._cache is not None and not self._thread.is_alive():
            self._cache.close()

    def _run(self) -> None:
        while not self._stopping.is_set() and self.state is not State.OFF:
            self._wanted.wait(self._retry_seconds if self._round() else None)
            self._wanted.clear()

    def _round(self) -> bool:
        """Do what there is to do; whether it failed and must be tried again."""
        try:
            meaning = self._meaning or self._open()
            if meaning is not None:
                self._complete(meaning)
        except Exception as error:
            if self.state is not State.FAILING:
                log.warning(
                    "句向量暂不可用，只按字词匹配，恢复后自动继续",
                    原因=str(error),
                    exc_info=not isinstance(error, SemanticError),
                )
            self.state = State.FAILING
            return True
        return False

    def _open(self) -> Meaning | None:
        embedder = self._opens()
        if embedder is None:
            self.state = State.OFF
            log.info("只按字词匹配")
            return None
        if self._cache is None:
            self._cache = self._open_cache()
        meaning = Meaning(embedder, self._cache)
        self._adopt(meaning)
        self._meaning = meaning
        log.info("按字词和语义匹配", 模型=embedder.name, 待算向量=meaning.missing)
        return meaning

    def _open_cache(self) -> VectorCache:
        try:
            return VectorCache(self._folder)
        except SemanticError as error:
            log.warning("向量只放在内存里，重启后要重算", 原因=str(error))
            return VectorCache()

    def _complete(self, meaning: Meaning) -> None:
        if meaning.failing:
            meaning.retry()
        missing = meaning.missing
        if self.state is State.FAILING:
            log.info("句向量已恢复，继续按语义匹配", 待算向量=missing)
        self.state = State.FILLING if missing else State.READY
        VECTORS_MISSING.set(missing)
        meaning.fill(self._report, self._stopping)
        if missing and not meaning.missing:
            self.state = State.READY
            log.info("语义向量已全部算好", 文本=meaning.total)

    def _report(self, done: int, total: int) -> None:
        VECTORS_MISSING.set(total - done)
        if time.monotonic() - self._reported >= _REPORT_SECONDS:
            self._reported = time.monotonic()
            log.info("正在计算语义向量", 已算=done, 共=total)
