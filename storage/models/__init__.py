"""What the office remembers, as SQLModel tables.

Enumerations are stored by value in plain string columns; moments are aware UTC datetimes;
platform ids are strings, so that no platform's number range matters.
"""

from storage.models.columns import UtcDateTime, utcnow
from storage.models.console import CaseNote, Credential, Phrase, SavedView, StaffSession
from storage.models.conversation import (
    Account,
    Case,
    CaseEvent,
    Citizen,
    Crowd,
    Delivery,
    Draft,
    Message,
    MessageVersion,
    Post,
    StepDone,
)
from storage.models.figures import FigureQueue, FigureWord, Seal, TurnBlock, TurnChange, TurnFact
from storage.models.library import (
    EntryRevision,
    EntryRow,
    GoldQuestion,
    LinkCheck,
    LinkOpen,
    MenuPlace,
    ProposalDecision,
    ScreenWord,
    Suggestion,
    Synonym,
)
from storage.models.office import AuditRecord, JobRun, Staff, Task

__all__ = [
    "Account",
    "AuditRecord",
    "Case",
    "CaseEvent",
    "CaseNote",
    "Citizen",
    "Credential",
    "Crowd",
    "Delivery",
    "Draft",
    "EntryRevision",
    "EntryRow",
    "FigureQueue",
    "FigureWord",
    "GoldQuestion",
    "JobRun",
    "LinkCheck",
    "LinkOpen",
    "MenuPlace",
    "Message",
    "MessageVersion",
    "Phrase",
    "Post",
    "ProposalDecision",
    "SavedView",
    "ScreenWord",
    "Seal",
    "Staff",
    "StaffSession",
    "StepDone",
    "Suggestion",
    "Synonym",
    "Task",
    "TurnBlock",
    "TurnChange",
    "TurnFact",
    "UtcDateTime",
    "utcnow",
]
