"""The staff card: one case on one small screen, with what can be done about it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from bot.channels.base import Button, Outgoing
from bot.desk import perfunctory
from bot.desk.repeats import likely
from bot.desk.taskcards import opinion, summary
from bot.desk.wording import GRADES, spoken_day
from bot.evasion import find
from bot.triage import Category
from knowledge.masking import mask
from storage.models import Case, Draft
from storage.queries import CaseView
from storage.terms import CaseState, DraftKind, ExclusionCode, TaskKind

_URGENCY = ("", "【较急】", "【紧急】")
_STEPS = ("", "初审", "复审", "终审")
_ATTACHMENTS = {
    "photo": "照片",
    "voice": "语音",
    "audio": "音频",
    "video": "视频",
    "document": "文件",
    "location": "位置",
    "sticker": "表情",
    "contact": "名片",
}
_SHOWN = 900
_PROPOSED = 3
CATEGORY_REASONS = {"misread": "研判有误", "other": "群众补充后是另一类事"}
RESUME_REASONS = {"elsewhere": "已从别处了解清楚", "needless": "不用补充也能答复"}
CLOSE_REASONS = {
    "elsewhere": "已在别处答复",
    "foreign": "与本单位无关",
    "repeated": "重复提交",
    "empty": "无实质内容",
}
EXTENSION_REASONS = {
    "complex": "情况复杂，需要现场核实",
    "joint": "需要多个部门会商",
    "appraisal": "需要检测或鉴定",
}
TRANSFER_REASONS = {"duty": "职责归口", "expert": "需专业答复", "asked": "群众指定"}
OVERRULE_REASONS = {
    "answered": "已答出群众所问",
    "grounds": "已说明依据或理由",
    "directed": "已告知去处和方式",
}


def card(view: CaseView, now: datetime) -> Outgoing:
    """The message (masked), the draft with its evidence, the deadline, and the actions."""
    case = view.case
    title = f"{_URGENCY[case.urgency]}诉求 #{case.id} · {case.category} · {view.account.name}"
    parts = [
        title,
        _deadline(view, now),
        f"承办：{case.department or '未定'}",
        *([f"注意：{case.reason}"] if case.reason else []),
        *(
            [f"同一帖子下共 {view.together} 件问这件事，可在工作台一起答复"]
            if view.together > 1
            else []
        ),
        *_standing(view),
        "",
        f"群众：{mask(_shorten(view.text)) or '（没有文字）'}",
        *_attachments(view),
        "",
        *_draft(view),
        "",
        f"前面 {view.before} 件 · 后面 {view.after} 件",
    ]
    return Outgoing("\n".join(parts), _actions(view))


def moved_on(view: CaseView) -> Outgoing:
    """What an outdated card becomes."""
    return Outgoing(f"诉求 #{view.case.id}：有新内容，请看下面的新卡片。")


def changeable(case: Case) -> bool:
    """Whether the category can be changed: while the case waits for staff, or was set aside by
    the program as nothing to answer."""
    aside = case.state == CaseState.CLOSED and not Category(case.category).must_answer
    return case.state == CaseState.WAITING or aside


def done(case: Case, line: str, buttons: tuple[tuple[Button, ...], ...] = ()) -> Outgoing:
    """What a card becomes when its case is dealt with."""
    return Outgoing(f"诉求 #{case.id}：{line}", buttons)


def choices(
    verb: str, case_id: int, version: int, options: Mapping[str, str], prefix: str = ""
) -> tuple[tuple[Button, ...], ...]:
    """Rows to choose from in place of a card's actions; the last one leads back.

    ``options`` are titles by key; each sends ``s:{verb}:{case}:{version}:{prefix}{key}``.
    """
    mark = f"{case_id}:{version}"
    rows = [
        (Button(title, action=f"s:{verb}:{mark}:{prefix}{key}"),) for key, title in options.items()
    ]
    return (*rows, (Button("返回", action=f"s:show:{mark}"),))


def more(case: Case, merged: bool) -> tuple[tuple[Button, ...], ...]:
    """The actions that are taken now and then; ``merged`` when others were merged into it."""
    mark = f"{case.id}:{case.version}"
    waiting = {"category": "改类别"} if changeable(case) else {}
    if case.state == CaseState.WAITING:
        pause = {"supplement": "请群众补充"} if case.paused_at is None else {"resume": "结束等待"}
        waiting |= {**pause, "extend": "申请延期", "merge": "合并"}
    waiting |= {"unmerge": "撤销合并"} if merged else {}
    counted = {"include": "恢复计入"} if case.excluded else {"exclude": "剔除"}
    verbs = {**waiting, **counted}
    buttons = [Button(title, action=f"s:{verb}:{mark}") for verb, title in verbs.items()]
    rows = [tuple(buttons[place : place + 2]) for place in range(0, len(buttons), 2)]
    return (*rows, (Button("返回", action=f"s:show:{mark}"),))


def _standing(view: CaseView) -> list[str]:
    """What is settled about the case beside its answer, and what waits for somebody."""
    case, lines = view.case, []
    if case.state != CaseState.WAITING:
        lines.append(f"状态：{CaseState(case.state).label}")
    if case.excluded:
        lines.append(f"已剔除：{ExclusionCode(case.excluded).label}（照常答复，不计入考核）")
    if view.absorbed:
        numbers = "、".join(f"#{one.id}" for one in view.absorbed)
        elsewhere = any(one.thread != case.thread for one in view.absorbed)
        lines.append(f"已并入：{numbers}{'（答复会同时发到那边）' if elsewhere else ''}")
    for number, likeness in _repeats(view)[:_PROPOSED]:
        lines.append(f"疑似重复：#{number}（同一位群众，相似 {likeness}%）")
    if case.grade is not None:
        lines += [f"评价：{GRADES[case.grade - 1]}", *opinion(case)]
    for task in view.tasks:
        lines.append(f"{TaskKind(task.kind).label}：{'；'.join(summary(task))}")
    return lines


def _repeats(view: CaseView) -> list[tuple[int, int]]:
    waiting = view.case.state == CaseState.WAITING
    return likely(view.text, view.others) if waiting and view.others else []


def _deadline(view: CaseView, now: datetime) -> str:
    case = view.case
    if case.due_at is None:
        return "时限：未设"
    if case.paused_at is not None:
        ends = [one.due_at for one in view.tasks if one.kind == TaskKind.SUPPLEMENT and one.due_at]
        until = f"，最晚{spoken_day(ends[0])}恢复" if ends else ""
        return f"时限：已暂停（{spoken_day(case.paused_at)}起等群众补充{until}）"
    left = case.due_at - now
    word = f"还剩 {_span(left)}" if left > timedelta(0) else f"已超期 {_span(-left)}"
    note = "（暂定）" if case.due_provisional else ""
    before = f"（原时限 {spoken_day(case.original_due_at)}）" if case.original_due_at else ""
    return f"时限：{spoken_day(case.due_at)}{note}{before} · {word}"


def _span(delta: timedelta) -> str:
    hours = int(delta.total_seconds() // 3600)
    if hours >= 48:
        return f"{hours // 24} 天"
    return f"{hours} 小时" if hours else f"{int(delta.total_seconds() // 60)} 分钟"


def _attachments(view: CaseView) -> list[str]:
    kinds: dict[str, int] = {}
    for message in view.messages:
        for one in message.attachments:
            word = _ATTACHMENTS.get(one["kind"], "附件")
            kinds[word] = kinds.get(word, 0) + 1
    if not kinds:
        return []
    return ["附件：" + "、".join(f"{word} {number} 个" for word, number in kinds.items())]


def _draft(view: CaseView) -> list[str]:
    draft = view.draft
    if draft is None or not draft.text:
        return ["拟答：没有合适的条目，请点“编辑”写答复。"]
    if draft.kind == DraftKind.REQUEST:
        return ["请群众补充（待审）：", _shorten(draft.text), *_reviewed(view, draft)]
    lines = [f"拟答（把握 {draft.probability:.0%}）：", _shorten(draft.text)]
    if found := find(draft.text, view.text):
        lines.append(f"⚠ {perfunctory.warning(found)}")
    if draft.candidates:
        together = [one for one in draft.candidates if one.get("together")]
        for one in together or [draft.candidates[draft.position]]:
            lines.append(f"出处：{_evidence(one)}")
    return lines + _reviewed(view, draft)


def _reviewed(view: CaseView, draft: Draft) -> list[str]:
    if not draft.approvals:
        return []
    steps = "、".join(
        f"{_STEPS[number]} {approval['name']}" for number, approval in enumerate(draft.approvals, 1)
    )
    return [f"已审：{steps}（共需 {view.account.review_steps} 步）"]


def _evidence(candidate: dict[str, Any]) -> str:
    words = "、".join(candidate["words"][:5])
    notes = "；".join(candidate["notes"])
    parts = [
        f"{candidate['entry_id']}“{candidate['wording']}”",
        f"共同词：{words}" if words else "",
        notes,
    ]
    return "，".join(part for part in parts if part)


def _actions(view: CaseView) -> tuple[tuple[Button, ...], ...]:
    case, draft = view.case, view.draft
    mark = f"{case.id}:{case.version}"
    if case.state != CaseState.WAITING:
        return ((Button("更多", action=f"s:more:{mark}"),),)
    rows: list[tuple[Button, ...]] = []
    if draft and draft.text:
        rows.append((Button(_adopt_title(view, draft), action=f"s:adopt:{mark}"),))
    others = bool(draft and len(draft.candidates) > 1)
    second = [Button("编辑", action=f"s:edit:{mark}")]
    if draft and draft.kind == DraftKind.REQUEST:
        second.append(Button("撤回请求", action=f"s:unask:{mark}"))
    if others:
        second.append(Button("换一条", action=f"s:other:{mark}"))
    rows += [
        tuple(second),
        (
            Button("转办", action=f"s:transfer:{mark}"),
            Button("无需答复", action=f"s:close:{mark}"),
            Button("稍后", action=f"s:later:{mark}"),
        ),
    ]
    if view.evaded:
        rows.append((Button("上一条算作答复", action=f"s:overrule:{mark}"),))
    for number, _ in _repeats(view)[:1]:
        rows.append((Button(f"与 #{number} 合并", action=f"s:merge:{mark}:{number}"),))
    last = [Button("更多", action=f"s:more:{mark}")]
    if any(message.attachments for message in view.messages):
        last.insert(0, Button("看附件", action=f"s:files:{mark}"))
    rows.append(tuple(last))
    return tuple(rows)


def _adopt_title(view: CaseView, draft: Draft) -> str:
    steps = view.account.review_steps
    if steps == 1 and draft.kind == DraftKind.REPLY:
        return "仍要发送" if find(draft.text, view.text) else "采用"
    number = len(draft.approvals) + 1
    return f"{_STEPS[number]}通过" + ("并发送" if number == steps else "")


def _shorten(text: str) -> str:
    return text if len(text) <= _SHOWN else text[:_SHOWN] + "……（较长，已截短）"
