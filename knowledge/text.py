"""One form for every text: folding, segmentation, pinyin, masking of personal data."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Any

MAX_ANALYSED = 2_000
_BLANKS = re.compile(r"\s+")


def normalize(text: str) -> str:
    """NFKC, simplified characters, lower case, no control characters, single blanks."""
    plain = _simplified(unicodedata.normalize("NFKC", text)).lower()
    kept = "".join(" " if c.isspace() else c for c in plain if _printable(c))
    return _BLANKS.sub(" ", unicodedata.normalize("NFKC", kept)).strip()


def _printable(char: str) -> bool:
    return char.isspace() or unicodedata.category(char)[0] != "C"


def _simplified(text: str) -> str:
    return str(_converter().convert(text)) if not text.isascii() else text


@lru_cache(maxsize=1)
def _converter() -> Any:
    from opencc import OpenCC

    return OpenCC("t2s")
