"""What the ingest API takes and gives: the shapes of its JSON, checked with reasons in Chinese."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal, TypeVar

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    field_validator,
)
from pydantic_core import PydanticCustomError

from bot.channels.wire import Spot
from bot.desk import Inbound
from bot.desk.ingesting import Posted
from handlers.errors import Refusal

MAX_TEXT = 10_000
MAX_BATCH = 10_000
_EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
_AHEAD = timedelta(minutes=5)
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_ID = r"^[^\x00-\x1F\x7F]+$"
M = TypeVar("M", bound=BaseModel)


def _written(value: Any) -> Any:
    if value is not None and not isinstance(value, str):
        raise PydanticCustomError("time", "时间要写成文字")
    return value


Moment = Annotated[AwareDatetime, BeforeValidator(_written)]
Name = Annotated[str, Field(min_length=1, max_length=128, pattern=_ID)]
Detail = Annotated[str, Field(max_length=128, pattern=r"^[^\x00-\x1F\x7F]*$")]


class _Given(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Post(_Given):
    """群众的一条评论或私信。"""

    external_id: Name = Field(description="平台上的编号，同一来源内不重复；重送同一编号只算一次")
    kind: Literal["comment", "direct"] = Field(description="comment 公开评论，direct 私信")
    citizen_id: Name = Field(description="群众在平台上的编号")
    citizen_name: str = Field(default="", max_length=128, description="昵称")
    text: str = Field(min_length=1, max_length=MAX_TEXT, description="原话，不是 HTML")
    sent_at: Moment = Field(description="平台上的发表时间，要带时区，如 2026-03-02T09:30:00+08:00")
    edited_at: Moment | None = Field(default=None, description="群众改过文字时，改的时间")
    post_id: Detail = Field(default="", description="评论所在的帖子或视频的编号")
    post_title: Detail = Field(default="", description="帖子的标题或开头，给工作人员看")
    thread_id: Detail = Field(default="", description="评论所在的楼的编号")

    @field_validator("text")
    @classmethod
    def _something(cls, value: str) -> str:
        plain = _UNPRINTABLE.sub("", value.replace("\r\n", "\n").replace("\r", "\n")).strip()
        if not plain:
            raise PydanticCustomError("empty", "没有文字")
        return plain

    @field_validator("sent_at", "edited_at")
    @classmethod
    def _likely(cls, value: datetime | None) -> datetime | None:
        if value is not None and not _EARLIEST <= value <= datetime.now(UTC) + _AHEAD:
            raise PydanticCustomError("unlikely", "早于 2000 年或在将来，请核对时钟和时区")
        return value

    def posted(self, account: str) -> Posted:
        spot = Spot(self.kind, self.citizen_id, self.post_id, self.thread_id)
        inbound = Inbound(
            account=account,
            citizen=self.citizen_id,
            name=" ".join(self.citizen_name.split()),
            kind=self.kind,
            place=spot.place,
            thread=spot.place,
            external_id=self.external_id,
            text=self.text,
            sent_at=self.sent_at,
            reply_to=self.external_id,
            post=self.post_id if self.kind == "comment" else "",
            post_title=" ".join(self.post_title.split()),
        )
        return Posted(inbound, self.edited_at)


class Confirmation(_Given):
    """答复已经发布在平台上。"""

    posted_at: Moment | None = Field(default=None, description="平台上的发布时间；不写为现在")
    external_id: Detail = Field(default="", description="发布后在平台上的编号")


class Declining(_Given):
    """答复发布不了。"""

    reason: str = Field(min_length=1, max_length=300, description="原因，给工作人员看")
    gone: bool = Field(default=False, description="群众已注销、原帖已删等，以后也到不了")


class Result(BaseModel):
    """一条消息的结果。"""

    status: Literal["new", "known", "changed"] = Field(
        description="new 新收，known 以前收过，changed 记为修改"
    )
    case: int = Field(description="诉求编号")


class RowResult(BaseModel):
    """一批里一条的结果。"""

    index: int = Field(description="在 messages 里的位置，从 0 起")
    external_id: str
    status: Literal["new", "known", "changed", "refused"]
    case: int | None = None
    error: str | None = Field(default=None, description="没有收下的原因")


class Results(BaseModel):
    """一批的结果：每条一个，次序与送来的相同。"""

    taken: int = Field(description="收下的条数（含以前收过的）")
    refused: int = Field(description="没有收下的条数，改正后可单独重送")
    results: list[RowResult]


class Reply(BaseModel):
    """要发布的一条。"""

    id: str
    kind: Literal["comment", "direct", "pinned"] = Field(
        description="pinned 是一条置顶答复：发在帖子下并置顶，不回复哪一个人"
    )
    citizen_id: str
    post_id: str
    thread_id: str
    reply_to: str = Field(description="回复哪一条消息（external_id）；置顶答复为空")
    text: str = Field(description="全文")
    parts: list[str] = Field(description="全文按平台字数断开，依次发布；通常只有一段")
    purpose: str = Field(description="reply 答复，acknowledgement 回执，clarification 反问等")
    case: int | None
    written_at: datetime


class Replies(BaseModel):
    """还没有确认发布的，先写的在前。"""

    replies: list[Reply]
    more: bool = Field(description="后面还有，用 after=最后一条的 id 接着取")


class Confirmed(BaseModel):
    """new 为 false 表示以前已经确认过。"""

    new: bool


class Trouble(BaseModel):
    """所有出错应答的样子。"""

    error: str


def content(raw: bytes) -> Any:
    """The JSON of a request. Raises Refusal."""
    try:
        return json.loads(raw)
    except (ValueError, RecursionError):
        raise Refusal(400, "请求的内容不是 JSON（UTF-8），请核对。") from None


def check(model: type[M], value: Any) -> M:
    """The value in its shape. Raises Refusal with every reason."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise Refusal(400, explain(error)) from None


def batch(raw: bytes) -> list[Any]:
    """The rows of a batch, unchecked. Raises Refusal."""
    whole = content(raw)
    rows = whole.get("messages") if isinstance(whole, Mapping) and len(whole) == 1 else None
    if not isinstance(rows, list) or not rows:
        raise Refusal(400, '要写成 {"messages": [ … ]}，至少一条，没有别的项。')
    if len(rows) > MAX_BATCH:
        raise Refusal(413, f"一批最多 {MAX_BATCH} 条，现在有 {len(rows)} 条，请分几批送。")
    return rows


_REASONS = {
    "missing": "没有填",
    "extra_forbidden": "没有这一项，请核对拼写",
    "string_type": "要填文字",
    "string_unicode": "有无法识别的字符",
    "string_too_short": "不能为空",
    "string_too_long": "太长，最多 {max_length} 字",
    "string_pattern_mismatch": "不能有换行等控制字符",
    "literal_error": "只能是 {expected}",
    "timezone_aware": "没有时区，请写成 2026-03-02T09:30:00+08:00",
    "bool_parsing": "要填 true 或 false",
    "bool_type": "要填 true 或 false",
    "model_type": "要写成 JSON 对象",
}


def explain(error: ValidationError, names: Mapping[str, str] | None = None) -> str:
    """Every reason why a value was refused, in Chinese; ``names`` are other words for fields."""
    return "；".join(_reason(one, names or {}) for one in error.errors()[:5])


def explain_row(row: Any, account: str, names: Mapping[str, str] | None = None) -> Posted | str:
    """A row as it can be stored, or why it cannot."""
    try:
        return Post.model_validate(row).posted(account)
    except ValidationError as error:
        return explain(error, names)


def _reason(problem: Any, names: Mapping[str, str]) -> str:
    name = ".".join(names.get(str(part), str(part)[:40]) for part in problem["loc"])
    kind, context = problem["type"], problem.get("ctx", {})
    if kind in ("empty", "time", "unlikely"):
        words = problem["msg"]
    elif kind.startswith("datetime"):
        words = "认不出来，请写成 2026-03-02T09:30:00+08:00"
    else:
        words = _REASONS.get(kind, "值不对").format(**context).replace(" or ", " 或 ")
    return f"{name}：{words}" if name else words
