"""A rush of questions against Telegram's limits, refusals and lost connections."""

from __future__ import annotations

from collections import defaultdict

from tests.botapi import Sent
from tests.e2e.harness import Scene, texts, until
from tests.e2e.knowledge import ID_LOST, LONG_PARTS

CITIZENS = 150
LONG = "住房公积金贷款全部流程是什么"


async def test_in_a_storm_of_refusals_all_is_delivered_once_and_in_order(scene: Scene) -> None:
    """Every fifth citizen gets an answer in several parts, whose order must hold."""
    api = scene.api
    await api.limits(overall=30, per_chat=1, per_group=20)
    await scene.start()
    people = [api.user(f"市民{number}") for number in range(CITIZENS)]
    for number, citizen in enumerate(people):
        await api.says(citizen, "身份证丢了怎么办" if number % 5 else LONG)
        if number % 30 == 10:
            await api.fail_next("sendMessage", 429, 5, retry_after=1)
            await api.fail_next("sendMessage", 500, 5)
            await api.fail_next("sendMessage", 0, 5)

    async def all_sent() -> bool:
        return len(await api.sent(None, "send")) >= expected

    expected = CITIZENS + CITIZENS // 5 * (LONG_PARTS - 1)
    await until(all_sent, 120, "all delivered")
    await scene.settled()

    got: dict[int, list[Sent]] = defaultdict(list)
    for one in await api.sent(None, "send"):
        got[one.chat_id].append(one)
    for number, citizen in enumerate(people):
        if number % 5:
            assert len(texts(got[citizen.id], ID_LOST)) == len(got[citizen.id]) == 1
        else:
            parts = [one.text.partition("部分")[0][1:] for one in got[citizen.id]]
            assert parts == [str(part) for part in range(1, LONG_PARTS + 1)]
    calls = await api.calls("sendMessage")
    assert {429, 500, 0, 200} <= {call.status for call in calls}


async def test_a_lost_network_and_a_blocked_bot(scene: Scene) -> None:
    """What was said while the network was away is answered; who has blocked us is known."""
    api = scene.api
    await scene.start()
    await scene.hire("张三")
    away, gone = api.user("小远"), api.user("小离")
    await api.says(gone, "你好")
    await api.next_message(gone, 30)
    await api.offline()
    await api.says(away, "身份证丢了怎么办")
    await api.says(gone, "身份证丢了怎么办")
    await api.blocks(gone)
    await api.offline(False)
    await api.next_message(away, 30, containing=ID_LOST)
    case = await scene.case_in(gone, "waiting")
    assert case.reason == "群众已屏蔽或离开，无法送达"
    assert "无法送达" in (await scene.card(case.id or 0)).text
    assert texts(await api.sent(gone), ID_LOST) == []
