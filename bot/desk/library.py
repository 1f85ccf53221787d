"""The knowledge base in memory, kept in step with the database without a restart."""

from __future__ import annotations

import asyncio
import gc
import math
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

from bot.desk.course import forbidden
from bot.desk.keeper import Keeper
from bot.desk.lately import Lately
from bot.telemetry import MATCHES
from knowledge.bundles import Bundle, compose
from knowledge.catalog import Entry
from knowledge.matcher import Match, Matcher, Policy
from knowledge.ranker import Weights
from knowledge.risk import Source, Standing, stand
from knowledge.screen import Screen, screen_of
from knowledge.semantic import Bundled, Embedder
from knowledge.vectors import Meaning
from storage import entries, evidence, lexicon, screening
from storage.db import Database
from storage.models import EntryRow

_REMEMBERED = timedelta(days=365)
_NEVER = 2.0
# A writer that committed late may have stamped its rows before the newest known to us.
_OVERLAP = timedelta(minutes=2)
_SLICE = 100
_PATIENCE = 1.0  # seconds of questions that may wait for their meaning to be looked at
_SLOWEST = 4.0  # seconds after which a match goes on by words
_USUAL = 0.05  # seconds of a match by meaning, until it is measured


class Library:
    """Answers ``match`` from memory; ``refresh`` takes over what changed in the database.

    ``standing`` says how sure an automatic answer must be just now, and why. After ``understand``
    likeness of meaning counts as far as vectors are there. No call holds up the event loop.
    """

    def __init__(
        self,
        db: Database,
        policy: Policy,
        risk: float = 0.01,
        decisions_required: int = 0,
        weights: Mapping[str, Weights] | None = None,
        bundles: Iterable[Bundle] = (),
    ) -> None:
        self._db = db
        self._policy = policy
        self._risk = risk
        self._required = decisions_required
        self.standing = stand((), policy.answer_at, risk, decisions_required)
        self.keeper: Keeper | None = None
        self._matcher = Matcher((), policy, weights=weights)
        self.bundles = {one.id: one for one in bundles}
        self._versions: dict[str, tuple[int, bool]] = {}
        self._own: dict[str, str] = {}
        self.screen: Screen = screen_of(())
        self._newest: datetime | None = None
        self._busy = asyncio.Lock()
        self._changing = threading.Lock()
        self._readers = ThreadPoolExecutor(2, "match")
        self._hasty = ThreadPoolExecutor(1, "match-by-words")  # never behind a slow model
        self._waiting, self._pace = 0, _USUAL
        self._lately = Lately()

    def __len__(self) -> int:
        return len(self._matcher) - sum(self.get(one) is not None for one in self.bundles)

    def get(self, entry_id: str) -> Entry | None:
        return self._matcher.get(entry_id)

    def approves(self, entry: Entry, today: date) -> bool:
        """Whether its answer may be sent and shown without a person: approved for that, valid,
        and nothing in it ruled out since."""
        return entry.automatic and entry.valid_on(today) and not forbidden(entry, self.screen)

    def bundle(self, entry_id: str) -> Bundle | None:
        """The 一件事 that is matched under this id."""
        return self.bundles.get(entry_id)

    def parts(self, entry: Entry) -> list[Entry]:
        """The entries a 一件事 is put together of, each with the one link its step gives; of any
        other entry itself."""
        bundle = self.bundles.get(entry.id)
        if bundle is None:
            return [entry]
        found = (self.get(step.entry_id) for step in bundle.steps)
        return [replace(one, links=one.links[:1]) for one in found if one is not None]

    @property
    def likeness(self) -> Callable[[str, str], float] | None:
        """How like a question and a reply are, if just now by the model in the package.

        May take long, and raises SemanticError: not for the event loop.
        """
        meaning = self._matcher.meaning
        if meaning is None or meaning.failing or meaning.embedder.model != Bundled.model:
            return None
        return meaning.likeness if meaning.embedder.measured else None

    @property
    def matcher(self) -> Matcher:
        """The entries as they are matched now: to look at, and not on the event loop."""
        return self._matcher

    async def match(self, text: str, today: date, others: int = 0) -> Match:
        """Candidates and decision. ``others`` is how many more questions wait to be matched.

        By words alone where vectors fail, and while so many wait that the last of them would
        wait a second and more for the model. Under one post many ask in the same words: what was
        matched a moment ago is not matched again.
        """
        way = self._way(others)
        known = self._lately.get(text, today, way)
        if known is not None:
            MATCHES.labels("again").inc()
            return known
        since = self._lately.cleared
        match = await self._match(text, today, way)
        self._lately.put(text, today, match, since)
        return match

    async def _match(self, text: str, today: date, way: str) -> Match:
        if way == "meaning":
            match = await self._by_meaning(text, today)
            if match is not None:
                MATCHES.labels(way).inc()
                return match
            way = "slow"
        MATCHES.labels(way).inc()
        by_words = partial(self._matcher.match, text, today, by_words=True)
        match = await asyncio.get_running_loop().run_in_executor(self._hasty, by_words)
        return match if way == "words" else replace(match, lacking=way)

    def _way(self, others: int) -> str:
        meaning = self._matcher.meaning
        if meaning is None:
            return "words"
        if meaning.failing:
            return "failing"
        return "crowded" if (self._waiting + others) * self._pace > _PATIENCE else "meaning"

    async def _by_meaning(self, text: str, today: date) -> Match | None:
        """None when it takes too long; the thread is then left to end by itself."""
        loop = asyncio.get_running_loop()
        self._waiting += 1
        future = loop.run_in_executor(self._readers, self._timed, text, today)
        future.add_done_callback(self._done)
        await asyncio.wait({future}, timeout=_SLOWEST)
        if future.done():
            return future.result()
        if self._matcher.meaning is not None:
            self._matcher.meaning.fail("语义模型太慢。")
        self._look_again()
        return None

    def _timed(self, text: str, today: date) -> Match:
        started = time.perf_counter()
        match = self._matcher.match(text, today)
        self._pace += 0.1 * (time.perf_counter() - started - self._pace)
        return match

    def _done(self, future: asyncio.Future[Match]) -> None:
        self._waiting -= 1
        if not future.cancelled():
            future.exception()  # seen, even if nobody waits for it any more
        if self._matcher.meaning is not None and self._matcher.meaning.failing:
            self._look_again()

    def _look_again(self) -> None:
        if self.keeper is not None:
            self.keeper.wake()

    def understand(
        self,
        opens: Callable[[], Embedder | None],
        folder: Path | None,
        retry_seconds: float = 10.0,
    ) -> None:
        """From now on keep vectors in the background and match by them; see Keeper."""
        self.keeper = Keeper(opens, folder, self._adopt, retry_seconds)

    def _adopt(self, meaning: Meaning) -> None:
        """Let every entry be known there, the present ones and from now on the changed ones."""
        self._lately.clear()
        with self._changing:
            self._matcher.meaning = meaning
        for entry_id in [*self._versions, *self.bundles]:
            with self._changing:
                entry = self._matcher.get(entry_id)
                if entry is not None:
                    meaning.put(entry)

    async def close(self) -> None:
        """End what goes on in the background."""
        for pool in (self._readers, self._hasty):
            pool.shutdown(wait=False, cancel_futures=True)
        if self.keeper is not None:
            await asyncio.to_thread(self.keeper.stop)

    async def weigh(self) -> Standing:
        """Set the threshold of automatic answers by what people decided in the last year.

        What was answered often goes before what is hardly told apart from it.
        """
        since = datetime.now(UTC) - _REMEMBERED
        async with self._db.read() as session:
            known = await evidence.decided(session, since)
            answered = await entries.answered(session, since)
        most = math.log1p(max(answered.values(), default=0)) or 1.0
        self._matcher.popular = {one: math.log1p(n) / most for one, n in answered.items()}
        self.standing = stand(known, self._policy.answer_at, self._risk, self._required)
        withheld = self.standing.source is Source.WITHHELD
        self._matcher.policy = replace(
            self._policy,
            answer_at=self.standing.answer_at,
            clarify_at=_NEVER if withheld else self._policy.clarify_at,
        )
        self._lately.clear()
        return self.standing

    async def refresh(self) -> int:
        """Take over added, changed and retired entries, one by one; returns how many.

        The office's synonyms, its rulings about words in replies, and the names that the entries
        quote are taken over too.
        """
        async with self._busy:
            since = self._newest and self._newest - _OVERLAP
            async with self._db.read() as session:
                marks = await entries.changed_since(session, since)
                own = await lexicon.load(session)
                self.screen = screen_of(await screening.load(session))
            if own != self._own:
                await self._learn(own)
            fresh = [mark.id for mark in marks if self._versions.get(mark.id) != mark.version]
            for start in range(0, len(fresh), _SLICE):
                await self._take_over(fresh[start : start + _SLICE])
            self._newest = max((mark.changed_at for mark in marks), default=self._newest)
            if fresh:
                await asyncio.to_thread(self._compose)
                await self._learn(own)
        if fresh:
            self._look_again()
        return len(fresh)

    async def _take_over(self, ids: list[str]) -> None:
        async with self._db.read() as session:
            rows = await entries.rows(session, ids)
        for row in rows:
            await asyncio.to_thread(self._take, row)
        if len(rows) == _SLICE:
            keep_for_good()

    async def _learn(self, own: dict[str, str]) -> None:
        steps = self._matcher.learn(own)
        while await asyncio.to_thread(next, steps, None) is not None:
            pass
        self._own = own
        self._lately.clear()

    def _compose(self) -> None:
        """Put every 一件事 together anew where one of its entries changed."""
        for bundle in self.bundles.values():
            with self._changing:
                entry = compose(bundle, self._matcher.get)
                if entry is None:
                    self._matcher.remove(bundle.id)
                elif entry != self._matcher.get(bundle.id):
                    self._matcher.put(entry)

    def _take(self, row: EntryRow) -> None:
        with self._changing:
            if row.retired:
                self._matcher.remove(row.id)
            else:
                self._matcher.put(entries.to_entry(row))
            self._versions[row.id] = (row.version, row.retired)


def keep_for_good() -> None:
    """Spare the garbage collector what stays anyway; replaced entries are still freed.

    Looking through a large knowledge base would hold everything up for a second.
    """
    gc.collect(1)
    gc.freeze()
