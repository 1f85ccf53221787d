"""The settings of a WeChat Official Account (公众号)."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, SecretStr, ValidationInfo, field_validator, model_validator

from bot.sections import AccountSettings

_SECRETS = {
    "app_secret": (r"[0-9a-f]{32}", "不像 AppSecret（32 位），请核对"),
    "aes_key": (r"[A-Za-z0-9]{43}", "要 43 位字母数字，请核对"),
}


class WechatSettings(AccountSettings):
    app_id: str = Field(default="", description="开发者 ID（AppID）；空为不启用")
    app_secret: SecretStr = Field(
        default=SecretStr(""), description="开发者密码（AppSecret），32 位；只能用环境变量"
    )
    token: SecretStr = Field(
        default=SecretStr(""),
        description="服务器配置里的令牌（Token），16–32 位字母数字；只能用环境变量",
    )
    mode: Literal["aes", "plain"] = Field(
        default="aes", description="消息加解密方式：aes 安全模式，plain 明文模式"
    )
    aes_key: SecretStr = Field(
        default=SecretStr(""),
        description="消息加解密密钥（EncodingAESKey），43 位，安全模式必填；只能用环境变量",
    )
    api_url: str = Field(
        default="https://api.weixin.qq.com", description="微信接口地址，可换成自建的转发服务器"
    )
    greeting: str = Field(
        default="您好，请直接说您要办的事，比如“身份证丢了怎么补”。", description="关注后的问候语"
    )
    comment_minutes: int = Field(
        default=0, ge=0, le=59, description="每隔几分钟取一次文章留言；0 为不取（要有留言权限）"
    )
    comment_days: int = Field(
        default=7, ge=1, le=30, description="看最近几日所发文章的留言（不含当日，平台次日才给）"
    )
    articles: tuple[str, ...] = Field(
        default=(),
        description='另外要看留言的文章，例如 ["2247483660_1"]（msg_data_id_第几篇）',
    )
    elect_replied: bool = Field(
        default=False, description="答复留言后是否把它设为精选，设了人人可见"
    )

    @field_validator("app_id")
    @classmethod
    def _app_id_form(cls, value: str) -> str:
        return _formed(value, r"wx[0-9a-f]{16}", "不像 AppID（wx 加 16 位），请核对")

    @field_validator("app_secret", "aes_key")
    @classmethod
    def _secret_form(cls, value: SecretStr, info: ValidationInfo) -> SecretStr:
        _formed(value.get_secret_value(), *_SECRETS[str(info.field_name)])
        return value

    @field_validator("token")
    @classmethod
    def _token_form(cls, value: SecretStr) -> SecretStr:
        secret = value.get_secret_value()
        advice = "要用 16–32 位字母数字的随机串，与公众平台后台一致"
        _formed(secret, r"[A-Za-z0-9]{16,32}", advice)
        if secret and len(set(secret)) < 6:
            raise ValueError(advice)
        return value

    @field_validator("api_url")
    @classmethod
    def _address(cls, value: str) -> str:
        if not value.startswith(("http://", "https://")):
            raise ValueError("要以 http:// 或 https:// 开头")
        return value.rstrip("/")

    @field_validator("articles")
    @classmethod
    def _article_forms(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            _formed(one, r"\d{1,20}_[1-8]", f"“{one}”应写成 msg_data_id_第几篇，如 2247483660_1")
        return value

    @model_validator(mode="after")
    def _whole(self) -> WechatSettings:
        needed = {"APP_SECRET": self.app_secret, "TOKEN": self.token}
        if self.mode == "aes":
            needed["AES_KEY"] = self.aes_key
        missing = [f"WENBAN_WECHAT__{name}" for name, one in needed.items() if not one]
        if self.enabled and missing:
            raise ValueError(f"启用公众号还需要环境变量 {'、'.join(missing)}")
        return self

    @property
    def enabled(self) -> bool:
        return bool(self.app_id)


def _formed(value: str, pattern: str, advice: str) -> str:
    if value and not re.fullmatch(pattern, value, re.ASCII):
        raise ValueError(advice)
    return value
