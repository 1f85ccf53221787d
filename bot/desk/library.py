"""The knowledge base in memory, kept in step with the database without a restart."""

from __future__ import annotations

import asyncio
from datetime import date, datetime

from knowledge.catalog import Entry
from knowledge.matcher import Match, Matcher, Policy
from storage import entries
from storage.db import Database


class Library:
    """Answers ``match`` from memory; ``refresh`` takes over what changed in the database."""

    def __init__(self, db: Database, policy: Policy) -> None:
        self._db = db
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
