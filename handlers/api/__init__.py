"""HTTP: health, metrics, webhooks, and the application that carries every web door."""

from __future__ import annotations

from handlers.api.app import build_app, close_streams
from handlers.api.ingest import IngestSite, Source
from handlers.api.system import Webhook

__all__ = ["IngestSite", "Source", "Webhook", "build_app", "close_streams"]
