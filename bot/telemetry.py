"""Structured logs without personal data, and Prometheus metrics."""

from __future__ import annotations

import logging
import sys
from typing import Any

import structlog
from prometheus_client import Counter, Gauge, Histogram

MESSAGES = Counter("wenban_messages_total", "Citizen messages received", ["account", "kind"])
DECISIONS = Counter("wenban_decisions_total", "Decisions of the desk", ["decision"])
MATCHES = Counter(
    "wenban_matches_total",
    "Matches by way: meaning, words (no model), failing (model fails), slow (model too slow), "
    "crowded (too many wait)",
    ["way"],
)
VECTORS_MISSING = Gauge("wenban_vectors_missing", "Texts of the knowledge base without a vector")
DELIVERIES = Counter("wenban_deliveries_total", "Deliveries by outcome", ["purpose", "outcome"])
ANSWER_SECONDS = Histogram(
    "wenban_answer_seconds",
    "Seconds from the citizen's message to the confirmed automatic answer",
    buckets=(0.25, 0.5, 1, 2, 3, 5, 10, 30, 60, 300),
)

# Fields under which a message text or a person could slip into a log by mistake.
_PRIVATE = {"text", "name", "phone", "display_name", "payload", "update", "message", "token"}


def configure(level: str, form: str) -> None:
    """Send structlog and the standard library's logs to stderr in one form."""
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="%H:%M:%S" if form == "text" else "iso", utc=False),
        _drop_private,
    ]
    final: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())
    )
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, final]
        if form == "json"
        else [*shared, final],
        wrapper_class=structlog.make_filtering_bound_logger(logging.getLevelName(level)),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    logging.basicConfig(
        level=logging.WARNING,
        stream=sys.stderr,
        format="%(levelname)s %(name)s %(message)s",
        force=True,
    )
    for noisy in ("aiogram", "apscheduler", "uvicorn", "httpx", "jieba", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.ERROR)


def _drop_private(_logger: Any, _method: str, event: Any) -> Any:
    for key in _PRIVATE & set(event):
        event[key] = "（已隐去）"
    return event
