"""One form for every text: folding, segmentation, pinyin."""

from __future__ import annotations

import atexit
import logging
import os
import re
import shutil
import stat
import tempfile
import threading
import unicodedata
import warnings
from collections.abc import Iterable
from functools import lru_cache
from importlib import resources
from pathlib import Path
from typing import Any

from knowledge.masking import mask

__all__ = [
    "MAX_ANALYSED",
    "data_lines",
    "mask",
    "matter",
    "normalize",
    "segmenter",
    "stop_words",
    "syllables",
    "syllables_of",
    "words",
    "words_of",
]

MAX_ANALYSED = 1_000
"""Characters that segmentation and pinyin look at; the rest of a longer text is left out."""

_BLANKS = re.compile(r"\s+")
_OWN_NUMBER = re.compile(r"(?:(?:联系|手机|我的)?电话|手机号?|身份证号)?[:是]?\d{7,}[\dx]*")
_HAN = re.compile(r"[\u3400-\u9fff]+")
_lock = threading.Lock()


@lru_cache(maxsize=1024)
def normalize(text: str) -> str:
    """NFKC, simplified characters, lower case, no control characters, single blanks."""
    previous, folded = text, _fold(text)
    for _ in range(4):
        if folded == previous:
            break
        previous, folded = folded, _fold(folded)
    return folded


@lru_cache(maxsize=1024)
def matter(folded: str) -> str:
    """A normalised text without greetings, thanks and numbers of people and papers.

    The text itself if nothing else is there.
    """
    left = _courtesies().sub(" ", _OWN_NUMBER.sub(" ", folded))
    return left if any(char.isalnum() for char in left) else folded


@lru_cache(maxsize=1)
def _courtesies() -> re.Pattern[str]:
    """Phrases at the beginning or the end of a text, or between punctuation marks."""
    phrases = sorted(data_lines("politeness.txt"), key=len, reverse=True)
    some = f"(?:{'|'.join(map(re.escape, phrases))})"
    edge = r"[\s，。！？!?,.;；:：~…、]"
    return re.compile(
        f"^(?:{some}{edge}*)+|(?:(?<={edge}){some}{edge}*)+$|(?<={edge}){some}(?={edge})"
    )


def words(text: str) -> list[str]:
    """The words of a text in order, long ones followed into their parts; no punctuation."""
    return words_of(normalize(text[: 2 * MAX_ANALYSED])[:MAX_ANALYSED])


def words_of(folded: str, segmenter: Any = None) -> list[str]:
    """The words of a normalised text, cut by the general dictionary or a ``segmenter``."""
    cutting = segmenter or _segmenter()
    return [word for word in cutting.cut_for_search(folded) if _is_word(word)]


def segmenter(words: Iterable[str]) -> Any:
    """One that knows these normalised words too; the general one if it knows them all.

    Only texts in which such a word stands are cut otherwise than by the general one.
    """
    general = _segmenter()
    unknown = [word for word in sorted(set(words)) if general.lcut(word, HMM=False) != [word]]
    return _extended(general, unknown) if unknown else general


def _extended(general: Any, words: Iterable[str]) -> Any:
    import jieba

    own = jieba.Tokenizer()
    own.FREQ, own.total, own.initialized = general.FREQ.copy(), general.total, True
    for word in words:
        # Past `add_word`, which adds to `total` and thereby shifts what every text weighs.
        own.FREQ[word] = general.suggest_freq(word, tune=False)
        for end in range(1, len(word)):
            own.FREQ.setdefault(word[:end], 0)
    return own


def syllables(text: str) -> list[str]:
    """Pinyin without tones, one for each Chinese character; everything else is left out."""
    return syllables_of(normalize(text[: 2 * MAX_ANALYSED])[:MAX_ANALYSED])


def syllables_of(folded: str) -> list[str]:
    """Those of a normalised text."""
    return [_syllable(char) for run in _HAN.findall(folded) for char in run]


def data_lines(name: str) -> list[str]:
    """Lines of a file in knowledge/data, without comments and empty ones."""
    text = resources.files("knowledge").joinpath("data", name).read_text("utf-8")
    lines = (line.partition("#")[0].strip() for line in text.splitlines())
    return [line for line in lines if line]


@lru_cache(maxsize=1)
def stop_words() -> frozenset[str]:
    """Words that say nothing about what is asked."""
    return frozenset(word for line in data_lines("stopwords.txt") for word in line.split())


def _fold(text: str) -> str:
    kept = "".join(c for c in unicodedata.normalize("NFKC", text) if _printable(c))
    return _simplified(_BLANKS.sub(" ", kept.lower()).strip())


@lru_cache(maxsize=65_536)
def _printable(char: str) -> bool:
    return char.isspace() or unicodedata.category(char)[0] != "C"


def _simplified(text: str) -> str:
    return text if text.isascii() else str(_converter().convert(text))


def _is_word(word: str) -> bool:
    return any(char.isalnum() for char in word)


@lru_cache(maxsize=32_768)
def _syllable(char: str) -> str:
    from pypinyin import lazy_pinyin

    return str(lazy_pinyin(char)[0])


@lru_cache(maxsize=1)
def _converter() -> Any:
    from opencc import OpenCC

    return OpenCC("t2s")


def _segmenter() -> Any:
    with _lock:
        return _load_segmenter()


@lru_cache(maxsize=1)
def _load_segmenter() -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import jieba
    jieba.setLogLevel(logging.WARNING)
    jieba.dt.tmp_dir = str(_private_folder())
    jieba.dt.initialize()
    for line in data_lines("words.txt"):
        for word in line.split():
            jieba.dt.add_word(word)
    return jieba.dt


def _private_folder() -> Path:
    """Where jieba may keep its cache: it loads the file unchecked, so nobody else may write it."""
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    try:
        folder = Path(home).expanduser() / "wenban"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if _only_ours(folder.lstat()):
            return folder
    except (OSError, RuntimeError):
        pass
    temporary = Path(tempfile.mkdtemp(prefix="wenban-"))
    atexit.register(shutil.rmtree, temporary, ignore_errors=True)
    return temporary


def _only_ours(status: os.stat_result) -> bool:
    ours = not hasattr(os, "getuid") or status.st_uid == os.getuid()
    return stat.S_ISDIR(status.st_mode) and ours and not status.st_mode & 0o022
