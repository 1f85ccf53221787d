"""What of the queue is wanted, as conditions on its tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, and_, exists, func, or_, true
from sqlalchemy.orm import aliased
from sqlmodel import col

from storage.models import Account, Case, CaseEvent, Citizen, Draft, Message, Staff
from storage.terms import CaseState, DraftState, EventKind, Role

MENTIONED = "mentioned"
ESCALATED = "escalated"
OPEN = (CaseState.WAITING, CaseState.CLARIFYING)
_DONE = (CaseState.REPLYING, CaseState.ANSWERED, CaseState.RESOLVED, CaseState.CLOSED)
_AGES = {"1d": timedelta(days=1), "3d": timedelta(days=3), "7d": timedelta(days=7)}


Q = TypeVar("Q", bound="Select[*tuple[Any, ...]]")
Wanted = Sequence[ColumnElement[bool]]
"""Conditions on Case joined with Account and Citizen."""


def in_queue(wanted: Wanted, query: Q) -> Q:
    """The query about Case narrowed to what is wanted."""
    joined = query.join(Account, col(Account.id) == Case.account_id)
    return joined.join(Citizen, col(Citizen.id) == Case.citizen_id).where(*wanted)


@dataclass(frozen=True, slots=True)
class Filters:
    """What of the queue is wanted; empty means everything.

    ``state`` is waiting, review (one step is done), clarifying, done, mentioned (in a note,
    lately), escalated (open, and this person was told of its time) or all. ``age`` is overdue,
    soon (due within a day), or how long it waits at least: 1d, 3d, 7d. ``assignee`` is none or
    somebody's number; ``entry`` the entry that answers. ``each`` is "1" for every case by itself
    where else those who ask the same under one post are one line.
    """

    state: str = "waiting"
    account: str = ""
    department: str = ""
    category: str = ""
    kind: str = ""
    age: str = ""
    assignee: str = ""
    text: str = ""
    entry: str = ""
    each: str = ""

    @property
    def in_crowds(self) -> bool:
        """Whether cases that ask the same are one line."""
        return self.state in ("waiting", "review") and not (self.each or self.text or self.assignee)

    def to_json(self) -> dict[str, str]:
        return asdict(self)

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Filters:
        known = {one.name for one in fields(cls)}
        return cls(**{name: str(value) for name, value in data.items() if name in known})


@dataclass(frozen=True, slots=True)
class Scope:
    """The accounts (keys) and departments whose cases may be seen; empty for all."""

    accounts: Sequence[str] = ()
    departments: Sequence[str] = ()


def wanted(filters: Filters, scope: Scope, now: datetime) -> list[ColumnElement[bool]]:
    """What narrows the queue: conditions on Case joined with Account and Citizen."""
    found = [_state(filters.state), *within(scope), *_age(filters.age, now)]
    for column, value in (
        (Account.key, filters.account),
        (Case.department, filters.department),
        (Case.category, filters.category),
        (Case.kind, filters.kind),
        (Case.entry_id, filters.entry),
    ):
        if value:
            found.append(col(column) == value)
    if filters.assignee == "none":
        found.append(col(Case.assignee_id).is_(None))
    elif filters.assignee.isdigit():
        found.append(col(Case.assignee_id) == int(filters.assignee))
    if filters.text.strip():
        found.append(_mentions(filters.text.strip()))
    return found


def _state(state: str) -> ColumnElement[bool]:
    if state == "review":
        begun = exists().where(
            col(Draft.case_id) == Case.id,
            col(Draft.state) == DraftState.OPEN,
            func.json_array_length(col(Draft.approvals)) > 0,
        )
        return (col(Case.state) == CaseState.WAITING) & begun
    if state == "done":
        return col(Case.state).in_(_DONE)
    if state in ("all", MENTIONED):
        return true()
    if state == ESCALATED:
        return col(Case.state).in_(OPEN) & exists().where(*escalation())
    return col(Case.state) == (state if state in tuple(CaseState) else CaseState.WAITING)


def escalation() -> tuple[ColumnElement[bool], ...]:
    """An event of the turn that the case is in."""
    return (
        col(CaseEvent.case_id) == Case.id,
        col(CaseEvent.kind) == EventKind.ESCALATED,
        col(CaseEvent.at) >= Case.opened_at,
    )


def told_to(me: Staff, now: datetime) -> ColumnElement[bool]:
    """Before the due time the owner is told, or all who may be; from then on supervisors too."""
    nobody = col(Case.assignee_id).is_(None)
    mine = and_(nobody, col(Case.department) == me.department) if me.department else nobody
    told = or_(col(Case.assignee_id) == me.id, mine)
    if me.role in (Role.SUPERVISOR, Role.ADMIN):
        return or_(told, col(Case.due_at) <= now)
    return told


def within(scope: Scope) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = []
    if scope.accounts:
        found.append(col(Account.key).in_(scope.accounts))
    if scope.departments:
        found.append(col(Case.department).in_(["", *scope.departments]))
    return found


def _age(age: str, now: datetime) -> list[ColumnElement[bool]]:
    if age == "overdue":
        return [col(Case.due_at) < now]
    if age == "soon":
        return [col(Case.due_at) >= now, col(Case.due_at) < now + timedelta(days=1)]
    if age in _AGES:
        return [col(Case.opened_at) < now - _AGES[age]]
    return []


def _mentions(text: str) -> ColumnElement[bool]:
    """The number of a case, or words in its messages, its answers, or the citizen's name."""
    number = text.removeprefix("#")
    if number.isdigit() and len(number) <= 9:
        return col(Case.id) == int(number)
    messages, drafts = aliased(Message), aliased(Draft)
    said = exists().where(
        col(messages.case_id) == Case.id, col(messages.text).contains(text, autoescape=True)
    )
    answered = exists().where(
        col(drafts.case_id) == Case.id,
        col(drafts.state) == DraftState.SENT,
        col(drafts.text).contains(text, autoescape=True),
    )
    named = col(Citizen.display_name).contains(text, autoescape=True)
    return or_(said, answered, named)
