"""How accounts are kept (账号健康): publishing, waiting messages, dead links. Pure.

An account whose last publication nobody registered is 未登记, never 正常; a link that was never
checked is unchecked, never alive.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from bot.assessment.census import OVER_3_MONTHS
from bot.assessment.figures import Figures
from bot.assessment.kinship import Kin, groups
from bot.clock import SHANGHAI

WARN_AFTER = timedelta(days=14)
CLUE_AFTER = timedelta(days=61)
ZOMBIE_AFTER = timedelta(days=91)
BASIS = (
    "14 日未更新：国办秘函〔2019〕19号（检查指标，单项否决）；"
    "超过 2 个月列为线索、超过 3 个月认定为僵尸账号、3 个月未回应提醒：2023—2025 年省级通知的做法，"
    "各地不一，以本地要求为准。2 个月按 61 日、3 个月按 91 日计。"
)
RETIRED = ("注销", "已注销", "关停", "已关停")
"""States of accounts that nobody is expected to keep."""


class Rung(StrEnum):
    """Where an account stands by its last publication; the value is what people call it."""

    ACTIVE = "正常"
    WARNING = "预警"
    CLUE = "线索"
    ZOMBIE = "僵尸账号"
    UNKNOWN = "未登记"
    RETIRED = "已停用"


_KEYS = {
    Rung.ACTIVE: "active",
    Rung.WARNING: "warning",
    Rung.CLUE: "clue",
    Rung.ZOMBIE: "zombie",
    Rung.UNKNOWN: "unknown",
    Rung.RETIRED: "retired",
}


@dataclass(frozen=True, slots=True)
class AccountCard:
    """One account as registered; ``topics`` counts the matters that it answered."""

    key: str
    name: str
    platform: str
    sponsor: str = ""
    responsible: str = ""
    description: str = ""
    state: str = ""
    last_published_at: datetime | None = None
    topics: Mapping[str, int] = field(default_factory=dict)

    @property
    def retired(self) -> bool:
        return self.state in RETIRED


@dataclass(frozen=True, slots=True)
class LinkUse:
    """A service link of an entry."""

    url: str
    label: str
    entry_id: str
    department: str


@dataclass(frozen=True, slots=True)
class LinkCheck:
    """What came of opening a link; ``failing_since`` is the first failure in a row."""

    reachable: bool
    problem: str
    checked_at: datetime
    failing_since: datetime | None = None


def rung(account: AccountCard, now: datetime) -> Rung:
    """Where the account stands by its last publication."""
    if account.retired:
        return Rung.RETIRED
    if account.last_published_at is None:
        return Rung.UNKNOWN
    silent = now - account.last_published_at
    if silent > ZOMBIE_AFTER:
        return Rung.ZOMBIE
    if silent > CLUE_AFTER:
        return Rung.CLUE
    return Rung.WARNING if silent > WARN_AFTER else Rung.ACTIVE


def health(
    accounts: Sequence[AccountCard],
    ages: Mapping[str, Figures],
    links: Sequence[LinkUse],
    checks: Mapping[str, LinkCheck],
    now: datetime,
) -> Figures:
    """Everything known of the accounts as of now, under stable keys; ``ages`` are those of the
    unanswered turns by account (`Assessment.ages`)."""
    rows = [_account(one, ages.get(one.key), now) for one in accounts]
    kin = [
        Kin(one.key, one.name, one.platform, one.sponsor, one.description, one.topics)
        for one in accounts
        if not one.retired
    ]
    return {
        "basis": BASIS,
        "as_of": _iso(now),
        "limits_days": {
            "warning": WARN_AFTER.days,
            "clue": CLUE_AFTER.days,
            "zombie": ZOMBIE_AFTER.days,
            "unanswered": OVER_3_MONTHS.days,
        },
        "counts": {key: sum(row["rung"] == key for row in rows) for key in _KEYS.values()},
        "accounts": rows,
        "links": _links(links, checks),
        "same_function": groups(kin),
    }


def _account(account: AccountCard, ages: Figures | None, now: datetime) -> Figures:
    stands, last = rung(account, now), account.last_published_at
    return {
        "key": account.key,
        "name": account.name,
        "platform": account.platform,
        "sponsor": account.sponsor,
        "responsible": account.responsible,
        "state": account.state,
        "last_published_at": _iso(last),
        "days_silent": (now - last).days if last else None,
        "rung": _KEYS[stands],
        "stands": str(stands),
        "unanswered": ages,
        "warnings": list(_warnings(account, stands, ages, now)),
    }


def _warnings(
    account: AccountCard, stands: Rung, ages: Figures | None, now: datetime
) -> Iterator[str]:
    last = account.last_published_at
    days = (now - last).days if last else 0
    if stands is Rung.WARNING:
        yield f"{days} 日未更新，已触及单项否决（14 日）"
    elif stands is Rung.CLUE:
        yield f"{days} 日未更新，列为线索（超过 2 个月）"
    elif stands is Rung.ZOMBIE:
        yield f"{days} 日未更新，达到僵尸账号标准（超过 3 个月）"
    elif stands is Rung.UNKNOWN:
        yield "没有登记最后发布时间，无法判断是否更新"
    if stands is Rung.RETIRED and ages:
        yield f"已停用，仍有 {ages['all']} 件未答复"
    if ages and ages["older"]:
        yield f"{ages['older']} 件留言超过 3 个月未答复，最久 {ages['oldest_days']:.0f} 日"
    if not account.sponsor and not account.retired:
        yield "没有登记主办单位"


def _links(links: Sequence[LinkUse], checks: Mapping[str, LinkCheck]) -> Figures:
    uses: dict[str, list[LinkUse]] = {}
    for link in links:
        uses.setdefault(link.url, []).append(link)
    known = {url: checks[url] for url in uses if url in checks}
    dead = {url: check for url, check in known.items() if not check.reachable}
    oldest = min((check.checked_at for check in known.values()), default=None)
    order = sorted(dead, key=lambda url: (dead[url].failing_since or dead[url].checked_at, url))
    return {
        "total": len(uses),
        "checked": len(known),
        "unchecked": len(uses) - len(known),
        "dead": len(dead),
        "oldest_check_at": _iso(oldest),
        "dead_links": [_dead(url, dead[url], uses[url]) for url in order],
    }


def _dead(url: str, check: LinkCheck, uses: Sequence[LinkUse]) -> dict[str, Any]:
    return {
        "url": url,
        "label": uses[0].label,
        "entries": sorted({use.entry_id for use in uses}),
        "departments": sorted({use.department for use in uses if use.department}),
        "problem": check.problem,
        "failing_since": _iso(check.failing_since),
        "checked_at": _iso(check.checked_at),
    }


def _iso(moment: datetime | None) -> str | None:
    return moment.astimezone(SHANGHAI).isoformat(timespec="seconds") if moment else None
