"""Which turns a figure counts: one mask for each key, the base of figures and of drill-down."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import numpy as np

from bot import facts as columns
from bot.assessment.reach import EVERYWHERE, Reach
from bot.assessment.standings import Standings
from bot.assessment.timeline import Flags, Numbers, used
from bot.facts import CHANGE_COLUMNS, FLAGS, GRADE_SHIFT, TALLIES, TALLY_BITS
from bot.triage import Category

OVER_3_MONTHS = timedelta(days=91)
GRADES = ("very_satisfied", "satisfied", "fairly_satisfied", "dissatisfied", "very_dissatisfied")
OUTCOMES = ("rectified", "explained", "unreachable")
EXCLUSIONS = {
    "out_of_jurisdiction": "超辖区",
    "legal_channel": "法定途径",
    "unfounded": "不属实",
    "malicious": "恶意",
    "not_a_request": "非诉求",
}
WITHDRAWN = "群众撤回"
EXCLUDED_BY = "counts.excluded_by."
_EVASIONS = {"evasive": "counts.evasive", "overruled": "counts.evasion_overruled"}
_MICROSECOND = timedelta(microseconds=1)


class Census:
    """Masks over the turns by figure key. Merged originals are in none but their own; turns
    outside ``reach`` are in none at all."""

    def __init__(self, standings: Standings, reach: Reach = EVERYWHERE) -> None:
        self.standings = standings
        self._words = standings.facts.words
        marks = standings.turns["marks"]
        self._flags = {name: marks & (1 << place) != 0 for place, name in enumerate(FLAGS)}
        self.grade: Numbers = marks >> GRADE_SHIFT
        self.known = (standings.start <= standings.cut_off) & reach.over(standings)
        self._alive = self.known & ~self._flags["merged"]
        self.masks: dict[str, Flags] = {}
        self._count()
        self._time()
        self._accept()
        self._judge()
        self._trace()

    def tally(self, name: str) -> Numbers:
        """How often something happened in each turn."""
        shifted = self.standings.turns["tallies"] >> (TALLIES.index(name) * TALLY_BITS)
        return shifted & ((1 << TALLY_BITS) - 1)

    def _count(self) -> None:
        """原始, 剔除, 有效: those whom two people excluded, that need no answer, taken back."""
        masks, alive, standings = self.masks, self._alive, self.standings
        taken_back = self._marked(columns.WITHDRAWN, "at")
        withdrawn = (taken_back > 0) & (taken_back <= standings.due) & (standings.stop == 0)
        needless = ~self._by_word(standings.category, lambda word: Category(word).must_answer)
        named = standings.turns["exclusion"] > 0
        excluded = named | needless | withdrawn
        masks["counts.original"] = alive
        masks["counts.merged"] = self.known & self._flags["merged"]
        masks["counts.excluded"] = alive & excluded
        for code in np.unique(standings.turns["exclusion"][alive & named]):
            word = EXCLUSIONS.get(self._words[int(code)], self._words[int(code)])
            masks[EXCLUDED_BY + word] = alive & (standings.turns["exclusion"] == code)
        for code in np.unique(standings.category[alive & needless & ~named]):
            chosen = alive & needless & ~named & (standings.category == code)
            masks[EXCLUDED_BY + self._words[int(code)]] = chosen
        if (alone := alive & withdrawn & ~named & ~needless).any():
            masks[EXCLUDED_BY + WITHDRAWN] = alone
        masks["counts.valid"] = self.valid = alive & ~excluded
        masks["counts.answered"] = self.answered = self.valid & (standings.stop > 0)
        masks["counts.answered_automatically"] = self.answered & self._flags["automatic"]
        masks["counts.answered_by_pin"] = self.answered & self._flags["pinned"]
        masks["counts.imprecise"] = self.valid & self._flags["imprecise"]
        masks["counts.imported"] = self.valid & self._flags["imported"]
        masks["counts.provisional_due"] = self.valid & standings.provisional
        masks["counts.later_turns"] = alive & (standings.turns["number"] > 1)

    def _time(self) -> None:
        """及时率 and where the unanswered stand, each in exactly one place."""
        masks, standings, cut_off = self.masks, self.standings, self.standings.cut_off
        open_ = self.valid & ~self.answered
        overdue = open_ & (standings.due < cut_off)
        old = cut_off - standings.start > OVER_3_MONTHS // _MICROSECOND
        masks["counts.unanswered.all"] = open_
        masks["counts.unanswered.not_due"] = open_ & ~overdue & ~(soon := self._soon(open_))
        masks["counts.unanswered.due_soon"] = open_ & ~overdue & soon
        masks["counts.unanswered.overdue"] = overdue & ~old
        masks["counts.unanswered.over_3_months"] = overdue & old
        limits = {"on_time": standings.due, "on_time.original": standings.original}
        limits |= {f"on_time.within.{days}": due for days, due in standings.within().items()}
        for name, due in limits.items():
            in_time = self.answered & (standings.stop <= due)
            late, waiting = self.answered & ~in_time, open_ & (due < cut_off)
            masks[f"{name}.answered_in_time"] = in_time
            masks[f"{name}.answered_late"] = late
            masks[f"{name}.open_overdue"] = waiting
            masks[f"{name}.denominator"] = self.answered | waiting

    def _accept(self) -> None:
        """受理: taken up by a person, or answered, in time; only where the profile says when.

        Of what was imported nobody knows when it was taken up.
        """
        masks, standings, cut_off = self.masks, self.standings, self.standings.cut_off
        due, at = standings.acceptance_due(), standings.turns["accepted"]
        timed = self.valid & (due > 0) & ~self._flags["imported"]
        accepted = timed & (at > 0) & (at <= cut_off)
        in_time = accepted & (at <= due)
        waiting = timed & ~accepted & (due < cut_off)
        masks["acceptance.in_time"] = in_time
        masks["acceptance.late"] = accepted & ~in_time
        masks["acceptance.open_overdue"] = waiting
        masks["acceptance.denominator"] = accepted | waiting

    def _soon(self, open_: Flags) -> Flags:
        """At most one working day is left."""
        soon = np.zeros(len(open_), bool)
        for timeline, places in self.standings.by_hours():
            own = places[open_[places]]
            now = np.full(len(own), self.standings.cut_off)
            left = timeline.worked(self.standings.due[own]) - timeline.worked(now)
            soon[own] = left <= timeline.day_length
        return soon

    def _judge(self) -> None:
        """What citizens said: grades, 回访 and 整改, solved or not."""
        masks, answered, flags = self.masks, self.answered, self._flags
        for grade, name in enumerate(GRADES, 1):
            masks[f"satisfaction.{name}"] = answered & (self.grade == grade)
        masks["satisfaction.rated"] = answered & (self.grade > 0)
        masks["satisfaction.positive"] = answered & (self.grade > 0) & (self.grade <= 3)
        masks["satisfaction.negative"] = poor = answered & (self.grade > 3)
        masks["satisfaction.unrated"] = answered & (self.grade == 0)
        done, due = self._marked(columns.CALLBACK, "at"), self._marked(columns.CALLBACK, "until")
        outcome = self._marked(columns.CALLBACK, "value")
        for name in OUTCOMES:
            right = self._by_word(outcome, name.__eq__)
            masks[f"satisfaction.callback.{name}"] = poor & (done > 0) & right
        reached = poor & (done > 0) & ~masks["satisfaction.callback.unreachable"]
        masks["satisfaction.callback.reached"] = reached
        masks["satisfaction.callback.in_time"] = reached & (done <= due)
        late = poor & (done == 0) & (due > 0) & (due < self.standings.cut_off)
        masks["satisfaction.callback.open_overdue"] = late
        masks["resolution.resolved"] = self.valid & flags["resolved"]
        masks["resolution.confirmed"] = self.valid & flags["resolved"] & flags["solved"]
        masks["resolution.reopened"] = self.valid & flags["reopened"]
        masks["resolution.judged"] = self.valid & (flags["solved"] | flags["unsolved"])
        masks["resolution.solved"] = self.valid & flags["solved"]

    def _trace(self) -> None:
        """What was done to cases that could have made figures look better."""
        masks, alive, standings = self.masks, self._alive, self.standings
        for name in TALLIES:
            masks[_EVASIONS.get(name, f"traces.{name}")] = alive & (self.tally(name) > 0)
        masks["counts.suspected_evasive"] = self.answered & self._flags["suspected"]
        masks["traces.paused"] = alive & (standings.paused_natural > 0)
        masks["traces.extended"] = alive & (standings.extended > 0)
        masks["traces.due_moved"] = alive & (standings.due > standings.original)
        for name in ("reopened", "split", "closed"):
            masks[f"traces.{name}"] = alive & self._flags[name]
        late = standings.end > standings.original
        masks["traces.excluded_when_late"] = masks["counts.excluded"] & late
        masks["traces.merged_when_late"] = masks["counts.merged"] & late
        unanswered = masks["on_time.open_overdue"]
        taken_up = masks["acceptance.in_time"] | masks["acceptance.late"]
        masks["traces.accepted_unanswered"] = taken_up & unanswered
        masks["traces.withdrawn"] = alive & (self._marked(columns.WITHDRAWN, "at") > 0)

    def _marked(self, kind: int, column: str) -> Numbers:
        """A column of each turn's one mark of a kind, 0 for none."""
        changes, places = self.standings.marks(kind)
        values = np.zeros(len(self.grade), np.int64)
        values[places] = changes[:, CHANGE_COLUMNS.index(column)]
        if column == "at":
            values[values > self.standings.cut_off] = 0
        return values

    def _by_word(self, numbers: Numbers, test: Callable[[str], bool]) -> Flags:
        """Whether the word behind each number passes; no word never does."""
        passes = np.zeros(max(self._words, default=0) + 1, bool)
        for number in used(numbers):
            if number in self._words:
                passes[number] = test(self._words[number])
        return passes[numbers]
