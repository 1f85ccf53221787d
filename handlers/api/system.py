"""What machines ask: health, metrics, and Telegram's webhook."""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from hmac import compare_digest
from typing import Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from prometheus_client import CONTENT_TYPE_LATEST, Gauge, generate_latest

from bot.desk import Library, Office
from handlers.errors import Refusal
from storage.db import Database
from storage.web_queries import Health, health

log = logging.getLogger(__name__)

ENTRIES = Gauge("wenban_knowledge_entries", "Knowledge entries in use")
WAITING = Gauge("wenban_cases_waiting", "Cases that wait for a person")
UNSENT = Gauge("wenban_deliveries_unsent", "Deliveries not sent yet")
UNCONFIRMED = Gauge(
    "wenban_deliveries_unconfirmed", "Deliveries handed over to be posted and not confirmed yet"
)


@dataclass(frozen=True, slots=True)
class Webhook:
    """Telegram's updates: the secret its requests carry, and who takes an update."""

    secret: str
    handle: Callable[[dict[str, Any]], Awaitable[None]]


def system_router(office: Office, webhook: Webhook | None) -> APIRouter:
    """Routes for ``/healthz``, ``/metrics`` and, with a webhook, ``/telegram/webhook``."""
    router, db = APIRouter(), office.db

    @router.get("/healthz")
    async def healthz() -> Response:
        figures = await _figures(db)
        if figures is None:
            return JSONResponse({"status": "error", "database": False}, 503)
        return JSONResponse(
            {
                "status": "ok",
                "database": True,
                "knowledge_entries": figures.entries,
                "waiting_cases": figures.waiting,
                "unsent_deliveries": figures.unsent,
                "unconfirmed_deliveries": figures.unconfirmed,
                **_semantic(office.library),
            }
        )

    @router.get("/metrics")
    async def metrics() -> Response:
        await _figures(db)
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    if webhook is not None:
        router.add_api_route("/telegram/webhook", _receiver(webhook), methods=["POST"])
    return router


async def _figures(db: Database) -> Health | None:
    """The counts, noted in the metrics; None when the database fails."""
    try:
        figures = await health(db)
    except Exception as error:  # any failure means the same to whoever asks
        log.error("health check failed: %s", type(error).__name__)
        return None
    ENTRIES.set(figures.entries)
    WAITING.set(figures.waiting)
    UNSENT.set(figures.unsent)
    UNCONFIRMED.set(figures.unconfirmed)
    return figures


def _semantic(library: Library) -> dict[str, Any]:
    """How far the vectors are, in a process that matches by them."""
    keeper = library.keeper
    if keeper is None:
        return {}
    return {"semantic": {"state": keeper.state, "missing_vectors": keeper.missing}}


def _receiver(webhook: Webhook) -> Callable[[Request], Awaitable[Response]]:
    async def receive(request: Request) -> Response:
        given = request.headers.get("x-telegram-bot-api-secret-token", "")
        if not compare_digest(given.encode(), webhook.secret.encode()):
            raise Refusal(403, "推送校验口令不对，请核对两边的设置。")
        try:
            update = json.loads(await request.body())
        except ValueError:
            update = None
        if not isinstance(update, dict):
            raise Refusal(400, "推送的内容不是 JSON 对象。")
        await webhook.handle(update)
        return JSONResponse({})

    return receive
