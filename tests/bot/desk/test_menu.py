"""常办事项: ordered by what is asked for and opened, kept, and the same for every process."""

from __future__ import annotations

from dataclasses import replace

from bot.desk import menu
from bot.desk.office import Office
from storage import entrances, entries
from tests.support import ENTRIES, Town, open_town

CARD = replace(ENTRIES[1], topic="户籍")
OTHERS = tuple(
    replace(CARD, id=f"more-{n}", question=f"社保第{n}件怎么办", similar=(), topic="社保")
    for n in range(3)
)


async def stocked(town: Town) -> Office:
    async with town.db.write() as session:
        await entries.save(session, (CARD, *OTHERS), "test")
    await town.desk.office.library.refresh()
    return town.desk.office


async def pressed(town: Town, entry_id: str, times: int) -> None:
    async with town.db.write() as session:
        for _ in range(times):
            day = town.desk.office.today()
            await entrances.count(session, day, entry_id, "telegram", "x")


async def topics(town: Town) -> dict[str, list[str]]:
    return dict(await town.desk.citizens.menu())


async def test_without_figures_the_largest_topic_comes_first(town: Town) -> None:
    await stocked(town)
    assert list(await topics(town)) == ["社保", "户籍", "公积金"]


async def test_demand_moves_topics_and_questions_up_for_every_process(town: Town) -> None:
    office = await stocked(town)
    await pressed(town, "id-lost", 20)
    assert next(iter(await topics(town))) == "社保"  # only once a day
    await menu.rearrange(office)
    found = await topics(town)
    assert list(found) == ["户籍", "社保", "公积金"]
    assert found["户籍"] == [ENTRIES[0].question, CARD.question]
    other = await open_town(town.db)
    assert await topics(other) == found


async def test_questions_count_as_demand(town: Town) -> None:
    office = await stocked(town)
    for number in range(4):
        await town.ask("租房怎么提取公积金", citizen=f"80{number}")
    await menu.rearrange(office)
    assert next(iter(await topics(town))) == "公积金"


async def test_a_small_lead_moves_nothing(town: Town) -> None:
    office = await stocked(town)
    await pressed(town, "id-lost", 3)
    await menu.rearrange(office)
    assert next(iter(await topics(town))) == "社保"


async def test_pins_stay_before_everything(town: Town) -> None:
    office = await stocked(town)
    rules = replace(office.rules, menu_pins=("公积金", "id-lost", "没有这一条"))
    await pressed(town, CARD.id, 50)
    await menu.rearrange(replace(office, rules=rules))
    found = await topics(town)
    assert list(found) == ["公积金", "户籍", "社保"]
    assert found["户籍"][0] == ENTRIES[0].question
    await menu.rearrange(office)  # without the pins
    assert (await topics(town))["户籍"][0] == CARD.question
