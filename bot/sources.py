"""Settings of the platforms without a connector of their own: one table a source."""

from __future__ import annotations

import ipaddress
import re
from typing import Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator

from bot.sections import WEAK_SECRETS, AccountSettings, Section

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_TAKEN = {"web", "telegram", "wechat", "console"}
_SHORTEST = 32


class IngestSettings(Section):
    """What holds for every source."""

    max_waiting: int = Field(
        default=20_000, ge=1, description="等着研判的诉求多于这个数，接口请对方过一会儿再送"
    )
    window_seconds: int = Field(
        default=300, ge=30, le=3600, description="签名里的时间与本机最多差多少秒"
    )


class SourceSettings(AccountSettings):
    """One account on one platform."""

    platform: str = Field(
        min_length=1, description="平台：微博、抖音、快手、小红书、网站、12345 等"
    )
    delivery: Literal["webhook", "poll", "manual"] = Field(
        default="manual",
        description="答复怎么出去：webhook 推给对方，poll 由对方来取，manual 由工作人员手工发布",
    )
    webhook_url: str = Field(default="", description="推送答复的地址；delivery 为 webhook 时必填")
    max_length: int = Field(
        default=2000, ge=50, le=20_000, description="平台一条最多多少字，长的答复在句末断开"
    )
    links: bool = Field(default=True, description="平台是否允许发网址；不允许时只写办事入口的名称")
    manner: Literal["thread", "mention"] = Field(
        default="thread", description="怎么答复评论：thread 回复那一条，mention 开头写 @昵称"
    )
    replies_per_post: int = Field(
        default=0,
        ge=0,
        le=100_000,
        description="平台一段时间内许在同一帖子下回复几条（以平台告知的为准）；0 为不限",
    )
    replies_minutes: int = Field(
        default=60, ge=1, le=10_080, description="上一项说的一段时间是多少分钟"
    )
    beyond: Literal["wait", "private", "pin"] = Field(
        default="wait",
        description="超出的怎么答复：wait 等下一段时间逐一回复，private 发私信，pin 发一条置顶答复",
    )
    citizen_wait: str = Field(
        default="", description="转人工时告诉群众的话，{due} 换成最晚答复的日期；空为不说"
    )
    key_id: str = Field(default="1", min_length=1, max_length=64, description="口令的编号")
    secret: SecretStr = Field(
        default=SecretStr(""),
        description="签名口令，至少 32 位；空为不开接口，只能导入文件。只能用环境变量",
    )

    @field_validator("secret")
    @classmethod
    def _strong(cls, value: SecretStr) -> SecretStr:
        secret = value.get_secret_value()
        common = any(word in secret.lower() for word in WEAK_SECRETS if len(word) > 5)
        if secret and (len(secret) < _SHORTEST or len(set(secret)) < 10 or common):
            raise ValueError(f"太短、太有规律或含常见口令，请用至少 {_SHORTEST} 位的随机串")
        return value

    @field_validator("webhook_url")
    @classmethod
    def _safe(cls, value: str) -> str:
        if value:
            _check_address(value)
        return value

    @model_validator(mode="after")
    def _complete(self) -> SourceSettings:
        if self.delivery == "webhook" and not self.webhook_url:
            raise ValueError("delivery 为 webhook 时要填 webhook_url")
        if self.beyond == "pin" and self.replies_per_post == 1:
            raise ValueError("beyond 为 pin 时 replies_per_post 至少是 2，其中一条留给置顶答复")
        if self.delivery != "manual" and not self.secret.get_secret_value():
            raise ValueError("要用环境变量 WENBAN_SOURCES__名称__SECRET 给出签名口令")
        return self


def check_names(sources: dict[str, SourceSettings]) -> dict[str, SourceSettings]:
    """ValueError in Chinese for a name that cannot be an account's, or is another's."""
    for name in sources:
        if not _NAME.fullmatch(name) or len(name) > 32:
            raise ValueError(f"名称“{name}”只能用小写字母、数字和单个下划线，以字母开头")
        if name in _TAKEN:
            raise ValueError(f"名称“{name}”已被程序使用，请换一个，例如 {name}_site")
    return sources


def _check_address(url: str) -> None:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError("网址不对，请核对") from None
    if not host or parts.scheme not in ("http", "https"):
        raise ValueError("要以 https:// 开头")
    if parts.username is not None or parts.password is not None:
        raise ValueError("网址里不能带用户名和口令")
    if parts.scheme == "http" and not _inside(host):
        raise ValueError("公网地址要用 https://；http:// 只能用于本机和内网地址")


def _inside(host: str) -> bool:
    """Whether the address stands in the machine or in a private network."""
    if host == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_private
