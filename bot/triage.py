"""What one citizen message is, by rules alone: kind, category, urgency."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What the desk does with a message."""

    QUESTION = "question"
    COMPLAINT = "complaint"
    EMERGENCY = "emergency"
    THANKS = "thanks"
    NOISE = "noise"
    SPAM = "spam"
    MANIPULATION = "manipulation"


class Category(StrEnum):
    """类别, the field's own terms; the first five must be answered."""

    CONSULT = "咨询"
    HELP = "求助"
    SUGGESTION = "建议"
    COMPLAINT = "投诉"
    REPORT = "举报"
    THANKS = "感谢"
    CHAT = "闲聊"
    AD = "广告"
    INVALID = "无效"

    @property
    def must_answer(self) -> bool:
        return self in _MUST_ANSWER


_MUST_ANSWER = frozenset(
    {Category.CONSULT, Category.HELP, Category.SUGGESTION, Category.COMPLAINT, Category.REPORT}
)


@dataclass(frozen=True, slots=True)
class Triage:
    """The verdict on one message.

    `urgency` is 0 normal, 1 raised, 2 emergency; `reasons` are in Chinese, for staff;
    `complete` is False for a greeting or fragment after which more is likely to follow.
    """

    kind: Kind
    category: Category
    urgency: int
    reasons: tuple[str, ...]
    wants_person: bool = False
    complete: bool = True


def triage(text: str, *, in_public: bool = False, has_attachment: bool = False) -> Triage:
    """Sort one message; when in doubt it is a question, so that nobody is ignored."""
    return Triage(Kind.QUESTION, Category.CONSULT, 0, ())
