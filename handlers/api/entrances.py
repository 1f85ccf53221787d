"""``/go/…``: the way from a button to a service, counted."""

from __future__ import annotations

import html

from fastapi import APIRouter, Request, Response
from fastapi.responses import HTMLResponse, RedirectResponse

from bot.desk import Desk, DeskError
from bot.desk.entrances import pressed_by
from handlers.origin import address

_PAGE = """<!doctype html>
<html lang="zh-CN"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex"><title>办事入口</title></head>
<body><h1>{title}</h1><p>请回到对话里再问一次，我们会给您最新的办事入口；也可以拨打 12345。</p>
<p><a href="/">去在线咨询</a></p></body></html>"""
_HEADERS = {"cache-control": "no-store", "x-robots-tag": "noindex, nofollow"}


def entrances_router(desk: Desk) -> APIRouter:
    """The route; it serves every account's links."""
    router = APIRouter()

    @router.api_route("/go/{token}", methods=["GET", "HEAD"])
    async def go(token: str, request: Request) -> Response:
        counted = request.method == "GET"
        who = pressed_by(request.headers, address(request)) if counted else ""
        try:
            url = await desk.entrances.follow(token, who)
        except DeskError as error:
            return HTMLResponse(_PAGE.format(title=html.escape(str(error))), 404, _HEADERS)
        return RedirectResponse(url, 302, _HEADERS)

    return router
