"""How much time is left to answer, counted in working time, in words. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from bot.clock import SHANGHAI, Calendar
from bot.desk.wording import spoken_day
from storage.models import Case

_SOON = timedelta(days=1)
_CLOSING = timedelta(hours=6)
_WEEKDAYS = "一二三四五六日"


@dataclass(frozen=True, slots=True)
class Countdown:
    """``tone`` is late, soon, calm or none; ``exact`` is the due time to the minute."""

    words: str
    tone: str
    exact: str = ""


def countdown(case: Case, calendar: Calendar, now: datetime) -> Countdown:
    """What is left of a case's working time, or how far it is over."""
    if case.due_at is None:
        return Countdown("未设时限", "none")
    exact = f"到期 {exact_moment(case.due_at)}（{spoken_day(case.due_at)}）"
    if case.due_provisional:
        exact += "，暂定"
    if case.paused_at is not None:
        return Countdown("计时暂停", "none", exact)
    hours = calendar.of(case.department)
    if now < case.due_at:
        left = hours.working_time(now, case.due_at)
        tone = "soon" if case.due_at - now < _SOON or left < _day(hours) / 3 else "calm"
        return Countdown(f"剩 {_spoken(left, _day(hours))}", tone, exact)
    over = hours.working_time(case.due_at, now)
    return Countdown(f"超期 {_spoken(over, _day(hours))}", "late", exact)


def window(closes_at: datetime | None, now: datetime) -> Countdown | None:
    """How long the platform lets the citizen be written to; None where it is for ever."""
    if closes_at is None:
        return None
    exact = f"平台只许在群众最近一次来消息后的一段时间里主动回复，到 {exact_moment(closes_at)}"
    left = closes_at - now
    if left <= timedelta(0):
        return Countdown("平台的回复时限已过", "late", exact)
    tone = "soon" if left < _CLOSING else "calm"
    return Countdown(f"平台还可回复 {_hours(left)}", tone, exact)


def ago(moment: datetime, now: datetime) -> str:
    """How long ago, in words."""
    seconds = max(int((now - moment).total_seconds()), 0)
    if seconds < 60:
        return "刚刚"
    if seconds < 3600:
        return f"{seconds // 60} 分钟前"
    local, today = moment.astimezone(SHANGHAI), now.astimezone(SHANGHAI).date()
    if local.date() == today:
        return f"今天 {local:%H:%M}"
    if local.date() == today - _SOON:
        return f"昨天 {local:%H:%M}"
    if local.year == today.year:
        return f"{local.month}月{local.day}日"
    return f"{local.year}年{local.month}月{local.day}日"


def exact_moment(moment: datetime) -> str:
    local = moment.astimezone(SHANGHAI)
    return f"{local:%Y-%m-%d %H:%M} 星期{_WEEKDAYS[local.weekday()]}"


def _day(calendar: Calendar) -> timedelta:
    """How much working time a working day has."""
    if not calendar.spans:
        return _SOON
    return sum((_length(*span) for span in calendar.spans), timedelta(0))


def _length(start: time, end: time) -> timedelta:
    minutes = (end.hour * 60 + end.minute) or 24 * 60
    return timedelta(minutes=minutes - start.hour * 60 - start.minute)


def _spoken(span: timedelta, day: timedelta) -> str:
    days, rest = divmod(span, day)
    if days >= 3:
        return f"{days} 个工作日"
    if days:
        hours = int(rest.total_seconds()) // 3600
        return f"{days} 个工作日" + (f" {hours} 小时" if hours else "")
    return _hours(rest)


def _hours(span: timedelta) -> str:
    hours, minutes = divmod(int(span.total_seconds()) // 60, 60)
    if hours:
        return f"{hours} 小时" + (f" {minutes} 分" if minutes else "")
    return f"{minutes} 分钟" if minutes else "不到 1 分钟"


def lasting(span: timedelta) -> str:
    """How long something took, in words."""
    days = span.days
    if days >= 3:
        return f"{days:,} 天"
    rest = (span - timedelta(days=days)).seconds // 3600
    return f"{days} 天" + (f" {rest} 小时" if rest else "") if days else _hours(span)
