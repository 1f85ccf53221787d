"""The card of a task: what is asked for, by whom, and the buttons to decide it."""

from __future__ import annotations

from bot.channels.base import Button, Outgoing
from bot.desk.wording import GRADES, OUTCOMES, spoken_day
from knowledge.masking import mask
from storage.models import Account, Case, Task
from storage.terms import ExclusionCode, TaskKind

_SHOWN = 200


def card(task: Task, case: Case, account: Account, asker: str) -> Outgoing:
    """One task on one small screen."""
    kind = TaskKind(task.kind)
    parts = [
        f"{kind.label} · 诉求 #{case.id} · {case.category} · {account.name}",
        *summary(task),
        *(opinion(case) if task.kind == TaskKind.CALLBACK else []),
        f"提出：{asker}" if asker else "",
        _until(task, case),
        f"群众：{mask(case.subject[:_SHOWN]) or '（没有文字）'}",
    ]
    return Outgoing("\n".join(part for part in parts if part), _buttons(task))


def summary(task: Task) -> list[str]:
    """What the task is about, in lines."""
    match TaskKind(task.kind):
        case TaskKind.EXCLUSION:
            code = ExclusionCode(task.data["code"])
            return [f"剔除原因：{code.label}", f"证据：{task.text}"]
        case TaskKind.EXTENSION:
            return [f"延长 {task.data['amount']} 个工作日", f"理由：{task.text}"]
        case TaskKind.TRANSFER:
            return [f"转给：{task.data['department']}", f"理由：{task.text}"]
        case TaskKind.SUPPLEMENT:
            return [mask(task.text[:_SHOWN])]
        case TaskKind.CALLBACK:
            return [f"评价：{GRADES[task.data['grade'] - 1]}"]


def opinion(case: Case) -> list[str]:
    """What the citizen said of their grade, masked, in lines."""
    said = {"意见": case.comment, "追评": case.follow_up}
    return [f"{name}：{mask(text[:_SHOWN])}" for name, text in said.items() if text]


def _until(task: Task, case: Case) -> str:
    """When the task must be done, or the case answered."""
    names = {TaskKind.CALLBACK: "回访时限", TaskKind.TRANSFER: "签收时限"}
    lines = []
    if task.due_at is not None and TaskKind(task.kind) in names:
        lines.append(f"{names[TaskKind(task.kind)]}：{spoken_day(task.due_at)}")
    if case.due_at is not None and task.kind != TaskKind.CALLBACK:
        lines.append(f"时限：{spoken_day(case.due_at)}")
    return "\n".join(lines)


def _buttons(task: Task) -> tuple[tuple[Button, ...], ...]:
    match TaskKind(task.kind):
        case TaskKind.EXCLUSION:
            return (_button(task, "同意剔除", "approve"), _button(task, "不同意", "refuse"))
        case TaskKind.EXTENSION:
            return (_button(task, "同意延期", "approve"), _button(task, "不同意", "refuse"))
        case TaskKind.TRANSFER:
            return (_button(task, "签收", "accept"), _button(task, "退件", "return"))
        case TaskKind.CALLBACK:
            return tuple(_button(task, title, verb) for verb, title in OUTCOMES.items())
    return ()


def _button(task: Task, title: str, verb: str) -> tuple[Button, ...]:
    return (Button(title, action=f"t:{verb}:{task.id}"),)
