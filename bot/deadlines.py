"""Deadline profiles (时限方案) as data, and when to remind whom (督办)."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any

from bot.clock import Calendar, Due, Limit, Unit, due, to_shanghai
from bot.triage import Category

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


def _limit(value: Mapping[str, Any]) -> Limit:
    return Limit(int(value["amount"]), Unit(value["unit"]))
