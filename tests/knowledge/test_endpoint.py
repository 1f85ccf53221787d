"""A site's own model over HTTP: what it finds, and every way in which it can fail."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from knowledge.catalog import Entry
from knowledge.matcher import Decision, Matcher
from knowledge.semantic import Endpoint, SemanticError, open_embedder
from knowledge.vectors import Meaning, VectorCache
from tests.embeddings import KEY, EmbeddingServer, embedding_server, letters, rows

TODAY = date(2026, 11, 20)
ENTRIES = (
    Entry("lost", "居民身份证丢失补领", "到派出所补领。", ("身份证丢了怎么办",), automatic=True),
    Entry("noise", "工地夜间施工噪声怎么反映", "请拨打热线。", automatic=True),
    Entry("dog", "养犬登记在哪里办", "到派出所办理。", automatic=True),
)


@pytest.fixture
def server() -> Iterator[EmbeddingServer]:
    with embedding_server() as server:
        yield server


def opened(server: EmbeddingServer) -> Endpoint:
    return Endpoint(server.url, "letters", KEY, patience=0.3, hurry=0.3)


def test_its_vectors_are_brought_to_scale(server: EmbeddingServer) -> None:
    embedder = open_embedder("endpoint", f"{server.url}/", "letters", KEY)
    assert isinstance(embedder, Endpoint)
    assert (embedder.dimension, embedder.measured) == (64, False)
    assert -1 < embedder.unrelated < 1
    found = embedder.embed_queries(["养犬登记", *["工地"] * 69])
    assert found.shape == (70, 64)
    assert found[0] @ found[1] < found[1] @ found[2]
    assert embedder.embed_passages([]).shape == (0, 64)
    assert max(map(len, server.asked)) == embedder.batch


def test_words_serve_while_it_fails_and_meaning_when_it_is_back(
    server: EmbeddingServer, caplog: pytest.LogCaptureFixture
) -> None:
    meaning = Meaning(opened(server))
    matcher = Matcher(ENTRIES, meaning=meaning)
    meaning.fill()
    assert matcher.match("身份证丢了怎么办", TODAY).decision is Decision.ANSWER
    assert matcher.match("给狗上牌", TODAY).candidates[0].entry.id == "dog"
    server.status = 500
    asked = len(server.asked)
    for _ in range(3):
        assert matcher.match("养犬去哪登记", TODAY).candidates[0].entry.id == "dog"
        assert matcher.match("小狗上牌", TODAY).decision is not Decision.ANSWER
    assert len(server.asked) == asked + 1
    assert caplog.text.count("只按字词匹配") == 1
    with pytest.raises(SemanticError, match="500"):
        meaning.retry()
    server.status = 200
    meaning.retry()
    assert matcher.match("给小狗上牌", TODAY).candidates[0].entry.id == "dog"


def test_what_it_finds_is_not_answered_without_a_person(server: EmbeddingServer) -> None:
    meaning = Meaning(opened(server))
    matcher = Matcher(ENTRIES, meaning=meaning)
    meaning.fill()
    found = matcher.match("狗上牌在哪里办", TODAY)
    assert found.candidates[0].entry.id == "dog"
    assert found.decision is not Decision.ANSWER


def test_a_wrong_key_is_named(server: EmbeddingServer) -> None:
    with pytest.raises(SemanticError, match="401"):
        Endpoint(server.url, "letters", "wrong")


def test_silence_is_waited_for_no_longer_than_allowed(server: EmbeddingServer) -> None:
    embedder = opened(server)
    server.free.clear()
    with pytest.raises(SemanticError, match="没有正常应答"):
        embedder.embed_queries(["养犬"])


def test_a_server_that_is_gone_is_named() -> None:
    with embedding_server() as server:
        embedder = opened(server)
    with pytest.raises(SemanticError, match="没有正常应答"):
        embedder.embed_passages(["养犬"])


SHORT: list[dict[str, Any]] = [{"index": 0, "embedding": [1.0, 2.0]}]
GARBLED: list[object] = [
    [],
    {},
    {"data": None},
    {"data": ["a"]},
    {"data": rows(["甲", "乙"])},
    {"data": SHORT},
    {"data": [{"index": 0, "embedding": []}]},
    {"data": [{"index": 0, "embedding": ["a"] * 64}]},
    {"data": [{"index": 0, "embedding": [1e300] * 64}]},
    {"data": [{"index": 0, "embedding": [float("nan")] * 64}]},
    {"data": [{"index": 0, "embedding": [[1.0]] * 64}]},
    {"data": [{"embedding": letters("甲")}]},
]


@pytest.mark.parametrize("value", GARBLED, ids=lambda value: json.dumps(value)[:40])
def test_a_wrong_shape_is_refused(server: EmbeddingServer, value: object) -> None:
    embedder = opened(server)
    server.reply = json.dumps(value).encode()
    with pytest.raises(SemanticError, match="请检查"):
        embedder.embed_queries(["养犬"])


@pytest.mark.parametrize("reply", [b"<html>", b"\xff\xfe", b"[" * 100_000, b"{}" * 3])
def test_what_is_not_json_is_refused(server: EmbeddingServer, reply: bytes) -> None:
    embedder = opened(server)
    server.reply = reply
    with pytest.raises(SemanticError, match="没有正常应答"):
        embedder.embed_queries(["养犬"])


def test_a_model_that_tells_nothing_apart_is_refused(server: EmbeddingServer) -> None:
    same = [{"index": number, "embedding": [1.0, 2.0]} for number in range(8)]
    server.reply = json.dumps({"data": same}).encode()
    with pytest.raises(SemanticError, match="分不清"):
        opened(server)


def test_a_failure_keeps_what_was_computed(server: EmbeddingServer) -> None:
    cache = VectorCache()
    embedder = opened(server)
    embedder.batch = 2
    meaning = Meaning(embedder, cache)
    Matcher(ENTRIES, meaning=meaning)

    def fail(done: int, total: int) -> None:
        server.status = 503

    with pytest.raises(SemanticError, match="503"):
        meaning.fill(fail)
    assert meaning.missing == meaning.total - 2
    server.status = 200
    meaning.fill()
    assert meaning.missing == 0


def test_vectors_of_another_length_are_computed_anew(server: EmbeddingServer) -> None:
    cache = VectorCache()
    embedder = opened(server)
    cache.put(embedder.name, ["养犬登记在哪里办"], embedder.embed_passages(["养犬"])[:, :10])
    meaning = Meaning(embedder, cache)
    meaning.put(replace(ENTRIES[2], similar=()))
    assert meaning.missing == 2
    meaning.fill()
    assert meaning.missing == 0
