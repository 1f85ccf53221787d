"""The figures of an assessment (考核), for all turns and for each group of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from bot import facts as columns
from bot.assessment.census import OVER_3_MONTHS, Census
from bot.assessment.figures import Figures, Group, write
from bot.assessment.listing import Listed, listed
from bot.assessment.reach import EVERYWHERE, Reach
from bot.assessment.standings import WITHIN, Standings
from bot.assessment.survival import percentiles
from bot.assessment.timeline import Flags, Numbers, used
from bot.clock import Calendar
from bot.deadlines import Profile
from bot.facts import Facts

HOUR = 3_600_000_000
_WORD = 62
_FACTORS = (0x1E3779B97F4A7C15, 0x3F58476D1CE4E5B9, 0x14D049BB133111EB)
_RADIX = 1 << 16  # numbers below this are sorted several times as fast
SHARES = (0.5, 0.9)
AGES = (7, 30, OVER_3_MONTHS.days)
"""Bounds in days between which the unanswered are counted by age."""
AGE_NAMES = ("0-1", "1-3", "3-7", "7-30", "30-91", "91-")
"""Groups of the dimension ``age``, in natural days."""
AGE_STEPS = (1, 3, 7, 30, OVER_3_MONTHS.days)
SPAN_NAMES = ("0-7", "7-30", "30-91", "91-")
"""Groups of the dimension ``span``, those that AGES are the bounds of."""
_CHINA = 8  # hours before UTC, since 1991 all year round
DIMENSIONS = ("account", "department", "person", "category", "channel", "month")
_AWAY = {"department": columns.DEPARTMENT, "category": columns.CATEGORY}


@dataclass(frozen=True)
class Grouping:
    """Which group each turn is in: ``codes`` are places in ``names``, which are in order."""

    names: Sequence[str]
    codes: NDArray[np.uint32]


class Assessment:
    """What turns say about how citizens were answered, as of a cut-off.

    The unit of every count is the turn: a case in which the citizen asked anew counts once for
    each time. ``facts`` are the state at the cut-off; answers, changes and withdrawals that they
    tell of after it are left out, and so are turns outside ``reach``.
    """

    def __init__(
        self,
        facts: Facts,
        profile: Profile,
        calendar: Calendar,
        cut_off: datetime,
        reach: Reach = EVERYWHERE,
    ) -> None:
        self._standings = Standings(facts, profile, calendar, cut_off)
        self._census = Census(self._standings, reach)
        self._facts = facts
        self._groupings: dict[str, Grouping] = {}

    def figures(self, dimensions: Sequence[str] = DIMENSIONS) -> Figures:
        """All figures, and under ``by_<dimension>`` those of each group by its name.

        What all of them need is worked out with the first; the others then share two processors.
        """
        everything = Grouping(("",), np.zeros(len(self._facts), np.uint32))
        (found,) = self._of(everything, "").values()
        with ThreadPoolExecutor(2, "figures") as pool:
            groups = pool.map(lambda one: self._of(self.grouping(one), one), dimensions)
            found |= {f"by_{one}": own for one, own in zip(dimensions, groups, strict=True)}
        return found

    def cases_behind(self, key: str, dimension: str = "", group: str = "") -> list[int]:
        """The cases that a figure counts, oldest first; KeyError for an unknown figure or group.

        A rate, a percentile or a mean stands for the cases that it is worked out from.
        """
        cases = self._standings.turns["case_id"][self._behind(key, dimension, group)]
        return [int(case) for case in dict.fromkeys(cases.tolist())]

    def turns_behind(
        self,
        key: str,
        dimension: str = "",
        group: str = "",
        limit: int | None = None,
        *,
        start: int = 0,
        newest: bool = False,
    ) -> tuple[int, list[Listed]]:
        """How many turns a figure counts, and ``limit`` of them from ``start`` on, the oldest
        first unless the ``newest`` are wanted; KeyError as above.

        ``traces`` as a key stands for whatever leaves a trace.
        """
        places = self._behind(key, dimension, group)
        ordered = places[::-1] if newest else places
        end = None if limit is None else start + limit
        chosen = [int(place) for place in ordered[start:end]]
        return len(places), list(listed(self._census, self._worked, chosen))

    def count(self, key: str) -> int:
        """How many turns a figure counts."""
        return int(np.count_nonzero(self._marked(key)))

    def counts(self, key: str, dimension: str) -> dict[str, int]:
        """How many turns a figure counts in each group, groups without any left out."""
        grouping = self.grouping(dimension)
        codes = grouping.codes[self._marked(key)]
        found = np.bincount(codes, minlength=len(grouping.names))
        return {name: int(n) for name, n in zip(grouping.names, found, strict=True) if n}

    def _behind(self, key: str, dimension: str, group: str) -> Numbers:
        """The places of the turns that a figure counts, oldest first."""
        mask = self._marked(key)
        if dimension:
            grouping = self.grouping(dimension)
            if group not in grouping.names:
                raise KeyError(group)
            mask = mask & (grouping.codes == grouping.names.index(group))
        places = np.flatnonzero(mask)
        return places[np.argsort(self._standings.start[places], kind="stable")]

    def _marked(self, key: str) -> Flags:
        masks = self._census.masks
        if key != "traces":
            return masks[BASES.get(key, key)]
        found = np.zeros(len(self._facts), bool)
        for name, mask in masks.items():
            if name.startswith("traces."):
                found |= mask
        return found

    def ages(self, dimension: str) -> dict[str, Figures]:
        """How old the unanswered turns of each group are, in natural days; groups without any
        are left out."""
        grouping, standings = self.grouping(dimension), self._standings
        open_ = np.flatnonzero(self._census.masks["counts.unanswered.all"])
        days = (standings.cut_off - standings.start[open_]) / (24 * HOUR)
        codes = grouping.codes[open_]
        return {grouping.names[int(code)]: _aged(days[codes == code]) for code in np.unique(codes)}

    def grouping(self, dimension: str) -> Grouping:
        """The groups of a dimension that hold any case. KeyError for an unknown dimension.

        Beside DIMENSIONS there are ``day`` and ``hour`` (of the day) in which the citizen wrote,
        in China, and ``age`` and ``span``, how long ago that was, finely and roughly.
        """
        if dimension not in self._groupings:
            standings = self._standings
            made: dict[str, Callable[[], Grouping]] = {
                "account": lambda: self._by_account(0),
                "channel": lambda: self._by_account(1),
                "department": lambda: self._by_word(standings.department),
                "person": lambda: self._by_word(standings.turns["person"]),
                "category": lambda: self._by_word(standings.category),
                "month": lambda: self._by_date("%Y-%m"),
                "day": lambda: self._by_date("%Y-%m-%d"),
                "hour": self._by_hour,
                "age": lambda: self._by_age(AGE_NAMES, AGE_STEPS),
                "span": lambda: self._by_age(SPAN_NAMES, AGES),
            }
            self._groupings[dimension] = made[dimension]()
        return self._groupings[dimension]

    def _of(self, grouping: Grouping, dimension: str) -> dict[str, Figures]:
        """The figures of every group with a case of its own in it, by name."""
        groups = self._groups(grouping, dimension)
        return {
            name: write(group)
            for name, group in zip(grouping.names, groups, strict=True)
            if not dimension or group.counts["counts.original"] or group.counts["counts.merged"]
        }

    def _groups(self, grouping: Grouping, dimension: str) -> list[Group]:
        size, codes = len(grouping.names), grouping.codes
        counts = self._counts(grouping)
        natural = self._durations(grouping, self._natural)
        working = self._durations(grouping, self._working)
        paused = self._sum(codes, size, self._standings.paused_natural)
        away = self._moved_away(grouping, dimension)
        return [
            Group(
                {key: int(row[place]) for place, key in enumerate(self._census.masks)},
                natural[number],
                working[number],
                float(paused[number]) / HOUR,
                None if away is None else int(away[number]),
            )
            for number, row in enumerate(counts)
        ]

    @cached_property
    def _signatures(self) -> tuple[Flags, NDArray[np.int64]]:
        """The distinct ways in which turns are counted (ways, masks), and each turn's way."""
        masks = list(self._census.masks.values())
        words = [_packed(masks[first : first + _WORD]) for first in range(0, len(masks), _WORD)]
        way, examples = _alike(words)
        return np.array([mask[examples] for mask in masks], bool).T, way

    def _counts(self, grouping: Grouping) -> Numbers:
        """How many turns of each group every mask holds: (groups, masks)."""
        bits, way = self._signatures
        size, ways = len(grouping.names), len(bits)
        found = np.bincount(grouping.codes * np.int64(ways) + way, minlength=size * ways)
        return found.reshape(size, ways) @ bits.astype(np.int64)

    def _sum(self, codes: NDArray[np.uint32], size: int, values: Numbers) -> NDArray[np.float64]:
        original = self._census.masks["counts.original"]
        chosen = np.flatnonzero(original & (values != 0))
        weights = values[chosen].astype(np.float64)
        return np.bincount(codes[chosen], weights, minlength=size).astype(np.float64)

    def _moved_away(self, grouping: Grouping, dimension: str) -> Numbers | None:
        """How often turns were taken out of each department or category."""
        if dimension not in _AWAY:
            return None
        found = np.zeros(len(grouping.names), np.int64)
        places = {name: place for place, name in enumerate(grouping.names)}
        for kind, turns, words in self._standings.away:
            if kind == _AWAY[dimension]:
                near = words[self._census.known[turns]]
                numbers, counts = np.unique(near, return_counts=True)
                for number, count in zip(numbers, counts, strict=True):
                    place = places.get(self._facts.words[int(number)])
                    if place is not None:
                        found[place] += count
        return found

    @cached_property
    def _natural(self) -> _Waiting:
        standings = self._standings
        return self._waiting(standings.end - standings.start)

    @cached_property
    def _working(self) -> _Waiting:
        return self._waiting(self._worked)

    @cached_property
    def _worked(self) -> Numbers:
        return self._standings.worked()

    def _waiting(self, lengths: Numbers) -> _Waiting:
        """The valid turns in the order of their lengths, answered ones first among equals."""
        valid = np.flatnonzero(self._census.valid)
        answered = self._census.answered[valid]
        order = np.argsort(lengths[valid] * 2 + ~answered)
        return _Waiting(valid[order], lengths[valid][order] / HOUR, answered[order])

    def _durations(self, grouping: Grouping, waiting: _Waiting) -> list[Figures]:
        codes = grouping.codes[waiting.places]
        small = len(grouping.names) < _RADIX
        order = np.argsort(codes.astype(np.uint16) if small else codes, kind="stable")
        hours, answered = waiting.hours[order], waiting.answered[order]
        sizes = np.bincount(codes, minlength=len(grouping.names))
        ends = np.cumsum(sizes)
        return [
            _spread(hours[first:last], answered[first:last])
            for first, last in zip(ends - sizes, ends, strict=True)
        ]

    def _by_codes(self, codes: Numbers, words: dict[int, str]) -> Grouping:
        names = sorted(set(words.values()))
        places = np.zeros(max(words, default=0) + 1, np.uint32)
        for number, word in words.items():
            places[number] = names.index(word)
        return Grouping(names, places[codes])

    def _by_word(self, numbers: Numbers) -> Grouping:
        return self._by_codes(numbers, {one: self._facts.words[one] for one in used(numbers)})

    def _by_account(self, part: int) -> Grouping:
        numbers = self._standings.turns["account_id"]
        accounts = self._facts.accounts
        return self._by_codes(numbers, {one: accounts[one][part] for one in used(numbers)})

    def _by_date(self, form: str) -> Grouping:
        timeline = self._standings.timelines[0]
        days = timeline.day(self._standings.start)
        return self._by_codes(days, {one: timeline.date(one).strftime(form) for one in used(days)})

    def _by_hour(self) -> Grouping:
        hours = (self._standings.start // HOUR + _CHINA) % 24
        return self._by_codes(hours, {one: f"{one:02d}" for one in used(hours)})

    def _by_age(self, names: Sequence[str], steps: Sequence[int]) -> Grouping:
        days = (self._standings.cut_off - self._standings.start) / (24 * HOUR)
        codes = np.searchsorted(np.array(steps) + 1e-9, days, side="left").astype(np.uint32)
        return Grouping(names, codes)


def _packed(masks: Sequence[Flags]) -> Numbers:
    """Flags as the bits of one number."""
    word = np.zeros(len(masks[0]), np.int64)
    for place, mask in enumerate(masks):
        word |= mask.astype(np.int64) << place
    return word


def _alike(words: Sequence[Numbers]) -> tuple[Numbers, Numbers]:
    """Places with the same words have the same code; and an example of each code.

    Words are mixed into one number, which is sorted once; that no two of them fell together is
    checked.
    """
    for factor in _FACTORS:
        mixed = words[0]
        for word in words[1:]:
            mixed = mixed * np.int64(factor) + word
        kinds, code = np.unique(mixed, return_inverse=True)
        examples = np.zeros(len(kinds), np.int64)
        examples[code] = np.arange(len(code))
        if all(np.array_equal(word[examples][code], word) for word in words):
            return code, examples
    raise AssertionError  # as likely as winning a lottery three times


def _aged(days: NDArray[np.float64]) -> Figures:
    counts = np.histogram(days, [-np.inf, *(limit + 1e-9 for limit in AGES), np.inf])[0]
    names = (*(f"within_{limit}_days" for limit in AGES), "older")
    found = {name: int(count) for name, count in zip(names, counts, strict=True)}
    return {"all": len(days), **found, "oldest_days": round(float(days.max()), 1)}


@dataclass(frozen=True)
class _Waiting:
    places: Numbers
    hours: NDArray[np.float64]
    answered: Flags


def _spread(hours: NDArray[np.float64], answered: Flags) -> Figures:
    """Percentiles over all turns, open ones censored; the mean over the answered ones only."""
    done = hours[answered]
    median, p90 = percentiles(hours, answered, SHARES)
    longest = float(hours[-1]) if len(hours) else None
    return {
        "median": median,
        "p90": p90,
        "median_exceeds": longest if median is None else None,
        "p90_exceeds": longest if p90 is None else None,
        "mean_answered": float(done.mean()) if len(done) else None,
        "n_answered": len(done),
        "n_open": len(hours) - len(done),
    }


_HOURS = ("median", "p90", "median_exceeds", "p90_exceeds", "mean_answered", "n_answered", "n_open")
BASES = {
    "counts.answer_rate": "counts.valid",
    "counts.pin_rate": "counts.answered",
    "on_time.rate": "on_time.denominator",
    "on_time.original_due_rate": "on_time.original.denominator",
    **{f"on_time.within.{days}.rate": f"on_time.within.{days}.denominator" for days in WITHIN},
    "acceptance.rate": "acceptance.denominator",
    "satisfaction.positive_rate": "satisfaction.rated",
    "satisfaction.unrated_rate": "counts.answered",
    "satisfaction.callback.rate": "satisfaction.negative",
    "satisfaction.callback.rectified_rate": "satisfaction.negative",
    "resolution.rate": "counts.valid",
    "three_rates.response": "on_time.denominator",
    "three_rates.resolution": "resolution.judged",
    "three_rates.satisfaction": "satisfaction.rated",
    "three_rates.composite": "resolution.judged",
    **{
        f"response_hours.{kind}.{name}": "counts.valid"
        for kind in ("natural", "working")
        for name in _HOURS
    },
}
"""The count that a rate or an hour rests on, and whose cases it opens."""
