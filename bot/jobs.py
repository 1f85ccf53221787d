"""The APScheduler table: each job is one call to the desk, made up once after downtime."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import structlog
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from apscheduler.triggers.base import BaseTrigger
from apscheduler.triggers.cron import CronTrigger
from apscheduler.triggers.interval import IntervalTrigger

from bot.clock import SHANGHAI
from bot.desk import Desk
from bot.desk.calendars import renew_dues
from bot.desk.menu import rearrange
from bot.desk.pauses import resume_due
from bot.desk.retention import expire
from bot.ledger import catch_up, verify
from bot.links import check_links
from storage.db import Database
from storage.jobs import claim_run, last_run

_NIGHT = 3
_WAKING_HOURS = "8-20"  # many deadlines end at midnight; nobody is woken for them
log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Job:
    """One row of the table; ``catch_up`` makes up a run missed while the program was down, one
    that is only ``by_day`` not at night: it runs again in the morning anyway."""

    name: str
    trigger: BaseTrigger
    call: Callable[[], Awaitable[Any]]
    catch_up: bool = True
    by_day: bool = False


class Jobs:
    """The office's timetable. Any number of processes may hold it: a run happens in one."""

    def __init__(
        self, desk: Desk, digest_at: str, reminder_minutes: int, doors: Sequence[Job] = ()
    ) -> None:
        """``doors`` are jobs of doors that have to look for what came."""
        self._desk = desk
        self._scheduler = AsyncIOScheduler(timezone=SHANGHAI)
        self.table = [*table(desk, digest_at, reminder_minutes), *doors]

    async def start(self) -> None:
        """Make up what was missed, then run by the clock."""
        for job in self.table:
            if job.catch_up:
                await self._catch_up(job)
            self._scheduler.add_job(
                self._run,
                job.trigger,
                args=[job],
                id=job.name,
                coalesce=True,
                max_instances=1,
                misfire_grace_time=3600,
            )
        self._scheduler.start()

    def stop(self) -> None:
        if self._scheduler.running:
            self._scheduler.shutdown(wait=False)

    async def _catch_up(self, job: Job) -> None:
        """One run when a due time passed since the last one; a first start owes nothing."""
        now = datetime.now(UTC)
        last = await last_run(self._desk.office.db, job.name, now)
        if job.by_day and not awake(now):
            return
        due = job.trigger.get_next_fire_time(last, last + timedelta(seconds=1))
        if due is not None and due <= now:
            await self._run(job)

    async def _run(self, job: Job) -> None:
        now = datetime.now(UTC).replace(microsecond=0)
        if not await claim_run(self._desk.office.db, job.name, now, _shortest(job)):
            return
        try:
            await job.call()
        except Exception:
            log.exception("job.failed", job=job.name)


def awake(moment: datetime) -> bool:
    """Whether people may be written to."""
    first, last = map(int, _WAKING_HOURS.split("-"))
    return first <= moment.astimezone(SHANGHAI).hour <= last


def table(desk: Desk, digest_at: str, reminder_minutes: int) -> list[Job]:
    """Every job of the office."""
    hour, minute = digest_at.split(":")[:2]
    return [
        Job("outbox_sweep", IntervalTrigger(seconds=30), desk.dispatch.deliver_due, catch_up=False),
        Job("hand_over", IntervalTrigger(minutes=5), desk.duties.hand_over_quiet),
        Job(
            "remind",
            CronTrigger(hour=_WAKING_HOURS, minute=f"*/{reminder_minutes}", timezone=SHANGHAI),
            desk.duties.remind,
            by_day=True,
        ),
        Job(
            "resolve",
            CronTrigger(hour=_WAKING_HOURS, minute=0, timezone=SHANGHAI),
            desk.duties.resolve_unopposed,
            by_day=True,
        ),
        Job("pauses", IntervalTrigger(minutes=5), lambda: resume_due(desk.office)),
        Job("transfers", IntervalTrigger(minutes=5), desk.transfer.expire),
        Job(
            "digest",
            CronTrigger(hour=hour, minute=minute, day_of_week="mon-sun", timezone=SHANGHAI),
            desk.duties.morning,
        ),
        Job(
            "expire",
            CronTrigger(hour=_NIGHT, minute=10, timezone=SHANGHAI),
            lambda: expire(desk.office),
        ),
        Job(
            "menu",
            CronTrigger(hour=_NIGHT, minute=20, timezone=SHANGHAI),
            lambda: rearrange(desk.office),
        ),
        Job(
            "links",
            CronTrigger(hour=_NIGHT, minute=50, timezone=SHANGHAI),
            lambda: check_links(desk.office.db),
            catch_up=False,
        ),
        Job("renew_dues", IntervalTrigger(minutes=10), lambda: renew_dues(desk.office)),
        Job("fold", IntervalTrigger(minutes=1), lambda: catch_up(desk.office.db), catch_up=False),
        Job(
            "verify",
            CronTrigger(hour=_NIGHT, minute=30, timezone=SHANGHAI),
            lambda: _verify(desk.office.db),
        ),
    ]


async def _verify(db: Database) -> None:
    """Seal the day that is over and check the ledger; whoever reads the log must be told."""
    found = await verify(db, "system", datetime.now(UTC))
    if found:
        log.error("ledger.differs", n=len(found), cases=sorted({one.case_id or 0 for one in found}))


def _shortest(job: Job) -> timedelta:
    """Two processes firing within this time mean the same run."""
    if isinstance(job.trigger, IntervalTrigger):
        return timedelta(seconds=job.trigger.interval.total_seconds() / 2)
    return timedelta(minutes=5)
