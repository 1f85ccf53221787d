"""What the desk proposes to learn, and what becomes of it when people decide."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from bot.desk import DeskError
from bot.desk.learning import Proposal
from knowledge.gold import Gold
from knowledge.pairs import pair_key
from knowledge.proposals import similar_key
from storage import entries, gold, lexicon
from storage.db import Database
from storage.models import AuditRecord, EntryRow, ProposalDecision
from tests.support import ENTRIES, STAFF_PLACE, Town, build_town

DAY = date(2026, 11, 23)
BASE = tuple(
    replace(ENTRIES[3], id=name, question=question, similar=(), answer=f"{question}：网上办。")
    for name, question in (
        ("buy", "买房怎么提取公积金"),
        ("rent", "租房能不能提取公积金"),
        ("loan", "公积金贷款额度是多少"),
        ("moved", "老人户口怎么迁"),
        ("gone", "去世人员怎么注销户口"),
    )
)
QUESTIONS = (("买房取公基金", "buy"), ("租房子公基金咋取", "rent"), ("公基金能贷好多", "loan"))
WORDING = "老人走了户口咋销"
PAIR = pair_key("公基金", "公积金")
SIMILAR = similar_key(WORDING, "gone")


@pytest.fixture
async def town(database: Database) -> Town:
    """A town in which a wording and a pair of words could be learnt."""
    town = await build_town(database, known=BASE)
    for citizen, (text, entry_id) in enumerate(QUESTIONS):
        await town.answered(text, entry_id, str(citizen))
    await town.answered(WORDING, "gone", "9")
    return town


async def proposed(town: Town) -> dict[str, Proposal]:
    return {one.key: one for one in await town.desk.learning.proposals()}


async def own(town: Town) -> dict[str, str]:
    async with town.db.read() as session:
        return await lexicon.load(session)


async def test_proposals_tell_who_asked_so_and_what_they_do(town: Town) -> None:
    found = await proposed(town)
    wording, pair = found[SIMILAR], found[PAIR]
    assert (wording.kind, wording.text) == ("相似问", f"{WORDING} → 去世人员怎么注销户口")
    assert (wording.citizens, wording.effect.startswith("现在排第 ")) == (1, True)
    assert (pair.kind, pair.text, pair.citizens) == ("同义词", "公基金 = 公积金", 3)
    assert pair.effect.startswith("试 3 句：排第一的 ")
    assert pair.examples == tuple(text for text, _ in QUESTIONS)
    assert [one.kind for one in found.values()].index("同义词") >= 1


async def test_accepted_ones_are_in_use_at_once_and_do_not_come_back(town: Town) -> None:
    supervisor = await town.staff(2)
    outcomes = await town.desk.learning.accept(supervisor, [SIMILAR[:8], PAIR[:8]])
    assert [(one.text.split(" ")[0], one.refused) for one in outcomes] == [
        (WORDING, ""),
        ("公基金", ""),
    ]
    match = await town.desk.office.library.match(WORDING, DAY)
    assert match.candidates[0].entry.id == "gone"
    match = await town.desk.office.library.match("公基金", DAY)
    assert match.candidates[0].evidence.words == ("公基金",)
    assert not {SIMILAR, PAIR} & (await proposed(town)).keys()
    kept = [(one.actor, one.action) for one in await town.rows(AuditRecord)]
    actor = f"staff:{supervisor.id}"
    assert {(actor, "kb.similar"), (actor, "kb.words.add"), (actor, "proposal.accept")} <= {*kept}


async def test_rejected_ones_do_not_come_back_and_change_nothing(town: Town) -> None:
    texts = await town.desk.learning.reject("os:root", [SIMILAR[:8], PAIR, PAIR[:10]])
    assert texts == [f"{WORDING} → 去世人员怎么注销户口", "公基金 = 公积金"]
    await town.answered("公基金能贷款吗", "loan", "8")
    await town.answered(WORDING, "gone", "7")
    assert not {SIMILAR, PAIR} & (await proposed(town)).keys()
    assert await own(town) == {}
    decisions = [(one.accepted, one.actor) for one in await town.rows(ProposalDecision)]
    assert decisions == [(False, "os:root"), (False, "os:root")]
    assert [one.action for one in await town.rows(AuditRecord)].count("proposal.reject") == 2


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ([SIMILAR[:5]], "至少写 6 位"),
        ([SIMILAR[:8], "f" * 16], "没有编号"),
        (["000000"], "没有编号"),
    ],
)
async def test_keys_that_name_nothing_are_refused_and_nothing_is_kept(
    town: Town, keys: list[str], said: str
) -> None:
    for act in (town.desk.learning.accept, town.desk.learning.reject):
        with pytest.raises(DeskError, match=said):
            await act("os:root", keys)
    assert await town.rows(ProposalDecision) == []


async def test_only_those_who_may_edit_the_base_decide(town: Town) -> None:
    for act in (town.desk.learning.accept, town.desk.learning.reject):
        with pytest.raises(DeskError, match="审核、主管或管理员"):
            await act(await town.staff(0), [SIMILAR])
    assert await town.rows(ProposalDecision) == []


async def test_what_would_spoil_a_saved_question_is_refused_and_the_rest_kept(town: Town) -> None:
    async with town.db.write() as session:
        await gold.save(session, [Gold("公基金怎么迁", "moved")], "test")
    assert PAIR not in await proposed(town)
    pair, wording = await town.desk.learning.accept("os:root", [PAIR, SIMILAR])
    assert (pair.refused, wording.refused) == ("没有记：会让测试问题“公基金怎么迁”答错。", "")
    assert await own(town) == {}
    async with town.db.read() as session:
        assert (await session.get_one(EntryRow, "gone")).similar == [WORDING]


async def test_words_that_somebody_else_joined_meanwhile_are_told(town: Town) -> None:
    found = await town.desk.learning._found()
    async with town.db.write_alone() as session:
        joined = {"公基金": "a", "公鸡金": "a", "公积金": "b", "住房金": "b"}
        await lexicon.change(session, lambda _: joined, "test", "kb.words.add")
    (pair,) = [one for one in found.pairs if one.key == PAIR]
    outcome = await town.desk.learning._keep(pair, found, "os:root")
    assert "分属不同的组" in outcome.refused


async def test_a_wording_that_is_found_surely_is_not_proposed(town: Town) -> None:
    async with town.db.write() as session:
        await entries.add_similar(session, "gone", f"{WORDING}呀", "test")
    await town.desk.office.library.refresh()
    assert SIMILAR not in await proposed(town)


async def test_the_digest_tells_how_much_waits_as_long_as_something_does(town: Town) -> None:
    found = await proposed(town)
    similar = sum(one.kind == "相似问" for one in found.values())
    assert await town.desk.learning.waiting() == f"相似问 {similar} 个、同义词 1 个"
    await town.desk.duties.digest()
    await town.settle()
    text = town.to(STAFF_PLACE)[-1].text
    assert f"可以学的：相似问 {similar} 个、同义词 1 个，用 wenban kb learn list 查看" in text
    await town.desk.learning.reject("os:root", found)
    assert await town.desk.learning.waiting() == ""
