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
    MERGED = "merged"

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
    CaseState.MERGED: "已合并",
}

OPEN_STATES = (CaseState.RECEIVED, CaseState.CLARIFYING, CaseState.WAITING, CaseState.REPLYING)

JUDGEABLE = (CaseState.ANSWERED, CaseState.RESOLVED)


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
    REPLY_TAKEN_BACK = "reply_taken_back"
    REPLIED = "replied"
    EVASION_OVERRULED = "evasion_overruled"
    DELIVERY_FAILED = "delivery_failed"
    HELPFUL = "helpful"
    NOT_HELPFUL = "not_helpful"
    REOPENED = "reopened"
    RATED = "rated"
    RESOLVED = "resolved"
    CLOSED = "closed"
    ASSIGNED = "assigned"
    TRANSFERRED = "transferred"
    ACCEPTED = "accepted"
    RETURNED = "returned"
    SNOOZED = "snoozed"
    SPLIT = "split"
    CATEGORY_CHANGED = "category_changed"
    PAUSED = "paused"
    UNPAUSED = "unpaused"
    EXTENSION_REQUESTED = "extension_requested"
    EXTENSION_APPROVED = "extension_approved"
    EXTENSION_REFUSED = "extension_refused"
    MERGED = "merged"
    ABSORBED = "absorbed"
    UNMERGED = "unmerged"
    EXCLUSION_PROPOSED = "exclusion_proposed"
    EXCLUDED = "excluded"
    EXCLUSION_REFUSED = "exclusion_refused"
    EXCLUSION_REVOKED = "exclusion_revoked"
    RATING_ASKED = "rating_asked"
    COMMENTED = "commented"
    FOLLOW_UP_COMMENTED = "follow_up_commented"
    CALLBACK_OPENED = "callback_opened"
    CALLBACK_DONE = "callback_done"
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
    """A proposed reply, the choices of a clarification, or what staff ask the citizen for."""

    REPLY = "reply"
    CHOICES = "choices"
    REQUEST = "request"


class DeliveryState(StrEnum):
    """``handed``: given to the other side, or to a person, who have not confirmed it yet.

    ``failed`` is final: the platform refused, or every attempt was used up. ``held`` waits for the
    citizen to write again: the platform lets nothing out before.
    """

    PENDING = "pending"
    SENDING = "sending"
    HANDED = "handed"
    SENT = "sent"
    FAILED = "failed"
    HELD = "held"


class Purpose(StrEnum):
    """Why a message goes out; only ``reply``, and ``pinned`` for those who wait behind it, is a
    substantive answer that stops a clock."""

    REPLY = "reply"
    PINNED = "pinned"
    REPLY_PART = "reply_part"
    REPLY_COPY = "reply_copy"
    SUPPLEMENT = "supplement"
    RATING = "rating"
    ACKNOWLEDGEMENT = "acknowledgement"
    CLARIFICATION = "clarification"
    NOTICE = "notice"
    CARD = "card"
    CARD_UPDATE = "card_update"
    PROMPT = "prompt"
    TASK = "task"
    REMINDER = "reminder"
    DIGEST = "digest"


class TaskKind(StrEnum):
    """What waits for a second person, for the citizen, or for somebody's work."""

    EXTENSION = "extension"
    EXCLUSION = "exclusion"
    TRANSFER = "transfer"
    SUPPLEMENT = "supplement"
    CALLBACK = "callback"

    @property
    def label(self) -> str:
        return TASK_LABELS[self]


TASK_LABELS = {
    TaskKind.EXTENSION: "延期申请",
    TaskKind.EXCLUSION: "剔除申请",
    TaskKind.TRANSFER: "转办待接收",
    TaskKind.SUPPLEMENT: "等待群众补充",
    TaskKind.CALLBACK: "差评回访",
}


class ExclusionCode(StrEnum):
    """Why a case may be taken out of the assessment (剔除)."""

    OUT_OF_JURISDICTION = "out_of_jurisdiction"
    LEGAL_CHANNEL = "legal_channel"
    UNFOUNDED = "unfounded"
    MALICIOUS = "malicious"
    NOT_A_REQUEST = "not_a_request"

    @property
    def label(self) -> str:
        return EXCLUSION_LABELS[self]


EXCLUSION_LABELS = {
    ExclusionCode.OUT_OF_JURISDICTION: "超辖区",
    ExclusionCode.LEGAL_CHANNEL: "应走法定途径",
    ExclusionCode.UNFOUNDED: "不属实",
    ExclusionCode.MALICIOUS: "恶意",
    ExclusionCode.NOT_A_REQUEST: "非诉求",
}


class TaskState(StrEnum):
    """``withdrawn`` is one whose case went on without it."""

    OPEN = "open"
    APPROVED = "approved"
    REFUSED = "refused"
    DONE = "done"
    WITHDRAWN = "withdrawn"


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
