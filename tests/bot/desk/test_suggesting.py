"""提相似问: a 坐席 proposes, 审核 and above decide, the proposer sees what came of it."""

from __future__ import annotations

import pytest

from bot.desk import DeskError
from storage.models import AuditRecord, EntryRow
from tests.support import Town

WORDING = "证件弄丢了去哪里重新办"


async def test_what_a_clerk_proposes_is_kept_once_a_reviewer_accepts(town: Town) -> None:
    clerk, reviewer = await town.staff(0), await town.staff(1)
    desk = town.desk.suggesting
    await desk.propose(clerk, "id-lost", f"我叫张三，{WORDING}？电话13812345678")
    (one,) = await town.desk.learning.proposals()
    assert one.text == f"{WORDING} → 身份证丢失怎么补领"
    assert (one.kind, one.proposer, one.citizens) == ("相似问", "张三", 0)
    (mine,) = await desk.mine(clerk)
    assert mine.decision is None and mine.question == "身份证丢失怎么补领"
    assert await desk.mine(reviewer) == []
    with pytest.raises(DeskError, match="审核"):
        await town.desk.learning.accept(clerk, [one.key])
    (done,) = await town.desk.learning.accept(reviewer, [one.key])
    assert done.refused == ""
    (mine,) = await desk.mine(clerk)
    assert mine.decision is not None and mine.decision.accepted and mine.by == "李四"
    entry = next(row for row in await town.rows(EntryRow) if row.id == "id-lost")
    assert WORDING in entry.similar
    actions = [one.action for one in await town.rows(AuditRecord) if "proposal" in one.action]
    assert actions == ["proposal.suggest", "proposal.accept"]


async def test_what_was_turned_down_is_told_and_not_proposed_again(town: Town) -> None:
    clerk, reviewer = await town.staff(0), await town.staff(1)
    await town.desk.suggesting.propose(clerk, "id-lost", WORDING)
    with pytest.raises(DeskError, match="等着看"):
        await town.desk.suggesting.propose(reviewer, "id-lost", WORDING)
    (one,) = await town.desk.learning.proposals()
    await town.desk.learning.reject(reviewer, [one.key])
    assert await town.desk.learning.proposals() == []
    (mine,) = await town.desk.suggesting.mine(clerk)
    assert mine.decision is not None and not mine.decision.accepted
    with pytest.raises(DeskError, match="决定过"):
        await town.desk.suggesting.propose(clerk, "id-lost", WORDING)


@pytest.mark.parametrize(
    ("entry_id", "text", "refusal"),
    [
        ("id-lost", "丢", "问话"),
        ("id-lost", "www.abc.com 身份证办理", "问话"),
        ("id-lost", "身份证丢了怎么办", "已经有这个问法"),
        ("low-income", "身份证丢了怎么办", "已经是"),
        ("nothing", WORDING, "停用"),
    ],
)
async def test_what_could_not_be_kept_is_not_proposed(
    town: Town, entry_id: str, text: str, refusal: str
) -> None:
    with pytest.raises(DeskError, match=refusal):
        await town.desk.suggesting.propose(await town.staff(), entry_id, text)
