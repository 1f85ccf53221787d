"""What the office says to citizens: short lines, the answer first, no officialese."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from rapidfuzz import fuzz

from bot.channels.base import PRESS_OR_TYPE, TYPE, Button, Capabilities, Outgoing
from bot.clock import SHANGHAI
from knowledge.bundles import PREFIX
from knowledge.catalog import Entry, Link
from knowledge.explain import differences
from knowledge.matcher import Candidate

_NUMERALS = "零一二三四五六七八九十"
_YES = {"是", "是的", "对", "对的", "嗯", "嗯嗯", "没错", "就是", "是这个", "好", "好的", "要"}
_SAME_TITLE = 85
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
FEEDBACK = "没解决请回复“转人工”。"
ABRIDGED = "……（没有写完，请私信本账号，把问题发来看全文）"
READ_ON = "……\n\n查看全文和办事入口：{url}"
ADDED = "已补充到您的诉求 #{case}，工作人员会一起看。"


def answer_text(*entries: Entry) -> str:
    """The answer to each question in turn, under its title when there are several."""
    if len(entries) == 1:
        return _answer(entries[0])
    count = _NUMERALS[len(entries)]
    parts = (
        f"{_NUMERALS[number]}、{entry.question}\n{_answer(entry)}"
        for number, entry in enumerate(entries, 1)
    )
    return "\n\n".join([f"您问了{'两' if count == '二' else count}件事，逐件答复：", *parts])


def _answer(entry: Entry) -> str:
    """The answer first, then what it rests on and who is responsible."""
    lines = [entry.answer.strip()]
    leads = "牵头" if entry.id.startswith(PREFIX) else "承办"
    facts = [
        f"依据：{entry.basis}" if entry.basis else "",
        f"{leads}：{entry.department}" if entry.department else "",
    ]
    if any(facts):
        lines += ["", *(fact for fact in facts if fact)]
    return "\n".join(lines)


def pinned(question: str, text: str) -> str:
    """The answer to all who ask the same under a post."""
    asked = f"大家问的“{question}”" if question else "大家问的这件事"
    return f"【统一答复】{asked}：\n{text}\n\n{FEEDBACK}"


def link_rows(
    entries: Iterable[Entry], through: Callable[[Entry, Link], str] = lambda _, link: link.url
) -> tuple[tuple[Button, ...], ...]:
    """办事入口 as one button a row, each address once; ``through`` says where a button goes."""
    links = {link.url: (entry, link) for entry in entries for link in entry.links}
    return tuple(
        (Button(link.title or "办事入口", url=through(entry, link)),)
        for entry, link in links.values()
    )


def feedback_row(case_id: int) -> tuple[Button, ...]:
    return (
        Button("有帮助", action=f"c:helpful:{case_id}"),
        Button("没解决", action=f"c:unhelpful:{case_id}"),
    )


def in_words(outgoing: Outgoing, can: Capabilities) -> Outgoing:
    """The message as its platform carries it: without buttons, what they offer is said."""
    if can.buttons or not outgoing.buttons:
        return outgoing
    pressed = [one for row in outgoing.buttons for one in row]
    links = [one for one in pressed if one.url]
    lines = [f"{one.title}：{one.url}" for one in links] if can.links else _named(links)
    choices = [one for one in pressed if one.action.startswith("c:choose:")]
    if len(choices) == 2:
        lines.append("是的请回复“是”，不是请回复“转人工”。")
    elif choices:
        lines.append("都不是请回复“转人工”。")
    if any(one.action.startswith("c:unhelpful:") for one in pressed):
        lines.append(FEEDBACK)
    text = outgoing.text.replace(PRESS_OR_TYPE, f"请{TYPE}")
    whole = "\n\n".join(part for part in (text, "\n".join(lines)) if part)
    return replace(outgoing, text=whole, buttons=())


def _named(links: Sequence[Button]) -> list[str]:
    """Where to look, on a platform that takes no addresses."""
    titles = "".join(f"“{one.title}”" for one in links)
    return [f"办理入口请在政务服务网查看{titles}。"] if links else []


def clarification(
    case_id: int, first: int, choices: tuple[Candidate, ...], reply_to: str
) -> Outgoing:
    """Ask which of a few matters is meant, numbered from ``first`` on; the last is a person.

    Matters that differ in one detail are told apart by it; a single one is only confirmed.
    """
    frame, titles = differences([choice.entry.question for choice in choices])
    if len(choices) == 1:
        text = f"您问的是这件事吗？\n{titles[0]}"
        titles, refusal = ("是的，看答复",), "不是，转人工"
    else:
        which = f"您问的“{frame}”，是哪一种？" if frame else "您要办的是哪一件？"
        numbered = "\n".join(f"{number}. {title}" for number, title in enumerate(titles, 1))
        text, refusal = f"{which}{PRESS_OR_TYPE}：\n{numbered}", "都不是，转人工"
    rows = [
        (Button(title[:40], action=f"c:choose:{case_id}:{number}"),)
        for number, title in enumerate(titles, first)
    ]
    rows.append((Button(refusal, action=f"c:choose:{case_id}:none"),))
    return Outgoing(text, tuple(rows), reply_to=reply_to)


def typed_choice(typed: str, questions: Sequence[str]) -> int | None:
    """The place of the choice that somebody typed: its number, its title, or 是的 for a single."""
    said = typed.strip().rstrip("。.、！!~")
    if said.isdecimal() and 1 <= int(said) <= len(questions):
        return int(said) - 1
    if len(questions) == 1 and said in _YES:
        return 0
    _, titles = differences(questions)
    for place, names in enumerate(zip(questions, titles, strict=True)):
        if len(said) >= 4 and any(fuzz.ratio(said, name) >= _SAME_TITLE for name in names):
            return place
    return None


def wait(told: str, due: datetime | None) -> str:
    """An account's own 自动回执."""
    return told.replace("{due}", f"{spoken_day(due)}前" if due else "近日")


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
