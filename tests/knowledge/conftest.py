from __future__ import annotations

import pytest

from knowledge.text import normalize, syllables, words


@pytest.fixture(scope="session", autouse=True)
def _warm() -> None:
    """Load the dictionaries once, outside the time limits of property tests."""
    normalize("预热")
    words("预热")
    syllables("预热")
