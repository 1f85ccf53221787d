"""Kaplan–Meier percentiles: waiting that has not ended counts as waiting, not as nothing."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bot.assessment.timeline import Flags

_CLOSE = 1e-9


def percentiles(
    ordered: NDArray[np.float64], ended: Flags, shares: Sequence[float]
) -> list[float | None]:
    """Percentiles of times in rising order; None for one that is not reached.

    A time that has not ended counts as at risk up to and including its own length; at the same
    time it must stand after those that have. Without such times this is the smallest time by
    which the share has ended.
    """
    places = np.flatnonzero(ended)
    left = len(ordered) - places
    done = 1 - np.cumprod((left - 1) / left)
    found = np.searchsorted(done, np.array(shares) - _CLOSE, side="right")
    moments = ordered[places]
    return [float(moments[place]) if place < len(moments) else None for place in found]
