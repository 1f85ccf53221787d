"""When each scheduled job last ran, shared by every process."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlmodel import select
from sqlmodel.ext.asyncio.session import AsyncSession

from storage.db import Database
from storage.models import JobRun


async def runs(session: AsyncSession) -> dict[str, datetime]:
    """When every job that ever ran was last due."""
    return {row.name: row.last_due_at for row in await session.exec(select(JobRun))}


async def last_run(db: Database, name: str, now: datetime) -> datetime:
    """The job's last run; a job never run before is noted as run now."""
    async with db.write() as session:
        row = await session.get(JobRun, name)
        if row is None:
            row = JobRun(name=name, last_due_at=now)
            session.add(row)
        return row.last_due_at


async def claim_run(db: Database, name: str, now: datetime, apart: timedelta) -> bool:
    """True for the one process that may run the job now."""
    async with db.write() as session:
        row = await session.get(JobRun, name, with_for_update=True)
        if row is None:
            session.add(JobRun(name=name, last_due_at=now))
            return True
        if now - row.last_due_at < apart:
            return False
        row.last_due_at = now
        return True
