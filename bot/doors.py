"""Opening and closing the doors: HTTP and Telegram, and saying where they are."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING

from apscheduler.triggers.interval import IntervalTrigger

from bot.channels.wechat import WechatChannel
from bot.config import ConfigError, session_secret
from bot.desk.signin import Signin, SigninRules
from bot.jobs import Job
from bot.server import HttpServer
from bot.settings import Settings
from handlers.api import IngestSite, Source, Webhook, build_app, close_streams
from handlers.console import ConsoleSite
from handlers.webchat.door import Site
from handlers.wechat.comments import Comments
from handlers.wechat.door import WAIT_SECONDS, WechatSite
from handlers.wechat.envelope import Safe
from handlers.wechat.media import Media
from handlers.wechat.routes import PATH as CALLBACK
from storage.terms import Role

if TYPE_CHECKING:
    from aiogram import Bot, Dispatcher

    from bot.app import App


@asynccontextmanager
async def open_doors(
    app: App, *, http: bool, telegram: bool, delivers: bool
) -> AsyncIterator[None]:
    """Serve what this process is to serve; on leaving, take nothing new and finish the rest."""
    async with AsyncExitStack() as stack:
        pair = _telegram(app) if app.bot is not None else None
        lines = []
        if http:
            lines.append(await stack.enter_async_context(_http(app, pair, delivers)))
        if telegram and pair is not None and app.settings.telegram.mode == "polling":
            from handlers.telegram.polling import poll

            app.start(poll(*pair, app.stopping), "telegram")
            lines.append("Telegram　长轮询已开始")
        elif pair is None:
            lines.append("Telegram　未启用（设置环境变量 WENBAN_TELEGRAM__TOKEN 后重新启动）")
        await _announce(app, lines)
        yield


def _telegram(app: App) -> tuple[Dispatcher, Bot]:
    from bot.channels.telegram import TelegramChannel
    from handlers.telegram import build_dispatcher

    assert app.bot is not None  # noqa: S101
    channel = TelegramChannel(app.bot)
    staff_chat = app.settings.telegram.staff_chat
    return build_dispatcher(app.desk, "telegram", channel, staff_chat), app.bot


@asynccontextmanager
async def _http(
    app: App, pair: tuple[Dispatcher, Bot] | None, delivers: bool
) -> AsyncIterator[str]:
    settings = app.settings
    site = None
    if settings.web.enabled:
        site = Site(
            name=settings.web.name,
            greeting=settings.web.greeting,
            messages_per_minute=settings.web.messages_per_minute,
            public_url=settings.http.public_url,
            color=settings.web.color,
            embed_origins=settings.web.embed_origins,
        )
    webhook = _webhook(app, pair) if pair and settings.telegram.mode == "webhook" else None
    console, ingest, wechat = _console(app), _ingest(app.settings), _wechat(app, delivers)
    application = build_app(
        app.desk, site, webhook=webhook, console=console, ingest=ingest, wechat=wechat
    )
    server = HttpServer(application, settings.http.host, settings.http.port)
    await server.start()
    try:
        base = f"http://{settings.http.host}:{server.port}"
        page = f"网页咨询　{base}/\n" if site else ""
        staff = await _console_line(console, base) if console else ""
        ways = f"接入接口　{base}/api/v1/openapi.json\n" if ingest else ""
        called = f"公众号　　{base}{CALLBACK}（服务器配置里填对外网址）\n" if wechat else ""
        yield f"{page}{called}{staff}{ways}运行状况　{base}/healthz"
    finally:
        close_streams(application)
        await server.stop()


def _ingest(settings: Settings) -> IngestSite | None:
    sources = {
        name: Source(one.key_id, one.secret.get_secret_value(), one.delivery == "poll")
        for name, one in settings.sources.items()
        if one.secret.get_secret_value()
    }
    if not sources:
        return None
    return IngestSite(sources, settings.ingest.max_waiting, settings.ingest.window_seconds)


def _wechat(app: App, delivers: bool) -> WechatSite | None:
    settings, channel = app.settings.wechat, app.channels.get("wechat")
    if not isinstance(channel, WechatChannel):
        return None
    key = settings.aes_key.get_secret_value()
    return WechatSite(
        channel=channel,
        token=settings.token.get_secret_value(),
        safe=Safe(key, settings.app_id) if settings.mode == "aes" else None,
        greeting=settings.greeting,
        wait=WAIT_SECONDS if delivers else 0.0,
    )


def looking(app: App) -> list[Job]:
    """The jobs of doors that nobody knocks at."""
    settings, channel = app.settings.wechat, app.channels.get("wechat")
    if not isinstance(channel, WechatChannel):
        return []
    media = Media(app.desk, channel.api)
    jobs = [Job("wechat_media", IntervalTrigger(minutes=1), media.fetch)]
    if settings.comment_minutes:
        comments = Comments(app.desk, channel.api, settings.comment_days, settings.articles)
        every = IntervalTrigger(minutes=settings.comment_minutes)
        jobs.append(Job("wechat_comments", every, comments.fetch))
    return jobs


def _console(app: App) -> ConsoleSite | None:
    settings = app.settings.console
    if not settings.enabled:
        return None
    rules = SigninRules(
        longest=timedelta(hours=settings.session_hours),
        idle=timedelta(minutes=settings.idle_minutes),
        code_roles=frozenset(Role(role) for role in settings.code_roles),
    )
    signin = Signin(app.desk.office, session_secret(app.settings), rules)
    return ConsoleSite(signin, app.settings.http.public_url)


async def _console_line(console: ConsoleSite, base: str) -> str:
    """Where staff sign in; before there is an administrator, the link that makes one."""
    line = f"工作台　　{base}/console/\n"
    if await console.signin.needs_setup():
        key = console.signin.setup_token
        line += f"首次设置　{base}/console/setup?key={key}（建立第一个管理员，用过即失效）\n"
    return line


def _webhook(app: App, pair: tuple[Dispatcher, Bot]) -> Webhook:
    from handlers.telegram.updates import handle
    from handlers.telegram.webhook import set_webhook

    telegram, base = app.settings.telegram, app.settings.http.public_url
    if not base:
        raise ConfigError("http.public_url：推送方式需要对外网址，Telegram 要往这里送消息")
    secret = telegram.webhook_secret.get_secret_value()
    app.start(set_webhook(*pair, f"{base}/telegram/webhook", secret, app.stopping), "webhook")

    return Webhook(secret, partial(handle, *pair))


async def _announce(app: App, lines: list[str]) -> None:
    """What runs where, and what to do next."""
    entries = len(app.desk.office.library)
    database = "SQLite" if app.db.is_sqlite else "PostgreSQL"
    waiting = await app.desk.review.summary()
    text = "\n".join(
        [
            "问办已启动",
            *lines,
            f"知识库　　{entries} 条　数据库　{database}",
            f"待办　　　{waiting}",
            "下一步　　打开上面的网页问一句“身份证丢了怎么补”；"
            "导入自己的知识库用 wenban kb import 文件；按 Ctrl-C 停止。",
        ]
    )
    print(text, flush=True)  # noqa: T201
