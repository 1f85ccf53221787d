"""All settings with their defaults, limits and explanations, one class for each section."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import time
from pathlib import Path
from typing import Literal

from pydantic import Field, SecretStr, field_validator, model_validator

from bot.clock import Calendar, Spans
from bot.embedding import NO_HTTPS, Color, Origin
from bot.sections import WEAK_SECRETS, AccountSettings, Section
from bot.sources import IngestSettings, SourceSettings, check_names
from bot.wechat_settings import WechatSettings


class AppSettings(Section):
    data_dir: Path = Field(default=Path("var"), description="数据目录：数据库、缓存、备份")
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO", description="日志级别：DEBUG、INFO、WARNING、ERROR"
    )
    log_format: Literal["text", "json"] = Field(
        default="text", description="日志格式：text 给人看，json 给采集系统"
    )


class DatabaseSettings(Section):
    url: str = Field(
        default="",
        description="数据库地址；空为数据目录里的 SQLite，也可用 postgresql://用户@主机/库名",
    )


class RedisSettings(Section):
    url: str = Field(
        default="", description="Redis 地址；空为单进程运行，多进程时填 redis://主机/0"
    )


class HttpSettings(Section):
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
    color: Color = Field(
        default="#1f4e79", description="网页和挂件的主色，#rrggbb，要够深，白字看得清"
    )
    embed_origins: tuple[Origin, ...] = Field(
        default=(),
        description='可以嵌入网页咨询的网站，例如 ["https://www.example.gov.cn"]；空为不许嵌入',
    )
    messages_per_minute: int = Field(
        default=20, ge=1, description="每位访客每分钟最多发多少条，超过的请稍后再发"
    )


class ConsoleSettings(Section):
    enabled: bool = Field(default=True, description="是否开放工作台（/console）")
    session_hours: int = Field(default=12, ge=1, le=168, description="登录后最多多少小时要重新登录")
    idle_minutes: int = Field(default=60, ge=1, le=1440, description="多少分钟没有操作要重新登录")
    code_roles: tuple[Literal["坐席", "审核", "主管", "管理员"], ...] = Field(
        default=(), description='哪些角色登录必须用动态口令，例如 ["主管", "管理员"]；空为自愿'
    )
    undo_seconds: int = Field(
        default=8, ge=0, le=60, description="在工作台发出的答复可撤销的秒数；0 为立即发出"
    )
    secret: SecretStr = Field(
        default=SecretStr(""),
        description="会话密钥，至少 32 位；空为自动生成并存在数据目录。只能用环境变量",
    )

    @field_validator("secret")
    @classmethod
    def _long(cls, value: SecretStr) -> SecretStr:
        secret = value.get_secret_value()
        if secret and (len(secret) < 32 or len(set(secret)) < 10):
            raise ValueError("太短或太有规律，请用至少 32 位的随机串")
        return value


class KnowledgeSettings(Section):
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
    ranker_file: str = Field(
        default="", description="本单位训练的匹配权重文件，见 docs/learning.md；空为用程序自带的"
    )
    bundles_file: str = Field(
        default="sample",
        description="一件事清单（TOML），见 docs/bundles.md；sample 为自带示例，空为不用",
    )
    menu_days: int = Field(
        default=30, ge=1, le=366, description="常办事项按最近多少日问到和打开的次数排序，每天排一次"
    )
    menu_pins: tuple[str, ...] = Field(
        default=(),
        description='常办事项里固定排在前面的主题或条目编号，例如 ["户籍", "示例-社保-001"]',
    )
    semantic: Literal["auto", "off", "bundled", "endpoint"] = Field(
        default="auto",
        description="语义匹配：auto 有模型就用，off 只按字词，bundled 自带模型，endpoint 自建服务",
    )
    endpoint_url: str = Field(
        default="",
        description="自建向量服务地址（OpenAI embeddings 协议），例如 http://10.0.0.8:8000/v1",
    )
    endpoint_model: str = Field(
        default="", description="自建向量服务的模型名称；换模型时一起改，旧向量不再用"
    )
    endpoint_key: SecretStr = Field(
        default=SecretStr(""), description="自建向量服务的口令；空为不用。只能用环境变量"
    )

    @field_validator("endpoint_url")
    @classmethod
    def _service(cls, value: str) -> str:
        if value and not value.startswith(("http://", "https://")):
            raise ValueError("要以 http:// 或 https:// 开头")
        if "@" in value:
            raise ValueError("地址里不能带口令，请改用环境变量 WENBAN_KNOWLEDGE__ENDPOINT_KEY")
        return value

    @model_validator(mode="after")
    def _endpoint_needs_address(self) -> KnowledgeSettings:
        if self.semantic == "endpoint" and not self.endpoint_url:
            raise ValueError("semantic 为 endpoint 时要填 endpoint_url")
        return self

    @property
    def embedder(self) -> tuple[str, str, str, str]:
        """What ``knowledge.semantic.open_embedder`` takes."""
        key = self.endpoint_key.get_secret_value()
        return self.semantic, self.endpoint_url, self.endpoint_model, key


class DeskSettings(Section):
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
    keep_citizen_days: int = Field(
        default=0,
        description="群众最后一次来往多少日后，自动抹去其称呼和原话，数字不变；0 为不自动抹去",
    )

    @field_validator("keep_citizen_days")
    @classmethod
    def _long_enough(cls, value: int) -> int:
        if value and value < 30:
            raise ValueError("保留期不能短于 30 日；不自动抹去请写 0")
        return value


class ClockSettings(Section):
    profile: str = Field(default="guangdong_2022", description="时限方案，见 docs/configuration.md")
    business_hours: tuple[str, ...] = Field(
        default=(), description='办公时段，例如 ["09:00-12:00", "13:30-17:30"]；空为全天'
    )
    department_hours: dict[str, tuple[str, ...]] = Field(
        default={},
        description='单位自己的办公时段，例如 { "市公安局" = [], "市教育局" = ["08:00-18:00"] }',
    )
    calendar_file: Path | None = Field(
        default=None, description="节假日调整文件（TOML，含文号）；空为只用自带日历"
    )
    extensions: int = Field(default=1, ge=0, description="每件诉求最多延期几次；0 为不许延期")
    extension_workdays: int = Field(default=15, ge=1, le=250, description="一次最多延期几个工作日")
    supplement_workdays: int = Field(
        default=5, ge=1, le=60, description="请群众补充后最多暂停几个工作日，到时自动恢复计时"
    )
    transfer_workdays: int = Field(
        default=1, ge=1, le=10, description="转办后几个工作日内不签收，视为退件"
    )
    callback_workdays: int = Field(
        default=5, ge=1, le=60, description="差评后几个工作日内要完成回访"
    )

    @field_validator("business_hours")
    @classmethod
    def _spans(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        parse_spans(value)
        return value

    @field_validator("department_hours")
    @classmethod
    def _own_spans(cls, value: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
        for spans in value.values():
            parse_spans(spans)
        return value

    @property
    def spans(self) -> Spans:
        return parse_spans(self.business_hours)

    @property
    def departments(self) -> dict[str, Spans]:
        return {name: parse_spans(spans) for name, spans in self.department_hours.items()}


class AssessmentSettings(Section):
    scorecard_file: Path | None = Field(
        default=None, description="计分卡文件（TOML）；空为自带的示例，见 docs/assessment.md"
    )
    issuer: str = Field(default="", description="通报的落款单位；空为不写，由人填")
    recipients: str = Field(
        default="各有关单位", description="通报的主送单位，多个用逗号分开写在一起"
    )


class OutboxSettings(Section):
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


class JobSettings(Section):
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


class Settings(Section):
    """Everything the program can be told; one section per part."""

    app: AppSettings = AppSettings()
    database: DatabaseSettings = DatabaseSettings()
    redis: RedisSettings = RedisSettings()
    http: HttpSettings = HttpSettings()
    telegram: TelegramSettings = TelegramSettings()
    web: WebSettings = WebSettings()
    wechat: WechatSettings = WechatSettings()
    console: ConsoleSettings = ConsoleSettings()
    knowledge: KnowledgeSettings = KnowledgeSettings()
    desk: DeskSettings = DeskSettings()
    clock: ClockSettings = ClockSettings()
    assessment: AssessmentSettings = AssessmentSettings()
    outbox: OutboxSettings = OutboxSettings()
    jobs: JobSettings = JobSettings()
    ingest: IngestSettings = IngestSettings()
    sources: dict[str, SourceSettings] = Field(
        default={}, description="没有专门接口的平台，一个平台一节 [sources.名称]，见 docs/ingest.md"
    )

    @field_validator("sources")
    @classmethod
    def _names(cls, value: dict[str, SourceSettings]) -> dict[str, SourceSettings]:
        return check_names(value)

    @model_validator(mode="after")
    def _frames_need_https(self) -> Settings:
        if self.web.embed_origins and not self.http.public_url.startswith("https://"):
            raise ValueError(NO_HTTPS)
        return self

    @property
    def vectors_dir(self) -> Path:
        return self.app.data_dir / "vectors"

    @property
    def attachments_dir(self) -> Path:
        return self.app.data_dir / "attachments"

    @property
    def database_url(self) -> str:
        return self.database.url or f"sqlite+aiosqlite:///{self.app.data_dir / 'wenban.db'}"


def parse_spans(spans: Iterable[str]) -> Spans:
    """Several of them; ValueError in Chinese when they overlap or are out of order."""
    return Calendar(tuple(parse_span(span) for span in spans)).spans


def parse_span(span: str) -> tuple[time, time]:
    """``09:00-12:00`` as two times, 24:00 as 00:00; ValueError in Chinese otherwise."""
    try:
        whole = span.replace("24:00", "00:00")
        start, end = (time.fromisoformat(part.strip()) for part in whole.split("-"))
    except ValueError:
        raise ValueError(f"办公时段“{span}”应写成 09:00-12:00") from None
    return start, end
