"""常用语: who may keep them for whom, what is refused, and that every change is on record."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlmodel import select

from bot.desk import DeskError
from bot.desk.phrases import Wording
from storage.models import AuditRecord, Phrase, Staff
from tests.support import Town

OWN = Wording("开头", "{称呼}，您好，您的诉求 {诉求编号} 已看过。")
SHARED = replace(OWN, title="结尾", reach="department", department="市民政局")
EVERYBODY = replace(OWN, title="联系", text="如有疑问请拨打政务服务热线。", reach="all")


async def titles(town: Town, staff: Staff, text: str = "") -> list[str]:
    return [one.title for one in await town.desk.phrases.find(staff, text)]


async def phrase(town: Town, title: str) -> Phrase:
    async with town.db.read() as session:
        return (await session.exec(select(Phrase).where(Phrase.title == title))).one()


async def narrow(town: Town, number: int, *departments: str) -> Staff:
    async with town.db.write() as session:
        row = (await session.exec(select(Staff).where(Staff.login == f"s{number}"))).one()
        row.departments = list(departments)
    return await town.staff(number)


async def test_a_persons_own_are_theirs_alone(town: Town) -> None:
    mine, other = await town.staff(0), await town.staff(2)
    await town.desk.phrases.add(mine, OWN)
    row = await phrase(town, "开头")
    assert await titles(town, mine) == ["开头"]
    assert await titles(town, other) == []
    assert await town.desk.phrases.everything(other) == []
    for act in (
        town.desk.phrases.change(other, row.id or 0, row.version, OWN),
        town.desk.phrases.switch(other, row.id or 0, row.version),
    ):
        with pytest.raises(DeskError, match="没有这条"):
            await act
    await town.desk.phrases.used(other, row.id or 0)
    assert (await phrase(town, "开头")).used == 0


@pytest.mark.parametrize(
    ("number", "wording", "refusal"),
    [
        (0, SHARED, "审核"),
        (0, EVERYBODY, "主管"),
        (1, EVERYBODY, "主管"),
        (1, replace(SHARED, department=" "), "哪个单位"),
        (2, replace(OWN, reach="world"), "给谁用"),
    ],
)
async def test_what_is_for_others_needs_the_role(
    town: Town, number: int, wording: Wording, refusal: str
) -> None:
    with pytest.raises(DeskError, match=refusal):
        await town.desk.phrases.add(await town.staff(number), wording)
    assert await town.rows(Phrase) == []


async def test_a_departments_are_for_its_people(town: Town) -> None:
    await town.desk.phrases.add(await town.staff(1), SHARED)
    await town.desk.phrases.add(await town.staff(2), EVERYBODY)
    inside = await narrow(town, 0, "市民政局")
    assert set(await titles(town, inside)) == {"结尾", "联系"}
    outside = await narrow(town, 0, "市公安局")
    assert await titles(town, outside) == ["联系"]
    assert not any(one.editable for one in await town.desk.phrases.everything(outside))
    reviewer, row = await narrow(town, 1, "市公安局"), await phrase(town, "结尾")
    with pytest.raises(DeskError, match="没有这条"):
        await town.desk.phrases.switch(reviewer, row.id or 0, row.version)
    with pytest.raises(DeskError, match="不在您的范围"):
        await town.desk.phrases.add(reviewer, SHARED)
    boss = await narrow(town, 2, "市公安局")
    with pytest.raises(DeskError, match="不限范围"):
        await town.desk.phrases.add(boss, EVERYBODY)


@pytest.mark.parametrize(
    ("text", "refusal"),
    [
        ("请联系张科长13812345678。", "手机号"),
        ("{姓名}，您好。", "占位“{姓名}”不认得"),
        ("本市政策全国最好，{称呼}请放心。____", "未填完"),
        ("   ", "都要写"),
        ("长" * 1001, "最多"),
    ],
)
async def test_what_no_reply_may_say_is_not_kept(town: Town, text: str, refusal: str) -> None:
    with pytest.raises(DeskError, match=refusal):
        await town.desk.phrases.add(await town.staff(), replace(OWN, text=text))
    assert await town.rows(Phrase) == []


async def test_changes_are_seen_by_version_counted_and_kept_in_the_audit(town: Town) -> None:
    desk, staff = town.desk.phrases, await town.staff(2)
    await desk.add(staff, EVERYBODY)
    row = await phrase(town, "联系")
    await desk.used(await town.staff(0), row.id or 0)
    await desk.change(staff, row.id or 0, row.version, replace(EVERYBODY, title="联系我们"))
    with pytest.raises(DeskError, match="刚改过"):
        await desk.change(staff, row.id or 0, row.version, EVERYBODY)
    row = await phrase(town, "联系我们")
    assert (row.used, row.version) == (1, 2)
    await desk.switch(staff, row.id or 0, row.version)
    assert await titles(town, staff) == []
    assert [one.phrase.active for one in await desk.everything(staff)] == [False]
    assert await desk.everything(await town.staff(0)) == []
    await desk.switch(staff, row.id or 0, row.version + 1)
    assert await titles(town, staff, "热线") == ["联系我们"]
    assert await titles(town, staff, "没有的话") == []
    done = [one.action for one in await town.rows(AuditRecord) if one.action.startswith("phrase.")]
    assert done == ["phrase.add", "phrase.change", "phrase.off", "phrase.on"]


async def test_the_cases_department_comes_first(town: Town) -> None:
    staff = await town.staff(2)
    await town.desk.phrases.add(staff, EVERYBODY)
    await town.desk.phrases.add(staff, SHARED)
    await town.desk.phrases.used(staff, (await phrase(town, "联系")).id or 0)
    assert await titles(town, staff) == ["联系", "结尾"]
    found = await town.desk.phrases.find(staff, department="市民政局")
    assert [one.title for one in found] == ["结尾", "联系"]
