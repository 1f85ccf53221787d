"""Settings from config.toml and the environment, checked whole before anything starts."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Mapping
from datetime import date, time
from pathlib import Path
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    ValidationError,
    field_validator,
    model_validator,
)

from bot.clock import Calendar

PREFIX = "WENBAN_"
SECRETS = {("telegram", "token"), ("telegram", "webhook_secret")}
WEAK_SECRETS = {"changeme", "change-me", "secret", "password", "admin", "123456", "token", "test"}


class ConfigError(ValueError):
    """The configuration cannot be used; the text names each key, the reason and the remedy."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class AccountSettings(_Section):
    """政务账号 data shared by the sections of all channels."""

    name: str = Field(default="云川市政务服务（示例）", description="账号名称，群众看得到")
    sponsor: str = Field(default="", description="主办单位")
    supervisor: str = Field(default="", description="主管单位")
    responsible: str = Field(default="", description="责任人")
    review_steps: int = Field(
        default=1, ge=1, le=3, description="发布前要几步审核（1–3），各步不得是同一人"
    )


class AppSettings(_Section):
    data_dir: Path = Field(default=Path("var"), description="数据目录：数据库、缓存、备份")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="日志级别：DEBUG、INFO、WARNING、ERROR"
    )
    log_format: Literal["text", "json"] = Field(
        default="text", description="日志格式：text 给人看，json 给采集系统"
    )


class DatabaseSettings(_Section):
    url: str = Field(
        default="",
        description="数据库地址；空为数据目录里的 SQLite，也可用 postgresql://用户@主机/库名",
    )


class RedisSettings(_Section):
    url: str = Field(
        default="", description="Redis 地址；空为单进程运行，多进程时填 redis://主机/0"
    )


class HttpSettings(_Section):
    host: str = Field(default="127.0.0.1", description="监听地址；对外服务前请先设置反向代理")
    port: int = Field(default=8080, ge=0, le=65535, description="监听端口；0 为自动选择")
    public_url: str = Field(default="", description="对外网址，例如 https://wenban.example.gov.cn")

    @field_validator("public_url")
    @classmethod
    def _whole(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("要以 http:// 或 https:// 开头")
        return value.rstrip("/")


class TelegramSettings(AccountSettings):
    token: SecretStr = Field(
        default=SecretStr(""), description="机器人令牌；空为不启用。只能用环境变量或 token_file"
    )
    token_file: Path | None = Field(
        default=None, description="存放令牌的文件，必须在代码仓库之外；空为不用"
    )
    api_url: str = Field(
        default="https://api.telegram.org", description="Bot API 服务器地址，可换成自建服务器"
    )
    mode: Literal["polling", "webhook"] = Field(
        default="polling", description="接收方式：polling 长轮询，webhook 推送"
    )
    webhook_secret: SecretStr = Field(
        default=SecretStr(""), description="推送校验口令，至少 16 位；只能用环境变量"
    )
    staff_chat: str = Field(
        default="", description="工作人员群的会话编号；空为逐个发给登记了 Telegram 的人员"
    )

    @field_validator("token")
    @classmethod
    def _token_form(cls, value: SecretStr) -> SecretStr:
        if value.get_secret_value() and not re.fullmatch(
            r"\d{3,}:[\w-]{20,}", value.get_secret_value()
        ):
            raise ValueError("不像机器人令牌（形如 123456:字母数字），请核对")
        return value

    @field_validator("webhook_secret")
    @classmethod
    def _strong(cls, value: SecretStr) -> SecretStr:
        secret = value.get_secret_value()
        if secret and (len(secret) < 16 or secret.lower() in WEAK_SECRETS):
            raise ValueError("太短或是常见口令，请用至少 16 位的随机串")
        return value

    @model_validator(mode="after")
    def _webhook_needs_secret(self) -> TelegramSettings:
        if self.enabled and self.mode == "webhook" and not self.webhook_secret.get_secret_value():
            raise ValueError("推送方式需要环境变量 WENBAN_TELEGRAM__WEBHOOK_SECRET")
        return self

    @property
    def enabled(self) -> bool:
        return bool(self.token.get_secret_value())


class WebSettings(AccountSettings):
    enabled: bool = Field(default=True, description="是否开放网页咨询")
    greeting: str = Field(
        default="您好，请直接说您要办的事，比如“身份证丢了怎么补”。", description="网页的问候语"
    )
    messages_per_minute: int = Field(
        default=20, ge=1, description="每位访客每分钟最多发多少条，超过的请稍后再发"
    )


class KnowledgeSettings(_Section):
    initial_file: str = Field(
        default="sample",
        description="知识库为空时导入的文件；sample 为自带示例，空为不导入",
    )
    answer_at: float = Field(
        default=0.0, ge=0, le=1, description="自动回复所需的最低把握；0 为用程序自带的值"
    )
    risk: float = Field(
        default=0.01, gt=0, lt=1, description="自动答复可接受的答错比例（95% 置信上限）"
    )
    decisions_required: int = Field(
        default=0, ge=0, description="人工判断满多少件后才开始自动答复；0 为一开始就自动答复"
    )
    refresh_seconds: float = Field(
        default=2.0, gt=0, description="多少秒检查一次知识库变更，不用重启"
    )


class DeskSettings(_Section):
    burst_seconds: float = Field(
        default=1.5, ge=0, le=30, description="短消息等多少秒看有没有下文，连发的几条当一个问题"
    )
    acknowledge: bool = Field(
        default=True, description="转人工时是否先告知群众办理期限（自动回执不算答复）"
    )
    resolve_after_days: int = Field(default=7, ge=1, description="答复后多少日没有异议算办结")
    snooze_minutes: int = Field(default=30, ge=1, description="“稍后”把一件放后多少分钟")
    departments: tuple[str, ...] = Field(
        default=(), description="可转办的承办单位；空为取知识库里出现的单位"
    )


class ClockSettings(_Section):
    profile: str = Field(default="guangdong_2022", description="时限方案，见 docs/configuration.md")
    business_hours: tuple[str, ...] = Field(
        default=(), description='办公时段，例如 ["09:00-12:00", "13:30-17:30"]；空为全天'
    )
    calendar_file: Path | None = Field(
        default=None, description="节假日调整文件（TOML，含文号）；空为只用自带日历"
    )

    @field_validator("business_hours")
    @classmethod
    def _spans(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for span in value:
            parse_span(span)
        return value

    @property
    def spans(self) -> tuple[tuple[time, time], ...]:
        return tuple(parse_span(span) for span in self.business_hours)


class OutboxSettings(_Section):
    max_attempts: int = Field(default=12, ge=1, description="一条消息最多尝试发送几次")
    lease_seconds: float = Field(
        default=60.0, gt=0, description="发送中断后多少秒由别的进程接手重发"
    )
    backoff_seconds: float = Field(
        default=2.0, gt=0, description="发送失败后首次等待秒数，逐次加倍"
    )
    backoff_limit_seconds: float = Field(
        default=600.0, gt=0, description="两次尝试之间最长等待秒数"
    )


class JobSettings(_Section):
    digest_at: str = Field(default="08:30", description="每个工作日几点给工作人员发晨报")
    reminder_minutes: int = Field(
        default=10, ge=1, le=59, description="每隔几分钟检查一次临期与超期（8 点至 20 点）"
    )

    @field_validator("digest_at")
    @classmethod
    def _clock_time(cls, value: str) -> str:
        try:
            time.fromisoformat(value)
        except ValueError:
            raise ValueError(f"“{value}”不是时间，应写成 08:30") from None
        return value


class Settings(_Section):
    """Everything the program can be told; one section per part."""

    app: AppSettings = AppSettings()
    database: DatabaseSettings = DatabaseSettings()
    redis: RedisSettings = RedisSettings()
    http: HttpSettings = HttpSettings()
    telegram: TelegramSettings = TelegramSettings()
    web: WebSettings = WebSettings()
    knowledge: KnowledgeSettings = KnowledgeSettings()
    desk: DeskSettings = DeskSettings()
    clock: ClockSettings = ClockSettings()
    outbox: OutboxSettings = OutboxSettings()
    jobs: JobSettings = JobSettings()

    @property
    def database_url(self) -> str:
        return self.database.url or f"sqlite+aiosqlite:///{self.app.data_dir / 'wenban.db'}"


def parse_span(span: str) -> tuple[time, time]:
    """``09:00-12:00`` as two times; ValueError in Chinese otherwise."""
    try:
        start, end = (time.fromisoformat(part.strip()) for part in span.split("-"))
    except ValueError:
        raise ValueError(f"办公时段“{span}”应写成 09:00-12:00") from None
    return start, end


def load(path: Path | None, environ: Mapping[str, str] = os.environ) -> Settings:
    """Settings from a TOML file (None: config.toml if it is there) and ``WENBAN_SECTION__KEY``.

    Raises ConfigError with every problem found.
    """
    data = _read(path)
    _refuse_secrets(data)
    _apply_environment(data, environ)
    _read_token_file(data)
    try:
        return Settings.model_validate(data)
    except ValidationError as error:
        raise ConfigError("\n".join(_explain(problem) for problem in error.errors())) from None


def _read(path: Path | None) -> dict[str, Any]:
    if path is None:
        path = Path("config.toml")
        if not path.exists():
            return {}
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigError(
            f"找不到配置文件 {path}，请核对路径，或从 config.example.toml 复制一份"
        ) from None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ConfigError(f"配置文件 {path} 读不了：{error}。请存为 UTF-8 编码的 TOML") from None


def _refuse_secrets(data: Mapping[str, Any]) -> None:
    for section, key in SECRETS:
        table = data.get(section)
        if isinstance(table, Mapping) and table.get(key):
            name = f"{PREFIX}{section}__{key}".upper()
            raise ConfigError(
                f"{section}.{key}：口令不能写在配置文件里，请删去这一行，改用环境变量 {name}"
            )


def _apply_environment(data: dict[str, Any], environ: Mapping[str, str]) -> None:
    for name, value in environ.items():
        if not name.startswith(PREFIX):
            continue
        section, mark, key = name.removeprefix(PREFIX).lower().partition("__")
        if not mark:
            raise ConfigError(
                f"环境变量 {name}：应写成 {PREFIX}节__设置项，节与设置项间是两条下划线"
            )
        data.setdefault(section, {})[key] = _from_environment(section, key, value)


def _from_environment(section: str, key: str, value: str) -> Any:
    field = Settings.model_fields.get(section)
    kind = field.annotation.model_fields.get(key) if field else None  # type: ignore[union-attr]
    if kind is not None and "tuple" in str(kind.annotation):
        return [part.strip() for part in value.split(",") if part.strip()]
    if kind is not None and "None" in str(kind.annotation):
        return value or None
    return value


def _read_token_file(data: dict[str, Any]) -> None:
    table = data.get("telegram")
    if not isinstance(table, dict) or not table.get("token_file") or table.get("token"):
        return
    path = Path(str(table["token_file"])).resolve()
    if any((parent / ".git").exists() for parent in path.parents):
        raise ConfigError(f"telegram.token_file：{path.name} 在代码仓库内，请移到仓库之外")
    try:
        table["token"] = path.read_text(encoding="utf-8").strip()
    except OSError:
        raise ConfigError(f"telegram.token_file：读不到 {path}，请核对路径和权限") from None


_WORKS = {"班": True, "休": False}
_REASONS = {
    "extra_forbidden": "没有这个设置项，请核对拼写（全部设置项见 config.example.toml）",
    "int_parsing": "要填整数",
    "int_type": "要填整数",
    "float_parsing": "要填数字",
    "float_type": "要填数字",
    "bool_parsing": "要填 true 或 false",
    "bool_type": "要填 true 或 false",
    "string_type": "要填文字，用双引号括起来",
    "model_type": "要写成一节，例如 [desk]",
    "tuple_type": '要填列表，例如 ["甲", "乙"]',
    "greater_than": "太小，要大于 {gt}",
    "greater_than_equal": "太小，要不小于 {ge}",
    "less_than_equal": "太大，要不大于 {le}",
    "less_than": "太大，要小于 {lt}",
    "literal_error": "只能是 {expected}",
    "value_error": "{error}",
}


def _explain(problem: Any) -> str:
    key = ".".join(str(part) for part in problem["loc"])
    reason = _REASONS.get(problem["type"], "值不对，请参照 config.example.toml")
    return f"{key}：{reason.format(**problem.get('ctx', {}))}"


def read_calendar(clock: ClockSettings) -> Calendar:
    """The working calendar with its override file. Raises ConfigError for an unusable file.

    The file holds ``source`` (文号), ``complete_years`` and a table ``days`` from date to
    "班" or "休".
    """
    path = clock.calendar_file
    if path is None:
        return Calendar(spans=clock.spans)
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        days = {date.fromisoformat(day): _WORKS[word] for day, word in table["days"].items()}
        years = frozenset(int(year) for year in table.get("complete_years", []))
        return Calendar(clock.spans, days, str(table["source"]), years)
    except OSError:
        raise ConfigError(f"clock.calendar_file：读不到 {path}，请核对路径和权限") from None
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise ConfigError(
            f"clock.calendar_file：{path} 有误（{error}）。"
            '要有 source = "文号"，以及 [days] 下的 "2027-01-01" = "休" 或 "班"'
        ) from None
