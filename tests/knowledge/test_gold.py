"""What passes, what fails, and what a change breaks."""

from __future__ import annotations

from datetime import date

from knowledge.bundles import Bundle, Stage, Step
from knowledge.catalog import Entry
from knowledge.gold import Change, Gold, breaks, broken, check
from knowledge.matcher import Matcher

DAY = date(2026, 11, 23)
LOST = Entry("lost", "身份证丢了怎么补", "去派出所。", automatic=True)
LAMP = Entry("lamp", "路灯不亮找谁", "打 12345。", automatic=True)


def test_the_expected_entry_must_come_first() -> None:
    right, wrong = check(
        Matcher([LOST, LAMP]), [Gold("身份证丢了", "lost"), Gold("路灯不亮", "lost")], DAY
    )
    assert (right.passed, right.found) == (True, "lost")
    assert (wrong.passed, wrong.found) == (False, "lamp")


def test_a_question_without_an_entry_must_not_be_answered() -> None:
    quiet, loud = check(
        Matcher([LOST]), [Gold("今晚吃什么", ""), Gold("身份证丢了怎么补", "")], DAY
    )
    assert (quiet.passed, loud.passed) == (True, False)


def test_only_what_passed_before_can_be_broken() -> None:
    questions = [Gold("身份证丢了怎么补", "lost"), Gold("护照过期", "passport")]
    before = check(Matcher([LOST, LAMP]), questions, DAY)
    after = check(Matcher([LAMP]), questions, DAY)
    assert [verdict.gold.query for verdict in broken(before, after)] == ["身份证丢了怎么补"]


def test_an_empty_base_fails_every_expectation() -> None:
    (verdict,) = check(Matcher(), [Gold("身份证丢了", "lost")], DAY)
    assert (verdict.passed, verdict.found) == (False, "")


def test_what_is_put_together_of_entries_is_tried_before_and_after_a_change() -> None:
    steps = (Step("lost"), Step("lamp"))
    whole = Bundle(
        "一件事-搬家", "搬家", "搬家要办什么", (), (Stage("先办", steps),), approved=True
    )
    questions = [Gold("搬新家要办些什么", whole.id)]
    rival = Entry("rival", "搬新家要办些什么", "找搬家公司。", automatic=True)
    change = Change([LOST, LAMP], [rival], bundles=[whole])
    (verdict,) = breaks(change, questions, DAY)
    assert (verdict.gold.entry_id, verdict.found) == (whole.id, "rival")
    assert breaks(Change([LOST, LAMP], [rival]), questions, DAY) == []  # it never was there
