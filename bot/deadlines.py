"""Deadline profiles (时限方案) as data, when a turn is due, and when to remind whom (督办)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from bot.clock import Calendar, Due, Limit, Unit, due, to_shanghai
from bot.triage import Category
from bot.turn import Change, ChangeKind, Turn

DEFAULT_PROFILE = "guangdong_2022"


@dataclass(frozen=True)
class Profile:
    """One named rule: how long each category may take, and the text it rests on.

    `fallback` holds for every category without a limit of its own; `grades` are limits by
    severity (突发, 疑难 …), which go before the category when one is named.
    """

    key: str
    name: str
    basis: str
    effective_on: date | None
    acceptance: Limit | None
    limits: Mapping[Category, Limit]
    fallback: Limit
    grades: Mapping[str, Limit] = field(default_factory=dict)
    effective_note: str = ""

    @property
    def effective(self) -> str:
        """Since when the rule holds, as far as its source says, in Chinese."""
        since = f"{self.effective_on} 起施行" if self.effective_on else ""
        if since and self.effective_note:
            return f"{since}（{self.effective_note}）"
        return since or self.effective_note or "施行日期没有登记"

    def limit(self, category: Category, grade: str = "") -> Limit:
        """ValueError when the profile does not know the grade."""
        if not grade:
            return self.limits.get(category, self.fallback)
        if grade not in self.grades:
            known = "、".join(self.grades) or "无"
            raise ValueError(f"时限方案“{self.name}”没有分级“{grade}”，可用的分级：{known}。")
        return self.grades[grade]


@lru_cache(maxsize=1)
def profiles() -> Mapping[str, Profile]:
    """The shipped profiles by key."""
    table = tomllib.loads((files("bot") / "data" / "profiles.toml").read_text(encoding="utf-8"))
    return MappingProxyType({key: parse_profile(key, row) for key, row in table.items()})


def parse_profile(key: str, row: Mapping[str, Any]) -> Profile:
    """A profile from one table of TOML; ValueError says in Chinese what is wrong with it."""
    try:
        return Profile(
            key=key,
            name=row["name"],
            basis=row["basis"],
            effective_on=row.get("effective_on"),
            effective_note=row.get("effective_note", ""),
            acceptance=_limit(row["acceptance"]) if "acceptance" in row else None,
            limits={Category(name): _limit(value) for name, value in row.get("limits", {}).items()},
            fallback=_limit(row["fallback"]),
            grades={name: _limit(value) for name, value in row.get("grades", {}).items()},
        )
    except KeyError as error:
        raise ValueError(f"时限方案 {key} 缺少 {error.args[0]}，请补上。") from error
    except (TypeError, ValueError) as error:
        raise ValueError(f"时限方案 {key} 有误，请核对类别、amount 和 unit：{error}") from error


def due_for(
    profile: Profile, category: Category, start: datetime, calendar: Calendar, grade: str = ""
) -> Due:
    """When an answer to a case of this category, started at `start`, is due."""
    return due(start, profile.limit(category, grade), calendar)


@dataclass(slots=True)
class Standing:
    """How a turn stands by a profile, a calendar and a moment.

    ``original`` is the due time promised at the start: no later change moves it. ``department``
    and ``category`` are those that the turn is answered for; ``paused`` is the working time of the
    pauses that count, ``paused_natural`` the natural time.
    """

    original: Due
    due: Due
    category: Category
    department: str
    paused: timedelta = timedelta(0)
    paused_natural: timedelta = timedelta(0)
    extended_to: datetime | None = None


def standing(turn: Turn, profile: Profile, calendar: Calendar, now: datetime) -> Standing:
    """The due times of a turn as of ``now`` and who answers for it.

    Changes move the due time when they come before it and before the answer; what is done about
    a case that is overdue or answered moves nothing. An extension must have been asked for
    before the due time, and approved before the answer.
    """
    original = due_for(profile, turn.category, turn.start, calendar.of(turn.department))
    found = Standing(original, original, turn.category, turn.department)
    end = min(turn.stop or now, now)
    for change in turn.changes:
        if change.at >= end or (change.asked or change.at) >= found.due.at:
            continue
        _apply(found, change, end, calendar, profile)
        found.due = _put_off(found, turn.start, profile, calendar.of(found.department))
    return found


def _apply(
    found: Standing, change: Change, end: datetime, calendar: Calendar, profile: Profile
) -> None:
    if change.kind is ChangeKind.CATEGORY:
        found.category = Category(change.to)
    elif change.kind is ChangeKind.DEPARTMENT:
        found.department = change.to
    elif change.kind is ChangeKind.EXTENSION and change.workdays:
        found.extended_to = extended(found.due.at, change.workdays, calendar.of(found.department))
    elif change.kind is ChangeKind.PAUSE:
        until = min(change.until or end, end)
        own, unit = calendar.of(found.department), profile.limit(found.category).unit
        worked, natural = own.working_time(change.at, until), until - change.at
        found.paused += worked
        found.paused_natural += natural
        if found.extended_to is not None:
            found.extended_to = _later(found.extended_to, unit, worked, natural, own)


def extended(due_at: datetime, workdays: int, calendar: Calendar) -> datetime:
    """The close of business so many working days after the day that a due time ends."""
    day = (to_shanghai(due_at) - timedelta(microseconds=1)).date()
    for _ in range(workdays):
        day = calendar.next_workday(day)
    return calendar.closing(day)


def _put_off(found: Standing, start: datetime, profile: Profile, calendar: Calendar) -> Due:
    limit = profile.limit(found.category)
    base = due(start, limit, calendar)
    at = _later(base.at, limit.unit, found.paused, found.paused_natural, calendar)
    if found.extended_to is not None:
        at = max(at, to_shanghai(found.extended_to))
    provisional = base.provisional or _provisional(base.at, at, calendar)
    return Due(at, provisional, base.calendar_version)


def _later(
    moment: datetime, unit: Unit, worked: timedelta, natural: timedelta, calendar: Calendar
) -> datetime:
    """A due time put off by a pause, in the kind of time that its limit counts."""
    if unit is Unit.WORKDAY:
        return calendar.later(moment, worked)
    put_off = to_shanghai(moment.astimezone(UTC) + natural)
    if unit is not Unit.DAY or not natural:
        return put_off
    day = (put_off - timedelta(microseconds=1)).date()
    return put_off if calendar.is_workday(day) else calendar.closing(calendar.next_workday(day))


def _provisional(after: datetime, until: datetime, calendar: Calendar) -> bool:
    day = to_shanghai(after).date()
    while day <= to_shanghai(until).date():
        if calendar.provisional(day):
            return True
        day += timedelta(days=1)
    return False


def escalation_points(start: datetime, due: Due, calendar: Calendar) -> list[tuple[str, datetime]]:
    """Reminders up to the due time, earliest first, all in Asia/Shanghai.

    "half": half of the working time has passed (half of the natural time if there is none);
    "last_day": one working day is left, given only when more than that was granted; "due".
    """
    start, end = to_shanghai(start), to_shanghai(due.at)
    if end <= start:
        return [("due", end)]
    total = calendar.working_seconds(start, end)
    half = calendar.after_working(start, total / 2) if total else start + (end - start) / 2
    points = [("half", half), ("due", end)]
    day = calendar.day_seconds
    if total > day:
        points.append(("last_day", calendar.after_working(start, total - day)))
    return sorted(points, key=lambda point: point[1])


def overdue_points(due: Due, until: datetime, calendar: Calendar) -> list[tuple[str, datetime]]:
    """("overdue_1", opening of the first working day after due), … up to `until` inclusive."""
    end, until = to_shanghai(due.at), to_shanghai(until)
    points: list[tuple[str, datetime]] = []
    day = end.date() - timedelta(days=1)
    while (opening := calendar.opening(day := calendar.next_workday(day))) <= until:
        if opening > end:
            points.append((f"overdue_{len(points) + 1}", opening))
    return points


def next_point(start: datetime, due: Due, calendar: Calendar, after: datetime) -> datetime:
    """When the first reminder later than a moment comes; there is always another one."""
    planned = [at for _, at in escalation_points(start, due, calendar) if at > after]
    if planned:
        return planned[0]
    latest = max(to_shanghai(due.at), to_shanghai(after))
    day = latest.date() - timedelta(days=1)
    while (opening := calendar.opening(day := calendar.next_workday(day))) <= latest:
        pass
    return opening


def _limit(value: Mapping[str, Any]) -> Limit:
    return Limit(int(value["amount"]), Unit(value["unit"]))
