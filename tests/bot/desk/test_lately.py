"""What was matched a moment ago is not matched again, as long as it holds."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from bot.desk.lately import Lately
from knowledge.matcher import Decision, Match

TODAY = date(2026, 11, 26)
MATCH = Match("身份证丢了", Decision.NONE, ())


def test_the_same_words_are_known_on_the_same_day() -> None:
    lately = Lately()
    lately.put("身份证丢了", TODAY, MATCH, 0)
    assert lately.get("身份证丢了", TODAY, "meaning") is MATCH
    assert lately.get("身份证丢了", TODAY + timedelta(days=1), "meaning") is None
    assert lately.get("身份证丢了？", TODAY, "meaning") is None


def test_what_was_matched_in_haste_is_matched_again_when_there_is_time() -> None:
    lately, hasty = Lately(), replace(MATCH, lacking="crowded")
    lately.put("身份证丢了", TODAY, hasty, 0)
    assert lately.get("身份证丢了", TODAY, "crowded") is hasty
    assert lately.get("身份证丢了", TODAY, "meaning") is None


def test_it_is_forgotten_when_anything_changes_and_after_a_while() -> None:
    lately = Lately()
    lately.put("身份证丢了", TODAY, MATCH, 0)
    lately.clear()
    assert lately.get("身份证丢了", TODAY, "meaning") is None
    lately.put("身份证丢了", TODAY, MATCH, 0)  # it began before the change
    assert lately.get("身份证丢了", TODAY, "meaning") is None
    brief = Lately(seconds=0)
    brief.put("身份证丢了", TODAY, MATCH, 0)
    assert brief.get("身份证丢了", TODAY, "meaning") is None


def test_no_more_is_kept_than_there_is_room_for() -> None:
    lately = Lately()
    for number in range(2500):
        lately.put(str(number), TODAY, MATCH, 0)
    assert lately.get("0", TODAY, "words") is None
    assert lately.get("2499", TODAY, "words") is MATCH
