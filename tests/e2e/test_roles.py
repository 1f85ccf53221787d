"""One office in several processes: on one SQLite file, or on PostgreSQL and Redis."""

from __future__ import annotations

import asyncio

import httpx

from storage.models import Account, CaseEvent, EntryRevision
from tests.e2e.harness import PATIENCE, Scene, texts
from tests.e2e.knowledge import DOGS, ENTRIES, ID_LOST, LOW_INCOME

QUESTIONS = (
    ("身份证丢了怎么办", ID_LOST),
    ("养犬登记怎么办理", DOGS),
    ("低保怎么申请", LOW_INCOME),
)
CITIZENS = 45
HARD = 5


async def test_several_processes_answer_every_case_once(scene: Scene) -> None:
    """With servers for it there are two workers, and one of them is killed in the rush."""
    roles = ["bot", "worker"]
    if scene.shared:
        roles += ["scheduler", "console", "worker"]
    lease = {"outbox__lease_seconds": "5"}
    programs = await asyncio.gather(*(scene.start(role, **lease) for role in roles))
    (clerk,) = await scene.hire("张三")
    kinds = [QUESTIONS[2] if number < HARD else QUESTIONS[number % 2] for number in range(CITIZENS)]
    people = [(scene.api.user(f"市民{number}"), *kind) for number, kind in enumerate(kinds)]
    for citizen, question, _ in people:
        await scene.api.says(citizen, question)
    if scene.shared:
        await scene.api.wait_for(lambda one: one.kind == "send", PATIENCE)
        await programs.pop().kill()
    for citizen, _, _ in people[:HARD]:
        case = await scene.case_in(citizen, "waiting")
        card = await scene.card_of(case.id or 0)
        # The card may have come again at the end of the chat: the case is still the same.
        pressed = await scene.api.taps(clerk, card, card.data("采用"), stale=True)
        assert (await scene.api.answer(pressed, PATIENCE)).text == "已发送"
    for citizen, _, _ in people:
        await scene.case_in(citizen, "answered")
    await scene.settled()

    spare = 1 if scene.shared else 0  # what the killed worker sent and did not note goes out again
    for citizen, _, answer in people:
        assert 1 <= len(texts(await scene.api.sent(citizen), answer)) <= 1 + spare
    for once in ("opened", "replied", "reply_queued"):
        assert len(await scene.rows(CaseEvent, kind=once)) == CITIZENS
    assert [await program.stop() for program in programs] == [0] * len(programs)
    assert "Traceback" not in "".join(program.output for program in programs)


async def test_processes_started_together_on_an_empty_database_take_turns(scene: Scene) -> None:
    await scene.empty_database()
    roles = ("bot", "worker", "console", "scheduler")
    programs = [scene.launch(role) for role in roles]
    for program in programs:
        await program.ready()
    assert [one.key for one in await scene.rows(Account)] == ["web", "telegram"]
    assert len(await scene.rows(EntryRevision)) == len(ENTRIES)
    async with httpx.AsyncClient(trust_env=False) as browser:
        health = (await browser.get(f"{programs[2].url}/healthz")).json()
    assert (health["status"], health["knowledge_entries"]) == ("ok", len(ENTRIES))


async def test_the_knowledge_base_changes_while_the_program_runs(scene: Scene) -> None:
    await scene.start()
    citizen = scene.api.user("小李")
    await scene.api.says(citizen, "养犬登记怎么办理")
    await scene.api.next_message(citizen, PATIENCE, containing=DOGS)
    changed = scene.folder / "修改.csv"
    header = "编号,标准问,答案,自动回复"
    changed.write_text(f"{header}\ndogs,养犬登记怎么办理,改在网上登记。,是\n", encoding="utf-8")
    code, said = await scene.command("kb", "import", str(changed))
    assert code == 0, said
    await asyncio.sleep(float(scene.settings["knowledge__refresh_seconds"]) * 4)
    other = scene.api.user("小王")
    await scene.api.says(other, "养犬登记怎么办理")
    assert "改在网上登记" in (await scene.api.next_message(other, PATIENCE)).text
