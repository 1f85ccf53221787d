"""接入接口: messages of platforms without a connector come in, their answers are fetched."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from hmac import compare_digest
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from fastapi.openapi.utils import get_openapi

from bot.channels.signing import KEY, SIGNATURE, TIMESTAMP, signature
from bot.desk import Desk
from bot.desk.ingesting import Outcome, Posted, Taken
from handlers.api.posts import (
    MAX_BATCH,
    Confirmation,
    Confirmed,
    Declining,
    Post,
    Replies,
    Result,
    Results,
    RowResult,
    Trouble,
    batch,
    check,
    content,
    explain_row,
)
from handlers.errors import TOO_LARGE, Refusal

MAX_ONE = 128 * 1024
MAX_BODY = 32 * 1024 * 1024
LARGER = {"/api/v1/sources/": MAX_BODY}
"""Where requests may be larger than elsewhere, in bytes; all but batches end at MAX_ONE."""
PAGE = 100
_LARGEST_ID = 2**31 - 1
_STRANGER = "来源、口令编号或签名不对，请核对 X-Wenban-Key 和签名的算法（docs/ingest.md）。"


@dataclass(frozen=True, slots=True)
class Source:
    """One account that may be written to over HTTP: its key, and whether answers are fetched."""

    key_id: str
    secret: str
    fetches: bool


@dataclass(frozen=True, slots=True)
class IngestSite:
    """The sources by name; how many undecided cases are too many; seconds a signature holds."""

    sources: Mapping[str, Source]
    max_waiting: int
    window: int


@dataclass(frozen=True, slots=True)
class _Call:
    """A request whose signature is right."""

    source: str
    fetches: bool
    body: bytes


@dataclass(frozen=True, slots=True)
class IngestDoor:
    """What the routes work with."""

    desk: Desk
    site: IngestSite


async def _door(request: Request) -> IngestDoor:
    door: IngestDoor = request.app.state.ingest
    return door


Door = Annotated[IngestDoor, Depends(_door)]


async def _signed(request: Request, source: str, door: Door) -> _Call:
    return await _check(request, door.site, source)


Signed = Annotated[_Call, Depends(_signed)]
ReplyId = Annotated[int, Path(ge=1, le=_LARGEST_ID, description="答复的 id")]

_TROUBLES: dict[int | str, dict[str, Any]] = {
    status: {"model": Trouble, "description": words}
    for status, words in {
        400: "内容不对，没有收下",
        401: "签名、口令编号或时间不对",
        409: "与已有的不符，见 error",
        413: "太大",
        503: "太忙，请等 Retry-After 秒再送",
    }.items()
}


def _takes(schema: dict[str, Any]) -> dict[str, Any]:
    """The body of a request, which is read only after its signature was checked."""
    return {
        "requestBody": {"required": True, "content": {"application/json": {"schema": schema}}},
        "security": [{"key": [], "timestamp": [], "signature": []}],
    }


def _batch_schema() -> dict[str, Any]:
    row = {**Post.model_json_schema(), "title": "一条"}
    rows = {"type": "array", "items": row, "minItems": 1, "maxItems": MAX_BATCH}
    return {
        "title": "一批",
        "type": "object",
        "properties": {"messages": rows},
        "required": ["messages"],
        "additionalProperties": False,
    }


router = APIRouter(prefix="/api/v1", responses=_TROUBLES)


@router.get("/openapi.json", include_in_schema=False)
async def openapi() -> dict[str, Any]:
    return _describe()


@router.post(
    "/sources/{source}/messages",
    summary="送一条消息",
    openapi_extra=_takes(Post.model_json_schema()),
)
async def take(door: Door, call: Signed) -> Result:
    post = check(Post, content(call.body))
    await _not_too_busy(door)
    (taken,) = await door.desk.ingesting.take([post.posted(call.source)])
    if taken.outcome is Outcome.REFUSED:
        raise Refusal(409, f"{taken.reason}。")
    return Result(status=taken.outcome.value, case=taken.case_id or 0)


@router.post(
    "/sources/{source}/messages:batch",
    summary=f"送一批消息，最多 {MAX_BATCH} 条",
    openapi_extra=_takes(_batch_schema()),
)
async def take_batch(door: Door, call: Signed) -> Results:
    rows = await asyncio.to_thread(batch, call.body)
    await _not_too_busy(door)
    posted, refused = await asyncio.to_thread(_sorted, rows, call.source)
    taken = await door.desk.ingesting.take(list(posted.values()))
    return _results(rows, dict(zip(posted, taken, strict=True)), refused)


@router.get("/sources/{source}/replies", summary="取要发布的答复")
async def replies(
    door: Door,
    call: Signed,
    after: Annotated[int, Query(ge=0, le=_LARGEST_ID, description="上一页最后一条的 id")] = 0,
) -> Replies:
    _must_fetch(call)
    found, more = await door.desk.handing.waiting(call.source, after, PAGE)
    return Replies.model_validate({"replies": found, "more": more})


@router.post(
    "/sources/{source}/replies/{reply}/confirm",
    summary="确认已经发布",
    openapi_extra=_takes(Confirmation.model_json_schema()),
)
async def confirm(door: Door, call: Signed, reply: ReplyId) -> Confirmed:
    _must_fetch(call)
    told = check(Confirmation, content(call.body))
    new = await door.desk.handing.confirm(call.source, reply, told.posted_at, told.external_id)
    return Confirmed(new=new)


@router.post(
    "/sources/{source}/replies/{reply}/decline",
    summary="告知发布不了",
    openapi_extra=_takes(Declining.model_json_schema()),
)
async def decline(door: Door, call: Signed, reply: ReplyId) -> Confirmed:
    _must_fetch(call)
    told = check(Declining, content(call.body))
    new = await door.desk.handing.decline(call.source, reply, told.reason, gone=told.gone)
    return Confirmed(new=new)


async def _check(request: Request, site: IngestSite, name: str) -> _Call:
    """Who calls. Raises Refusal; nothing of the body is read before the head is in order."""
    given = {header: request.headers.get(header, "") for header in (KEY, TIMESTAMP, SIGNATURE)}
    source = site.sources.get(name)
    if source is None or not compare_digest(given[KEY].encode(), source.key_id.encode()):
        raise Refusal(401, _STRANGER)
    if not re.fullmatch(r"\d{1,12}", given[TIMESTAMP], re.ASCII):
        raise Refusal(401, "没有签名的时间，请带上 X-Wenban-Timestamp（秒）。")
    apart = int(given[TIMESTAMP]) - int(time.time())
    if abs(apart) > site.window:
        raise Refusal(401, f"签名的时间与本机相差 {abs(apart)} 秒，请校准时钟后重新签名。")
    body = await _body(request)
    right = signature(source.secret, given[TIMESTAMP], request.method, _target(request), body)
    if not compare_digest(right.encode(), given[SIGNATURE].lower().encode()):
        raise Refusal(401, _STRANGER)
    return _Call(name, source.fetches, body)


async def _body(request: Request) -> bytes:
    """All of it; Refusal where only a small one is expected."""
    largest = MAX_BODY if request.url.path.endswith(":batch") else MAX_ONE
    parts, size = [], 0
    async for part in request.stream():
        size += len(part)
        if size > largest:
            raise Refusal(413, TOO_LARGE, {"connection": "close"})
        parts.append(part)
    return b"".join(parts)


def _target(request: Request) -> str:
    """The path with its query as it was sent."""
    path: bytes = request.scope.get("raw_path") or request.scope["path"].encode()
    query: bytes = request.scope["query_string"]
    return (path.partition(b"?")[0] + (b"?" + query if query else b"")).decode("latin-1")


async def _not_too_busy(door: IngestDoor) -> None:
    seconds = await door.desk.ingesting.busy(door.site.max_waiting)
    if seconds:
        words = f"等着研判的太多，请 {seconds} 秒后再送，重送不会重复。"
        raise Refusal(503, words, {"retry-after": str(seconds)})


def _must_fetch(call: _Call) -> None:
    if not call.fetches:
        raise Refusal(409, "这个来源的答复不是来取的，请核对设置项 delivery。")


def _sorted(rows: list[Any], source: str) -> tuple[dict[int, Posted], dict[int, str]]:
    """What can be stored and why the rest cannot, each by its place."""
    posted: dict[int, Posted] = {}
    refused: dict[int, str] = {}
    for index, row in enumerate(rows):
        found = explain_row(row, source)
        if isinstance(found, str):
            refused[index] = found
        else:
            posted[index] = found
    return posted, refused


def _results(rows: list[Any], taken: Mapping[int, Taken], refused: Mapping[int, str]) -> Results:
    found = []
    for index, row in enumerate(rows):
        name = row.get("external_id") if isinstance(row, dict) else ""
        one = taken.get(index) or Taken(Outcome.REFUSED, reason=refused.get(index, ""))
        found.append(
            RowResult(
                index=index,
                external_id=name.encode("utf-8", "replace").decode()[:128]
                if isinstance(name, str)
                else "",
                status=one.outcome.value,
                case=one.case_id,
                error=one.reason or None,
            )
        )
    bad = sum(one.status == "refused" for one in found)
    return Results(taken=len(found) - bad, refused=bad, results=found)


@cache
def _describe() -> dict[str, Any]:
    described = get_openapi(
        title="问办接入接口",
        version="1",
        description="签名的算法、重送、限流的说明见 docs/ingest.md。",
        routes=router.routes,
    )
    for path in described["paths"].values():
        for operation in path.values():
            operation["responses"].pop("422", None)
            operation.setdefault("security", [{"key": [], "timestamp": [], "signature": []}])
    described["components"]["schemas"].pop("HTTPValidationError", None)
    described["components"]["schemas"].pop("ValidationError", None)
    described["components"]["securitySchemes"] = {
        name: {"type": "apiKey", "in": "header", "name": header, "description": words}
        for name, header, words in (
            ("key", "X-Wenban-Key", "口令编号"),
            ("timestamp", "X-Wenban-Timestamp", "签名的时间，Unix 秒"),
            ("signature", "X-Wenban-Signature", "HMAC-SHA256，64 位十六进制"),
        )
    }
    return described
