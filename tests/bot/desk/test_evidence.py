"""What people decide sets how sure an automatic answer must be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bot.desk import Library
from knowledge.matcher import Policy
from knowledge.risk import Decided, Source
from storage import evidence
from storage.models import Case
from tests.support import STAFF_PLACE, Town

LONG_AGO = datetime.now(UTC) - timedelta(days=1)
LOST = "身份证丢了怎么补办？"


async def _decided(town: Town) -> list[Decided]:
    async with town.db.read() as session:
        return await evidence.decided(session, LONG_AGO)


async def test_citizens_judge_automatic_answers_and_silence_does_not(town: Town) -> None:
    helped = await town.ask(LOST, "7001")
    await town.ask(LOST, "7002")
    failed = await town.ask(LOST, "7003")
    await town.desk.citizens.helpful("telegram", "7001", helped)
    await town.desk.citizens.unhelpful("telegram", "7003", failed)
    await town.settle()
    assert [one.right for one in await _decided(town)] == [True, False]


async def test_staff_judge_by_the_entry_they_send(town: Town) -> None:
    staff = await town.desk.review.staff_by_telegram("900")
    assert staff is not None
    adopted, rewritten = await town.ask("低保怎么申请", "1"), await town.ask("低保怎么申请", "2")
    version = (await town.case(adopted)).version
    await town.desk.review.adopt(staff, adopted, version, STAFF_PLACE)
    version = (await town.case(rewritten)).version
    await town.desk.review.send(staff, rewritten, version, STAFF_PLACE, "这件事请打街道的电话。")
    assert [one.right for one in await _decided(town)] == [True, False]


async def test_a_question_split_off_is_judged_by_itself(town: Town) -> None:
    waiting = await town.ask("低保怎么申请")
    await town.ask(LOST)
    other = (await town.rows(Case))[-1].id or 0
    assert other != waiting
    await town.desk.citizens.helpful("telegram", "7001", other)
    staff = await town.desk.review.staff_by_telegram("900")
    assert staff is not None
    version = (await town.case(waiting)).version
    await town.desk.review.adopt(staff, waiting, version, STAFF_PLACE)
    assert [one.right for one in await _decided(town)] == [True, True]


async def test_complaints_judge_no_candidate(town: Town) -> None:
    staff = await town.desk.review.staff_by_telegram("900")
    assert staff is not None
    case_id = await town.ask("我要投诉，低保申请三次都没人理")
    version = (await town.case(case_id)).version
    await town.desk.review.send(staff, case_id, version, STAFF_PLACE, "已请街道今天联系您。")
    assert await _decided(town) == []


async def test_bad_evidence_puts_everything_before_staff(town: Town) -> None:
    assert (await town.desk.office.library.weigh()).source is Source.SHIPPED
    for number in range(8):
        case_id = await town.ask(LOST, str(number))
        await town.desk.citizens.unhelpful("telegram", str(number), case_id)
    standing = await town.desk.office.library.weigh()
    assert (standing.source, standing.wrong) == (Source.WITHHELD, 8)
    case_id = await town.ask(LOST, "7001")
    assert (await town.case(case_id)).state == "waiting"


async def test_a_site_may_want_decisions_before_any_automatic_answer(town: Town) -> None:
    cautious = Library(town.db, Policy(), decisions_required=1)
    await cautious.refresh()
    assert (await cautious.weigh()).source is Source.WITHHELD
    case_id = await town.ask(LOST)
    await town.desk.citizens.helpful("telegram", "7001", case_id)
    assert (await cautious.weigh()).source is Source.SHIPPED
