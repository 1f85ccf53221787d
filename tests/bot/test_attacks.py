"""What a person could do to look better, done through the desk or behind its back.

No score of a report gets better by it without a trace that grows in the same report. A report is
drawn at two moments: just after the open case falls due, and long after.
"""

from __future__ import annotations

import random
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlalchemy import text

from bot.assessment import Assessment, Figures
from bot.desk import DeskError
from bot.history import Reading, read, take_in
from bot.ledger import facts, provenance, verify
from storage import seals
from storage.db import Database
from storage.models import Task
from tests.conftest import copied
from tests.support import PEOPLE, STAFF_PLACE, Town, build_town, open_town

BETTER_HIGH = (
    "counts.answer_rate",
    "on_time.rate",
    "on_time.original_due_rate",
    "acceptance.rate",
    "satisfaction.positive_rate",
    "satisfaction.callback.rate",
    "satisfaction.callback.rectified_rate",
    "resolution.rate",
    "three_rates.response",
    "three_rates.resolution",
    "three_rates.satisfaction",
    "three_rates.composite",
)
BETTER_LOW = (
    "satisfaction.unrated_rate",
    *(
        f"response_hours.{unit}.{name}"
        for unit in ("natural", "working")
        for name in ("median", "p90")
    ),
)
TRACES = (
    "counts.excluded",
    "counts.merged",
    "counts.imported",
    "counts.evasive",
    "counts.evasion_overruled",
    "counts.later_turns",
    "satisfaction.callback.rectified",
    "ledger.missing_events",
    "ledger.cases_without_facts",
    "ledger.differences",
    "ledger.spot_check.differences",
)
SELF, COLLEAGUE, CHIEF = range(len(PEOPLE))
BUREAU = "市民政局"


@dataclass
class Cases:
    """The numbers of an office's cases; ``late`` and ``twin`` are one citizen's."""

    late: int = 0
    twin: int = 0
    slow: int = 0
    fresh: int = 0
    praised: int = 0
    poor: int = 0


@dataclass
class World(Cases):
    """An office with something of everything, and what somebody in it can do."""

    town: Town = field(kw_only=True)
    folder: Path = field(kw_only=True)

    async def version(self, case_id: int) -> int:
        return (await self.town.case(case_id)).version

    async def on(self, case_id: int, by: int = SELF) -> tuple[Any, int, int, str]:
        """What every action on a case begins with."""
        return await self.town.staff(by), case_id, await self.version(case_id), STAFF_PLACE

    async def second(self, verb: str, by: int = CHIEF, words: str = "") -> None:
        """The newest task, decided."""
        task = (await self.town.rows(Task))[-1]
        await self.town.desk.tasks.act(await self.town.staff(by), task.id or 0, verb, "", words)

    async def answer(self, case_id: int, by: int = SELF) -> None:
        await self.town.desk.review.adopt(*await self.on(case_id, by))
        await self.town.settle()

    async def export(self, *rows: str) -> None:
        """Take an export of another system in."""
        path = self.folder / "export.csv"
        path.write_text("编号,用户,时间,内容,答复,答复时间\n" + "\n".join(rows), encoding="utf-8")
        reading: Reading = read(path)
        rules = self.town.desk.office.rules
        await take_in(
            self.town.db, "旧信箱", reading.lines, rules.profile, rules.calendar, "os:tester"
        )

    async def forge(self, case_id: int, *statements: str, at: datetime | None = None) -> None:
        """Statements of somebody who has taken triggers and keys away; ``:case`` and ``:at``."""
        db = self.town.db
        about: dict[str, Any] = {"case": case_id, "at": at}
        if db.is_sqlite:
            about["at"] = at and at.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
            with closing(sqlite3.connect(db.engine.url.database or "")) as connection:
                for action in ("update", "delete"):
                    connection.execute(f"DROP TRIGGER case_event_no_{action}")
                for statement in statements:
                    connection.execute(statement, about)
                connection.commit()
            return
        async with db.engine.begin() as connection:
            await connection.execute(text("SET LOCAL session_replication_role = replica"))
            for statement in statements:
                names = {name: value for name, value in about.items() if f":{name}" in statement}
                await connection.execute(text(statement), names)

    async def report(self, cut_off: datetime) -> Figures:
        rules, now = self.town.desk.office.rules, tomorrow()
        found = await facts(self.town.db)
        figures = Assessment(found, rules.profile, rules.calendar, cut_off).figures(("department",))
        return {**figures, "ledger": await provenance(self.town.db, now)}

    async def reports(self) -> tuple[Figures, Figures]:
        due = (await self.town.case(self.fresh)).original_due_at
        due = due or (await self.town.case(self.fresh)).due_at
        assert due is not None
        return await self.report(due + timedelta(hours=1)), await self.report(
            datetime.now(UTC) + timedelta(days=60)
        )


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def grown_up(
    template: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[tuple[str, Cases]]:
    """What every test's database is copied from, and the cases in it."""
    folder = tmp_path_factory.mktemp("world")
    async with copied(template, folder) as (name, address):
        database = Database(address)
        world = World(town=await build_town(database), folder=folder)
        await populate(world)
        await database.close()
        yield name, Cases(*(getattr(world, one.name) for one in fields(Cases)))


async def populate(world: World) -> None:
    """Late and in time, answered and not, praised and not; all sealed and verified."""
    town, long_ago = world.town, datetime.now(UTC) - timedelta(days=60)
    world.late = await town.say("低保怎么申请", "1", at=long_ago)
    world.twin = await town.say(
        "低保怎么申请", "1", kind="comment", place="-5", thread="-5/1", at=long_ago
    )
    world.slow = await town.say("低保怎么申请", "2", at=long_ago)
    world.fresh = await town.say("低保怎么申请", "3")
    world.praised = await town.say("低保怎么申请", "4", external_id="4:praised")
    world.poor = await town.say("低保怎么申请", "5")
    await town.settle()
    for answered in (world.slow, world.praised, world.poor):
        await world.answer(answered)
    await town.desk.citizens.helpful("telegram", "4", world.praised)
    await town.desk.satisfaction.rate("telegram", "4", world.praised, 2)
    await town.desk.satisfaction.rate("telegram", "5", world.poor, 5)
    await world.export("1,甲,2026-01-05 10:00,路灯坏了谁修,,")
    await town.settle()
    await seals.seal(town.db, tomorrow())
    await verify(town.db, "test", tomorrow())


@pytest.fixture
async def world(grown_up: tuple[str, Cases], tmp_path: Path) -> AsyncIterator[World]:
    name, cases = grown_up
    async with copied(name, tmp_path) as (_, address):
        database = Database(address)
        yield World(**asdict(cases), town=await open_town(database), folder=tmp_path)
        await database.close()


def tomorrow() -> datetime:
    return datetime.now(UTC) + timedelta(days=2)


# ---- comparing reports ----


def value(figures: Mapping[str, Any], path: str) -> Any:
    found: Any = figures
    for name in path.split("."):
        found = found[name]
    return found


def scores(figures: Figures) -> Iterator[tuple[str, float]]:
    """Every score of the whole and of each department, the higher the better.

    A percentile that is not reached, or a rate without data, is the worst and the best there is:
    getting rid of all data is an improvement to hide.
    """
    groups = [("全部", figures), *figures["by_department"].items()]
    for name, group in groups:
        for path in BETTER_HIGH:
            found = value(group, path)
            yield f"{name}:{path}", 1e9 if found is None else found
        for path in BETTER_LOW:
            found = value(group, path)
            yield f"{name}:{path}", -1e9 if found is None else -found


def traces(figures: Figures) -> dict[str, float]:
    paths = [*TRACES, *(f"traces.{name}" for name in figures["traces"])]
    found = {path: value(figures, path) or 0 for path in paths}
    for name, group in figures["by_department"].items():
        found[f"{name}:traces.moved_away"] = group["traces"]["moved_away"] or 0
    return found


def improved(before: Figures, after: Figures) -> list[str]:
    was = dict(scores(before))
    return [name for name, now in scores(after) if name in was and now > was[name] + 1e-9]


def grown(before: Figures, after: Figures) -> set[str]:
    was = traces(before)
    return {name for name, now in traces(after).items() if now > was.get(name, 0)}


# ---- attacks ----


async def later(world: World) -> None:
    await world.town.desk.review.later(*await world.on(world.late))


async def acknowledge(world: World) -> None:
    words = "您的留言已收悉，正在核实，请耐心等待。"
    await world.town.desk.review.send(*await world.on(world.late), words)
    await world.answer(world.late)


async def acknowledge_and_overrule(world: World) -> None:
    await acknowledge(world)
    await world.town.desk.review.overrule(*await world.on(world.late, COLLEAGUE), "已答全")
    await world.town.settle()


async def claim_and_leave(world: World) -> None:
    case_id = world.fresh
    staff, version = await world.town.staff(SELF), await world.version(case_id)
    await world.town.desk.workbench.claim(staff, case_id, version)


async def claim_and_give_back(world: World) -> None:
    await claim_and_leave(world)
    await claim_and_leave(world)


async def bounce(world: World) -> None:
    for department in ("市残联", BUREAU, "市残联"):
        await world.town.desk.transfer.ask(*await world.on(world.fresh), department, "职责归口")
        await world.second("accept")
    await world.town.settle()


async def bounce_when_late(world: World) -> None:
    await world.town.desk.transfer.ask(*await world.on(world.late), "市残联", "职责归口")
    await world.second("accept")


async def offer_and_be_refused(world: World) -> None:
    await world.town.desk.transfer.ask(*await world.on(world.fresh), "市残联", "职责归口")
    await world.second("return", words="不属我们")


async def split(world: World) -> None:
    """An easy question in the name of the citizen, within a hard case."""
    await world.town.say("身份证丢了怎么补办？", "1", external_id="1:easy")
    await world.town.settle()


async def merge(world: World) -> None:
    """Two late cases become one."""
    await world.town.desk.merging.merge(*await world.on(world.late), world.twin)
    await world.town.settle()


async def recategorise(world: World) -> None:
    await world.town.desk.recategorising.change(*await world.on(world.fresh), "complaint", "误判")


async def recategorise_when_late(world: World) -> None:
    await world.town.desk.recategorising.change(*await world.on(world.late), "complaint", "误判")


async def make_it_thanks(world: World) -> None:
    await world.town.desk.recategorising.change(*await world.on(world.late), "thanks", "误判")


async def exclude(world: World) -> None:
    await world.town.desk.exclusion.propose(*await world.on(world.late), "malicious", "反复骚扰")
    await world.second("approve")


async def exclude_alone(world: World) -> None:
    town = world.town
    await town.desk.exclusion.propose(*await world.on(world.late, CHIEF), "malicious", "骚扰")
    await world.second("approve")


async def exclude_the_unhappy(world: World) -> None:
    await world.town.desk.exclusion.propose(*await world.on(world.poor), "unfounded", "不实")
    await world.second("approve")


async def pause(world: World) -> None:
    await world.town.desk.supplement.ask(*await world.on(world.fresh), "请告知您家的门牌号。")
    await world.town.settle()


async def pause_when_late(world: World) -> None:
    await world.town.desk.supplement.ask(*await world.on(world.late), "请告知您家的门牌号。")


async def pause_without_asking(world: World) -> None:
    await world.town.desk.supplement.ask(*await world.on(world.fresh), "请补充一下。")


async def extend(world: World) -> None:
    await world.town.desk.extension.ask(*await world.on(world.fresh), 10, "情况复杂")
    await world.second("approve")


async def extend_alone(world: World) -> None:
    await world.town.desk.extension.ask(*await world.on(world.fresh, CHIEF), 10, "情况复杂")
    await world.second("approve")


async def extend_when_late(world: World) -> None:
    await world.town.desk.extension.ask(*await world.on(world.late), 10, "情况复杂")


async def close(world: World) -> None:
    await world.town.desk.review.close(*await world.on(world.late), "重复提交")


async def rate_oneself(world: World) -> None:
    await world.town.desk.satisfaction.rate("telegram", "900", world.slow, 1)


async def call_about_ones_own_answer(world: World) -> None:
    task = next(one for one in await world.town.rows(Task) if one.kind == "callback")
    staff = await world.town.staff(SELF)
    await world.town.desk.tasks.act(staff, task.id or 0, "rectified", "", "已联系")


async def have_a_colleague_say_it_is_mended(world: World) -> None:
    task = next(one for one in await world.town.rows(Task) if one.kind == "callback")
    staff = await world.town.staff(CHIEF)
    await world.town.desk.tasks.act(staff, task.id or 0, "rectified", "", "已联系")


async def withdraw_in_the_citizens_name(world: World) -> None:
    await world.town.desk.citizens.erase("telegram", "3")


async def backdate(world: World) -> None:
    """A reply that nobody gave, in a later export of the other system."""
    await world.export(
        "1,甲,2026-01-05 10:00,路灯坏了谁修,当天已修好，属市政所负责。,2026-01-05 11:00"
    )


async def pad_with_easy_history(world: World) -> None:
    answered = "次日已修好，属市政所负责。,2026-02-03 10:00"
    await world.export(
        *(
            f"{number},乙{number},2026-02-02 10:00,路灯坏了谁修,{answered}"
            for number in range(2, 30)
        )
    )


async def reopen(world: World) -> None:
    """Have the citizen edit an answered question, so that it is asked and answered anew."""
    await world.town.edit("社保卡丢了怎么补办？", "4:praised")
    await world.town.settle()


async def delete_events(world: World) -> None:
    tables = ("case_event", "turn_fact")
    await world.forge(world.late, *(f"DELETE FROM {one} WHERE case_id = :case" for one in tables))


async def delete_a_case_with_all_its_rows(world: World) -> None:
    tables = ("case_event", "turn_fact", "turn_change", "figure_queue", "draft", "task", "delivery")
    await world.forge(
        world.late,
        *(f"DELETE FROM {one} WHERE case_id = :case" for one in (*tables, "message")),
        'DELETE FROM "case" WHERE id = :case',
    )


async def delete_facts(world: World) -> None:
    await world.forge(world.late, "DELETE FROM turn_fact WHERE case_id = :case")


async def edit_facts(world: World) -> None:
    await world.forge(
        world.late, "UPDATE turn_fact SET stop = start + 1000000 WHERE case_id = :case"
    )


async def edit_the_start(world: World) -> None:
    """The citizen seems to have written a moment before the answer, wherever one looks."""
    answered = (await world.town.case(world.slow)).answered_at
    assert answered is not None
    await world.forge(
        world.slow,
        "UPDATE case_event SET at = :at WHERE case_id = :case"
        " AND kind IN ('opened', 'message', 'triaged', 'due_set')",
        'UPDATE "case" SET opened_at = :at WHERE id = :case',
        "INSERT INTO figure_queue (case_id, event_id) VALUES (:case, 0)",
        at=answered - timedelta(minutes=1),
    )
    await verify(world.town.db, "system", tomorrow())  # as every night


Attack = Callable[[World], Awaitable[None]]
REFUSED = ""
NOTHING = "-"
ATTACKS: dict[Attack, str] = {
    later: NOTHING,
    acknowledge: "counts.evasive",
    acknowledge_and_overrule: "counts.evasion_overruled",
    claim_and_leave: "traces.accepted_unanswered",
    claim_and_give_back: NOTHING,
    bounce: "traces.transferred",
    bounce_when_late: "traces.transferred",
    offer_and_be_refused: "traces.returned",
    split: "traces.split",
    merge: "counts.merged",
    recategorise: "traces.recategorised",
    recategorise_when_late: "traces.recategorised",
    make_it_thanks: REFUSED,
    exclude: "traces.excluded_when_late",
    exclude_alone: REFUSED,
    exclude_the_unhappy: "counts.excluded",
    pause: "traces.paused",
    pause_when_late: REFUSED,
    pause_without_asking: REFUSED,
    extend: "traces.extended",
    extend_alone: REFUSED,
    extend_when_late: REFUSED,
    close: "traces.closed",
    rate_oneself: REFUSED,
    call_about_ones_own_answer: REFUSED,
    have_a_colleague_say_it_is_mended: "satisfaction.callback.rectified",
    withdraw_in_the_citizens_name: "traces.withdrawn",
    backdate: "traces.backfilled",
    pad_with_easy_history: "counts.imported",
    reopen: "counts.later_turns",
    delete_events: "ledger.missing_events",
    delete_a_case_with_all_its_rows: "ledger.missing_events",
    delete_facts: "ledger.cases_without_facts",
    edit_facts: "ledger.spot_check.differences",
    edit_the_start: "ledger.differences",
}
HARMLESS = {
    later,
    acknowledge,
    bounce_when_late,
    recategorise_when_late,
    offer_and_be_refused,
    close,
}
"""Attacks that leave a trace and yet bring nothing."""


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.__name__)
async def test_no_score_gets_better_without_a_trace(world: World, attack: Attack) -> None:
    expected = ATTACKS[attack]
    before = await world.reports()
    if expected == REFUSED:
        with pytest.raises(DeskError):
            await attack(world)
    else:
        await attack(world)
    gains: list[str] = []
    for was, now in zip(before, await world.reports(), strict=True):
        better, shown = improved(was, now), grown(was, now)
        gains += better
        assert not better or shown, better
        assert expected in (REFUSED, NOTHING) or expected in shown, (shown, better)
    quiet = expected in (REFUSED, NOTHING) or attack in HARMLESS
    assert bool(gains) is not quiet, gains


async def test_the_original_due_time_is_beyond_every_delay(world: World) -> None:
    """What moves a due time moves the one rate; the other tells what was promised at first."""
    for attack in (recategorise, pause):
        before, _ = await world.reports()
        await attack(world)
        after, _ = await world.reports()
        assert after["on_time"]["original_due_rate"] == before["on_time"]["original_due_rate"]
        with suppress(DeskError):
            await world.town.desk.supplement.resume(*await world.on(world.fresh), "不用了")


async def test_waiting_improves_nothing(world: World) -> None:
    soon, _ = await world.reports()
    for days in (15, 50, 500):
        far = await world.report(datetime.now(UTC) + timedelta(days=days))
        better = [name for name in improved(soon, far) if "unrated" not in name]
        assert better == []


MIXED: tuple[Attack, ...] = (
    acknowledge,
    bounce,
    bounce_when_late,
    offer_and_be_refused,
    split,
    merge,
    recategorise,
    exclude,
    exclude_the_unhappy,
    pause,
    extend,
    close,
    backdate,
    pad_with_easy_history,
    reopen,
    withdraw_in_the_citizens_name,
    edit_facts,
)


@pytest.mark.parametrize("seed", range(6))
async def test_nor_by_any_mixture(world: World, seed: int) -> None:
    dice = random.Random(seed)
    first = await world.reports()
    before = first
    for attack in dice.sample(MIXED, 6):
        with suppress(DeskError):
            await attack(world)
        after = await world.reports()
        for start, was, now in zip(first, before, after, strict=True):
            assert not improved(was, now) or grown(was, now), attack
            assert not improved(start, now) or grown(start, now), attack
        before = after
