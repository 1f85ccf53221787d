"""The card of a task: what is asked for, by whom, and the buttons to decide it."""

from __future__ import annotations

from bot.channels.base import Button, Outgoing
from bot.desk.wording import spoken_day
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
        f"提出：{asker}" if asker else "",
        f"时限：{spoken_day(case.due_at)}" if case.due_at else "",
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
    return []


def _buttons(task: Task) -> tuple[tuple[Button, ...], ...]:
    match TaskKind(task.kind):
        case TaskKind.EXCLUSION:
            return (_button(task, "同意剔除", "approve"), _button(task, "不同意", "refuse"))
        case TaskKind.EXTENSION:
            return (_button(task, "同意延期", "approve"), _button(task, "不同意", "refuse"))
    return ()


def _button(task: Task, title: str, verb: str) -> tuple[Button, ...]:
    return (Button(title, action=f"t:{verb}:{task.id}"),)
