"""How much time is left to answer, counted in working time, in words. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from bot.clock import SHANGHAI, Calendar
from bot.desk.wording import spoken_day
from storage.models import Case

_SOON = timedelta(days=1)
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
    hours, minutes = divmod(int(rest.total_seconds()) // 60, 60)
    if days >= 3:
        return f"{days} 个工作日"
    if days:
        return f"{days} 个工作日 {hours} 小时"
    return f"{hours} 小时 {minutes} 分" if hours else f"{minutes} 分钟"
