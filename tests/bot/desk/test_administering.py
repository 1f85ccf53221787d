"""What administrators see and do, and that nobody else can."""

from __future__ import annotations

import stat
import zipfile
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import SecretStr

from bot.channels.base import SendError
from bot.desk import Desk, DeskError
from bot.desk.administering import Administering
from bot.desk.premises import Finding, Level, Premises
from bot.outfit import premises
from bot.settings import DatabaseSettings, KnowledgeSettings, Settings, TelegramSettings
from knowledge.gold import Gold
from storage import gold
from storage.models import AuditRecord, Staff
from tests.bot.desk.test_people import admin_of
from tests.support import Town

Act = Callable[[Administering, Staff], Awaitable[object]]
FINDINGS = [Finding("数据库", Level.GOOD, "可用")]


async def look() -> list[Finding]:
    return FINDINGS


@pytest.fixture
def desk(town: Town, tmp_path: Path) -> Desk:
    """The town's desk in a program with a folder for backups."""
    office = replace(town.desk.office, premises=Premises((), tmp_path / "kept" / "backups", look))
    return Desk(office, {"telegram": town.channel})


@pytest.mark.parametrize("number", [0, 1, 2])
@pytest.mark.parametrize(
    "act",
    [
        lambda desk, staff: desk.running(staff),
        lambda desk, staff: desk.findings(staff),
        lambda desk, staff: desk.accounts(staff),
        lambda desk, staff: desk.probe(staff, "telegram"),
        lambda desk, staff: desk.words(staff),
        lambda desk, staff: desk.join(staff, ["低保", "低保金"]),
        lambda desk, staff: desk.part(staff, "低保"),
        lambda desk, staff: desk.backups(staff),
        lambda desk, staff: desk.back_up(staff),
        lambda desk, staff: desk.hand_over(staff, "wenban-20260101-000000.zip"),
        lambda desk, staff: desk.discard(staff, "wenban-20260101-000000.zip"),
    ],
)
async def test_only_an_administrator_may(town: Town, desk: Desk, act: Act, number: int) -> None:
    with pytest.raises(DeskError, match="管理员"):
        await act(desk.administering, await town.staff(number))
    assert not [row for row in await town.rows(AuditRecord) if row.action.startswith("db.")]


async def test_how_the_program_is(town: Town, desk: Desk) -> None:
    admin, _ = await admin_of(town)
    await town.waiting()
    found = await desk.administering.running(admin)
    assert (found.health.waiting, found.entries, found.semantic) == (1, 4, "")
    assert await desk.administering.findings(admin) == FINDINGS


async def test_a_connection_is_tried_and_its_failure_told(town: Town, desk: Desk) -> None:
    admin, _ = await admin_of(town)
    assert await desk.administering.probe(admin, "telegram") == "@yunchuan_bot"
    town.channel.failures.append(SendError("Unauthorized"))
    with pytest.raises(DeskError, match="连不上：Unauthorized"):
        await desk.administering.probe(admin, "telegram")
    with pytest.raises(DeskError, match="只是登记的"):
        await desk.administering.probe(admin, "weibo")


async def test_synonyms_are_added_used_and_taken_out(town: Town, desk: Desk) -> None:
    admin, _ = await admin_of(town)
    work = desk.administering
    await work.join(admin, ["低保", "困难补贴"])
    (group,), alone = await work.words(admin)
    assert "困难补贴" in group.added and alone == []
    found = await desk.office.library.match("困难补贴怎么申请", desk.office.today())
    assert found.candidates[0].entry.id == "low-income"
    await work.part(admin, "困难补贴")
    assert (await work.words(admin))[0] == []
    actions = [row.action for row in await town.rows(AuditRecord) if "words" in row.action]
    assert actions == ["kb.words.add", "kb.words.remove"]
    with pytest.raises(DeskError):
        await work.join(admin, ["低保", "的"])


async def test_synonyms_that_spoil_a_saved_question_are_refused(town: Town, desk: Desk) -> None:
    admin, _ = await admin_of(town)
    async with town.db.write() as session:
        await gold.save(session, [Gold("亮码丢了怎么办", "")], "test")
    with pytest.raises(DeskError, match="会因此答错"):
        await desk.administering.join(admin, ["社保卡", "亮码"])
    assert (await desk.administering.words(admin))[0] == []


async def test_backups_are_made_listed_taken_along_and_deleted(town: Town, desk: Desk) -> None:
    admin, _ = await admin_of(town)
    work = desk.administering
    assert await work.backups(admin) == []
    made = await work.back_up(admin)
    assert await work.backups(admin) == [made]
    path = await work.hand_over(admin, made.name)
    assert zipfile.is_zipfile(path) and path.stat().st_size == made.size
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    await work.discard(admin, made.name)
    assert await work.backups(admin) == []
    noted = [row.action for row in await town.rows(AuditRecord) if row.action.startswith("db.")]
    assert noted == ["db.backup", "db.download", "db.discard"]


@pytest.mark.parametrize("name", ["../wenban.db", "/etc/passwd", "wenban-1.zip", "", "."])
async def test_no_other_file_is_handed_over(town: Town, desk: Desk, name: str) -> None:
    admin, _ = await admin_of(town)
    for act in (desk.administering.hand_over, desk.administering.discard):
        with pytest.raises(DeskError, match="没有这个备份"):
            await act(admin, name)


def test_settings_are_shown_without_a_secret() -> None:
    settings = Settings(
        telegram=TelegramSettings(token=SecretStr("12345:" + "geheim" * 5)),
        knowledge=KnowledgeSettings(endpoint_key=SecretStr("geheim")),
        database=DatabaseSettings(url="postgresql://wenban:geheim@db/wenban"),
    )
    shown = {one.key: one for one in premises(settings, look).settings}
    assert not any("geheim" in one.value for one in shown.values())
    assert shown["telegram.token"].value == "已设置" and shown["telegram.token"].changed
    assert shown["console.secret"].value == "未设置" and not shown["console.secret"].changed
    assert shown["database.url"].value == "postgresql://wenban:***@db/wenban"
    assert shown["clock.profile"].variable == "WENBAN_CLOCK__PROFILE"
    assert all(one.meaning for one in shown.values())
