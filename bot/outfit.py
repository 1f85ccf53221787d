"""What the settings make of an office: its rules, its knowledge, what its administrators see."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, SecretStr

from bot.channels.base import Capabilities, Channel
from bot.channels.waiting import WaitingChannel
from bot.config import ConfigError, read_bundles, read_calendar, read_scorecards
from bot.deadlines import profiles
from bot.desk import Library, Rules
from bot.desk.premises import Finding, Premises, Setting
from bot.reports import Letterhead
from bot.settings import Settings
from bot.sources import SourceSettings
from knowledge.matcher import Policy
from storage.coordination import Coordination
from storage.db import Database

if TYPE_CHECKING:
    from bot.channels.wechat import WechatChannel
    from knowledge.ranker import Weights

_AWAITS: dict[str, Literal["", "program", "person"]] = {
    "webhook": "",
    "poll": "program",
    "manual": "person",
}
_PASSWORD = re.compile(r"(?<=:)[^:/@]+(?=@)")


def rules(settings: Settings) -> Rules:
    """The office's rules from the settings. Raises ConfigError for an unknown profile."""
    known = profiles()
    if settings.clock.profile not in known:
        raise ConfigError(f"clock.profile：没有这个时限方案，可选 {'、'.join(known)}")
    return Rules(
        profile=known[settings.clock.profile],
        calendar=read_calendar(settings.clock),
        burst=timedelta(seconds=settings.desk.burst_seconds),
        settle=timedelta(seconds=min(0.4, settings.desk.burst_seconds)),
        acknowledge=settings.desk.acknowledge,
        resolve_after_days=settings.desk.resolve_after_days,
        snooze=timedelta(minutes=settings.desk.snooze_minutes),
        undo=timedelta(seconds=settings.console.undo_seconds),
        departments=settings.desk.departments,
        extensions=settings.clock.extensions,
        extension_workdays=settings.clock.extension_workdays,
        supplement_workdays=settings.clock.supplement_workdays,
        transfer_workdays=settings.clock.transfer_workdays,
        callback_workdays=settings.clock.callback_workdays,
        keep_citizen_days=settings.desk.keep_citizen_days,
        menu_days=settings.knowledge.menu_days,
        menu_pins=settings.knowledge.menu_pins,
        staff_place=settings.telegram.staff_chat,
        lease=timedelta(seconds=settings.outbox.lease_seconds),
        max_attempts=settings.outbox.max_attempts,
        backoff=timedelta(seconds=settings.outbox.backoff_seconds),
        backoff_limit=timedelta(seconds=settings.outbox.backoff_limit_seconds),
        scorecards=tuple(read_scorecards(settings.assessment)),
        letterhead=Letterhead(settings.assessment.issuer, settings.assessment.recipients),
    )


def open_library(
    db: Database, settings: Settings, weights: Mapping[str, Weights] | None = None
) -> Library:
    """The knowledge base with the configured policy, still empty."""
    knowledge = settings.knowledge
    policy = Policy(answer_at=knowledge.answer_at) if knowledge.answer_at else Policy()
    limits = knowledge.risk, knowledge.decisions_required
    return Library(db, policy, *limits, weights, read_bundles(knowledge))


def source_channels(settings: Settings) -> dict[str, Channel]:
    """The ways out of the platforms that have no connector of their own."""
    lease = settings.outbox.lease_seconds
    return {name: _source_channel(name, one, lease) for name, one in settings.sources.items()}


def _source_channel(name: str, source: SourceSettings, lease: float) -> Channel:
    can = Capabilities(
        max_length=source.max_length,
        buttons=False,
        edits=False,
        links=source.links,
        mentions=source.manner == "mention",
        awaits=_AWAITS[source.delivery],
        wait=source.citizen_wait,
        per_second=20.0 if source.delivery == "webhook" else 0,
        per_place_seconds=0,
        per_group_minute=0,
        post_limit=source.replies_per_post,
        post_window=timedelta(minutes=source.replies_minutes),
        beyond=source.beyond,
    )
    if source.delivery == "webhook":
        # aiohttp takes a while to import; without such a source nobody should wait for it.
        from bot.channels.ingest import PATIENCE, WebhookChannel

        secret = source.secret.get_secret_value()
        # A push ends before its delivery's lease does, so that no other worker pushes it too.
        timeout = min(PATIENCE, lease / 2)
        return WebhookChannel(name, source.webhook_url, source.key_id, secret, can, timeout)
    way = "由对方来取答复" if source.delivery == "poll" else "由工作人员手工发布"
    return WaitingChannel(can, way)


def open_wechat(settings: Settings, coordination: Coordination) -> WechatChannel:
    """The Official Account's way out."""
    from bot.channels.wechat import WechatChannel
    from bot.channels.wechatapi import TIMEOUT, WechatApi

    wechat = settings.wechat
    # A send ends before its delivery's lease does, so that no other worker sends it too.
    timeout = min(TIMEOUT, settings.outbox.lease_seconds / 6)
    secret = wechat.app_secret.get_secret_value()
    api = WechatApi(wechat.app_id, secret, wechat.api_url, coordination, timeout)
    return WechatChannel(api, elect_replied=wechat.elect_replied)


def premises(settings: Settings, check: Callable[[], Awaitable[Sequence[Finding]]]) -> Premises:
    """What administrators may see of the settings, where backups are put, and how to look
    whether all is well."""
    folder = settings.app.data_dir
    return Premises(
        tuple(_shown(settings)), folder / "backups", check, folder, tuple(settings.sources)
    )


def _shown(settings: Settings) -> Iterator[Setting]:
    parts: dict[str, BaseModel] = {
        section: part
        for section in type(settings).model_fields
        if isinstance(part := getattr(settings, section), BaseModel)
    }
    parts |= {f"sources.{name}": source for name, source in settings.sources.items()}
    for section, part in parts.items():
        for name, field in type(part).model_fields.items():
            value = getattr(part, name)
            default = field.get_default(call_default_factory=True)
            yield Setting(
                f"{section}.{name}",
                _spoken(value),
                field.description or "",
                changed=value != default,
                variable=f"WENBAN_{section.replace('.', '__')}__{name}".upper(),
            )


def _spoken(value: Any) -> str:
    """A setting as it may be shown: of a secret, whether there is one."""
    if isinstance(value, SecretStr):
        return "已设置" if value.get_secret_value() else "未设置"
    if isinstance(value, bool):
        return "是" if value else "否"
    if isinstance(value, tuple):
        return "、".join(map(str, value)) or "空"
    if isinstance(value, Mapping):
        return "；".join(f"{name} {_spoken(one)}" for name, one in value.items()) or "空"
    return "空" if value in (None, "") else _PASSWORD.sub("***", str(value))
