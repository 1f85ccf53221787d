"""The values that state, kind and purpose columns hold."""

from __future__ import annotations

from enum import StrEnum


class CaseState(StrEnum):
    """Where a case stands; ``label`` is the word a citizen reads."""

    RECEIVED = "received"
    CLARIFYING = "clarifying"
    WAITING = "waiting"
    REPLYING = "replying"
    ANSWERED = "answered"
    RESOLVED = "resolved"
    CLOSED = "closed"

    @property
    def label(self) -> str:
        return STATE_LABELS[self]


STATE_LABELS = {
    CaseState.RECEIVED: "已收到",
    CaseState.CLARIFYING: "等您选择",
    CaseState.WAITING: "人工办理中",
    CaseState.REPLYING: "回复发送中",
    CaseState.ANSWERED: "已答复",
    CaseState.RESOLVED: "已办结",
    CaseState.CLOSED: "已关闭",
}

OPEN_STATES = (CaseState.RECEIVED, CaseState.CLARIFYING, CaseState.WAITING, CaseState.REPLYING)


class EventKind(StrEnum):
    """What the ledger records of a case."""

    OPENED = "opened"
    MESSAGE = "message"
    EDITED = "edited"
    TRIAGED = "triaged"
    CLARIFIED = "clarified"
    CHOSEN = "chosen"
    DRAFTED = "drafted"
    ACKNOWLEDGED = "acknowledged"
    DUE_SET = "due_set"
    REVIEWED = "reviewed"
    REPLY_QUEUED = "reply_queued"
    REPLIED = "replied"
    DELIVERY_FAILED = "delivery_failed"
    HELPFUL = "helpful"
    NOT_HELPFUL = "not_helpful"
    REOPENED = "reopened"
    RATED = "rated"
    RESOLVED = "resolved"
    CLOSED = "closed"
    ASSIGNED = "assigned"
    TRANSFERRED = "transferred"
    SNOOZED = "snoozed"
    SPLIT = "split"
    ESCALATED = "escalated"
    ERASED = "erased"
    IMPORTED = "imported"


class DraftState(StrEnum):
    """What became of a draft."""

    OPEN = "open"
    SENT = "sent"
    SUPERSEDED = "superseded"
    DISCARDED = "discarded"


class DraftKind(StrEnum):
    """A proposed reply, or the choices of a clarification."""

    REPLY = "reply"
    CHOICES = "choices"


class DeliveryState(StrEnum):
    """``failed`` is final: the platform refused, or every attempt was used up."""

    PENDING = "pending"
    SENDING = "sending"
    SENT = "sent"
    FAILED = "failed"


class Purpose(StrEnum):
    """Why a message goes out; only ``reply`` is a substantive answer."""

    REPLY = "reply"
    REPLY_PART = "reply_part"
    ACKNOWLEDGEMENT = "acknowledgement"
    CLARIFICATION = "clarification"
    NOTICE = "notice"
    CARD = "card"
    CARD_UPDATE = "card_update"
    PROMPT = "prompt"
    REMINDER = "reminder"
    DIGEST = "digest"


class Role(StrEnum):
    """What a member of staff may do."""

    AGENT = "坐席"
    REVIEWER = "审核"
    SUPERVISOR = "主管"
    ADMIN = "管理员"


class ProcessRole(StrEnum):
    """What one process of the program does; ``all`` is everything."""

    ALL = "all"
    BOT = "bot"
    WORKER = "worker"
    CONSOLE = "console"
    SCHEDULER = "scheduler"
