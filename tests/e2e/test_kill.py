"""Killed with SIGKILL between every two steps: nothing is lost, nothing is answered twice.

The one exception is a message that Telegram had accepted when the program died before it
could note so: it goes out again, because no question to the platform could tell.
"""

from __future__ import annotations

import asyncio
import itertools
import time
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial

import pytest

from storage.models import Case, CaseEvent, Delivery, Message
from tests.botapi import Sent, User
from tests.e2e.harness import PATIENCE, Action, Program, Scene, texts, until
from tests.e2e.knowledge import DOGS, ID_LOST, LOW_INCOME, PRIMARY

LEASE = {"outbox__lease_seconds": "3"}
HANG = 120.0
QUESTION = "身份证丢了怎么办"


async def _answered_once(scene: Scene, citizen: User, answer: str = ID_LOST) -> None:
    """All is done, and exactly one answer reached the citizen."""
    case = await scene.case_in(citizen, "answered")
    await scene.settled()
    assert len(texts(await scene.api.sent(citizen), answer)) == 1
    assert (await scene.events(case.id or 0)).count("replied") == 1
    assert len(await scene.rows(Message, case_id=case.id)) == 1


async def test_between_fetching_an_update_and_storing_it(scene: Scene) -> None:
    citizen = scene.api.user("小李")
    program = await scene.start(**LEASE)
    async with scene.held_database():
        await scene.fetched(partial(scene.api.says, citizen, QUESTION))
        await program.kill()
    assert await scene.rows(Message) == []
    await scene.start(**LEASE)
    await _answered_once(scene, citizen)


async def test_between_storing_a_message_and_considering_it(scene: Scene) -> None:
    citizen = scene.api.user("小李")
    door = await scene.start("bot", **LEASE)
    await scene.api.says(citizen, QUESTION)
    await scene.case_in(citizen, "received")
    await door.kill()
    assert await scene.rows(Delivery) == []
    await scene.start(**LEASE)
    await _answered_once(scene, citizen)


async def test_between_deciding_and_sending(scene: Scene) -> None:
    citizen = scene.api.user("小李")
    await scene.api.fail_next("sendMessage", 500, 10_000)
    program = await scene.start(**LEASE)
    await scene.api.says(citizen, QUESTION)
    await scene.api.calls("sendMessage", count=2, within=PATIENCE)
    await program.kill()
    assert [one.sent_at for one in await scene.rows(Delivery)] == [None]
    await scene.api.clear_faults()
    await scene.start(**LEASE)
    await _answered_once(scene, citizen)


async def test_in_the_middle_of_a_send_that_telegram_has_not_taken(scene: Scene) -> None:
    citizen = scene.api.user("小李")
    await scene.api.fail_next("sendMessage", 200, delay=HANG)
    program = await scene.start(**LEASE)
    await scene.api.says(citizen, QUESTION)
    await scene.api.calls("sendMessage", count=1, within=PATIENCE)
    await program.kill()
    assert (await scene.rows(Delivery))[0].state == "sending"
    await scene.start(**LEASE)
    await _answered_once(scene, citizen)


async def test_an_answer_taken_by_telegram_but_not_noted_is_repeated_once_at_most(
    scene: Scene,
) -> None:
    citizen = scene.api.user("小李")
    await scene.api.fail_next("sendMessage", 200, delay=HANG, after_effect=True)
    program = await scene.start(**LEASE)
    await scene.api.says(citizen, QUESTION)
    await scene.api.next_message(citizen, PATIENCE, containing=ID_LOST)
    await program.kill()
    await scene.start(**LEASE)
    case = await scene.case_in(citizen, "answered")
    await scene.settled()
    assert len(texts(await scene.api.sent(citizen), ID_LOST)) <= 2
    assert (await scene.events(case.id or 0)).count("replied") == 1
    assert len(await scene.deliveries(citizen)) == 1


@dataclass
class Killing:
    """Kills the program in the midst of handling something, and starts it again."""

    scene: Scene
    stored: bool
    program: Program

    async def during(self, action: Action, slow: str) -> None:
        """Kill before what the action means is stored, or else before the call ``slow`` ends."""
        if self.stored:
            before = len(await self.scene.api.calls(slow))
            chat = self.scene.group if slow == "sendMessage" else None
            await self.scene.api.fail_next(slow, 200, delay=HANG, chat=chat)
            await action()
            await self.scene.api.calls(slow, count=before + 1, within=PATIENCE)
            await self._under_way(slow)
            if slow != "sendMessage":
                # What the platform took and we had not noted may go out twice, as documented.
                await self.scene.settled()
        else:
            async with self.scene.held_database():
                await self.scene.fetched(action)
                await self.program.kill()
        await self.program.kill()
        self.program = await self.scene.start(**LEASE)

    async def _under_way(self, slow: str) -> None:
        async def hanging() -> bool:
            return any(call.status is None for call in await self.scene.api.calls(slow))

        await until(hanging, what=f"{slow} under way")


@pytest.mark.parametrize("stored", [False, True], ids=["before storing", "after storing"])
async def test_at_every_press_and_typed_reply_of_a_conversation(scene: Scene, stored: bool) -> None:
    api = scene.api
    killing = Killing(scene, stored, await scene.start(**LEASE))
    (clerk,) = await scene.hire("张三")
    citizen, typed = api.user("小吴"), "城管今晚到现场核实，结果明早回复您。"
    await api.says(citizen, "楼下夜里施工太吵了没人管")
    case = await scene.case_in(citizen, "waiting")
    card = await scene.card(case.id or 0)
    await scene.settled()

    await killing.during(partial(api.taps, clerk, card, "编辑"), "answerCallbackQuery")
    prompt = await api.next_message(scene.group, PATIENCE, containing="请回复本消息")
    await scene.settled()
    reply = partial(api.says, clerk, typed, scene.group, reply_to=prompt)
    await killing.during(reply, "sendMessage")
    answer = await api.next_message(citizen, PATIENCE, containing=typed)
    await scene.settled()
    await killing.during(partial(api.taps, citizen, answer, "有帮助"), "answerCallbackQuery")
    grades = await api.next_message(citizen, PATIENCE, containing="满意吗")
    await scene.settled()
    await killing.during(partial(api.taps, citizen, grades, "不满意"), "answerCallbackQuery")
    await api.all_confirmed(PATIENCE)

    case = await scene.case_in(citizen, "resolved")
    assert case.grade == 4
    facts = await scene.events(case.id or 0)
    for once in ("opened", "message", "reviewed", "replied", "helpful", "resolved", "rated"):
        assert facts.count(once) == 1, once
    assert len(texts(await api.sent(citizen), typed)) == 1
    assert len(texts(await api.sent(citizen), "满意吗")) == 1


@pytest.mark.parametrize("stored", [False, True], ids=["before storing", "after storing"])
async def test_at_the_choice_of_a_clarification_and_the_adoption_of_a_draft(
    scene: Scene, stored: bool
) -> None:
    api = scene.api
    killing = Killing(scene, stored, await scene.start(**LEASE))
    (clerk,) = await scene.hire("张三")
    parent, poor = api.user("小家"), api.user("小困")
    await api.says(parent, "怎么报名入学")
    await api.says(poor, "低保怎么申请")
    choices = await api.next_message(parent, PATIENCE, containing="哪一种")
    card = await scene.card((await scene.case_in(poor, "waiting")).id or 0)
    await scene.settled()
    await killing.during(partial(api.taps, parent, choices, "小学"), "answerCallbackQuery")
    await api.next_message(parent, PATIENCE, containing=PRIMARY)
    await scene.settled()
    await killing.during(partial(api.taps, clerk, card, "采用"), "answerCallbackQuery")
    await api.all_confirmed(PATIENCE)
    await _answered_once(scene, parent, PRIMARY)
    await _answered_once(scene, poor, LOW_INCOME)
    assert len(await scene.rows(CaseEvent, kind="clarified")) == 1
    assert len(await scene.rows(CaseEvent, kind="reviewed")) == 1


async def _latest(scene: Scene, text: str, button: str) -> Sent | None:
    """The last card in the staff group with this text, once it has this button."""
    told = [one for one in await scene.api.sent(scene.group, "send") if text in one.text]
    there = bool(told) and button in str((await scene.api.current(told[-1])).raw)
    return told[-1] if there else None


@pytest.mark.parametrize("stored", [False, True], ids=["before storing", "after storing"])
async def test_at_a_request_to_the_citizen_and_the_signing_for_a_transfer(
    scene: Scene, stored: bool
) -> None:
    api = scene.api
    killing = Killing(scene, stored, await scene.start(**LEASE))
    clerk, chief = await scene.hire("张三", "李四")
    citizen, asked = api.user("小吴"), "请告知是哪个小区、几号楼？"
    await api.says(citizen, "楼下夜里施工太吵了没人管")
    case_id = (await scene.case_in(citizen, "waiting")).id or 0
    card = await scene.card(case_id)
    await api.presses(clerk, card, "更多")
    await api.presses(clerk, await api.current(card), "请群众补充")
    prompt = await api.next_message(scene.group, PATIENCE, containing="请回复本消息")
    await scene.settled()
    reply = partial(api.says, clerk, asked, scene.group, reply_to=prompt)
    await killing.during(reply, "sendMessage")
    await api.next_message(citizen, PATIENCE, containing=asked)
    await scene.settled()
    assert (await scene.case_of(citizen)).paused_at is not None
    await killing.during(partial(api.says, citizen, "东湖小区 3 号楼"), "sendMessage")
    await api.all_confirmed(PATIENCE)
    await scene.settled()
    assert (await scene.case_of(citizen)).paused_at is None

    card = await until(partial(_latest, scene, "东湖小区", "转办"))
    await api.presses(clerk, card, "转办")
    for title in ("市教育局", "职责归口"):
        await api.presses(clerk, await api.current(card), title)
    request = await api.next_message(scene.group, PATIENCE, containing="转办待接收")
    await scene.settled()
    await killing.during(partial(api.taps, chief, request, "签收"), "answerCallbackQuery")
    await api.all_confirmed(PATIENCE)
    await scene.settled()

    assert (await scene.case_of(citizen)).department == "市教育局"
    facts = await scene.events(case_id)
    counted = {name: facts.count(name) for name in ("transferred", "accepted")}
    assert counted == {"transferred": 1, "accepted": 1}
    # The way to the other department is the second pause.
    assert (facts.count("paused"), facts.count("unpaused")) == (2, 2)
    assert len(texts(await api.sent(citizen), asked)) == 1


@dataclass
class Town:
    """Citizens who each ask one thing over some time, and a clerk who adopts every draft."""

    scene: Scene
    clerk: User
    questions: list[tuple[User, str, str]]
    kills: list[float] = field(default_factory=list)

    async def ask(self, apart: float) -> None:
        for citizen, question, _ in self.questions:
            await self.scene.api.says(citizen, question)
            await asyncio.sleep(apart)

    async def adopt(self) -> None:
        """Press 采用 on every card that comes, as staff do when nothing seems to happen."""
        while True:
            with suppress(TimeoutError):
                card = await self.scene.api.next_message(self.scene.group, 1, containing="拟答")
                await self.scene.api.taps(self.clerk, card, card.data("采用"), stale=True)

    async def kill_after(self, moments: list[float]) -> None:
        """Start and kill so many seconds after it is ready; negative ones: after the launch."""
        for moment in moments:
            program = self.scene.launch(**LEASE)
            if moment >= 0:
                await program.ready()
            await asyncio.sleep(abs(moment))
            await program.kill()
            self.kills.append(time.time())

    def repeats_explained(self, answers: list[Sent]) -> bool:
        """One answer; more only when the program was killed between one and the next."""
        pairs = itertools.pairwise(answers)
        return bool(answers) and all(
            any(one.at <= kill <= other.at for kill in self.kills) for one, other in pairs
        )


async def test_at_any_time_while_twenty_citizens_ask(scene: Scene) -> None:
    (clerk,) = await scene.hire("张三")
    asked = [(QUESTION, ID_LOST), ("养犬登记怎么办理", DOGS), ("低保怎么申请", LOW_INCOME)]
    kinds = [asked[0], asked[1], asked[0], asked[1], asked[2]]
    people = [(scene.api.user(f"居民{n}"), *kinds[n % 5]) for n in range(20)]
    town = Town(scene, clerk, people)
    adopting = asyncio.create_task(town.adopt())
    asking = asyncio.create_task(town.ask(apart=0.4))
    await town.kill_after([0.4, 0.05, -0.6, 0.2, 0.7, 0.1, 1.2])
    await asking
    await scene.start(**LEASE)
    for citizen, _, _ in people:
        await scene.case_in(citizen, "answered")
    adopting.cancel()
    await scene.settled()
    await scene.api.all_confirmed(PATIENCE)

    for citizen, _, answer in people:
        answers = [one for one in await scene.api.sent(citizen, "send") if answer in one.text]
        assert town.repeats_explained(answers), citizen.name
    assert len(await scene.rows(Case)) == len(await scene.rows(Message)) == len(people)
    assert len(await scene.rows(CaseEvent, kind="replied")) == len(people)
    assert all(one.state == "sent" for one in await scene.rows(Delivery, purpose="reply"))
