"""Which way a message goes, from what it was taken for and what it matched. Pure."""

from __future__ import annotations

from enum import StrEnum

from bot.desk.wording import answer_text
from bot.triage import Category, Kind, Triage
from knowledge.catalog import Entry
from knowledge.matcher import Decision, Match
from knowledge.screen import Finding, Screen

SET_ASIDE = {Kind.THANKS, Kind.NOISE, Kind.SPAM}
FOR_PEOPLE = {Kind.COMPLAINT, Kind.EMERGENCY, Kind.MANIPULATION}


class Course(StrEnum):
    """What becomes of a message."""

    ASIDE = "aside"
    STAFF = "staff"
    ANSWER = "answer"
    CLARIFY = "clarify"
    ASK_MORE = "ask_more"


def course(verdict: Triage, match: Match, *, follows_up: bool = False) -> Course:
    """The way of a message that chooses nothing offered; ``follows_up`` is one in an open case."""
    if verdict.kind in SET_ASIDE or _small_talk(verdict, match):
        return Course.ASIDE
    if verdict.kind in FOR_PEOPLE or verdict.wants_person:
        return Course.STAFF
    if match.decision is Decision.ANSWER:
        return Course.ANSWER
    if match.decision is Decision.CLARIFY and not follows_up:
        return Course.CLARIFY
    if match.decision is Decision.NONE and not verdict.complete and not follows_up:
        return Course.ASK_MORE
    return Course.STAFF


def forbidden(entry: Entry, screen: Screen) -> list[Finding]:
    """What the office has ruled out of the answer since: it is not sent without a person."""
    return [one for one in screen.of_site(answer_text(entry)) if one.blocks]


def _small_talk(verdict: Triage, match: Match) -> bool:
    """A greeting or chat that no entry answers asks nothing of the office."""
    chat = verdict.category is Category.CHAT and not verdict.wants_person
    return chat and match.decision not in (Decision.ANSWER, Decision.CLARIFY)
