"""The address that the platform calls: it proves itself, and hands over what was said."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from handlers.wechat.door import WechatDoor

router = APIRouter()
PATH = "/wechat/callback"


async def _door(request: Request) -> WechatDoor:
    door: WechatDoor = request.app.state.wechat
    return door


Door = Annotated[WechatDoor, Depends(_door)]


@router.get(PATH)
async def prove(request: Request, door: Door) -> Response:
    return Response(door.echo(request.query_params), media_type="text/plain")


@router.post(PATH)
async def take(request: Request, door: Door) -> Response:
    fields = door.open(request.query_params, await request.body())
    return await door.answer(request, fields)
