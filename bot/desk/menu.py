"""常办事项: the topics and questions that every door offers, ordered by what citizens ask for."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import timedelta

from bot.demand import arranged
from bot.desk.office import Office
from knowledge.catalog import Entry
from storage import entrances, entries, menu

OTHER, WHOLE = "其他", "一件事"
Topics = dict[str, list[Entry]]


async def topics(office: Office) -> list[tuple[str, list[str]]]:
    """Topics with the standard questions of what may be answered automatically today."""
    found = await _offered(office)
    async with office.db.read() as session:
        stored = await menu.load(session)
    order = sorted(_listed(found, stored), key=lambda topic: topic == OTHER)
    shown = [(topic, [one.question for one in _stored(found[topic], stored)]) for topic in order]
    whole = [entry.question for entry in _bundles(office)]
    return [(WHOLE, whole), *shown] if whole else shown


async def rearrange(office: Office) -> None:
    """Work out the order anew from the questions and openings of the last days, and keep it."""
    days = timedelta(days=office.rules.menu_days)
    found = await _offered(office)
    async with office.db.read() as session:
        stored = await menu.load(session)
        since, day = office.now() - days, office.today() - days
        demand = _wanted(await entrances.usage(session, since, day))
    whole = Counter({topic: sum(demand[one.id] for one in found[topic]) for topic in found})
    order = arranged(_listed(found, stored), whole, office.rules.menu_pins)
    places = {menu.topic(topic): place for place, topic in enumerate(order)}
    for some in found.values():
        before = [entry.id for entry in _stored(some, stored)]
        now = arranged(before, demand, office.rules.menu_pins)
        places |= {menu.entry(one): place for place, one in enumerate(now)}
    async with office.db.write() as session:
        await menu.keep(session, places)


def _wanted(usage: Mapping[entrances.Key, entrances.Told]) -> Counter[str]:
    """Questions that matched an entry first and openings of its links, over all accounts."""
    wanted: Counter[str] = Counter()
    for (entry_id, _), (asked, _, opened, _) in usage.items():
        wanted[entry_id] += asked + opened
    return wanted


async def _offered(office: Office) -> Topics:
    async with office.db.read() as session:
        known = await entries.load(session)
    found: Topics = {}
    for entry in known:
        if entry.automatic and entry.valid_on(office.today()):
            found.setdefault(entry.topic or OTHER, []).append(entry)
    return found


def _bundles(office: Office) -> list[Entry]:
    """What several departments do together, in the order of its file."""
    found = (office.library.get(one) for one in office.library.bundles)
    return [one for one in found if one and one.automatic and one.valid_on(office.today())]


def _stored(some: Collection[Entry], stored: Mapping[str, int]) -> list[Entry]:
    """As they were arranged last; what is new since then comes last."""
    return sorted(some, key=lambda one: stored.get(menu.entry(one.id), len(stored)))


def _listed(found: Topics, stored: Mapping[str, int]) -> list[str]:
    """Topics as they were arranged last; new ones come last, the largest first."""
    last = len(stored)
    return sorted(found, key=lambda one: (stored.get(menu.topic(one), last), -len(found[one])))
