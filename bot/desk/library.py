"""The knowledge base in memory, kept in step with the database without a restart."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

from knowledge.catalog import Entry
from knowledge.matcher import Match, Matcher, Policy
from knowledge.risk import Source, Standing, stand
from storage import entries, evidence
from storage.db import Database

_REMEMBERED = timedelta(days=365)
_NEVER = 2.0


class Library:
    """Answers ``match`` from memory; ``refresh`` takes over what changed in the database.

    ``standing`` says how sure an automatic answer must be just now, and why.
    """

    def __init__(
        self, db: Database, policy: Policy, risk: float = 0.01, decisions_required: int = 0
    ) -> None:
        self._db = db
        self._policy = policy
        self._risk = risk
        self._required = decisions_required
        self.standing = stand((), policy.answer_at, risk, decisions_required)
        self._matcher = Matcher((), policy)
        self._versions: dict[str, tuple[int, bool]] = {}
        self._newest: datetime | None = None
        self._busy = asyncio.Lock()

    def __len__(self) -> int:
        return len(self._matcher)

    def match(self, text: str, today: date) -> Match:
        return self._matcher.match(text, today)

    def get(self, entry_id: str) -> Entry | None:
        return self._matcher.get(entry_id)

    async def weigh(self) -> Standing:
        """Set the threshold of automatic answers by what people decided in the last year."""
        async with self._db.read() as session:
            known = await evidence.decided(session, datetime.now(UTC) - _REMEMBERED)
        self.standing = stand(known, self._policy.answer_at, self._risk, self._required)
        withheld = self.standing.source is Source.WITHHELD
        self._matcher.policy = replace(
            self._policy,
            answer_at=self.standing.answer_at,
            clarify_at=_NEVER if withheld else self._policy.clarify_at,
        )
        return self.standing

    async def refresh(self) -> int:
        """Take over added, changed and retired entries; returns how many."""
        async with self._busy:
            async with self._db.read() as session:
                rows, newest = await entries.changed_since(session, self._newest)
            fresh = [
                row for row in rows if self._versions.get(row.id) != (row.version, row.retired)
            ]
            for number, row in enumerate(fresh):
                if row.retired:
                    self._matcher.remove(row.id)
                else:
                    self._matcher.put(entries.to_entry(row))
                self._versions[row.id] = (row.version, row.retired)
                if number % 50 == 49:
                    await asyncio.sleep(0)
            self._newest = newest
            return len(fresh)
