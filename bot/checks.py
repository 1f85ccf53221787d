"""Is everything that the office needs there, and what to do where it is not."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing, closing
from datetime import date
from pathlib import Path
from typing import Any

import aiohttp
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError

from bot.channels.base import SendError
from bot.clock import Calendar
from bot.config import ConfigError, read_bundles, read_ranker, read_scorecards
from bot.desk.premises import Finding, Level
from bot.outfit import open_library, open_wechat, rules
from bot.settings import Settings, TelegramSettings
from knowledge import catalog
from knowledge.bundles import check_bundles, compose
from knowledge.catalog import Entry, local_today
from knowledge.risk import Source
from knowledge.semantic import Embedder, SemanticError, open_embedder
from knowledge.vectors import Meaning, VectorCache
from storage import entries, people
from storage.backup import current_revision, head_revision
from storage.coordination import LocalCoordination
from storage.db import Database, DatabaseUrlError

_PATIENCE = aiohttp.ClientTimeout(total=10)


async def look(settings: Settings) -> list[Finding]:
    """Everything there is to say. Nothing is created or changed."""
    findings = [_clock(settings), _scorecards(settings), _ranker(settings)]
    async with aclosing(_database(settings)) as looking:
        findings += [one async for one in looking]
    findings += await asyncio.gather(
        _redis(settings), _telegram(settings.telegram), _wechat(settings)
    )
    return [*findings, _web(settings), *_sources(settings)]


def _clock(settings: Settings) -> Finding:
    try:
        rules_ = rules(settings)
        profile, calendar = rules_.profile, rules_.calendar
    except (ConfigError, ValueError) as error:
        return Finding("时限与日历", Level.BAD, str(error))
    unknown = [str(year) for year in _years(local_today()) if _unknown(calendar, year)]
    text = f"{profile.name}；日历 {calendar.version}"
    if not unknown:
        return Finding("时限与日历", Level.GOOD, text)
    advice = f"{'、'.join(unknown)} 年没有官方节假日，时限只能暂定；公布后请填 clock.calendar_file"
    return Finding("时限与日历", Level.NOTE, f"{text}；{advice}")


def _scorecards(settings: Settings) -> Finding:
    try:
        names = [one.name for one in read_scorecards(settings.assessment)]
    except ConfigError as error:
        return Finding("计分卡", Level.BAD, str(error))
    return Finding("计分卡", Level.GOOD, "、".join(names) or "没有")


def _ranker(settings: Settings) -> Finding:
    name, file = "匹配权重", settings.knowledge.ranker_file
    try:
        read_ranker(settings.knowledge)
    except ConfigError as error:
        return Finding(name, Level.BAD, str(error))
    return Finding(name, Level.GOOD, f"本单位的 {file}" if file else "程序自带")


def _years(today: date) -> list[int]:
    """The years that deadlines set today may touch."""
    return [today.year] if today.month < 11 else [today.year, today.year + 1]


def _unknown(calendar: Calendar, year: int) -> bool:
    return calendar.provisional(date(year, 6, 15))


async def _database(settings: Settings) -> AsyncGenerator[Finding, None]:
    """The database and, where it can be read, what it holds. Nothing is created or changed."""
    try:
        if missing := _missing_file(settings.database_url):
            yield Finding("数据库", Level.NOTE, f"{missing} 还没有，首次 wenban run 时建立")
            return
        database = Database(settings.database_url)
    except (DatabaseUrlError, ArgumentError) as error:
        yield Finding("数据库", Level.BAD, str(error))
        return
    try:
        async with database.engine.connect() as connection:
            revision = await current_revision(connection)
        yield _revision(revision)
        if revision == head_revision():
            yield await _knowledge(database)
            if finding := await _bundles(database, settings):
                yield finding
            yield await _answering(database, settings)
            yield await _semantic(database, settings)
            yield await _staff(database)
    except Exception as error:  # drivers raise what they like
        reason = str(getattr(error, "orig", None) or error).split("\n")[0]
        yield Finding("数据库", Level.BAD, f"连不上：{reason}。请核对 database.url、用户和权限")
    finally:
        await database.close()


def _missing_file(address: str) -> str:
    """The SQLite file that is not there yet; looking at it would create it."""
    url = make_url(address)
    file = url.database or ""
    return file if url.get_backend_name() == "sqlite" and not Path(file).exists() else ""


def _revision(revision: str) -> Finding:
    if revision == head_revision():
        return Finding("数据库", Level.GOOD, f"版本 {revision}")
    if not revision:
        return Finding(
            "数据库", Level.NOTE, "还没有表，首次 wenban run 或 wenban db upgrade 时建立"
        )
    return Finding("数据库", Level.NOTE, f"版本 {revision} 较旧，请运行 wenban db upgrade")


async def _knowledge(database: Database) -> Finding:
    async with database.read() as session:
        known = await entries.load(session)
    if not known:
        return Finding("知识库", Level.NOTE, "没有条目，请用 wenban kb import 导入")
    problems = catalog.check_entries(known)
    text = f"{len(known)} 条，{_automatic(known)} 条可自动回复"
    if problems:
        text += f"；{len(problems)} 处要改，用 wenban kb check 查看"
    return Finding("知识库", Level.NOTE if problems else Level.GOOD, text)


async def _bundles(database: Database, settings: Settings) -> Finding | None:
    """Whether every 一件事 stands on entries that hold; the shipped ones only where in use."""
    try:
        found = read_bundles(settings.knowledge)
    except ConfigError as error:
        return Finding("一件事", Level.BAD, str(error))
    async with database.read() as session:
        known = {entry.id: entry for entry in await entries.load(session)}
    if settings.knowledge.bundles_file == "sample":
        found = tuple(one for one in found if compose(one, known.get))
    if not found:
        return None
    problems = [text for _, text in check_bundles(found, known.get, local_today())]
    text = "、".join(one.name for one in found)
    if problems:
        text += f"；{len(problems)} 处要改：{problems[0]}"
    return Finding("一件事", Level.NOTE if problems else Level.GOOD, text)


async def _answering(database: Database, settings: Settings) -> Finding:
    """How sure an automatic answer must be now, and what people's decisions say of it."""
    standing = await open_library(database, settings).weigh()
    text = standing.source.value
    if standing.source is not Source.WITHHELD:
        text = f"把握不低于 {standing.answer_at:.0%} 才自动答复（{text}）"
    if standing.coverage is not None:
        text += (
            f"；其上人工判断 {standing.decisions} 件，答错 {standing.wrong} 件，"
            f"答错率上限 {standing.bound:.1%}，覆盖 {standing.coverage:.0%}"
        )
    level = Level.NOTE if standing.source is Source.WITHHELD else Level.GOOD
    return Finding("自动答复", level, text)


async def _semantic(database: Database, settings: Settings) -> Finding:
    """The model is opened, and the vectors that the running program has kept are counted."""
    name = "语义匹配"
    try:
        model = await asyncio.to_thread(open_embedder, *settings.knowledge.embedder)
    except SemanticError as error:
        return Finding(name, Level.BAD, f"{error} 修好之前只按字词匹配")
    if model is None:
        off = settings.knowledge.semantic == "off"
        text = "没有可用的语义模型" if not off else "knowledge.semantic 为 off"
        return Finding(name, Level.GOOD if off else Level.NOTE, f"只按字词匹配（{text}）")
    async with database.read() as session:
        known = await entries.load(session)
    missing, total = await asyncio.to_thread(_missing_vectors, model, settings.vectors_dir, known)
    text = f"{model.name}；语义向量 {total - missing}/{total}"
    if not missing:
        return Finding(name, Level.GOOD, text)
    return Finding(name, Level.NOTE, f"{text}，其余在程序运行时补算，算好之前只按字词匹配")


def _missing_vectors(model: Embedder, folder: Path, known: list[Entry]) -> tuple[int, int]:
    """How many texts have no vector yet, of how many. Nothing is created."""
    kept = folder if folder.exists() else None
    with closing(VectorCache(kept)) as cache:
        meaning = Meaning(model, cache)
        for entry in known:
            meaning.put(entry)
        return meaning.missing, meaning.total


def _automatic(known: list[Entry]) -> int:
    today = local_today()
    return sum(entry.automatic and entry.valid_on(today) for entry in known)


async def _staff(database: Database) -> Finding:
    async with database.read() as session:
        active = [one for one in await people.everyone(session) if one.active]
    if active:
        return Finding("工作人员", Level.GOOD, f"{len(active)} 人")
    return Finding("工作人员", Level.NOTE, "没有登记，难题无人处理；请用 wenban user add 登记")


async def _redis(settings: Settings) -> Finding:
    if not settings.redis.url:
        return Finding("Redis", Level.GOOD, "未配置，单进程运行不需要")
    from redis.asyncio import Redis
    from redis.exceptions import RedisError

    try:
        async with Redis.from_url(settings.redis.url, socket_connect_timeout=5) as redis:
            await redis.get("wenban:check")
    except (RedisError, OSError, ValueError) as error:
        return Finding("Redis", Level.BAD, f"连不上：{error}。请核对 redis.url")
    return Finding("Redis", Level.GOOD, "可用")


async def _telegram(telegram: TelegramSettings) -> Finding:
    if not telegram.enabled:
        return Finding("Telegram", Level.GOOD, "未配置令牌，不启用")
    try:
        bot = await _ask(telegram, "getMe", {})
        if telegram.staff_chat:
            await _ask(telegram, "getChat", {"chat_id": telegram.staff_chat})
    except _RefusedError as error:
        return Finding("Telegram", Level.BAD, str(error))
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        reason = type(error).__name__  # the text may hold the token
        return Finding("Telegram", Level.BAD, f"连不上（{reason}）。请核对 telegram.api_url 和网络")
    return Finding("Telegram", *_staff_chat(telegram, str(bot.get("username", ""))))


def _staff_chat(telegram: TelegramSettings, name: str) -> tuple[Level, str]:
    if telegram.staff_chat:
        return Level.GOOD, f"@{name}，工作人员群可用"
    return Level.NOTE, f"@{name}；没有设 telegram.staff_chat，逐个发给登记了 Telegram 的人员"


class _RefusedError(Exception):
    """The platform's answer was no."""


async def _ask(telegram: TelegramSettings, method: str, query: dict[str, str]) -> dict[str, Any]:
    token = telegram.token.get_secret_value()
    url = f"{telegram.api_url.rstrip('/')}/bot{token}/{method}"
    async with (
        aiohttp.ClientSession(timeout=_PATIENCE) as client,
        client.get(url, params=query) as response,
    ):
        answer = await response.json(content_type=None)
    if isinstance(answer, dict) and answer.get("ok"):
        return dict(answer["result"])
    advice = _ADVICE[method]
    raise _RefusedError(f"{advice}（{response.status}）")


_ADVICE: dict[str, str] = {
    "getMe": "令牌无效，请向 @BotFather 核对后重设 WENBAN_TELEGRAM__TOKEN",
    "getChat": "找不到工作人员群，请核对 telegram.staff_chat，并把机器人拉进群",
}


async def _wechat(settings: Settings) -> Finding:
    name, wechat = "公众号", settings.wechat
    if not wechat.enabled:
        return Finding(name, Level.GOOD, "未配置 AppID，不启用")
    channel = open_wechat(settings, LocalCoordination())
    try:
        said = await channel.probe()
    except SendError as error:
        return Finding(name, Level.BAD, str(error))
    finally:
        await channel.close()
    if wechat.mode == "plain":
        return Finding(name, Level.NOTE, f"{said}；明文模式，建议在公众平台后台改为安全模式")
    if not settings.http.public_url.startswith("https://"):
        return Finding(name, Level.NOTE, f"{said}；请填 http.public_url（微信要从外网打开的网址）")
    return Finding(name, Level.GOOD, said)


def _sources(settings: Settings) -> list[Finding]:
    """How each platform without a connector is reached."""
    ways = {"webhook": "推送答复", "poll": "对方来取答复", "manual": "手工发布答复"}
    found = []
    for name, one in settings.sources.items():
        given = bool(one.secret.get_secret_value())
        door = "接口已开" if given else "没有口令，只能导入文件"
        text = f"{one.platform}，{door}，{ways[one.delivery]}"
        found.append(Finding(f"来源 {name}", Level.GOOD if given else Level.NOTE, text))
    return found


def _web(settings: Settings) -> Finding:
    if not settings.web.enabled:
        return Finding("网页咨询", Level.GOOD, "未启用")
    address = f"http://{settings.http.host}:{settings.http.port}/"
    outside = settings.http.host not in ("127.0.0.1", "localhost", "::1")
    if outside and not settings.http.public_url.startswith("https://"):
        return Finding("网页咨询", Level.NOTE, f"{address}；对外服务请用 https 的反向代理")
    return Finding("网页咨询", Level.GOOD, address)
