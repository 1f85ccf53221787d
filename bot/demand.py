"""The order of a menu by measured demand: pinned items keep their places, others do not jump.

Pure. An item passes the one above it only when it is wanted clearly more; what merely wavers
around the same number never changes places twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

MARGIN = 0.25
"""By which part of the upper one's demand the lower one must be ahead."""
LEAST = 3.0
"""And by how many more, so that small numbers do not decide."""


def arranged(
    before: Sequence[str],
    demand: Mapping[str, float],
    pins: Sequence[str] = (),
    margin: float = MARGIN,
    least: float = LEAST,
) -> list[str]:
    """The items of ``before``, which is their present order, in their new one.

    ``pins`` come first, in their own order; those that are no items are passed over. An item
    without a demand has none.
    """
    known = dict.fromkeys(before)
    pinned = [one for one in dict.fromkeys(pins) if one in known]
    order: list[str] = []
    for item in known:
        if item not in pinned:
            order.insert(_place(order, item, demand, margin, least), item)
    return [*pinned, *order]


def _place(
    order: Sequence[str], item: str, demand: Mapping[str, float], margin: float, least: float
) -> int:
    """Where an item that stood below all of these belongs now."""
    own, place = demand.get(item, 0.0), len(order)
    while place and own > demand.get(order[place - 1], 0.0) * (1 + margin) + least:
        place -= 1
    return place
