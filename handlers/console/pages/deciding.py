"""What can be done with a task, by button: decided, signed for, or said what came of a call."""

from __future__ import annotations

from collections.abc import Mapping

from bot.desk.wording import OUTCOMES
from handlers.console.pages.parts import choose
from handlers.console.visit import Visit
from storage.models import Task
from storage.terms import TaskKind

_AGREE = {"approve": "同意", "refuse": "不同意"}
VERBS: Mapping[TaskKind, Mapping[str, str]] = {
    TaskKind.EXTENSION: _AGREE,
    TaskKind.EXCLUSION: _AGREE,
    TaskKind.TRANSFER: {"accept": "签收", "return": "退件"},
    TaskKind.CALLBACK: OUTCOMES,
}


async def decide(visit: Visit, task: Task, verb: str) -> bool:
    """Do it, with the words that it needs; whether it was done."""
    tasks, words = visit.desk.tasks, ""
    if needed := tasks.words_for(TaskKind(task.kind), verb):
        title = VERBS[TaskKind(task.kind)][verb]
        words = (await choose(f"{title}：请写{needed}", {}, words=needed) or "")[1:].strip()
        if not words:
            return False
    said = await visit.ask(lambda s: tasks.act(s, task.id or 0, verb, "", words))
    if said:
        visit.tell(said)
    return bool(said)
