"""Vectors of the entries' wordings and answers, kept on disk by content and searched exactly."""

from __future__ import annotations

import hashlib
import logging
import random
import sqlite3
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from knowledge.catalog import Entry
from knowledge.semantic import Embedder, SemanticError, readable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from knowledge.semantic import Vectors

    Vector = NDArray[np.float32]

log = logging.getLogger(__name__)
EXHAUSTIVE = 100_000
"""Wordings up to which every vector is compared; above, only those that the words found."""
_RECENT = 512
_PROBE = "身份证丢了怎么办"
Progress = Callable[[int, int], None]


class VectorCache:
    """Vectors by embedder and content in one SQLite file, or in memory without a folder.

    Several processes may share the folder. A damaged file is set aside and begun anew: it holds
    nothing that cannot be computed again. Where the disk fails later, vectors stay in memory.
    Raises SemanticError for a folder that cannot be used.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, bytes] = {}
        self._db = None if folder is None else self._open(folder)

    def _open(self, folder: Path) -> sqlite3.Connection:
        path = folder / "vectors.sqlite"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            return self._prepared(path)
        except (OSError, sqlite3.OperationalError) as error:
            raise SemanticError(f"向量存放处“{folder}”无法读写，请检查路径和权限。") from error
        except sqlite3.DatabaseError:
            path.replace(path.with_suffix(".unreadable"))
            return self._prepared(path)

    @staticmethod
    def _prepared(path: Path) -> sqlite3.Connection:
        db = sqlite3.connect(path, timeout=30, check_same_thread=False)
        try:
            db.execute("PRAGMA journal_mode=WAL")
            db.execute("PRAGMA synchronous=NORMAL")  # a power cut may cost the latest vectors
            db.execute("CREATE TABLE IF NOT EXISTS vectors (key TEXT PRIMARY KEY, half BLOB)")
        except sqlite3.DatabaseError:
            db.close()
            raise
        return db

    def get(self, name: str, text: str) -> Vector | None:
        import numpy as np

        with self._lock:
            half = self._find(_key(name, text))
        return None if half is None else np.frombuffer(half, np.float16).astype(np.float32)

    def _find(self, key: str) -> bytes | None:
        if self._db is not None:
            try:
                found = self._db.execute("SELECT half FROM vectors WHERE key = ?", (key,))
                return next((bytes(row[0]) for row in found), None)
            except sqlite3.Error as error:
                self._leave_disk(error)
        return self._kept.get(key)

    def put(self, name: str, texts: Sequence[str], vectors: Iterable[Vector]) -> None:
        import numpy as np

        rows = [
            (_key(name, text), np.asarray(vector, np.float16).tobytes())
            for text, vector in zip(texts, vectors, strict=True)
        ]
        with self._lock:
            if self._db is not None:
                try:
                    with self._db:
                        self._db.executemany("INSERT OR REPLACE INTO vectors VALUES (?, ?)", rows)
                    return
                except sqlite3.Error as error:
                    self._leave_disk(error)
            self._kept.update(rows)

    def _leave_disk(self, error: sqlite3.Error) -> None:
        log.warning("向量存放处读写失败（%s），先放在内存里；请检查磁盘，重启后补算。", error)
        if self._db is not None:
            self._db.close()
        self._db = None

    def close(self) -> None:
        """Close the file; the cache is not to be used any more."""
        with self._lock:
            if self._db is not None:
                self._db.close()


def _key(name: str, text: str) -> str:
    return hashlib.sha256(f"{name}\0{text}".encode(errors="replace")).hexdigest()


class _Matrix:
    """Rows of one length that come and go."""

    def __init__(self, dimension: int) -> None:
        import numpy as np

        self.rows = np.zeros((64, dimension), np.float32)
        self.owners: list[str | None] = []
        self._free: list[int] = []

    def add(self, owner: str, vector: Vector) -> int:
        import numpy as np

        place = self._free.pop() if self._free else len(self.owners)
        if place == len(self.rows):
            self.rows = np.vstack([self.rows, np.zeros_like(self.rows)])
        self.owners[place : place + 1] = [owner]
        self.rows[place] = vector
        return place

    def remove(self, place: int) -> None:
        self.rows[place] = 0
        self.owners[place] = None
        self._free.append(place)

    def best(self, vector: Vector, limit: int) -> Iterator[str]:
        """Owners of the rows nearest to a vector, nearest first, each once."""
        import numpy as np

        scores = self.rows[: len(self.owners)] @ vector
        count = min(len(scores), 8 * limit)
        places = np.argpartition(-scores, count - 1)[:count] if count else np.zeros(0, int)
        ordered = places[np.argsort(-scores[places], kind="stable")]
        owners = [owner for place in ordered if (owner := self.owners[place]) is not None]
        yield from list(dict.fromkeys(owners))[:limit]


@dataclass(slots=True)
class _Places:
    """Where an entry's vectors are; what is wanted of it and not there yet is `missing`."""

    wordings: dict[str, int | None]
    answer_text: str
    answer: int | None = None


class Meaning:
    """Vectors of a knowledge base. `put` is quick; `fill` computes what is missing.

    Safe for several threads: no lock is held while the model computes or the cache is read.
    Once a query could not be embedded, `failing` says why, and the next ones are refused at once
    until `retry` succeeds.
    """

    def __init__(self, embedder: Embedder, cache: VectorCache | None = None) -> None:
        self.embedder = embedder
        self.failing = ""
        self._cache = cache or VectorCache()
        self._lock = threading.RLock()
        self._wordings = _Matrix(embedder.dimension)
        self._answers = _Matrix(embedder.dimension)
        self._places: dict[str, _Places] = {}
        self._missing: tuple[dict[tuple[str, str], None], ...] = ({}, {})
        self._recent: OrderedDict[str, Vector] = OrderedDict()

    def put(self, entry: Entry) -> None:
        """Take the entry's vectors from the cache and note those that are missing."""
        answer = readable(entry.answer)
        wordings = dict.fromkeys(map(readable, entry.wordings))
        known = {text: self._cached(text) for text in (*wordings, answer)}
        with self._lock:
            self.remove(entry.id)
            self._places[entry.id] = _Places(dict.fromkeys(wordings), answer)
            for kind, texts in enumerate((wordings, (answer,))):
                for text in texts:
                    self._missing[kind][entry.id, text] = None
                    self._take(kind, (entry.id, text), known[text])

    def _cached(self, text: str) -> Vector | None:
        vector = self._cache.get(self.embedder.name, text)
        return vector if vector is not None and len(vector) == self.embedder.dimension else None

    def remove(self, entry_id: str) -> None:
        """Forget the entry; an unknown id is no error."""
        with self._lock:
            places = self._places.pop(entry_id, None)
            if places is None:
                return
            for text, place in places.wordings.items():
                self._missing[0].pop((entry_id, text), None)
                if place is not None:
                    self._wordings.remove(place)
            self._missing[1].pop((entry_id, places.answer_text), None)
            if places.answer is not None:
                self._answers.remove(places.answer)

    def _take(self, kind: int, key: tuple[str, str], vector: Vector | None) -> None:
        entry_id, text = key
        places = self._places.get(entry_id)
        if vector is None or places is None or key not in self._missing[kind]:
            return
        del self._missing[kind][key]
        if kind:
            places.answer = self._answers.add(entry_id, vector)
        else:
            places.wordings[text] = self._wordings.add(entry_id, vector)

    @property
    def missing(self) -> int:
        """How many texts still have no vector."""
        with self._lock:
            return sum(map(len, self._missing))

    @property
    def total(self) -> int:
        """How many texts there are, with a vector or without."""
        with self._lock:
            return sum(len(places.wordings) + 1 for places in self._places.values())

    def fill(self, progress: Progress | None = None, stop: threading.Event | None = None) -> None:
        """Compute what is missing, wordings before answers. `progress` gets done and total.

        Processes that share a cache share the work. Ends early, after a batch, when `stop` is
        set. Raises SemanticError; what was computed before is kept.
        """
        done = 0
        while not (stop and stop.is_set()) and (batch := self._next()):
            kind, keys = batch
            vectors = self._compute(list(dict.fromkeys(text for _, text in keys)))
            with self._lock:
                for key in keys:
                    self._take(kind, key, vectors[key[1]])
            done += len(keys)
            if progress:
                progress(done, done + self.missing)

    def _next(self) -> tuple[int, list[tuple[str, str]]] | None:
        """Some that are missing, from anywhere: another process is then not at the same ones."""
        size = self.embedder.batch
        with self._lock:
            for kind, missing in enumerate(self._missing):
                if missing:
                    start = random.randrange(0, len(missing), size)  # noqa: S311
                    return kind, list(islice(missing, start, start + size))
        return None

    def _compute(self, texts: Sequence[str]) -> dict[str, Vector]:
        """From the cache, where another process may have put them meanwhile, or by the model."""
        unknown = [text for text in texts if self._cached(text) is None]
        if unknown:
            computed = self._embed(self.embedder.embed_passages, unknown)
            self._cache.put(self.embedder.name, unknown, computed)
        found = ((text, self._cached(text)) for text in texts)
        return {text: vector for text, vector in found if vector is not None}

    def vector(self, text: str) -> Vector:
        """The vector of a query; the latest ones are remembered. Raises SemanticError."""
        wanted = readable(text)
        with self._lock:
            known = self._recent.pop(wanted, None)
        vector = self._ask(wanted) if known is None else known
        with self._lock:
            self._recent[wanted] = vector
            if len(self._recent) > _RECENT:
                self._recent.popitem(last=False)
        return vector

    def likeness(self, query: str, passage: str) -> float:
        """Cosine of a query and a passage that need not be an entry's. Raises SemanticError."""
        told = self._embed(self.embedder.embed_passages, [passage])[0]
        return float(self.vector(query) @ told)

    def _ask(self, text: str) -> Vector:
        if self.failing:
            raise SemanticError(self.failing)
        try:
            vector: Vector = self._embed(self.embedder.embed_queries, [text])[0]
        except SemanticError as error:
            self.fail(str(error))
            raise
        return vector

    def fail(self, reason: str) -> None:
        """Embed no more queries until `retry` succeeds."""
        if not self.failing:
            log.warning("%s 暂时只按字词匹配。", reason)
        self.failing = reason

    def retry(self) -> None:
        """Find out whether queries can be embedded again. Raises SemanticError."""
        self._embed(self.embedder.embed_queries, [_PROBE])
        self.failing = ""

    @staticmethod
    def _embed(embed: Callable[[Sequence[str]], Vectors], texts: Sequence[str]) -> Vectors:
        try:
            return embed(texts)
        except SemanticError:
            raise
        except Exception as error:  # a model raises what it likes
            raise SemanticError(f"语义模型出错（{type(error).__name__}: {error}）。") from error

    def nearest(self, vector: Vector, wordings: int, answers: int) -> list[str]:
        """Ids of the entries whose wordings or answers are nearest to a vector."""
        with self._lock:
            if len(self._wordings.owners) > EXHAUSTIVE:
                return []
            found = [*self._wordings.best(vector, wordings), *self._answers.best(vector, answers)]
        return list(dict.fromkeys(found))

    def wordings_near(self, vector: Vector, entry_id: str) -> dict[str, float] | None:
        """Scaled cosine for each readable wording of an entry; None if one has no vector yet."""
        with self._lock:
            places = self._places.get(entry_id)
            rows = list(places.wordings.values()) if places else [None]
            known = [row for row in rows if row is not None]
            if places is None or len(known) < len(rows):
                return None
            scores = self._scaled(self._wordings.rows[known] @ vector)
            return dict(zip(places.wordings, scores, strict=True))

    def answer_near(self, vector: Vector, entry_id: str) -> float | None:
        """Scaled cosine of the entry's answer; None without a vector."""
        with self._lock:
            places = self._places.get(entry_id)
            if places is None or places.answer is None:
                return None
            return self._scaled(self._answers.rows[[places.answer]] @ vector)[0]

    def _scaled(self, cosines: Vector) -> list[float]:
        """0 for texts that have nothing in common, 5 for the same text, in any model."""
        low = self.embedder.unrelated
        return [5.0 * (one - low) / (1.0 - low) for one in cosines.tolist()]
