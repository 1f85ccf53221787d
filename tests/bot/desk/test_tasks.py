"""Whose tasks are whose: by account and department, wherever they are decided."""

from __future__ import annotations

import pytest
from sqlmodel import select

from bot.desk import DeskError
from bot.desk.desktop import CONSOLE
from storage.models import Case, Staff, Task
from storage.terms import TaskKind
from tests.support import Town


async def scoped(town: Town, number: int, **values: object) -> Staff:
    async with town.db.write() as session:
        staff = (await session.exec(select(Staff).where(Staff.login == f"s{number}"))).one()
        staff.sqlmodel_update(values)
    return await town.staff(number)


async def asked(town: Town) -> int:
    """A case of 市民政局 for which 剔除 was proposed; the task's number."""
    case_id, version = await town.waiting()
    async with town.db.write() as session:
        (await session.get_one(Case, case_id)).department = "市民政局"
    exclusion = town.desk.exclusion
    await exclusion.propose(await town.staff(0), case_id, version, CONSOLE, "unfounded", "现场没有")
    (task,) = await town.rows(Task)
    return task.id or 0


@pytest.mark.parametrize("scope", [{"departments": ["市公安局"]}, {"accounts": ["web"]}])
async def test_nobody_decides_outside_their_accounts_and_departments(
    town: Town, scope: dict[str, list[str]]
) -> None:
    task_id = await asked(town)
    boss = await scoped(town, 2, **scope)
    assert await town.desk.tasks.pending(boss) == []
    assert "没有待处理" in await town.desk.tasks.listed(boss, "902")
    with pytest.raises(DeskError, match="不归您"):
        await town.desk.tasks.act(boss, task_id, "approve", "")
    assert (await town.rows(Task))[0].state == "open"
    inside = await scoped(town, 2, departments=["市民政局"], accounts=["telegram"])
    (pending,) = await town.desk.tasks.pending(inside)
    assert (pending.task.id, pending.case.department) == (task_id, "市民政局")
    assert await town.desk.tasks.act(inside, task_id, "approve", "") == "已剔除"


async def test_whoever_asked_and_clerks_have_nothing_to_decide(town: Town) -> None:
    await asked(town)
    assert await town.desk.tasks.pending(await town.staff(0)) == []
    assert await town.desk.tasks.pending(await town.staff(1)) == []
    assert len(await town.desk.tasks.pending(await town.staff(2))) == 1


async def test_the_receiver_of_a_transfer_sees_it_and_signs_for_it(town: Town) -> None:
    case_id, version = await town.waiting()
    async with town.db.write() as session:
        (await session.get_one(Case, case_id)).department = "市民政局"
    receiver = await scoped(town, 1, department="市教育局", departments=["市教育局"])
    with pytest.raises(DeskError, match="不归您"):
        await town.desk.inbox.look_again(receiver, case_id)
    transfer = town.desk.transfer
    await transfer.ask(await town.staff(0), case_id, version, CONSOLE, "市教育局", "职责归口")
    item = await town.desk.inbox.look_again(receiver, case_id)
    (task,) = item.view.tasks
    with pytest.raises(DeskError, match="不归您"):  # seen, but not yet theirs to answer
        await town.desk.review.adopt(receiver, case_id, item.case.version, CONSOLE)
    assert await town.desk.tasks.act(receiver, task.id or 0, "accept", "") == "市教育局已签收"
    assert (await town.case(case_id)).department == "市教育局"
    assert town.desk.tasks.words_for(TaskKind.TRANSFER, "return") == "退件的理由"
