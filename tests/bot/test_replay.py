from __future__ import annotations

from datetime import datetime, time, timedelta
from typing import Any

import pytest

from bot.clock import SHANGHAI, Calendar, Limit, Unit
from bot.deadlines import Profile, Standing, profiles, standing
from bot.replay import replay
from bot.triage import Category
from bot.turn import ChangeKind, Happening, Turn

START = datetime(2026, 6, 1, 9, tzinfo=SHANGHAI)  # a Monday; no holiday until the 19th
AGENT, CHIEF = "staff:1", "staff:3"
Event = (
    tuple[str, float] | tuple[str, float, dict[str, Any]] | tuple[str, float, dict[str, Any], str]
)


def hours(count: float) -> datetime:
    return START + timedelta(hours=count)


def turns(*events: Event) -> list[Turn]:
    """Events as (kind, hours after the start, data, actor)."""
    return replay(Happening(one[0], hours(one[1]), *one[2:]) for one in (("opened", 0), *events))


def turn(*events: Event) -> Turn:
    (only,) = turns(*events)
    return only


def stand(*events: Event, now: float = 24 * 40, calendar: Calendar | None = None) -> Standing:
    """How the turn stands after the given hours by the default profile: 咨询 2, 投诉 15 工作日."""
    profile = profiles()["guangdong_2022"]
    return standing(turn(*events), profile, calendar or Calendar(), hours(now))


def due_day(found: Standing) -> str:
    """The day whose end is the due time."""
    return f"{found.due.at - timedelta(seconds=1):%m-%d}"


PROMISED = ("due_set", 1, {"category": "咨询", "department": "市公安局"})


def test_the_first_reply_stops_the_clock() -> None:
    found = turn(("replied", 2, {"automatic": True}), ("replied", 5))
    assert (found.start, found.stop, found.automatic) == (START, hours(2), True)
    assert turn(("acknowledged", 1), ("drafted", 2), ("delivery_failed", 3)).stop is None


def test_no_help_restores_the_clock_as_if_it_had_never_stopped() -> None:
    found = turn(("replied", 2), ("not_helpful", 3), ("replied", 9))
    assert (found.start, found.stop, found.reopened, found.solved) == (START, hours(9), True, False)
    assert turn(("replied", 2), ("not_helpful", 3)).stop is None


def test_reopening_takes_back_what_was_resolved() -> None:
    found = turn(("replied", 2), ("resolved", 3, {"confirmed": True}), ("reopened", 4))
    assert (found.resolved, found.reopened, found.stop) == (False, True, None)
    silent = turn(
        ("replied", 2), ("resolved", 200, {"confirmed": False}), ("rated", 201, {"grade": 2})
    )
    assert (silent.resolved, silent.solved, silent.grade) == (True, None, 2)


def test_the_first_grade_stands() -> None:
    assert turn(("replied", 2), ("rated", 3, {"grade": 5}), ("rated", 4, {"grade": 1})).grade == 5


def test_who_asks_anew_begins_another_turn() -> None:
    first, second = turns(
        PROMISED, ("replied", 2), ("rated", 3, {"grade": 1}), ("reopened", 30, {"reason": "edited"})
    )
    assert (first.stop, first.grade, first.reopened) == (hours(2), 1, False)
    assert (second.number, second.start, second.stop, second.grade) == (2, hours(30), None, None)
    assert (second.category, second.department) == (Category.CONSULT, "市公安局")


def test_messages_received_out_of_order_start_the_clock_with_the_earliest() -> None:
    assert turn(("message", 0), ("message", -2)).start == hours(-2)
    assert turn(("replied", 1), ("message", -2)).start == START


def test_an_evasive_reply_stops_nothing() -> None:
    found = turn(("replied", 2, {"evasive": "verifying"}), ("replied", 30))
    assert (found.stop, found.evasive, found.overruled) == (hours(30), 1, 0)
    assert turn(("replied", 2, {"evasive": "verifying"})).stop is None


def test_an_overruled_evasion_stops_the_clock_at_its_own_time() -> None:
    evaded = ("replied", 2, {"evasive": "forwarded"})
    found = turn(evaded, ("evasion_overruled", 20, {"reason": "已答全"}, CHIEF))
    assert (found.stop, found.evasive, found.overruled) == (hours(2), 0, 1)
    later = turn(evaded, ("replied", 9), ("evasion_overruled", 20, {}, CHIEF))
    assert later.stop == hours(2)
    gone = turn(evaded, ("not_helpful", 5), ("evasion_overruled", 20, {}, CHIEF))
    assert gone.stop is None
    before = turn(("evasion_overruled", 1, {}, CHIEF), ("replied", 2, {"overruled": True}))
    assert (before.stop, before.overruled) == (hours(2), 1)


def test_what_a_machine_suspects_of_old_replies_changes_no_clock() -> None:
    found = turn(("imported", 1), ("replied", 2, {"imported": True, "suspected": "verifying"}))
    assert (found.stop, found.suspected, found.imported) == (hours(2), True, True)


def test_triage_settles_the_category_until_a_time_was_promised() -> None:
    assert turn(("triaged", 1, {"category": "投诉"})).category is Category.COMPLAINT
    found = turn(PROMISED, ("triaged", 2, {"category": "投诉"}))
    assert (found.category, found.changes) == (Category.CONSULT, ())
    answered = turn(PROMISED, ("reply_queued", 2, {"category": "投诉"}), ("replied", 3))
    assert [one.to for one in answered.changes] == ["投诉"]


def test_a_new_category_is_a_change_and_the_first_is_kept() -> None:
    found = turn(PROMISED, ("category_changed", 5, {"from": "咨询", "to": "投诉"}, AGENT))
    assert (found.category, found.recategorised) == (Category.CONSULT, 1)
    assert [(one.kind, one.to, one.at) for one in found.changes] == [
        (ChangeKind.CATEGORY, "投诉", hours(5))
    ]


def test_staff_cannot_make_a_matter_into_noise() -> None:
    found = turn(PROMISED, ("category_changed", 5, {"to": "广告"}, AGENT))
    assert (found.category, found.changes, found.recategorised) == (Category.CONSULT, (), 1)


def test_what_was_taken_for_noise_by_mistake_was_a_matter_from_its_start() -> None:
    found = turn(
        ("triaged", 1, {"category": "闲聊"}),
        ("closed", 1, {"automatic": True}),
        ("category_changed", 200, {"to": "求助"}, AGENT),
    )
    assert (found.category, found.recategorised, found.closed) == (Category.HELP, 1, False)


def test_closing_answers_nothing_and_withdrawing_is_the_citizens_own() -> None:
    closed = turn(("closed", 3, {"reason": "重复"}, AGENT))
    assert (closed.stop, closed.closed, closed.withdrawn_at) == (None, True, None)
    taken_back = turn(("closed", 3, {"reason": "群众撤回"}, "citizen"))
    assert (taken_back.stop, taken_back.closed, taken_back.withdrawn_at) == (None, False, hours(3))


def test_an_exclusion_needs_two_people() -> None:
    proposed = ("exclusion_proposed", 3, {"code": "malicious"}, AGENT)
    agreed = ("excluded", 4, {"code": "malicious", "proposed_by": AGENT}, CHIEF)
    assert turn(proposed).excluded == ""
    assert turn(proposed, ("excluded", 4, {"code": "malicious"}, AGENT)).excluded == ""
    assert turn(agreed).excluded == ""
    assert turn(proposed, ("exclusion_refused", 4, {}, CHIEF), agreed).excluded == ""
    assert turn(proposed, agreed).excluded == "malicious"
    assert turn(proposed, agreed, ("exclusion_revoked", 9, {}, CHIEF)).excluded == ""


def test_a_merged_case_is_set_apart_until_it_is_taken_out_again() -> None:
    assert turn(("merged", 3, {"into": 1}, AGENT)).merged
    assert not turn(("merged", 3, {"into": 1}, AGENT), ("unmerged", 4, {"from": 1}, AGENT)).merged


def test_the_case_kept_has_the_earliest_start() -> None:
    absorbed = ("absorbed", 3, {"case": 7, "opened_at": hours(-9).isoformat()}, AGENT)
    assert turn(absorbed).start == hours(-9)
    apart = turn(absorbed, ("unmerged", 4, {"case": 7}, AGENT))
    assert (apart.start, apart.absorbed) == (START, 0)


def test_merging_what_was_written_after_the_answer_puts_the_clock_back() -> None:
    again = ("absorbed", 9, {"case": 7, "opened_at": hours(5).isoformat()}, AGENT)
    found = turn(("replied", 2), again)
    assert (found.start, found.stop, found.reopened) == (START, None, True)
    before = ("absorbed", 9, {"case": 7, "opened_at": hours(1).isoformat()}, AGENT)
    assert turn(("replied", 2), before).stop == hours(2)


def test_who_is_answerable() -> None:
    assigned = ("assigned", 2, {"department": "市教育局", "staff": AGENT}, CHIEF)
    found = turn(assigned)
    assert (found.department, found.person) == ("市教育局", AGENT)
    queued = ("reply_queued", 3, {"department": "市教育局"}, CHIEF)
    assert turn(assigned, queued, ("replied", 4)).person == CHIEF
    machine = turn(("reply_queued", 3, {"automatic": True}), ("replied", 4, {"automatic": True}))
    assert machine.person == ""
    moved = turn(assigned, ("transferred", 5, {"to": "市民政局"}, AGENT))
    assert (moved.person, moved.transferred, moved.changes[0].to) == ("", 1, "市民政局")


CLAIMED: Event = ("assigned", 2, {"staff": AGENT}, AGENT)
GIVEN_BACK: Event = ("assigned", 3, {"staff": ""}, AGENT)


@pytest.mark.parametrize(
    ("events", "hour"),
    [
        ((CLAIMED,), 2),
        ((CLAIMED, GIVEN_BACK), None),
        ((CLAIMED, GIVEN_BACK, ("assigned", 8, {"staff": CHIEF}, CHIEF)), 8),
        ((CLAIMED, ("reviewed", 2.5, {"step": 1}, AGENT), GIVEN_BACK), 2.5),
        ((("reply_queued", 4, {}, AGENT), ("replied", 6)), 4),
        ((("reply_queued", 4, {"automatic": True}), ("replied", 6, {"automatic": True})), 6),
        ((("reply_queued", 4), ("replied", 6), ("not_helpful", 7)), None),
        ((("reply_queued", 4, {}, AGENT), ("replied", 6), ("not_helpful", 7)), 4),
        ((PROMISED, ("transferred", 5, {"to": "市民政局"}, AGENT)), None),
        ((PROMISED, ("accepted", 9, {"to": "市民政局"}, CHIEF)), 9),
        ((PROMISED, ("returned", 9, {"to": "市公安局"}, CHIEF)), None),
        (
            (
                ("acknowledged", 1),
                ("drafted", 2),
                ("snoozed", 3, {}, AGENT),
                ("extension_requested", 4, {}, AGENT),
                ("category_changed", 5, {"to": "投诉"}, AGENT),
                ("closed", 6, {"reason": "重复"}, AGENT),
            ),
            None,
        ),
    ],
)
def test_taken_up_by_a_person_or_by_the_answer(
    events: tuple[Event, ...], hour: float | None
) -> None:
    assert turn(*events).accepted_at == (None if hour is None else hours(hour))


OFFERED: Event = ("transferred", 5, {"after": "市民政局", "pending": True}, AGENT)


def test_a_transfer_moves_nothing_until_it_is_signed_for() -> None:
    found = turn(PROMISED, OFFERED)
    assert (found.transferred, found.changes) == (1, ())
    signed = turn(PROMISED, OFFERED, ("accepted", 9, {"to": "市民政局"}, CHIEF))
    assert [(one.to, one.at) for one in signed.changes] == [("市民政局", hours(9))]
    back = turn(PROMISED, OFFERED, ("returned", 9, {"from": "市民政局", "to": "市公安局"}, CHIEF))
    assert (back.transferred, back.returned, back.changes) == (1, 1, ())


def test_the_way_to_an_accepted_transfer_is_told_afterwards() -> None:
    way = (("paused", 24, {"why": "transfer"}), ("unpaused", 30, {"why": "transfer"}))
    found = stand(PROMISED, OFFERED, *way, ("accepted", 30, {"to": "市民政局"}, CHIEF))
    assert found.paused == timedelta(hours=6)
    assert (found.department, f"{found.due.at:%m-%d %H:%M}") == ("市民政局", "06-04 06:00")


def test_a_reply_answers_what_was_asked_when_it_was_sent() -> None:
    edited = ("reopened", 3, {"reason": "edited"}, "citizen")
    first, second = turns(PROMISED, ("reply_queued", 2, {}, AGENT), edited, ("replied", 4))
    assert (first.stop, first.person, second.stop) == (hours(4), AGENT, None)
    (_, later) = turns(
        *(PROMISED, ("reply_queued", 2, {}, AGENT), edited, ("replied", 4)),
        *(("reply_queued", 8, {}, CHIEF), ("replied", 9)),
    )
    assert (later.stop, later.person) == (hours(9), CHIEF)


def test_replies_brought_by_a_later_import_are_counted() -> None:
    late = ("replied", 2, {"imported": True, "later": True})
    assert turn(("imported", 1), late).backfilled == 1
    assert turn(("imported", 1), ("replied", 2, {"imported": True})).backfilled == 0


def test_a_callback_belongs_to_the_turn_it_was_opened_for() -> None:
    first, second = turns(
        ("replied", 2),
        ("callback_opened", 3, {"due": hours(99).isoformat()}),
        ("reopened", 30, {"reason": "edited"}),
        ("callback_done", 40, {"outcome": "explained"}, AGENT),
    )
    assert (first.callback_at, first.callback_outcome) == (hours(40), "explained")
    assert (second.callback_due, second.callback_at) == (None, None)


def test_a_callback_is_kept_with_its_outcome() -> None:
    due = hours(99).isoformat()
    found = turn(
        ("replied", 2),
        ("rated", 3, {"grade": 5}),
        ("callback_opened", 3, {"due": due}),
        ("callback_done", 40, {"outcome": "rectified"}, AGENT),
    )
    assert (found.callback_due, found.callback_at) == (hours(99), hours(40))
    assert found.callback_outcome == "rectified"


def test_what_comes_later_is_not_known_yet() -> None:
    story = [Happening("opened", START), Happening("replied", hours(5))]
    assert replay(story, hours(4))[0].stop is None
    assert replay(story, hours(5))[0].stop == hours(5)


def test_an_unknown_event_changes_nothing() -> None:
    assert turn(("escalated", 3, {"point": "due"}), ("_begin", 4)) == turn()


def test_the_due_time_without_any_change() -> None:
    found = stand(PROMISED)
    assert due_day(found) == "06-03"
    assert (found.original, found.department) == (found.due, "市公安局")


def test_a_new_category_before_the_due_time_moves_it_and_the_original_stays() -> None:
    found = stand(PROMISED, ("category_changed", 5, {"to": "求助"}, AGENT))
    assert (due_day(found), found.category) == ("06-15", Category.HELP)
    assert found.original.at == stand(PROMISED).due.at
    overdue = stand(PROMISED, ("category_changed", 100, {"to": "求助"}, AGENT))
    assert (due_day(overdue), overdue.category) == ("06-03", Category.CONSULT)


def test_a_pause_gives_back_its_working_time() -> None:
    pause = (("paused", 24, {"why": "supplement"}), ("unpaused", 48, {"cause": "citizen"}))
    assert due_day(stand(PROMISED, *pause)) == "06-04"
    weekend: tuple[Event, ...] = (("paused", 24 * 4, {}), ("unpaused", 24 * 7, {}))
    longer = ("due_set", 1, {"category": "求助"})
    assert due_day(stand(longer, *weekend)) == "06-16"  # Friday 9:00 to Monday 9:00: one day
    late: tuple[Event, ...] = (("paused", 100, {}), ("unpaused", 148, {}))
    assert due_day(stand(PROMISED, *late)) == "06-03"


def test_a_pause_that_lasts_moves_the_due_time_with_it() -> None:
    going_on = (PROMISED, ("paused", 24, {"why": "supplement"}))
    assert stand(*going_on, now=24 * 3).due.at == stand(PROMISED).due.at + timedelta(days=2)
    assert due_day(stand(*going_on, ("replied", 48))) == "06-04"


def test_a_return_voids_the_pause() -> None:
    pause = (
        ("paused", 24, {"why": "transfer"}),
        ("unpaused", 48, {"why": "transfer", "void": True}),
    )
    assert due_day(stand(PROMISED, *pause)) == "06-03"


def test_an_extension_counts_from_its_request_and_needs_another_person() -> None:
    asked = ("extension_requested", 24, {"amount": 5}, AGENT)
    approved = ("extension_approved", 90, {"amount": 5, "requested_by": AGENT}, CHIEF)
    assert due_day(stand(PROMISED, asked, approved)) == "06-10"
    assert due_day(stand(PROMISED, asked)) == "06-03"
    assert due_day(stand(PROMISED, approved)) == "06-03"
    assert (
        due_day(stand(PROMISED, asked, ("extension_approved", 90, {"amount": 5}, AGENT))) == "06-03"
    )
    too_late = ("extension_requested", 80, {"amount": 5}, AGENT)
    assert due_day(stand(PROMISED, too_late, approved)) == "06-03"
    assert due_day(stand(PROMISED, asked, ("replied", 80), approved)) == "06-03"
    refused: Event = ("extension_refused", 30, {}, CHIEF)
    assert due_day(stand(PROMISED, asked, refused, approved)) == "06-03"
    found = stand(PROMISED, asked, approved)
    assert found.original.at < found.due.at == found.extended_to


def test_a_transfer_after_the_due_time_leaves_the_answer_for_it_where_it_was() -> None:
    before = ("transferred", 48, {"to": "市教育局"}, AGENT)
    after = ("transferred", 100, {"to": "市教育局"}, AGENT)
    assert stand(PROMISED, before).department == "市教育局"
    assert stand(PROMISED, after).department == "市公安局"
    assert stand(PROMISED, ("replied", 40), before).department == "市公安局"


def test_departments_have_their_own_business_hours() -> None:
    calendar = Calendar(
        spans=((time(9), time(12)),), departments={"市教育局": ((time(8), time(18)),)}
    )
    assert f"{stand(PROMISED, calendar=calendar).due.at:%m-%d %H:%M}" == "06-03 12:00"
    moved = stand(PROMISED, ("transferred", 24, {"to": "市教育局"}, AGENT), calendar=calendar)
    assert f"{moved.due.at:%m-%d %H:%M}" == "06-03 18:00"
    assert f"{moved.original.at:%m-%d %H:%M}" == "06-03 12:00"


@pytest.mark.parametrize(
    ("limit", "paused", "due"),
    [
        (Limit(2, Unit.HOUR), (1, 4), "2026-06-01T14:00"),
        (Limit(3, Unit.DAY), (24, 48), "2026-06-06T00:00"),
        (Limit(3, Unit.DAY), (24, 72), "2026-06-09T00:00"),  # ends on a Saturday: Monday
    ],
)
def test_pauses_in_the_unit_of_the_limit(limit: Limit, paused: tuple[int, int], due: str) -> None:
    profile = Profile("p", "测试", "测试", None, None, {}, limit)
    one = turn(PROMISED, ("paused", paused[0], {}), ("unpaused", paused[1], {}))
    found = standing(one, profile, Calendar(), hours(999))
    assert found.due.at == datetime.fromisoformat(due).replace(tzinfo=SHANGHAI)
