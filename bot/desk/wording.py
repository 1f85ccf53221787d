"""What the office says to citizens: short lines, the answer first, no officialese."""

from __future__ import annotations

from datetime import datetime

from bot.channels.base import Button, Outgoing
from bot.clock import SHANGHAI
from knowledge.catalog import Entry
from knowledge.matcher import Candidate

GRADES = ("非常满意", "满意", "基本满意", "不满意", "非常不满意")
OUTCOMES = {
    "rectified": "联系上，已整改",
    "explained": "联系上，未整改",
    "unreachable": "联系不上",
}
GREETING = "您好，请直接说您要办的事，比如“身份证丢了怎么补”。"
THANKS = "不客气，有事随时问我。"
PUZZLED = "我没看明白。请用一句话说说您要办的事，或者发“转人工”。"
EMERGENCY = (
    "如果有人身危险，请马上拨打：\n报警 110　火警 119　急救 120　交通事故 122\n"
    "您的消息已经加急转给工作人员。"
)
ASK_RATING = "感谢反馈。您对这次办理满意吗？"
RESOLVED = "您的诉求 #{case} 答复后您没有提出异议，已经办结。您对这次办理满意吗？"
MERGED = "您的诉求 #{case} 和 #{kept} 是同一件事，合在一起办理，答复也会发到这里。"
ADDED = "已补充到您的诉求 #{case}，工作人员会一起看。"


def answer_text(entry: Entry) -> str:
    """The answer first, then what it rests on and who is responsible."""
    lines = [entry.answer.strip()]
    facts = [
        f"依据：{entry.basis}" if entry.basis else "",
        f"承办：{entry.department}" if entry.department else "",
    ]
    if any(facts):
        lines += ["", *(fact for fact in facts if fact)]
    return "\n".join(lines)


def link_rows(entry: Entry | None) -> tuple[tuple[Button, ...], ...]:
    """办事入口 as one button a row."""
    links = entry.links if entry else ()
    return tuple((Button(link.title or "办事入口", url=link.url),) for link in links)


def feedback_row(case_id: int) -> tuple[Button, ...]:
    return (
        Button("有帮助", action=f"c:helpful:{case_id}"),
        Button("没解决", action=f"c:unhelpful:{case_id}"),
    )


def clarification(
    case_id: int, first: int, choices: tuple[Candidate, ...], reply_to: str
) -> Outgoing:
    """Ask which of a few matters is meant, numbered from ``first`` on; the last is a person."""
    rows = [
        (Button(choice.entry.question[:40], action=f"c:choose:{case_id}:{number}"),)
        for number, choice in enumerate(choices, first)
    ]
    rows.append((Button("都不是，转人工", action=f"c:choose:{case_id}:none"),))
    numbered = "\n".join(f"{n}. {c.entry.question}" for n, c in enumerate(choices, 1))
    text = f"您要办的是哪一件？点一下，或回复数字：\n{numbered}"
    return Outgoing(text, tuple(rows), reply_to=reply_to)


def acknowledgement(due: datetime | None, provisional: bool) -> str:
    """自动回执: a person has it, and by when."""
    if due is None:
        return "已转给工作人员，会尽快回复您。"
    # The last moment of a day is meant, not the first of the next.
    until = f"{spoken_day(due)}前"
    note = "（节假日安排公布后可能调整）" if provisional else ""
    return f"这件事需要工作人员回复您，最晚{until}{note}。\n发“我的诉求”可查看进度。"


def supplement(case_id: int, request: str, workdays: int, *, in_public: bool) -> str:
    """What is asked for, and what becomes of the time meanwhile."""
    care = "这里是公开的，请不要写电话、住址等个人信息。" if in_public else ""
    return (
        f"您的诉求 #{case_id} 还需要您补充：\n{request}\n\n"
        f"请在这里直接回复。{care}等您回复期间办理时限暂停计算，最多 {workdays} 个工作日。"
    )


def recategorised(case_id: int, category: str, due: datetime) -> str:
    return f"您的诉求 #{case_id} 按“{category}”办理，最晚{spoken_day(due)}前回复。"


def extended(case_id: int, due: datetime, reason: str) -> str:
    """延期: until when, and why."""
    return f"您的诉求 #{case_id} 需要更多时间办理，最晚{spoken_day(due)}前回复。原因：{reason}"


def unmerged(case_id: int, due: datetime | None) -> str:
    until = f"，最晚{spoken_day(due)}前回复" if due else ""
    return f"您的诉求 #{case_id} 改为单独办理{until}。"


def spoken_day(moment: datetime) -> str:
    """``11月27日 24:00`` for a midnight that ends the day, else with the clock time."""
    local = moment.astimezone(SHANGHAI)
    if (local.hour, local.minute) == (0, 0):
        ended = datetime.fromtimestamp(local.timestamp() - 1, SHANGHAI)
        return f"{ended.month}月{ended.day}日24:00"
    return f"{local.month}月{local.day}日{local:%H:%M}"


def rated(grade: int, callback_due: datetime | None) -> str:
    """What is said to a grade; to a poor one, that somebody will call, and by when."""
    text = f"已记下您的评价：{GRADES[grade - 1]}。"
    if callback_due is None:
        return f"{text}谢谢！"
    return f"{text}我们会在{spoken_day(callback_due)}前派人回访。"


def grade_rows(case_id: int) -> tuple[tuple[Button, ...], ...]:
    """The five grades, one a row."""
    return tuple(
        (Button(grade, action=f"c:rate:{case_id}:{number}"),)
        for number, grade in enumerate(GRADES, 1)
    )


def split_at_sense(text: str, limit: int) -> list[str]:
    """The text in parts of at most ``limit`` characters, cut at paragraphs or sentences."""
    parts: list[str] = []
    rest = text.strip()
    while len(rest) > limit:
        cut = _cut(rest, limit)
        parts.append(rest[:cut].rstrip())
        rest = rest[cut:].lstrip()
    return [*parts, rest] if rest or not parts else parts


def _cut(text: str, limit: int) -> int:
    window = text[:limit]
    for marks in ("\n\n", "\n", "。", "！", "？", "；", "，", " "):
        place = window.rfind(marks)
        if place >= limit // 2:
            return place + len(marks)
    return limit
