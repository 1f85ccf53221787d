"""事项: what waits for this person's decision, signature or call, worked through by keyboard."""

from __future__ import annotations

from fastapi import Request
from nicegui import Client, ui

from bot.desk.countdown import exact_moment
from bot.desk.taskcards import opinion, summary
from bot.desk.tasks import Pending
from bot.desk.wording import spoken_day
from handlers.console.pages.deciding import VERBS, decide
from handlers.console.pages.parts import button, choose, tag, word
from handlers.console.pages.standing import StandingList, nothing
from handlers.console.visit import PATIENCE, on_page, visit_of
from knowledge.masking import mask
from storage.models import Staff, Task
from storage.terms import TaskKind

_SUBJECT = 120
_KEYS = {
    "j": "下一项",
    "k": "上一项",
    "d": "处理这一项，再按数字选",
    "Enter": "打开诉求",
    "l": "看最新的",
    "?": "这张表",
}


@ui.page("/tasks", response_timeout=PATIENCE)
async def tasks(request: Request, client: Client) -> None:
    await TasksPage(visit_of(request, client)).start()


class TasksPage(StandingList[Pending]):
    """What is to be approved, signed for or called, first what is due first."""

    title = "事项"
    keys = _KEYS

    async def find(self, staff: Staff) -> list[Pending]:
        return await self.visit.desk.tasks.pending(staff)

    def stamp(self, one: Pending) -> object:
        return one.task.id, one.case.version

    def head(self, count: int) -> None:
        if count:
            word(f"等您处理的 {count:,} 项，先到期的在前。", "kb-why soft", name="div")
        else:
            nothing(
                "没有等您处理的事项。",
                "要您批准的延期、剔除，要您签收的转办，要您做的差评回访，会出现在这里。",
            )

    def row(self, one: Pending) -> ui.element:
        task, case = one.task, one.case
        kind = TaskKind(task.kind)
        with tag("div", "kb-trouble kb-task"):
            word(kind.label, "kb-state")
            with tag("a", "who grow").props(f'href="/console/case/{case.id}"') as link:
                word(f"#{case.id} {mask(case.subject[:_SUBJECT]) or '（没有文字）'}")
            for verb, title in VERBS[kind].items():
                button(title).on_click(lambda verb=verb: self._decide(task, verb))
            with tag("div", "kb-trouble-why soft"):
                word(f"{one.account.name} · {case.category} · {case.department or '承办未定'}")
                for line in (*summary(task), *(opinion(case) if kind == TaskKind.CALLBACK else ())):
                    word(line)
                if task.due_at is not None:
                    late = task.due_at < self.visit.desk.office.now()
                    until = f"{'已过期，应在' if late else ''}{spoken_day(task.due_at)}前"
                    word(until, "bad" if late else "", exact_moment(task.due_at))
        return link

    @on_page
    async def _decide(self, task: Task, verb: str) -> None:
        if await decide(self.visit, task, verb):
            await self.look()

    async def act(self, key: str, one: Pending) -> None:
        if key != "d":
            return
        verb = await choose("怎么处理？", VERBS[TaskKind(one.task.kind)])
        if verb:
            await self._decide(one.task, verb)
