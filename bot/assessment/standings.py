"""How every turn stands: `bot.deadlines.standing` for a million turns at once."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import numpy as np

from bot import facts as columns
from bot.assessment.timeline import Flags, Numbers, Timeline, used
from bot.clock import SHANGHAI, Calendar, Limit, Unit
from bot.deadlines import Profile
from bot.facts import CHANGE_COLUMNS, FACT_COLUMNS, Facts, microseconds
from bot.triage import Category

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MOVING = (columns.CATEGORY, columns.DEPARTMENT, columns.EXTENSION, columns.PAUSE)
_KEY = 1_000  # turns of one case
WITHIN = (2, 5, 10, 15)
"""工作日 by which every report counts what was answered, whatever the profile says."""


class Standings:
    """Arrays with one value a turn, moments in microseconds; ``stop`` is 0 for the open ones.

    ``away`` are the changes of (kind, turn, word that it was taken away from).
    """

    def __init__(
        self, facts: Facts, profile: Profile, calendar: Calendar, cut_off: datetime
    ) -> None:
        self.facts, self.cut_off = facts, microseconds(cut_off)
        self._profile, self._calendar = profile, calendar
        turns = {name: facts.turns[:, place] for place, name in enumerate(FACT_COLUMNS)}
        self.turns = turns
        self.start: Numbers = turns["start"].copy()
        self.stop: Numbers = np.where(turns["stop"] <= self.cut_off, turns["stop"], 0)
        self.end: Numbers = np.where(self.stop > 0, self.stop, self.cut_off)
        self.category: Numbers = turns["category"].copy()
        self.department: Numbers = turns["department"].copy()
        self.timelines = self._prepare()
        self.original, self.provisional = self._base(np.arange(len(facts)))
        self.due = self.original.copy()
        self.paused = np.zeros(len(facts), np.int64)
        self.paused_natural = np.zeros(len(facts), np.int64)
        self.extended = np.zeros(len(facts), np.int64)
        self.away: list[tuple[int, Numbers, Numbers]] = []
        for places, changes in self._rounds():
            self._apply(places, changes)

    def _prepare(self) -> list[Timeline]:
        """One timeline for each set of business hours; which one is each department's."""
        first, last = self._period()
        limits = {
            word: self._profile.limit(Category(text))
            for word, text in self.facts.words.items()
            if text in set(Category)
        }
        days = (Unit.DAY, Unit.WORKDAY)
        timed = [
            *limits.values(),
            *([acceptance] if (acceptance := self._profile.acceptance) else []),
        ]
        longest = max([WITHIN[-1], *(one.amount for one in timed if one.unit in days)])
        calendars = {"": self._calendar.of("")}
        calendars |= {name: self._calendar.of(name) for name in self._calendar.departments}
        hours = [calendars[name] for name in calendars]
        places = {name: place for place, name in enumerate(calendars)}
        size = max(self.facts.words, default=0) + 1
        self._hours_of = np.zeros(size, np.int64)
        for word, text in self.facts.words.items():
            self._hours_of[word] = places.get(text, 0)
        self._limits: list[Limit] = sorted(set(limits.values()), key=str)
        self._limit_of = np.zeros(size, np.int64)
        for word, limit in limits.items():
            self._limit_of[word] = self._limits.index(limit)
        return [Timeline(one, first, last, longest) for one in hours]

    def _period(self) -> tuple[date, date]:
        first = min(int(self.start.min(initial=self.cut_off)), self.cut_off)
        return _day(first) - timedelta(days=1), _day(self.cut_off)

    def _base(self, places: Numbers) -> tuple[Numbers, Flags]:
        """Due times by the limit of the category alone, and whether they are provisional."""
        dues, unsure = np.zeros(len(places), np.int64), np.zeros(len(places), bool)
        for timeline, limit, chosen in self._alike(places):
            dues[chosen], unsure[chosen] = timeline.due(self.start[places[chosen]], limit)
        return dues, unsure

    def _alike(self, places: Numbers) -> Iterator[tuple[Timeline, Limit, Numbers]]:
        """Turns with the same business hours and limit, as positions in ``places``."""
        hours = self._hours_of[self.department[places]]
        kind = hours * len(self._limits) + self._limit_of[self.category[places]]
        for one in used(kind):
            timeline, limit = divmod(one, len(self._limits))
            yield self.timelines[timeline], self._limits[limit], np.flatnonzero(kind == one)

    def _rounds(self) -> Iterator[tuple[Numbers, Numbers]]:
        """First every turn's first change, then every second one …: (turns, changes)."""
        changes, places = self.marks(*_MOVING)
        order = np.arange(len(places)) - np.searchsorted(places, places, side="left")
        for number in range(int(order.max(initial=-1)) + 1):
            chosen = order == number
            yield places[chosen], changes[chosen]

    def marks(self, *kinds: int) -> tuple[Numbers, Numbers]:
        """The changes of these kinds in order, and the place of the turn of each."""
        changes = self.facts.changes
        changes = changes[np.isin(changes[:, CHANGE_COLUMNS.index("kind")], kinds)]
        keys = self.turns["case_id"] * _KEY + self.turns["number"]
        wanted = changes[:, 0] * _KEY + changes[:, 1]
        places = np.searchsorted(keys, wanted)
        known = places < len(keys)
        known[known] = keys[places[known]] == wanted[known]
        return changes[known], places[known]

    def _apply(self, places: Numbers, changes: Numbers) -> None:
        """One change for each of the turns; those that come too late change nothing."""
        _, _, _, kind, at, until, value = changes.T
        for one, held in ((columns.CATEGORY, self.category), (columns.DEPARTMENT, self.department)):
            told = (kind == one) & (at < self.cut_off)
            self.away.append((one, places[told], held[places[told]]))
        asked = np.where(kind == columns.EXTENSION, until, at)
        live = (at < self.end[places]) & (asked < self.due[places])
        places, kind, at = places[live], kind[live], at[live]
        until, value = until[live], value[live]
        for one, held in ((columns.CATEGORY, self.category), (columns.DEPARTMENT, self.department)):
            held[places[kind == one]] = value[kind == one]
        pauses, longer = kind == columns.PAUSE, kind == columns.EXTENSION
        self._pause(places[pauses], at[pauses], until[pauses])
        self._extend(places[longer], value[longer])
        self._put_off(places)

    def _pause(self, places: Numbers, begin: Numbers, until: Numbers) -> None:
        latest = self.end[places]
        end = np.minimum(np.where(until > 0, until, latest), latest)
        for timeline, limit, chosen in self._alike(places):
            own = places[chosen]
            work = timeline.worked(end[chosen]) - timeline.worked(begin[chosen])
            natural = end[chosen] - begin[chosen]
            self.paused[own] += work
            self.paused_natural[own] += natural
            moved = _later(timeline, limit.unit, self.extended[own], work, natural)
            self.extended[own] = np.where(self.extended[own] > 0, moved, 0)

    def _extend(self, places: Numbers, workdays: Numbers) -> None:
        for timeline, _, chosen in self._alike(places):
            own = places[chosen]
            self.extended[own] = timeline.extended(self.due[own], workdays[chosen])

    def _put_off(self, places: Numbers) -> None:
        base, unsure = self._base(places)
        for timeline, limit, chosen in self._alike(places):
            own = places[chosen]
            work, natural = self.paused[own], self.paused_natural[own]
            dues = _later(timeline, limit.unit, base[chosen], work, natural)
            dues = np.maximum(dues, self.extended[own])
            self.due[own] = dues
            self.provisional[own] = unsure[chosen] | timeline.unsure_between(base[chosen], dues)

    def worked(self) -> Numbers:
        """Working microseconds from start to answer, or to the cut-off, less the pauses."""
        found = np.zeros(len(self.facts), np.int64)
        for timeline, chosen in self.by_hours():
            begin, end = self.start[chosen], self.end[chosen]
            found[chosen] = timeline.worked(end) - timeline.worked(begin) - self.paused[chosen]
        return found

    def within(self) -> dict[int, Numbers]:
        """When each of WITHIN would end, whatever the category; nothing puts them off."""
        dues = {days: np.zeros(len(self.facts), np.int64) for days in WITHIN}
        for timeline, chosen in self._by_hours_of(self.turns["department"]):
            ends = timeline.closings(self.start[chosen], WITHIN)
            for days, found in zip(WITHIN, ends, strict=True):
                dues[days][chosen] = found
        return dues

    def acceptance_due(self) -> Numbers:
        """When each turn had to be taken up (受理); 0 by a profile that does not say."""
        found, limit = np.zeros(len(self.facts), np.int64), self._profile.acceptance
        if limit is not None:
            for timeline, chosen in self._by_hours_of(self.turns["department"]):
                found[chosen], _ = timeline.due(self.start[chosen], limit)
        return found

    def by_hours(self) -> Iterator[tuple[Timeline, Numbers]]:
        """The turns that each set of business hours holds for."""
        return self._by_hours_of(self.department)

    def _by_hours_of(self, departments: Numbers) -> Iterator[tuple[Timeline, Numbers]]:
        hours = self._hours_of[departments]
        for place, timeline in enumerate(self.timelines):
            yield timeline, np.flatnonzero(hours == place)


def _later(
    timeline: Timeline, unit: Unit, dues: Numbers, work: Numbers, natural: Numbers
) -> Numbers:
    if unit is Unit.WORKDAY:
        return timeline.later(dues, work)
    if unit is not Unit.DAY:
        return dues + natural
    return np.where(natural > 0, timeline.rolled(dues + natural), dues)


def _day(moment: int) -> date:
    return (_EPOCH + timedelta(microseconds=moment)).astimezone(SHANGHAI).date()
