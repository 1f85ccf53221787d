"""The citizen's page: each route parses, makes one call to the desk, and renders."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field

from bot.channels.base import Attachment
from bot.desk import DeskError, Inbound
from bot.desk.wording import answer_text
from handlers.errors import Refusal
from handlers.press import act
from handlers.webchat.door import Visitor, WebDoor, check_origin
from handlers.webchat.lines import render
from handlers.webchat.stream import Event, EventStream
from storage.web_queries import Cursor, conversation

router = APIRouter()
_CURSOR = re.compile(r"(\d{1,9})(?:\.(\d{1,9}))?", re.ASCII)
_TICK = re.compile(r"c:tick:(?P<case>\d{1,9}):(?P<step>[0-9a-f]{12}[+-])", re.ASCII)
_ASK_AGAIN = "请到在线咨询里再问一次，会给您现在的答复；也可以拨打 12345。"
_NOBODY = "请先发一条消息，再点按钮。"


async def _door(request: Request) -> WebDoor:
    door: WebDoor = request.app.state.webchat
    return door


Door = Annotated[WebDoor, Depends(_door)]


async def _own_page(request: Request, door: Door) -> None:
    check_origin(request, door.site.public_url)


async def _visitor(request: Request, door: Door) -> Visitor | None:
    return door.visitor(request)


Known = Annotated[Visitor | None, Depends(_visitor)]


class NewMessage(BaseModel):
    """``id`` is made by the page, so that sending again never says a thing twice."""

    id: UUID
    text: str


class Press(BaseModel):
    action: str


class Comment(BaseModel):
    case: int = Field(ge=1, le=999_999_999)
    text: str


class Erasure(BaseModel):
    confirm: bool


@router.get("/")
async def page(request: Request, door: Door) -> Response:
    return door.page.index(request.headers.get("accept-encoding", ""))


@router.get("/a/{account}/{entry_id}")
async def answer(account: str, entry_id: str, door: Door) -> Response:
    """An approved answer that was cut elsewhere."""
    try:
        entry, rows = door.desk.entrances.page(account, entry_id)
    except DeskError as error:
        return door.page.answer(str(error), _ASK_AGAIN, status=404)
    links = [one for row in rows for one in row]
    return door.page.answer(entry.question, answer_text(entry), links)


@router.get("/widget.js")
async def widget(request: Request, door: Door) -> Response:
    return door.page.widget(request.headers.get("accept-encoding", ""))


@router.get("/chat/static/{name}")
async def static(name: str, request: Request, door: Door) -> Response:
    asset = door.page.asset(name, request.headers.get("accept-encoding", ""))
    if asset is None:
        raise Refusal(404, "没有这个文件，请刷新页面。")
    return asset


@router.post("/chat/visitor", dependencies=[Depends(_own_page)])
async def introduce(request: Request, response: Response, door: Door, visitor: Known) -> Any:
    """Give a stranger a cookie before the first message, so that a retry is the same person."""
    if visitor is None:
        door.keep(response, await door.admit(request))
    return {"known": True}


@router.post("/chat/messages", dependencies=[Depends(_own_page)])
async def write(body: NewMessage, request: Request, response: Response, door: Door) -> Any:
    text = door.check_text(body.text)
    visitor = await door.admit(request)
    receipt = await door.desk.intake.receive(_inbound(door, visitor, body.id, text))
    door.keep(response, visitor)
    door.desk.office.notify(_topic(door, visitor))
    return {"id": str(body.id), "case": receipt.case_id, "duplicate": receipt.duplicate}


@router.post("/chat/files")
async def send_file(
    request: Request,
    response: Response,
    door: Door,
    identity: Annotated[UUID, Query(alias="id")],
    name: str = "",
) -> Any:
    """One file as the request's body; ``id`` as with messages."""
    check_origin(request, door.site.public_url, "application/octet-stream")
    visitor = await door.admit(request)
    await door.limit_files(request, visitor)
    held = await door.desk.files.keep(name[:200], await request.body())
    receipt = await door.desk.intake.receive(_inbound(door, visitor, identity, "", (held,)))
    if receipt.duplicate:
        await door.desk.files.drop(held)
    door.keep(response, visitor)
    door.desk.office.notify(_topic(door, visitor))
    return {"id": str(identity), "case": receipt.case_id, "duplicate": receipt.duplicate}


@router.post("/chat/actions", dependencies=[Depends(_own_page)])
async def press(body: Press, door: Door, visitor: Known) -> Any:
    if visitor is None:
        raise Refusal(403, _NOBODY)
    await door.limit_actions(visitor)
    if tick := _TICK.fullmatch(body.action):
        account, case_id = door.site.account, int(tick["case"])
        ticked = await door.desk.bundles.tick(account, visitor.id, case_id, tick["step"])
        return {"text": ticked.text}
    said = act(door.desk, door.site.account, visitor.id, body.action)
    if said is None:
        raise Refusal(400, "这个按钮已经失效，请刷新页面。")
    return {"text": await said}


@router.post("/chat/comments", dependencies=[Depends(_own_page)])
async def comment(body: Comment, door: Door, visitor: Known) -> Any:
    """What a visitor says of their grade."""
    if visitor is None:
        raise Refusal(403, _NOBODY)
    text = door.check_text(body.text)
    await door.limit_actions(visitor)
    satisfaction, account = door.desk.satisfaction, door.site.account
    return {"text": await satisfaction.comment(account, visitor.id, body.case, text)}


@router.get("/chat/history")
async def history(response: Response, door: Door, visitor: Known) -> Any:
    response.headers["cache-control"] = "no-store"
    if visitor is None:
        return {"known": False, "lines": [], "cursor": "0.0", "busy": False, "waiting": False}
    talk = await conversation(door.desk.office.db, door.site.account, visitor.id)
    lines = [render(line) for line in talk.lines]
    cursor = lines[-1]["cursor"] if lines else "0.0"
    state = {"busy": talk.busy, "waiting": talk.waiting}
    return {"known": True, "lines": lines, "cursor": cursor, **state}


@router.get("/chat/events")
async def events(request: Request, door: Door, visitor: Known, after: str = "") -> Response:
    if visitor is None:
        return Response(status_code=204)  # tells the browser not to come back by itself
    if door.streams.full(visitor.id):
        raise Refusal(503, "同时打开的页面太多，请关掉几个。", {"retry-after": "5"})
    cursor = _cursor(request.headers.get("last-event-id") or after)

    async def fetch() -> list[Event]:
        nonlocal cursor
        db, account = door.desk.office.db, door.site.account
        lines = (await conversation(db, account, visitor.id, cursor)).lines
        cursor = lines[-1].cursor if lines else cursor
        shown = [render(line) for line in lines]
        return [(line["cursor"], line) for line in shown]

    return EventStream(door.streams, visitor.id, _topic(door, visitor), fetch)


@router.get("/chat/menu")
async def menu(door: Door) -> Any:
    topics = await door.desk.citizens.menu()
    return {"topics": [{"title": title, "questions": questions} for title, questions in topics]}


@router.get("/chat/mine")
async def mine(response: Response, door: Door, visitor: Known) -> Any:
    response.headers["cache-control"] = "no-store"
    if visitor is None:
        return {"text": "您还没有提过诉求。"}
    return {"text": await door.desk.citizens.cases(door.site.account, visitor.id)}


@router.get("/chat/mydata")
async def mydata(response: Response, door: Door, visitor: Known) -> Any:
    response.headers["cache-control"] = "no-store"
    if visitor is None:
        return {"text": "我们没有保存您的任何信息。", "stored": False}
    text = await door.desk.citizens.stored(door.site.account, visitor.id)
    return {"text": text, "stored": True}


@router.post("/chat/erase", dependencies=[Depends(_own_page)])
async def erase(body: Erasure, door: Door, visitor: Known) -> Response:
    if not body.confirm:
        raise Refusal(400, "要删除，请先确认。")
    if visitor is None:
        return JSONResponse({"text": "我们没有保存您的任何信息。"})
    text = await door.desk.citizens.erase(door.site.account, visitor.id)
    response = JSONResponse({"text": text})
    door.forget(response)
    return response


def _inbound(
    door: WebDoor, visitor: Visitor, identity: UUID, text: str, held: tuple[Attachment, ...] = ()
) -> Inbound:
    return Inbound(
        account=door.site.account,
        citizen=visitor.id,
        name=f"网页访客 {visitor.id[:4]}",
        kind="direct",
        place=visitor.id,
        thread=visitor.id,
        external_id=f"{visitor.id}:{identity}",
        text=text,
        sent_at=datetime.now(UTC),
        attachments=held,
    )


def _topic(door: WebDoor, visitor: Visitor) -> str:
    return f"place:{door.site.account}:{visitor.id}"


def _cursor(text: str) -> Cursor:
    """``delivery.message``; from the beginning when it is not one of ours."""
    match = _CURSOR.fullmatch(text)
    return Cursor(int(match[1]), int(match[2] or 0)) if match else Cursor()
