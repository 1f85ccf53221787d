"""A case's turns from its ledger alone: events in, clocks out. Pure.

A turn is one matter the citizen waits for: its clock starts with the first unanswered message
and stops with the confirmed delivery of the first substantive reply. 没解决 and reopening put it
back to its start as if it had never stopped; only a citizen who asks anew begins another turn.
Whether a change moves the due time depends on the profile and is for `bot.deadlines`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from bot.triage import Category
from bot.turn import Change, ChangeKind, Happening, Turn


def replay(happenings: Iterable[Happening], until: datetime | None = None) -> list[Turn]:
    """The turns that events tell of, in the order they were recorded; at least one event.

    What happened after ``until`` is not known yet.
    """
    story = _Story()
    for one in happenings:
        if until is None or one.at <= until:
            story._tell(one)
    return story._turns()


@dataclass(slots=True)
class _Reply:
    at: datetime
    evasive: bool
    automatic: bool
    person: str
    suspected: bool
    pinned: bool


class _Clock:
    """A turn while it is being told."""

    def __init__(self, turn: Turn) -> None:
        self.turn = turn
        self.own_start = turn.start
        self.absorbed: dict[Any, datetime] = {}
        self.promised = False
        self.replies: list[_Reply] = []
        self.restored = 0
        self.changes: list[Change] = []
        self.paused_at: datetime | None = None
        self.claimed_at: datetime | None = None
        self.worked_at: datetime | None = None
        self.assignee = self.author = ""
        self.category: str = turn.category
        self.department = turn.department

    def stopped_by(self) -> _Reply | None:
        """The earliest substantive reply since the clock was last put back."""
        good = [one for one in self.replies[self.restored :] if not one.evasive]
        return min(good, key=lambda one: one.at, default=None)

    def restore(self) -> None:
        self.restored = len(self.replies)
        turn = self.turn
        turn.reopened, turn.resolved, turn.closed, turn.withdrawn_at = True, False, False, None

    def begin_earlier(self) -> None:
        self.turn.start = min([self.own_start, *self.absorbed.values()])

    def told_category(self, category: str, at: datetime) -> None:
        """Triage may settle the category until the citizen was promised a time for it.

        What was taken for noise by mistake was a matter from its start.
        """
        if not (self.promised and Category(self.category).must_answer):
            self.turn.category, self.category = Category(category), category
        elif category != self.category and Category(category).must_answer:
            self.category = category
            self.changes.append(Change(ChangeKind.CATEGORY, at, to=category))

    def told_department(self, department: str, at: datetime) -> None:
        if not self.promised:
            self.turn.department = self.department = department
        elif department != self.department:
            self.department = department
            self.changes.append(Change(ChangeKind.DEPARTMENT, at, to=department))

    def worked(self, at: datetime) -> None:
        self.worked_at = self.worked_at or at

    def accepted(self) -> datetime | None:
        """受理: when a person took it up and kept it, or wrote what was sent or asked. Passing it
        on, putting it off and closing it are no acceptance; an answer always is one."""
        moments = (self.claimed_at, self.worked_at, self.turn.stop)
        return min((at for at in moments if at is not None), default=None)

    def end_pause(self, at: datetime) -> None:
        if self.paused_at is not None:
            self.changes.append(Change(ChangeKind.PAUSE, self.paused_at, max(at, self.paused_at)))
        self.paused_at = None

    def finish(self) -> Turn:
        turn, stopped = self.turn, self.stopped_by()
        if self.paused_at is not None:
            self.changes.append(Change(ChangeKind.PAUSE, self.paused_at))
        turn.changes = tuple(sorted(self.changes, key=lambda change: change.at))
        turn.evasive = sum(one.evasive for one in self.replies)
        turn.person = self.assignee
        if stopped is not None:
            turn.stop, turn.automatic = max(stopped.at, turn.start), stopped.automatic
            turn.person, turn.suspected = stopped.person, stopped.suspected
            turn.pinned = stopped.pinned
            turn.closed, turn.withdrawn_at = False, None
        turn.accepted_at = self.accepted()
        return turn


class _Story:
    """What has been told of one case so far."""

    def __init__(self) -> None:
        self._clocks: list[_Clock] = []
        self._excluded = self._proposer = self._asker = ""
        self._asked_at: datetime | None = None
        self._merged = False
        self._replying: _Clock | None = None

    def _turns(self) -> list[Turn]:
        found = [clock.finish() for clock in self._clocks]
        for turn in found:
            turn.excluded, turn.merged = self._excluded, self._merged
        return found

    def _tell(self, one: Happening) -> None:
        if not self._clocks:
            self._begin(one.at)
        clock = self._clocks[-1]
        clock.turn.imprecise |= bool(one.data.get("imprecise"))
        handler = _HANDLERS.get(one.kind)
        if handler is not None:
            handler(self, clock, one)

    def _begin(self, at: datetime) -> _Clock:
        clock = _Clock(Turn(len(self._clocks) + 1, at))
        if self._clocks:
            last, turn = self._clocks[-1], clock.turn
            turn.category, clock.category = Category(last.category), last.category
            turn.department = clock.department = last.department
            turn.split, clock.assignee = last.turn.split, last.assignee
        self._clocks.append(clock)
        return clock

    def opened(self, clock: _Clock, one: Happening) -> None:
        clock.turn.split = "split_from" in one.data
        self._placed(clock, one)

    def imported(self, clock: _Clock, one: Happening) -> None:
        clock.turn.imported = True

    def message(self, clock: _Clock, one: Happening) -> None:
        """Messages may be received out of order; the clock starts with the earliest."""
        if one.at < clock.own_start and clock.stopped_by() is None:
            clock.own_start = one.at
            clock.begin_earlier()

    def triaged(self, clock: _Clock, one: Happening) -> None:
        if not clock.promised and "category" in one.data:
            clock.told_category(one.data["category"], one.at)

    def _placed(self, clock: _Clock, one: Happening) -> None:
        """Category and department as an event of the system states them."""
        if one.data.get("category"):
            clock.told_category(one.data["category"], one.at)
        if "department" in one.data:
            clock.told_department(one.data["department"] or "", one.at)

    def due_set(self, clock: _Clock, one: Happening) -> None:
        self._placed(clock, one)
        clock.promised = True

    def assigned(self, clock: _Clock, one: Happening) -> None:
        if "department" in one.data:
            clock.told_department(one.data["department"] or "", one.at)
        if "staff" in one.data:
            clock.assignee = str(one.data["staff"] or "")
            clock.claimed_at = (clock.claimed_at or one.at) if clock.assignee else None

    def transferred(self, clock: _Clock, one: Happening) -> None:
        """转办; one that waits for its acceptance moves nothing yet."""
        clock.promised = True
        clock.turn.transferred += 1
        if not one.data.get("pending"):
            self.accepted(clock, one)

    def accepted(self, clock: _Clock, one: Happening) -> None:
        """签收: from now on the other department answers for it."""
        clock.promised = True
        clock.told_department(one.data.get("to", one.data.get("after", "")) or "", one.at)
        clock.assignee = ""
        if one.kind == "accepted":
            clock.worked(one.at)

    def returned(self, clock: _Clock, one: Happening) -> None:
        """退件: it stays with, or goes back to, whom it came from."""
        clock.turn.returned += 1
        self.accepted(clock, one)

    def category_changed(self, clock: _Clock, one: Happening) -> None:
        clock.promised = True
        clock.turn.recategorised += 1
        clock.told_category(one.data["to"], one.at)

    def reviewed(self, clock: _Clock, one: Happening) -> None:
        clock.worked(one.at)

    def reply_queued(self, clock: _Clock, one: Happening) -> None:
        self._placed(clock, one)
        clock.author = one.actor if one.actor.startswith("staff:") else ""
        if clock.author:
            clock.worked(one.at)
        self._replying = clock

    def replied(self, clock: _Clock, one: Happening) -> None:
        """A reply answers what was asked when it was sent, even if more is asked by now."""
        clock, self._replying = self._replying or clock, None
        data = one.data
        reply = _Reply(
            one.at,
            bool(data.get("evasive")),
            bool(data.get("automatic")),
            clock.author,
            bool(data.get("suspected")),
            bool(data.get("pinned")),
        )
        clock.replies.append(reply)
        clock.turn.overruled += bool(data.get("overruled"))
        clock.turn.backfilled += bool(data.get("later"))
        if not reply.evasive:
            clock.end_pause(one.at)

    def evasion_overruled(self, clock: _Clock, one: Happening) -> None:
        evasive = [reply for reply in clock.replies if reply.evasive and reply.at <= one.at]
        if evasive:
            evasive[-1].evasive = False
            clock.turn.overruled += 1

    def not_helpful(self, clock: _Clock, one: Happening) -> None:
        clock.turn.solved = False
        clock.restore()

    def reopened(self, clock: _Clock, one: Happening) -> None:
        if one.data.get("reason") == "edited":
            self._begin(one.at)
        else:
            clock.restore()

    def helpful(self, clock: _Clock, one: Happening) -> None:
        clock.turn.solved = True

    def resolved(self, clock: _Clock, one: Happening) -> None:
        clock.turn.resolved = True
        if one.data.get("confirmed"):
            clock.turn.solved = True

    def rated(self, clock: _Clock, one: Happening) -> None:
        if clock.turn.grade is None:
            clock.turn.grade = one.data.get("grade")

    def closed(self, clock: _Clock, one: Happening) -> None:
        if one.data.get("automatic"):
            self._placed(clock, one)
        elif one.actor == "citizen":
            clock.turn.withdrawn_at = one.at
        else:
            clock.turn.closed = True

    def paused(self, clock: _Clock, one: Happening) -> None:
        if clock.stopped_by() is None:
            clock.paused_at = clock.paused_at or one.at

    def unpaused(self, clock: _Clock, one: Happening) -> None:
        """退件 voids the pause of the 转办 before it."""
        if one.data.get("void"):
            clock.paused_at = None
        else:
            clock.end_pause(one.at)

    def extension_requested(self, clock: _Clock, one: Happening) -> None:
        clock.turn.extensions_requested += 1
        self._asked_at, self._asker = one.at, one.actor

    def extension_approved(self, clock: _Clock, one: Happening) -> None:
        """Counts only when asked for, and approved by another person."""
        if self._asked_at is not None and one.actor != self._asker:
            days, asked = int(one.data.get("amount", 0)), self._asked_at
            change = Change(ChangeKind.EXTENSION, one.at, asked=asked, workdays=days)
            clock.changes.append(change)
        self._asked_at = None

    def extension_refused(self, clock: _Clock, one: Happening) -> None:
        clock.turn.extensions_refused += 1
        self._asked_at = None

    def merged(self, clock: _Clock, one: Happening) -> None:
        self._merged = True

    def unmerged(self, clock: _Clock, one: Happening) -> None:
        if "case" not in one.data:
            self._merged = False
            return
        for each in self._clocks:
            if each.absorbed.pop(one.data["case"], None) is not None:
                each.turn.absorbed -= 1
                each.begin_earlier()

    def absorbed(self, clock: _Clock, one: Happening) -> None:
        """The same matter written again; written after the answer, it asks for another."""
        opened_at = datetime.fromisoformat(one.data["opened_at"])
        answer = clock.stopped_by()
        clock.turn.absorbed += 1
        clock.absorbed[one.data["case"]] = opened_at
        if answer is not None and opened_at > answer.at:
            clock.restore()
        clock.begin_earlier()

    def exclusion_proposed(self, clock: _Clock, one: Happening) -> None:
        self._proposer = one.actor

    def excluded(self, clock: _Clock, one: Happening) -> None:
        """Counts only when another person proposed it."""
        if self._proposer and one.actor != self._proposer:
            self._excluded = str(one.data.get("code", "")) or "unnamed"
        self._proposer = ""

    def exclusion_ended(self, clock: _Clock, one: Happening) -> None:
        """Refused before it counted, or revoked after."""
        self._proposer = ""
        if one.kind == "exclusion_revoked":
            self._excluded = ""

    def callback_opened(self, clock: _Clock, one: Happening) -> None:
        clock.turn.callback_due = datetime.fromisoformat(one.data["due"])

    def callback_done(self, clock: _Clock, one: Happening) -> None:
        """回访 of the turn that it was opened for, whatever was asked since."""
        opened = [each.turn for each in self._clocks if each.turn.callback_due is not None]
        turn = opened[-1] if opened else clock.turn
        turn.callback_at, turn.callback_outcome = one.at, str(one.data.get("outcome", ""))


# Every public method of a story is named after the kind of event it takes.
_HANDLERS: Mapping[str, Callable[[_Story, _Clock, Happening], None]] = {
    **{name: member for name, member in vars(_Story).items() if name[0] != "_"},
    "exclusion_refused": _Story.exclusion_ended,
    "exclusion_revoked": _Story.exclusion_ended,
}
